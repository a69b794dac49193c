"""How much text one call may have embedded."""

from __future__ import annotations

from collections.abc import Sequence

from app.a2a.mcp.errors import LimitExceededError

# About five seconds of one core for English, twice that for scripts of many tokens.
CALL_CHARACTERS = 262_144


def check_call_size(texts: Sequence[str], path: str) -> None:
    """Raise LimitExceededError when the texts together are more than one call may embed."""
    total = sum(map(len, texts))
    if total > CALL_CHARACTERS:
        raise LimitExceededError.at(path, f"{total} characters together, at most {CALL_CHARACTERS} a call: split it")
