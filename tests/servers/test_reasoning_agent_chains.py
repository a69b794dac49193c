"""decompose_question and reasoning_chain_analysis: what is asked, and whether a chain of steps holds."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from app.a2a.mcp.core.sisters import Sisters
from app.a2a.mcp.servers import reasoning_agent_mcp_server as menu
from tests.servers.asking import Ask
from tests.servers.conftest import Asking

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ask(asking: Asking) -> AsyncIterator[Ask]:
    async with asking(menu.server) as ask:
        yield ask


@pytest.fixture
def sisters_answer(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Sisters that find everything alike, and a chain 0.7 sure; what they were asked."""
    asked: list[tuple[str, str, Mapping[str, Any]]] = []

    async def call(self: Sisters, service: str, tool: str, arguments: Mapping[str, Any], call: object) -> Any:
        asked.append((service, tool, arguments))
        return {"similarity": 0.9, "degraded": False, "confidence": 0.7}

    monkeypatch.setattr(Sisters, "call", call)
    return asked


# 25 decompose_question


async def test_coordinated_question_is_split_and_its_pronoun_resolved(ask: Ask) -> None:
    found = await ask("decompose_question", question="What is photosynthesis and why is it important?")
    assert found["sub_questions"] == [
        {"id": 0, "question": "What is photosynthesis?", "type": "definition", "depends_on": []},
        {"id": 1, "question": "Why is photosynthesis important?", "type": "explanation", "depends_on": [0]},
    ]
    assert (found["total_sub_questions"], found["truncated"]) == (2, False)
    assert found["strategy_used"] == "structural"


async def test_comparison_asks_for_both_sides_first(ask: Ask) -> None:
    found = await ask("decompose_question", question="Compare Redis and Kafka for event streaming")
    assert [(part["question"], part["depends_on"]) for part in found["sub_questions"]] == [
        ("What is Redis for event streaming?", []),
        ("What is Kafka for event streaming?", []),
        ("Compare Redis and Kafka for event streaming", [0, 1]),
    ]
    assert found["sub_questions"][2]["type"] == "comparison"


async def test_more_parts_than_asked_for_are_counted_and_cut(ask: Ask) -> None:
    found = await ask("decompose_question", question="What is a? What is b? What is c?", max_sub_questions=2)
    assert (len(found["sub_questions"]), found["total_sub_questions"], found["truncated"]) == (2, 3, True)


# 26 reasoning_chain_analysis


async def test_sound_chain_is_proved_and_its_strength_bounded(ask: Ask) -> None:
    steps = [
        {"premises": ["p -> q", "p"], "conclusion": "q", "notation": "formula", "confidence": 0.9},
        {"premises": ["step:0", "q -> r"], "conclusion": "r", "notation": "formula", "confidence": 0.8},
    ]
    found = await ask("reasoning_chain_analysis", reasoning_steps=steps)
    assert found["logic_validation"] == {"valid": True, "issues": []}
    assert found["steps_verified"] == {"entailed": 2, "refuted": 0, "unknown": 0, "not_formal": 0, "given": 0}
    strength = found["chain_strength"]
    assert strength == {
        "weakest_link": 0.8,
        "product": pytest.approx(0.72),
        "lower_bound": pytest.approx(0.70),
    }
    assert (found["cycles"], found["identified_gaps"], found["degraded"]) == ([], [], False)


async def test_fallacy_is_refuted_by_a_case_and_a_circle_is_named(ask: Ask) -> None:
    fallacy = [{"premises": ["p -> q", "q"], "conclusion": "p", "notation": "formula"}]
    found = await ask("reasoning_chain_analysis", reasoning_steps=fallacy)
    assert found["logic_validation"]["valid"] is False
    issue = found["logic_validation"]["issues"][0]
    assert (issue["step"], issue["code"]) == (0, "not_entailed")
    assert "p false" in issue["detail"] and "q true" in issue["detail"]
    assert found["improvements"][0]["priority"] == "high"
    assert found["chain_strength"] == {"weakest_link": None, "product": None, "lower_bound": None}
    circle = [{"conclusion": "a", "dependencies": [1]}, {"conclusion": "b", "dependencies": [0]}]
    found = await ask("reasoning_chain_analysis", reasoning_steps=circle)
    assert found["cycles"] == [[0, 1]]
    assert {issue["code"] for issue in found["logic_validation"]["issues"]} == {"circular", "forward_reference"}


TEXT_STEPS = [
    {"type": "observation", "conclusion": "The street is wet", "evidence": ["a photo"]},
    {"dependencies": [0], "conclusion": "Umbrellas sell well today"},
    {"dependencies": [0, 1], "conclusion": "Wet streets sell umbrellas"},
]


async def test_text_jump_is_measured_by_meaning(
    ask: Ask, sisters_answer: list[tuple[str, str, Mapping[str, Any]]]
) -> None:
    found = await ask("reasoning_chain_analysis", reasoning_steps=TEXT_STEPS, assess_confidence=True)
    assert [gap["type"] for gap in found["identified_gaps"]] == []
    assert (found["degraded"], found["confidence"]) == (False, 0.7)
    assert [tool for _, tool, _ in sisters_answer] == ["calculate_text_similarity", "calculate_reasoning_confidence"]
    assert found["steps_verified"]["not_formal"] == 3


async def test_text_jump_is_measured_by_words_when_nobody_answers(ask: Ask, sister_is_away: None) -> None:
    found = await ask("reasoning_chain_analysis", reasoning_steps=TEXT_STEPS, assess_confidence=True)
    assert [(gap["step"], gap["type"]) for gap in found["identified_gaps"]] == [(1, "logical_jump")]
    assert (found["degraded"], found["confidence"]) == (True, None)


async def test_only_what_was_asked_for_is_sent(ask: Ask) -> None:
    found = await ask(
        "reasoning_chain_analysis",
        reasoning_steps=TEXT_STEPS,
        validate_logic=False,
        identify_gaps=False,
        suggest_improvements=False,
    )
    assert set(found) == {"cycles", "chain_strength", "steps_verified", "degraded"}
