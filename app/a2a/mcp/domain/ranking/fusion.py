"""Several rankings of the same things merged into one.

Sources: Cormack, Clarke & Büttcher 2009 (RRF); Fox & Shaw 1994 (CombSUM, CombMNZ); Aslam & Montague 2001 (Borda).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from app.a2a.mcp.errors import Detail, InvalidArgumentError

FusionMethod = Literal["rrf", "combsum", "combmnz", "borda"]
FUSION_METHODS: tuple[FusionMethod, ...] = get_args(FusionMethod)
SCORED_METHODS = frozenset({"combsum", "combmnz"})
Normalization = Literal["minmax", "none"]
DEFAULT_K = 60


@dataclass(frozen=True, slots=True)
class Ranking:
    """One list, best first; `scores` is None, or has a number for every id."""

    name: str
    ids: Sequence[str]
    scores: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class Fusion:
    """How to merge; weights are by list name, 1 for a list not named."""

    method: FusionMethod = "rrf"
    k: int = DEFAULT_K
    weights: Mapping[str, float] | None = None
    normalization: Normalization = "minmax"


@dataclass(frozen=True, slots=True)
class Fused:
    """One thing in the merged order, with what each list gave it."""

    id: str
    score: float
    contributions: dict[str, float]


def fuse(rankings: Sequence[Ranking], fusion: Fusion) -> list[Fused]:
    """Everything in any list, best first, ties by id.

    Raises InvalidArgumentError for weights of lists that are not there, and for lists without scores where the method
    adds scores.
    """
    weights = _weights(rankings, fusion.weights)
    if fusion.method in SCORED_METHODS:
        _require_scores(rankings)
    found: dict[str, dict[str, float]] = {}
    union = {name for ranking in rankings for name in ranking.ids}
    points = _POINTS[fusion.method]
    for ranking in rankings:
        for name, value in points(ranking, fusion, union).items():
            found.setdefault(name, {})[ranking.name] = weights[ranking.name] * value
    merged = [Fused(name, _total(parts, weights, fusion.method), parts) for name, parts in found.items()]
    return sorted(merged, key=lambda one: (-one.score, one.id))


def reciprocal_rank(rank: int, k: int = DEFAULT_K) -> float:
    """What a place in a list is worth in RRF; the best rank is 1."""
    return 1.0 / (k + rank)


def _total(parts: Mapping[str, float], weights: Mapping[str, float], method: FusionMethod) -> float:
    total = math.fsum(parts.values())
    # CombMNZ counts the lists that hold a thing, also those that score it zero; a list of no weight is not heard.
    return total * sum(1 for name in parts if weights[name] > 0) if method == "combmnz" else total


def _reciprocal(ranking: Ranking, fusion: Fusion, union: set[str]) -> dict[str, float]:
    return {name: reciprocal_rank(rank, fusion.k) for rank, name in enumerate(ranking.ids, start=1)}


def _points(ranking: Ranking, fusion: Fusion, union: set[str]) -> dict[str, float]:
    """Borda: as many points as there are candidates for the first; the unlisted share what is left evenly."""
    listed = {name: float(len(union) - place) for place, name in enumerate(ranking.ids)}
    rest = (len(union) - len(listed) + 1) / 2
    return listed | {name: rest for name in union if name not in listed}


def _scores(ranking: Ranking, fusion: Fusion, union: set[str]) -> dict[str, float]:
    scores = list(ranking.scores or ())
    if fusion.normalization == "minmax" and scores:
        low, high = min(scores), max(scores)
        # All equal says nothing of an order, yet each is the best of its list.
        scores = [(score - low) / (high - low) if high > low else 1.0 for score in scores]
    return dict(zip(ranking.ids, scores, strict=True))


_POINTS: Mapping[FusionMethod, Callable[[Ranking, Fusion, set[str]], dict[str, float]]] = {
    "rrf": _reciprocal,
    "borda": _points,
    "combsum": _scores,
    "combmnz": _scores,
}


def _weights(rankings: Sequence[Ranking], given: Mapping[str, float] | None) -> dict[str, float]:
    given = given or {}
    names = [ranking.name for ranking in rankings]
    unknown = sorted(given.keys() - set(names))
    if unknown:
        details = [
            Detail(f"/weights/{name.replace('~', '~0').replace('/', '~1')}", "no list has this name")
            for name in unknown[:10]
        ]
        raise InvalidArgumentError(f"{len(unknown)} weights are of no list here", details)
    weights = {name: given.get(name, 1.0) for name in names}
    if not any(weights.values()):
        raise InvalidArgumentError.at("/weights", "must give some list a weight")
    return weights


def _require_scores(rankings: Sequence[Ranking]) -> None:
    details = [
        Detail(f"/rankings/{place}/results", "has no scores; combsum and combmnz add scores, rrf and borda need none")
        for place, ranking in enumerate(rankings)
        if ranking.scores is None and ranking.ids
    ]
    if details:
        raise InvalidArgumentError(f"{len(details)} lists have results without a score", details[:10])
