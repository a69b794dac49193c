"""Merges, cuts and silhouettes against scipy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_score

from app.a2a.mcp.domain.text.clustering import (
    LINKAGES,
    Linkage,
    Matrix,
    labels_by_count,
    labels_by_distance,
    medoid,
    merges,
    silhouette,
)


def random_distances(seed: int, count: int) -> Matrix:
    rows = np.random.default_rng(seed).normal(size=(count, 5))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    distances: Matrix = 1.0 - rows @ rows.T
    np.fill_diagonal(distances, 0.0)
    return (distances + distances.T) / 2


def by_first_appearance(labels: list[int]) -> list[int]:
    names: dict[int, int] = {}
    return [names.setdefault(label, len(names)) for label in labels]


@given(st.integers(0, 10**6), st.integers(2, 40), st.sampled_from(LINKAGES), st.data())
def test_merges_and_both_cuts_are_scipys(seed: int, count: int, kind: Linkage, data: st.DataObject) -> None:
    distances = random_distances(seed, count)
    expected = linkage(squareform(distances, checks=False), method=kind)
    tree = merges(distances, kind)
    assert [merge.distance for merge in tree] == pytest.approx(list(expected[:, 2]))
    clusters = data.draw(st.integers(1, count))
    assert labels_by_count(tree, clusters) == by_first_appearance(list(fcluster(expected, clusters, "maxclust")))
    threshold = data.draw(st.floats(0, 2))
    assert labels_by_distance(tree, threshold) == by_first_appearance(list(fcluster(expected, threshold, "distance")))


@given(st.integers(0, 10**6), st.integers(3, 40), st.data())
def test_silhouette_is_scikit_learns(seed: int, count: int, data: st.DataObject) -> None:
    distances = random_distances(seed, count)
    labels = labels_by_count(merges(distances, "average"), data.draw(st.integers(2, count - 1)))
    expected = silhouette_score(distances, labels, metric="precomputed")
    assert silhouette(distances, labels) == pytest.approx(expected, abs=1e-12)


def test_silhouette_needs_two_clusters_and_one_of_two_members() -> None:
    distances = random_distances(1, 4)
    assert silhouette(distances, [0, 0, 0, 0]) is None
    assert silhouette(distances, [0, 1, 2, 3]) is None


def test_silhouette_of_equal_texts_in_two_clusters_is_zero() -> None:
    assert silhouette(np.zeros((4, 4)), [0, 0, 1, 1]) == 0.0


def test_equal_distances_merge_in_order_of_position() -> None:
    distances = np.ones((4, 4)) - np.eye(4)
    assert labels_by_count(merges(distances, "average"), 2) == [0, 0, 0, 1]


def test_number_of_clusters_is_exact_even_with_equal_distances() -> None:
    tree = merges(np.ones((6, 6)) - np.eye(6), "single")
    assert [max(labels_by_count(tree, count)) + 1 for count in range(1, 7)] == [1, 2, 3, 4, 5, 6]


def test_medoid_is_the_first_of_equals() -> None:
    likeness = np.array([[1.0, 0.2, 0.6], [0.2, 1.0, 0.6], [0.6, 0.6, 1.0]])
    assert medoid(likeness, [0, 1, 2]) == 2
    assert medoid(likeness, [0, 1]) == 0
    assert medoid(likeness, [1]) == 1
