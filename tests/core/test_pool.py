"""The threads of heavy work: a fixed number, also when calls are given up, and work that ends when nobody waits."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator

import pytest

from app.a2a.mcp.abandonment import AbandonedError, attended, checkpoint
from app.a2a.mcp.core.pool import WorkPool
from app.a2a.mcp.errors import DeadlineExceededError

pytestmark = pytest.mark.anyio

PATIENCE = 20.0


@pytest.fixture
def pool() -> Iterator[WorkPool]:
    pool = WorkPool(2)
    yield pool
    pool.close()


async def until_idle(pool: WorkPool) -> None:
    async with asyncio.timeout(PATIENCE):
        while pool.busy:  # noqa: ASYNC110 - threads set no asyncio event
            await asyncio.sleep(0.01)


class Endless:
    """Work that ends only at a checkpoint, and tells how it began and ended."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        try:
            while True:
                checkpoint()
                time.sleep(0.001)
        except AbandonedError:
            self.ended.set()
            raise


async def test_work_answers_or_raises_what_it_raised(pool: WorkPool) -> None:
    assert await pool.run(lambda: 7, PATIENCE) == 7
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0, PATIENCE)


async def test_work_past_its_deadline_is_told_to_end(pool: WorkPool) -> None:
    work = Endless()
    with pytest.raises(DeadlineExceededError):
        await pool.run(work, 0.2)
    await until_idle(pool)
    assert work.ended.is_set()


async def test_work_of_a_cancelled_call_is_told_to_end(pool: WorkPool) -> None:
    work = Endless()
    call = asyncio.create_task(pool.run(work, PATIENCE))
    await asyncio.to_thread(work.begun.wait, PATIENCE)
    call.cancel()
    await until_idle(pool)
    assert call.cancelled() and work.ended.is_set()


async def test_abandoned_work_keeps_its_thread_until_it_has_ended(pool: WorkPool) -> None:
    release = threading.Event()
    for _ in range(2):
        with pytest.raises(DeadlineExceededError):
            await pool.run(lambda: release.wait(PATIENCE), 0.05)
    with pytest.raises(DeadlineExceededError):
        await pool.run(lambda: "a third thread", 0.2)
    release.set()
    assert await pool.run(lambda: "free again", PATIENCE) == "free again"


async def test_a_loop_over_attended_items_ends_between_two_of_them(pool: WorkPool) -> None:
    seen: list[int] = []

    def work() -> None:
        for item in attended(range(10**9)):
            seen.append(item)

    with pytest.raises(DeadlineExceededError):
        await pool.run(work, 0.1)
    await until_idle(pool)
    assert seen


async def test_a_call_cancelled_as_its_work_fails_leaves_no_error_behind(
    pool: WorkPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: left.append(context["message"]))
    original = asyncio.wait

    async def wait_and_be_cancelled(*arguments: object, **options: object) -> None:
        await original(*arguments, **options)  # type: ignore[arg-type]
        raise asyncio.CancelledError

    def fail() -> None:
        raise ValueError("a caller's text")

    monkeypatch.setattr(asyncio, "wait", wait_and_be_cancelled)
    with pytest.raises(asyncio.CancelledError):
        await pool.run(fail, PATIENCE)
    gc.collect()
    await asyncio.sleep(0)
    assert left == []
