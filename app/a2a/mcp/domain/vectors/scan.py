"""Exact nearest rows of a float32 matrix: a fast scan picks candidates, float64 decides.

The scan's rounding error is bounded and added to the cut, so no row that belongs to the answer is lost.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.vectors.metrics import Scores, compare_rows

StoredMetric = Literal["cosine", "euclidean", "dot_product"]
STORED_METRICS: dict[str, StoredMetric] = {name: name for name in get_args(StoredMetric)}

# Numbers scored at a time: 2 MB of float32 stays in a core's cache.
BLOCK_NUMBERS = 524_288
_EPSILON = float(np.finfo(np.float32).eps)


def index_rows(vectors: NDArray[np.float32], metric: StoredMetric) -> NDArray[np.float32]:
    """Rows as an index keeps them: of unit length for cosine (zero rows stay), as they are otherwise."""
    if metric != "cosine":
        return vectors
    wide = vectors.astype(np.float64)
    largest = np.abs(wide).max(axis=1, keepdims=True)
    wide /= np.where(largest > 0.0, largest, 1.0)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
    return (wide / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float32)


def approximate(rows: NDArray[np.float32], query: NDArray[np.float64], metric: StoredMetric) -> NDArray[np.float32]:
    """Nearness of every row (higher is nearer), in float32: product, or minus the squared distance."""
    narrow = query.astype(np.float32)
    nearness = np.empty(len(rows), dtype=np.float32)
    step = max(1, BLOCK_NUMBERS // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        if metric == "euclidean":
            difference = block - narrow
            nearness[start : start + step] = -np.einsum("ij,ij->i", difference, difference)
        else:
            nearness[start : start + step] = block @ narrow
    return nearness


def margin(cut: float, query_length: float, longest: float, dimensions: int, metric: StoredMetric) -> float:
    """How far below `cut` the float32 nearness of a row may lie whose true nearness reaches it."""
    spread = 8.0 * _EPSILON * (dimensions**0.5 + 4.0)
    if metric == "euclidean":
        # Relative to the squared distance, plus what rounding the query to float32 may move.
        moved = 4.0 * _EPSILON * (longest + query_length)
        return float(spread * abs(cut) + moved * abs(cut) ** 0.5 + moved**2)
    return float(spread * longest * query_length)


def exact(rows: NDArray[np.float32], query: NDArray[np.float64], metric: StoredMetric) -> Scores:
    """The numbers that are reported: float64 on the kept rows."""
    return compare_rows(query, rows.astype(np.float64), metric)
