"""What the tools of transport_layer take and return."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.a2a.mcp.core import ToolOutput

ProtocolVersion = Literal["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
Check = Literal["tcp", "tls", "health", "mcp", "tools"]
ServiceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="as transport://services lists them")]
HeaderName = Annotated[str, Field(min_length=1, max_length=128)]
HeaderValue = Annotated[str, Field(max_length=8192)]


class CheckResult(ToolOutput):
    """One step."""

    name: Check
    ok: bool
    latency_ms: float
    reason: str | None = None
    detail: str


class Supports(ToolOutput):
    """What the server said it can do."""

    sse_stream: bool
    resumable: bool
    subscriptions: bool


class ToolList(ToolOutput):
    """The tools it lists, against the registry's promise."""

    count: int
    expected: int | None
    match: Annotated[
        bool | None, Field(description="null where fewer are listed: the probe's token sees no tool that writes")
    ]
    names: list[str]


class Tls(ToolOutput):
    """What TLS was negotiated."""

    version: str
    cipher: str
    not_after: str
    days_left: int


class BreakerState(ToolOutput):
    """This process's breaker to the service; null for a URL, which has none."""

    state: Literal["closed", "half-open", "open"] | None


class ProbedEndpoint(ToolOutput):
    """What the probe found."""

    reachable: bool
    checks: list[CheckResult]
    era: Literal["modern", "handshake"] | None
    negotiated_version: str | None
    server_versions: list[str]
    transport: Literal["streamable_http", "http_sse"] | None
    supports: Supports
    server_info: dict[str, Any] | None
    capabilities: dict[str, Any] | None
    tools: ToolList | None
    tls: Tls | None
    breaker: BreakerState
    recommendation: str


class MessageVerdict(ToolOutput):
    """One message of the text."""

    index: int
    kind: Literal["request", "notification", "response", "error", "unparseable"]
    id: str | int | None
    method: str | None
    valid: bool


class MessageError(ToolOutput):
    """One thing that is wrong, and how a server answers it."""

    code: int
    http_status: int
    path: str
    rule: str
    message: str


class StreamEvent(ToolOutput):
    """One server-sent event."""

    event: str
    data: str
    id: str
    retry_ms: int | None


class InspectedMessage(ToolOutput):
    """The verdict on a text."""

    valid: bool
    kind: Literal["request", "notification", "response", "error", "batch", "sse_stream", "unparseable"]
    messages: list[MessageVerdict]
    errors: list[MessageError]
    warnings: list[str]
    sse_events: list[StreamEvent]
    last_event_id: str | None
    bytes: int
    canonical: str | None
