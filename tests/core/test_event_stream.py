"""An event stream says that it is there, and ends with its client, its credential and its process."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from starlette.types import Message

from app.a2a.mcp.core.event_stream import COMMENT_SECONDS, EventStream
from app.a2a.mcp.core.request import Caller
from app.a2a.mcp.core.runtime import Runtime
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.errors import UnavailableError
from tests.core.conftest import Clock
from tests.core.exchange import runtime_of

pytestmark = pytest.mark.anyio

SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/streams/events"}
TOKEN = Caller("ann", frozenset({"read"}), "jwt", token_id="token-1")


class Open:
    """A stream being served; `say` gives it parts."""

    def __init__(self, runtime: Runtime, caller: Caller = TOKEN) -> None:
        self.said: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.leave = asyncio.Event()
        self.closed: list[str] = []
        held = contextlib.ExitStack()
        held.callback(self.closed.append, "held")
        stream = EventStream(self._parts(), runtime, caller, held)
        self.task = asyncio.ensure_future(stream(SCOPE, self._receive, self._send))

    async def _parts(self) -> AsyncGenerator[str]:
        try:
            while True:
                part = await self.said.get()
                if isinstance(part, Exception):
                    raise part
                yield part
        finally:
            self.closed.append("parts")

    async def _receive(self) -> Message:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.put_nowait(message)

    async def next(self) -> Message:
        """What is sent next, within ten seconds."""
        return await asyncio.wait_for(self.sent.get(), 10)

    async def ends(self) -> bool:
        """Whether it ends, sends its last part and lets go of all it held."""
        await asyncio.wait_for(self.task, 10)
        last = [self.sent.get_nowait() for _ in range(self.sent.qsize())][-1]
        return last == {"type": "http.response.body", "body": b"", "more_body": False} and sorted(self.closed) == [
            "held",
            "parts",
        ]


@pytest.fixture
def runtime(make_settings: Callable[..., Settings], clock: Clock) -> Runtime:
    runtime = runtime_of(make_settings())
    runtime.clock = clock
    return runtime


async def test_it_begins_before_there_is_anything_to_say_and_is_not_buffered(runtime: Runtime) -> None:
    stream = Open(runtime)
    start = await stream.next()
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert start["status"] == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert (headers["x-accel-buffering"], headers["cache-control"]) == ("no", "no-store")
    assert "content-length" not in headers
    stream.leave.set()
    assert await stream.ends()


async def test_a_silent_stream_comments_every_fifteen_seconds_and_one_that_speaks_does_not(
    runtime: Runtime, clock: Clock
) -> None:
    stream = Open(runtime)
    await stream.next()
    for seconds, part, sent in [
        (COMMENT_SECONDS - 1, "", None),
        (1, "", b": still here\n\n"),
        (COMMENT_SECONDS - 1, "data: 1\n\n", b"data: 1\n\n"),
        (COMMENT_SECONDS - 1, "", None),
        (1, "", b": still here\n\n"),
    ]:
        clock.advance(seconds)
        stream.said.put_nowait(part)
        if sent is not None:
            assert (await stream.next())["body"] == sent
        for _ in range(5):
            await asyncio.sleep(0)
        assert stream.sent.empty()
    stream.leave.set()
    assert await stream.ends()


async def test_it_ends_when_its_client_leaves(runtime: Runtime) -> None:
    stream = Open(runtime)
    stream.leave.set()
    assert await stream.ends()


async def test_it_ends_when_the_callers_token_is_revoked(runtime: Runtime) -> None:
    await runtime.start()
    stream, other = Open(runtime), Open(runtime, Caller("bob", frozenset({"read"}), "jwt", token_id="token-2"))
    await stream.next()
    await runtime.stores.sessions.revoke({"token-1": time.time() + 60})
    assert await stream.ends()
    assert not other.task.done()
    other.leave.set()
    assert await other.ends()
    await runtime.close()


async def test_it_ends_when_the_callers_token_is_over(runtime: Runtime) -> None:
    expired = Caller("ann", frozenset({"read"}), "jwt", token_id="token-3", expires_at=time.time() + 0.05)
    assert await Open(runtime, expired).ends()


async def test_it_ends_when_the_process_drains(runtime: Runtime) -> None:
    stream = Open(runtime)
    await stream.next()
    runtime.drain()
    assert await stream.ends()


async def test_a_store_that_fails_ends_it_so_that_the_client_comes_again(runtime: Runtime) -> None:
    stream = Open(runtime)
    stream.said.put_nowait(UnavailableError("away"))
    assert await stream.ends()


async def test_a_fault_of_ours_is_not_hidden(runtime: Runtime) -> None:
    stream = Open(runtime)
    stream.said.put_nowait(RuntimeError("ours"))
    with pytest.raises(RuntimeError, match="ours"):
        await asyncio.wait_for(stream.task, 10)
    assert sorted(stream.closed) == ["held", "parts"]
