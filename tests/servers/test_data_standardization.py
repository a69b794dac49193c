"""The record tools of data_standardization through the official client: catalogue examples, refusals and the menu."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from app.a2a.mcp.core.sisters import Sisters
from app.a2a.mcp.domain.standardize.record_types import DATA_TYPES
from app.a2a.mcp.errors import UnavailableError
from app.a2a.mcp.servers import data_standardization_mcp_server as menu
from app.a2a.mcp.servers.data_standardization_prompts import GOALS
from tests.servers.asking import Ask, check_tools_named
from tests.servers.conftest import Asking

pytestmark = pytest.mark.anyio


ROWS = [
    {"id": 1, "email": "a@x.org", "age": 30},
    {"id": 2, "email": "", "age": 41},
    {"id": 2, "email": "b@x.org", "age": -5},
    {"id": 4, "email": "not-an-email", "age": 22},
]
ROW_SCHEMA = {"properties": {"email": {"format": "email"}, "age": {"minimum": 0, "maximum": 150}}}
ZIPS = [
    {"name": "a", "fields": {"zip": {"type": "string"}}},
    {"name": "b", "fields": {"postal_code": {"type": "string"}}},
]


@pytest.fixture
async def ask(asking: Asking) -> AsyncIterator[Ask]:
    async with asking(menu.server) as ask:
        yield ask


def sister_answers(monkeypatch: pytest.MonkeyPatch, reply: Mapping[str, Any] | Exception) -> list[Mapping[str, Any]]:
    """semantic_similarity without the wire; what it was asked."""
    asked: list[Mapping[str, Any]] = []

    async def call(self: Sisters, service: str, tool: str, arguments: Mapping[str, Any], call: object) -> Any:
        assert (service, tool) == ("semantic_similarity", "calculate_group_similarity")
        asked.append(arguments)
        if isinstance(reply, Exception):
            raise reply
        return reply

    monkeypatch.setattr(Sisters, "call", call)
    return asked


async def test_all_twelve_are_pure_and_their_examples_work(ask: Ask) -> None:
    await ask.check_pure_and_exemplary(menu.server, tools=12)


async def test_records_are_standardized_with_their_place(ask: Ask) -> None:
    items = [{"country": "Deutschland", "state": "Bayern", "city": "  München "}]
    found = await ask("standardize_data", data_type="location", items=items, options={"validate": False})
    (result,) = found["results"]
    assert result["original"] == items[0]
    assert result["hierarchy"] == {"l1": "Europe", "l2": "DE", "l3": "DE-BY", "l4": "München"}
    assert result["hierarchy_path"] == "Europe/DE/DE-BY/München"
    assert (result["completeness"], result["issues"]) == (1.0, [])
    assert found["summary"] == {"ok": 1, "ambiguous": 0, "invalid": 0, "total": 1}
    older = {"mode": "fast", "enrich": True, "cache_results": False}
    assert await ask("standardize_data", data_type="location", items=items, options=older) == found


async def test_batch_is_the_single_tool_type_by_type(ask: Ask) -> None:
    batches = {"location": [{"country": "FR"}], "account": [{"raw_value": "Liabilities → Loans"}]}
    found = await ask("batch_standardize", batches=batches, parallel_processing=True, memory_limit_mb=5)
    for data_type, items in batches.items():
        alone = await ask("standardize_data", data_type=data_type, items=items)
        result = found["batch_results"][data_type]
        assert (result["status"], result["results"]) == ("standardized", alone["results"])
        assert (result["summary"], result["post_gate"]["score"]) == (alone["summary"], 1.0)
    france = found["batch_results"]["location"]["results"][0]["standardized"]
    assert (france["iso3"], france["numeric"], france["country"]) == ("FRA", "250", "France")
    assert (found["summary"]["total_items"], found["summary"]["total_successful"]) == (2, 2)


async def test_poor_batch_is_rejected_before_it_is_standardized(ask: Ask) -> None:
    found = await ask("batch_standardize", batches={"location": [{"country": ""}, {"country": None}]})
    result = found["batch_results"]["location"]
    assert (result["status"], result["post_gate"]) == ("rejected_quality", None)
    assert result["pre_gate"] == {"passed": False, "score": 0.0, "threshold": 0.6}
    assert "results" not in result


async def test_violations_come_with_pointer_and_keyword(ask: Ask) -> None:
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}}
    found = await ask("validate_standardization", standardized_items=[{"id": 1}, {"id": 0}, {}], schema=schema)
    assert [(error["path"], error["keyword"]) for error in found["errors"]] == [
        ("/1/id", "minimum"),
        ("/2", "required"),
    ]
    assert found["compliance_score"] == pytest.approx(1 / 3)
    assert found["summary"]["valid_items"] == 1
    assert found["is_valid"] is False


async def test_rules_cross_fields_and_only_errors_make_an_item_invalid(ask: Ask) -> None:
    rules = [
        {"rule_id": "order", "condition": "end >= start"},
        {"rule_id": "long", "condition": "end - start > 9", "severity": "warning"},
    ]
    items = [{"start": 5, "end": 3}, {"start": 1, "end": 2}, {"start": 1}]
    found = await ask("validate_standardization", standardized_items=items, schema={}, rules=rules)
    assert [(e["path"], e["rule_id"], e["severity"]) for e in found["errors"]] == [
        ("/0", "order", "error"),
        ("/0", "long", "warning"),
        ("/1", "long", "warning"),
    ]
    assert found["summary"]["valid_items"] == 2


async def test_unsafe_condition_is_refused_and_nothing_is_run(ask: Ask) -> None:
    rules = [{"rule_id": "r", "condition": "__import__('os').system('id')"}]
    refused = await ask("validate_standardization", standardized_items=[{}], schema={}, rules=rules, error=True)
    assert refused["code"] == "invalid_argument"
    assert refused["details"] == [{"path": "/rules/0/condition", "reason": "unsafe_expression"}]


async def test_what_standardize_data_writes_passes_its_own_schema(ask: Ask) -> None:
    found = await ask("standardize_data", data_type="location", items=[{"country": "Japan", "city": "Kyoto"}])
    items = [result["standardized"] for result in found["results"]]
    checked = await ask(
        "validate_standardization", standardized_items=items, data_type="location", validation_level="strict"
    )
    assert (checked["is_valid"], checked["errors"]) == (True, [])


async def test_quality_is_counted_and_weights_are_shared_out(ask: Ask) -> None:
    found = await ask("assess_data_quality", dataset=ROWS, schema=ROW_SCHEMA, key_fields=["id"])
    scores = {name: score["score"] for name, score in found["dimension_scores"].items()}
    assert scores == {
        "completeness": pytest.approx(11 / 12),
        "validity": pytest.approx(9 / 11),
        "uniqueness": 0.75,
        "consistency": None,
        "timeliness": None,
        "accuracy": None,
    }
    assert found["overall_score"] == pytest.approx(0.871212, abs=1e-6)
    assert (found["quality_level"], found["records_assessed"]) == ("good", 4)
    assert sum(found["weights_used"].values()) == pytest.approx(1)
    strict = await ask("assess_data_quality", dataset=ROWS, key_fields=["id"], thresholds={"uniqueness": 0.8})
    assert strict["issues"][0]["dimension"] == "uniqueness"


async def test_schemas_line_up(ask: Ask) -> None:
    found = await ask("harmonize_schemas", **menu.server.tools["harmonize_schemas"].examples[0])
    pairs = [[source["field"] for source in field["sources"]] for field in found["harmonized_fields"]]
    assert pairs == [["cust_name", "customer_name"], ["e_mail", "email"]]
    assert (found["unmatched"], found["conflicts"], found["degraded"]) == ([], [], False)


@pytest.mark.parametrize(
    ("policy", "kind", "resolution"),
    [("widen", "number", "number"), ("string", "string", "string"), ("report", None, "none: only reported")],
)
async def test_type_conflict_is_resolved_as_asked(ask: Ask, policy: str, kind: str | None, resolution: str) -> None:
    schemas = [{"name": name, "fields": {"age": {"type": word}}} for name, word in (("a", "int"), ("b", "double"))]
    found = await ask("harmonize_schemas", source_schemas=schemas, type_conflict=policy)
    assert found["harmonized_fields"][0]["type"] == kind
    assert found["conflicts"] == [{"field": "age", "types": ["integer", "number"], "resolution": resolution}]


async def test_target_gives_names_and_types(ask: Ask) -> None:
    target = {"name": "t", "fields": {"PostalCode": {"type": "string"}, "unused": {"type": "date"}}}
    found = await ask("harmonize_schemas", source_schemas=ZIPS, target_schema=target)
    assert found["mappings"][0] == {
        "schema": "b",
        "source_field": "postal_code",
        "target_field": "PostalCode",
        "score": 1.0,
    }
    assert {"schema": "target", "field": "unused"} in found["unmatched"]


async def test_meaning_joins_what_names_do_not(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = {"similarity_matrix": [[1, 0.8], [0.8, 1]], "degraded": False, "model": {"name": "m"}}
    asked = sister_answers(monkeypatch, reply)
    found = await ask("harmonize_schemas", source_schemas=ZIPS, use_semantics=True)
    assert (asked[0]["texts"], found["degraded"]) == (["zip", "postal code"], False)
    assert [len(field["sources"]) for field in found["harmonized_fields"]] == [2]
    assert found["harmonized_fields"][0]["sources"][1]["score"] == pytest.approx(0.84)


@pytest.mark.parametrize(
    "reply",
    [
        UnavailableError("the breaker to semantic_similarity is open"),
        {"similarity_matrix": [[1, 1], [1, 1]], "degraded": True},
        {"similarity_matrix": [[1]], "degraded": False},
        {},
    ],
)
async def test_names_decide_when_the_sister_cannot_answer(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, reply: Mapping[str, Any] | Exception
) -> None:
    sister_answers(monkeypatch, reply)
    found = await ask("harmonize_schemas", source_schemas=ZIPS, use_semantics=True)
    assert found["degraded"] is True
    assert [len(field["sources"]) for field in found["harmonized_fields"]] == [1, 1]


async def test_duplicates_cluster_by_threshold(ask: Ask) -> None:
    records = [{"name": name} for name in ("MARTHA", "MARHTA", "DIXON", "DICKSONX")]
    found = await ask("deduplicate_records", records=records, fields=[{"name": "name"}], threshold=0.9)
    assert [cluster["members"] for cluster in found["clusters"]] == [[0, 1]]
    assert found["pairs"][0]["score"] == pytest.approx(0.961111, abs=1e-6)
    assert (found["records_compared"], found["comparisons"], found["duplicates_found"]) == (4, 6, 1)
    found = await ask("deduplicate_records", records=records, fields=[{"name": "name"}], threshold=0.8)
    assert [cluster["members"] for cluster in found["clusters"]] == [[0, 1], [2, 3]]
    assert found["pairs"][1]["score"] == pytest.approx(0.813333, abs=1e-6)


@pytest.mark.parametrize(
    ("tool", "arguments", "path", "code"),
    [
        ("standardize_data", {"data_type": "record", "items": [{}]}, "/options/field_rules", "invalid_argument"),
        ("standardize_data", {"data_type": "planet", "items": [{}]}, "/data_type", "invalid_argument"),
        ("standardize_data", {"data_type": "book", "items": [{}] * 1001}, "/items", "limit_exceeded"),
        ("batch_standardize", {"batches": {"location": []}}, "/batches/location", "invalid_argument"),
        ("batch_standardize", {"batches": {}}, "/batches", "invalid_argument"),
        ("batch_standardize", {"batches": {"book": [{}] * 600, "account": [{}] * 600}}, "/batches", "limit_exceeded"),
        ("validate_standardization", {"standardized_items": [{}]}, "/schema", "invalid_argument"),
        ("validate_standardization", {"standardized_items": [{}], "schema": 5}, "/schema", "invalid_argument"),
        ("assess_data_quality", {"dataset": [{}], "reference_time": "soon"}, "/reference_time", "invalid_argument"),
        ("assess_data_quality", {"dataset": []}, "/dataset", "invalid_argument"),
        ("harmonize_schemas", {"source_schemas": ZIPS[:1]}, "/source_schemas", "invalid_argument"),
        ("harmonize_schemas", {"source_schemas": [ZIPS[0], ZIPS[0]]}, "/source_schemas", "invalid_argument"),
        ("deduplicate_records", {"records": [{}], "fields": [{"name": "a"}]}, "/records", "invalid_argument"),
        ("deduplicate_records", {"records": [{}, {}], "fields": [{"name": "a"}] * 2}, "/fields", "invalid_argument"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_where_they_lie(
    ask: Ask, tool: str, arguments: dict[str, Any], path: str, code: str
) -> None:
    assert await ask.refusal(tool, **arguments) == (code, path)


@pytest.mark.parametrize("tool", ["standardize_data", "validate_standardization"])
async def test_record_nested_too_deep_is_refused_before_anything_walks_it(ask: Ask, tool: str) -> None:
    value: Any = 1
    for _ in range(170):
        value = [value]
    name = "items" if tool == "standardize_data" else "standardized_items"
    refused = await ask(tool, error=True, data_type="book", **{name: [{"a": value}]})
    assert refused["details"] == [{"path": f"/{name}/0", "reason": "must not be nested deeper than 150"}]


async def test_resources_show_schemas_schemes_and_live_counts(ask: Ask) -> None:
    read = ask.read

    listed = (await read("standardization://schemas"))["data_types"]
    assert [entry["data_type"] for entry in listed] == list(DATA_TYPES)
    for entry in listed:
        assert (await read(entry["schema"]))["title"] == entry["data_type"]
    assert "iban" in await read("standardization://identifier-schemes")
    before = (await read("standardization://metrics"))["calls_served"]
    await ask("standardize_data", data_type="book", items=[{}])
    assert (await read("standardization://metrics"))["calls_served"] == before + 1
    with pytest.raises(MCPError):
        await read("standardization://schemas/planet")


async def test_prompt_names_tools_that_exist_and_refuses_what_is_no_json(ask: Ask) -> None:
    for goal in GOALS:
        arguments = {"data_sample": '[{"country": "FR"}]', "goal": goal}
        text = await ask.prompt("standardization_advisor", **arguments)
        assert '[{"country": "FR"}]' in text
        check_tools_named(menu.server, text, r"\b(?:standardize|batch|validate|assess|harmonize|deduplicate)_\w+")
    for wrong in ({"data_sample": "no json"}, {"data_sample": "[]", "goal": "magic"}, {"data_sample": "1" * 20_001}):
        with pytest.raises(MCPError):
            await ask.prompt("standardization_advisor", **wrong)


async def test_goals_and_data_types_are_completed(ask: Ask) -> None:
    complete = ask.client.complete
    prompt = PromptReference(name="standardization_advisor")
    assert (await complete(prompt, {"name": "goal", "value": "C"})).completion.values == ["clean"]
    assert (await complete(prompt, {"name": "data_sample", "value": ""})).completion.values == []
    template = ResourceTemplateReference(uri="standardization://schemas/{data_type}")
    assert (await complete(template, {"name": "data_type", "value": "loc"})).completion.values == ["location"]
