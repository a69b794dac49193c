"""From what the domain found to what the record tools of data_standardization answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app.a2a.mcp.domain.expressions import parse_condition
from app.a2a.mcp.domain.standardize.conformance import Conformance
from app.a2a.mcp.domain.standardize.harmonize import TARGET, FieldShape, Group, SourceSchema, TypeConflict, resolve_type
from app.a2a.mcp.domain.standardize.quality import Questions, assess, overall, weights_of
from app.a2a.mcp.domain.standardize.record_types import DataType, raw_schema_of
from app.a2a.mcp.domain.standardize.records import Plan, StandardRecord, standardize_records
from app.a2a.mcp.domain.standardize.rules import Rule
from app.a2a.mcp.domain.standardize.schema_check import Level
from app.a2a.mcp.servers.data_standardization_results import (
    BatchResult,
    FieldMapping,
    FieldSource,
    Gate,
    HarmonizedField,
    HarmonizedSchemas,
    RecordSummary,
    RuleInput,
    SchemaInput,
    StandardItem,
    StandardRecords,
    TypeConflictFound,
    UnmatchedField,
    Validation,
    ValidationFinding,
    ValidationSummary,
)

Records = Sequence[Mapping[str, Any]]
REPORTED = "none: only reported"


def rules_of(given: Sequence[RuleInput] | None) -> list[Rule]:
    """The rules, parsed. Raises InvalidArgumentError with reason unsafe_expression for one that is not safe."""
    return [
        Rule(rule.rule_id, parse_condition(rule.condition, f"/rules/{index}/condition"), rule.severity)
        for index, rule in enumerate(given or ())
    ]


def summary_of(found: Sequence[StandardRecord], total: int) -> RecordSummary:
    """How many came out how."""
    counts = Counter(record.status for record in found)
    return RecordSummary(ok=counts["ok"], ambiguous=counts["ambiguous"], invalid=counts["invalid"], total=total)


def records_answer(found: Sequence[StandardRecord]) -> StandardRecords:
    """The answer of standardize_data."""
    return StandardRecords(results=_items(found), summary=summary_of(found, len(found)))


def batch_answer(items: Records, plan: Plan, threshold: float) -> BatchResult:
    """One type of a batch: completeness and validity decide whether it is standardized at all."""
    schema = raw_schema_of(plan.data_type)
    scores = assess(items, Questions(("completeness", "validity"), schema=schema)).scores
    before = _gate(overall(scores, weights_of(scores, {})), threshold)
    if not before.passed:
        empty = summary_of((), len(items))
        return BatchResult(status="rejected_quality", pre_gate=before, post_gate=None, summary=empty)
    found = standardize_records(items, plan)
    summary = summary_of(found, len(items))
    return BatchResult(
        status="standardized",
        pre_gate=before,
        post_gate=_gate(summary.ok / len(items), threshold),
        results=_items(found),
        summary=summary,
    )


def validation_answer(found: Conformance, level: Level) -> Validation:
    """The answer of validate_standardization."""
    rate = found.valid / found.total
    return Validation(
        is_valid=found.valid == found.total,
        compliance_score=rate,
        errors=[
            ValidationFinding(
                path=finding.path,
                keyword=finding.keyword,
                **({"rule_id": finding.rule_id} if finding.rule_id is not None else {}),
                message=finding.message,
                severity=finding.severity,
            )
            for finding in found.findings
        ],
        errors_truncated=found.truncated,
        summary=ValidationSummary(
            total_items=found.total,
            valid_items=found.valid,
            invalid_items=found.total - found.valid,
            success_rate=rate,
            validation_level=level,
        ),
    )


def source_schema(given: SchemaInput, name: str | None = None) -> SourceSchema:
    """A schema of the arguments; `name` where its role names it."""
    shapes = [FieldShape(key, shape.type, shape.description) for key, shape in given.fields.items()]
    return SourceSchema(name or given.name, shapes)


def harmonized_answer(
    groups: Sequence[Group], policy: TypeConflict, *, with_target: bool, left_out: int, degraded: bool
) -> HarmonizedSchemas:
    """The answer of harmonize_schemas."""
    types = {group.name: _type_of(group, policy, with_target) for group in groups}
    return HarmonizedSchemas(
        harmonized_fields=[
            HarmonizedField(name=group.name, type=types[group.name], sources=_sources(group)) for group in groups
        ],
        mappings=[
            FieldMapping(
                schema_=member.schema, source_field=member.field.name, target_field=group.name, score=member.score
            )
            for group in groups
            for member in group.members
            if not (with_target and member.schema == TARGET)
        ],
        conflicts=[
            TypeConflictFound(field=group.name, types=group.types, resolution=types[group.name] or REPORTED)
            for group in groups
            if len(group.types) > 1
        ],
        unmatched=[
            UnmatchedField(schema_=group.members[0].schema, field=group.members[0].field.name)
            for group in groups
            if len(group.members) == 1
        ],
        semantics_left_out=left_out,
        degraded=degraded,
    )


def _type_of(group: Group, policy: TypeConflict, with_target: bool) -> str | None:
    """A target's own fields keep their type: it is what the caller wants to arrive at."""
    if with_target and group.members[0].schema == TARGET and policy != "report":
        return group.types[0]
    return resolve_type(group.types, policy)


def _sources(group: Group) -> list[FieldSource]:
    return [FieldSource(schema_=member.schema, field=member.field.name, score=member.score) for member in group.members]


def _gate(score: float, threshold: float) -> Gate:
    return Gate(passed=score >= threshold - 1e-12, score=score, threshold=threshold)


def _items(found: Sequence[StandardRecord]) -> list[StandardItem]:
    return [
        StandardItem(
            index=record.index,
            original=dict(record.original),
            standardized=dict(record.standardized),
            hierarchy=record.hierarchy,
            hierarchy_path=record.hierarchy_path,
            completeness=record.completeness,
            issues=record.issues,
            status=record.status,
        )
        for record in found
    ]


def plan_of(data_type: DataType, rules: Mapping[str, Mapping[str, Any]] | None, path: str) -> Plan:
    """The plan of one type of a batch."""
    return Plan(data_type, rules or {}, path=path)
