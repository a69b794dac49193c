"""What the tools of reasoning_agent answer; kept beside the menu so that the menu stays a page to read."""

from typing import Literal

from pydantic import Field

from app.a2a.mcp.core import ToolOutput
from app.a2a.mcp.domain.reasoning.abduction import Explanation, ExplanationStatus
from app.a2a.mcp.domain.reasoning.argumentation import Standing
from app.a2a.mcp.domain.reasoning.bayes import MostProbable
from app.a2a.mcp.domain.reasoning.chains import Gap, Improvement, Issue, Strength, Verified
from app.a2a.mcp.domain.reasoning.consistency import ConsistencyStatus
from app.a2a.mcp.domain.reasoning.constraints import SolutionStatus
from app.a2a.mcp.domain.reasoning.datalog import Proof
from app.a2a.mcp.domain.reasoning.entailment import EntailmentStatus
from app.a2a.mcp.domain.reasoning.questions import Strategy, SubQuestion

Answer = bool | int | str
REASON = Field(default=None, description="why something was not decided: timeout, resource_limit, undecidable …")


class Decomposition(ToolOutput):
    """A question in simple parts."""

    original_question: str
    sub_questions: list[SubQuestion]
    strategy_used: Strategy
    total_sub_questions: int = Field(description="how many there are, listed or not")
    truncated: bool


class LogicValidation(ToolOutput):
    """Whether the chain holds; null where that could not be decided."""

    valid: bool | None
    issues: list[Issue]


class ChainStrength(ToolOutput):
    """Three readings of the steps' confidences; all null when no step gives one."""

    weakest_link: float | None
    product: float | None = Field(description="of the whole chain if the steps are independent")
    lower_bound: float | None = Field(description="Fréchet: holds whatever the dependence")

    @classmethod
    def of(cls, strength: Strength | None) -> "ChainStrength":
        """The three values, or three nulls."""
        if strength is None:
            return cls(weakest_link=None, product=None, lower_bound=None)
        return cls(weakest_link=strength.weakest_link, product=strength.product, lower_bound=strength.lower_bound)


class ChainAnalysis(ToolOutput):
    """A chain of reasoning, checked."""

    logic_validation: LogicValidation | None = Field(default=None, description="with validate_logic")
    identified_gaps: list[Gap] | None = Field(default=None, description="with identify_gaps")
    improvements: list[Improvement] | None = Field(default=None, description="with suggest_improvements")
    cycles: list[list[int]] = Field(description="groups of steps that rest on each other")
    chain_strength: ChainStrength
    steps_verified: Verified
    confidence: float | None = Field(
        default=None, description="from confidence_calculator, with assess_confidence; null when it did not answer"
    )
    degraded: bool = Field(description="true when a sister service did not answer: word overlap stood in")


class EntailmentResult(ToolOutput):
    """Whether the conclusion follows."""

    status: EntailmentStatus
    countermodel: dict[str, bool] | None = Field(
        default=None, description="a case where the premises hold and the conclusion fails; #1, #2 are unnamed things"
    )
    used_premises: list[int] | None = Field(
        default=None, description="indexes of a minimal set of premises that suffices"
    )
    premises_consistent: bool | None = Field(description="null where that was not decided")
    reason: str | None = REASON
    elapsed_ms: float


class ConsistencyResult(ToolOutput):
    """Whether the statements can all be true."""

    status: ConsistencyStatus
    model: dict[str, bool] | None = Field(default=None, description="a case in which they are")
    conflicts: list[list[str]] = Field(description="minimal sets of statements that cannot all be true")
    removal_suggestions: list[list[str]] = Field(description="all smallest sets whose removal restores consistency")
    conflicts_complete: bool = Field(description="there are no conflicts but those listed")
    reason: str | None = REASON


class ExplanationResult(ToolOutput):
    """What would explain the observation."""

    status: ExplanationStatus
    explanations: list[Explanation] = Field(description="minimal sets, cheapest first")
    already_entailed: bool | None = Field(description="the theory alone explains it; null where not decided")
    complete: bool = Field(description="there are no other explanations")
    reason: str | None = REASON


class InferenceResult(ToolOutput):
    """What follows from facts and rules."""

    derived: list[str] = Field(description="new facts, sorted")
    bindings: list[dict[str, int | str]] | None = Field(default=None, description="the query's answers")
    proofs: dict[str, Proof] | None = Field(
        default=None, description="for each derived fact a rule and what it rested on"
    )
    iterations: int
    fixpoint: bool = Field(description="false: there may be more")
    strata: list[list[str]] = Field(description="predicates in the order in which negation let them be settled")
    reason: str | None = REASON


class SolutionResult(ToolOutput):
    """Values that satisfy the constraints."""

    status: SolutionStatus
    solutions: list[dict[str, Answer]]
    objective_value: int | None = Field(default=None, description="with status optimal")
    more_solutions: bool | Literal["unknown"] = Field(description="with an objective: more that are as good")
    conflict: list[int] | None = Field(
        default=None, description="indexes of a minimal set of constraints that clash; empty: the objective's own"
    )
    reason: str | None = REASON


class ArgumentResult(ToolOutput):
    """Which arguments stand."""

    extensions: list[list[str]]
    status: dict[str, Standing] | None = Field(
        description="accepted: in every extension · rejected: attacked by every one · null unless complete"
    )
    credulous: list[str] | None = Field(description="in some extension; null unless complete")
    skeptical: list[str] | None = Field(description="in every extension; null unless complete")
    complete: bool = Field(description="all extensions are listed")
    reason: str | None = Field(default=None, description="why not all are: max_extensions, timeout …")


class PosteriorResult(ToolOutput):
    """What evidence says of the queried nodes."""

    posteriors: dict[str, dict[str, float]]
    evidence_probability: float
    mpe: MostProbable | None = Field(default=None, description="with most_probable_explanation")
    elimination_order: list[str]
