"""How good a body of evidence is: the mean weight of its items, and how far independent sources corroborate it.

The idea of grading sources is NATO's Admiralty system; corroboration is the noisy-OR (Pearl 1988).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from app.a2a.mcp.errors import InvalidArgumentError

SourceType = Literal["academic", "verified", "empirical", "reported", "anecdotal", "unknown", "bare_string"]
SOURCE_TYPES: tuple[SourceType, ...] = get_args(SourceType)
RELIABILITY: Mapping[SourceType, float] = {
    "academic": 0.9,
    "verified": 0.8,
    "empirical": 0.7,
    "reported": 0.4,
    "anecdotal": 0.4,
    "unknown": 0.4,
    "bare_string": 0.3,
}


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence. Items of one `source` corroborate nothing; without a source each is its own."""

    source_type: SourceType
    source: str | None = None
    reliability: float | None = None
    relevance: float = 1.0
    age_days: float | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """An item's weight and what it was made of."""

    weight: float
    reliability: float
    relevance: float
    freshness: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The judgement: all in 0..1, and 0 without evidence."""

    quality_score: float
    corroboration: float
    independent_sources: int
    composition: dict[SourceType, int]
    items: list[Weighed]


def weigh(
    items: Sequence[Item], half_life_days: float | None = None, table: Mapping[SourceType, float] | None = None
) -> Quality:
    """Judge `items`; `table` replaces reliabilities by source type, an item's own reliability wins over both."""
    reliability = {**RELIABILITY, **(table or {})}
    weighed = [_weigh(item, reliability, half_life_days) for item in items]
    best: dict[str | int, float] = {}
    for place, (item, one) in enumerate(zip(items, weighed, strict=True)):
        # Numbers cannot meet the names of sources.
        source = place if item.source is None else item.source
        best[source] = max(best.get(source, 0.0), one.weight)
    return Quality(
        quality_score=math.fsum(one.weight for one in weighed) / len(weighed) if weighed else 0.0,
        corroboration=1.0 - math.prod(1.0 - weight for weight in best.values()),
        independent_sources=len(best),
        composition=dict(Counter(item.source_type for item in items)),
        items=weighed,
    )


def require_known_types(table: Mapping[str, float]) -> dict[SourceType, float]:
    """`table` by source type. Raises InvalidArgumentError for a type that does not exist."""
    known = {name: table[name] for name in SOURCE_TYPES if name in table}
    unknown = sorted(table.keys() - known.keys())
    if unknown:
        path = f"/reliability_table/{unknown[0].replace('~', '~0').replace('/', '~1')[:100]}"
        raise InvalidArgumentError.at(path, f"is no source type; there are {', '.join(SOURCE_TYPES)}")
    return known


def _weigh(item: Item, table: Mapping[SourceType, float], half_life_days: float | None) -> Weighed:
    reliability = table[item.source_type] if item.reliability is None else item.reliability
    old = item.age_days is not None and half_life_days is not None
    freshness = float(0.5 ** ((item.age_days or 0.0) / (half_life_days or 1.0))) if old else 1.0
    return Weighed(reliability * item.relevance * freshness, reliability, item.relevance, freshness)
