"""What the tools of confidence_calculator answer."""

from pydantic import Field

from app.a2a.mcp.core import ToolOutput
from app.a2a.mcp.domain.confidence.alignment import QuestionType
from app.a2a.mcp.domain.confidence.calibration import Murphy, Scores
from app.a2a.mcp.domain.confidence.combination import Method
from app.a2a.mcp.domain.confidence.evidence import SourceType
from app.a2a.mcp.domain.confidence.factors import Factor, Source
from app.a2a.mcp.domain.confidence.recalibration import Recalibration

DEGRADED = Field(description="true when the meaning was wanted and could not be had: words alone were compared")


class FactorShare(ToolOutput):
    """One factor of a confidence."""

    value: float | None = Field(description="0..1, higher is better; null: not assessed")
    assessed: bool
    weight: float = Field(description="its share of all weights")
    contribution: float = Field(description="its part of `unbounded`")
    source: Source = Field(description="given: by the caller · derived: from the context · none")


class ReasoningConfidence(ToolOutput):
    """One confidence and its working."""

    confidence: float
    unbounded: float = Field(description="before the bounds")
    coverage: float = Field(description="share of the weight that could be assessed")
    factor_breakdown: dict[Factor, FactorShare]
    explanation: str | None = Field(default=None, description="with include_explanation")
    recommendations: list[str]
    degraded: bool = DEGRADED


class EvidenceParts(ToolOutput):
    """What an item's weight is the product of."""

    reliability: float
    relevance: float
    freshness: float


class EvidenceWeight(ToolOutput):
    """One item's weight."""

    index: int
    weight: float
    parts: EvidenceParts


class EvidenceQuality(ToolOutput):
    """The judgement of a body of evidence."""

    quality_score: float = Field(description="mean weight, 0..1; 0 without evidence")
    corroboration: float = Field(description="chance that at least one independent source holds, 0..1")
    evidence_count: int
    independent_sources: int
    evidence_composition: dict[SourceType, int] | None = Field(default=None, description="with return_details")
    items: list[EvidenceWeight] | None = Field(default=None, description="with return_details")


class SemanticAlignment(ToolOutput):
    """How far an answer addresses its question."""

    alignment_score: float
    coverage: float | None = Field(description="share of the question's content words; null if it has none")
    semantic_similarity: float | None = Field(description="null when it could not be had")
    degraded: bool = DEGRADED
    keyword_overlap: list[str] | None = Field(default=None, description="with analyze_keywords")
    unique_question_keywords: list[str] | None = Field(default=None, description="with analyze_keywords")
    unique_answer_keywords: list[str] | None = Field(default=None, description="with analyze_keywords")
    question_type: QuestionType | None = Field(default=None, description="with analyze_keywords")


class AdjustedConfidence(ToolOutput):
    """A confidence lowered for its weaknesses."""

    original_confidence: float
    adjusted_confidence: float = Field(description="never above the original")
    total_penalty: float = Field(description="share taken away before the floor")
    factor_impacts: dict[str, float] = Field(description="share each factor takes away")
    floored: bool
    ignored_duplicates: list[str]


class CombinedEvidence(ToolOutput):
    """The belief of several sources as one."""

    combined: dict[str, float] = Field(description='by set ("*" is the whole frame), or by outcome for bayes and pools')
    belief: dict[str, float] = Field(description="certain of the outcome")
    plausibility: dict[str, float] = Field(description="not against the outcome")
    pignistic: dict[str, float] = Field(description="probabilities to decide by")
    conflict: float = Field(description="mass on the impossible when all sources are believed, 0..1")
    ranking: list[str] = Field(description="outcomes by pignistic probability")
    method: Method
    warnings: list[str]


class CalibrationBin(ToolOutput):
    """The cases of one range of confidence."""

    low: float
    high: float
    count: int
    mean_confidence: float | None
    observed_rate: float | None
    interval: tuple[float, float] | None = Field(description="Wilson interval of the observed rate")


class RecalibrationResult(ToolOutput):
    """A map from confidences to honest ones, fitted to these cases."""

    method: Recalibration
    parameters: dict[str, float | list[float]] = Field(
        description="temperature: sigmoid(logit/T) · platt: 1/(1+exp(a·logit+b)) · isotonic: interpolate the values"
    )
    before: Scores
    after: Scores = Field(description="on the data it was fitted to: too good by that")
    calibrated: list[float] = Field(description="apply_to mapped; without it the confidences themselves")


class CalibrationEvaluation(ToolOutput):
    """Whether confidences were honest."""

    brier_score: float
    log_loss: float = Field(description="in nats, clipped at 1e-15")
    expected_calibration_error: float
    maximum_calibration_error: float
    auroc: float | None = Field(description="null when all outcomes are the same")
    accuracy_at_half: float
    base_rate: float
    murphy: Murphy = Field(description="brier = reliability − resolution + uncertainty, by distinct confidences")
    bins: list[CalibrationBin]
    recalibration: RecalibrationResult | None = Field(default=None, description="with recalibration")
    warnings: list[str]
