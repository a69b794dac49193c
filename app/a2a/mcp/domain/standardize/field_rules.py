"""What is to become of one field of a record: a rule is a type with its options, compiled once for all records."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.a2a.mcp.domain.standardize.dispatch import FIELD_TYPES, STANDARDIZERS, FieldType, options_for
from app.a2a.mcp.domain.standardize.values import Status, ValueResult
from app.a2a.mcp.errors import Detail, InvalidArgumentError

MAX_CHOICES = 200
OWN_TYPES = ("text", "boolean", "enum")
RULE_TYPES = (*OWN_TYPES, *FIELD_TYPES)
CASES: Mapping[str, Callable[[str], str]] = {"keep": str, "fold": str.casefold, "lower": str.lower, "upper": str.upper}

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1", "on"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0", "off"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule made of a value; `value` is meaningful with status ok."""

    status: Status
    value: Any = None
    reason: str | None = None
    details: Any = None


FieldRule: TypeAlias = Callable[[Any], Outcome]


def clean_text(text: str) -> str:
    """Unicode NFC (UAX #15), control characters out, runs of white space to one space, trimmed."""
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(c if c.isspace() or unicodedata.category(c) != "Cc" else "" for c in composed)
    return " ".join(kept.split())


def compile_rule(spec: Mapping[str, Any], path: str) -> FieldRule:
    """The function of a rule such as `{"type": "date", "order": "DMY"}`.

    Raises InvalidArgumentError at `path` and below for a type or an option that does not exist.
    """
    kind = spec.get("type")
    given = {name: value for name, value in spec.items() if name != "type"}
    if kind == "text":
        return _text_rule(given, path)
    if kind == "enum":
        return _enum_rule(given, path)
    if kind == "boolean":
        _only(given, (), path)
        return _boolean
    if kind not in FIELD_TYPES:
        raise InvalidArgumentError.at(f"{path}/type", f"must be one of {', '.join(RULE_TYPES)}")
    return _value_rule(kind, given, path)


def outcome_of(result: ValueResult[Any]) -> Outcome:
    """The outcome of a value tool, with its candidates in the reason: nothing is chosen silently."""
    reason = result.reason
    if result.candidates:
        reason = f"{reason or 'several readings'}: {', '.join(result.candidates[:10])}"
    return Outcome(result.status, result.value, reason, result.details)


def _value_rule(kind: FieldType, given: Mapping[str, Any], path: str) -> FieldRule:
    try:
        options = options_for(kind, given)
    except InvalidArgumentError as error:
        details = [Detail(path + detail.path, detail.reason) for detail in error.details]
        raise InvalidArgumentError(f"{path}: {error.message}", details) from None
    standardize = STANDARDIZERS[kind]

    def apply(value: Any) -> Outcome:
        return outcome_of(standardize(value, options))

    return apply


def _text_rule(given: Mapping[str, Any], path: str) -> FieldRule:
    _only(given, ("case", "repair_mojibake"), path)
    case, repair = given.get("case", "keep"), given.get("repair_mojibake", False)
    if not isinstance(case, str) or case not in CASES:
        raise InvalidArgumentError.at(f"{path}/case", f"must be one of {', '.join(CASES)}")
    if not isinstance(repair, bool):
        raise InvalidArgumentError.at(f"{path}/repair_mojibake", "must be true or false")

    def apply(value: Any) -> Outcome:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return Outcome("invalid", reason="type: must be a string")
        text = _repaired(value) if repair and isinstance(value, str) else str(value)
        return Outcome("ok", CASES[case](clean_text(text)))

    return apply


def _repaired(text: str) -> str:
    # Loaded only where a rule asks for it: ftfy and its tables are 10 MB.
    import ftfy

    return ftfy.fix_encoding(text)


def _enum_rule(given: Mapping[str, Any], path: str) -> FieldRule:
    _only(given, ("values",), path)
    values = given.get("values")
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_CHOICES:
        raise InvalidArgumentError.at(f"{path}/values", f"must be an array of 1 to {MAX_CHOICES} strings")
    if not all(isinstance(value, str) for value in values):
        raise InvalidArgumentError.at(f"{path}/values", "must hold strings only")
    return enum_rule(values)


def enum_rule(values: Sequence[str], synonyms: Mapping[str, str] | None = None) -> FieldRule:
    """A closed list, whatever the case and the separators; `synonyms` lead to members of it."""
    known = {_word(name): value for name, value in [*(synonyms or {}).items(), *((v, v) for v in values)]}

    def apply(value: Any) -> Outcome:
        found = known.get(_word(value)) if isinstance(value, str) else None
        if found is None:
            listed = ", ".join(values[:10]) + ("…" if len(values) > 10 else "")
            return Outcome("invalid", reason=f"enum: must be one of {listed}")
        return Outcome("ok", found)

    return apply


def _word(text: str) -> str:
    return " ".join(clean_text(text).casefold().replace("_", " ").replace("-", " ").split())


def _boolean(value: Any) -> Outcome:
    if isinstance(value, bool):
        return Outcome("ok", value)
    word = clean_text(str(value)).casefold() if isinstance(value, str | int) else ""
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return Outcome("ok", word in TRUE_WORDS)
    return Outcome("invalid", reason="boolean: must be a word for true or false")


def _only(given: Mapping[str, Any], allowed: Sequence[str], path: str) -> None:
    for name in given:
        if name not in allowed:
            raise InvalidArgumentError.at(f"{path}/{name}", "is not an option of this type")
