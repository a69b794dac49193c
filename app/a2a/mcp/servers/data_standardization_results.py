"""What the record tools of data_standardization answer, and the objects inside their arguments."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app.a2a.mcp.core import ToolInput, ToolOutput
from app.a2a.mcp.domain.standardize.deduplicate import Cluster, Pair
from app.a2a.mcp.domain.standardize.quality import DimensionScore, Issue
from app.a2a.mcp.domain.standardize.record_types import DataType
from app.a2a.mcp.domain.standardize.records import FieldIssue, OnError
from app.a2a.mcp.domain.standardize.rules import Severity
from app.a2a.mcp.domain.standardize.schema_check import Level
from app.a2a.mcp.domain.standardize.similarity import Comparator
from app.a2a.mcp.domain.standardize.values import Status

FieldName = Annotated[str, Field(min_length=1, max_length=200)]
MAX_DEPTH = 150


def shallow(value: dict[str, Any]) -> dict[str, Any]:
    """The value, unless it is nested so deep that walking it would overrun the stack; then ValueError."""
    pending: list[tuple[object, int]] = [(value, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"must not be nested deeper than {MAX_DEPTH}")
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        pending += [(child, depth + 1) for child in children]
    return value


RecordIn = Annotated[dict[str, Any], Field(max_length=200), AfterValidator(shallow)]
RuleSpec = Annotated[dict[str, Any], Field(max_length=20), AfterValidator(shallow)]
RuleSpecs = Annotated[
    dict[FieldName, RuleSpec],
    Field(
        max_length=200,
        description='field → {"type": text|date|amount|number|unit|phone|email|url|country|subdivision|identifier|'
        'boolean|enum, …that type\'s options}, e.g. {"born": {"type": "date", "order": "DMY"}, '
        '"size": {"type": "enum", "values": ["S", "M"]}}',
    ),
]


class StandardizeOptions(ToolInput):
    """How records are standardized."""

    validate_: bool = Field(default=True, alias="validate", description="check the result against the type's schema")
    on_error: OnError = Field(
        default="keep", description="a field that fails stays as given (keep), becomes null, or is left out (drop)"
    )
    field_rules: RuleSpecs | None = Field(default=None)
    mode: Any = Field(default=None, description="accepted for older callers; changes nothing")
    enrich: Any = Field(default=None, description="accepted for older callers; changes nothing")
    cache_results: Any = Field(default=None, description="accepted for older callers; changes nothing")


class RuleInput(ToolInput):
    """A condition that every record should meet."""

    rule_id: str = Field(min_length=1, max_length=100)
    condition: str = Field(
        min_length=1,
        max_length=500,
        description="field names with comparisons, and/or/not, + - * / %, in, len, abs, min, max, is_null; "
        "e.g. end >= start. Null leaves a rule open, and an open rule is met",
    )
    severity: Severity = "error"


class FieldInput(ToolInput):
    """A field of a schema."""

    type: str = Field(min_length=1, max_length=50, description="string, integer, number, boolean, date, datetime, …")
    description: str = Field(default="", max_length=500)


class SchemaInput(ToolInput):
    """A named schema."""

    name: str = Field(min_length=1, max_length=100)
    fields: dict[FieldName, FieldInput] = Field(min_length=1, max_length=200)


class MatchFieldInput(ToolInput):
    """A field to compare records by."""

    name: FieldName
    comparator: Comparator = Field(
        default="jaro_winkler", description="date: nothing in common after 30 days; numeric: relative difference"
    )
    weight: float = Field(default=1.0, gt=0, le=1000)


class StandardItem(ToolOutput):
    """One record, before and after."""

    index: int
    original: dict[str, Any]
    standardized: dict[str, Any]
    hierarchy: dict[str, str | None] = Field(description="l1..l4")
    hierarchy_path: str | None
    completeness: float = Field(description="0..1: filled fields of those the type expects and the record has")
    issues: list[FieldIssue]
    status: Status


class RecordSummary(ToolOutput):
    """How many records came out how."""

    ok: int
    ambiguous: int
    invalid: int
    total: int


class StandardRecords(ToolOutput):
    """Records in canonical form, in the order given."""

    results: list[StandardItem]
    summary: RecordSummary


class Gate(ToolOutput):
    """A quality gate."""

    passed: bool
    score: float
    threshold: float


class BatchResult(ToolOutput):
    """What became of one type's records."""

    status: str = Field(description="standardized or rejected_quality")
    pre_gate: Gate
    post_gate: Gate | None = Field(description="null where the records were rejected before")
    results: list[StandardItem] | None = Field(default=None, description="absent where rejected")
    summary: RecordSummary


class BatchSummary(ToolOutput):
    """Over all types."""

    total_items: int
    total_successful: int
    data_types_processed: list[DataType]


class StandardBatches(ToolOutput):
    """What became of each type's records."""

    batch_results: dict[str, BatchResult]
    summary: BatchSummary


class ValidationFinding(ToolOutput):
    """One thing that is wrong."""

    path: str = Field(description="JSON Pointer that begins with the item's index")
    keyword: str = Field(description="the schema's keyword, or rule")
    rule_id: str | None = Field(default=None)
    message: str
    severity: Severity


class ValidationSummary(ToolOutput):
    """How many items comply."""

    total_items: int
    valid_items: int
    invalid_items: int
    success_rate: float
    validation_level: Level


class Validation(ToolOutput):
    """Whether records comply with a schema and rules."""

    is_valid: bool
    compliance_score: float = Field(description="valid items / items")
    errors: list[ValidationFinding]
    errors_truncated: bool = Field(description="true where there are more than the 1000 listed")
    summary: ValidationSummary


class QualityAssessment(ToolOutput):
    """Scores of a data set."""

    overall_score: float
    quality_level: str = Field(description="excellent ≥ .9, good ≥ .8, acceptable ≥ .7, below_standard ≥ .6, poor")
    dimension_scores: dict[str, DimensionScore]
    issues: list[Issue]
    issues_truncated: bool = Field(description="true where a dimension has more than the 200 listed")
    records_assessed: int
    weights_used: dict[str, float] = Field(description="of the assessed dimensions; they sum to 1")


class FieldSource(ToolOutput):
    """Where a harmonized field comes from; the first of a group scores 1."""

    schema_: str = Field(alias="schema")
    field: str
    score: float


class HarmonizedField(ToolOutput):
    """Fields taken for one; the type is null for a conflict that is only reported."""

    name: str
    type: str | None
    sources: list[FieldSource]


class FieldMapping(ToolOutput):
    """What a source field becomes."""

    schema_: str = Field(alias="schema")
    source_field: str
    target_field: str
    score: float


class TypeConflictFound(ToolOutput):
    """A harmonized field whose sources differ in type."""

    field: str
    types: list[str]
    resolution: str


class UnmatchedField(ToolOutput):
    """A field without a partner; schema "target" is the target's own."""

    schema_: str = Field(alias="schema")
    field: str


class HarmonizedSchemas(ToolOutput):
    """Several schemas lined up."""

    harmonized_fields: list[HarmonizedField]
    mappings: list[FieldMapping]
    conflicts: list[TypeConflictFound]
    unmatched: list[UnmatchedField]
    semantics_left_out: int = Field(description="fields whose meaning was not compared: the first 200 phrases are")
    degraded: bool = Field(description="true when meaning was asked for and could not be had: names and types decided")


class DeduplicatedRecords(ToolOutput):
    """Records that are the same thing."""

    clusters: list[Cluster]
    pairs: list[Pair]
    pairs_truncated: bool
    records_compared: int
    comparisons: int
    duplicates_found: int = Field(description="records that are not the representative of their cluster")
