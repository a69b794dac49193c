"""Talks to middleware: the real layers around a small application that shows what reached it."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from app.a2a.mcp.core.auth import AuthenticationMiddleware
from app.a2a.mcp.core.correlation import CorrelationMiddleware
from app.a2a.mcp.core.hosts import HostsMiddleware
from app.a2a.mcp.core.rate_limit import RateLimitMiddleware
from app.a2a.mcp.core.registry import Service
from app.a2a.mcp.core.request import request_info
from app.a2a.mcp.core.runtime import Runtime, build_runtime
from app.a2a.mcp.core.settings import Settings

SERVICE = Service(name="sample", port=9000, tools=0, purpose="to be asked by tests")


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers 200 with the caller it sees."""
    caller = request_info(scope).caller
    seen = {"client": caller and caller.client_id, "permissions": sorted(caller.permissions) if caller else []}
    body = orjson.dumps(seen)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


def runtime_of(settings: Settings) -> Runtime:
    """The runtime of the sample service."""
    return build_runtime(SERVICE, settings)


def layers(runtime: Runtime, *middleware: Callable[..., ASGIApp]) -> ASGIApp:
    """The correlation layer and those named (all of this room's by default) around `inner`."""
    app: ASGIApp = inner
    for layer in reversed(middleware or (HostsMiddleware, AuthenticationMiddleware, RateLimitMiddleware)):
        app = layer(app, runtime=runtime)
    return CorrelationMiddleware(app, runtime)


def browse(app: ASGIApp, peer: str = "192.0.2.9", **options: Any) -> httpx.AsyncClient:
    """An HTTP client whose connection comes from `peer`."""
    transport = httpx.ASGITransport(app, client=(peer, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", **options)
