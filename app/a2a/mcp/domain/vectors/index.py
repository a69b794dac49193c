"""Searching one collection: a mapped base (exact or by annoy), an exact tail, and a mask of dead rows.

Candidates are re-ranked with the kept vectors in float64, so order and numbers are exact even where the
approximate index missed a neighbour. Methods are called from worker threads, one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.vectors import scan
from app.a2a.mcp.domain.vectors.base import Base
from app.a2a.mcp.domain.vectors.batch import leaders
from app.a2a.mcp.domain.vectors.filters import Accept
from app.a2a.mcp.domain.vectors.metrics import Scores
from app.a2a.mcp.domain.vectors.record import decode
from app.a2a.mcp.domain.vectors.scan import StoredMetric
from app.a2a.mcp.domain.vectors.source import Change
from app.a2a.mcp.domain.vectors.tail import Tail

# From bench/recall.py, 100,000 sentences of 256 numbers: 20,000 nodes find 0.968 of the ten nearest at twice
# the speed of a scan, 40,000 find 0.983 at 1.1 times. The nodes that are needed grow with the rows.
LEAST_SEARCH_K = 20_000
_ROWS_PER_NODE = 5
_WIDEN = 4
_MIN_CANDIDATES = 100


@dataclass(frozen=True, slots=True)
class Question:
    """A search, checked: `query` has the collection's dimensions."""

    query: NDArray[np.float64]
    top_k: int
    min_similarity: float | None = None
    accept: Accept | None = None
    exact: bool = False
    search_k: int | None = None
    leave_out: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A neighbour; `metadata` as stored."""

    id: str
    similarity: float
    distance: float
    metadata: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits from near to far; `searched` vectors were compared exactly, `exact` says none can be missing."""

    hits: tuple[Hit, ...]
    searched: int
    exact: bool


class CollectionIndex:
    """One collection at one version of one epoch; `apply` moves it forward."""

    def __init__(self, metric: StoredMetric, dimensions: int, base: Base | None = None, version: int = 0) -> None:
        self.metric = metric
        self.dimensions = dimensions
        self.base = base
        self.version = version
        self.tail = Tail(dimensions)
        self.alive = base.alive() if base else np.zeros(0, dtype=bool)
        self._base_live = int(self.alive.sum())
        self._longest = base.longest if base else 0.0
        self.lock = threading.Lock()

    @property
    def size(self) -> int:
        return self._base_live + len(self.tail)

    @property
    def stale_rows(self) -> int:
        """How much a new base would take in or leave behind."""
        return len(self.tail.ids) + len(self.alive) - self._base_live

    def apply(self, changes: Iterable[Change], version: int) -> None:
        """Take in the last states of changed records; afterwards the index stands at `version`."""
        with self.lock:
            if version < self.version:
                # A page that a cancelled call left behind: what it holds has been superseded.
                return
            for change in changes:
                self._forget(change.id)
                if change.value is not None:
                    self._put(change.id, change.value)
            self.version = version

    def stage(self) -> tuple[int, NDArray[np.bool_], list[tuple[str, NDArray[np.float32], bytes]]]:
        """The version, which base rows are alive, and the tail's records: what a new base is made of."""
        with self.lock:
            return self.version, self.alive.copy(), list(self.tail.records())

    def load(self, records: Sequence[tuple[str, bytes]], version: int) -> None:
        """Take in records read from the store."""
        with self.lock:
            for name, value in records:
                self._forget(name)
                self._put(name, value)
            self.version = version

    def vector_of(self, name: str) -> NDArray[np.float64] | None:
        """A stored vector as the index keeps it, None when the id is not here."""
        with self.lock:
            row = self.tail.row_of(name)
            if row is None and self.base is not None:
                place = self.base.row_of(name)
                if place is not None and self.alive[place]:
                    row = self.base.rows[place]
            return None if row is None else np.asarray(row, dtype=np.float64)

    def search(self, question: Question) -> Answer:
        """The nearest live records."""
        with self.lock:
            hits, searched, exact = self._search_base(question)
            tail_hits, tail_searched = self._search_tail(question)
        hits += tail_hits
        floor = question.min_similarity
        kept = [hit for hit in hits if floor is None or hit.similarity >= floor]
        kept.sort(key=lambda hit: (-hit.similarity, hit.id))
        return Answer(tuple(kept[: question.top_k]), searched + tail_searched, exact)

    def _put(self, name: str, value: bytes) -> None:
        record = decode(value)
        row = scan.index_rows(record.vector[None, :], self.metric)[0]
        self._longest = max(self._longest, float(np.linalg.norm(row.astype(np.float64))))
        self.tail.put(name, row, record.metadata)

    def _forget(self, name: str) -> None:
        if self.tail.remove(name) or self.base is None:
            return
        row = self.base.row_of(name)
        if row is not None and self.alive[row]:
            self.alive[row] = False
            self._base_live -= 1

    def _search_base(self, question: Question) -> tuple[list[Hit], int, bool]:
        base = self.base
        if base is None or not self._base_live:
            return [], 0, True

        def usable(rows: NDArray[np.int64]) -> NDArray[np.int64]:
            return _usable(rows, self.alive, base.id_at, base.metadata_at, question)

        if base.ann is not None and not question.exact:
            found = self._by_index(base, question, usable)
            if found is not None:
                return self._hits(base.rows, found, base.id_at, base.metadata_at, question), len(found), False
        found = self._by_scan(base.rows, question, usable)
        return self._hits(base.rows, found, base.id_at, base.metadata_at, question), self._base_live, True

    def _search_tail(self, question: Question) -> tuple[list[Hit], int]:
        tail = self.tail
        if not len(tail):
            return [], 0
        ids, metadata = tail.ids.__getitem__, tail.metadata.__getitem__
        alive = tail.alive
        found = self._by_scan(tail.rows, question, lambda rows: _usable(rows, alive, ids, metadata, question))
        return self._hits(tail.rows, found, ids, metadata, question), len(tail)

    def _by_index(
        self, base: Base, question: Question, usable: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    ) -> NDArray[np.int64] | None:
        """Rows proposed by annoy, widened until enough of them count; None when a scan must do it."""
        assert base.ann is not None
        count = max(_MIN_CANDIDATES, _WIDEN * question.top_k)
        search_k = question.search_k or max(LEAST_SEARCH_K, len(base.rows) // _ROWS_PER_NODE)
        # A filter may leave few of the candidates: once more with many, then a scan is faster and misses nothing.
        for candidates, nodes in ((count, search_k), (16 * count, _WIDEN * search_k)):
            if candidates > len(base.rows) // 2:
                break
            rows = usable(np.sort(base.ann.candidates(question.query, candidates, nodes)))
            if len(rows) >= question.top_k:
                return rows
        return None

    def _by_scan(
        self,
        rows: NDArray[np.float32],
        question: Question,
        usable: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    ) -> NDArray[np.int64]:
        """Every row that may be among the nearest: a float32 scan, with its rounding error allowed for."""
        nearness = scan.approximate(rows, question.query, self.metric)
        length = float(np.linalg.norm(question.query))
        count = question.top_k
        while True:
            cut = float(np.partition(nearness, -count)[-count]) if count < len(rows) else -np.inf
            slack = scan.margin(cut, length, self._longest, self.dimensions, self.metric) if count < len(rows) else 0.0
            chosen = usable(np.flatnonzero(nearness >= cut - slack))
            if len(chosen) >= question.top_k or count >= len(rows):
                return chosen
            count *= _WIDEN

    def _hits(
        self,
        rows: NDArray[np.float32],
        chosen: NDArray[np.int64],
        id_at: Callable[[int], str],
        metadata_at: Callable[[int], bytes],
        question: Question,
    ) -> list[Hit]:
        if not len(chosen):
            return []
        scores: Scores = scan.exact(rows[chosen], question.query, self.metric)
        best = leaders(scores.similarity, question.top_k)
        return [
            Hit(
                id_at(int(chosen[place])),
                float(scores.similarity[place]),
                float(scores.distance[place]),
                metadata_at(int(chosen[place])),
            )
            for place in best
        ]


def _usable(
    rows: NDArray[np.int64],
    alive: NDArray[np.bool_],
    id_at: Callable[[int], str],
    metadata_at: Callable[[int], bytes],
    question: Question,
) -> NDArray[np.int64]:
    rows = rows[alive[rows]]
    accept, left_out = question.accept, question.leave_out
    if accept is None and left_out is None:
        return rows
    kept = [
        row
        for row in rows.tolist()
        if (accept is None or accept(metadata_at(row))) and (left_out is None or id_at(row) != left_out)
    ]
    return np.array(kept, dtype=np.int64)
