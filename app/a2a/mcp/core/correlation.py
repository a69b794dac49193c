"""The outermost layer: gives each request its id, its clock and its client's address, and the answer the id back."""

import re
import uuid
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.a2a.mcp.core.hosts import ClientAddress
from app.a2a.mcp.core.request import SCOPE_KEY, RequestInfo, current_request
from app.a2a.mcp.core.runtime import Runtime

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
"""W3C Trace Context §3.2: version, trace id, parent id, flags; only versions after 00 may say more."""


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
        parent = _traceparent(_header(headers, b"traceparent"))
        started = self.clock()
        address = self.address.of(scope)
        info = RequestInfo(
            correlation_id=_correlation_id(_header(headers, b"x-request-id"), parent),
            started=started,
            traceparent=parent,
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


def _traceparent(value: bytes | None) -> str | None:
    match = TRACEPARENT.fullmatch(value) if value and len(value) <= 128 else None
    if match is None or (match[1] == b"00" and match[4] is not None):
        return None
    return match[0].decode("latin-1")


def _correlation_id(asked: bytes | None, parent: str | None) -> str:
    if asked is not None and REQUEST_ID.fullmatch(asked):
        return asked.decode()
    return parent.split("-")[1] if parent else uuid.uuid4().hex
