"""Many texts at once: the best matches of a query, how far a set agrees, and the groups it falls into."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.text.clustering import (
    Linkage,
    labels_by_count,
    labels_by_distance,
    medoid,
    merges,
    silhouette,
)
from app.a2a.mcp.domain.text.keyphrases import rake, top_keyphrases
from app.a2a.mcp.domain.text.likeness import DEFAULT_WEIGHTS, ROUNDING, Method, Profile, jaccard, similarity
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

# Levenshtein compares every character with every other: about 40 thousand million cells a second on one core.
MAX_EDIT_CELLS = 100_000_000_000
CLUSTER_KEYPHRASES = 3

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate with its place in the list that was given and among the answers (1 is best)."""

    text: str
    index: int
    rank: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Matches:
    """The best matches, and how many candidates reached the threshold in all."""

    best: list[Match]
    above_threshold: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Statistics of all pairs of a set; `std_deviation` is the population's, `outliers` lie 2 sd under the mean."""

    average_similarity: float
    min_similarity: float
    max_similarity: float
    std_deviation: float
    comparison_count: int
    medoid: int
    outliers: list[int]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One group: the positions of its texts, the one most like the others, and what its texts speak of."""

    label: int
    size: int
    members: list[int]
    medoid: int
    keyphrases: list[str]


@dataclass(frozen=True, slots=True)
class Clustering:
    """A label for each text, the groups, and their silhouette (None unless there are 2..n − 1 groups)."""

    labels: list[int]
    clusters: list[Cluster]
    silhouette: float | None


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a tree of merges is cut: at a number of clusters or at a distance, exactly one of them."""

    num_clusters: int | None
    distance_threshold: float | None

    def check(self, texts: int) -> None:
        """Raise InvalidArgumentError unless exactly one is set and `texts` can be cut so."""
        if (self.num_clusters is None) == (self.distance_threshold is None):
            raise InvalidArgumentError.at("/num_clusters", "give either num_clusters or distance_threshold")
        if self.num_clusters is not None and self.num_clusters > texts:
            raise InvalidArgumentError.at("/num_clusters", f"{texts} texts cannot make {self.num_clusters} clusters")


def find_matches(
    query: Profile,
    candidates: Sequence[Profile],
    texts: Sequence[str],
    method: Method,
    *,
    embedded: bool,
    threshold: float,
    top_k: int,
    exclude_identical: bool,
) -> Matches:
    """The `top_k` best of `candidates` at or over `threshold`; equal scores in the order given."""
    scores = [similarity(query, candidate, method, DEFAULT_WEIGHTS, embedded=embedded) for candidate in candidates]
    kept = [
        index
        for index, score in enumerate(scores)
        if score >= threshold and not (exclude_identical and candidates[index].folded == query.folded)
    ]
    best = sorted(kept, key=lambda index: (-scores[index], index))[:top_k]
    matches = [Match(texts[index], index, rank, scores[index]) for rank, index in enumerate(best, start=1)]
    return Matches(matches, len(kept))


def similarity_matrix(profiles: Sequence[Profile], method: Method, *, embedded: bool) -> Matrix:
    """All pairs. Raises LimitExceededError when an edit distance of that many characters would take too long."""
    if method == "edit":
        _check_edit_cost(profiles)
    matrix = np.eye(len(profiles))
    for row, one in enumerate(profiles):
        for column in range(row + 1, len(profiles)):
            score = similarity(one, profiles[column], method, DEFAULT_WEIGHTS, embedded=embedded)
            matrix[row, column] = matrix[column, row] = score
    return matrix


def agreement(matrix: Matrix) -> Agreement:
    """Statistics of a similarity matrix of two texts or more."""
    count = len(matrix)
    pairs = matrix[np.triu_indices(count, k=1)]
    means = (matrix.sum(axis=1) - 1.0) / (count - 1)
    floor = float(means.mean() - 2 * means.std()) - ROUNDING
    return Agreement(
        average_similarity=math.fsum(pairs) / len(pairs),
        min_similarity=float(pairs.min()),
        max_similarity=float(pairs.max()),
        std_deviation=float(pairs.std()),
        comparison_count=len(pairs),
        medoid=medoid(matrix, range(count)),
        outliers=[int(index) for index in np.flatnonzero(means < floor)],
    )


def semantic_distances(profiles: Sequence[Profile]) -> Matrix:
    """1 − cosine of all pairs (0..2). A text without an embedding is at 0 from its equal and at 1 from the rest."""
    width = next((len(p.vector) for p in profiles if p.vector is not None), 1)
    rows = np.stack([np.zeros(width) if p.vector is None else p.vector for p in profiles])
    distances: Matrix = 1.0 - rows @ rows.T
    distances[np.abs(distances) < ROUNDING] = 0.0
    bare = [index for index, p in enumerate(profiles) if p.vector is None]
    for one in bare:
        for other in bare:
            distances[one, other] = float(profiles[one].folded != profiles[other].folded)
    return (distances + distances.T) / 2


def lexical_distances(profiles: Sequence[Profile]) -> Matrix:
    """1 − Jaccard of all pairs."""
    distances = np.zeros((len(profiles), len(profiles)))
    for row, one in enumerate(profiles):
        for column in range(row + 1, len(profiles)):
            distances[row, column] = distances[column, row] = 1.0 - jaccard(one, profiles[column])
    return distances


def cluster(texts: Sequence[str], distances: Matrix, cut: Cut, linkage: Linkage) -> Clustering:
    """Group `texts` by agglomerative clustering of their distances."""
    tree = merges(distances, linkage)
    if cut.num_clusters is not None:
        labels = labels_by_count(tree, cut.num_clusters)
    else:
        labels = labels_by_distance(tree, cut.distance_threshold or 0.0)
    clusters = [_describe(label, labels, texts, distances) for label in range(max(labels) + 1)]
    return Clustering(labels, clusters, silhouette(distances, labels))


def _describe(label: int, labels: Sequence[int], texts: Sequence[str], distances: Matrix) -> Cluster:
    members = [index for index, given in enumerate(labels) if given == label]
    # An empty line keeps a phrase from running over from one text into the next.
    phrases = top_keyphrases(rake("\n\n".join(texts[index] for index in members)), CLUSTER_KEYPHRASES)
    middle = medoid(1.0 - distances, members)
    return Cluster(label, len(members), members, middle, [phrase.phrase for phrase in phrases])


def _check_edit_cost(profiles: Sequence[Profile]) -> None:
    sizes = [len(text.folded) for text in profiles]
    cells = (sum(sizes) ** 2 - sum(size * size for size in sizes)) // 2
    if cells > MAX_EDIT_CELLS:
        reason = f"edit compares {cells:.1e} pairs of characters here, {MAX_EDIT_CELLS:.0e} is the most"
        raise LimitExceededError.at("/texts", f"{reason}: shorten the texts or choose another method")
