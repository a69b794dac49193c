"""Exact top-k against sorting everything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.a2a.mcp.domain.vectors.batch import best_matches
from app.a2a.mcp.domain.vectors.metrics import METRICS, Metric, compare_pair
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

# Few values, so that ties are common.
VECTORS = st.lists(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=3, max_size=3), min_size=1, max_size=20)


@given(VECTORS, st.sampled_from(METRICS), st.integers(1, 25), st.one_of(st.none(), st.floats(-1, 1)))
@settings(max_examples=200)
def test_top_k_is_what_sorting_gives(
    vectors: list[list[float]], metric: Metric, top_k: int, threshold: float | None
) -> None:
    query, ids = [1.0, 0.5, -1.0], [f"{(7 * n) % 20:02}" for n in range(len(vectors))]
    found = best_matches(query, ids, vectors, metric, top_k=top_k, threshold=threshold)
    scores = {name: compare_pair(query, vector, metric) for name, vector in zip(ids, vectors, strict=True)}
    wanted = sorted(ids, key=lambda name: (-scores[name].similarity, name))
    wanted = [name for name in wanted if threshold is None or scores[name].similarity >= threshold][:top_k]
    assert [ids[match.index] for match in found] == wanted
    assert [match.rank for match in found] == list(range(1, len(found) + 1))
    assert all(match.similarity == scores[ids[match.index]].similarity for match in found)


@given(st.permutations(range(12)))
def test_the_order_of_candidates_does_not_matter(order: list[int]) -> None:
    rng = np.random.default_rng(2)
    vectors = rng.integers(-1, 2, size=(12, 4)).astype(float).tolist()
    ids = [f"id{n:02}" for n in range(12)]
    plain = best_matches([1, 0, 1, 0.5], ids, vectors, "cosine", top_k=5)
    mixed = best_matches([1, 0, 1, 0.5], [ids[n] for n in order], [vectors[n] for n in order], "cosine", top_k=5)
    assert [ids[match.index] for match in plain] == [ids[order[match.index]] for match in mixed]


def test_refusals_name_each_place() -> None:
    with pytest.raises(InvalidArgumentError) as lengths:
        best_matches([1.0, 0.0], ["a", "b", "c"], [[1.0], [1.0, 2.0], [1.0, 2.0, 3.0]], "cosine", top_k=1)
    assert [detail.path for detail in lengths.value.details] == [
        "/candidate_vectors/0/vector",
        "/candidate_vectors/2/vector",
    ]
    with pytest.raises(InvalidArgumentError, match="given twice"):
        best_matches([1.0], ["a", "a"], [[1.0], [2.0]], "cosine", top_k=1)
    with pytest.raises(LimitExceededError):
        best_matches([1.0] * 501, [str(n) for n in range(1000)], [[1.0] * 501] * 1000, "cosine", top_k=1)
    with pytest.raises(InvalidArgumentError, match="/candidate_vectors/1/vector"):
        best_matches([1e200], ["a", "b"], [[1.0], [1e200]], "dot_product", top_k=1)
