"""Largest inputs of transport_layer, session_management and resource_streaming."""

import json
from typing import Any

URI = "stream://shared/largest"


def metadata() -> dict[str, str]:
    return {f"k{i}": "x" * 256 for i in range(16)}


def nested() -> str:
    """A message of 256 KiB that is nearly all structure."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {}}}
    line = json.dumps(call, separators=(",", ":"))
    return "\n".join([line] * (262_000 // (len(line) + 1)))


def published() -> dict[str, Any]:
    return {"uri": URI, "operation": "put", "content": "x" * 60_000, "metadata": metadata()}


LARGEST = {
    "probe_endpoint": lambda: {"service": "transport_layer", "timeout_ms": 10_000},
    "inspect_message": lambda: {"message": nested(), "framing": "ndjson"},
    "create_session": lambda: {"ttl_seconds": 60, "metadata": metadata()},
    "validate_session": lambda: {"access_token": "x" * 4096},
    "revoke_session": lambda: {"session_id": "no-such-session-of-yours-0000000000000000000", "reason": "x" * 200},
    "publish_resource": published,
    "read_resource_stream": lambda: {"uris": [URI], "limit": 500, "wait_ms": 0},
}
