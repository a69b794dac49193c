"""Records by type and by rule: the catalogue's pairs, canonical form as a fixed point, and no silent guesses."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.standardize.accounts import account_facts, account_type
from app.a2a.mcp.domain.standardize.field_rules import RULE_TYPES, clean_text
from app.a2a.mcp.domain.standardize.record_types import DATA_TYPES, DataType, schema_of, split_path
from app.a2a.mcp.domain.standardize.records import OnError, Plan, StandardRecord, standardize_records
from app.a2a.mcp.domain.standardize.schema_check import SchemaCheck
from app.a2a.mcp.errors import InvalidArgumentError


def one(data_type: DataType, item: dict[str, Any], **options: Any) -> StandardRecord:
    return standardize_records([item], Plan(data_type, **options))[0]


def test_location_finds_its_codes_and_its_place() -> None:
    found = one("location", {"country": "Deutschland", "state": "Bayern", "city": "  München "})
    assert found.standardized == {
        "region": "Europe",
        "iso2": "DE",
        "iso3": "DEU",
        "numeric": "276",
        "country": "Germany",
        "subdivision": "DE-BY",
        "city": "München",
    }
    assert (found.hierarchy_path, found.completeness, found.status) == ("Europe/DE/DE-BY/München", 1.0, "ok")


def test_location_keeps_its_country_where_the_subdivision_is_unknown() -> None:
    found = one("location", {"country": "Germany", "state": "Nowhere"}, on_error="null")
    assert (found.standardized["iso2"], found.standardized["subdivision"]) == ("DE", None)
    assert ([issue.field for issue in found.issues], found.hierarchy_path) == (["subdivision"], "Europe/DE")


def test_country_with_two_readings_is_ambiguous_and_lists_both() -> None:
    found = one("location", {"country": "Korea"})
    assert (found.status, found.standardized["country"], found.standardized["iso2"]) == ("ambiguous", "Korea", None)
    assert "KP, KR" in found.issues[0].reason


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"raw_value": "Assets → Current Assets → Cash"}, "asset"),
        ({"raw_value": "Liabilities > Loans"}, "liability"),
        ({"raw_value": "Revenue/Sales"}, "revenue"),
        ({"account_description": "Prepaid rent"}, "asset"),
        ({"account_description": "Sales tax payable"}, "liability"),
        ({"account_description": "Retained earnings"}, "equity"),
        ({"account_description": "Rent expense"}, "expense"),
        ({"account_description": "Cash sales"}, None),
        ({"account_number": "4711"}, None),
    ],
)
def test_account_type_follows_published_terms_or_is_left_open(item: dict[str, str], kind: str | None) -> None:
    found = one("account", item)
    assert found.standardized["account_type"] == kind
    assert ("account_type" in [issue.field for issue in found.issues]) is (kind is None)


@pytest.mark.parametrize(
    ("kind", "balance", "sheet"),
    [
        ("asset", "debit", True),
        ("expense", "debit", False),
        ("liability", "credit", True),
        ("equity", "credit", True),
        ("revenue", "credit", False),
    ],
)
def test_accounting_identity(kind: str, balance: str, sheet: bool) -> None:
    facts = account_facts(kind)
    assert (facts["normal_balance"], facts["is_balance_sheet"], facts["is_income_statement"]) == (
        balance,
        sheet,
        not sheet,
    )
    assert account_type(kind.capitalize(), None) == kind


def test_product_book_measure_and_catalog_follow_their_rules() -> None:
    product = one("product", {"ean": "4006381333931", "price": "$9.99", "unit": "kilogram", "category": "A > B"})
    assert {name: product.standardized[name] for name in ("ean", "price", "currency", "unit")} == {
        "ean": "4006381333931",
        "price": "9.99",
        "currency": "USD",
        "unit": "kg",
    }
    assert (product.hierarchy["l1"], product.hierarchy["l2"], product.hierarchy["l3"]) == ("A", "B", None)
    book = one("book", {"book_type": "Held for Trading", "currency": "eur", "country": "Deutschland"})
    assert book.standardized == {"book_type": "trading", "currency": "EUR", "country": "DE"}
    measure = one("measure", {"measure_type": "ACTUAL", "period": "YTD", "currency": "constant fx"})
    assert measure.standardized == {"measure_type": "actual", "period": "period_to_date", "currency": "constant_fx"}
    catalog = one("catalog", {"owner": "Jane@BÜCHER.de", "updated_at": "4 March 2025", "tags": ["B", "a", " b "]})
    assert catalog.standardized == {"owner": "Jane@bücher.de", "updated_at": "2025-03-04", "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("on_error", "left"), [("keep", {"d": "31.31.", "t": "x"}), ("null", {"d": None, "t": "x"}), ("drop", {"t": "x"})]
)
def test_field_that_fails_is_kept_nulled_or_dropped(on_error: OnError, left: dict[str, Any]) -> None:
    found = one("record", {"d": "31.31.", "t": " x "}, field_rules={"d": {"type": "date"}}, on_error=on_error)
    assert (found.standardized, found.status, found.original["d"]) == (left, "invalid", "31.31.")
    assert found.completeness == 0.5


def test_field_rules_cover_text_boolean_and_enum() -> None:
    rules: dict[str, dict[str, Any]] = {
        "t": {"type": "text", "case": "upper", "repair_mojibake": True},
        "b": {"type": "boolean"},
        "e": {"type": "enum", "values": ["In Stock", "Sold"]},
        "n": {"type": "number", "locale": "de_DE"},
    }
    found = one("record", {"t": "schÃ¶n\u0007", "b": "Yes", "e": "in_stock", "n": "1.234,5"}, field_rules=rules)
    assert found.standardized == {"t": "SCHÖN", "b": True, "e": "In Stock", "n": "1234.5"}
    found = one("record", {"t": [], "b": "maybe", "e": "gone", "n": True}, field_rules=rules)
    assert ([issue.field for issue in found.issues], found.status) == (["t", "b", "e", "n"], "invalid")


def test_country_rule_of_a_location_says_the_languages_and_other_rules_are_refused() -> None:
    only_english = {"country": {"type": "country", "languages": ["en"]}}
    assert one("location", {"country": "Deutschland"}, field_rules=only_english).status == "invalid"
    assert one("location", {"country": "Germany"}, field_rules=only_english).standardized["iso2"] == "DE"
    with pytest.raises(InvalidArgumentError):
        one("location", {"country": "DE"}, field_rules={"state": {"type": "text"}})


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ({}, "/options/field_rules"),
        ({"a/b": {"type": "colour"}}, "/options/field_rules/a~1b/type"),
        ({"a": {}}, "/options/field_rules/a/type"),
        ({"a": {"type": "date", "order": "XYZ"}}, "/options/field_rules/a/order"),
        ({"a": {"type": "enum"}}, "/options/field_rules/a/values"),
        ({"a": {"type": "text", "case": []}}, "/options/field_rules/a/case"),
        ({"a": {"type": "boolean", "x": 1}}, "/options/field_rules/a/x"),
        ({"a": {"type": ["date"]}}, "/options/field_rules/a/type"),
    ],
)
def test_rule_that_cannot_be_meant_is_refused_where_it_stands(rules: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        one("record", {"a": 1}, field_rules=rules)
    assert refused.value.details[0].path == path


def test_reading_what_was_written_changes_nothing() -> None:
    items: dict[DataType, dict[str, Any]] = {
        "account": {"raw_value": "Equity → Capital"},
        "location": {"country": "Frankreich", "city": "Paris"},
        "product": {"price": "$1.50", "unit": "500 g", "ean": "4006381333931"},
        "book": {"book_type": "banking book", "currency": "usd", "country": "Japan"},
        "measure": {"period": "monthly", "measure_type": "plan", "currency": "EUR"},
        "catalog": {"tags": "b, A", "updated_at": "2025-01-02"},
    }
    for data_type, item in items.items():
        first = one(data_type, item)
        again = one(data_type, dict(first.standardized))
        assert (again.standardized, again.status) == (first.standardized, "ok")


@given(st.text(max_size=60))
def test_clean_text_is_a_fixed_point_without_controls(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned == cleaned.strip()
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in cleaned)


@given(
    st.sampled_from([name for name in DATA_TYPES if name != "record"]),
    st.dictionaries(
        st.sampled_from(["country", "state", "city", "raw_value", "price", "unit", "tags", "currency", "owner", "ean"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=12), st.lists(st.text(max_size=3))),
        max_size=5,
    ),
)
def test_any_record_gets_an_answer_that_fits_its_schema_where_it_says_ok(data_type: DataType, item: Any) -> None:
    found = one(data_type, item)
    assert 0 <= found.completeness <= 1
    assert (found.status == "ok") is (not found.issues)
    if found.status == "ok":
        assert SchemaCheck(schema_of(data_type)).errors(dict(found.standardized)) == []


def test_paths_split_and_every_schema_is_usable() -> None:
    assert split_path(" A → B>C / D/E") == ["A", "B", "C", "D"]
    assert split_path(None) == []
    for data_type in DATA_TYPES:
        assert SchemaCheck(schema_of(data_type), "strict").errors({}) == []


@pytest.mark.parametrize("kind", RULE_TYPES)
def test_forty_thousand_values_of_a_type_are_bounded_in_time(kind: str) -> None:
    spec: dict[str, Any] = {"type": kind}
    spec |= {"values": ["a", "b"]} if kind == "enum" else {"scheme": "iban"} if kind == "identifier" else {}
    items = [{f"f{column}": f"{row} text {column}" for column in range(40)} for row in range(1000)]
    rules = {f"f{column}": spec for column in range(40)}
    began = time.process_time()
    standardize_records(items, Plan("record", rules))
    assert time.process_time() - began < 12
