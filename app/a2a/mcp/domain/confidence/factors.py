"""One bounded confidence from named factors, by a weighted mean over those that could be assessed.

Sources: Keeney & Raiffa 1976 (multi-attribute weighting); Laplace's rule of succession for the record of successes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from app.a2a.mcp.errors import InvalidArgumentError

Factor = Literal[
    "evidence_quality",
    "logical_consistency",
    "semantic_alignment",
    "historical_success",
    "complexity_penalty",
    "validation_score",
]
FACTORS: tuple[Factor, ...] = get_args(Factor)
DEFAULT_WEIGHTS: Mapping[Factor, float] = {
    "evidence_quality": 0.25,
    "logical_consistency": 0.20,
    "semantic_alignment": 0.20,
    "historical_success": 0.15,
    "complexity_penalty": 0.10,
    "validation_score": 0.10,
}
DEFAULT_BOUNDS = (0.05, 0.95)

EASY_STEPS = 10
HARD_STEPS = 40
HARD_VALUE = 0.3

Source = Literal["given", "derived", "none"]

_ADVICE: Mapping[Factor, tuple[str, str]] = {
    "evidence_quality": ("add evidence with its source_type", "find better or more recent sources"),
    "logical_consistency": ("add the steps of the reasoning_chain", "mend the steps that rest on nothing"),
    "semantic_alignment": ("add question and answer", "answer the question that was asked"),
    "historical_success": ("add historical_data of similar tasks", "treat similar tasks with more care: few succeeded"),
    "complexity_penalty": ("add the reasoning_chain to count its steps", "shorten the chain or check it in parts"),
    "validation_score": ("add validation_results of a checker", "address what the validation found"),
}
LOW = 0.5


@dataclass(frozen=True, slots=True)
class Assessed:
    """A factor's value in 0..1 and where it came from; None where it could not be assessed."""

    value: float | None
    source: Source


@dataclass(frozen=True, slots=True)
class Share:
    """What one factor adds: `weight` is its share of all weights, `contribution` its part of the unbounded mean."""

    factor: Factor
    assessed: Assessed
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Confidence:
    """`unbounded` is the plain mean; `coverage` the weight share that was assessed."""

    confidence: float
    unbounded: float
    coverage: float
    shares: list[Share]


def combine(
    values: Mapping[Factor, Assessed], weights: Mapping[Factor, float], bounds: tuple[float, float] = DEFAULT_BOUNDS
) -> Confidence:
    """The weighted mean over assessed factors, their weights shared out, held within `bounds`.

    Raises InvalidArgumentError when nothing could be assessed, or when what could has no weight.
    """
    total = math.fsum(weights.values())
    known = {name: one.value for name, one in values.items() if one.value is not None}
    if not known:
        raise InvalidArgumentError.at("/reasoning_context", "nothing in it can be assessed; give context or factors")
    heard = math.fsum(weights[name] for name in known)
    if not heard:
        raise InvalidArgumentError.at("/custom_weights", "gives no weight to any factor that could be assessed")
    shares = [
        Share(name, values[name], weights[name] / total, weights[name] * known.get(name, 0.0) / heard)
        for name in FACTORS
    ]
    unbounded = min(1.0, math.fsum(share.contribution for share in shares))
    return Confidence(min(max(unbounded, bounds[0]), bounds[1]), unbounded, heard / total, shares)


def weights_with(custom: Mapping[str, float] | None) -> dict[Factor, float]:
    """The default weights with `custom` in their place. Raises InvalidArgumentError for an unknown factor."""
    custom = custom or {}
    unknown = sorted(custom.keys() - set(FACTORS))
    if unknown:
        path = f"/custom_weights/{unknown[0].replace('~', '~0').replace('/', '~1')[:100]}"
        raise InvalidArgumentError.at(path, f"is no factor; there are {', '.join(FACTORS)}")
    weights = {name: custom.get(name, DEFAULT_WEIGHTS[name]) for name in FACTORS}
    if not any(weights.values()):
        raise InvalidArgumentError.at("/custom_weights", "must give some factor a weight")
    return weights


def success_rate(successes: int, attempts: int) -> float:
    """Laplace's (s+1)/(n+2): 0.5 before anything was tried. Raises InvalidArgumentError for s > n."""
    if successes > attempts:
        path = "/reasoning_context/historical_data/successful_attempts"
        raise InvalidArgumentError.at(path, f"is more than the {attempts} attempts")
    return (successes + 1) / (attempts + 2)


def simplicity(steps: int) -> float:
    """1 up to 10 steps, falling linearly to 0.3 at 40 and beyond: long chains go wrong somewhere."""
    excess = min(max(0, steps - EASY_STEPS), HARD_STEPS - EASY_STEPS)
    return 1.0 - (1.0 - HARD_VALUE) * excess / (HARD_STEPS - EASY_STEPS)


def validation(
    logical: float | None, evidence: float | None, completeness: float | None, validator: float | None
) -> float | None:
    """(.4·logical + .3·evidence + .3·completeness) × the validator's confidence (1 if absent).

    The weight of a missing part is shared out over the others; None where there is none.
    """
    parts = [
        (value, weight) for value, weight in ((logical, 0.4), (evidence, 0.3), (completeness, 0.3)) if value is not None
    ]
    if not parts:
        return None
    mean = math.fsum(value * weight for value, weight in parts) / math.fsum(weight for _, weight in parts)
    return min(1.0, mean) * (1.0 if validator is None else validator)


def recommendations(found: Confidence) -> list[str]:
    """What would raise the confidence or make it better founded, the weightiest factor first."""
    advice = []
    for share in sorted(found.shares, key=lambda share: -share.weight):
        missing, low = _ADVICE[share.factor]
        if not share.weight:
            continue
        if share.assessed.value is None:
            advice.append(f"{share.factor} was not assessed: {missing}")
        elif share.assessed.value < LOW:
            advice.append(f"{share.factor} is {share.assessed.value:.2f}: {low}")
    return advice


def explain(found: Confidence) -> str:
    """The working in one sentence a factor."""
    lines = [
        f"{share.factor} {share.assessed.value:.3f} ({share.assessed.source}) adds {share.contribution:.3f}"
        for share in found.shares
        if share.assessed.value is not None
    ]
    held = "" if found.confidence == found.unbounded else f", held to {found.confidence:.3f} by the bounds"
    return f"{'; '.join(lines)}. Together {found.unbounded:.3f} from {found.coverage:.0%} of the weight{held}."
