"""Approximate nearest rows behind one small protocol; the engine is annoy (random projection trees).

It only proposes candidates: their order and numbers are computed exactly elsewhere. The file must be
verified before it is opened here: annoy loads a truncated file silently and crashes on the next query.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, Self

import annoy
import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.vectors.scan import StoredMetric

TREES = 30
# A fixed seed: the same rows give the same index on every host.
SEED = 20_26


class NearestIndex(Protocol):
    """Proposes the rows that may be nearest to a query."""

    def candidates(self, query: NDArray[np.float64], count: int, search_k: int) -> NDArray[np.int64]:
        """At most `count` row numbers after inspecting about `search_k` nodes."""


class AnnoyIndex:
    """An annoy file, mapped: processes of a host share its pages."""

    def __init__(self, engine: annoy.AnnoyIndex, padding: int) -> None:
        self._engine = engine
        self._padding = padding

    @classmethod
    def open(cls, path: Path, metric: StoredMetric, dimensions: int) -> Self:
        padding = _padding(metric)
        engine = annoy.AnnoyIndex(dimensions + padding, _engine_metric(metric))
        engine.load(str(path))
        return cls(engine, padding)

    @staticmethod
    def build(path: Path, rows: NDArray[np.float32], metric: StoredMetric) -> None:
        """Write an index of all rows to `path`, on disk as it grows, one thread."""
        engine = annoy.AnnoyIndex(rows.shape[1] + _padding(metric), _engine_metric(metric))
        engine.on_disk_build(str(path))
        engine.set_seed(SEED)
        lengths = _lengths(rows) if metric == "dot_product" else None
        longest = float(lengths.max()) if lengths is not None else 0.0
        for number, row in enumerate(rows):
            values = row.tolist()
            if lengths is not None:
                # Bachrach et al. 2014: one more number makes all rows equally long, and then
                # the greatest product is the smallest angle.
                values.append(float(np.sqrt(max(0.0, longest**2 - float(lengths[number]) ** 2))))
            engine.add_item(number, values)
        engine.build(TREES, n_jobs=1)
        engine.unload()

    def candidates(self, query: NDArray[np.float64], count: int, search_k: int) -> NDArray[np.int64]:
        padded = [*query.tolist(), *[0.0] * self._padding]
        return np.array(self._engine.get_nns_by_vector(padded, count, search_k), dtype=np.int64)


def _padding(metric: StoredMetric) -> int:
    return 1 if metric == "dot_product" else 0


def _engine_metric(metric: StoredMetric) -> Literal["angular", "euclidean"]:
    return "euclidean" if metric == "euclidean" else "angular"


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    lengths = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), 4096):
        block = rows[start : start + 4096].astype(np.float64)
        lengths[start : start + 4096] = np.sqrt(np.einsum("ij,ij->i", block, block))
    return lengths
