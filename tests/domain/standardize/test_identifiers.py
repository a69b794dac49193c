"""Identifiers: published numbers of every scheme, each refused when one character changes."""

import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.a2a.mcp.domain.standardize.identifiers import (
    SCHEME_STANDARDS,
    SCHEMES,
    IdentifierOptions,
    standardize_identifier,
)
from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import InvalidArgumentError


def read(scheme: str, value: str, **options: object) -> ValueResult:
    return standardize_identifier(value, IdentifierOptions(scheme, **options))


PUBLISHED = [
    ("iban", "gb82 west 1234 5698 7654 32", "GB82WEST12345698765432", "GB82 WEST 1234 5698 7654 32"),
    ("iban", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00"),
    ("bic", "deutdeff", "DEUTDEFF", "DEUTDEFF"),
    ("isbn", "0-306-40615-2", "9780306406157", "978-0-306-40615-7"),
    ("isbn", "979-10-90636-07-1", "9791090636071", "979-10-90636-07-1"),
    ("issn", "0378-5955", "03785955", "0378-5955"),
    ("ean", "4006381333931", "4006381333931", "4006381333931"),
    ("ean", "96385074", "96385074", "96385074"),
    ("lei", "213800KUD8LAJWSQ9D15", "213800KUD8LAJWSQ9D15", "213800KUD8LAJWSQ9D15"),
    ("isin", "US0378331005", "US0378331005", "US0378331005"),
    ("cusip", "037833100", "037833100", "037833100"),
    ("vat", "DE 136 695 976", "DE136695976", "DE136695976"),
    ("vat", "EL 094259216", "EL094259216", "EL094259216"),
    ("vat", "GB 980 7806 84", "GB980780684", "GB980780684"),
    ("luhn", "4111 1111 1111 1111", "4111111111111111", "4111111111111111"),
    ("uuid", "{F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6}", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", None),
    ("uuid", "urn:uuid:f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", None),
    ("uuid", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000", None),
]


@pytest.mark.parametrize(("scheme", "value", "compact", "formatted"), PUBLISHED)
def test_published_identifier_is_verified_and_made_compact(
    scheme: str, value: str, compact: str, formatted: str | None
) -> None:
    found = read(scheme, value)
    assert (found.status, found.value, found.details.formatted) == ("ok", compact, formatted or compact)
    assert found.details.check_digit_ok is (None if scheme in ("bic", "uuid") else True)
    assert read(scheme, compact).value == compact


@pytest.mark.parametrize(
    ("scheme", "value", "reason"),
    [
        ("iban", "GB82 WEST 1234 5698 7654 33", "check_digit"),
        ("isbn", "0-306-40615-3", "check_digit"),
        ("isbn", "0306", "length"),
        ("isin", "US0378331006", "check_digit"),
        ("lei", "213800KUD8LAJWSQ9D16", "check_digit"),
        ("ean", "4006381333932", "check_digit"),
        ("luhn", "4111111111111112", "check_digit"),
        ("luhn", "41!1", "characters"),
        ("bic", "DEUT", "length"),
        ("bic", "12345678", "structure"),
        ("issn", "0378-595é", "characters"),
        ("vat", "DE136695977", "check_digit"),
        ("vat", "nonsense", "structure"),
        ("uuid", "f81d4fae7dec11d0a76500a0c91e6bf", "length"),
        ("uuid", "f81d4fae-7dec-f1d0-a765-00a0c91e6bf6", "structure"),
        ("uuid", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6", "characters"),
        ("iban", "", "length"),
    ],
)
def test_invalid_identifier_says_what_fails(scheme: str, value: str, reason: str) -> None:
    found = read(scheme, value)
    assert (found.status, found.value, found.reason) == ("invalid", None, reason)


def test_isbn_has_the_form_that_was_asked_for() -> None:
    assert read("isbn", "9780306406157", isbn_form=10).value == "0306406152"
    assert read("isbn", "9780306406157", isbn_form=10).details.formatted == "0-306-40615-2"
    assert read("isbn", "080442957X", isbn_form=10).value == "080442957X"
    assert read("isbn", "979-10-90636-07-1", isbn_form=10).status == "invalid"


def test_vat_number_without_a_country_is_ambiguous() -> None:
    found = read("vat", "136695976")
    assert found.status == "ambiguous"
    assert "DE136695976" in found.candidates
    assert read("vat", "136695976", country="DE").value == "DE136695976"


def test_country_belongs_to_vat_and_must_have_a_rule() -> None:
    for scheme, country in (("iban", "DE"), ("vat", "ZZ")):
        with pytest.raises(InvalidArgumentError, match="/country"):
            IdentifierOptions(scheme, country)


def test_every_scheme_names_its_standard() -> None:
    assert set(SCHEMES) == set(SCHEME_STANDARDS)


@given(st.sampled_from(["iban", "isbn", "issn", "ean", "isin", "luhn"]), st.data())
def test_no_single_wrong_digit_passes(scheme: str, data: st.DataObject) -> None:
    compact = next(row[2] for row in PUBLISHED if row[0] == scheme)
    places = [place for place, mark in enumerate(compact) if mark.isdigit()]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from("0123456789"))
    assume(digit != compact[place])
    assert read(scheme, compact[:place] + digit + compact[place + 1 :]).status == "invalid"


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18))
def test_lei_check_digits_are_those_of_iso_7064(stem: str) -> None:
    numbers = "".join(str(int(mark, 36)) for mark in stem)
    check = 98 - int(numbers + "00") % 97
    assert read("lei", f"{stem}{check:02}").status == "ok"
    assert read("lei", f"{stem}{check % 97 + 1:02}").status == ("ok" if check % 97 + 1 == check else "invalid")


@given(st.uuids(version=4))
def test_uuid_is_read_in_every_spelling(value: uuid.UUID) -> None:
    spellings = [str(value), value.hex.upper(), value.urn, "{" + str(value) + "}"]
    assert {read("uuid", spelling).value for spelling in spellings} == {str(value)}


@given(st.sampled_from(SCHEMES), st.text(max_size=40))
def test_any_text_gets_an_answer(scheme: str, text: str) -> None:
    assert read(scheme, text).status in ("ok", "ambiguous", "invalid")
