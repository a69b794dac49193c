"""Standardizers by the type of a field: which there are, and how their options are checked."""

import pytest

from app.a2a.mcp.domain.standardize.dispatch import FIELD_TYPES, STANDARDIZERS, options_for, warm_up
from app.a2a.mcp.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("field_type", "value", "options", "expected"),
    [
        ("date", "03/04/2025", {"order": "DMY"}, "2025-04-03"),
        ("amount", "1.234,56 €", {"locale": "de_DE"}, "1234.56"),
        ("amount", 12.5, {"locale": "de_DE"}, "12.5"),
        ("number", "1,234", {}, "1234"),
        ("unit", "1 lb", {"target_unit": "kg"}, "0.45359237"),
        ("phone", "(650) 253-0000", {"default_region": "US"}, "+16502530000"),
        ("email", "a@EXAMPLE.org", {}, "a@example.org"),
        ("url", "HTTP://example.org", {}, "http://example.org/"),
        ("country", "Georgia", {}, "GE"),
        ("country", "Deutschland", {"languages": ["de"]}, "DE"),
        ("subdivision", {"country": "Germany", "subdivision": "Bayern"}, {}, "DE-BY"),
        ("subdivision", "Texas", {}, "US-TX"),
        ("identifier", "0-306-40615-2", {"scheme": "isbn"}, "9780306406157"),
    ],
)
def test_value_is_standardized_by_the_type_of_its_field(
    field_type: str, value: object, options: dict[str, object], expected: str
) -> None:
    assert STANDARDIZERS[field_type](value, options_for(field_type, options)).value == expected


@pytest.mark.parametrize("value", [None, True, [], {}, {"x": 1}])
@pytest.mark.parametrize("field_type", FIELD_TYPES)
def test_value_of_another_type_is_invalid(field_type: str, value: object) -> None:
    options = options_for(field_type, {"scheme": "iban"} if field_type == "identifier" else {})
    assert STANDARDIZERS[field_type](value, options).status == "invalid"


@pytest.mark.parametrize(
    ("field_type", "options", "path"),
    [
        ("date", {"order": "XYZ"}, "/order"),
        ("date", {"two_digit_year_pivot": 100}, "/two_digit_year_pivot"),
        ("date", {"colour": 1}, "/colour"),
        ("date", {"default_timezone": "Mars"}, "/default_timezone"),
        ("phone", {"kind": "url"}, "/kind"),
        ("identifier", {}, "/scheme"),
        ("unit", {"target_unit": "furlongs per fortnight cubed"}, "/target_unit"),
        ("country", {"languages": ["xx"]}, "/languages"),
        ("country", {"fuzzy": "yes"}, "/fuzzy"),
    ],
)
def test_bad_option_is_refused_at_its_place(field_type: str, options: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        options_for(field_type, options)
    assert refused.value.details[0].path == path


def test_warming_up_reads_every_table() -> None:
    warm_up()
