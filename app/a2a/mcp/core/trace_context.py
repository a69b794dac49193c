"""W3C Trace Context: where a call stands in its caller's trace, read from HTTP headers or from MCP's `_meta`.

What is not well formed counts as absent, as the recommendation demands: nobody is refused for a broken trace.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
"""W3C Trace Context §3.2: version, trace id, parent id, flags; only versions after 00 may say more."""

KNOWN_FLAGS = 0x03
"""Sampled and random (Level 2 §3.2.2.5); others are passed on as zero."""

LONGEST_PARENT = 128
LONGEST_STATE = 512
"""What every participant must be able to pass on of a tracestate (§3.3.1.5), and all that this one does."""

_KEY = r"(?:[a-z][_0-9a-z\-*/]{0,255}|[a-z0-9][_0-9a-z\-*/]{0,240}@[a-z][_0-9a-z\-*/]{0,13})"
MEMBER = re.compile(_KEY + r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
MOST_MEMBERS = 32


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span, ours or a caller's: `trace_id` has 32 hexadecimal digits, `span_id` 16, `flags` two."""

    trace_id: str
    span_id: str
    flags: str
    state: str = ""

    @property
    def traceparent(self) -> str:
        """The header that makes this span the parent of what is called."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def carrier(self) -> dict[str, str]:
        """`traceparent` and, where there is one, `tracestate`: the same names as headers and in `_meta`."""
        return {"traceparent": self.traceparent} | ({"tracestate": self.state} if self.state else {})


def parse_trace(traceparent: object, tracestate: object = None) -> TraceContext | None:
    """The context those two fields tell, None for what no participant may continue."""
    if not isinstance(traceparent, str) or len(traceparent) > LONGEST_PARENT:
        return None
    match = TRACEPARENT.fullmatch(traceparent)
    if match is None or (match[1] == "00" and match[5] is not None):
        return None
    flags = f"{int(match[4], 16) & KNOWN_FLAGS:02x}"
    return TraceContext(match[2], match[3], flags, _state(tracestate))


def trace_of_meta(params: object) -> TraceContext | None:
    """The context in a message's `params._meta` (MCP 2026-07-28, trace context)."""
    meta = params.get("_meta") if isinstance(params, Mapping) else None
    return parse_trace(meta.get("traceparent"), meta.get("tracestate")) if isinstance(meta, Mapping) else None


def _state(value: object) -> str:
    """The list of members without blanks, empty where one is malformed or twice: half a list is worth nothing."""
    if not isinstance(value, str) or len(value) > LONGEST_STATE:
        return ""
    members = [member.strip(" \t") for member in value.split(",") if member.strip(" \t")]
    keys = {member.partition("=")[0] for member in members}
    well_formed = len(members) <= MOST_MEMBERS and len(keys) == len(members) and all(map(MEMBER.fullmatch, members))
    return ",".join(members) if well_formed else ""
