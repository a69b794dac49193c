"""Places: 45 country names in six languages, subdivisions, names of several places, and the table of regions."""

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.standardize.locations import LocationOptions, describe, place_of, standardize_location
from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import InvalidArgumentError

SIX = ("en", "de", "fr", "es", "it", "ru")
NAMES = {
    "Germany": "DE", "Deutschland": "DE", "Allemagne": "DE", "Alemania": "DE", "Germania": "DE", "Германия": "DE",
    "United Kingdom": "GB", "Vereinigtes Königreich": "GB", "Royaume-Uni": "GB", "Reino Unido": "GB", "UK": "GB",
    "Great Britain": "GB", "Regno Unito": "GB", "Великобритания": "GB", "USA": "US", "United States": "US",
    "Vereinigte Staaten": "US", "États-Unis": "US", "Estados Unidos": "US", "Stati Uniti": "US", "Etats Unis": "US",
    "Ivory Coast": "CI", "Côte d'Ivoire": "CI", "South Korea": "KR", "North Korea": "KP", "Südkorea": "KR",
    "Corea del Sud": "KR", "Niger": "NE", "Nigeria": "NG", "Österreich": "AT", "Autriche": "AT", "Schweiz": "CH",
    "Suisse": "CH", "Svizzera": "CH", "Швейцария": "CH", "The Netherlands": "NL", "Holland": "NL", "Pays-Bas": "NL",
    "Czech Republic": "CZ", "Tschechien": "CZ", "Turkey": "TR", "Türkiye": "TR", "España": "ES", "Russia": "RU",
    "Viet Nam": "VN",
}  # fmt: skip


def read(value: object, **options: object) -> ValueResult:
    place = place_of(value)
    assert place is not None
    return standardize_location(place, LocationOptions(**options))


@pytest.mark.parametrize(("name", "code"), NAMES.items())
def test_country_names_of_six_languages_are_known(name: str, code: str) -> None:
    found = read(name, languages=SIX)
    assert (found.status, found.value) == ("ok", code)


def test_there_are_forty_five_names() -> None:
    assert len(NAMES) == 45


def test_country_is_described_by_iso_and_m49() -> None:
    details = read("Deutschland", languages=("de",)).details
    assert (details.iso2, details.iso3, details.numeric, details.name) == ("DE", "DEU", "276", "Germany")
    assert (details.region, details.subregion) == ("Europe", "Western Europe")
    assert read("Deutschland").status == "invalid"


@pytest.mark.parametrize("code", ["DE", "de", "DEU", "276"])
def test_codes_of_a_country_agree(code: str) -> None:
    assert read(code).value == "DE"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"country": "Germany", "subdivision": "Bayern"}, "DE-BY"),
        ({"country": "Germany", "subdivision": "Bavaria"}, "DE-BY"),
        ({"country": "Germany", "subdivision": "BY"}, "DE-BY"),
        ({"country": "DE", "subdivision": "DE-BY"}, "DE-BY"),
        ({"country": "Georgia", "subdivision": None}, "GE"),
        ({"subdivision": "Texas"}, "US-TX"),
        ({"country": "US", "subdivision": "Georgia"}, "US-GA"),
        ("Bayern", "DE-BY"),
        ("DE-BY", "DE-BY"),
        ("Scotland", "GB-SCT"),
    ],
)
def test_subdivisions_are_found_in_their_country(value: object, code: str) -> None:
    assert read(value).value == code


@pytest.mark.parametrize(
    ("name", "codes"),
    [("Korea", ("KP", "KR")), ("Congo", ("CD", "CG")), ("Georgia", ("GE", "US-GA")), ("Virgin Islands", ("VG", "VI"))],
)
def test_name_of_several_places_is_ambiguous(name: str, codes: tuple[str, ...]) -> None:
    found = read(name)
    assert (found.status, found.candidates) == ("ambiguous", codes)


@pytest.mark.parametrize(
    "value",
    ["", "Atlantis", {"city": "Berlin"}, {"country": "France", "subdivision": "Bayern"},
     {"country": "France", "subdivision": "DE-BY"}, {"country": " "}, {"country": "Atlantis", "subdivision": "Bayern"}],
)  # fmt: skip
def test_what_is_no_place_is_invalid(value: object) -> None:
    assert read(value).status == "invalid"


def test_fuzzy_takes_a_slip_and_lists_what_is_as_near() -> None:
    assert read("Germny").status == "invalid"
    assert read("Germny", fuzzy=True).value == "DE"
    assert set(read("Austrlia", fuzzy=True).candidates) == {"AU", "AT"}
    assert read("Xy", fuzzy=True, min_score=0.0).status == "invalid"


def test_place_is_a_text_or_its_parts() -> None:
    assert place_of(5) is None
    assert place_of({"land": "DE"}) is None
    assert place_of({"country": 5}) is None


def test_language_must_be_known() -> None:
    with pytest.raises(InvalidArgumentError, match="/languages"):
        LocationOptions(("xx",))


def test_every_country_but_two_has_one_region() -> None:
    without = {entry.alpha_2 for entry in pycountry.countries if describe(entry.alpha_2).region is None}
    assert without == {"AQ", "TW"}


@pytest.mark.parametrize("field", ["alpha_2", "alpha_3", "numeric", "name"])
def test_every_country_is_found_by_its_iso_code_and_name(field: str) -> None:
    wrong = {
        entry.alpha_2: read({"country": getattr(entry, field)}).value
        for entry in pycountry.countries
        if read({"country": getattr(entry, field)}).value != entry.alpha_2
    }
    # ISO names one of the two Congos plainly Congo; people do not.
    assert wrong == ({"CG": None} if field == "name" else {})


@given(st.sampled_from([entry.code for entry in pycountry.subdivisions]))
def test_every_subdivision_code_is_its_own_standard_form(code: str) -> None:
    assert read(code).value == code


@given(st.text(max_size=40), st.booleans())
def test_any_text_gets_an_answer(text: str, fuzzy: bool) -> None:
    found = read(text, fuzzy=fuzzy)
    assert found.status in ("ok", "ambiguous", "invalid")
    if found.value is not None:
        assert read(found.value).value == found.value
