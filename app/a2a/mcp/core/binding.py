"""A declared server bound to a process: the SDK's server with our tools, permissions and errors."""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp.server import MCPServer
from mcp.server._otel import OpenTelemetryMiddleware
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.request_state import RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    GetPromptResult,
    InputRequiredResult,
    SubscriptionsListenRequestParams,
)
from mcp_types import Resource as MCPResource
from mcp_types import Tool as MCPTool
from pydantic import BaseModel

from app.a2a.mcp.core.call import Binding, Call
from app.a2a.mcp.core.notices import Notices
from app.a2a.mcp.core.request import current_request
from app.a2a.mcp.core.schemas import call_parameter
from app.a2a.mcp.core.server import Server
from app.a2a.mcp.core.subscriptions import only_visible, open_listen_handler
from app.a2a.mcp.core.tools import BoundTool, bind
from app.a2a.mcp.errors import (
    A2AError,
    ConfigurationError,
    InvalidArgumentError,
    NotFoundError,
    UnauthenticatedError,
)

LIST_TTL_MS = 60_000
"""How long a client may keep a list: lists change only with a release, and a roll takes minutes."""

LISTS_HOLD: Mapping[CacheableMethod, CacheHint] = dict.fromkeys(
    ("tools/list", "resources/list", "resources/templates/list", "prompts/list", "server/discover"),
    CacheHint(ttl_ms=LIST_TTL_MS, scope="private"),
)


class FleetServer(MCPServer[Any]):
    """The SDK's server that shows each caller only what they may call and refuses in our words."""

    live_resources: Callable[[], Awaitable[list[MCPResource]]] | None = None
    known_as: Callable[[str], str | None] | None = None
    notices: Notices | None = None

    @property
    def talkative(self) -> frozenset[str]:
        """The tools registered in the SDK's own way: they may send progress or log messages while they work."""
        tools = self._tool_manager.list_tools()
        return frozenset(tool.name for tool in tools if not isinstance(tool, BoundTool))

    async def list_tools(self) -> list[MCPTool]:
        """The tools of the caller's permissions, in the order of the menu."""
        info = current_request.get()
        caller = info.caller if info else None
        by_name = {tool.name: tool for tool in self._tool_manager.list_tools()}
        return [
            listed
            for listed in await super().list_tools()
            if caller is not None and caller.may(_permission(by_name[listed.name]))
        ]

    async def list_resources(self) -> list[MCPResource]:
        """The fixed resources, and those the menu lists for this caller."""
        fixed = await super().list_resources()
        return [*fixed, *await self.live_resources()] if self.live_resources is not None else fixed

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None) -> Any:
        """Call a tool; an unknown one is a protocol error (MCP 2025-11-25 and later, tools, error handling)."""
        tool = self.known_as(name) if self.known_as is not None else None
        if tool is None and self._tool_manager.get_tool(name) is None:
            info = current_request.get()
            if info is not None:
                info.outcome = "protocol_error"
            raise _protocol_error(NotFoundError(f"no tool is named {name[:128]!r} here; tools/list names them"))
        return await super().call_tool(tool or name, arguments, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Render a prompt; an unknown one or a missing argument is -32602, and no traceback is logged."""
        prompt = next((prompt for prompt in await self.list_prompts() if prompt.name == name), None)
        if prompt is None:
            raise _protocol_error(NotFoundError(f"no prompt is named {name[:128]!r} here; prompts/list names them"))
        given = arguments or {}
        for argument in prompt.arguments or []:
            if argument.required and argument.name not in given:
                raise _protocol_error(InvalidArgumentError.at(f"/{argument.name}", "is required"))
        return await super().get_prompt(name, arguments, context)


def _permission(tool: object) -> str:
    """An SDK tool (Server.extend) carries its own hint; without one it needs write."""
    if isinstance(tool, BoundTool):
        return str(tool.spec.permission)
    annotations = getattr(tool, "annotations", None)
    return "read" if annotations is not None and annotations.read_only_hint else "write"


def _protocol_error(error: A2AError) -> MCPError:
    code = INTERNAL_ERROR if error.code == "internal" else INVALID_PARAMS
    return MCPError(code=code, message=error.message, data=error.as_dict())


def bind_server(server: Server[Any], binding: Binding[Any]) -> FleetServer:
    """The SDK server for a menu; refuses a menu whose tools are not the number the registry promises."""
    runtime = binding.runtime
    if len(server.tools) != server.service.tools and not server.extensions:
        raise ConfigurationError(
            f"{server.name} registers {len(server.tools)} tools and service_registry.json promises "
            f"{server.service.tools}: mend the menu or the number"
        )
    bus = runtime.bus
    keys = [key.encode() for key in runtime.settings.mcp_request_state_keys]
    mcp = FleetServer(
        name=server.name,
        title=server.service.purpose,
        instructions=server.instructions,
        version=runtime.version,
        tools=[bind(spec, binding) for spec in server.tools.values()],
        log_level="WARNING",
        request_state_security=RequestStateSecurity(keys=keys) if keys else None,
        subscriptions=bus,
        cache_hints=LISTS_HOLD,
    )
    # It costs 80 us a call without an exporter; core/spans.py makes the spans where there is one.
    mcp.middleware[:] = [layer for layer in mcp.middleware if not isinstance(layer, OpenTelemetryMiddleware)]
    listen = open_listen_handler(runtime, bus)
    handler = only_visible(listen, server.may_watch) if server.may_watch is not None else listen
    mcp._lowlevel_server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, handler)
    mcp.known_as = server.known_as
    if server.service.streams:
        mcp.notices = Notices(runtime, server.may_watch or (lambda uri, client: True))
        mcp.notices.register(mcp._lowlevel_server)
    runtime.metrics.prepare(server.tools)
    _register(server, binding, mcp)
    return mcp


def _register(server: Server[Any], binding: Binding[Any], mcp: FleetServer) -> None:
    """What a menu offers beside its tools."""
    for function, arguments, options in server.resources:
        mcp.resource(*arguments, **{"mime_type": "application/json", **options})(
            _with_call(function, binding, _as_text)
        )
    for function, _, options in server.prompts:
        mcp.prompt(**options)(_with_call(function, binding))
    if server.lister is not None:
        mcp.live_resources = _with_call(server.lister, binding)
    if server.completer is not None:
        mcp.completion()(_with_call(server.completer, binding))  # type: ignore[no-untyped-call]
    for register in server.extensions:
        register(mcp)


def _as_text(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump_json(by_alias=True, exclude_unset=True)
    return value if isinstance(value, str | bytes) else json.dumps(value, ensure_ascii=False)


def _with_call(
    function: Callable[..., Any], binding: Binding[Any], convert: Callable[[Any], Any] = lambda value: value
) -> Callable[..., Any]:
    """The function with its `Call` filled in and our errors translated; its signature loses that parameter."""
    keyword = call_parameter(function)

    @functools.wraps(function)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        info = current_request.get()
        if info is None or info.caller is None:
            raise _protocol_error(UnauthenticatedError("this request carries no credential"))
        if keyword is not None:
            kwargs[keyword] = Call(info, binding)
        try:
            result = function(*args, **kwargs)
            return convert(await result if inspect.isawaitable(result) else result)
        except NotFoundError as error:
            raise ResourceNotFoundError(error.message) from None
        except A2AError as error:
            raise _protocol_error(error) from None

    signature = inspect.signature(function, eval_str=True)
    kept = [parameter for name, parameter in signature.parameters.items() if name != keyword]
    wrapped.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in kept} | {"return": signature.return_annotation}
    # functools.wraps leaves a way back to the original, whose signature still has the Call.
    del wrapped.__wrapped__
    return wrapped
