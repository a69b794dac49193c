"""A background task ends even when it loses its first cancellation."""

import asyncio
import contextlib

import pytest

from app.a2a.mcp.core.tasks import end

pytestmark = pytest.mark.anyio


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end(task)
    assert task.cancelled()


async def test_a_task_that_has_ended_is_left_alone() -> None:
    async def brief() -> None:
        return

    task = asyncio.create_task(brief())
    await task
    await end(task)
    assert not task.cancelled()
