"""A tool: what a server declares (`ToolSpec`) and what the SDK runs (`BoundTool`).

The SDK's tool would coerce "1" to 1, ignore unknown arguments and answer with its validator's text; this one does not.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import anyio
import orjson
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field, ValidationError

from app.a2a.mcp.core.call import Binding, Call
from app.a2a.mcp.core.invalid import refusal_of
from app.a2a.mcp.core.large import LARGE_BYTES, stand_in
from app.a2a.mcp.core.request import Permission, RequestInfo, current_request
from app.a2a.mcp.core.schemas import ToolOutput, arguments_model, call_parameter, input_schema, output_schema
from app.a2a.mcp.errors import (
    A2AError,
    DeadlineExceededError,
    InternalError,
    PermissionDeniedError,
    UnauthenticatedError,
)

log = logging.getLogger(__name__)

ToolFunction = Callable[..., Awaitable[ToolOutput]]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as its server declares it; `examples` are argument objects that docs and contract tests call."""

    function: ToolFunction
    name: str
    title: str
    description: str
    annotations: ToolAnnotations
    examples: tuple[Mapping[str, Any], ...] = ()

    @property
    def permission(self) -> Permission:
        """read ⇔ the tool is annotated read-only."""
        return "read" if self.annotations.read_only_hint else "write"


def bind(spec: ToolSpec, binding: Binding[Any]) -> "BoundTool":
    """The SDK's tool for a declaration; everything that can be computed once is computed here."""
    model = arguments_model(spec.function)
    result = get_type_hints(spec.function).get("return")
    if not (isinstance(result, type) and issubclass(result, ToolOutput)):
        raise TypeError(f"{spec.name}: a tool returns a ToolOutput")
    metadata = FuncMetadata(arg_model=model, output_schema=output_schema(result), output_model=result)
    return BoundTool(
        fn=spec.function,
        name=spec.name,
        title=spec.title,
        description=spec.description,
        parameters=input_schema(model),
        fn_metadata=metadata,
        is_async=True,
        annotations=spec.annotations,
        spec=spec,
        binding=binding,
        call_keyword=call_parameter(spec.function),
    )


class BoundTool(Tool):
    """A declared tool in one process."""

    spec: Any = Field(exclude=True)
    binding: Any = Field(exclude=True)
    call_keyword: str | None = Field(default=None, exclude=True)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Answer one call; a failure is a result that a model can correct itself by, never a traceback."""
        info = current_request.get()
        with self.binding.runtime.metrics.track_call(self.name) as track:
            try:
                answer = await self._answer(arguments, info)
                track.outcome = "ok"
                return answer
            except MCPError:
                track.outcome = "protocol_error"
                if info is not None:
                    info.outcome = track.outcome
                raise
            except Exception as error:
                failure = self._failure(error, info)
                track.outcome = failure.code
                if info is not None:
                    info.outcome = info.error_code = failure.code
                content = {"error": failure.as_dict()}
                return CallToolResult(content=[_text(content)], structured_content=content, is_error=True)

    async def _answer(self, arguments: dict[str, Any], info: RequestInfo | None) -> CallToolResult:
        if info is None or info.caller is None:
            raise UnauthenticatedError("this call carries no credential")
        if not info.caller.may(self.spec.permission):
            raise PermissionDeniedError(f"{self.name} needs the permission {self.spec.permission!r}")
        call: Call[Any] = Call(info, self.binding)
        large = info.large
        with anyio.move_on_after(call.remaining()):
            if large is None or large.arguments is None:
                result = await self._apply(self._read(arguments), call)
                content = _content(result)
                text = _json(content)
            else:
                result = await self._apply(await call.run(self._read, large.arguments), call)
                # In two steps, between which the event loop runs: each holds the interpreter throughout.
                content = await call.run(_content, result)
                text = await call.run(_json, content)
            if large is not None and len(text) > LARGE_BYTES:
                return stand_in(text, large)
            return CallToolResult(content=[TextContent(type="text", text=text.decode())], structured_content=content)
        raise DeadlineExceededError("the tool did not answer before the call's deadline")

    async def _apply(self, values: dict[str, Any], call: Call[Any]) -> ToolOutput:
        """What the function makes of the values of its parameters."""
        if self.call_keyword is not None:
            values[self.call_keyword] = call
        result: ToolOutput = await self.spec.function(**values)
        return result

    def _read(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The values of the function's parameters; raises InvalidArgumentError or LimitExceededError."""
        try:
            values: dict[str, Any] = self.fn_metadata.arg_model.model_validate(arguments).model_dump_one_level()
        except ValidationError as error:
            raise refusal_of(error, arguments) from None
        return values

    def _failure(self, error: Exception, info: RequestInfo | None) -> A2AError:
        if isinstance(error, A2AError) and not isinstance(error, InternalError):
            return error
        log.error("tool %s failed", self.name, exc_info=error)
        reference = f"; ask with correlation id {info.correlation_id}" if info else ""
        return InternalError(f"{self.name} failed on our side{reference}")


def _content(result: ToolOutput) -> dict[str, Any]:
    """What a result says: the fields that were set."""
    return result.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _text(content: object) -> TextContent:
    """The structured content as JSON text, for clients older than structured content."""
    return TextContent(type="text", text=_json(content).decode())


def _json(content: object) -> bytes:
    try:
        return orjson.dumps(content)
    except TypeError:
        # A record given back as it came may hold an integer of more than 64 bits, which orjson does not write.
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
