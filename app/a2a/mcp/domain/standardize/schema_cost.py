"""What checking a value against a JSON Schema costs at most: a caller's schema must not stop a process.

References make a schema of 2 KB mean 2^40 checks, and nested `unevaluated…` keywords look at everything twice each.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote

from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

MAX_DEPTH = 64
MAX_CHECKS = 1_000_000
MAX_PATTERNS = 100
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Node: TypeAlias = Mapping[str, Any]

_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("not", "if", "then", "else")
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
_OF_MEMBERS = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_OF_ELEMENTS = ("items", "contains", "unevaluatedItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")


class SchemaCost:
    """Counts, for an instance, how often any part of the schema would be applied to any part of it."""

    def __init__(self, schema: Node, path: str = "/schema") -> None:
        self._root = schema
        self._path = path
        self._nodes: dict[int, Node] = {}
        self._anchors: dict[str, list[Node]] = {}
        self._expanded: dict[int, Counter[int]] = {}
        self._patterns = 0
        self._collect(schema, 1)

    def of(self, instance: object) -> int:
        """An upper bound of the checks; raises LimitExceededError over `MAX_CHECKS`."""
        total = 0
        pending: list[tuple[object, Counter[int]]] = [(instance, self._expand(self._root, ()))]
        while pending:
            value, nodes = pending.pop()
            size = len(value) if isinstance(value, dict | list) else 0
            total += nodes.total() + size * len(nodes)
            if total > MAX_CHECKS:
                reason = f"asks for more than {MAX_CHECKS} checks of these items"
                raise LimitExceededError.at(self._path, reason)
            pending += self._below(value, nodes)
        return total

    def _collect(self, node: object, depth: int) -> None:
        """Know every subschema, and refuse what reaches beyond this document."""
        if depth > MAX_DEPTH:
            raise InvalidArgumentError.at(self._path, f"is nested deeper than {MAX_DEPTH}")
        if not isinstance(node, dict):
            return
        self._nodes[id(node)] = node
        self._admit(node, root=depth == 1)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if keyword in node:
                self._anchors.setdefault(str(node[keyword]), []).append(node)
        for child in _subschemas(node):
            self._collect(child, depth + 1)

    def _admit(self, node: Node, *, root: bool) -> None:
        if str(node.get("$schema", DIALECT)).rstrip("#") != DIALECT:
            raise InvalidArgumentError.at(self._path, f"$schema must be {DIALECT} or absent")
        if "$id" in node and not root:
            raise InvalidArgumentError.at(self._path, "$id is taken at the root only")
        for keyword in ("$ref", "$dynamicRef"):
            if not str(node.get(keyword, "#")).startswith("#"):
                raise InvalidArgumentError.at(self._path, f"{keyword} must be local: begin with #")
        given = node.get("patternProperties")
        self._patterns += ("pattern" in node) + (len(given) if isinstance(given, dict) else 0)
        if self._patterns > MAX_PATTERNS:
            raise LimitExceededError.at(self._path, f"has more than {MAX_PATTERNS} patterns")

    def _expand(self, node: Node, above: tuple[int, ...]) -> Counter[int]:
        """How often each subschema is applied at the place where `node` is, itself included."""
        known = self._expanded.get(id(node))
        if known is not None:
            return known
        if id(node) in above:
            raise InvalidArgumentError.at(self._path, "has a $ref that leads back to itself at the same place")
        if len(above) > MAX_DEPTH * 2:
            raise InvalidArgumentError.at(self._path, "has references nested too deep")
        self._nodes.setdefault(id(node), node)
        found: Counter[int] = Counter({id(node): 1})
        times = 2 if any(keyword in node for keyword in _UNEVALUATED) else 1
        for child in self._in_place(node):
            for key, count in self._expand(child, (*above, id(node))).items():
                found[key] += count * times
        self._expanded[id(node)] = found
        return found

    def _in_place(self, node: Node) -> Iterator[Node]:
        for keyword in ("$ref", "$dynamicRef"):
            if keyword in node:
                yield from self._targets(str(node[keyword]))
        children = [child for keyword in _LISTS for child in _list(node.get(keyword))]
        children += [node.get(keyword) for keyword in _SINGLE]
        children += _map(node.get("dependentSchemas")).values()
        yield from (child for child in children if isinstance(child, dict))

    def _targets(self, reference: str) -> list[Node]:
        """Where a local reference leads: a JSON Pointer (RFC 6901), or every anchor of that name."""
        fragment = unquote(reference[1:])
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(fragment, [])
        node: Any = self._root
        for part in fragment.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and key.isdecimal() and int(key) < len(node):
                node = node[int(key)]
            elif isinstance(node, dict) and key in node:
                node = node[key]
            else:
                raise InvalidArgumentError.at(self._path, f"$ref {reference[:100]!r} leads nowhere")
        return [node] if isinstance(node, dict) else []

    def _below(self, value: object, nodes: Counter[int]) -> Iterator[tuple[object, Counter[int]]]:
        """Each child of an instance with the subschemas applied to it."""
        if isinstance(value, dict):
            parts = [(child, partial) for key, child in value.items() for partial in [self._member(key, nodes)]]
        elif isinstance(value, list):
            parts = [(child, self._element(index, nodes)) for index, child in enumerate(value)]
        else:
            return
        yield from ((child, found) for child, found in parts if found)

    def _member(self, key: str, nodes: Counter[int]) -> Counter[int]:
        found: Counter[int] = Counter()
        for identity, count in nodes.items():
            node = self._nodes[identity]
            applied = [_map(node.get("properties")).get(key), *_map(node.get("patternProperties")).values()]
            self._add(found, count, [*applied, *(node.get(keyword) for keyword in _OF_MEMBERS)])
        return found

    def _element(self, index: int, nodes: Counter[int]) -> Counter[int]:
        found: Counter[int] = Counter()
        for identity, count in nodes.items():
            node = self._nodes[identity]
            prefix = _list(node.get("prefixItems"))
            self._add(found, count, [*prefix[index : index + 1], *(node.get(keyword) for keyword in _OF_ELEMENTS)])
        return found

    def _add(self, found: Counter[int], count: int, applied: list[Any]) -> None:
        for child in applied:
            if isinstance(child, dict):
                for key, times in self._expand(child, ()).items():
                    found[key] += count * times


def _subschemas(node: Node) -> Iterator[object]:
    for keyword in (*_LISTS, "prefixItems"):
        yield from _list(node.get(keyword))
    for keyword in (*_SINGLE, *_OF_MEMBERS, *_OF_ELEMENTS):
        yield node.get(keyword)
    for keyword in _MAPS:
        yield from _map(node.get(keyword)).values()


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
