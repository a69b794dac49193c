"""JSON Schema 2020-12 against an independent implementation, and the bounds that keep a schema from stopping us."""

import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.standardize.schema_check import SchemaCheck
from app.a2a.mcp.errors import A2AError, InvalidArgumentError, LimitExceededError

LEAF = st.sampled_from(
    [
        {"type": "string"},
        {"type": ["integer", "null"]},
        {"minimum": 2},
        {"exclusiveMaximum": 3},
        {"multipleOf": 2},
        {"minLength": 2},
        {"maxLength": 1},
        {"pattern": "^a+$"},
        {"enum": [1, "a", None]},
        {"const": {"a": 1}},
        {"required": ["a"]},
        {"minItems": 1, "uniqueItems": True},
        {"contains": {"type": "integer"}, "minContains": 2},
        {"maxProperties": 1},
        {"propertyNames": {"maxLength": 1}},
        {"dependentRequired": {"a": ["b"]}},
        True,
        False,
    ]
)
SCHEMAS = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda s: {"properties": {"a": s}}, inner),
        st.builds(lambda s: {"additionalProperties": s, "properties": {"b": {}}}, inner),
        st.builds(lambda s: {"patternProperties": {"^a": s}}, inner),
        st.builds(lambda s, t: {"prefixItems": [s], "items": t}, inner, inner),
        st.builds(lambda s, t: {"allOf": [s, t]}, inner, inner),
        st.builds(lambda s, t: {"anyOf": [s, t]}, inner, inner),
        st.builds(lambda s, t: {"oneOf": [s, t]}, inner, inner),
        st.builds(lambda s: {"not": s}, inner),
        st.builds(lambda s, t, u: {"if": s, "then": t, "else": u}, inner, inner, inner),
        st.builds(lambda s: {"$defs": {"x": s}, "properties": {"a": {"$ref": "#/$defs/x"}}}, LEAF),
        st.builds(lambda s: {"allOf": [{"properties": {"a": s}}], "unevaluatedProperties": False}, LEAF),
    ),
    max_leaves=5,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 5), st.sampled_from(["", "a", "aa", "b"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "aa"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(SCHEMAS, VALUES)
def test_verdict_is_that_of_an_independent_validator(schema: Any, value: Any) -> None:
    wrapped = {"properties": {"v": schema}} if "$defs" not in repr(schema) else schema
    item = {"v": value} if wrapped is not schema else value
    if "$ref" in repr(wrapped) and "$defs" not in wrapped:
        return
    assert (not SchemaCheck(wrapped).errors(item)) is jsonschema.Draft202012Validator(wrapped).is_valid(item)


@pytest.mark.parametrize(
    ("text", "name", "valid"),
    [
        ("a@x.org", "email", True),
        ("not-an-email", "email", False),
        ("2025-02-29", "date", False),
        ("2025-02-28T10:00:00Z", "date-time", True),
        ("https://example.org/a", "uri", True),
        ("no scheme", "uri", False),
        ("127.0.0.300", "ipv4", False),
        ("9f1b2c34-0000-4000-8000-000000000000", "uuid", True),
    ],
)
def test_formats_are_checked_but_not_at_the_basic_level(text: str, name: str, valid: bool) -> None:
    schema = {"properties": {"v": {"format": name}}}
    assert (not SchemaCheck(schema).errors({"v": text})) is valid
    assert SchemaCheck(schema, "basic").errors({"v": text}) == []


def test_levels_take_in_more_and_more() -> None:
    schema = {"required": ["a"], "properties": {"a": {"type": "integer", "minimum": 1}}}
    found = {
        level: [error.keyword for error in SchemaCheck(schema, level).errors({"a": 0, "b": 1})]  # type: ignore[arg-type]
        for level in ("basic", "comprehensive", "strict")
    }
    assert found == {"basic": [], "comprehensive": ["minimum"], "strict": ["unevaluatedProperties", "minimum"]}
    assert [error.keyword for error in SchemaCheck(schema, "basic").errors({})] == ["required"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1/x"},
        {"$ref": "file:///etc/hostname"},
        {"properties": {"a": {"$dynamicRef": "https://example.org/#x"}}},
        {"$ref": "#"},
        {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
        {"$ref": "#/nowhere"},
        {"$ref": "#nowhere"},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"properties": {"a": {"$id": "https://example.org/a"}}},
        {"type": "unknown"},
        {"properties": {"a": {"minimum": "x"}}},
        {"pattern": "("},
        {"pattern": "(?=a)"},
        {"pattern": "(a{1,1000}){1,1000}"},
        {"properties": 3},
        {"$schema": 3},
    ],
)
def test_schema_that_cannot_be_used_is_refused_without_leaving_the_process(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        SchemaCheck(schema).errors({})
    assert refused.value.details[0].path == "/schema"


def _doubling(levels: int) -> dict[str, Any]:
    defs: dict[str, Any] = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(levels)}
    return {"$defs": {**defs, f"a{levels}": {"type": "string"}}, "$ref": "#/$defs/a0"}


def _unevaluated(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"properties": {"a": {}}}
    for _ in range(levels):
        schema = {"allOf": [schema], "unevaluatedProperties": False}
    return schema


def _deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


RECURSIVE = {"$defs": {"n": {"properties": {"a": {"allOf": [{"$ref": "#/$defs/n"}] * 2}}}}, "$ref": "#/$defs/n"}


@pytest.mark.parametrize(
    ("schema", "item"), [(_doubling(40), {}), (_unevaluated(30), {"b": 1}), (RECURSIVE, _deep(60))]
)
def test_schema_that_multiplies_is_refused_at_once(schema: dict[str, Any], item: dict[str, Any]) -> None:
    began = time.process_time()
    with pytest.raises(LimitExceededError):
        SchemaCheck(schema).errors(item)
    assert time.process_time() - began < 2


def test_recursive_schema_over_a_deep_value_is_fine_where_it_does_not_multiply() -> None:
    tree = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "n": {"type": "integer"}}}
    value: dict[str, Any] = {"n": 1}
    for _ in range(40):
        value = {"left": value, "n": 2}
    assert SchemaCheck(tree).errors(value) == []


def test_errors_of_a_flood_are_bounded_in_time() -> None:
    began = time.process_time()
    check = SchemaCheck({"properties": {"v": {"items": {"allOf": [{"type": "string"}] * 30}}}})
    with pytest.raises(LimitExceededError):
        for _ in range(1000):
            check.errors({"v": [1] * 600})
    assert time.process_time() - began < 15


def test_catastrophic_pattern_takes_linear_time() -> None:
    began = time.process_time()
    assert SchemaCheck({"properties": {"v": {"pattern": "^(a+)+$"}}}).errors({"v": "a" * 30_000 + "b"})
    assert time.process_time() - began < 2


def test_size_and_patterns_are_limited() -> None:
    with pytest.raises(LimitExceededError):
        SchemaCheck({"description": "x" * 65_536})
    with pytest.raises(LimitExceededError):
        SchemaCheck({"properties": {f"p{i}": {"pattern": "a"} for i in range(101)}})


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    [
                        "$ref",
                        "items",
                        "properties",
                        "type",
                        "allOf",
                        "not",
                        "$defs",
                        "pattern",
                        "required",
                        "enum",
                        "if",
                        "patternProperties",
                        "$anchor",
                        "prefixItems",
                    ]
                ),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=8,
    )
)
def test_any_object_is_a_schema_or_refused_in_our_words(schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    try:
        SchemaCheck(schema).errors({"a": [1]})
    except A2AError as error:
        assert error.details[0].path == "/schema"
