"""A uvicorn server that stops without failing a request.

uvicorn alone fails three kinds on a stop: connections the kernel has completed and nobody accepted, pooled connections
closed while the proxy writes on them, and streams. Here the queue is emptied before it is closed, pooled connections
get one more answer that says `Connection: close`, open calls finish, and streams are told to end, after which their
connections are pooled ones.
"""

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import Server

from app.a2a.mcp.core.runtime import Runtime

log = logging.getLogger(__name__)

IDLE_SECONDS = 2.0
"""How long a pooled connection may stay silent in a stop; a busy proxy uses each of its own far sooner."""

TICK_SECONDS = 0.02
LAST_SECONDS = 1
"""What uvicorn gets to cut calls that outlived the drain."""

KEEP_ALIVE_SECONDS = 75
"""Longer than the proxy keeps an idle connection (60 s): the proxy closes first, so it never writes on a closed one."""


class DrainServer(Server):
    """Serves until told to stop, then drains for at most the settings' `mcp_drain_seconds`."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime) -> None:
        super().__init__(config)
        self.runtime = runtime

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then let uvicorn close what is left."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.runtime.settings.mcp_drain_seconds
        self.runtime.drain()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await self._adopt(self._close_listeners(sockets or ()))
        for connection in list(self.server_state.connections):
            if _is_busy(connection) and not _has_begun(connection):
                connection.shutdown()  # it answers first, and says that it closes
        await self._wait(min(loop.time() + IDLE_SECONDS, end), end)
        self.config.timeout_graceful_shutdown = LAST_SECONDS
        await super().shutdown(None)

    def _close_listeners(self, sockets: Iterable[socket.socket]) -> list[socket.socket]:
        """Accept what waits in each queue, close the queue at once, and return the connections."""
        accepted = []
        for server, listener in zip(self.servers, sockets, strict=False):
            with contextlib.suppress(OSError):  # BlockingIOError: the queue is empty
                while True:
                    accepted.append(listener.accept()[0])
            server.close()
            listener.close()
        return accepted

    async def _adopt(self, accepted: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        protocol = functools.partial(
            cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=loop,
        )
        for connection in accepted:
            connection.setblocking(False)
            with contextlib.suppress(OSError):  # the peer may have gone meanwhile
                await loop.connect_accepted_socket(protocol, connection)

    async def _wait(self, idle_end: float, end: float) -> None:
        """Until nothing is open; silent connections are waited for until `idle_end`, busy ones until `end`."""
        loop = asyncio.get_running_loop()
        while (now := loop.time()) < end and not self.force_exit:
            busy = self.server_state.tasks or any(map(_is_busy, self.server_state.connections))
            if not busy and (now >= idle_end or not self.server_state.connections):
                return
            if self.config.callback_notify is not None:
                await self.config.callback_notify()
            await asyncio.sleep(TICK_SECONDS)
        if self.server_state.tasks:
            log.warning("%d calls outlived the drain and are cut", len(self.server_state.tasks))


def _is_busy(connection: object) -> bool:
    """Whether a request has begun on the connection and its answer has not ended."""
    cycle = getattr(connection, "cycle", None)
    return cycle is not None and not cycle.response_complete


def _has_begun(connection: object) -> bool:
    """Whether the head of the answer is sent, and with it that the connection stays: as a pooled one it must then."""
    cycle = getattr(connection, "cycle", None)
    return cycle is not None and bool(cycle.response_started)


def serve(app: ASGIApp, runtime: Runtime) -> None:
    """Serve the application in this process until SIGINT or SIGTERM: what a script start and a child process do."""
    settings = runtime.settings
    config = uvicorn.Config(
        app,
        host=settings.mcp_host,
        port=settings.port,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        **UVICORN_OPTIONS,
    )
    listener = config.bind_socket()
    listener.setblocking(False)
    DrainServer(config, runtime).run(sockets=[listener])


UVICORN_OPTIONS: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "none",
    "lifespan": "on",
    "access_log": False,
    "server_header": False,
    # The client's address is ours to find (core/correlation.py): uvicorn's rewriting would hide who the peer is.
    "proxy_headers": False,
}
