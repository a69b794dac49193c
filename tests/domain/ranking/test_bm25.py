"""BM25 against the formulas written out again by hand, and against its own reference cases."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.ranking.bm25 import Rules, Variant, score_texts, share_of_best, tokens_of

CATS = ["the cat sat", "the dog sat", "cat cat dog"]
WORDS = st.lists(st.sampled_from(["cat", "dog", "sat", "the", "on"]), max_size=8).map(" ".join)


def textbook(query: str, texts: list[str], k1: float, b: float, variant: str) -> list[float]:
    """Robertson & Zaragoza's sum, term by term, in the variants of Kamphuis et al."""
    split = [text.split() for text in texts]
    average = sum(map(len, split)) / len(split)
    scores = []
    for words in split:
        score = 0.0
        for term in query.split():
            holding = sum(term in other for other in split)
            n = len(texts)
            if not holding or term not in words:
                continue
            idf = {
                "lucene": math.log(1 + (n - holding + 0.5) / (holding + 0.5)),
                "atire": math.log(n / holding),
                "robertson": max(0.0, math.log((n - holding + 0.5) / (holding + 0.5))),
            }[variant]
            frequency = words.count(term)
            gain = frequency if variant == "lucene" else frequency * (k1 + 1)
            score += idf * gain / (frequency + k1 * (1 - b + b * len(words) / average))
        scores.append(score)
    return scores


@pytest.mark.parametrize(
    ("variant", "expected"),
    [("lucene", [0.213638, 0, 0.293752]), ("atire", [0.405465, 0, 0.557515]), ("robertson", [0, 0, 0])],
)
def test_reference_corpus_scores_as_published(variant: Variant, expected: list[float]) -> None:
    assert score_texts("cat", CATS, Rules(variant=variant)).scores.tolist() == pytest.approx(expected, abs=1e-6)


def test_shorter_of_two_equal_matches_wins() -> None:
    assert score_texts("a", ["a b", "a b c d"], Rules()).scores.tolist() == pytest.approx(
        [0.095959, 0.072929], abs=1e-6
    )


@given(
    query=WORDS,
    texts=st.lists(WORDS, min_size=1, max_size=8),
    k1=st.floats(0, 10),
    b=st.floats(0, 1),
    variant=st.sampled_from(["lucene", "atire", "robertson"]),
)
def test_every_variant_is_its_textbook_formula(
    query: str, texts: list[str], k1: float, b: float, variant: Variant
) -> None:
    if not any(texts):
        texts = [*texts, "cat"]
    found = score_texts(query, texts, Rules(k1, b, variant))
    assert found.scores.tolist() == pytest.approx(textbook(query, texts, k1, b, variant), abs=1e-12)
    assert sum(share for _, share in found.parts.values()) == pytest.approx(found.scores) or not found.parts


@given(texts=st.lists(WORDS, min_size=1, max_size=8), variant=st.sampled_from(["lucene", "atire", "robertson"]))
def test_scores_are_never_negative_and_do_not_depend_on_the_order(texts: list[str], variant: Variant) -> None:
    scores = score_texts("the cat", texts, Rules(variant=variant)).scores
    assert (scores >= 0).all()
    assert score_texts("the cat", texts[::-1], Rules(variant=variant)).scores[::-1] == pytest.approx(scores)


def test_texts_without_words_score_zero() -> None:
    assert score_texts("cat", ["", "?!"], Rules()).scores.tolist() == [0, 0]
    assert share_of_best(score_texts("", CATS, Rules()).scores).tolist() == [0, 0, 0]


def test_stems_match_other_forms_only_where_asked() -> None:
    assert score_texts("running", ["he runs", "he sits"], Rules()).scores.tolist() == [0, 0]
    assert score_texts("running", ["he runs", "he sits"], Rules(stem="snowball_en")).scores[0] > 0


def test_short_words_and_other_scripts_are_kept() -> None:
    assert tokens_of("A Straße, 5 Äpfel") == ["a", "strasse", "5", "äpfel"]
