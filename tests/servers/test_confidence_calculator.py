"""The six tools of confidence_calculator through the official client: every catalogue example, and its refusals."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from app.a2a.mcp.core.sisters import Sisters
from app.a2a.mcp.domain.confidence.factors import FACTORS
from app.a2a.mcp.servers import confidence_calculator_mcp_server as menu
from tests.servers.asking import Ask, check_tools_named
from tests.servers.conftest import Asking

pytestmark = pytest.mark.anyio


CAPITAL = {"question": "What is the capital of France?", "answer": "The capital of France is Paris"}
SIX = dict(zip(FACTORS, [0.85, 1, 0.5, 0.75, 1, 0.7], strict=True))


@pytest.fixture
async def ask(asking: Asking) -> AsyncIterator[Ask]:
    async with asking(menu.server) as ask:
        yield ask


@pytest.fixture
def sister_says(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """semantic_similarity's answer, without the wire: change it to have another one."""
    reply: dict[str, Any] = {"similarity": 0.5, "components": {"semantic": 0.5}, "degraded": False}

    async def call(self: Sisters, service: str, tool: str, arguments: Mapping[str, Any], call: object) -> Any:
        assert (service, tool) == ("semantic_similarity", "calculate_text_similarity")
        assert arguments["method"] == "semantic"
        return reply

    monkeypatch.setattr(Sisters, "call", call)
    return reply


# 39 calculate_reasoning_confidence


async def test_factors_are_weighed_into_one_confidence(ask: Ask) -> None:
    found = await ask("calculate_reasoning_confidence", reasoning_context={}, factors=SIX)
    assert (found["confidence"], found["coverage"]) == (pytest.approx(0.795), pytest.approx(1.0))
    assert found["factor_breakdown"]["evidence_quality"] == {
        "value": 0.85,
        "assessed": True,
        "weight": pytest.approx(0.25),
        "contribution": pytest.approx(0.2125),
        "source": "given",
    }
    context = {"historical_data": {"total_attempts": 10, "successful_attempts": 8}}
    found = await ask(
        "calculate_reasoning_confidence",
        reasoning_context=context,
        factors={"evidence_quality": 0.85},
        include_explanation=False,
    )
    assert (found["confidence"], found["coverage"]) == (pytest.approx(0.8125), pytest.approx(0.40))
    assert "explanation" not in found
    missing = found["factor_breakdown"]["validation_score"]
    assert (missing["value"], missing["assessed"], missing["source"]) == (None, False, "none")


async def test_everything_in_the_context_is_assessed(ask: Ask, sister_says: dict[str, Any]) -> None:
    context = {
        **CAPITAL,
        "evidence": [{"source_type": "academic"}, {"source_type": "verified"}],
        "reasoning_chain": ["France is a country", {"conclusion": "Paris", "dependencies": [7]}],
        "historical_data": {"total_attempts": 0, "successful_attempts": 0},
        "validation_results": {"logical_consistency": 1, "evidence_support": 0.5, "completeness": 0.5},
    }
    found = await ask("calculate_reasoning_confidence", reasoning_context=context)
    values = {name: factor["value"] for name, factor in found["factor_breakdown"].items()}
    assert values == pytest.approx(dict(zip(FACTORS, [0.85, 0.5, 0.75, 0.5, 1, 0.7], strict=True)))
    assert (found["coverage"], found["degraded"]) == (pytest.approx(1.0), False)


async def test_without_semantic_similarity_the_confidence_says_so(ask: Ask, sister_is_away: None) -> None:
    found = await ask("calculate_reasoning_confidence", reasoning_context=CAPITAL, bounds=[0.0, 1.0])
    assert (found["degraded"], found["confidence"]) == (True, 1.0)
    found = await ask("calculate_reasoning_confidence", reasoning_context=CAPITAL, factors={"semantic_alignment": 0.4})
    assert (found["degraded"], found["confidence"]) == (False, pytest.approx(0.4))


async def test_custom_weights_have_an_effect(ask: Ask) -> None:
    weights = dict.fromkeys(FACTORS, 0) | {"validation_score": 3}
    found = await ask("calculate_reasoning_confidence", reasoning_context={}, factors=SIX, custom_weights=weights)
    assert found["confidence"] == pytest.approx(0.7)


# 40 calculate_evidence_quality


async def test_evidence_is_judged(ask: Ask) -> None:
    found = await ask("calculate_evidence_quality", evidence=[{"source_type": "academic"}, {"source_type": "verified"}])
    assert (found["quality_score"], found["corroboration"]) == (pytest.approx(0.85), pytest.approx(0.98))
    assert "items" not in found
    old = {"source_type": "academic", "source_id": "x", "age_days": 365}
    found = await ask("calculate_evidence_quality", evidence=[old], half_life_days=365)
    assert found["quality_score"] == pytest.approx(0.45)
    found = await ask("calculate_evidence_quality", evidence=[old, old, "said", "said"], return_details=True)
    assert (found["independent_sources"], found["evidence_count"]) == (2, 4)
    assert found["corroboration"] == pytest.approx(1 - 0.1 * 0.7)
    assert found["evidence_composition"] == {"academic": 2, "bare_string": 2}
    assert [item["weight"] for item in found["items"]] == pytest.approx([0.9, 0.9, 0.3, 0.3])
    assert (await ask("calculate_evidence_quality", evidence=[]))["quality_score"] == 0


async def test_source_named_like_a_text_is_another_source(ask: Ask) -> None:
    evidence = ["said", {"source_id": "said"}, {"source_id": "text:said"}]
    assert (await ask("calculate_evidence_quality", evidence=evidence))["independent_sources"] == 3


# 41 calculate_semantic_alignment


async def test_answer_is_compared_by_words_and_meaning(ask: Ask, sister_says: dict[str, Any]) -> None:
    sister_says["components"]["semantic"] = 0.851
    found = await ask("calculate_semantic_alignment", **CAPITAL, analyze_keywords=True)
    assert (found["coverage"], found["semantic_similarity"], found["degraded"]) == (1.0, 0.851, False)
    assert found["alignment_score"] == pytest.approx(0.926, abs=1e-3)
    assert (found["keyword_overlap"], found["question_type"]) == (["capital", "france"], "definition")
    sister_says["components"]["semantic"] = 0.029
    found = await ask("calculate_semantic_alignment", question=CAPITAL["question"], answer="Bananas are yellow")
    assert (found["coverage"], found["alignment_score"]) == (0.0, pytest.approx(0.0145))
    assert "keyword_overlap" not in found


@pytest.mark.parametrize("reply", [{"components": {"semantic": None}, "degraded": True}, {"nonsense": 1}])
async def test_sister_without_a_model_is_no_meaning(
    ask: Ask, sister_says: dict[str, Any], reply: dict[str, Any]
) -> None:
    sister_says.clear()
    sister_says.update(reply)
    found = await ask("calculate_semantic_alignment", **CAPITAL)
    assert (found["semantic_similarity"], found["degraded"], found["alignment_score"]) == (None, True, 1.0)


async def test_words_decide_alone_while_the_sister_is_away(ask: Ask, sister_is_away: None) -> None:
    found = await ask("calculate_semantic_alignment", **CAPITAL)
    assert (found["alignment_score"], found["semantic_similarity"], found["degraded"]) == (1.0, None, True)


# 42 adjust_confidence_for_uncertainty


async def test_confidence_is_lowered_for_its_weaknesses(ask: Ask) -> None:
    tool = "adjust_confidence_for_uncertainty"
    found = await ask(tool, base_confidence=0.8, uncertainty_factors=["missing_evidence", "missing_evidence"])
    assert found == {
        "original_confidence": 0.8,
        "adjusted_confidence": pytest.approx(0.68),
        "total_penalty": pytest.approx(0.15),
        "factor_impacts": {"missing_evidence": pytest.approx(0.15)},
        "floored": False,
        "ignored_duplicates": ["missing_evidence"],
    }
    found = await ask(tool, base_confidence=0.8, uncertainty_factors=["contradictory_evidence", "limited_data"])
    assert found["adjusted_confidence"] == pytest.approx(0.476)
    found = await ask(tool, base_confidence=0.06, uncertainty_factors=["contradictory_evidence", "weak_inference"])
    assert (found["adjusted_confidence"], found["floored"]) == (0.05, True)


# 43 combine_evidence


async def test_beliefs_are_combined(ask: Ask) -> None:
    sources = [{"name": "x", "masses": {"A": 0.6, "*": 0.4}}, {"name": "y", "masses": {"B": 0.7, "*": 0.3}}]
    found = await ask("combine_evidence", frame=["A", "B"], sources=sources)
    assert found["combined"] == pytest.approx({"A": 0.310345, "B": 0.482759, "*": 0.206897}, abs=1e-6)
    assert (found["conflict"], found["ranking"], found["warnings"]) == (pytest.approx(0.42), ["B", "A"], [])
    found = await ask("combine_evidence", frame=["A", "B"], sources=sources, method="yager")
    assert found["combined"] == pytest.approx({"A": 0.18, "B": 0.28, "*": 0.54})
    zadeh = [{"name": "x", "masses": {"A": 0.99, "B": 0.01}}, {"name": "y", "masses": {"C": 0.99, "B": 0.01}}]
    found = await ask("combine_evidence", frame=["A", "B", "C"], sources=zadeh)
    assert (found["combined"], found["warnings"]) == ({"B": pytest.approx(1.0)}, ["high_conflict"])
    total = [{"name": "x", "masses": {"A": 1}}, {"name": "y", "masses": {"B": 1}}]
    refused = await ask("combine_evidence", frame=["A", "B"], sources=total, error=True)
    assert (refused["code"], "total_conflict" in refused["details"][0]["reason"]) == ("invalid_argument", True)


async def test_probabilities_are_combined(ask: Ask) -> None:
    said = [{"A": 0.8, "B": 0.2}, {"A": 0.7, "B": 0.3}]
    sources = [{"name": str(place), "probabilities": one} for place, one in enumerate(said)]
    found = await ask("combine_evidence", frame=["A", "B"], sources=sources, method="bayes")
    assert found["combined"]["A"] == pytest.approx(0.903226, abs=1e-6)
    found = await ask("combine_evidence", frame=["A", "B"], sources=sources, method="linear_pool")
    assert found["combined"]["A"] == pytest.approx(0.75)


# 44 evaluate_calibration


async def test_record_is_evaluated_and_corrected(ask: Ask) -> None:
    found = await ask("evaluate_calibration", probabilities=[0.9, 0.8, 0.3, 0.1], outcomes=[1, 1, 0, 0])
    assert found["brier_score"] == pytest.approx(0.0375)
    assert found["log_loss"] == pytest.approx(0.197635, abs=1e-6)
    assert found["expected_calibration_error"] == pytest.approx(0.175)
    assert (found["maximum_calibration_error"], found["auroc"]) == (pytest.approx(0.3), 1.0)
    assert (len(found["bins"]), found["bins"][0]["count"], found["bins"][0]["interval"]) == (10, 0, None)
    assert "recalibration" not in found
    found = await ask(
        "evaluate_calibration",
        probabilities=[0.8] * 10,
        outcomes=[1] * 6 + [0] * 4,
        recalibration="temperature",
        apply_to=[0.8],
    )
    assert found["murphy"] == pytest.approx({"reliability": 0.04, "resolution": 0, "uncertainty": 0.24})
    assert found["recalibration"]["parameters"] == {"temperature": pytest.approx(3.419023, abs=1e-6)}
    assert found["recalibration"]["calibrated"] == pytest.approx([0.6])
    assert [warning.split(":")[0] for warning in found["warnings"]] == ["few_cases", "same_data"]


@pytest.mark.parametrize("method", ["platt", "isotonic", "temperature"])
async def test_largest_record_is_corrected_in_time(ask: Ask, method: str) -> None:
    given = [(place % 997) / 996 for place in range(10_000)]
    outcomes = [int(place * 7919 % 997 < 500) for place in range(10_000)]
    found = await ask("evaluate_calibration", probabilities=given, outcomes=outcomes, recalibration=method, n_bins=50)
    assert len(found["recalibration"]["calibrated"]) == 10_000
    assert found["recalibration"]["after"]["log_loss"] <= found["recalibration"]["before"]["log_loss"] + 1e-9


# all of them


@pytest.mark.parametrize(
    ("tool", "arguments", "path", "code"),
    [
        ("calculate_reasoning_confidence", {"reasoning_context": {}}, "/reasoning_context", "invalid_argument"),
        (
            "calculate_reasoning_confidence",
            {"reasoning_context": {}, "factors": SIX, "custom_weights": {"luck": 1}},
            "/custom_weights/luck",
            "invalid_argument",
        ),
        (
            "calculate_reasoning_confidence",
            {"reasoning_context": {}, "factors": SIX, "bounds": [0.9, 0.1]},
            "/bounds",
            "invalid_argument",
        ),
        (
            "calculate_evidence_quality",
            {"evidence": [], "reliability_table": {"rumour": 1}},
            "/reliability_table/rumour",
            "invalid_argument",
        ),
        ("calculate_evidence_quality", {"evidence": ["x"] * 501}, "/evidence", "limit_exceeded"),
        ("calculate_semantic_alignment", {"question": "x" * 20_001, "answer": ""}, "/question", "limit_exceeded"),
        (
            "adjust_confidence_for_uncertainty",
            {"base_confidence": 0.5, "uncertainty_factors": ["bad_mood"]},
            "/uncertainty_factors/0",
            "invalid_argument",
        ),
        (
            "combine_evidence",
            {"frame": ["A", "B"], "sources": [{"name": "x"}, {"name": "y", "masses": {"A": 1}}]},
            "/sources/0",
            "invalid_argument",
        ),
        (
            "combine_evidence",
            {"frame": ["A", "B"], "sources": [{"name": "x", "probabilities": {"A|B": 1}}] * 2},
            "/sources/0/probabilities/A|B",
            "invalid_argument",
        ),
        ("evaluate_calibration", {"probabilities": [0.5, 0.5], "outcomes": [1]}, "/outcomes", "invalid_argument"),
        (
            "evaluate_calibration",
            {"probabilities": [0.5, 1.5], "outcomes": [1, 0]},
            "/probabilities/1",
            "invalid_argument",
        ),
        (
            "evaluate_calibration",
            {"probabilities": [0.5, 0.5], "outcomes": [1, 0], "apply_to": [0.5]},
            "/apply_to",
            "invalid_argument",
        ),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_where_they_lie(
    ask: Ask, tool: str, arguments: dict[str, Any], path: str, code: str
) -> None:
    assert await ask.refusal(tool, **arguments) == (code, path)


async def test_all_six_are_pure_and_their_examples_work(ask: Ask, sister_says: dict[str, Any]) -> None:
    await ask.check_pure_and_exemplary(menu.server, tools=6)


async def test_status_shows_what_is_in_use(ask: Ask) -> None:
    status = await ask.read("confidence://calculator/status")
    assert sum(status["factor_weights"].values()) == pytest.approx(1.0)
    assert (status["bounds"], status["penalties"]["missing_evidence"]) == ([0.05, 0.95], 0.85)
    assert status["reliability"]["academic"] == 0.9


async def test_prompt_names_tools_that_exist(ask: Ask) -> None:
    for focus in ("overview", "evidence", "alignment", "calibration"):
        arguments = {"context": '{"question": "wo?"}', "focus_area": focus}
        text = await ask.prompt("confidence_analysis", **arguments)
        assert '{"question": "wo?"}' in text
        check_tools_named(menu.server, text, r"\b(?:calculate|adjust|combine|evaluate)_\w+")


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"context": "I think so"}, "/context"),
        ({"context": "5"}, "/context"),
        ({"context": "{}", "focus_area": "magic"}, "/focus_area"),
    ],
)
async def test_prompt_refuses_what_it_cannot_read(ask: Ask, arguments: dict[str, str], path: str) -> None:
    with pytest.raises(MCPError, match=path):
        await ask.prompt("confidence_analysis", **arguments)


async def test_focus_areas_are_completed(ask: Ask) -> None:
    reference = PromptReference(name="confidence_analysis")
    complete = ask.client.complete
    found = await complete(reference, {"name": "focus_area", "value": "E"})
    assert found.completion.values == ["evidence"]
    assert (await complete(reference, {"name": "context", "value": ""})).completion.values == []
