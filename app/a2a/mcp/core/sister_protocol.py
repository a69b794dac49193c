"""The wire of a call between services: a `tools/call` of revision 2026-07-28 and its answer, as JSON or as a stream."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from app.a2a.mcp.core.request import RequestInfo
from app.a2a.mcp.core.trace_context import TraceContext
from app.a2a.mcp.errors import A2AError, Detail, InternalError, UnavailableError

PROTOCOL_VERSION = "2026-07-28"
REQUEST_ID = 1
"""Every exchange carries one request, so the id need not tell it from others."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the HTTP status and the JSON-RPC message, empty where there was none."""

    status: int
    message: Mapping[str, Any]

    def result(self, service: str) -> dict[str, Any]:
        """The structured content; raises the error a tool answered with, or UnavailableError for a refused call."""
        result = self.message.get("result")
        if not isinstance(result, dict):
            raise UnavailableError(f"{service} refused the call: {self._refusal()}")
        content = result.get("structuredContent")
        if result.get("isError"):
            raise _tool_error(content, service)
        if not isinstance(content, dict):
            raise UnavailableError(f"{service} answered without a structured result")
        return content

    def _refusal(self) -> str:
        error = self.message.get("error")
        data = error.get("data") if isinstance(error, dict) else None
        code = data.get("code") if isinstance(data, dict) else None
        return str(code) if code in _CLASSES else f"HTTP {self.status}"


def request_headers(tool: str, token: str, info: RequestInfo, trace: TraceContext | None) -> dict[str, str]:
    """The headers that the revision wants equal to the body, and what makes the call part of ours."""
    headers = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": PROTOCOL_VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
        "X-Request-ID": info.correlation_id,
    }
    return headers | (trace.carrier() if trace else {})


def request_body(tool: str, arguments: Mapping[str, Any], service: str, trace: TraceContext | None) -> dict[str, Any]:
    """The JSON-RPC request; `service` is who asks, `trace` the span that she becomes a child of."""
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": PROTOCOL_VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": service, "version": "1"},
    }
    meta |= trace.carrier() if trace else {}
    params = {"name": tool, "arguments": dict(arguments), "_meta": meta}
    return {"jsonrpc": "2.0", "id": REQUEST_ID, "method": "tools/call", "params": params}


def read_reply(response: httpx.Response) -> Reply:
    """The message that answers ours; an answer that cannot be read gives an empty one."""
    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    bodies = _events(response.text) if media == "text/event-stream" else [response.content]
    for body in bodies:
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError:
            continue
        if isinstance(message, dict) and ("result" in message or "error" in message):
            return Reply(response.status_code, message)
    return Reply(response.status_code, {})


def _events(text: str) -> Iterator[str]:
    """The data of each server-sent event (HTML standard §9.2.6); names and ids are of no use here."""
    data: list[str] = []
    # Not splitlines(): that would also split at U+2028, which JSON text may hold.
    for line in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def _tool_error(content: object, service: str) -> A2AError:
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict) or error.get("code") not in _CLASSES:
        return InternalError(f"{service} failed")
    listed = error.get("details")
    details = [
        Detail(str(item.get("path", "")), str(item.get("reason", "")))
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict)
    ]
    return _CLASSES[error["code"]](str(error.get("message", "")), details=details)


_CLASSES: dict[object, type[A2AError]] = {kind.code: kind for kind in A2AError.__subclasses__()}
