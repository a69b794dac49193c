"""Many texts at once: the best matches of a query, how far a set agrees, and the groups it falls into."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import attended, checkpoint
from app.a2a.mcp.domain.text.clustering import (
    Linkage,
    labels_by_count,
    labels_by_distance,
    medoid,
    merges,
    silhouette,
)
from app.a2a.mcp.domain.text.embedding_source import Embeddings, fair_share
from app.a2a.mcp.domain.text.flags import GroupFlags, LexicalFlags, compare, group_flags, signals
from app.a2a.mcp.domain.text.keyphrases import rake, top_keyphrases
from app.a2a.mcp.domain.text.likeness import (
    DEFAULT_WEIGHTS,
    ROUNDING,
    SEMANTIC_METHODS,
    Method,
    Profile,
    jaccard,
    profile,
    similarity,
)
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

# Levenshtein compares every character with every other: about 40 thousand million cells a second on one core.
MAX_EDIT_CELLS = 100_000_000_000
CLUSTER_KEYPHRASES = 3
# Read for the keyphrases of one group, as much as extract_keyphrases takes.
CLUSTER_CHARACTERS = 20_000

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for among candidates and how much of it to give back."""

    method: Method
    top_k: int
    threshold: float
    exclude_identical: bool


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate, its place in the list that was given, its rank from 1; flags stand beside a semantic score."""

    text: str
    index: int
    rank: int
    similarity: float
    flags: LexicalFlags | None


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
    flags: GroupFlags


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


def profiles(texts: Sequence[str], embeddings: Embeddings | None) -> list[Profile]:
    """Every text prepared for comparison, with its embedding where there are any."""
    vectors = embeddings.vectors if embeddings else [None] * len(texts)
    return [profile(text, vector) for text, vector in attended(zip(texts, vectors, strict=True))]


def find_matches(query: str, candidates: Sequence[str], search: Search, embeddings: Embeddings | None) -> Matches:
    """The best candidates at or over the threshold, equal scores in the order given.

    `embeddings` are of the query and then of the candidates; without them words alone are compared.
    """
    first, *others = profiles([query, *candidates], embeddings)
    embedded = embeddings is not None
    scores = [similarity(first, other, search.method, DEFAULT_WEIGHTS, embedded=embedded) for other in attended(others)]
    kept = [
        index
        for index, score in enumerate(scores)
        if score >= search.threshold and not (search.exclude_identical and others[index].folded == first.folded)
    ]
    best = sorted(kept, key=lambda index: (-scores[index], index))[: search.top_k]
    seen = signals(query) if search.method in SEMANTIC_METHODS else None
    matches = [
        Match(
            candidates[index],
            index,
            rank,
            scores[index],
            flags=compare(seen, signals(candidates[index])) if seen else None,
        )
        for rank, index in enumerate(best, start=1)
    ]
    return Matches(matches, len(kept))


def similarity_matrix(texts: Sequence[str], method: Method, embeddings: Embeddings | None) -> Matrix:
    """All pairs. Raises LimitExceededError when an edit distance of that many characters would take too long."""
    if method == "edit":
        _check_edit_cost(texts)
    prepared = profiles(texts, embeddings)
    embedded = embeddings is not None
    matrix = np.eye(len(prepared))
    for row, one in enumerate(attended(prepared)):
        for column in range(row + 1, len(prepared)):
            checkpoint()
            score = similarity(one, prepared[column], method, DEFAULT_WEIGHTS, embedded=embedded)
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


def semantic_distances(texts: Sequence[Profile]) -> Matrix:
    """1 − cosine of all pairs (0..2). A text without an embedding is at 0 from its equal and at 1 from the rest."""
    width = next((len(p.vector) for p in texts if p.vector is not None), 1)
    rows = np.stack([np.zeros(width) if p.vector is None else p.vector for p in texts])
    distances: Matrix = 1.0 - rows @ rows.T
    distances[np.abs(distances) < ROUNDING] = 0.0
    bare = [index for index, p in enumerate(texts) if p.vector is None]
    for one in bare:
        for other in bare:
            distances[one, other] = float(texts[one].folded != texts[other].folded)
    return (distances + distances.T) / 2


def lexical_distances(texts: Sequence[Profile]) -> Matrix:
    """1 − Jaccard of all pairs."""
    distances = np.zeros((len(texts), len(texts)))
    for row, one in enumerate(attended(texts)):
        for column in range(row + 1, len(texts)):
            distances[row, column] = distances[column, row] = 1.0 - jaccard(one, texts[column])
    return distances


def cluster(texts: Sequence[str], cut: Cut, linkage: Linkage, embeddings: Embeddings | None) -> Clustering:
    """Group `texts` by agglomerative clustering: by meaning, or by shared words without `embeddings`."""
    prepared = profiles(texts, embeddings)
    distances = semantic_distances(prepared) if embeddings else lexical_distances(prepared)
    tree = merges(distances, linkage)
    if cut.num_clusters is not None:
        labels = labels_by_count(tree, cut.num_clusters)
    else:
        labels = labels_by_distance(tree, cut.distance_threshold or 0.0)
    clusters = [_describe(label, labels, texts, distances) for label in attended(range(max(labels) + 1))]
    return Clustering(labels, clusters, silhouette(distances, labels))


def _describe(label: int, labels: Sequence[int], texts: Sequence[str], distances: Matrix) -> Cluster:
    members = [index for index, given in enumerate(labels) if given == label]
    own = [texts[index] for index in members]
    share = fair_share([len(text) for text in own], CLUSTER_CHARACTERS)
    # An empty line keeps a phrase from running over from one text into the next.
    found = rake("\n\n".join(text[:share] for text in own))
    phrases = [keyphrase.phrase for keyphrase in top_keyphrases(found, CLUSTER_KEYPHRASES)]
    return Cluster(label, len(members), members, medoid(1.0 - distances, members), phrases, group_flags(own))


def _check_edit_cost(texts: Sequence[str]) -> None:
    sizes = [len(text) for text in texts]
    cells = (sum(sizes) ** 2 - sum(size * size for size in sizes)) // 2
    if cells > MAX_EDIT_CELLS:
        reason = f"edit compares {cells:.1e} pairs of characters here, {MAX_EDIT_CELLS:.0e} is the most"
        raise LimitExceededError.at("/texts", f"{reason}: shorten the texts or choose another method")
