"""All services of the registry in this process, reached as the edge publishes them: HTTP on one port, /<service>/mcp.

Documentation and contract tests ask it: real applications with every layer, calling each other over loopback.
"""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.core.server import Server
from app.a2a.mcp.core.settings import Settings

CLIENT = "example"


@dataclass(frozen=True, slots=True)
class LiveFleet:
    """The running fleet: `url` holds `{service}`, `keys` one API key for each set of permissions."""

    url: str
    apps: Mapping[str, FastAPI]
    keys: Mapping[str, str]
    portal: BlockingPortal

    def headers(self, permissions: str = "read,write") -> dict[str, str]:
        """What a client with these permissions sends beside its message."""
        return {"Authorization": f"Bearer {self.keys[permissions]}"}


def menu(service: str) -> Server[Any]:
    """The menu of a service."""
    server: Server[Any] = import_module(load_registry().get(service).module).server
    return server


@contextmanager
def live_fleet(directory: Path, **overrides: Any) -> Iterator[LiveFleet]:
    """Start every service with state in `directory` and serve until the block ends; keywords override settings."""
    keys = {permissions: secrets.token_urlsafe(32) for permissions in ("read", "read,write", "write")}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/{{service}}"
        values: dict[str, Any] = {
            "api_keys": tuple(f"{key}:{CLIENT}:{permissions}" for permissions, key in keys.items()),
            "jwt_secret_key": secrets.token_urlsafe(32),
            "mcp_request_state_keys": (secrets.token_urlsafe(32),),
            "mcp_sister_url": url,
            "mcp_state_directory": directory,
            "rate_limit_requests": 10**9,
        }
        settings = Settings.model_validate(values | overrides)
        apps = {
            service.name: create_app(menu(service.name), settings.model_copy(update={"mcp_service": service.name}))
            for service in load_registry()
        }
        with start_blocking_portal() as portal:
            serving = portal.wrap_async_context_manager(_serving(apps, listener))
            serving.__enter__()
            try:
                yield LiveFleet(f"{url}/mcp", apps, keys, portal)
            finally:
                # The block's own failure is none of the services': they end as on any stop.
                serving.__exit__(None, None, None)


@asynccontextmanager
async def _serving(apps: Mapping[str, FastAPI], listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(_by_prefix(apps), lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(app.router.lifespan_context(app))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield  # the socket listens already, so whoever comes before the server is kept waiting, not refused
        finally:
            server.should_exit = True
            await task


def _by_prefix(apps: Mapping[str, FastAPI]) -> ASGIApp:
    """Hand /<service>/… to the service as /…, which is what nginx does; other paths go to any, as on its own port."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        _, service, *rest = scope["path"].split("/")
        if service in apps:
            path = "/" + "/".join(rest)
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await apps.get(service, next(iter(apps.values())))(scope, receive, send)

    return application
