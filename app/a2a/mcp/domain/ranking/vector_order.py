"""Document vectors in the order of their likeness to a query vector, optionally diversified."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.ranking.diversity import Likeness, diversify
from app.a2a.mcp.domain.ranking.likeness import by_direction
from app.a2a.mcp.domain.vectors.batch import matrix_of
from app.a2a.mcp.domain.vectors.metrics import UNIT_TOLERANCE, Matrix, Vector, compare_rows
from app.a2a.mcp.errors import Detail, InvalidArgumentError

RankMetric = Literal["cosine", "dot_product", "euclidean"]
RANK_METRICS: tuple[RankMetric, ...] = get_args(RankMetric)
DEFAULT_BALANCE = 0.7


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document's place in the list given, and its marginal score where the order was diversified."""

    index: int
    mmr_score: float | None


@dataclass(frozen=True, slots=True)
class VectorOrder:
    """The order, the similarity of every document, and which have no direction (a zero vector)."""

    ranked: list[Ranked]
    similarities: Vector
    degenerate: NDArray[np.bool_]


def rank_vectors(
    query: Sequence[float],
    ids: Sequence[str],
    vectors: Sequence[Sequence[float]],
    metric: RankMetric,
    *,
    top_k: int,
    normalize: bool = True,
    balance: float | None = None,
) -> VectorOrder:
    """Rank `vectors`, ties by id; `balance` is MMR's λ, None for no diversification.

    Raises InvalidArgumentError for unequal lengths, for cosine vectors said to be of unit length that are not
    (`normalize` false), and for results beyond a 64-bit float; LimitExceededError above 500,000 numbers.
    """
    rows = matrix_of(vectors, len(query), "/document_vectors/{}/vector")
    target = np.asarray(query, dtype=np.float64)
    if metric == "cosine" and not normalize:
        _require_units(target, rows)
    scores = compare_rows(target, rows, metric)
    _require_finite(scores.distance, metric)
    similarities = scores.similarity
    if balance is None:
        order = sorted(range(len(ids)), key=lambda place: (-similarities[place], ids[place]))[:top_k]
        return VectorOrder([Ranked(place, None) for place in order], similarities, scores.degenerate)

    picked = diversify(similarities, _likeness(rows, metric), ids, balance, top_k)
    return VectorOrder([Ranked(*pick) for pick in picked], similarities, scores.degenerate)


def _likeness(rows: Matrix, metric: RankMetric) -> Likeness:
    if metric == "cosine":
        return by_direction(rows)

    def likeness(place: int) -> Vector:
        alike = compare_rows(rows[place], rows, metric)
        _require_finite(alike.distance, metric)
        return alike.similarity

    return likeness


def _require_finite(distances: Vector, metric: str) -> None:
    beyond = np.flatnonzero(~np.isfinite(distances))
    if len(beyond):
        path = f"/document_vectors/{beyond[0]}/vector"
        raise InvalidArgumentError.at(path, f"its {metric} is beyond a 64-bit float")


def _require_units(query: Vector, rows: Matrix) -> None:
    with np.errstate(over="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        own = float(np.sqrt(query @ query))
    if abs(own - 1.0) > UNIT_TOLERANCE:
        raise InvalidArgumentError.at("/query_vector", f"length {own:.6g} is not 1; send normalize true")
    wrong = np.flatnonzero(np.abs(lengths - 1.0) > UNIT_TOLERANCE).tolist()
    if wrong:
        details = [
            Detail(f"/document_vectors/{place}/vector", f"length {lengths[place]:.6g} is not 1") for place in wrong[:10]
        ]
        raise InvalidArgumentError(f"{len(wrong)} vectors are not of length 1; send normalize true", details)
