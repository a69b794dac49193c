"""Rankings, agreement and clusters of many texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.embedding import ModelName
from app.a2a.mcp.domain.text.embedding_source import Embeddings
from app.a2a.mcp.domain.text.groups import (
    Cut,
    Search,
    agreement,
    cluster,
    find_matches,
    profiles,
    semantic_distances,
    similarity_matrix,
)
from app.a2a.mcp.domain.text.likeness import DEFAULT_WEIGHTS, METHODS, Method, similarity
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

WORDS = st.lists(st.sampled_from(["red", "green", "blue", "apple", "pear", "not", "5"]), max_size=5).map(" ".join)
GROUPS = st.lists(WORDS, min_size=2, max_size=8)


def embeddings(texts: list[str]) -> Embeddings:
    """Directions that depend on each text alone; none for a blank one."""
    vectors = []
    for text in texts:
        vector = np.random.default_rng(list(text.encode())).normal(size=8)
        vectors.append(vector / np.linalg.norm(vector) if text.strip() else None)
    return Embeddings(vectors, ModelName("test", "00"), [], degraded=False)


def search(method: Method, top_k: int = 10, threshold: float = 0.0, exclude_identical: bool = False) -> Search:
    return Search(method, top_k, threshold, exclude_identical)


def test_catalogue_example_is_ranked_by_shared_words() -> None:
    found = find_matches("red apple", ["red apple pie", "green pear", "apple red"], search("jaccard"), None)
    assert [(match.index, match.rank) for match in found.best] == [(2, 1), (0, 2), (1, 3)]
    assert [match.similarity for match in found.best] == pytest.approx([1.0, 2 / 3, 0.0])
    assert found.above_threshold == 3


def test_ties_are_broken_by_position_and_the_threshold_counts_beyond_top_k() -> None:
    found = find_matches("red", ["red", "RED", "blue", "red"], search("cosine", top_k=2, threshold=0.5), None)
    assert [match.index for match in found.best] == [0, 1]
    assert found.above_threshold == 3


def test_candidates_equal_to_the_query_can_be_left_out() -> None:
    found = find_matches("Red pear", ["red PEAR", "pear red"], search("jaccard", exclude_identical=True), None)
    assert [match.index for match in found.best] == [1]


def test_flags_stand_beside_semantic_scores_only() -> None:
    texts = ["sales rose", "sales did not rise"]
    assert find_matches(texts[0], texts[1:], search("cosine"), None).best[0].flags is None
    flags = find_matches(texts[0], texts[1:], search("semantic"), embeddings(texts)).best[0].flags
    assert flags is not None
    assert flags.negation_mismatch


@given(GROUPS, st.sampled_from(METHODS))
def test_ranking_is_brute_force_over_pairs(texts: list[str], method: Method) -> None:
    vectors = embeddings(texts)
    first, *others = profiles(texts, vectors)
    scores = [similarity(first, other, method, DEFAULT_WEIGHTS, embedded=True) for other in others]
    expected = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[:3]
    found = find_matches(texts[0], texts[1:], search(method, top_k=3), vectors)
    assert [match.index for match in found.best] == expected


def test_catalogue_example_of_agreement() -> None:
    matrix = similarity_matrix(["red blue", "red blue", "green gold"], "jaccard", None)
    assert matrix.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    found = agreement(matrix)
    assert found.average_similarity == pytest.approx(1 / 3)
    assert found.std_deviation == pytest.approx(0.471405, abs=1e-6)
    assert (found.min_similarity, found.max_similarity, found.comparison_count, found.medoid) == (0, 1, 3, 0)


def test_one_stranger_among_many_is_an_outlier() -> None:
    texts = ["red apple pie", "red apple tart", "red apple cake", "red apple jam", "red apple", "apple red", "zinc"]
    assert agreement(similarity_matrix(texts, "jaccard", None)).outliers == [6]


def test_statistics_keep_their_digits_as_nist_certifies() -> None:
    # StRD NumAcc1: 10000001, 10000003, 10000002; certified mean 10000002 and sample standard deviation 1.
    matrix = np.eye(3)
    for (row, column), value in zip([(0, 1), (0, 2), (1, 2)], [10000001, 10000003, 10000002], strict=True):
        matrix[row, column] = matrix[column, row] = value
    found = agreement(matrix)
    assert found.average_similarity == 10000002
    assert found.std_deviation == pytest.approx((2 / 3) ** 0.5, rel=1e-15)


@given(GROUPS, st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_agreement_does_not_depend_on_the_order_of_the_texts(texts: list[str], method: Method, random: object) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = [texts[index] for index in order]
    one = agreement(similarity_matrix(texts, method, embeddings(texts)))
    other = agreement(similarity_matrix(shuffled, method, embeddings(shuffled)))
    for name in ("average_similarity", "min_similarity", "max_similarity", "std_deviation"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9)
    assert sorted(texts[index] for index in one.outliers) == sorted(shuffled[index] for index in other.outliers)


def test_too_much_text_for_edit_distances_is_refused_with_the_remedy() -> None:
    with pytest.raises(LimitExceededError, match="another method"):
        similarity_matrix(["x" * 20_000] * 40, "edit", None)


def test_semantic_distance_is_one_minus_cosine_and_blanks_are_far_from_all_but_each_other() -> None:
    texts = ["red", "red", "", " ", "blue"]
    distances = semantic_distances(profiles(texts, embeddings(texts)))
    vectors = [embeddings(texts).vectors[index] for index in (0, 4)]
    assert distances[0, 1] == 0.0
    assert distances[0, 4] == pytest.approx(1 - float(vectors[0] @ vectors[1]))  # type: ignore[operator]
    assert distances[0, 2] == distances[2, 3] == 1.0
    assert distances[2, 2] == 0.0


def test_texts_are_clustered_by_words_without_embeddings() -> None:
    texts = ["red apple", "red apple pie", "blue sea", "deep blue sea", "red apple tart"]
    found = cluster(texts, Cut(2, None), "average", None)
    assert found.labels == [0, 0, 1, 1, 0]
    assert [(one.label, one.size, one.members) for one in found.clusters] == [(0, 3, [0, 1, 4]), (1, 2, [2, 3])]
    assert found.clusters[0].medoid == 0
    assert "red apple pie" in found.clusters[0].keyphrases


def test_equal_texts_join_at_distance_zero() -> None:
    texts = ["red", "blue", "red"]
    assert cluster(texts, Cut(None, 0.0), "complete", embeddings(texts)).labels == [0, 1, 0]


def test_clusters_whose_members_contradict_are_flagged() -> None:
    texts = ["sales rose", "sales did not rise"]
    assert cluster(texts, Cut(1, None), "average", None).clusters[0].flags.negation_mismatch


@pytest.mark.parametrize("cut", [Cut(None, None), Cut(2, 0.5), Cut(7, None)])
def test_a_cut_is_one_thing_and_possible(cut: Cut) -> None:
    with pytest.raises(InvalidArgumentError):
        cut.check(6)
