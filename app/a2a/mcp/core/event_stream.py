"""An answer of server-sent events that ends when it must: with its client, its credential, or the process."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.a2a.mcp.core.request import Caller
from app.a2a.mcp.core.tasks import end
from app.a2a.mcp.errors import A2AError

if TYPE_CHECKING:
    from app.a2a.mcp.core.runtime import Runtime

log = logging.getLogger(__name__)

COMMENT_SECONDS = 15.0
"""A silent stream says that it is still there this often: proxies and clients cut what says nothing."""

EVENTS_PATH = "/streams/events"
"""Where a service that keeps logs serves them as such a stream."""

HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class EventStream(StreamingResponse):
    """Sends the parts, each made of whole events (WHATWG HTML §9.2), and closes `held` in the end.

    `parts` yields "" every few seconds while there is nothing to say, so that a comment can be sent in its place.
    """

    def __init__(
        self, parts: AsyncGenerator[str], runtime: "Runtime", caller: Caller, held: contextlib.ExitStack
    ) -> None:
        super().__init__(parts, media_type="text/event-stream", headers=HEADERS)
        self.parts = parts
        self.runtime = runtime
        self.caller = caller
        self.held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one of them ends it; a part is sent whole or not at all."""
        with self.held, self.runtime.revocations.watch(self.caller) as revoked:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            reasons = (self._pump(send), _left(receive), _set(revoked), _set(self.runtime.released))
            tasks = [asyncio.ensure_future(reason) for reason in reasons]
            try:
                await asyncio.wait(tasks, timeout=self._seconds_left(), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    await end(task)
                await self.parts.aclose()
            if not tasks[0].cancelled():
                tasks[0].result()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, send: Send) -> None:
        clock = self.runtime.clock
        spoken = clock()
        try:
            async for part in self.parts:
                if not part and clock() - spoken < COMMENT_SECONDS:
                    continue
                spoken = clock()
                body = (part or ": still here\n\n").encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except A2AError as error:
            # The status is sent; an end makes the client come again, and then it is told.
            log.info("an event stream ended early: %s", error.code)

    def _seconds_left(self) -> float | None:
        expires_at = self.caller.expires_at
        return None if expires_at is None else max(0.0, expires_at - time.time())


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _set(event: asyncio.Event) -> None:
    await event.wait()
