"""Vector order and its diversification against a plain restatement of the greedy rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.ranking.likeness import by_words
from app.a2a.mcp.domain.ranking.vector_order import rank_vectors
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

ABC = {"a": [1.0, 0.0], "b": [0.99, 0.1], "c": [0.6, 0.8]}
VECTORS = st.lists(st.lists(st.integers(-5, 5).map(float), min_size=3, max_size=3), min_size=1, max_size=8)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0


def marginals(query: list[float], vectors: list[list[float]], chosen: list[int], balance: float) -> dict[int, float]:
    """The marginal relevance of everything not chosen yet, by Carbonell & Goldstein's formula."""
    rows = [np.array(vector) for vector in vectors]
    return {
        place: balance * cosine(np.array(query), row)
        - (1 - balance) * max((cosine(row, rows[other]) for other in chosen), default=0.0)
        for place, row in enumerate(rows)
        if place not in chosen
    }


def test_plain_order_is_by_similarity() -> None:
    found = rank_vectors([1, 0], list(ABC), list(ABC.values()), "cosine", top_k=10)
    assert [one.index for one in found.ranked] == [0, 1, 2]
    assert found.similarities.tolist() == pytest.approx([1.0, 0.994937, 0.6], abs=1e-6)


def test_diversified_order_puts_the_different_before_the_near_duplicate() -> None:
    found = rank_vectors([1, 0], list(ABC), list(ABC.values()), "cosine", top_k=10, balance=0.3)
    assert [one.index for one in found.ranked] == [0, 2, 1]
    assert [one.mmr_score for one in found.ranked] == pytest.approx([0.3, -0.24, -0.397975], abs=1e-6)


@given(vectors=VECTORS, metric=st.sampled_from(["cosine", "dot_product", "euclidean"]))
def test_full_weight_on_relevance_is_the_plain_order(vectors: list[list[float]], metric: str) -> None:
    ids = [f"{place:02}" for place in range(len(vectors))]
    plain = rank_vectors([1, 2, 3], ids, vectors, metric, top_k=5)  # type: ignore[arg-type]
    same = rank_vectors([1, 2, 3], ids, vectors, metric, top_k=5, balance=1.0)  # type: ignore[arg-type]
    assert [one.index for one in plain.ranked] == [one.index for one in same.ranked]


@given(vectors=VECTORS, balance=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
def test_every_pick_is_the_best_by_the_greedy_rule(vectors: list[list[float]], balance: float) -> None:
    query = [1.0, 2.0, 3.0]
    ids = [f"{place:02}" for place in range(len(vectors))]
    found = rank_vectors(query, ids, vectors, "cosine", top_k=8, balance=balance)
    chosen: list[int] = []
    for one in found.ranked:
        possible = marginals(query, vectors, chosen, balance)
        assert one.mmr_score == pytest.approx(possible[one.index], abs=1e-12)
        assert one.mmr_score == pytest.approx(max(possible.values()), abs=1e-12)
        chosen.append(one.index)
    assert sorted(chosen) == list(range(len(vectors)))


def test_overflowing_numbers_keep_their_direction() -> None:
    found = rank_vectors([1e300, 1e300], ["x", "y"], [[1e308, 1e308], [1e-308, 0]], "cosine", top_k=2)
    assert found.similarities.tolist() == pytest.approx([1.0, 0.70710678])


def test_what_cannot_be_ranked_is_refused_where_it_lies() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        rank_vectors([1, 0], ["a", "b"], [[1, 0], [1, 0, 0]], "cosine", top_k=1)
    assert caught.value.details[0].path == "/document_vectors/1/vector"
    with pytest.raises(InvalidArgumentError) as caught:
        rank_vectors([1e300], ["a"], [[1e300]], "dot_product", top_k=1)
    assert caught.value.details[0].path == "/document_vectors/0/vector"
    with pytest.raises(InvalidArgumentError) as caught:
        rank_vectors([1, 0], ["a"], [[2, 0]], "cosine", top_k=1, normalize=False)
    assert caught.value.details[0].path == "/document_vectors/0/vector"
    with pytest.raises(InvalidArgumentError) as caught:
        rank_vectors([2, 0], ["a"], [[1, 0]], "cosine", top_k=1, normalize=False)
    assert caught.value.details[0].path == "/query_vector"
    with pytest.raises(LimitExceededError):
        rank_vectors([1.0] * 501, [str(n) for n in range(1000)], [[1.0] * 501] * 1000, "cosine", top_k=1)


def test_words_are_alike_by_their_sets() -> None:
    likeness = by_words(["red apple pie", "Apple red!", "", "green"])
    assert likeness(0).tolist() == pytest.approx([1, 2 / 3, 0, 0])
    assert likeness(2).tolist() == [0, 0, 0, 0]
