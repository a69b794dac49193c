"""A tool's arguments are closed and strict, and a refusal says where and what would do."""

from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import Field, ValidationError

from app.a2a.mcp.core.call import Call
from app.a2a.mcp.core.invalid import MAX_DETAILS, refusal_of
from app.a2a.mcp.core.schemas import (
    ToolInput,
    ToolOutput,
    arguments_model,
    call_parameter,
    input_schema,
    output_schema,
)
from app.a2a.mcp.errors import A2AError


class Item(ToolInput):
    id: Annotated[str, Field(min_length=1, max_length=4)]
    title: float | None = None


class Answer(ToolOutput):
    total: int
    note: str | None = None


async def tool(
    call: Call[None],
    items: Annotated[list[Item], Field(min_length=1, max_length=2)],
    metric: Literal["cosine", "dot"] = "cosine",
    either: str | list[int] = "x",
    filters: dict[str, str | list[str]] | None = None,
) -> Answer:
    return Answer(total=len(items))


MODEL = arguments_model(tool)


def refused(arguments: dict[str, Any]) -> A2AError:
    with pytest.raises(ValidationError) as caught:
        MODEL.model_validate(arguments)
    return refusal_of(caught.value, arguments)


def test_the_call_is_injected_and_not_in_the_schema() -> None:
    assert call_parameter(tool) == "call"
    assert set(input_schema(MODEL)["properties"]) == {"items", "metric", "either", "filters"}


def test_schemas_are_valid_closed_and_free_of_invented_titles() -> None:
    schema = input_schema(MODEL)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert "title" not in schema
    assert "title" in schema["$defs"]["Item"]["properties"]
    assert "title" not in schema["$defs"]["Item"]


def test_argument_may_have_the_name_of_something_that_every_model_has() -> None:
    async def takes_schema(schema: dict[str, int], copy: int = 3) -> Answer:
        return Answer(total=len(schema) + copy)

    model = arguments_model(takes_schema)
    assert set(input_schema(model)["properties"]) == {"schema", "copy"}
    assert model.model_validate({"schema": {"a": 1}}).model_dump_one_level() == {"schema": {"a": 1}, "copy": 3}


def test_a_result_field_with_a_default_may_be_absent() -> None:
    assert output_schema(Answer)["required"] == ["total"]


@pytest.mark.parametrize(
    ("arguments", "path", "reason"),
    [
        ({}, "/items", "is required"),
        ({"items": [{"id": 5}]}, "/items/0/id", "must be a string"),
        ({"items": [{"id": "a", "extra": 1}]}, "/items/0/extra", "is not an argument here"),
        ({"items": [{"id": "a"}], "wrong": 1}, "/wrong", "is not an argument here"),
        ({"items": [{"id": "a"}], "metric": "other"}, "/metric", "must be one of 'cosine' or 'dot'"),
        ({"items": "[]"}, "/items", "must be an array"),
        ({"items": [{"id": "a", "title": "1"}]}, "/items/0/title", "must be a number"),
        ({"items": [{"id": "a", "title": float("nan")}]}, "/items/0/title", "must be a finite number"),
        ({"items": [{"id": "a"}], "either": 5}, "/either", "must be a string"),
        ({"items": [{"id": "a"}], "either": ["x"]}, "/either/0", "must be an integer"),
        ({"items": [{"id": "a"}], "either": [True]}, "/either/0", "must be an integer"),
        ({"items": [{"id": "a"}], "filters": {"k": {"x": 1}}}, "/filters/k", "must be a string"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments: dict[str, Any], path: str, reason: str) -> None:
    error = refused(arguments)
    assert error.code == "invalid_argument"
    assert (path, reason) in [(detail.path, detail.reason) for detail in error.details]


@pytest.mark.parametrize("items", [[{"id": "a"}] * 3, [{"id": "abcde"}]])
def test_arguments_that_are_only_too_large_exceed_a_limit(items: list[dict[str, str]]) -> None:
    assert refused({"items": items}).code == "limit_exceeded"


def test_a_refusal_echoes_no_value_and_no_library() -> None:
    error = refused({"items": [{"id": "hunter2-secret", "title": "hunter2"}], "metric": "hunter2"})
    assert "hunter2" not in str(error.as_dict())
    assert "pydantic" not in str(error.as_dict())


def test_a_flood_of_faults_is_cut() -> None:
    error = refused({f"unknown{i}": i for i in range(1000)})
    assert len(error.details) == MAX_DETAILS
