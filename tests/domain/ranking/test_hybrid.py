"""The hybrid ranking: the published examples, and that missing evidence is shared out, never counted as zero."""

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.ranking.hybrid import (
    DEFAULT_WEIGHTS,
    Context,
    Document,
    compare_documents,
    order,
    score_documents,
)
from app.a2a.mcp.domain.ranking.pagerank import Link
from app.a2a.mcp.domain.ranking.recency import decay, parse_time, recencies

APPLES = [
    Document("d1", "apple pie recipe", np.array([1.0, 0.0])),
    Document("d2", "apple phone", np.array([0.0, 1.0])),
    Document("d3", "banana bread", np.array([0.6, 0.8])),
]
EAST = np.array([1.0, 0.0])


def test_weighted_scores_are_as_published() -> None:
    found = score_documents("apple", EAST, APPLES, DEFAULT_WEIGHTS, "weighted", Context())
    assert [one.score for one in found.scored] == pytest.approx([0.932724, 0.428571, 0.342857], abs=1e-6)
    assert found.weights_used == pytest.approx({"vectorSimilarity": 4 / 7, "bm25Score": 3 / 7})
    assert list(found.skipped) == ["pageRankScore", "contextualRelevance"]


def test_fused_ranks_are_as_published() -> None:
    found = score_documents("apple", EAST, APPLES, DEFAULT_WEIGHTS, "rrf", Context())
    assert [one.score for one in found.scored] == pytest.approx([0.032522, 0.016393, 0.016129], abs=1e-6)


def test_equal_evidence_shares_a_rank() -> None:
    twins = [Document("a", "apple"), Document("b", "apple"), Document("c", "apple pear plum")]
    found = score_documents("apple", None, twins, DEFAULT_WEIGHTS, "rrf", Context())
    assert [one.score for one in found.scored] == pytest.approx([1 / 61, 1 / 61, 1 / 63])


def test_document_is_judged_by_the_evidence_it_has() -> None:
    documents = [*APPLES, Document("d4", None, np.array([1.0, 0.0]))]
    found = score_documents("apple", EAST, documents, DEFAULT_WEIGHTS, "weighted", Context())
    assert (found.scored[3].score, found.scored[3].missing) == (1.0, ["bm25Score"])


def test_links_and_context_join_in() -> None:
    documents = [
        Document("a", "x", links=[Link("b")], time=parse_time("2026-01-01"), categories=frozenset({"news"})),
        Document("b", "x", time=parse_time("2025-07-05"), categories=frozenset({"news", "sport"})),
    ]
    context = Context(frozenset({"news"}), recency_weight=0.5, half_life_days=180)
    found = score_documents("y", None, documents, DEFAULT_WEIGHTS, "weighted", context)
    first, second = (one.parts for one in found.scored)
    assert (first["pageRankScore"], second["pageRankScore"]) == (pytest.approx(0.350877 / 0.649123, abs=1e-6), 1.0)
    assert first["contextualRelevance"] == 1.0
    assert second["contextualRelevance"] == pytest.approx(0.5 * 0.5 + 0.5 * 0.5)


def test_nothing_known_scores_zero_and_says_why() -> None:
    found = score_documents("?", None, [Document("a")], DEFAULT_WEIGHTS, "weighted", Context())
    assert (found.scored[0].score, len(found.skipped), found.weights_used) == (0.0, 4, {})


def test_vectors_without_direction_are_no_evidence() -> None:
    found = score_documents("apple", np.zeros(2), APPLES, DEFAULT_WEIGHTS, "weighted", Context())
    assert "zero" in found.skipped["vectorSimilarity"]


@given(balance=st.floats(0, 1), fusion=st.sampled_from(["weighted", "rrf"]))
def test_diversity_reorders_and_drops_nothing(balance: float, fusion: str) -> None:
    found = score_documents("apple", EAST, APPLES, DEFAULT_WEIGHTS, fusion, Context())  # type: ignore[arg-type]
    plain = order(found, APPLES, 3, None, balance)
    assert sorted(order(found, APPLES, 3, compare_documents(APPLES), balance)) == sorted(plain) == [0, 1, 2]
    assert order(found, APPLES, 3, compare_documents(APPLES), 1.0) == plain


def test_near_duplicates_do_not_stand_together_in_either_fusion() -> None:
    documents = [Document("a", "apple pie"), Document("b", "apple pie"), Document("c", "apple tree house")]
    likeness = compare_documents(documents)
    for fusion in ("weighted", "rrf"):
        found = score_documents("apple", None, documents, DEFAULT_WEIGHTS, fusion, Context())  # type: ignore[arg-type]
        assert order(found, documents, 3, None, 0.5) == [0, 1, 2]
        assert order(found, documents, 3, likeness, 0.5) == [0, 2, 1]


def test_recency_halves_with_every_half_life() -> None:
    assert decay(360, 180) == pytest.approx(0.25)
    assert decay(-5, 180) == 1.0
    times = [parse_time("2026-01-11"), None, parse_time("2026-01-01T01:00:00+01:00")]
    assert recencies(times, 10, None) == [1.0, None, pytest.approx(0.5)]
    assert recencies([None], 10, datetime.fromisoformat("2026-01-01")) == [None]


def test_time_that_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_time("yesterday")
