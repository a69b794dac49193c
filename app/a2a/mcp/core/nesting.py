"""How deep a message may be nested: the SDK's parser gives up at 200 levels, in its own words, and tools recurse."""

from collections.abc import Iterable
from typing import Any

from app.a2a.mcp.errors import LimitExceededError

MAX_DEPTH = 128
"""Levels of arrays and objects, the message itself included."""

_CONTAINERS = {dict, list}


def check_nesting(message: Any, body: bytes) -> None:
    """Raises LimitExceededError where the message, parsed from the body, has more than MAX_DEPTH levels."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    level, depth = _inside([message]), 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise LimitExceededError.at("", f"a message may be nested {MAX_DEPTH} levels deep")
        level = [one for node in level for one in _inside(node.values() if isinstance(node, dict) else node)]


def _inside(values: Iterable[Any]) -> list[Any]:
    """The arrays and objects among them; numbers by the hundred thousand are passed over without a look at each."""
    values = list(values)
    if _CONTAINERS.isdisjoint(set(map(type, values))):
        return []
    return [value for value in values if type(value) in _CONTAINERS]
