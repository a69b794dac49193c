"""data_standardization: records and values in one canonical form, their quality, their schemas, their duplicates.

The six tools for lists of single values are declared in data_standardization_values.py; those for records stand here.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from mcp_types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference
from pydantic import AfterValidator, Field

from app.a2a.mcp.core import Call, Runtime, Server, run
from app.a2a.mcp.domain.standardize.conformance import check_records
from app.a2a.mcp.domain.standardize.deduplicate import (
    MAX_COMPARISONS,
    MAX_PAIRS,
    MatchField,
    Matching,
    Survivorship,
    find_duplicates,
)
from app.a2a.mcp.domain.standardize.dispatch import warm_up
from app.a2a.mcp.domain.standardize.field_rules import RULE_TYPES
from app.a2a.mcp.domain.standardize.harmonize import TARGET, TypeConflict, align
from app.a2a.mcp.domain.standardize.identifiers import SCHEME_STANDARDS
from app.a2a.mcp.domain.standardize.quality import (
    DEFAULT_WEIGHTS,
    DIMENSIONS,
    Dimension,
    Questions,
    assess,
    below,
    level_of,
    overall,
    parse_time,
    weights_of,
)
from app.a2a.mcp.domain.standardize.record_types import DATA_TYPES, DataType, record_type, schema_of
from app.a2a.mcp.domain.standardize.records import Plan, standardize_records
from app.a2a.mcp.domain.standardize.schema_check import Level
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError, NotFoundError
from app.a2a.mcp.servers import data_standardization_examples as examples
from app.a2a.mcp.servers.data_standardization_answers import (
    batch_answer,
    harmonized_answer,
    plan_of,
    records_answer,
    rules_of,
    source_schema,
    validation_answer,
)
from app.a2a.mcp.servers.data_standardization_meanings import no_meanings, phrases_of, shared_meanings
from app.a2a.mcp.servers.data_standardization_prompts import GOALS, advice
from app.a2a.mcp.servers.data_standardization_results import (
    BatchSummary,
    DeduplicatedRecords,
    FieldName,
    HarmonizedSchemas,
    MatchFieldInput,
    QualityAssessment,
    RecordIn,
    RuleInput,
    RuleSpecs,
    SchemaInput,
    StandardBatches,
    StandardizeOptions,
    StandardRecords,
    Validation,
    shallow,
)
from app.a2a.mcp.servers.data_standardization_values import declare_value_tools

MAX_ITEMS = 1000

Items = Annotated[list[RecordIn], Field(min_length=1, max_length=MAX_ITEMS)]
Fields = Annotated[list[FieldName], Field(max_length=200)]
Rules = Annotated[list[RuleInput], Field(max_length=50)]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1000)]
JsonSchema = Annotated[
    dict[str, Any],
    Field(max_length=500, description="JSON Schema 2020-12, at most 64 KiB, local $ref only"),
    AfterValidator(shallow),
]
RuleSpecsByType = Annotated[dict[DataType, RuleSpecs], Field(description="data type → field_rules")]


@dataclass(slots=True)
class State:
    """What a process keeps: since when it serves, for its metrics."""

    ready_at: float


server: Server[State] = Server(
    "data_standardization",
    instructions="Brings values and records to one canonical form without guessing, and says what is wrong with them.",
)


@server.lifespan
async def open_state(runtime: Runtime) -> AsyncIterator[State]:
    """Load the tables of the value tools, so that no first caller waits for them."""
    warm_up()
    for data_type in DATA_TYPES:
        record_type(data_type)
    yield State(time.monotonic())


@server.tool(examples=examples.STANDARDIZE)
async def standardize_data(
    call: Call[State],
    data_type: Annotated[DataType, Field(description="record needs options.field_rules; the others have rules")],
    items: Items,
    options: StandardizeOptions | None = None,
) -> StandardRecords:
    """Bring a list of records to one canonical shape, field by field, and place each in a hierarchy.

    Use it for rows of one kind (accounts, locations, products, books, measures, catalog entries, or any record by
    field_rules). For single columns take standardize_dates, …; for several kinds at once batch_standardize. A value
    with two readings is reported as ambiguous, never chosen. mode, enrich and cache_results are accepted and ignored.
    Example: location {country: "Deutschland", state: "Bayern"} → iso2 DE, subdivision DE-BY, path Europe/DE/DE-BY.
    """
    given = options or StandardizeOptions()
    plan = Plan(data_type, given.field_rules or {}, given.validate_, given.on_error)
    return await call.run(records_answer, await call.run(standardize_records, items, plan))


@server.tool(examples=examples.BATCH)
async def batch_standardize(
    call: Call[State],
    batches: Annotated[dict[DataType, Items], Field(min_length=1, max_length=7, description="data type → records")],
    quality_threshold: Annotated[
        float, Field(ge=0, le=1, description="a batch whose completeness and validity score less is rejected")
    ] = 0.6,
    field_rules_by_type: RuleSpecsByType | None = None,
    parallel_processing: Annotated[Any, Field(description="accepted for older callers; changes nothing")] = None,
    memory_limit_mb: Annotated[Any, Field(description="accepted for older callers; changes nothing")] = None,
) -> StandardBatches:
    """Standardize lists of several data types in one call, each behind a quality gate before and after.

    Use it for a mixed delivery that should be refused where it is too poor; for one type, or without a gate, take
    standardize_data. Example: {location: [{country: "FR"}], account: [{raw_value: "Liabilities → Loans"}]} → both
    standardized; two locations with an empty country → rejected_quality, score 0.
    """
    total = sum(map(len, batches.values()))
    if total > MAX_ITEMS:
        raise LimitExceededError.at("/batches", f"must have at most {MAX_ITEMS} items in all")
    results = {}
    for data_type, items in batches.items():
        plan = plan_of(data_type, (field_rules_by_type or {}).get(data_type), f"/field_rules_by_type/{data_type}")
        results[str(data_type)] = await call.run(batch_answer, items, plan, quality_threshold)
    successful = sum(result.summary.ok for result in results.values())
    summary = BatchSummary(total_items=total, total_successful=successful, data_types_processed=list(batches))
    return StandardBatches(batch_results=results, summary=summary)


@server.tool(examples=examples.VALIDATE)
async def validate_standardization(
    call: Call[State],
    standardized_items: Items,
    data_type: Annotated[DataType | None, Field(description="check against this type's own schema")] = None,
    schema: JsonSchema | None = None,
    validation_level: Annotated[
        Level, Field(description="basic: type and required · comprehensive: all · strict: no undeclared properties too")
    ] = "comprehensive",
    rules: Rules | None = None,
) -> Validation:
    """Check records against a JSON Schema or a data type, and against cross-field rules; nothing is changed.

    Use it to prove that records comply and to get each violation with its JSON Pointer. For a score over a whole data
    set take assess_data_quality; to repair records standardize_data. Example: schema {required: [id]} and items
    [{id: 1}, {}] → one of two valid, error /1 required; rule "end >= start" on {start: 5, end: 3} → one error.
    """
    if (data_type is None) == (schema is None):
        raise InvalidArgumentError.at("/schema", "give either data_type or schema")
    wanted = schema if schema is not None else schema_of(data_type or "record")
    found = await call.run(check_records, standardized_items, wanted, validation_level, rules_of(rules))
    return await call.run(validation_answer, found, validation_level)


@server.tool(examples=examples.ASSESS)
async def assess_data_quality(
    call: Call[State],
    dataset: Annotated[list[RecordIn], Field(min_length=1, max_length=5000)],
    quality_dimensions: Annotated[
        list[Dimension] | None, Field(min_length=1, max_length=6, description="absent: all six")
    ] = None,
    dimension_weights: dict[Dimension, Weight] | None = None,
    thresholds: Annotated[dict[Dimension, Share] | None, Field(description="absent: 0.7 each")] = None,
    schema: Annotated[JsonSchema | None, Field(description="for validity")] = None,
    required_fields: Annotated[Fields | None, Field(description="for completeness; absent: all that occur")] = None,
    key_fields: Annotated[Fields | None, Field(description="for uniqueness; absent: the whole record")] = None,
    timestamp_field: Annotated[FieldName | None, Field(description="for timeliness, with max_age_days")] = None,
    max_age_days: Annotated[float | None, Field(ge=0, le=100_000)] = None,
    reference_time: Annotated[
        str | None, Field(max_length=50, description="ISO 8601 'now'; absent: the newest timestamp of the data")
    ] = None,
    reference_dataset: Annotated[
        list[RecordIn] | None, Field(max_length=5000, description="for accuracy, with key_fields")
    ] = None,
    rules: Annotated[Rules | None, Field(description="for consistency")] = None,
) -> QualityAssessment:
    """Score a data set on completeness, validity, uniqueness, consistency, timeliness and accuracy, by counting.

    Use it before and after cleaning, or to decide whether data is fit for use. For the violations of a schema record by
    record take validate_standardization; for near-duplicates deduplicate_records. A dimension whose input is missing is
    not assessed and its weight is shared out. Example: 1 empty of 12 cells → completeness 0.916667.
    """
    moment = parse_time(reference_time)
    if reference_time is not None and moment is None:
        raise InvalidArgumentError.at("/reference_time", "must be an ISO 8601 date or time")
    questions = Questions(
        dimensions=quality_dimensions or DIMENSIONS,
        schema=schema,
        required_fields=required_fields or (),
        key_fields=key_fields or (),
        timestamp_field=timestamp_field,
        max_age_days=max_age_days,
        reference_time=moment,
        reference_dataset=reference_dataset,
        rules=rules_of(rules),
    )
    found = await call.run(assess, dataset, questions)
    weights = weights_of(found.scores, dimension_weights or {})
    score = overall(found.scores, weights)
    return QualityAssessment(
        overall_score=score,
        quality_level=level_of(score),
        dimension_scores={str(name): dimension for name, dimension in found.scores.items()},
        issues=[*below(found.scores, thresholds or {}), *found.issues],
        issues_truncated=found.truncated,
        records_assessed=len(dataset),
        weights_used={str(name): weight for name, weight in weights.items()},
    )


@server.tool(examples=examples.HARMONIZE)
async def harmonize_schemas(
    call: Call[State],
    source_schemas: Annotated[list[SchemaInput], Field(min_length=2, max_length=10)],
    target_schema: Annotated[
        SchemaInput | None, Field(description="its fields give the names and types; absent: the first schema's")
    ] = None,
    min_score: Annotated[Share, Field(description="least score of a match")] = 0.7,
    type_conflict: Annotated[
        TypeConflict, Field(description="widen: integer+number → number, else string · string · report: no type")
    ] = "widen",
    use_semantics: Annotated[
        bool, Field(description="also compare meaning (zip ~ postal code), by semantic_similarity")
    ] = False,
) -> HarmonizedSchemas:
    """Line up the fields of 2 to 10 schemas: which mean the same, what type they share, which have no partner.

    Use it before merging sources; then rename by `mappings`, standardize_data, deduplicate_records. It compares names,
    types and, when asked for, meaning, never the data. Pairs are the best overall assignment, one to one within a
    schema. Example: {cust_name, e_mail} and {customer_name, email} → cust_name ↔ customer_name, e_mail ↔ email.
    """
    names = [schema.name for schema in source_schemas]
    if len(set(names)) < len(names) or TARGET in names:
        raise InvalidArgumentError.at("/source_schemas", f"names must be distinct, and none may be {TARGET!r}")
    sources = [source_schema(given) for given in source_schemas]
    target = source_schema(target_schema, TARGET) if target_schema else None
    phrases, left_out = phrases_of([*sources, *([target] if target else [])])
    found = await shared_meanings(call, phrases) if use_semantics else no_meanings()
    groups = await call.run(align, sources, target, min_score, found.likeness)
    return harmonized_answer(
        groups,
        type_conflict,
        with_target=target is not None,
        left_out=left_out if use_semantics and not found.degraded else 0,
        degraded=found.degraded,
    )


declare_value_tools(server)


@server.tool(examples=examples.DEDUPLICATE)
async def deduplicate_records(
    call: Call[State],
    records: Annotated[list[RecordIn], Field(min_length=2, max_length=2000)],
    fields: Annotated[list[MatchFieldInput], Field(min_length=1, max_length=20)],
    threshold: Annotated[Share, Field(description="least weighted score of a pair")] = 0.9,
    blocking_fields: Annotated[
        Fields | None, Field(description="compare only records equal in these; at most 2 million comparisons")
    ] = None,
    survivorship: Annotated[Survivorship, Field(description="which record represents a cluster")] = "most_complete",
    latest_field: Annotated[FieldName | None, Field(description="ISO 8601 time, for survivorship latest")] = None,
) -> DeduplicatedRecords:
    """Find the records that are the same thing, written differently, and choose one of each cluster.

    Use it after standardize_data, so that only real differences count. For exact duplicates a score of uniqueness by
    assess_data_quality does; for texts that mean the same cluster_texts. A field missing in either record of a pair
    does not count; texts are compared by their first 64 characters. Example: MARTHA, MARHTA, DIXON, DICKSONX at 0.9 →
    one cluster {0, 1} with score 0.961111.
    """
    compared = [MatchField(field.name, field.comparator, field.weight) for field in fields]
    if len({field.name for field in fields}) < len(fields):
        raise InvalidArgumentError.at("/fields", "name each field once")
    matching = Matching(compared, threshold, blocking_fields or (), survivorship, latest_field)
    found = await call.run(find_duplicates, records, matching)
    return DeduplicatedRecords(
        clusters=found.clusters,
        pairs=found.pairs,
        pairs_truncated=found.pairs_truncated,
        records_compared=len(records),
        comparisons=found.comparisons,
        duplicates_found=found.found,
    )


@server.resource("standardization://schemas", description="The data types and how to read the schema of each")
async def list_schemas() -> dict[str, Any]:
    """What can be standardized."""
    return {
        "data_types": [{"data_type": name, "schema": f"standardization://schemas/{name}"} for name in DATA_TYPES],
        "field_rule_types": list(RULE_TYPES),
        "quality_dimensions": dict(DEFAULT_WEIGHTS),
    }


@server.resource("standardization://schemas/{data_type}", description="JSON Schema of a standardized record")
async def read_schema(data_type: str) -> dict[str, Any]:
    """The schema that validate_standardization checks a data type against."""
    found = next((name for name in DATA_TYPES if name == data_type), None)
    if found is None:
        raise NotFoundError(f"no data type has that name; there are {', '.join(DATA_TYPES)}")
    return schema_of(found)


@server.resource("standardization://identifier-schemes", description="Identifiers that can be verified, by standard")
async def list_identifier_schemes() -> dict[str, Any]:
    """The schemes of standardize_identifiers."""
    return {str(scheme): standard for scheme, standard in SCHEME_STANDARDS.items()}


@server.resource("standardization://metrics", description="Calls served by this process, and its limits")
async def read_metrics(call: Call[State]) -> dict[str, Any]:
    """What this process has done so far."""
    metrics = call.runtime.metrics
    return {
        "calls_served": metrics.calls_served,
        "calls_in_flight": metrics.calls_in_flight,
        "ready_seconds": round(time.monotonic() - call.state.ready_at, 3),
        "limits": {"items": MAX_ITEMS, "comparisons": MAX_COMPARISONS, "pairs": MAX_PAIRS},
    }


@server.prompt(description="Plan the cleaning of a sample of data with this server's tools")
async def standardization_advisor(
    data_sample: Annotated[str, Field(description='JSON text of a few records, e.g. [{"country": "FR"}]')],
    goal: Annotated[str, Field(description="overview, clean, validate or merge")] = "overview",
) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    return advice(data_sample, goal)


@server.completion()
async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: object
) -> Completion | None:
    """Goals of the prompt and data types of the schema template that begin with what was typed."""
    choices: tuple[str, ...] = ()
    if isinstance(ref, PromptReference):
        choices = tuple(GOALS) if (ref.name, argument.name) == ("standardization_advisor", "goal") else ()
    elif (ref.uri, argument.name) == ("standardization://schemas/{data_type}", "data_type"):
        choices = DATA_TYPES
    return Completion(values=[choice for choice in choices if choice.startswith(argument.value.casefold())])


if __name__ == "__main__":
    run(server)
