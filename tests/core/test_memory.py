"""Large calls wait for each other, in order, so that their values fit the instance's memory."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.a2a.mcp.core.memory import LargeCalls

pytestmark = pytest.mark.anyio


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def hold(calls: LargeCalls, size: int, order: list[int], release: asyncio.Event) -> None:
    async with calls.admitted(size):
        order.append(size)
        await release.wait()


async def test_large_calls_are_admitted_in_order_while_they_fit() -> None:
    calls, order, release = LargeCalls(10), list[int](), asyncio.Event()
    async with AsyncExitStack() as first:
        await first.enter_async_context(calls.admitted(6))
        waiting = [asyncio.create_task(hold(calls, size, order, release)) for size in (7, 3, 2)]
        await settle()
        # The small ones would fit now, but a stream of small calls must not starve a large one.
        assert order == []
    await settle()
    assert order == [7, 3]
    release.set()
    await asyncio.gather(*waiting)
    assert order == [7, 3, 2]


async def test_a_call_larger_than_all_room_is_admitted_alone() -> None:
    calls = LargeCalls(10)
    async with calls.admitted(1000):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), calls.admitted(1):
                pass
    async with calls.admitted(1000):
        pass


async def test_a_call_that_gives_up_waiting_leaves_no_hole() -> None:
    calls, order, release = LargeCalls(10), list[int](), asyncio.Event()
    release.set()
    async with calls.admitted(8):
        gone = asyncio.create_task(hold(calls, 9, order, release))
        next_one = asyncio.create_task(hold(calls, 2, order, release))
        await settle()
        gone.cancel()
        await asyncio.wait([gone])
        await next_one
    assert order == [2]
    async with calls.admitted(10):
        pass
