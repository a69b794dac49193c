"""Countries and subdivisions to ISO 3166 codes, with their UN M49 region."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, TypeAlias

from pydantic import Field

from app.a2a.mcp.domain.standardize import country_names as names
from app.a2a.mcp.domain.standardize.locales import locale_named
from app.a2a.mcp.domain.standardize.values import ValueResult

Languages: TypeAlias = Annotated[
    tuple[Annotated[str, Field(min_length=2, max_length=20)], ...], Field(min_length=1, max_length=10, strict=False)
]
Score: TypeAlias = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class LocationOptions:
    """The languages of country names, and whether a name need only be like one, and how like (0..1)."""

    languages: Languages = ("en",)
    fuzzy: bool = False
    min_score: Score = 0.9

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError for a language that CLDR does not have."""
        for language in self.languages:
            locale_named(language, "/languages")


@dataclass(frozen=True, slots=True)
class Place:
    """A place by its parts; `text` for one name or code that may be a country's or a subdivision's."""

    country: str | None = None
    subdivision: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class LocationDetails:
    """ISO 3166 codes with English names of countries and local names of subdivisions; UN M49 region and sub-region."""

    iso2: str
    iso3: str
    numeric: str
    name: str
    subdivision: str | None
    subdivision_name: str | None
    region: str | None
    subregion: str | None


def place_of(value: object) -> Place | None:
    """The place that a JSON value names: text, or {country?, subdivision?, city?}; None where it is neither."""
    if isinstance(value, str):
        return Place(text=value)
    if not isinstance(value, Mapping) or not value.keys() <= {"country", "subdivision", "city"}:
        return None
    parts = [value.get(part) for part in ("country", "subdivision")]
    if not all(part is None or isinstance(part, str) for part in parts):
        return None
    return Place(*(part or None for part in parts))


def standardize_location(place: Place, options: LocationOptions) -> ValueResult[LocationDetails]:
    """Find a place's code: the subdivision's where one is given, else the country's.

    A bare text is a country's code or name, or a subdivision's; where a name is both, the country comes first, except
    for names that are as well known for a state (Georgia), which are ambiguous.
    """
    if place.text is not None:
        codes = _bare(place.text, options)
    elif place.country and place.country.strip():
        codes = _country(place.country, options)
        if place.subdivision and place.subdivision.strip() and codes:
            return _within(codes, place.subdivision)
    elif place.subdivision and place.subdivision.strip():
        codes = names.subdivisions_of(place.subdivision, None)
    else:
        return ValueResult.invalid("empty")
    return _chosen(codes, "name: no such country or subdivision")


def _bare(text: str, options: LocationOptions) -> tuple[str, ...]:
    if not text.strip():
        return ()
    both = names.homographs(text)
    return both or names.codes_of(text, options.languages) or names.subdivisions_of(text, None) or _like(text, options)


def _country(text: str, options: LocationOptions) -> tuple[str, ...]:
    return names.codes_of(text, options.languages) or _like(text, options)


def _like(text: str, options: LocationOptions) -> tuple[str, ...]:
    return names.alike(text, options.languages, options.min_score) if options.fuzzy else ()


def _within(codes: tuple[str, ...], subdivision: str) -> ValueResult[LocationDetails]:
    """The subdivision in whichever of the countries has it."""
    found = [code for country in codes for code in names.subdivisions_of(subdivision, country[:2])]
    return _chosen(tuple(dict.fromkeys(found)), "subdivision: that country has none of that name")


def _chosen(codes: tuple[str, ...], reason: str) -> ValueResult[LocationDetails]:
    if not codes:
        return ValueResult.invalid(reason)
    if len(codes) > 1:
        return ValueResult.ambiguous(codes, "name: several places have it")
    return ValueResult.ok(codes[0], describe(codes[0]))


def describe(code: str) -> LocationDetails:
    """What there is to say of an ISO 3166-1 alpha-2 or 3166-2 code."""
    country = names.countries()[code[:2]]
    subdivision = names.subdivisions().get(code)
    region, subregion = _regions().get(country.iso2, (None, None))
    return LocationDetails(
        iso2=country.iso2,
        iso3=country.iso3,
        numeric=country.numeric,
        name=country.name,
        subdivision=subdivision.code if subdivision else None,
        subdivision_name=subdivision.name if subdivision else None,
        region=region,
        subregion=subregion,
    )


@cache
def _regions() -> Mapping[str, tuple[str, str]]:
    """UN M49 region and sub-region by alpha-2 code."""
    table = json.loads(files("app.a2a.mcp.domain.standardize").joinpath("regions.json").read_text("utf-8"))
    return {
        code: (region, subregion)
        for region, parts in table["regions"].items()
        for subregion, codes in parts.items()
        for code in codes.split()
    }
