"""Questions: a fixed list of splits, and what never happens to any text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.reasoning.questions import classify_question, decompose_question


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("What is the capital of France?", [("What is the capital of France?", [])]),
        (
            "Who wrote Hamlet, when was it published, and where did its author live?",
            [
                ("Who wrote Hamlet?", []),
                ("When was Hamlet published?", [0]),
                ("Where did Hamlet's author live?", [0]),
            ],
        ),
        (
            "What is the difference between TCP and UDP?",
            [
                ("What is TCP?", []),
                ("What is UDP?", []),
                ("What is the difference between TCP and UDP?", [0, 1]),
            ],
        ),
        (
            "Python vs Ruby",
            [("What is Python?", []), ("What is Ruby?", []), ("How do Python and Ruby compare?", [0, 1])],
        ),
        (
            "What causes rain? Does it happen in deserts?",
            [("What causes rain?", []), ("Does rain happen in deserts?", [0])],
        ),
        ("Boil the water, then add the pasta", [("Boil the water.", []), ("Add the pasta.", [0])]),
        (
            "What happened after the Berlin wall fell?",
            [("When did this happen: the Berlin wall fell?", []), ("What happened after the Berlin wall fell?", [0])],
        ),
        ("Do I need a visa before 2030?", [("Do I need a visa before 2030?", [])]),
    ],
)
def test_questions_are_split_by_their_wording(question: str, parts: list[tuple[str, list[int]]]) -> None:
    found = decompose_question(question, "structural")
    assert [(part.question, part.depends_on) for part in found] == parts
    assert [part.id for part in found] == list(range(len(parts)))


def test_strategies_look_for_their_own_kind_alone() -> None:
    both = "What is TLS and why is it slow?"
    assert len(decompose_question(both, "structural")) == 2
    assert len(decompose_question(both, "comparative")) == 1
    assert len(decompose_question("Compare A and B", "temporal")) == 1
    assert len(decompose_question("Compare A and B", "comparative")) == 3


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What is TLS?", "definition"),
        ("How does TLS work?", "process"),
        ("Why is the sky blue?", "explanation"),
        ("When did it start?", "temporal"),
        ("Where is Oslo?", "location"),
        ("Who invented it?", "identity"),
        ("How many moons are there?", "quantity"),
        ("Which is better, tea or coffee?", "comparison"),
        ("Is it raining?", "boolean"),
        ("Tell me a story", "other"),
    ],
)
def test_questions_are_told_apart_by_their_first_words(question: str, kind: str) -> None:
    assert classify_question(question) == kind


@given(
    st.lists(
        st.sampled_from(
            ["what", "is", "it", "and", "why", "compare", "x", "versus", "then", "before", "?", ",", "\\1"]
        ),
        max_size=25,
    ),
    st.sampled_from(["structural", "comparative", "temporal"]),
)
def test_any_text_gives_parts_that_depend_on_earlier_ones(words: list[str], strategy: str) -> None:
    found = decompose_question(" ".join(["what", *words]), strategy)  # type: ignore[arg-type]
    assert found
    for part in found:
        assert part.question
        assert all(0 <= other < part.id for other in part.depends_on)


@pytest.mark.parametrize("phrase", ["compare a to ", "a vs b ", " then ", "before ran ", "what is it and why ", "  , "])
def test_longest_question_is_split_at_once(phrase: str) -> None:
    began = time.process_time()
    decompose_question((phrase * 2000)[:4000], "structural")
    assert time.process_time() - began < 1
