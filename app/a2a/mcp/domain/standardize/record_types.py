"""The seven types of records: the built-in rule of each field, what is derived, and the schema of the result."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeAlias, get_args

import pycountry

from app.a2a.mcp.domain.standardize.accounts import TYPES as ACCOUNT_TYPES
from app.a2a.mcp.domain.standardize.accounts import account_facts, account_type
from app.a2a.mcp.domain.standardize.dispatch import STANDARDIZERS, options_for
from app.a2a.mcp.domain.standardize.field_rules import (
    FieldRule,
    Outcome,
    clean_text,
    compile_rule,
    enum_rule,
    outcome_of,
)
from app.a2a.mcp.domain.standardize.locations import LocationOptions, Place, standardize_location

DataType: TypeAlias = Literal["record", "account", "location", "product", "book", "measure", "catalog"]
DATA_TYPES: tuple[DataType, ...] = get_args(DataType)
DIALECT = "https://json-schema.org/draft/2020-12/schema"

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "ja")
"""Languages of country names that the built-in rules read; a field rule may name others."""

MEASURE_TYPES = ("actual", "budget", "forecast", "plan", "variance", "target", "benchmark")
PERIODS = ("month", "quarter", "year", "period_to_date", "point_in_time")
MEASURE_CURRENCIES = ("reporting", "local", "constant_fx", "transaction")
BOOK_SYNONYMS = {
    "trading book": "trading",
    "held for trading": "trading",
    "market making": "trading",
    "banking book": "banking",
    "held to maturity": "banking",
    "available for sale": "banking",
}
PERIOD_SYNONYMS = {
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "annual": "year",
    "ytd": "period_to_date",
}


@dataclass(slots=True)
class Draft:
    """A record on its way: what its fields became, what was wrong with them, and its place in a hierarchy."""

    original: Mapping[str, Any]
    fields: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)
    issues: dict[str, Outcome] = field(default_factory=dict)
    levels: list[str] = field(default_factory=list)


Derive: TypeAlias = Callable[[Draft], None]


@dataclass(frozen=True, slots=True)
class RecordType:
    """A type: the rules of its fields, what is derived once they ran, and the fields a complete record has."""

    rules: Mapping[str, FieldRule]
    derive: Derive
    expected: tuple[str, ...]


def split_path(text: object) -> list[str]:
    """The levels of a path written with →, > or /, each as given but for white space; the first four."""
    if not isinstance(text, str):
        return []
    return [level for part in re.split(r"→|>|/", text) if (level := clean_text(part))][:4]


def _path_from(*names: str) -> Derive:
    def derive(draft: Draft) -> None:
        draft.levels = next((levels for name in names if (levels := split_path(draft.fields.get(name)))), [])

    return derive


def _account(draft: Draft) -> None:
    fields = draft.fields
    draft.levels = split_path(fields.get("raw_value")) or split_path(fields.get("account_path"))
    words = " ".join(str(fields.get(name) or "") for name in ("account_description", "raw_value"))
    kind = account_type(draft.levels[0] if draft.levels else None, words)
    fields.update(account_facts(kind))
    if kind is None:
        draft.issues["account_type"] = Outcome("invalid", reason="account_type: no known term names one")


def _location(draft: Draft) -> None:
    """The place of the record: its country alone where the subdivision cannot be found within it."""
    fields = draft.fields
    country, city = fields.get("country"), fields.get("city")
    subdivision = next((fields.pop(name) for name in ("subdivision", "state", "province") if fields.get(name)), None)
    for name in ("subdivision", "state", "province"):
        fields.pop(name, None)
    found: Any = None
    options = draft.details.get("location_options") or LocationOptions(languages=LANGUAGES)
    given = {"country": country, "subdivision": subdivision}
    for name in ("subdivision", "country"):
        if found is None and isinstance(given[name], str):
            place = Place(country=_text(country), subdivision=_text(subdivision) if name == "subdivision" else None)
            outcome = outcome_of(standardize_location(place, options))
            found = outcome.details
            if outcome.status != "ok":
                draft.issues[name] = outcome
    if found is not None:
        draft.issues.pop("country", None)
    parts = ("region", "iso2", "iso3", "numeric")
    fields.update({part: getattr(found, part, None) for part in parts})
    fields["country"] = found.name if found is not None else country
    fields["subdivision"] = (
        found.subdivision if found is not None and "subdivision" not in draft.issues else subdivision
    )
    fields["city"] = city
    known = (found.region, found.iso2, found.subdivision, city) if found is not None else ()
    draft.levels = [str(level) for level in known if level]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _product(draft: Draft) -> None:
    price = draft.details.get("price")
    if price is not None and price.currency and not draft.fields.get("currency"):
        draft.fields["currency"] = price.currency
    _path_from("category", "category_path", "path")(draft)


def _tags(value: Any) -> Outcome:
    """Sorted, case-folded, unique."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(tag, str) for tag in listed):
        return Outcome("invalid", reason="type: must be an array of strings")
    return Outcome("ok", sorted({clean_text(tag).casefold() for tag in listed} - {""}))


def _unit_name(value: Any) -> Outcome:
    """A unit alone ("kilogram") or a quantity ("500 g"), in the unit's canonical name, not converted."""
    if not isinstance(value, str):
        return Outcome("invalid", reason="type: must be a string")
    alone = not any(character.isdecimal() for character in value)
    outcome = outcome_of(
        STANDARDIZERS["unit"](f"1 {value}" if alone else value, options_for("unit", {"target_system": "none"}))
    )
    if outcome.status != "ok":
        return outcome
    unit = outcome.details.unit
    return Outcome("ok", unit if alone else f"{outcome.value} {unit}")


@cache
def record_type(data_type: DataType) -> RecordType:
    """The type of that name; its rules are made on first use, for they load the value tools."""
    return _TYPES[data_type]()


def _texts(*names: str) -> dict[str, FieldRule]:
    return dict.fromkeys(names, compile_rule({"type": "text"}, ""))


def _currencies(*more: str) -> FieldRule:
    return enum_rule((*more, *(currency.alpha_3 for currency in pycountry.currencies)))


def _record_type() -> RecordType:
    return RecordType({}, lambda draft: None, ())


def _account_type() -> RecordType:
    rules = _texts("raw_value", "account_number", "account_description", "cost_center")
    return RecordType(rules, _account, tuple(account_facts(None)))


def _location_type() -> RecordType:
    rules = _texts("country", "subdivision", "state", "province", "city")
    return RecordType(rules, _location, tuple(SCHEMAS["location"]))


def _product_type() -> RecordType:
    ean = compile_rule({"type": "identifier", "scheme": "ean"}, "")
    rules = {
        **_texts("product_id", "name", "description"),
        "ean": ean,
        "gtin": ean,
        "price": compile_rule({"type": "amount"}, ""),
        "unit": _unit_name,
        "currency": _currencies(),
    }
    return RecordType(rules, _product, ("product_id", "name", "price", "currency", "unit"))


def _book_type() -> RecordType:
    rules = {
        **_texts("book_id", "name", "entity", "description"),
        "currency": _currencies(),
        "country": compile_rule({"type": "country", "languages": list(LANGUAGES)}, ""),
        "book_type": enum_rule(("trading", "banking"), BOOK_SYNONYMS),
    }
    expected = ("book_id", "name", "entity", "currency", "country", "book_type")
    return RecordType(rules, _path_from("path", "raw_value"), expected)


def _measure_type() -> RecordType:
    rules = {
        **_texts("name", "description"),
        "measure_type": enum_rule(MEASURE_TYPES),
        "period": enum_rule(PERIODS, PERIOD_SYNONYMS),
        "currency": _currencies(*MEASURE_CURRENCIES),
    }
    return RecordType(rules, _path_from("path", "raw_value"), ("name", "measure_type", "period", "currency"))


def _catalog_type() -> RecordType:
    rules = {
        **_texts("name", "description"),
        "owner": compile_rule({"type": "email"}, ""),
        "updated_at": compile_rule({"type": "date"}, ""),
        "tags": _tags,
    }
    return RecordType(rules, _path_from("path"), ("name", "description", "owner", "updated_at", "tags"))


_TYPES: Mapping[DataType, Callable[[], RecordType]] = {
    "record": _record_type,
    "account": _account_type,
    "location": _location_type,
    "product": _product_type,
    "book": _book_type,
    "measure": _measure_type,
    "catalog": _catalog_type,
}


_TEXT = {"type": ["string", "null"]}
_FLAG = {"type": ["boolean", "null"]}
_ALPHA3 = {"type": ["string", "null"], "pattern": "^[A-Z]{3}$"}
_ALPHA2 = {"type": ["string", "null"], "pattern": "^[A-Z]{2}$"}
_EAN = {"type": ["string", "null"], "pattern": r"^\d{8,14}$"}
_DECIMAL = {"type": ["string", "null"], "pattern": r"^-?\d+(\.\d+)?$"}

SCHEMAS: Mapping[DataType, Mapping[str, Any]] = {
    "record": {},
    "account": {
        **dict.fromkeys(("raw_value", "account_number", "account_description", "cost_center"), _TEXT),
        "account_type": {"enum": [*ACCOUNT_TYPES, None]},
        "normal_balance": {"enum": ["debit", "credit", None]},
        "is_balance_sheet": _FLAG,
        "is_income_statement": _FLAG,
    },
    "location": {
        "region": _TEXT,
        "iso2": _ALPHA2,
        "iso3": _ALPHA3,
        "numeric": {"type": ["string", "null"], "pattern": r"^\d{3}$"},
        "country": _TEXT,
        "subdivision": {"type": ["string", "null"], "pattern": "^[A-Z]{2}-[A-Z0-9]{1,3}$"},
        "city": _TEXT,
    },
    "product": {
        **dict.fromkeys(("product_id", "name", "description", "unit", "category"), _TEXT),
        **dict.fromkeys(("ean", "gtin"), _EAN),
        "price": _DECIMAL,
        "currency": _ALPHA3,
    },
    "book": {
        **dict.fromkeys(("book_id", "name", "entity", "path"), _TEXT),
        "currency": _ALPHA3,
        "country": _ALPHA2,
        "book_type": {"enum": ["trading", "banking", None]},
    },
    "measure": {
        "name": _TEXT,
        "measure_type": {"enum": [*MEASURE_TYPES, None]},
        "period": {"enum": [*PERIODS, None]},
        "currency": {"anyOf": [_ALPHA3, {"enum": list(MEASURE_CURRENCIES)}]},
    },
    "catalog": {
        **dict.fromkeys(("name", "description", "updated_at", "path"), _TEXT),
        "owner": {"type": ["string", "null"], "format": "idn-email"},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}, "uniqueItems": True},
    },
}
"""The properties of a standardized record of each type."""


def schema_of(data_type: DataType) -> dict[str, Any]:
    """The JSON Schema 2020-12 of a standardized record."""
    return {"$schema": DIALECT, "title": data_type, "type": "object", "properties": dict(SCHEMAS[data_type])}


def raw_schema_of(data_type: DataType) -> dict[str, Any]:
    """The JSON Schema of what the built-in rules can read: texts and numbers, and tags as a list."""
    single = {"type": ["string", "number", "boolean", "null"]}
    named = {name: single for name in SCHEMAS[data_type] if name != "tags"}
    return {"$schema": DIALECT, "type": "object", "properties": named}
