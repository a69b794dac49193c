"""Raw text into JSON values, with what a lax reader would let pass refused: repeated keys, NaN, too deep nesting."""

import json
import math
from typing import Any, Literal

Framing = Literal["auto", "json", "sse", "ndjson"]


class UnreadableError(ValueError):
    """The text is no JSON; `rule` is a word for it."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def parse_strictly(text: str) -> Any:
    """The value; raises UnreadableError."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)
    except UnreadableError:
        raise
    except RecursionError:
        raise UnreadableError("nesting", "is nested too deeply") from None
    except ValueError as error:
        raise UnreadableError("json", f"is not JSON: {error}") from None


def detect_framing(text: str) -> Framing:
    """What a text most likely is."""
    lines = [line for line in text.splitlines() if line.strip()]
    if text.lstrip()[:1] in ("{", "["):
        several = len(lines) > 1 and all(line.lstrip()[:1] in ("{", "[") for line in lines)
        return "ndjson" if several and all(map(_parses, lines)) else "json"
    fields = ("data", "event", "id", "retry", "")
    return "sse" if any(line.partition(":")[0] in fields for line in lines) else "json"


def _parses(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UnreadableError("duplicate_key", f"names the key {key[:64]!r} twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> Any:
    raise UnreadableError("not_finite", f"holds {name}, which JSON does not have")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise UnreadableError("not_finite", "holds a number beyond what a double can be")
    return value
