"""A stop fails nobody: waiting connections are answered, pooled ones told to close, open calls and streams end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.a2a.mcp.core import drain
from app.a2a.mcp.core.access import AccessMiddleware
from app.a2a.mcp.core.correlation import CorrelationMiddleware
from app.a2a.mcp.core.drain import UVICORN_OPTIONS, DrainServer
from app.a2a.mcp.core.runtime import Runtime, build_runtime
from app.a2a.mcp.core.settings import Settings
from tests.core.asgi import answer
from tests.core.sample import SERVICE

pytestmark = pytest.mark.anyio

REQUEST = b"GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n"
STREAM = b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"
Serve = Callable[..., Any]


class Served:
    """A server in this process whose /slow answers when `release` is set."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.release = asyncio.Event()
        self.entered = asyncio.Event()
        self.lifespan: list[str] = []
        app = CorrelationMiddleware(AccessMiddleware(self._app, runtime), runtime)
        config = uvicorn.Config(app, log_config=None, timeout_keep_alive=75, **UVICORN_OPTIONS)
        config.load()
        self.server = DrainServer(config, runtime)
        self.server.lifespan = config.lifespan_class(config)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.lifespan.append("closed")
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            await self.release.wait()
            await send({"type": "http.response.body", "body": b"ended"})
            return
        if scope["path"] == "/slow":
            self.entered.set()
            await self.release.wait()
        await answer(send)

    def connect(self, data: bytes = b"") -> socket.socket:
        """A connection the kernel completes at once, and bytes it keeps for whoever accepts."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(data)
        connection.setblocking(False)
        return connection

    def stop(self) -> "asyncio.Task[None]":
        """Begin the stop."""
        return asyncio.create_task(self.server.shutdown([self.listener]))


async def read(connection: socket.socket, enough: bytes = b"fine") -> bytes:
    """What the server sends until `enough` or the end."""
    received = b""
    async with asyncio.timeout(10):
        while enough not in received:
            part = await asyncio.get_running_loop().sock_recv(connection, 65536)
            if not part:
                break
            received += part
    return received


@pytest.fixture
def serve(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Serve:
    @asynccontextmanager
    async def serve(drain_seconds: float = 5, idle_seconds: float = 0.2) -> AsyncIterator[Served]:
        monkeypatch.setattr(drain, "IDLE_SECONDS", idle_seconds)
        served = Served(build_runtime(SERVICE, make_settings(mcp_drain_seconds=drain_seconds)))
        await served.server.startup([served.listener])
        yield served

    return serve


async def test_connections_nobody_accepted_yet_are_answered(serve: Serve) -> None:
    async with serve() as served:
        waiting = [served.connect(REQUEST) for _ in range(20)]
        stopping = served.stop()
        answers = [await read(connection) for connection in waiting]
        await asyncio.wait_for(stopping, 10)
    assert all(b"200 OK" in received and b"connection: close" in received for received in answers)
    for connection in waiting:
        connection.close()


async def test_new_connections_are_refused_at_once(serve: Serve) -> None:
    async with serve() as served:
        held = served.connect(SLOW)
        await asyncio.wait_for(served.entered.wait(), 10)
        stopping = served.stop()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            served.connect()
        served.release.set()
        await asyncio.wait_for(stopping, 10)
    held.close()


async def test_a_pooled_connection_gets_one_more_answer_that_says_close(serve: Serve) -> None:
    async with serve(idle_seconds=5) as served:
        pooled = served.connect(REQUEST)
        assert b"connection: close" not in await read(pooled)
        stopping = served.stop()
        await asyncio.sleep(0.05)
        pooled.sendall(REQUEST)
        received = await read(pooled, enough=b"nothing more")
        await asyncio.wait_for(stopping, 2)
    assert b"200 OK" in received
    assert b"connection: close" in received
    pooled.close()


async def test_a_call_in_flight_is_answered_and_says_close(serve: Serve) -> None:
    async with serve() as served:
        connection = served.connect(SLOW)
        await asyncio.wait_for(served.entered.wait(), 10)
        stopping = served.stop()
        await asyncio.sleep(0.5)
        assert not stopping.done()
        served.release.set()
        received = await read(connection)
        await asyncio.wait_for(stopping, 5)
    assert b"200 OK" in received
    assert b"connection: close" in received
    connection.close()


async def test_the_connection_of_a_stream_that_ends_serves_once_more_as_its_head_had_said(serve: Serve) -> None:
    async with serve(idle_seconds=5) as served:
        connection = served.connect(STREAM)
        assert b"connection: close" not in await read(connection, enough=b"begun")
        stopping = served.stop()
        await asyncio.sleep(0.05)
        served.release.set()
        await read(connection, enough=b"0\r\n\r\n")
        connection.sendall(REQUEST)
        received = await read(connection, enough=b"nothing more")
        await asyncio.wait_for(stopping, 5)
    assert b"200 OK" in received
    assert b"connection: close" in received
    connection.close()


async def test_a_silent_connection_does_not_hold_the_stop(serve: Serve) -> None:
    async with serve(drain_seconds=30, idle_seconds=0.1) as served:
        connection = served.connect(REQUEST)
        await read(connection)
        silent = served.connect()
        await asyncio.wait_for(served.stop(), 5)
        assert served.lifespan == ["closed"]
    connection.close()
    silent.close()


async def test_without_connections_a_stop_takes_no_time(serve: Serve) -> None:
    async with serve(drain_seconds=30, idle_seconds=30) as served:
        await asyncio.wait_for(served.stop(), 5)


async def test_a_call_that_outlives_the_drain_is_told_to_try_again(serve: Serve) -> None:
    async with serve(drain_seconds=0.2) as served:
        connection = served.connect(SLOW)
        await asyncio.wait_for(served.entered.wait(), 10)
        await asyncio.wait_for(served.stop(), 10)
        received = await read(connection, enough=b"unavailable")
    assert b"503 Service Unavailable" in received
    connection.close()


async def test_the_process_says_it_drains_and_ends_its_streams_first(serve: Serve) -> None:
    async with serve() as served:
        ended = []
        served.runtime.on_drain.append(lambda: ended.append(served.runtime.draining))
        await asyncio.wait_for(served.stop(), 5)
    assert ended == [True]


async def test_a_peer_that_left_the_queue_does_not_disturb_the_stop(serve: Serve) -> None:
    async with serve() as served:
        gone = served.connect(REQUEST)
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()
        stays = served.connect(REQUEST)
        stopping = served.stop()
        assert b"200 OK" in await read(stays)
        await asyncio.wait_for(stopping, 10)
    stays.close()
