"""Amounts: the catalogue's pairs, CLDR's own formatting read back, ISO 4217 minor units, signs and refusals."""

from decimal import Decimal

import pytest
from babel.numbers import format_currency, format_decimal, get_territory_currencies
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.standardize.amounts import (
    AmountOptions,
    NumberOptions,
    standardize_amount,
    standardize_number,
)
from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import InvalidArgumentError

LOCALES = (
    "en_US",
    "en_GB",
    "en_IN",
    "de_DE",
    "de_CH",
    "de_AT",
    "fr_FR",
    "fr_CH",
    "es_ES",
    "es_MX",
    "it_IT",
    "pt_BR",
    "pt_PT",
    "nl_NL",
    "sv_SE",
    "da_DK",
    "nb_NO",
    "fi_FI",
    "pl_PL",
    "cs_CZ",
    "hu_HU",
    "ro_RO",
    "el_GR",
    "tr_TR",
    "uk_UA",
    "he_IL",
    "ar_EG",
    "hi_IN",
    "th_TH",
    "id_ID",
    "vi_VN",
    "zh_CN",
    "ja_JP",
    "ko_KR",
)


def read(value: object, **options: object) -> ValueResult:
    return standardize_amount(value, AmountOptions(**options))


@pytest.mark.parametrize(
    ("value", "locale", "expected", "currency", "minor_units"),
    [
        ("1.234,56 €", "de_DE", "1234.56", "EUR", 123456),
        ("¥1,235", "ja_JP", "1235", "JPY", 1235),
        ("￥1,235", "ja_JP", "1235", "JPY", 1235),
        ("¥5", "zh_CN", "5", "CNY", 500),
        ("1 234,56", "fr_FR", "1234.56", None, None),
        ("1'234.50", "de_CH", "1234.50", None, None),
        ("CHF 1’234.50", "de_CH", "1234.50", "CHF", 123450),
        ("12,34,567.00", "en_IN", "1234567.00", None, None),
        ("$5", "en_CA", "5", "CAD", 500),
        ("US$5", "en_CA", "5", "USD", 500),
        ("5 BHD", "en_US", "5", "BHD", 5000),
        ("5 XAU", "en_US", "5", "XAU", None),
        ("kr 5", "sv_SE", "5", "SEK", 500),
        ("0.005", "en_US", "0.005", None, None),
        ("１２３", "en_US", "123", None, None),
    ],
)
def test_amount_is_read_as_its_locale_writes_it(
    value: str, locale: str, expected: str, currency: str | None, minor_units: int | None
) -> None:
    found = read(value, locale=locale)
    assert (found.status, found.value) == ("ok", expected)
    assert (found.details.currency, found.details.minor_units) == (currency, minor_units)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("(1,234.50)", "parentheses"),
        ("-1,234.50", "minus"),
        ("−1,234.50", "minus"),
        ("1,234.50-", "trailing"),
        ("$-1,234.50", "minus"),
        ("-$1,234.50", "minus"),
        ("($1,234.50)", "parentheses"),
        ("$(1,234.50)", "parentheses"),
    ],
)
def test_each_way_to_write_a_minus_is_read_and_named(value: str, form: str) -> None:
    found = read(value)
    assert (found.value, found.details.negative_form) == ("-1234.50", form)


@pytest.mark.parametrize(
    ("value", "locale", "codes"),
    [("$5", "de_DE", {"USD", "CAD", "AUD"}), ("$5", "en", {"USD", "MXN"}), ("¥5", "en_US", {"CNY", "JPY"})],
)
def test_symbol_of_several_currencies_is_ambiguous_outside_their_territories(
    value: str, locale: str, codes: set[str]
) -> None:
    found = read(value, locale=locale)
    assert found.status == "ambiguous"
    assert {f"5 {code}" for code in codes} <= set(found.candidates)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1,23",
        "12,345,67",
        "1.2.3",
        "1e5",
        "NaN",
        "Infinity",
        "--5",
        "(-5)",
        "5%",
        "1.5M",
        "1_000",
        "ABC 12",
        "DEM 5",
    ],
)
def test_what_is_no_amount_is_invalid(value: str) -> None:
    found = read(value)
    assert (found.status, found.value) == ("invalid", None)
    assert found.reason


def test_rounding_is_to_the_minor_unit_and_only_when_asked() -> None:
    assert read("1.005", default_currency="USD").details.minor_units is None
    assert read("1.005", default_currency="USD", rounding="half_even").value == "1.00"
    assert read("1.005", default_currency="USD", rounding="half_up").value == "1.01"
    assert read("1.5", default_currency="JPY", rounding="half_even").value == "2"


def test_currency_can_be_required_and_has_to_exist() -> None:
    assert read("5", currency_required=True).reason == "currency: missing"
    assert read("5", currency_required=True, default_currency="EUR").details.currency == "EUR"
    with pytest.raises(InvalidArgumentError, match="/default_currency"):
        AmountOptions(default_currency="ABC")
    with pytest.raises(InvalidArgumentError, match="/locale"):
        AmountOptions(locale="xx_YY")


def test_no_digit_of_a_long_number_is_lost() -> None:
    digits = "123456789" * 9
    assert read(f"{int(digits):,}.5").value == f"{digits}.5"
    assert read("1,234" * 200).status == "invalid"


def test_default_currency_settles_a_shared_symbol_that_the_territory_leaves_open() -> None:
    assert read("$5", locale="en", default_currency="CAD").details.currency == "CAD"
    assert read("$5", locale="en_US", default_currency="CAD").details.currency == "USD"
    assert read("$5", locale="de_DE", default_currency="EUR").status == "ambiguous"


def test_json_numbers_are_taken_as_they_are() -> None:
    assert read(12.5, locale="de_DE").value == "12.5"
    assert read(-3).value == "-3"
    assert read(None).status == "invalid"


def test_plain_number_has_no_currency() -> None:
    assert standardize_number("1.234,5", NumberOptions("de_DE")).value == "1234.5"
    assert standardize_number("1 €", NumberOptions("de_DE")).status == "invalid"


@pytest.mark.parametrize("locale", LOCALES)
def test_what_cldr_writes_is_read_back(locale: str) -> None:
    code = get_territory_currencies(locale.partition("_")[2])[0]
    for number in ("1234.56", "-1234567.89", "0.50"):
        written = format_currency(Decimal(number), code, locale=locale, currency_digits=False)
        found = read(written, locale=locale)
        assert (found.status, found.details and found.details.currency) == ("ok", code), written
        assert Decimal(found.value) == Decimal(number)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_standard_amount_is_its_own_standard_form(number: Decimal) -> None:
    first = read(format(number, "f"))
    assert read(first.value).value == first.value
    assert Decimal(first.value) == number


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.sampled_from(LOCALES),
)
def test_decimal_written_in_a_locale_is_read_in_it(number: Decimal, locale: str) -> None:
    found = standardize_number(format_decimal(number, locale=locale, decimal_quantization=False), NumberOptions(locale))
    assert Decimal(found.value) == number


@given(st.text(max_size=40))
def test_any_text_gets_an_answer(text: str) -> None:
    assert read(text).status in ("ok", "ambiguous", "invalid")
