"""Records against a JSON Schema 2020-12: compiled once, bounded in time, without the network, in our own words.

jsonschema-rs checks patterns with a linear-time engine, so no `pattern` of a caller can run away.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeAlias, get_args

import jsonschema_rs

from app.a2a.mcp.domain.standardize.schema_cost import MAX_CHECKS, SchemaCost
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

Level: TypeAlias = Literal["basic", "comprehensive", "strict"]
LEVELS: tuple[Level, ...] = get_args(Level)

MAX_SCHEMA_BYTES = 65_536
MAX_PATTERN_BYTES = 1_000_000
"""Memory of one compiled pattern: a counted repetition of a counted repetition does not fit."""

LISTED_CHECKS = 100_000
"""Listing errors costs far more than finding that there is one; past this many checks only the first is listed."""

BASIC_KEYWORDS = frozenset({"type", "required"})

MESSAGES: Mapping[str, str] = {
    "required": "lacks the property {property}",
    "type": "must be of the type {types}",
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "exclusiveMinimum": "must be greater than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
    "minItems": "must have at least {limit} items",
    "maxItems": "must have at most {limit} items",
    "minProperties": "must have at least {limit} properties",
    "maxProperties": "must have at most {limit} properties",
    "multipleOf": "must be a multiple of {multiple_of}",
    "pattern": "must match {pattern}",
    "format": "must be a valid {format}",
    "enum": "must be one of {options}",
    "const": "must be {expected_value}",
    "uniqueItems": "must not hold an item twice",
    "additionalProperties": "has undeclared properties: {unexpected}",
    "unevaluatedProperties": "has undeclared properties: {unexpected}",
    "anyOf": "fits none of the alternatives",
    "oneOf": "must fit exactly one of the alternatives",
    "not": "must not fit the schema under `not`",
    "contains": "holds no item, or not as many, that `contains` wants",
    "propertyNames": "has a property whose name is not allowed",
    "falseSchema": "is not allowed here",
}


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One finding; `path` leads from the item (a JSON Pointer), `fields` are undeclared properties."""

    path: str
    keyword: str
    message: str
    fields: tuple[str, ...] = ()


class SchemaCheck:
    """A compiled schema. `errors` of one item after another share one budget of work."""

    def __init__(self, schema: Mapping[str, Any], level: Level = "comprehensive", path: str = "/schema") -> None:
        """Raises InvalidArgumentError (or LimitExceededError, by size) for a schema that cannot be used."""
        self._path = path
        self._level = level
        if len(json.dumps(schema, ensure_ascii=False).encode("utf-8", "replace")) > MAX_SCHEMA_BYTES:
            raise LimitExceededError.at(path, f"must have at most {MAX_SCHEMA_BYTES} bytes of JSON")
        used = _closed(schema) if level == "strict" else schema
        self._cost = SchemaCost(used, path)
        self._left, self._listed = MAX_CHECKS, LISTED_CHECKS
        options = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES, dfa_size_limit=MAX_PATTERN_BYTES)
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                dict(used), validate_formats=level != "basic", retriever=_refuse, pattern_options=options
            )
        except ValueError as error:
            raise InvalidArgumentError.at(path, _why(error)) from None

    def errors(self, item: Any) -> list[SchemaError]:
        """What is wrong with one item, in the schema's order. Raises LimitExceededError when it would take too long."""
        cost = self._cost.of(item)
        self._left -= cost
        if self._left < 0:
            raise LimitExceededError.at(self._path, f"asks for more than {MAX_CHECKS} checks of these items")
        if self._validator.is_valid(item):
            return []
        found = [_said(error) for error in self._found(item, cost)]
        if self._level == "basic":
            found = [error for error in found if error.keyword in BASIC_KEYWORDS]
        return sorted(found, key=lambda error: (error.path, error.keyword))

    def _found(self, item: Any, cost: int) -> Iterator[jsonschema_rs.ValidationError]:
        self._listed -= cost
        if self._listed >= 0:
            yield from self._validator.iter_errors(item)
            return
        try:
            self._validator.validate(item)
        except jsonschema_rs.ValidationError as error:
            yield error


def pointer(*parts: object) -> str:
    """A JSON Pointer (RFC 6901) of its parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _refuse(uri: str) -> NoReturn:
    raise ValueError("references beyond the schema are not followed")


def _why(error: ValueError) -> str:
    """Where the schema breaks the rules of schemas."""
    if not isinstance(error, jsonschema_rs.ValidationError) or not error.instance_path:
        return "is not a JSON Schema 2020-12 that can be used: see its references and patterns"
    return f"is not a JSON Schema 2020-12: {pointer(*error.instance_path)[:200]} breaks the rule {error.kind.name!r}"


def _said(error: jsonschema_rs.ValidationError) -> SchemaError:
    keyword = error.kind.name
    given = {name: _short(value) for name, value in error.kind.as_dict().items()}
    try:
        message = MESSAGES[keyword].format(**given)
    except KeyError:
        message = f"does not satisfy {keyword}"
    unexpected = getattr(error.kind, "unexpected", ())
    return SchemaError(pointer(*error.instance_path), keyword, message, tuple(unexpected))


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with undeclared properties forbidden wherever it declares some and does not say itself."""
    found = dict(schema)
    if "properties" in found and not {"additionalProperties", "unevaluatedProperties"} & found.keys():
        found["unevaluatedProperties"] = False
    if isinstance(found.get("properties"), dict):
        found["properties"] = {
            name: _closed(child) if isinstance(child, dict) else child for name, child in found["properties"].items()
        }
    if isinstance(found.get("items"), dict):
        found["items"] = _closed(found["items"])
    return found
