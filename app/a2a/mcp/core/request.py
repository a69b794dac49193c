"""What one request carries through every layer: its id, its caller, what it asked and how it ended."""

from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

from app.a2a.mcp.core.trace_context import TraceContext

SCOPE_KEY = "a2a"

Permission = Literal["read", "write"]
Decision = Literal["allowed", "denied"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as their credential proved it; `expires_at` is a Unix time in seconds."""

    client_id: str
    permissions: frozenset[str]
    credential: Literal["api_key", "jwt", "local"]
    token_id: str | None = None
    expires_at: float | None = None
    audience: frozenset[str] | None = None
    session: str | None = None
    """The session that a token belongs to, by the id its holder knows."""

    def may(self, permission: str) -> bool:
        """Whether the caller holds the permission."""
        return permission in self.permissions


@dataclass(slots=True)
class LargeCall:
    """Arguments and result (as JSON text) of a tool that go past the SDK for their size (core/large.py)."""

    arguments: dict[str, Any] | None = None
    result: bytes | None = None


@dataclass(slots=True)
class RequestInfo:
    """One request, filled in as it passes inwards; `started` is a monotonic time, `deadline` too (seconds)."""

    correlation_id: str
    started: float
    trace: TraceContext | None = None
    """The span this request is part of: its caller's, and its own once it has one."""

    client_address: str | None = None
    caller: Caller | None = None
    unchecked: bool = False
    """Nobody could say whether the caller's token was revoked: it may read at most."""

    refused_client: str | None = None
    """Whose credential was genuine and is refused all the same: revoked, or for another audience."""

    decision: Decision | None = None
    """Whether an authenticated caller was let in, on what the audit trail is to hold (core/audit.py)."""

    arguments_digest: str | None = None

    subscriber: str | None = None
    """What the store calls the handshake session that the request names, where that was checked."""

    mcp_method: str | None = None
    tool: str | None = None
    protocol_version: str | None = None
    outcome: str | None = None
    error_code: str | None = None
    deadline: float | None = None
    large: LargeCall | None = None
    """What of this tool call is carried past the SDK; absent where nothing can be."""

    labels: dict[str, str] = field(default_factory=dict)


current_request: ContextVar[RequestInfo | None] = ContextVar("a2a_current_request", default=None)


def request_info(scope: MutableMapping[str, Any]) -> RequestInfo:
    """The request's record; the correlation middleware, outermost, has put it there."""
    info: RequestInfo = scope[SCOPE_KEY]
    return info
