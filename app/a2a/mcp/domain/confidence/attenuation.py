"""Lowering a confidence for named weaknesses: a product of penalties (after MYCIN, Shortliffe & Buchanan 1975)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.a2a.mcp.errors import Detail, InvalidArgumentError

PENALTIES: Mapping[str, float] = {
    "missing_evidence": 0.85,
    "contradictory_evidence": 0.70,
    "weak_inference": 0.80,
    "unvalidated_source": 0.90,
    "complex_reasoning": 0.95,
    "limited_data": 0.85,
}
"""What is left of a confidence under each weakness."""

DEFAULT_FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class Attenuated:
    """`total_penalty` and the impacts are the share taken away, before the floor; each factor counts once."""

    adjusted: float
    total_penalty: float
    impacts: dict[str, float]
    floored: bool
    duplicates: list[str]


def attenuate(
    base: float, factors: Sequence[str], custom: Mapping[str, float] | None = None, floor: float = DEFAULT_FLOOR
) -> Attenuated:
    """Lower `base`; the floor never lifts it above what it was.

    Raises InvalidArgumentError for a factor without a penalty, and for a custom penalty that nothing uses.
    """
    custom = custom or {}
    table = {**PENALTIES, **custom}
    details = [
        Detail(f"/uncertainty_factors/{place}", "is unknown; give its penalty in custom_penalties")
        for place, name in enumerate(factors)
        if name not in table
    ]
    details += [
        Detail(f"/custom_penalties/{name.replace('~', '~0').replace('/', '~1')}", "is no known factor and not used")
        for name in custom
        if name not in PENALTIES and name not in factors
    ]
    if details:
        raise InvalidArgumentError(f"known factors are {', '.join(PENALTIES)}", details[:20])
    once = list(dict.fromkeys(factors))
    left = math.prod(table[name] for name in once)
    lowered = base * left
    return Attenuated(
        adjusted=min(base, max(floor, lowered)),
        total_penalty=1.0 - left,
        impacts={name: 1.0 - table[name] for name in once},
        floored=lowered < floor,
        duplicates=[name for name in once if factors.count(name) > 1],
    )
