"""Scores of a pair: definitions, properties, and a textbook Levenshtein beside rapidfuzz."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from app.a2a.mcp.domain.text.language import tokenize
from app.a2a.mcp.domain.text.likeness import (
    DEFAULT_WEIGHTS,
    METHODS,
    Components,
    Method,
    Profile,
    Weights,
    combine,
    components,
    cosine,
    edit,
    jaccard,
    profile,
    semantic,
    similarity,
)

VOCABULARY = ["red", "green", "blue", "apple", "pear", "the", "of", "running"]
WORDS = st.lists(st.sampled_from(VOCABULARY), max_size=8).map(" ".join)
TEXTS = st.one_of(WORDS, st.text(max_size=30))


def embedded(text: str) -> Profile:
    """A profile with a unit vector that depends on the text alone."""
    rng = np.random.default_rng(list(text.encode("utf-8", "replace")))
    vector = rng.normal(size=16)
    return profile(text, vector / np.linalg.norm(vector))


def levenshtein(one: str, other: str) -> int:
    """The recurrence as printed: Levenshtein 1966, Wagner & Fischer 1974."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def test_catalogue_example_of_words() -> None:
    one, other = profile("the cat sat on the mat"), profile("the cat lay on the rug")
    assert jaccard(one, other) == pytest.approx(0.2)
    assert cosine(one, other) == pytest.approx(0.333333, abs=1e-6)


def test_catalogue_example_of_spelling() -> None:
    assert edit(profile("kitten"), profile("sitting")) == pytest.approx(4 / 7)


@given(TEXTS, TEXTS)
def test_edit_is_the_textbook_levenshtein_over_the_longer_length(one: str, other: str) -> None:
    first, second = profile(one), profile(other)
    longer = max(len(first.folded), len(second.folded))
    expected = 1 - levenshtein(first.folded, second.folded) / longer if longer else 1.0
    assert edit(first, second) == pytest.approx(expected)


@given(WORDS.filter(bool), WORDS.filter(bool))
def test_cosine_is_that_of_scikit_learns_count_vectors(one: str, other: str) -> None:
    kept = [tokenize(text).texts for text in (one, other)]
    if not all(kept):
        return
    counts = CountVectorizer(analyzer=lambda words: words).fit_transform(kept)
    assert cosine(profile(one), profile(other)) == pytest.approx(cosine_similarity(counts)[0, 1])


@given(TEXTS, TEXTS, st.sampled_from(METHODS))
def test_every_method_is_symmetric_and_within_bounds(one: str, other: str, method: Method) -> None:
    first, second = embedded(one), embedded(other)
    score = similarity(first, second, method, DEFAULT_WEIGHTS, embedded=True)
    assert 0.0 <= score <= 1.0
    assert similarity(second, first, method, DEFAULT_WEIGHTS, embedded=True) == pytest.approx(score, abs=1e-12)


@given(TEXTS, st.sampled_from(METHODS), st.booleans())
def test_every_text_is_entirely_like_itself(text: str, method: Method, has_model: bool) -> None:
    one = embedded(text)
    assert similarity(one, one, method, DEFAULT_WEIGHTS, embedded=has_model) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_texts_without_words_are_alike_only_when_equal(method: Method) -> None:
    one, same, other = profile("The!"), profile("the!"), profile("of?")
    assert similarity(one, same, method, DEFAULT_WEIGHTS, embedded=True) == 1.0
    if method != "edit":
        assert similarity(one, other, method, DEFAULT_WEIGHTS, embedded=True) == 0.0


def test_negative_cosine_counts_as_nothing_in_common() -> None:
    vector = np.array([0.6, 0.8])
    assert semantic(profile("a", vector), profile("b", -vector)) == 0.0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_hybrid_is_the_weighted_mean(words: float, counts: float, meaning: float) -> None:
    parts = Components(jaccard=words, cosine=counts, semantic=meaning)
    assert combine(parts) == pytest.approx(0.3 * words + 0.3 * counts + 0.4 * meaning)


def test_only_proportions_of_weights_matter() -> None:
    parts = Components(jaccard=0.2, cosine=0.4, semantic=0.8)
    assert combine(parts, Weights(3, 3, 4)) == pytest.approx(combine(parts, Weights(0.3, 0.3, 0.4)))


def test_weight_of_a_missing_part_is_shared_out() -> None:
    parts = Components(jaccard=0.2, cosine=0.6)
    assert combine(parts, Weights(0.1, 0.3, 0.6)) == pytest.approx((0.1 * 0.2 + 0.3 * 0.6) / 0.4)
    assert combine(parts, Weights(0, 0, 1)) == pytest.approx(0.4)


def test_semantic_method_without_a_model_is_answered_by_words() -> None:
    one, other = profile("red apple"), profile("red pear")
    parts = components(one, other, "semantic", embedded=False)
    assert parts == Components(jaccard=pytest.approx(1 / 3), cosine=pytest.approx(0.5))


def test_profile_counts_the_tokens_the_other_tools_see() -> None:
    assert profile("Red red APPLE the").counts == Counter({"red": 2, "apple": 1})
    assert math.isclose(cosine(profile("red red apple"), profile("red")), 2 / math.sqrt(5))
