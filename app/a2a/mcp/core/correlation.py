"""The outermost layer: gives each request its id, its clock and its client's address, and the answer the id back."""

import re
import uuid
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.a2a.mcp.core.hosts import ClientAddress
from app.a2a.mcp.core.request import SCOPE_KEY, RequestInfo, current_request
from app.a2a.mcp.core.runtime import Runtime
from app.a2a.mcp.core.trace_context import TraceContext, parse_trace

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class CorrelationMiddleware:
    """Puts a RequestInfo at `scope["a2a"]` and into `current_request`, which every log line reads."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self.app = app
        self.clock = runtime.clock
        self.longest = runtime.settings.mcp_call_timeout_seconds
        self.address = ClientAddress(runtime.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        info = self._info(scope)
        answer_id = (b"x-request-id", info.correlation_id.encode())

        async def send_identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), answer_id]
            await send(message)

        scope[SCOPE_KEY] = info
        token = current_request.set(info)
        try:
            await self.app(scope, receive, send_identified)
        finally:
            current_request.reset(token)

    def _info(self, scope: Scope) -> RequestInfo:
        headers = scope["headers"]
        trace = _trace(headers)
        started = self.clock()
        address = self.address.of(scope)
        info = RequestInfo(
            correlation_id=_correlation_id(_header(headers, b"x-request-id"), trace),
            started=started,
            trace=trace,
            client_address=str(address) if address else None,
        )
        asked = _header(headers, b"x-a2a-timeout-ms")
        # A sister calls directly; what came through the proxy is a stranger's word.
        direct = self.address.is_trusted(scope) and _header(headers, b"x-forwarded-for") is None
        if direct and asked is not None and asked.isdigit() and len(asked) <= 9:
            info.deadline = started + min(max(int(asked), 1) / 1000, self.longest)
        return info


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value.strip() for key, value in headers if key == name), None)


def _trace(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    parent = _header(headers, b"traceparent")
    if parent is None:
        return None
    states = [value.decode("latin-1") for key, value in headers if key == b"tracestate"]
    return parse_trace(parent.decode("latin-1"), ",".join(states))


def _correlation_id(asked: bytes | None, trace: TraceContext | None) -> str:
    if asked is not None and REQUEST_ID.fullmatch(asked):
        return asked.decode()
    return trace.trace_id if trace else uuid.uuid4().hex
