"""Records that are the same thing: pairs scored field by field (Fellegi & Sunter 1969), joined by union-find."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.domain.standardize.quality import is_empty, parse_time
from app.a2a.mcp.domain.standardize.similarity import Column, Comparator, plain_text
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

Survivorship: TypeAlias = Literal["first", "most_complete", "latest"]
SURVIVORSHIPS: tuple[Survivorship, ...] = get_args(Survivorship)
Record: TypeAlias = Mapping[str, Any]

MAX_COMPARISONS = 2_000_000
MAX_WORK = 120_000_000
TOKEN_SET_WORK = 8
"""Comparisons times fields, a token set costing eight others: about six seconds of one core."""

MAX_PAIRS = 10_000
MAX_FIELD_SCORES = 40_000
"""Pairs listed, and the scores of their fields together: about 2 MB of JSON."""

ROWS = 128
"""Rows compared at once: a few megabytes of scores, whatever the size of a block."""


@dataclass(frozen=True, slots=True)
class MatchField:
    """A field that tells records apart, how it is compared, and what it weighs."""

    name: str
    comparator: Comparator = "jaro_winkler"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Matching:
    """What makes two records one, and which of them speaks for all."""

    fields: Sequence[MatchField]
    threshold: float
    blocking_fields: Sequence[str] = ()
    survivorship: Survivorship = "most_complete"
    latest_field: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records over the threshold; a field missing in either has no score."""

    a: int
    b: int
    score: float
    field_scores: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Records taken for one thing."""

    cluster_id: int
    members: list[int]
    representative: int


@dataclass(frozen=True, slots=True)
class Duplicates:
    """All clusters, the first pairs, and how much was compared."""

    clusters: list[Cluster]
    pairs: list[Pair]
    pairs_truncated: bool
    comparisons: int

    @property
    def found(self) -> int:
        """How many records could go."""
        return sum(len(cluster.members) - 1 for cluster in self.clusters)


def find_duplicates(records: Sequence[Record], matching: Matching) -> Duplicates:
    """Compare all records of each block. Raises LimitExceededError when that is over `MAX_COMPARISONS` pairs."""
    if matching.survivorship == "latest" and not matching.latest_field:
        raise InvalidArgumentError.at("/latest_field", "is needed by the survivorship latest")
    blocks = _blocks(records, matching.blocking_fields)
    comparisons = sum(len(block) * (len(block) - 1) // 2 for block in blocks)
    if comparisons > MAX_COMPARISONS:
        reason = f"imply {comparisons} comparisons, over {MAX_COMPARISONS}: name more or finer blocking_fields"
        raise LimitExceededError.at("/blocking_fields", reason)
    if comparisons * sum(TOKEN_SET_WORK if f.comparator == "token_set" else 1 for f in matching.fields) > MAX_WORK:
        raise LimitExceededError.at("/fields", "compare too many token sets: name blocking_fields, or fewer of them")
    return _joined(records, blocks, comparisons, matching)


def _joined(
    records: Sequence[Record], blocks: Sequence[Sequence[int]], comparisons: int, matching: Matching
) -> Duplicates:
    columns = [Column([record.get(f.name) for record in records], f.comparator) for f in matching.fields]
    most = min(MAX_PAIRS, MAX_FIELD_SCORES // len(matching.fields))
    union, pairs, truncated = _Union(len(records)), list[Pair](), False
    for block in blocks:
        for a, others, scores in _matches(block, columns, matching):
            union.join(a, others)
            room = most - len(pairs)
            truncated = truncated or len(others) > room
            listed = zip(others[:room], scores[:room], strict=True)
            pairs += [Pair(a, b, score, _field_scores(a, b, columns, matching)) for b, score in listed]
    clusters = [
        Cluster(number, members, _representative(records, members, matching))
        for number, members in enumerate(union.groups())
    ]
    return Duplicates(clusters, sorted(pairs, key=lambda pair: (pair.a, pair.b)), truncated, comparisons)


def _blocks(records: Sequence[Record], fields: Sequence[str]) -> list[list[int]]:
    """Indexes by equal values of the blocking fields; a missing value is a value like any other here."""
    found: dict[tuple[str, ...], list[int]] = {}
    for index, record in enumerate(records):
        found.setdefault(tuple(plain_text(record.get(name)) for name in fields), []).append(index)
    return [block for block in found.values() if len(block) > 1]


def _matches(
    block: Sequence[int], columns: Sequence[Column], matching: Matching
) -> Iterator[tuple[int, list[int], list[float]]]:
    """Each record of a block with the later ones it matches, and their scores."""
    for start in attended(range(0, len(block), ROWS)):
        rows, others = block[start : start + ROWS], block[start:]
        scores = _scores(rows, others, columns, matching)
        over = np.triu(scores >= matching.threshold - 1e-9, 1)
        for offset in np.flatnonzero(over.any(axis=1)).tolist():
            found = np.flatnonzero(over[offset]).tolist()
            yield rows[offset], [others[column] for column in found], scores[offset, found].tolist()


def _scores(
    rows: Sequence[int], others: Sequence[int], columns: Sequence[Column], matching: Matching
) -> NDArray[np.float64]:
    """The weighted mean over the fields that both records have; −1 where they share none."""
    total = np.zeros((len(rows), len(others)))
    weights = np.zeros_like(total)
    for column, shape in zip(columns, matching.fields, strict=True):
        found = column.compare(rows, others)
        present = ~np.isnan(found)
        total += np.where(present, found, 0.0) * shape.weight
        weights += present * shape.weight
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weights > 0, total / weights, -1.0)


def _field_scores(a: int, b: int, columns: Sequence[Column], matching: Matching) -> dict[str, float | None]:
    found = [float(column.compare([a], [b])[0, 0]) for column in columns]
    named = zip(matching.fields, found, strict=True)
    return {shape.name: None if np.isnan(score) else score for shape, score in named}


def _representative(records: Sequence[Record], members: Sequence[int], matching: Matching) -> int:
    """The member that speaks for the cluster; the first of those that are equally good."""
    if matching.survivorship == "first":
        return members[0]
    if matching.survivorship == "most_complete":
        return max(members, key=lambda index: (sum(not is_empty(v) for v in records[index].values()), -index))
    moments = {index: parse_time(records[index].get(matching.latest_field or "")) for index in members}
    dated = [index for index in members if moments[index] is not None]
    return max(dated, key=lambda index: (moments[index], -index), default=members[0])


class _Union:
    """Disjoint sets of indexes, each named by its smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def join(self, one: int, others: Sequence[int]) -> None:
        """Put `others` into the set of `one`."""
        for other in others:
            low, high = sorted((self._root(one), self._root(other)))
            self._parent[high] = low

    def groups(self) -> list[list[int]]:
        """The sets of two and more, in order of their first member."""
        found: dict[int, list[int]] = {}
        for index in range(len(self._parent)):
            found.setdefault(self._root(index), []).append(index)
        return [members for members in found.values() if len(members) > 1]

    def _root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index
