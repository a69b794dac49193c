"""A call ends with its client: what nobody waits for is cancelled, and what it held is free again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import anyio
from starlette.types import Receive

from app.a2a.mcp.core.tasks import end

PATIENCE_SECONDS = 0.05
"""A call shorter than this is not watched: it is over before the end of a connection would be noticed."""


@contextlib.asynccontextmanager
async def while_there(receive: Receive) -> AsyncIterator[None]:
    """Cancel the block when the client leaves; its body must have been read."""
    watch: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal watch
        watch = asyncio.ensure_future(_cancel_when_left(receive, scope))

    timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, begin)
    try:
        with anyio.CancelScope() as scope:
            yield
    finally:
        timer.cancel()
        if watch is not None:
            await end(watch)


async def _cancel_when_left(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
