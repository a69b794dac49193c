"""How alike field names are in meaning, asked of semantic_similarity in one call; else names and types decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.a2a.mcp.core import Call
from app.a2a.mcp.domain.standardize.harmonize import Meanings, SourceSchema
from app.a2a.mcp.errors import A2AError, DeadlineExceededError

MAX_PHRASES = 200
"""What one call of calculate_group_similarity takes."""


@dataclass(frozen=True, slots=True)
class Found:
    """Likeness of phrases, and whether it had to be done without."""

    likeness: Meanings
    degraded: bool


def no_meanings() -> Found:
    """Where meaning was not asked for."""
    return Found({}, degraded=False)


def phrases_of(schemas: Sequence[SourceSchema]) -> tuple[list[str], int]:
    """The distinct phrases of all fields that fit one call, and how many fields' phrases did not."""
    fields = [shape.phrase for schema in schemas for shape in schema.fields]
    distinct = [phrase for phrase in dict.fromkeys(fields) if phrase]
    kept = set(distinct[:MAX_PHRASES])
    return distinct[:MAX_PHRASES], sum(phrase not in kept for phrase in fields if phrase)


async def shared_meanings(call: Call[Any], phrases: Sequence[str]) -> Found:
    """The likeness of every pair. A sister that cannot answer, or answers without a model, degrades it."""
    if len(phrases) < 2:
        return no_meanings()
    arguments = {"texts": list(phrases), "method": "semantic", "return_matrix": True}
    try:
        reply = await call.runtime.sisters.call(
            "semantic_similarity", "calculate_group_similarity", arguments, call=call
        )
        matrix = reply["similarity_matrix"]
        # Degraded with a model is still meaning: the sister then ran the model herself. Without, it was words alone.
        if reply["degraded"] and "model" not in reply:
            return Found({}, degraded=True)
        rows = zip(phrases, matrix, strict=True)
        likeness = {(one, other): float(s) for one, row in rows for other, s in zip(phrases, row, strict=True)}
    except DeadlineExceededError:
        call.remaining()
        return Found({}, degraded=True)
    except (A2AError, KeyError, TypeError, ValueError):
        return Found({}, degraded=True)
    return Found(likeness, degraded=bool(reply["degraded"]))
