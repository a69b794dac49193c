"""Work in child processes: for libraries that cannot be stopped from outside, keep memory, or may end their process.

Children come from a fork server, a fresh process that has loaded the library: a fork of this one would carry its
sockets along. Nothing is started before the first piece of work, and a child that is not well is simply replaced.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from app.a2a.mcp.core.pool import await_work
from app.a2a.mcp.errors import LimitExceededError

ResultT = TypeVar("ResultT")

CHILDREN = 3
ATTEMPTS = 2
"""Of work whose child died, which may have been the fault of earlier work."""


class ChildPool:
    """At most CHILDREN processes, each begun with the `modules` of the first call loaded."""

    def __init__(self) -> None:
        self._pool: Any = None

    async def run(
        self, modules: Sequence[str], work: Callable[..., ResultT], *args: object, remaining: Callable[[], float]
    ) -> ResultT:
        """The result of `work(*args)`, both of which are pickled; a call that ends before it kills the child.

        Raises DeadlineExceededError when `remaining()` seconds are over, LimitExceededError when the child died of it.
        """
        from pebble import ProcessExpired

        deaths = 0
        while deaths < ATTEMPTS:
            try:
                return await self._once(modules, work, args, remaining())
            except ProcessExpired as expired:
                # A child says with EX_TEMPFAIL that earlier work has spent it and this was not begun.
                deaths += expired.exitcode != os.EX_TEMPFAIL
        raise LimitExceededError("the work needed more memory than one call may use: make the problem smaller")

    async def _once(
        self, modules: Sequence[str], work: Callable[..., ResultT], args: tuple[object, ...], seconds: float
    ) -> ResultT:
        running = (self._pool or self._open(modules)).schedule(work, args=args)
        return await await_work(asyncio.wrap_future(running), seconds, running.cancel)

    def _open(self, modules: Sequence[str]) -> Any:
        from pebble import ProcessPool

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", *modules])
        self._pool = ProcessPool(max_workers=CHILDREN, context=context)
        return self._pool

    def close(self) -> None:
        """Kill the children; waits a moment for them."""
        if self._pool is not None:
            self._pool.stop()
            self._pool.join(timeout=5)
            self._pool = None
