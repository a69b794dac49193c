"""Several schemas lined up into one: fields that mean the same, by name, type and, when asked for, meaning.

Names are compared by Jaro-Winkler (Winkler 1990) and paired by the best assignment, not greedily.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.domain.standardize.assignment import Matrix, best_pairs

TypeConflict: TypeAlias = Literal["widen", "string", "report"]
TYPE_CONFLICTS: tuple[TypeConflict, ...] = get_args(TypeConflict)

NAME_SHARE, TYPE_SHARE = 0.8, 0.2
TARGET = "target"

ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("str", "text", "varchar", "char", "keyword"), "string"),
    **dict.fromkeys(("int", "bigint", "smallint", "long", "short"), "integer"),
    **dict.fromkeys(("float", "double", "decimal", "numeric", "real", "money"), "number"),
    **dict.fromkeys(("bool",), "boolean"),
    **dict.fromkeys(("timestamp", "date-time", "timestamptz"), "datetime"),
    **dict.fromkeys(("list",), "array"),
    **dict.fromkeys(("dict", "map", "struct", "json"), "object"),
}
WIDER: Mapping[frozenset[str], str] = {
    frozenset({"integer", "number"}): "number",
    frozenset({"date", "datetime"}): "datetime",
}


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field of a schema."""

    name: str
    type: str
    description: str = ""

    @property
    def phrase(self) -> str:
        """The words an embedding can read: the name taken apart, and the description."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.name)
        return " ".join([*re.sub(r"[\W_]+", " ", words).split(), *self.description.split()])[:500]


@dataclass(frozen=True, slots=True)
class SourceSchema:
    """A named list of fields."""

    name: str
    fields: Sequence[FieldShape]


@dataclass(frozen=True, slots=True)
class Member:
    """A field of one schema within a harmonized field; `score` is how well it fits the ones before it."""

    schema: str
    field: FieldShape
    score: float


@dataclass(slots=True)
class Group:
    """Fields that are taken for one."""

    name: str
    members: list[Member] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """The distinct types, in order of appearance."""
        return list(dict.fromkeys(canonical_type(member.field.type) for member in self.members))


Meanings: TypeAlias = Mapping[tuple[str, str], float]
"""Likeness of two phrases by meaning, 0 to 1, in either order."""


def canonical_type(name: str) -> str:
    """One word for a type, whatever the system that named it."""
    word = name.strip().casefold()
    return ALIASES.get(word, word)


def widest(types: Sequence[str]) -> str:
    """The narrowest type that holds values of all of them."""
    distinct = frozenset(types)
    return next(iter(distinct)) if len(distinct) == 1 else WIDER.get(distinct, "string")


def align(
    schemas: Sequence[SourceSchema], target: SourceSchema | None, least: float, meanings: Meanings
) -> list[Group]:
    """Groups of fields, at most one of each schema; with a target, its fields come first and give the names."""
    groups: list[Group] = []
    ordered = [*([target] if target else []), *schemas]
    for schema in attended(ordered):
        scores = score_matrix(schema.fields, groups, meanings)
        # Pairs that would be refused anyway must not pull the assignment towards themselves.
        pairs = best_pairs(np.where(scores >= least - 1e-12, scores, 0.0))
        matched = {row: column for row, column in pairs if scores[row, column] >= least - 1e-12}
        for row, shape in enumerate(schema.fields):
            if row in matched:
                member = Member(schema.name, shape, float(scores[row, matched[row]]))
                groups[matched[row]].members.append(member)
            else:
                groups.append(Group(_free_name(shape.name, schema.name, groups), [Member(schema.name, shape, 1.0)]))
    return groups


def score_matrix(fields: Sequence[FieldShape], groups: Sequence[Group], meanings: Meanings) -> Matrix:
    """How well each field fits each group: its best score against the group's members."""
    owners = [index for index, group in enumerate(groups) for _ in group.members]
    others = [member.field for group in groups for member in group.members]
    result = np.zeros((len(fields), len(groups)))
    if not fields or not others:
        return result
    names = cdist(
        [_plain(shape.name) for shape in fields],
        [_plain(shape.name) for shape in others],
        scorer=JaroWinkler.similarity,
        dtype=np.float64,
    )
    if meanings:
        names = np.maximum(names, _meaning_matrix(fields, others, meanings))
    scores = NAME_SHARE * names + TYPE_SHARE * _type_matrix(fields, others)
    for column, owner in enumerate(owners):
        np.maximum(result[:, owner], scores[:, column], out=result[:, owner])
    return result


def resolve_type(types: Sequence[str], policy: TypeConflict) -> str | None:
    """The type of a harmonized field; null where the conflict is only to be reported."""
    if len(types) == 1:
        return types[0]
    return {"widen": widest(types), "string": "string", "report": None}[policy]


def _plain(name: str) -> str:
    """Lower case without separators; a name of separators alone stays as it is."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum()) or folded


def _type_matrix(fields: Sequence[FieldShape], others: Sequence[FieldShape]) -> Matrix:
    """1 for the same type, 0.8 where one widens to the other, 0.3 against text, else 0."""
    left, right = [canonical_type(f.type) for f in fields], [canonical_type(f.type) for f in others]
    likeness = {(a, b): _type_likeness(a, b) for a in set(left) for b in set(right)}
    return np.array([[likeness[a, b] for b in right] for a in left])


def _type_likeness(one: str, other: str) -> float:
    if one == other or "any" in (one, other):
        return 1.0
    if frozenset((one, other)) in WIDER:
        return 0.8
    return 0.3 if "string" in (one, other) else 0.0


def _meaning_matrix(fields: Sequence[FieldShape], others: Sequence[FieldShape], meanings: Meanings) -> Matrix:
    columns = [other.phrase for other in others]
    rows = [shape.phrase for shape in fields]
    return np.array([[meanings.get((row, column), 0.0) for column in columns] for row in rows])


def _free_name(name: str, schema: str, groups: Sequence[Group]) -> str:
    """Two fields of one name may mean different things; then the later one is named after its schema too."""
    return f"{schema}.{name}" if any(group.name == name for group in groups) else name
