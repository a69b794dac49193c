"""Ending a background task for sure."""

import asyncio

AGAIN_SECONDS = 0.2


async def end(task: "asyncio.Task[None]") -> None:
    """Cancel the task until it has ended.

    Once is not always enough: a cancellation that arrives together with a time-out or a lost connection can be
    answered by that other thing (CPython issue 86296 for `wait_for`, redis-py for its reads).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_SECONDS)
