"""RAKE against the worked abstract of its paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.text.keyphrases import rake, top_keyphrases

# Rose, Engel, Cramer & Cowley 2010, figure 1.1, and the scores of their table 1.1.
ABSTRACT = (
    "Compatibility of systems of linear constraints over the set of natural numbers. Criteria of compatibility of a "
    "system of linear Diophantine equations, strict inequations, and nonstrict inequations are considered. Upper "
    "bounds for components of a minimal set of solutions and algorithms of construction of minimal generating sets "
    "of solutions for all types of systems are given. These criteria and the corresponding algorithms for "
    "constructing a minimal supporting set of solutions can be used in solving all the considered types of systems "
    "and systems of mixed types."
)
PUBLISHED = {
    "minimal generating sets": 8.7,
    "linear diophantine equations": 8.5,
    "minimal supporting set": 7.7,
    "minimal set": 4.7,
    "linear constraints": 4.5,
    "natural numbers": 4.0,
    "strict inequations": 4.0,
    "nonstrict inequations": 4.0,
    "upper bounds": 4.0,
    "mixed types": 3.7,
    "corresponding algorithms": 3.5,
    "considered types": 3.2,
    "set": 2.0,
}


def test_published_table_is_reproduced() -> None:
    found = rake(ABSTRACT)
    assert {keyphrase.phrase: round(keyphrase.score, 1) for keyphrase in found[: len(PUBLISHED)]} == PUBLISHED
    assert [keyphrase.phrase for keyphrase in found[:5]] == list(PUBLISHED)[:5]


def test_catalogue_example_scores_words_by_degree_over_frequency() -> None:
    found = rake("deep learning models and deep networks")
    assert [(keyphrase.phrase, keyphrase.score) for keyphrase in found] == [
        ("deep learning models", 8.5),
        ("deep networks", 4.5),
    ]


def test_repeated_phrases_are_counted_and_placed_at_their_first() -> None:
    found = rake("Solar power. The Solar  Power is power.")
    assert [(k.phrase, k.count, k.first_offset) for k in found] == [("solar power", 2, 0), ("power", 1, 33)]


def test_phrases_break_at_punctuation_and_empty_lines_but_not_at_hyphens_or_one_line_break() -> None:
    assert [k.phrase for k in rake("real-world data")] == ["real-world data"]
    assert [k.phrase for k in rake("neural\nnetwork")] == ["neural network"]
    assert {k.phrase for k in rake("neural\n\nnetwork; graph (theory)")} == {"neural", "network", "graph", "theory"}


def test_extra_stop_words_end_phrases_too() -> None:
    assert [k.phrase for k in rake("quick brown fox", ["BROWN"])] == ["quick", "fox"]


def test_limits_choose_among_all_candidates() -> None:
    found = rake("long compound noun phrase head; ox; deep networks")
    assert [k.phrase for k in top_keyphrases(found, 10, max_words=4, min_characters=3)] == ["deep networks"]
    assert [k.phrase for k in top_keyphrases(found, 1, max_words=8)] == ["long compound noun phrase head"]


@given(st.text(max_size=120))
def test_scores_descend_and_offsets_hold_the_first_word(text: str) -> None:
    found = rake(text)
    assert [(-k.score, k.first_offset) for k in found] == sorted((-k.score, k.first_offset) for k in found)
    assert all(0 <= k.first_offset < len(text) and k.count >= 1 for k in found)


@pytest.mark.parametrize("text", ["", "the of and", "... !"])
def test_text_without_content_has_no_keyphrases(text: str) -> None:
    assert rake(text) == []
