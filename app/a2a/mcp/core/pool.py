"""The threads that heavy work runs in: a fixed number, and work that nobody waits for is told to end.

Work keeps its thread until it has really ended: abandoned work counts, or a client that calls and leaves could start
any number of threads.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from app.a2a.mcp.abandonment import Abandonment, current_abandonment
from app.a2a.mcp.errors import DeadlineExceededError

ResultT = TypeVar("ResultT")


async def await_work(result: "asyncio.Future[ResultT]", seconds: float, abandon: Callable[[], object]) -> ResultT:
    """What work elsewhere results in; `abandon` ends it where nobody waits any more.

    Raises DeadlineExceededError after `seconds`, and what the work raised.
    """
    try:
        await asyncio.wait([result], timeout=seconds)
        if result.done():
            return result.result()
        raise DeadlineExceededError("the work did not end before the call's deadline")
    finally:
        if not result.done():
            abandon()
            result.cancel()
        elif not result.cancelled():
            # A call may be cancelled in the moment its work fails: an error nobody looks at would be logged whole.
            result.exception()


class WorkPool:
    """`size` threads of the process; nothing runs before the first piece of work."""

    def __init__(self, size: int) -> None:
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="work")
        self._open: set[Abandonment] = set()

    @property
    def busy(self) -> int:
        """Pieces of work that run or wait for a thread, abandoned ones included."""
        return len(self._open)

    async def run(self, work: Callable[[], ResultT], seconds: float) -> ResultT:
        """The result of `work`; raises DeadlineExceededError after `seconds`. A cancelled call abandons its work."""
        abandonment = Abandonment()
        result = self._start(work, abandonment)
        return await await_work(result, seconds, abandonment.declare)

    def close(self) -> None:
        """Tell all work to end; does not wait for it."""
        for abandonment in list(self._open):
            abandonment.declare()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self, work: Callable[[], ResultT], abandonment: Abandonment) -> "asyncio.Future[ResultT]":
        context = copy_context()
        context.run(current_abandonment.set, abandonment)
        self._open.add(abandonment)
        running = self._threads.submit(context.run, work)
        running.add_done_callback(lambda _: self._open.discard(abandonment))
        return asyncio.wrap_future(running)
