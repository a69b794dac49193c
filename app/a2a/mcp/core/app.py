"""`create_app`: a menu and settings become the ASGI application; the order of the middleware is the list below."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.a2a.mcp.core.access import AccessMiddleware
from app.a2a.mcp.core.auth import AuthenticationMiddleware
from app.a2a.mcp.core.binding import bind_server
from app.a2a.mcp.core.call import Binding, Call
from app.a2a.mcp.core.correlation import CorrelationMiddleware
from app.a2a.mcp.core.endpoint import McpEndpoint
from app.a2a.mcp.core.headers import HeadersMiddleware
from app.a2a.mcp.core.hosts import HostsMiddleware
from app.a2a.mcp.core.rate_limit import RateLimitMiddleware
from app.a2a.mcp.core.refusal import MCP_PATH, STATUS, refusal_body
from app.a2a.mcp.core.request import request_info
from app.a2a.mcp.core.routes import ops_router
from app.a2a.mcp.core.runtime import Runtime, build_runtime
from app.a2a.mcp.core.server import Server
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.watchdog import watchdog
from app.a2a.mcp.errors import A2AError, Detail, InvalidArgumentError, NotFoundError, PermissionDeniedError

MIDDLEWARE = (
    CorrelationMiddleware,
    AccessMiddleware,
    HeadersMiddleware,
    HostsMiddleware,
    AuthenticationMiddleware,
    RateLimitMiddleware,
)
"""Outermost first: each sees what the ones before it have put into the request's record."""


def create_app(server: Server[Any], settings: Settings, runtime: Runtime | None = None) -> FastAPI:
    """The application of one server process; raises ConfigurationError where the menu or the settings are wrong."""
    runtime = runtime or build_runtime(server.service, settings)
    binding: Binding[Any] = Binding(runtime)
    endpoint = McpEndpoint(server, bind_server(server, binding), runtime)
    app = FastAPI(
        title=f"a2a-mcp {server.name}",
        version=runtime.version,
        lifespan=_lifespan(server, binding, endpoint),
        docs_url=None,
        redoc_url=None,
    )
    app.state.runtime = runtime
    app.include_router(ops_router(runtime))
    app.router.routes.append(Route(MCP_PATH, endpoint=endpoint))
    for function, (path,), _ in server.pages:
        app.router.routes.append(Route(path, endpoint=_page(function, binding), methods=["GET"]))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(A2AError, _own_error)
    for middleware in reversed(MIDDLEWARE):
        app.add_middleware(middleware, runtime=runtime)
    return app


def _page(function: Callable[..., Awaitable[Response]], binding: Binding[Any]) -> Callable[[Request], Any]:
    async def page(request: Request) -> Response:
        call: Call[Any] = Call(request_info(request.scope), binding)
        if not call.caller.may("read"):
            raise PermissionDeniedError(f"{request.url.path} needs the permission 'read'")
        return await function(request, call)

    return page


def _lifespan(server: Server[Any], binding: Binding[Any], endpoint: McpEndpoint) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        runtime = binding.runtime
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runtime.close)
            await runtime.start()
            if server.lifespan_factory is not None:
                binding.state = await stack.enter_async_context(server.lifespan_factory(runtime))
            await stack.enter_async_context(endpoint)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            tasks.start_soon(watchdog, runtime)
            runtime.started = True
            yield
            tasks.cancel_scope.cancel()

    return lifespan


async def _own_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, A2AError):
        raise error
    return JSONResponse(refusal_body(request.url.path, error), status_code=STATUS.get(error.code, 500))


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    kind = NotFoundError if error.status_code == 404 else InvalidArgumentError
    refusal = kind(f"{request.method} {request.url.path[:128]}: {error.detail}")
    body = refusal_body(request.url.path, refusal)
    return JSONResponse(body, status_code=error.status_code, headers=dict(error.headers or {}))


async def _validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    details = [Detail("/" + "/".join(map(str, item["loc"])), item["msg"]) for item in error.errors()]
    refusal = InvalidArgumentError("the request does not fit: see details", details)
    return JSONResponse(refusal_body(request.url.path, refusal), status_code=400)
