"""JSON Schema (2020-12) in words: one row a field, with its type, bounds and default, objects inside objects too."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

COUNTED = {"Length": "characters", "Items": "items", "Properties": "entries"}
"""What the keywords minLength, maxItems … count."""


@dataclass(frozen=True, slots=True)
class Row:
    """A field by its path from the top: `a.b` is b of the object a, `a[].b` b of each object in the list a."""

    path: str
    kind: str
    default: str
    required: bool
    meaning: str


def rows(schema: Schema) -> Iterator[Row]:
    """Every field of an object schema, each followed by what is inside it."""
    yield from _rows(schema, schema.get("$defs", {}), "", frozenset())


def _rows(node: Schema, definitions: Schema, prefix: str, inside: frozenset[str]) -> Iterator[Row]:
    required = node.get("required", ())
    for name, field in node.get("properties", {}).items():
        path = f"{prefix}{name}"
        default = json.dumps(field["default"], ensure_ascii=False) if "default" in field else ""
        yield Row(path, kind_of(field, definitions), default, name in required, field.get("description", ""))
        yield from _inner(field, definitions, path, inside)


def _inner(node: Schema, definitions: Schema, path: str, inside: frozenset[str]) -> Iterator[Row]:
    """The rows of the objects that a field holds, in whatever way; an object within itself is told once."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name not in inside:
            yield from _inner(definitions[name], definitions, path, inside | {name})
        return
    for choice in node.get("anyOf", ()):
        yield from _inner(choice, definitions, path, inside)
    if isinstance(node.get("items"), Mapping):
        yield from _inner(node["items"], definitions, f"{path}[]", inside)
    for values in _values(node):
        yield from _inner(values, definitions, f"{path}.*", inside)
    if "properties" in node:
        yield from _rows(node, definitions, f"{path}.", inside)


def _values(node: Schema) -> list[Schema]:
    """The schemas of what a map holds."""
    found = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    return [schema for schema in found if isinstance(schema, Mapping) and schema]


def kind_of(node: Schema, definitions: Schema) -> str:
    """The type with its bounds, such as `list (1 to 20 items) of string (1 to 64 characters)`."""
    if "$ref" in node:
        return kind_of(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(kind_of(choice, definitions) for choice in node["anyOf"]))
    if "enum" in node or "const" in node:
        return ", ".join(f"`{json.dumps(value)}`" for value in node.get("enum", [node.get("const")]))
    kind = node.get("type", "any JSON value")
    word = {"array": "list", "null": "null"}.get(kind, kind)
    bounds = _bounds(node)
    text = f"{word} ({bounds})" if bounds else word
    inner = node.get("items") if kind == "array" else next(iter(_values(node)), None) if kind == "object" else None
    if isinstance(inner, Mapping) and inner and "properties" not in node:
        text += f" of {kind_of(inner, definitions)}"
    return text


def _bounds(node: Schema) -> str:
    parts = []
    for keyword, what in COUNTED.items():
        if counted := _span(node.get(f"min{keyword}"), node.get(f"max{keyword}")):
            parts.append(f"{counted} {what}")
    if numbers := _span(node.get("minimum"), node.get("maximum")):
        parts.append(numbers)
    worded = {"exclusiveMinimum": "over {}", "exclusiveMaximum": "under {}", "pattern": "matches `{}`"}
    parts += [words.format(node[keyword]) for keyword, words in worded.items() if keyword in node]
    return ", ".join(parts)


def _span(low: object, high: object) -> str:
    if low is not None and high is not None:
        return f"{low} to {high}" if low != high else f"{low}"
    return f"from {low}" if low is not None else f"to {high}" if high is not None else ""
