"""PageRank of documents that link to each other, by power iteration on a dense matrix (1,000 documents at most).

Sources: Page, Brin, Motwani & Winograd 1999; Langville & Meyer 2006. What a document without links out would pass on
goes where a random surfer restarts: to the personalization, or evenly to all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.errors import Detail, InvalidArgumentError

UNKNOWN_TYPE = "unknown"
DEFAULT_DAMPING = 0.85
DEFAULT_ITERATIONS = 100
DEFAULT_TOLERANCE = 1e-9

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a document, known or not; a plain id has the type "unknown" and the weight 1."""

    target: str
    relationship_type: str = UNKNOWN_TYPE
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Walk:
    """How the surfer moves: follows a link with probability `damping`, restarts by `personalization` otherwise."""

    damping: float = DEFAULT_DAMPING
    iterations: int = DEFAULT_ITERATIONS
    tolerance: float = DEFAULT_TOLERANCE
    personalization: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """Documents and their links: `weights[i, j]` is of the link from i to j."""

    ids: Sequence[str]
    weights: Matrix
    unknown_targets: list[str]

    @property
    def links(self) -> int:
        """How many pairs of documents are linked, each direction by itself."""
        return int(np.count_nonzero(self.weights))

    @property
    def dangling(self) -> list[str]:
        """Documents without a link to another document given here."""
        return [self.ids[index] for index in np.flatnonzero(~self.weights.any(axis=1)).tolist()]


@dataclass(frozen=True, slots=True)
class Authority:
    """Scores by place, summing to 1; `converged` is false when the iterations ran out first."""

    scores: Vector
    iterations_run: int
    converged: bool


def build_graph(
    ids: Sequence[str], links: Sequence[Sequence[Link]], relationship_types: Collection[str] | None = None
) -> Graph:
    """The graph of `links`, one list for each id, of the given types only.

    Links to the same document count once, with the largest weight; links to unknown documents are reported.
    """
    place = {name: index for index, name in enumerate(ids)}
    weights = np.zeros((len(ids), len(ids)))
    unknown: dict[str, None] = {}
    for source, outgoing in enumerate(attended(links)):
        for link in outgoing:
            if relationship_types is not None and link.relationship_type not in relationship_types:
                continue
            target = place.get(link.target)
            if target is None:
                unknown[link.target] = None
            else:
                weights[source, target] = max(weights[source, target], link.weight)
    return Graph(ids, weights, list(unknown))


def rank_graph(graph: Graph, walk: Walk) -> Authority:
    """The stationary distribution of `walk`, up to an L1 change below `tolerance`.

    Raises InvalidArgumentError for a personalization of unknown documents, or one that sums to zero.
    """
    restart = _restart(graph.ids, walk.personalization)
    # Scaled by the largest first: a sum of huge weights must not overflow.
    largest = graph.weights.max(axis=1, keepdims=True)
    scaled = graph.weights / np.where(largest > 0.0, largest, 1.0)
    sums = scaled.sum(axis=1, keepdims=True)
    steps = (scaled / np.where(sums > 0.0, sums, 1.0)).T.copy()
    dangling = sums[:, 0] == 0.0
    scores = restart
    for iteration in attended(range(1, walk.iterations + 1)):
        lost = float(scores[dangling].sum())
        moved = walk.damping * (steps @ scores + lost * restart) + (1.0 - walk.damping) * restart
        change = float(np.abs(moved - scores).sum())
        scores = moved
        if change < walk.tolerance:
            return Authority(scores / scores.sum(), iteration, True)
    return Authority(scores / scores.sum(), walk.iterations, False)


def _restart(ids: Sequence[str], personalization: Mapping[str, float] | None) -> Vector:
    if personalization is None:
        return np.full(len(ids), 1.0 / len(ids))
    unknown = sorted(personalization.keys() - set(ids))
    if unknown:
        details = [Detail(f"/personalization/{_pointer(name)}", "is no document given here") for name in unknown[:10]]
        raise InvalidArgumentError(f"{len(unknown)} ids of the personalization are unknown", details)
    weights = np.array([personalization.get(name, 0.0) for name in ids])
    largest = weights.max()
    if largest <= 0.0:
        raise InvalidArgumentError.at("/personalization", "must give some document a weight")
    shares: Vector = weights / largest
    shares /= shares.sum()
    return shares


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")[:100]
