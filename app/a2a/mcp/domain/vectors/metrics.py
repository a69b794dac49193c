"""Six ways to compare vectors in float64, safe against overflow, underflow and vectors without direction.

Definitions: Deza & Deza, Encyclopedia of Distances. Every function compares one query with the rows of a
matrix, row by row in the same order of operations, so a pair gets the same number alone and in a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.errors import InvalidArgumentError

Metric = Literal["cosine", "euclidean", "manhattan", "dot_product", "jaccard", "hamming"]
METRICS: tuple[Metric, ...] = get_args(Metric)
# How far from 1 the length of a vector said to be of unit length may be.
UNIT_TOLERANCE = 1e-3

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scores:
    """One entry a row: higher `similarity` and lower `distance` are nearer; `degenerate` has no meaning."""

    similarity: Vector
    distance: Vector
    degenerate: Flags


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer for one pair."""

    similarity: float
    distance: float
    degenerate: bool


def compare_pair(
    first: Sequence[float],
    second: Sequence[float],
    metric: Metric,
    *,
    normalize: bool = True,
    threshold: float | None = None,
) -> Comparison:
    """Compare two vectors of equal length; `threshold` binarises for jaccard and hamming (value > threshold).

    Raises InvalidArgumentError for unequal lengths, for a threshold with another metric, for inputs that
    are not of unit length when `normalize` is false, and when the result is beyond a 64-bit float.
    """
    if len(first) != len(second):
        raise InvalidArgumentError.at("/vector2", f"dimensions {len(first)} expected, {len(second)} given")
    query, rows = np.asarray(first, dtype=np.float64), np.asarray([second], dtype=np.float64)
    if metric == "cosine" and not normalize:
        _require_unit(query, "/vector1")
        _require_unit(rows[0], "/vector2")
        similarity = float(np.clip(np.einsum("ij,j->i", rows, query)[0], -1.0, 1.0))
        return Comparison(similarity, 1.0 - similarity, False)
    scores = compare_rows(query, rows, metric, threshold)
    if not np.isfinite(scores.distance[0]):
        raise InvalidArgumentError.at("/vector2", f"the {metric} of these is beyond a 64-bit float")
    return Comparison(float(scores.similarity[0]), float(scores.distance[0]), bool(scores.degenerate[0]))


def compare_rows(query: Vector, rows: Matrix, metric: Metric, threshold: float | None = None) -> Scores:
    """Compare `query` with each row; a result beyond a 64-bit float is infinite."""
    if threshold is not None and metric not in ("jaccard", "hamming"):
        raise InvalidArgumentError.at("/binarize_threshold", "is for jaccard and hamming only")
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if metric in ("jaccard", "hamming"):
            return _SETS[metric](query, rows, threshold)
        return _NUMBERS[metric](query, rows)


def _cosine(query: Vector, rows: Matrix) -> Scores:
    # Dividing by the largest magnitude first keeps the squares in range whatever the scale.
    unit, empty = directions(query[None, :])
    units, zeros = directions(rows)
    degenerate = zeros | empty[0]
    similarity = np.clip(np.einsum("ij,j->i", units, unit[0]), -1.0, 1.0)
    similarity[degenerate] = 0.0
    return Scores(similarity, 1.0 - similarity, degenerate)


def _euclidean(query: Vector, rows: Matrix) -> Scores:
    differences = np.abs(rows - query)
    largest = differences.max(axis=1)
    scale = np.where(largest > 0.0, largest, 1.0)
    scaled = differences / scale[:, None]
    distance = np.where(np.isfinite(largest), largest * np.sqrt(np.einsum("ij,ij->i", scaled, scaled)), np.inf)
    return Scores(1.0 / (1.0 + distance), distance, np.zeros(len(rows), dtype=bool))


def _manhattan(query: Vector, rows: Matrix) -> Scores:
    distance = np.abs(rows - query).sum(axis=1)
    return Scores(1.0 / (1.0 + distance), distance, np.zeros(len(rows), dtype=bool))


def _dot_product(query: Vector, rows: Matrix) -> Scores:
    product = np.einsum("ij,j->i", rows, query)
    product = np.where(np.isnan(product), np.inf, product)
    # Adding zero turns the negative zero of `-0.0` into 0.0.
    return Scores(product, 0.0 - product, np.zeros(len(rows), dtype=bool))


def _jaccard(query: Vector, rows: Matrix, threshold: float | None) -> Scores:
    left, right = _members(query, threshold), _members(rows, threshold)
    union = (left | right).sum(axis=1)
    shared = (left & right).sum(axis=1)
    # Two empty sets are equal, but there is nothing in them to compare.
    similarity = np.where(union > 0, shared / np.maximum(union, 1), 1.0)
    return Scores(similarity, 1.0 - similarity, union == 0)


def _hamming(query: Vector, rows: Matrix, threshold: float | None) -> Scores:
    raw = threshold is None
    differs = rows != query if raw else _members(rows, threshold) != _members(query, threshold)
    distance = differs.sum(axis=1).astype(np.float64)
    return Scores(1.0 - distance / len(query), distance, np.zeros(len(rows), dtype=bool))


_NUMBERS: dict[str, Callable[[Vector, Matrix], Scores]] = {
    "cosine": _cosine,
    "euclidean": _euclidean,
    "manhattan": _manhattan,
    "dot_product": _dot_product,
}
_SETS: dict[str, Callable[[Vector, Matrix, float | None], Scores]] = {"jaccard": _jaccard, "hamming": _hamming}


def _members(values: NDArray[np.float64], threshold: float | None) -> Flags:
    members: Flags = values != 0.0 if threshold is None else values > threshold
    return members


def directions(rows: Matrix) -> tuple[Matrix, Flags]:
    """Rows scaled to unit length, and which rows are zero."""
    largest = np.abs(rows).max(axis=1)
    zero = largest == 0.0
    scaled = rows / np.where(zero, 1.0, largest)[:, None]
    lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    return scaled / np.where(zero, 1.0, lengths)[:, None], zero


def _require_unit(vector: Vector, path: str) -> None:
    largest = float(np.abs(vector).max())
    # Past 2 the length is past 2 as well, and squaring could overflow.
    length = float(np.sqrt(vector @ vector)) if largest <= 2.0 else largest
    if abs(length - 1.0) > UNIT_TOLERANCE:
        raise InvalidArgumentError.at(path, f"length {length:.6g} is not 1; send normalize true")
