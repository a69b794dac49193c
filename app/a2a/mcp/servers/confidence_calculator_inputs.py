"""The objects inside the arguments of confidence_calculator's tools, and what they mean to the domain."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.a2a.mcp.core import ToolInput
from app.a2a.mcp.domain.confidence.chain import Step, check_chain, share_sound
from app.a2a.mcp.domain.confidence.combination import Source
from app.a2a.mcp.domain.confidence.evidence import Item, weigh
from app.a2a.mcp.domain.confidence.factors import Factor, simplicity, success_rate, validation

MAX_TEXT = 20_000
MAX_EVIDENCE = 500
MAX_STEPS = 500
MAX_CASES = 10_000

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1000)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
ShortText = Annotated[str, Field(max_length=2000)]
EvidenceKind = Literal["academic", "verified", "empirical", "reported", "anecdotal", "unknown"]


class EvidenceItem(ToolInput):
    """A piece of evidence with what is known of its source."""

    source_type: EvidenceKind = "unknown"
    source_id: Annotated[Name | None, Field(description="same id, same source: it corroborates once")] = None
    reliability: Annotated[Share | None, Field(description="instead of the one of its source_type")] = None
    relevance: Share = 1.0
    age_days: Annotated[float | None, Field(ge=0, le=1_000_000, description="counts with half_life_days")] = None

    def item(self) -> Item:
        """The item as the domain knows it."""
        return Item(self.source_type, self.source_id, self.reliability, self.relevance, self.age_days)


Evidence = Annotated[list[ShortText | EvidenceItem], Field(max_length=MAX_EVIDENCE)]


def evidence_item(given: str | EvidenceItem) -> Item:
    """A bare string is its own source, so that the same words twice corroborate nothing."""
    return Item("bare_string", f"text:{given}") if isinstance(given, str) else _named(given.item())


def _named(item: Item) -> Item:
    # A source_id must not meet the text of a bare string.
    if item.source is None:
        return item
    return Item(item.source_type, f"id:{item.source}", item.reliability, item.relevance, item.age_days)


class ReasoningStep(ToolInput):
    """A step of reasoning, in the form that reasoning_chain_analysis takes."""

    id: Name | None = None
    premises: Annotated[
        list[ShortText] | None, Field(max_length=100, description='texts, or "step:N" for an earlier step (from 0)')
    ] = None
    premise: ShortText | None = None
    conclusion: ShortText
    inference_rule: Name | None = None
    evidence: Annotated[list[ShortText] | None, Field(max_length=100)] = None
    confidence: Share | None = None
    dependencies: Annotated[list[int] | None, Field(max_length=100, description="earlier steps, from 0")] = None
    type: Literal["assumption", "inference", "observation"] = "inference"
    notation: Literal["formula", "text"] = "text"

    def step(self) -> Step:
        """The step as the domain knows it."""
        premises = [*(self.premises or ()), *([self.premise] if self.premise else ())]
        return Step(self.conclusion, premises, self.dependencies or (), len(self.evidence or ()), self.type)


def chain_step(given: str | ReasoningStep) -> Step:
    """A bare string is a step of which only the words are known."""
    return Step(given, bare=True) if isinstance(given, str) else given.step()


class HistoricalData(ToolInput):
    """The record of similar tasks."""

    total_attempts: int = Field(ge=0, le=1_000_000_000)
    successful_attempts: int = Field(ge=0, le=1_000_000_000)


class ValidationResults(ToolInput):
    """What a checker found; parts left out share their weight out."""

    logical_consistency: Share | None = None
    evidence_support: Share | None = None
    completeness: Share | None = None
    validator_confidence: Share | None = None


class ReasoningContext(ToolInput):
    """What is known of an answer; everything may be left out, and what is missing is not assessed."""

    evidence: Evidence | None = None
    reasoning_chain: Annotated[list[ShortText | ReasoningStep] | None, Field(max_length=MAX_STEPS)] = None
    question: Text | None = None
    answer: Text | None = None
    historical_data: HistoricalData | None = None
    validation_results: ValidationResults | None = None


def derived_factors(context: ReasoningContext) -> dict[Factor, float | None]:
    """Every factor that the context gives by itself; how far the answer fits the question is not among them."""
    derived: dict[Factor, float | None] = {}
    if context.evidence:
        derived["evidence_quality"] = weigh([evidence_item(one) for one in context.evidence]).quality_score
    if context.reasoning_chain:
        steps = [chain_step(one) for one in context.reasoning_chain]
        derived["logical_consistency"] = share_sound(steps, check_chain(steps))
        derived["complexity_penalty"] = simplicity(len(steps))
    if context.historical_data:
        record = context.historical_data
        derived["historical_success"] = success_rate(record.successful_attempts, record.total_attempts)
    if context.validation_results:
        checks = context.validation_results
        derived["validation_score"] = validation(
            checks.logical_consistency, checks.evidence_support, checks.completeness, checks.validator_confidence
        )
    return derived


class GivenFactors(ToolInput):
    """Factors known already; each wins over what the context would give."""

    evidence_quality: Share | None = None
    logical_consistency: Share | None = None
    semantic_alignment: Share | None = None
    historical_success: Share | None = None
    complexity_penalty: Annotated[Share | None, Field(description="higher is better: 1 is a short chain")] = None
    validation_score: Share | None = None


SetName = Annotated[str, Field(min_length=1, max_length=2000)]


class BeliefSource(ToolInput):
    """What one source believes: exactly one of `masses` and `probabilities`."""

    name: Name
    masses: Annotated[
        dict[SetName, Share] | None,
        Field(min_length=1, max_length=4096, description='by set: "A", "A|B", "*" for the whole frame; sums to 1'),
    ] = None
    probabilities: Annotated[
        dict[Name, Share] | None, Field(min_length=1, max_length=12, description="by outcome; sums to 1")
    ] = None
    reliability: Annotated[Share, Field(description="below 1, the rest of its belief becomes ignorance")] = 1.0
    weight: Annotated[Weight, Field(description="for the pools")] = 1.0

    def source(self, place: int) -> Source:
        """The source as the domain knows it; `place` is its index in the list."""
        says: Mapping[str, float] = self.masses or self.probabilities or {}
        kind = "masses" if self.masses is not None else "probabilities"
        return Source(says, f"/sources/{place}/{kind}", self.reliability, self.weight, single=self.masses is None)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.masses is None) == (self.probabilities is None):
            raise ValueError("needs exactly one of masses and probabilities")
        return self
