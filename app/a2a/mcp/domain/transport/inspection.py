"""One raw message or event stream judged against a revision of MCP: what it is, and exactly what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mcp_types import INVALID_REQUEST, PARSE_ERROR

from app.a2a.mcp.domain.transport.canonical import canonical
from app.a2a.mcp.domain.transport.event_stream import Event, parse_event_stream
from app.a2a.mcp.domain.transport.parsing import Framing, UnreadableError, detect_framing, parse_strictly
from app.a2a.mcp.domain.transport.rules import (
    BATCH_VERSION,
    Context,
    Direction,
    Finding,
    Kind,
    findings,
    kind_of,
    warnings,
)

StreamKind = Literal["request", "notification", "response", "error", "batch", "sse_stream", "unparseable"]
MAX_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class Judged:
    """One message of the text."""

    index: int
    kind: Kind
    id: Any
    method: str | None
    valid: bool


@dataclass(slots=True)
class Inspection:
    """What was found; `errors` in the order of the text."""

    kind: StreamKind = "unparseable"
    messages: list[Judged] = field(default_factory=list)
    errors: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    last_event_id: str | None = None
    canonical: str | None = None


def inspect_text(
    text: str, framing: Framing, version: str, direction: Direction, headers: Mapping[str, str] | None
) -> Inspection:
    """Judge the text; nothing here raises for what a caller wrote."""
    found, context = Inspection(), Context(version, direction, headers)
    framing = detect_framing(text) if framing == "auto" else framing
    if framing == "sse":
        found.kind = "sse_stream"
        found.events, found.last_event_id = parse_event_stream(text)
        for place, event in enumerate(found.events):
            # Other events carry no message: the old transport's `endpoint`, or an empty one that only brings an id.
            if event.event == "message" and event.data:
                _one(found, event.data, context, f"/sse_events/{place}/data")
    elif framing == "ndjson":
        for number, line in enumerate(line for line in text.split("\n") if line.strip()):
            _one(found, line, context, f"/{number}")
        found.kind = found.messages[0].kind if len(found.messages) == 1 else "batch" if found.messages else found.kind
    else:
        _json(found, text, context)
    del found.errors[MAX_FINDINGS:]
    return found


def _json(found: Inspection, text: str, context: Context) -> None:
    value = _read(found, text, "")
    if value is _UNREADABLE:
        return
    try:
        found.canonical = canonical(value)
    except (ValueError, RecursionError):
        found.warnings.append("has no canonical form: it holds a number or a character that RFC 8785 refuses")
    if not isinstance(value, list):
        found.kind = kind_of(value)
        _judge(found, value, context, "")
        return
    found.kind = "batch"
    if context.version != BATCH_VERSION:
        found.errors.append(Finding(INVALID_REQUEST, "", "batch", f"only {BATCH_VERSION} has batches"))
    elif not value:
        found.errors.append(Finding(INVALID_REQUEST, "", "batch", "a batch has at least one message"))
    for place, message in enumerate(value):
        _judge(found, message, context, f"/{place}")
        if isinstance(message, dict) and message.get("method") == "initialize":
            found.errors.append(Finding(INVALID_REQUEST, f"/{place}/method", "batch", "initialize stands alone"))


_UNREADABLE = object()


def _read(found: Inspection, text: str, path: str) -> Any:
    try:
        return parse_strictly(text)
    except UnreadableError as error:
        found.errors.append(Finding(PARSE_ERROR, path, error.rule, str(error)))
        return _UNREADABLE


def _one(found: Inspection, text: str, context: Context, path: str) -> None:
    value = _read(found, text, path)
    if value is _UNREADABLE:
        found.messages.append(Judged(len(found.messages), "unparseable", None, None, valid=False))
    else:
        _judge(found, value, context, path)


def _judge(found: Inspection, message: Any, context: Context, path: str) -> None:
    wrong = list(findings(message, context))
    found.errors += [
        Finding(one.code, one.path if one.path.startswith("/headers/") else path + one.path, one.rule, one.message)
        for one in wrong
    ]
    found.warnings += warnings(message)
    named = message if isinstance(message, dict) else {}
    id_, method = named.get("id"), named.get("method")
    id_ = id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else None
    known = method if isinstance(method, str) else None
    found.messages.append(Judged(len(found.messages), kind_of(message), id_, known, valid=not wrong))
