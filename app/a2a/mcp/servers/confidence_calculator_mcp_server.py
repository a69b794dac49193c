"""confidence_calculator: how sure one may be of an answer, and whether past confidences were honest.

It keeps nothing between calls. Meaning is asked of semantic_similarity; without her words alone are compared, and the
answer says so.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from mcp_types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference
from pydantic import Field

from app.a2a.mcp.core import Call, Server, run
from app.a2a.mcp.domain.confidence.alignment import QUESTION_TYPES, align, cover
from app.a2a.mcp.domain.confidence.attenuation import DEFAULT_FLOOR, PENALTIES, attenuate
from app.a2a.mcp.domain.confidence.calibration import Binning
from app.a2a.mcp.domain.confidence.combination import HIGH_CONFLICT, METHODS, Method, combine_sources
from app.a2a.mcp.domain.confidence.evaluation import Request, evaluate
from app.a2a.mcp.domain.confidence.evidence import RELIABILITY, require_known_types, weigh
from app.a2a.mcp.domain.confidence.factors import (
    DEFAULT_BOUNDS,
    DEFAULT_WEIGHTS,
    FACTORS,
    Assessed,
    Factor,
    combine,
    explain,
    recommendations,
    weights_with,
)
from app.a2a.mcp.domain.confidence.recalibration import RECALIBRATIONS, Recalibration
from app.a2a.mcp.errors import A2AError, DeadlineExceededError, InvalidArgumentError
from app.a2a.mcp.servers import confidence_calculator_examples as examples
from app.a2a.mcp.servers.confidence_calculator_inputs import (
    MAX_CASES,
    MAX_EVIDENCE,
    MAX_STEPS,
    MAX_TEXT,
    BeliefSource,
    Evidence,
    GivenFactors,
    Name,
    ReasoningContext,
    Share,
    Text,
    Weight,
    derived_factors,
    evidence_item,
)
from app.a2a.mcp.servers.confidence_calculator_prompts import FOCUSES, analysis_message
from app.a2a.mcp.servers.confidence_calculator_results import (
    AdjustedConfidence,
    CalibrationBin,
    CalibrationEvaluation,
    CombinedEvidence,
    EvidenceParts,
    EvidenceQuality,
    EvidenceWeight,
    FactorShare,
    ReasoningConfidence,
    RecalibrationResult,
    SemanticAlignment,
)

server: Server[None] = Server(
    "confidence_calculator",
    instructions="Says how sure one may be of an answer, pools beliefs, and checks past confidences against outcomes.",
)


@server.tool(examples=examples.REASONING)
async def calculate_reasoning_confidence(
    call: Call[None],
    reasoning_context: Annotated[
        ReasoningContext, Field(description="what is known; may be {} when factors are given")
    ],
    factors: Annotated[GivenFactors | None, Field(description="known values, which win over derived ones")] = None,
    custom_weights: Annotated[
        dict[Name, Weight] | None, Field(max_length=20, description="by factor; one left out keeps its default")
    ] = None,
    bounds: Annotated[
        list[Share] | None, Field(min_length=2, max_length=2, description="[low, high]; absent: [0.05, 0.95]")
    ] = None,
    include_explanation: bool = True,
) -> ReasoningConfidence:
    """Give one confidence for an answer from up to six factors: evidence, logic, alignment, record, complexity, checks.

    Use it to say how sure an agent may be of what it concluded. For the evidence alone take
    calculate_evidence_quality, to lower a confidence you have adjust_confidence_for_uncertainty, to pool what several
    sources believe combine_evidence. Factors that cannot be assessed are left out, never guessed: read `coverage`.
    Example: evidence_quality 0.85 and 8 successes of 10 → 0.8125 with coverage 0.40.
    """
    low, high = bounds or DEFAULT_BOUNDS
    if low > high:
        raise InvalidArgumentError.at("/bounds", "the lower bound is above the upper")
    weights = weights_with(custom_weights)
    given = factors.model_dump(exclude_none=True) if factors else {}
    values, degraded = await _assess(call, reasoning_context, given)
    found = combine(values, weights, (low, high))
    answer = ReasoningConfidence(
        confidence=found.confidence,
        unbounded=found.unbounded,
        coverage=found.coverage,
        factor_breakdown={
            share.factor: FactorShare(
                value=share.assessed.value,
                assessed=share.assessed.value is not None,
                weight=share.weight,
                contribution=share.contribution,
                source=share.assessed.source,
            )
            for share in found.shares
        },
        recommendations=recommendations(found),
        degraded=degraded,
    )
    if include_explanation:
        answer.explanation = explain(found)
    return answer


@server.tool(examples=examples.EVIDENCE)
async def calculate_evidence_quality(
    call: Call[None],
    evidence: Evidence,
    half_life_days: Annotated[
        float | None, Field(ge=0.01, le=1_000_000, description="age at which an item counts half; absent: never stale")
    ] = None,
    reliability_table: Annotated[
        dict[Name, Share] | None, Field(max_length=20, description="reliability by source type, or bare_string")
    ] = None,
    return_details: Annotated[bool, Field(description="also return each item's weight")] = False,
) -> EvidenceQuality:
    """Judge a body of evidence by the reliability, relevance and age of its items, and how far sources corroborate it.

    Use it before relying on a set of sources. It judges sources, not truth: whether they agree is combine_evidence's
    question. Weak items lower the score and never raise it. Example: one academic and one verified source →
    quality_score 0.85, corroboration 0.98.
    """
    table = require_known_types(reliability_table or {})
    found = await call.run(weigh, [evidence_item(one) for one in evidence], half_life_days, table)
    answer = EvidenceQuality(
        quality_score=found.quality_score,
        corroboration=found.corroboration,
        evidence_count=len(evidence),
        independent_sources=found.independent_sources,
    )
    if return_details:
        answer.evidence_composition = found.composition
        answer.items = [
            EvidenceWeight(
                index=index,
                weight=one.weight,
                parts=EvidenceParts(reliability=one.reliability, relevance=one.relevance, freshness=one.freshness),
            )
            for index, one in enumerate(found.items)
        ]
    return answer


@server.tool(examples=examples.ALIGNMENT)
async def calculate_semantic_alignment(
    call: Call[None],
    question: Text,
    answer: Text,
    analyze_keywords: Annotated[bool, Field(description="also return the words and the kind of question")] = False,
) -> SemanticAlignment:
    """Score whether an answer addresses its question: by its content words and by meaning.

    Use it to notice answers beside the point; it does not say whether they are true. For the likeness of any two texts
    take calculate_text_similarity. Words are English (stems, stop words); meaning works across languages. Example:
    "What is the capital of France?" and "The capital of France is Paris" → coverage 1.0; "Bananas are yellow" → 0.
    """
    words = await call.run(cover, question, answer)
    semantic = await _meaning(call, question, answer)
    found = SemanticAlignment(
        alignment_score=align(words.coverage, semantic),
        coverage=words.coverage,
        semantic_similarity=semantic,
        degraded=semantic is None,
    )
    if analyze_keywords:
        found.keyword_overlap = words.overlap
        found.unique_question_keywords = words.only_question
        found.unique_answer_keywords = words.only_answer
        found.question_type = words.question_type
    return found


@server.tool(examples=examples.ADJUSTMENT)
async def adjust_confidence_for_uncertainty(
    base_confidence: Share,
    uncertainty_factors: Annotated[
        list[Name], Field(max_length=20, description=f"of {', '.join(PENALTIES)}; each counts once")
    ],
    custom_penalties: Annotated[
        dict[Name, Annotated[float, Field(gt=0, le=1)]] | None,
        Field(max_length=20, description="what is left of the confidence, by factor, also of names of your own"),
    ] = None,
    floor: Annotated[Share, Field(description="never lowered below this")] = DEFAULT_FLOOR,
) -> AdjustedConfidence:
    """Lower a confidence for named weaknesses, such as missing or contradictory evidence.

    Use it when you know what is wrong with an answer and want the number to say so. To compute the confidence in the
    first place take calculate_reasoning_confidence. It never raises a confidence. Example: 0.8 with
    contradictory_evidence and limited_data → 0.476.
    """
    found = attenuate(base_confidence, uncertainty_factors, custom_penalties, floor)
    return AdjustedConfidence(
        original_confidence=base_confidence,
        adjusted_confidence=found.adjusted,
        total_penalty=found.total_penalty,
        factor_impacts=found.impacts,
        floored=found.floored,
        ignored_duplicates=found.duplicates,
    )


@server.tool(examples=examples.COMBINATION)
async def combine_evidence(
    call: Call[None],
    frame: Annotated[list[Name], Field(min_length=2, max_length=12, description="the outcomes: exactly one is true")],
    sources: Annotated[list[BeliefSource], Field(min_length=2, max_length=20)],
    method: Annotated[
        Method,
        Field(
            description="dempster: independent, conflict left out · yager: conflict becomes ignorance · bayes: "
            "likelihoods, independent · linear_pool, log_pool: weighted means"
        ),
    ] = "dempster",
    prior: Annotated[
        dict[Name, Share] | None, Field(min_length=1, max_length=12, description="for bayes; absent: even; sums to 1")
    ] = None,
) -> CombinedEvidence:
    """Pool what several sources believe about one question into one belief, and say how far they conflict.

    Use it when witnesses, models or sensors each give probabilities, or masses that leave something open ("A|B", "*"
    for no idea). Dempster and bayes suppose independent sources: for opinions that share their grounds take
    linear_pool, under high conflict yager. To grade sources take calculate_evidence_quality. Example: {A .6, * .4} and
    {B .7, * .3} → A .310345, B .482759, * .206897, conflict .42.
    """
    given = [source.source(place) for place, source in enumerate(sources)]
    found = await call.run(combine_sources, frame, given, method, prior)
    return CombinedEvidence(
        combined=found.masses,
        belief=found.belief,
        plausibility=found.plausibility,
        pignistic=found.pignistic,
        conflict=found.conflict,
        ranking=found.ranking,
        method=method,
        warnings=found.warnings,
    )


@server.tool(examples=examples.CALIBRATION)
async def evaluate_calibration(
    call: Call[None],
    probabilities: Annotated[list[Share], Field(min_length=2, max_length=MAX_CASES, description="past confidences")],
    outcomes: Annotated[
        list[Annotated[int, Field(ge=0, le=1)]],
        Field(min_length=2, max_length=MAX_CASES, description="1: it was right, 0: it was not"),
    ],
    n_bins: Annotated[int, Field(ge=2, le=50)] = 10,
    binning: Annotated[Binning, Field(description="uniform: equal widths · quantile: about equal counts")] = "uniform",
    recalibration: Annotated[
        Literal["none"] | Recalibration,
        Field(description="fit a correction: temperature (1 number), platt (2), isotonic (any rising step function)"),
    ] = "none",
    apply_to: Annotated[
        list[Share] | None, Field(min_length=1, max_length=1000, description="confidences to correct by it")
    ] = None,
    interval_level: Annotated[float, Field(ge=0.5, le=0.999, description="of the bins' Wilson intervals")] = 0.95,
) -> CalibrationEvaluation:
    """Check past confidences against what came true: how honest, how sharp, and what they should have been.

    Use it on a record of at least 30 confidences with outcomes: did "80 %" happen 80 % of the time? It can correct new
    ones by that. It does not judge a single answer: take calculate_reasoning_confidence. Example: ten times 0.8 with 6
    hits → Brier 0.28, calibration error 0.2, and temperature turns 0.8 into 0.6.
    """
    fitting = None if recalibration == "none" else recalibration
    request = Request(n_bins, binning, interval_level, fitting, apply_to)
    found = await call.run(evaluate, probabilities, outcomes, request)
    answer = CalibrationEvaluation(
        brier_score=found.scores.brier_score,
        log_loss=found.scores.log_loss,
        expected_calibration_error=found.scores.expected_calibration_error,
        maximum_calibration_error=found.maximum_error,
        auroc=found.auroc,
        accuracy_at_half=found.accuracy,
        base_rate=found.base_rate,
        murphy=found.murphy,
        bins=[CalibrationBin(**asdict(one)) for one in found.bins],
        warnings=found.warnings,
    )
    if fitting and found.fitted:
        answer.recalibration = RecalibrationResult(
            method=fitting,
            parameters=found.fitted.parameters,
            before=found.scores,
            after=found.fitted.after,
            calibrated=found.fitted.calibrated,
        )
    return answer


@server.resource("confidence://calculator/status", description="Weights, bounds, penalties and reliabilities in use")
async def calculator_status(call: Call[None]) -> dict[str, Any]:
    """What this process judges by when a call says nothing else, and the breakers to the services it asks."""
    return {
        "factor_weights": dict(DEFAULT_WEIGHTS),
        "bounds": list(DEFAULT_BOUNDS),
        "penalties": dict(PENALTIES),
        "floor": DEFAULT_FLOOR,
        "reliability": dict(RELIABILITY),
        "combination_methods": list(METHODS),
        "high_conflict": HIGH_CONFLICT,
        "recalibrations": list(RECALIBRATIONS),
        "question_types": list(QUESTION_TYPES),
        "limits": {
            "evidence": MAX_EVIDENCE,
            "steps": MAX_STEPS,
            "text_characters": MAX_TEXT,
            "cases": MAX_CASES,
        },
        "breakers": call.runtime.breakers.states(),
    }


@server.prompt(description="Plan how to judge an answer's confidence with this server's tools")
async def confidence_analysis(
    context: Annotated[str, Field(description="what is known, as JSON text: question, answer, evidence …")],
    focus_area: Annotated[str, Field(description="overview, evidence, alignment or calibration")] = "overview",
) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    return analysis_message(context, focus_area)


@server.completion()
async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: object
) -> Completion | None:
    """The focus areas that begin with what was typed."""
    if not isinstance(ref, PromptReference) or (ref.name, argument.name) != ("confidence_analysis", "focus_area"):
        return None
    return Completion(values=[focus for focus in FOCUSES if focus.startswith(argument.value.casefold())])


async def _assess(
    call: Call[None], context: ReasoningContext, given: Mapping[str, float]
) -> tuple[dict[Factor, Assessed], bool]:
    """Every factor, given or derived or neither, and whether the meaning was wanted and could not be had."""
    derived = await call.run(derived_factors, context)
    degraded = False
    if context.question is not None and context.answer is not None and "semantic_alignment" not in given:
        words = await call.run(cover, context.question, context.answer)
        semantic = await _meaning(call, context.question, context.answer)
        derived["semantic_alignment"] = align(words.coverage, semantic)
        degraded = semantic is None
    return {name: _assessed(given.get(name), derived.get(name)) for name in FACTORS}, degraded


def _assessed(given: float | None, derived: float | None) -> Assessed:
    if given is not None:
        return Assessed(given, "given")
    return Assessed(derived, "none" if derived is None else "derived")


async def _meaning(call: Call[None], question: str, answer: str) -> float | None:
    """The likeness in meaning, None where semantic_similarity cannot be had or had to do with words herself."""
    arguments = {"text1": question, "text2": answer, "method": "semantic", "return_components": True}
    try:
        reply = await call.runtime.sisters.call(
            "semantic_similarity", "calculate_text_similarity", arguments, call=call
        )
        semantic = reply["components"]["semantic"]
        return None if semantic is None else float(semantic)
    except DeadlineExceededError:
        raise
    except (A2AError, KeyError, TypeError, ValueError):
        return None


if __name__ == "__main__":
    run(server)
