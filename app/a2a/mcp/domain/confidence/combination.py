"""The beliefs of several sources as one: Dempster, Yager, Bayes, or a pool of probabilities (Genest & Zidek 1986)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.domain.confidence import beliefs
from app.a2a.mcp.errors import InvalidArgumentError

Method = Literal["dempster", "yager", "bayes", "linear_pool", "log_pool"]
METHODS: tuple[Method, ...] = get_args(Method)
ANYTHING = "*"
HIGH_CONFLICT = 0.9
SUM_TOLERANCE = 1e-6

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Source:
    """What one source says: masses by set ("A", "A|B", "*") or probabilities by outcome, and how far it counts."""

    says: Mapping[str, float]
    path: str
    reliability: float = 1.0
    weight: float = 1.0
    single: bool = False
    """Whether only single outcomes may be named, as in probabilities."""


@dataclass(frozen=True, slots=True)
class Combined:
    """The pooled belief; `masses` is by set for dempster and yager, by outcome for the others."""

    masses: dict[str, float]
    belief: dict[str, float]
    plausibility: dict[str, float]
    pignistic: dict[str, float]
    conflict: float
    ranking: list[str]
    warnings: list[str]


def combine_sources(
    frame: Sequence[str], sources: Sequence[Source], method: Method, prior: Mapping[str, float] | None = None
) -> Combined:
    """Combine `sources` over the outcomes of `frame`.

    The conflict is the mass on "impossible" when all sources are taken at their word, whatever the method. Bayes reads
    each source as a likelihood: independent of the others given the outcome. Raises InvalidArgumentError for beliefs
    that do not sum to 1, for sets outside the frame, and for total conflict.
    """
    _check(frame, sources, method, prior)
    given = [beliefs.discount(_masses(frame, source), source.reliability) for source in sources]
    joint = given[0]
    for masses in attended(given[1:]):
        joint = beliefs.conjoin(joint, masses)
    if method in ("dempster", "yager"):
        found = beliefs.dempster(joint) if method == "dempster" else beliefs.yager(joint)
        shown = {_name(frame, mask): float(found[mask]) for mask in np.flatnonzero(found).tolist()}
    else:
        rows = np.array([beliefs.pignistic(masses, len(frame)) for masses in given])
        odds = _pool(rows, np.array([source.weight for source in sources]), method, _prior(frame, prior))
        found = np.zeros(1 << len(frame))
        found[[1 << place for place in range(len(frame))]] = odds
        shown = dict(zip(frame, odds.tolist(), strict=True))
    return _describe(frame, found, shown, float(joint[0]), method, sources)


def _describe(
    frame: Sequence[str],
    found: Vector,
    shown: dict[str, float],
    conflict: float,
    method: Method,
    sources: Sequence[Source],
) -> Combined:
    count = len(frame)
    bets = dict(zip(frame, beliefs.pignistic(found, count).tolist(), strict=True))
    warnings = []
    if method in ("dempster", "yager") and conflict > HIGH_CONFLICT:
        warnings.append("high_conflict")
    if method not in ("linear_pool", "log_pool") and any(source.weight != 1.0 for source in sources):
        warnings.append("weights_are_for_pools_only")
    return Combined(
        masses=shown,
        belief=dict(zip(frame, beliefs.belief(found, count).tolist(), strict=True)),
        plausibility=dict(zip(frame, beliefs.plausibility(found, count).tolist(), strict=True)),
        pignistic=bets,
        conflict=conflict,
        ranking=sorted(frame, key=lambda name: -bets[name]),
        warnings=warnings,
    )


def _pool(rows: Vector, weights: Vector, method: Method, prior: Vector) -> Vector:
    shares = weights / weights.sum()
    if method == "linear_pool":
        return np.asarray(shares @ rows)
    with np.errstate(divide="ignore"):
        logs = np.log(rows)
        # In a log pool a source of no weight has no veto either: 0 · log 0 would be undefined.
        pooled = np.log(prior) + logs.sum(axis=0) if method == "bayes" else shares[shares > 0] @ logs[shares > 0]
    best = pooled.max()
    if not np.isfinite(best):
        raise InvalidArgumentError.at("/sources", "total_conflict: every outcome is impossible to some source")
    odds = np.exp(pooled - best)
    return np.asarray(odds / odds.sum())


def _masses(frame: Sequence[str], source: Source) -> Vector:
    masses = np.zeros(1 << len(frame))
    for name, value in attended(source.says.items()):
        if source.single and name not in frame:
            raise InvalidArgumentError.at(f"{source.path}/{pointer(name)}", "is no outcome of the frame")
        masses[_mask(frame, name, source.path)] += value
    _require_sum(source.says, source.path)
    return np.asarray(masses / masses.sum())


def _mask(frame: Sequence[str], name: str, path: str) -> int:
    if name == ANYTHING:
        return (1 << len(frame)) - 1
    mask = 0
    for outcome in name.split("|"):
        if outcome not in frame:
            raise InvalidArgumentError.at(f"{path}/{pointer(name)}", "names an outcome outside the frame")
        mask |= 1 << frame.index(outcome)
    return mask


def _name(frame: Sequence[str], mask: int) -> str:
    if mask == (1 << len(frame)) - 1:
        return ANYTHING
    return "|".join(outcome for place, outcome in enumerate(frame) if mask >> place & 1)


def _prior(frame: Sequence[str], prior: Mapping[str, float] | None) -> Vector:
    if prior is None:
        return np.full(len(frame), 1.0 / len(frame))
    unknown = sorted(prior.keys() - set(frame))
    if unknown:
        raise InvalidArgumentError.at(f"/prior/{pointer(unknown[0])}", "is not in the frame")
    _require_sum(prior, "/prior")
    return np.array([prior.get(outcome, 0.0) for outcome in frame])


def _require_sum(values: Mapping[str, float], path: str) -> None:
    total = math.fsum(values.values())
    if abs(total - 1.0) > SUM_TOLERANCE:
        raise InvalidArgumentError.at(path, f"sums to {total:.6g} and must sum to 1")


def _check(frame: Sequence[str], sources: Sequence[Source], method: Method, prior: object) -> None:
    for place, outcome in enumerate(frame):
        if not outcome.strip() or "|" in outcome or outcome == ANYTHING:
            raise InvalidArgumentError.at(f"/frame/{place}", "must be a name without | and other than *")
        if outcome in frame[:place]:
            raise InvalidArgumentError.at(f"/frame/{place}", "is in the frame twice")
    if prior is not None and method != "bayes":
        raise InvalidArgumentError.at("/prior", "is for bayes only")
    if method in ("linear_pool", "log_pool") and not any(source.weight for source in sources):
        raise InvalidArgumentError.at("/sources", "some source must have a weight above 0")


def pointer(name: str) -> str:
    """A JSON Pointer's form of a key (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")[:100]
