"""Exact top-k of a list of candidates; at this size a scan is faster than building any index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.vectors.metrics import Matrix, Metric, compare_rows
from app.a2a.mcp.errors import Detail, InvalidArgumentError, LimitExceededError

# Numbers in all vectors of one call together: about 5 MB of JSON.
MAX_NUMBERS = 500_000


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate kept: `index` is its place in the list given."""

    index: int
    rank: int
    similarity: float
    distance: float
    degenerate: bool


def matrix_of(vectors: Sequence[Sequence[float]], dimensions: int, path: str) -> Matrix:
    """Stack equally long vectors; `path` is the JSON Pointer of one, with `{}` for its index.

    Raises InvalidArgumentError naming every vector (up to ten) of another length, LimitExceededError
    above 500,000 numbers.
    """
    total = sum(map(len, vectors))
    if total > MAX_NUMBERS:
        raise LimitExceededError(f"{total} numbers in all vectors together, at most {MAX_NUMBERS} are taken")
    wrong = [
        Detail(path.format(index), f"dimensions {dimensions} expected, {len(vector)} given")
        for index, vector in enumerate(vectors)
        if len(vector) != dimensions
    ]
    if wrong:
        raise InvalidArgumentError(f"{len(wrong)} vectors have another length", wrong[:10])
    return np.asarray(vectors, dtype=np.float64).reshape(len(vectors), dimensions)


def reject_duplicates(ids: Sequence[str], path: str) -> None:
    """Raise InvalidArgumentError naming each id that was seen before (up to ten)."""
    first: dict[str, int] = {}
    details = [
        Detail(path.format(index), f"the same id as item {first[name]}")
        for index, name in enumerate(ids)
        if first.setdefault(name, index) != index
    ]
    if details:
        raise InvalidArgumentError(f"{len(details)} ids are given twice", details[:10])


def best_matches(
    query: Sequence[float],
    ids: Sequence[str],
    vectors: Sequence[Sequence[float]],
    metric: Metric,
    *,
    top_k: int,
    threshold: float | None = None,
) -> list[Match]:
    """The `top_k` candidates of highest similarity at or above `threshold`, ties by id."""
    reject_duplicates(ids, "/candidate_vectors/{}/id")
    rows = matrix_of(vectors, len(query), "/candidate_vectors/{}/vector")
    scores = compare_rows(np.asarray(query, dtype=np.float64), rows, metric)
    beyond = np.flatnonzero(~np.isfinite(scores.distance))
    if len(beyond):
        path = f"/candidate_vectors/{beyond[0]}/vector"
        raise InvalidArgumentError.at(path, f"its {metric} to the query is beyond a 64-bit float")
    chosen = leaders(scores.similarity, top_k)
    if threshold is not None:
        chosen = chosen[scores.similarity[chosen] >= threshold]
    ranked = sorted(chosen.tolist(), key=lambda index: (-scores.similarity[index], ids[index]))[:top_k]
    return [
        Match(
            index,
            rank,
            float(scores.similarity[index]),
            float(scores.distance[index]),
            bool(scores.degenerate[index]),
        )
        for rank, index in enumerate(ranked, start=1)
    ]


def leaders(similarity: NDArray[np.floating], count: int, margin: float = 0.0) -> NDArray[np.int64]:
    """Indexes whose similarity is within `margin` of the `count`-th best or above: ties are all kept."""
    if len(similarity) <= count:
        return np.arange(len(similarity), dtype=np.int64)
    place = len(similarity) - count
    cut = np.partition(similarity, place)[place]
    return np.flatnonzero(similarity >= cut - margin).astype(np.int64)
