"""Question and answer: which content words are taken up, and what kind of question it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.confidence.alignment import align, cover, question_type

CAPITAL = "What is the capital of France?"


def test_answer_that_takes_up_every_content_word_covers_the_question() -> None:
    found = cover(CAPITAL, "The capital of France is Paris")
    assert (found.coverage, found.overlap, found.question_type) == (1.0, ["capital", "france"], "definition")
    assert (found.only_question, found.only_answer) == ([], ["paris"])
    assert cover(CAPITAL, "Bananas are yellow").coverage == 0.0


def test_other_forms_of_a_word_count() -> None:
    assert cover("Who repairs cars?", "A mechanic repaired the car").coverage == 1.0


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many planets are there?", "quantity"),
        ("How does it work?", "manner"),
        ("Is it true what he says?", "yes_no"),
        ("In which year?", "choice"),
        ("What time is it?", "time"),
        ("Why?", "reason"),
        ("Tell me more", "statement"),
        ("", "statement"),
    ],
)
def test_kind_of_a_question_is_told_by_its_first_question_word(question: str, kind: str) -> None:
    assert question_type(question) == kind


def test_question_without_content_words_leaves_the_meaning_to_decide() -> None:
    assert cover("Why?", "Because").coverage is None
    assert (align(None, 0.4), align(None, None), align(0.5, None), align(1.0, 0.5), align(1.0, -0.5)) == (
        0.4,
        0.0,
        0.5,
        0.75,
        0.5,
    )


@given(question=st.text(max_size=60), answer=st.text(max_size=60))
def test_coverage_is_a_share_and_whole_for_the_question_itself(question: str, answer: str) -> None:
    found = cover(question, answer)
    assert found.coverage is None or 0 <= found.coverage <= 1
    assert cover(question, question).coverage in (None, 1.0)
