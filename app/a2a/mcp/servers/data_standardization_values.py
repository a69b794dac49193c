"""The six value tools of data_standardization: a list of values in, each in canonical form or with what hinders it.

The menu of the server (data_standardization_mcp_server.py) takes them in by `declare_value_tools(server)`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.core import Call, Server
from app.a2a.mcp.domain.standardize.amounts import (
    AmountOptions,
    CurrencyCode,
    LocaleId,
    Rounding,
    standardize_amount,
)
from app.a2a.mcp.domain.standardize.contact_points import (
    ContactKind,
    ContactOptions,
    Region,
    standardize_contact_point,
)
from app.a2a.mcp.domain.standardize.dates import (
    DateKind,
    DateOptions,
    DateOrder,
    Name,
    TwoDigitPivot,
    standardize_date,
)
from app.a2a.mcp.domain.standardize.identifiers import (
    CountryCode,
    IdentifierOptions,
    IsbnForm,
    Scheme,
    standardize_identifier,
)
from app.a2a.mcp.domain.standardize.locations import LocationOptions, Place, Score, place_of, standardize_location
from app.a2a.mcp.domain.standardize.units import (
    PrecisionDigits,
    UnitName,
    UnitOptions,
    UnitSystem,
    standardize_unit,
)
from app.a2a.mcp.domain.standardize.values import MAX_VALUE_CHARACTERS, MAX_VALUES, ValueResult
from app.a2a.mcp.servers.data_standardization_value_results import (
    AmountItem,
    ContactItem,
    DateItem,
    IdentifierItem,
    LocationItem,
    PlaceParts,
    Quantity,
    StandardAmounts,
    StandardContactPoints,
    StandardDates,
    StandardIdentifiers,
    StandardLocations,
    StandardUnits,
    UnitItem,
    ValueItem,
    ValueSummary,
)

Text = Annotated[str, Field(max_length=MAX_VALUE_CHARACTERS)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MAX_VALUES)]
Language = Annotated[str, Field(min_length=2, max_length=20)]
ItemT = TypeVar("ItemT", bound=ValueItem)


async def standardize_dates(
    call: Call[Any],
    values: Texts,
    order: Annotated[
        DateOrder | None, Field(description="of numeric dates; without it 03/04/2025 is ambiguous")
    ] = None,
    default_timezone: Annotated[Name | None, Field(description="IANA zone of times that name none")] = None,
    output_timezone: Annotated[Name | None, Field(description="IANA zone to convert times to")] = None,
    kind: Annotated[DateKind, Field(description="what every value must be; auto takes any")] = "auto",
    two_digit_year_pivot: Annotated[
        TwoDigitPivot, Field(description="two-digit years under it are 20xx, the others 19xx")
    ] = 69,
    locale: Annotated[Name, Field(description="CLDR locale of month names")] = "en",
) -> StandardDates:
    """Turn dates and times as people or programs wrote them into ISO 8601, without ever guessing.

    Use it for columns of mixed dates; not for relative words such as "tomorrow". ISO forms (also week and ordinal
    dates), numeric dates and month names are read. What has two readings - 03/04/2025 without `order`, a local time
    that clocks showed twice - is ambiguous with both as candidates; 2025-02-29 is invalid. A value keeps the
    precision it came with: "March 2025" is 2025-03. Example: "03/04/2025" with order DMY → "2025-04-03".
    """
    options = DateOptions(order, default_timezone, output_timezone, kind, two_digit_year_pivot, locale)
    found = await call.run(_each, standardize_date, values, options)
    return StandardDates(results=_items(DateItem, values, found), summary=_summary(found))


async def standardize_amounts(
    call: Call[Any],
    values: Texts,
    locale: Annotated[LocaleId, Field(description="CLDR locale: its marks are read, its $ is meant")] = "en_US",
    default_currency: Annotated[
        CurrencyCode | None, Field(description="ISO 4217, where a value names none or a $ of several")
    ] = None,
    currency_required: Annotated[bool, Field(description="refuse values without a currency")] = False,
    rounding: Annotated[Rounding, Field(description="to the currency's minor unit; none keeps every digit")] = "none",
) -> StandardAmounts:
    """Turn numbers and money written for people into exact decimals, with the ISO 4217 currency and minor units.

    Use it for prices and balances as text; for 5 ft or 3 kg take standardize_units. The locale decides what comma and
    point mean: "1,23" is invalid in en_US. Minus signs, (1,234.50) and 5- are negative. "$" means the currency of the
    locale's territory; where that has no dollar and default_currency names none, it is ambiguous. Example:
    "1.234,56 €" with locale de_DE → "1234.56", EUR, minor_units 123456.
    """
    options = AmountOptions(locale, default_currency, currency_required, rounding)
    found = await call.run(_each, standardize_amount, values, options)
    return StandardAmounts(results=_items(AmountItem, values, found), summary=_summary(found))


async def standardize_units(
    call: Call[Any],
    values: Annotated[list[Text | Quantity], Field(min_length=1, max_length=MAX_VALUES)],
    target_unit: Annotated[UnitName | None, Field(description="e.g. kg, km/h, degC, m**2")] = None,
    target_system: Annotated[
        UnitSystem | None, Field(description="si: SI base units, the default without target_unit · none: as written")
    ] = None,
    precision_digits: Annotated[PrecisionDigits, Field(description="significant digits of the result")] = 15,
) -> StandardUnits:
    """Convert physical quantities to one unit, exactly: "5 ft", "6 ft 2 in", "100 °F" or {value, unit}.

    Use it for lengths, masses, temperatures and the like; for money take standardize_amounts. Names that differ by
    country or trade (gallon, pint, ton, cup, and the letters C and F) are ambiguous unless target_unit settles them:
    write US_liquid_gallon, imperial_gallon, metric_ton, degC. `exact` says whether a digit was rounded. Example:
    "1 lb" with target_unit kg → "0.45359237"; "1 m" to kg is invalid, dimension mismatch length ≠ mass.
    """
    options = UnitOptions(target_unit, target_system, precision_digits)
    found = await call.run(_each, standardize_unit, _plain(values), options)
    return StandardUnits(results=_items(UnitItem, values, found), summary=_summary(found))


async def standardize_contact_points(
    call: Call[Any],
    values: Texts,
    kind: ContactKind,
    default_region: Annotated[
        Region | None, Field(description="ISO 3166-1 alpha-2 of phone numbers without +, such as GB")
    ] = None,
    lowercase_local_part: Annotated[bool, Field(description="fold Jane@ to jane@; mail servers may care")] = False,
) -> StandardContactPoints:
    """Turn phone numbers into E.164, e-mail addresses and URLs into their normal form, each checked by its rules.

    Use it before comparing or storing contacts. Nothing is asked of the network: a valid address need not exist, and
    to see whether an endpoint answers take probe_endpoint. A national phone number needs default_region. Example:
    phone "(650) 253-0000" with default_region US → "+16502530000"; url "eXAMPLE://a/./b/../b/%63/%7bfoo%7d" →
    "example://a/b/c/%7Bfoo%7D".
    """
    options = ContactOptions(kind, default_region, lowercase_local_part)
    found = await call.run(_each, standardize_contact_point, values, options)
    return StandardContactPoints(results=_items(ContactItem, values, found), summary=_summary(found))


async def standardize_locations(
    call: Call[Any],
    values: Annotated[list[Text | PlaceParts], Field(min_length=1, max_length=MAX_VALUES)],
    languages: Annotated[
        list[Language] | None, Field(min_length=1, max_length=10, description="of country names; absent: en")
    ] = None,
    fuzzy: Annotated[bool, Field(description="also take country names that are only like one")] = False,
    min_score: Annotated[Score, Field(description="how like, with fuzzy")] = 0.9,
) -> StandardLocations:
    """Turn names and codes of countries and their subdivisions into ISO 3166 codes, with the UN M49 region.

    Use it for country and state columns; it knows no cities or street addresses. A bare name is read as a country's,
    then as a subdivision's; names of several places (Korea, Congo, Georgia) are ambiguous: give {country} or
    {country, subdivision}. Example: "Deutschland" with languages ["de"] → "DE", Europe, Western Europe; {country:
    "Germany", subdivision: "Bayern"} → "DE-BY".
    """
    options = LocationOptions(tuple(languages or ("en",)), fuzzy, min_score)
    places = [place_of(value) or Place() for value in _plain(values)]
    found = await call.run(_each, standardize_location, places, options)
    return StandardLocations(results=_items(LocationItem, values, found), summary=_summary(found))


async def standardize_identifiers(
    call: Call[Any],
    values: Texts,
    scheme: Annotated[Scheme, Field(description="luhn: any number with that check digit, such as a payment card's")],
    country: Annotated[CountryCode | None, Field(description="of VAT numbers written without one")] = None,
    isbn_form: Annotated[IsbnForm, Field(description="digits of the ISBNs returned")] = 13,
) -> StandardIdentifiers:
    """Verify identifiers - IBAN, BIC, ISBN, ISSN, EAN, LEI, ISIN, CUSIP, VAT, Luhn, UUID - and make them compact.

    Use it to catch mistyped numbers and to compare those written with spaces or hyphens; it cannot tell whether an
    account or a book exists. The reason of an invalid one begins with length, characters, check_digit or structure.
    Example: iban "gb82 west 1234 5698 7654 32" → "GB82WEST12345698765432"; isbn "0-306-40615-2" → "9780306406157".
    """
    options = IdentifierOptions(scheme, country, isbn_form)
    found = await call.run(_each, standardize_identifier, values, options)
    return StandardIdentifiers(results=_items(IdentifierItem, values, found), summary=_summary(found))


TOOLS: tuple[tuple[Callable[..., Any], tuple[Mapping[str, Any], ...]], ...] = (
    (standardize_dates, ({"values": ["03/04/2025", "2009-W01-1", "4 March 2025"], "order": "DMY"},)),
    (standardize_amounts, ({"values": ["1.234,56 €"], "locale": "de_DE"}, {"values": ["(1,234.50)", "$5"]})),
    (standardize_units, ({"values": ["1 lb", "6 oz"], "target_unit": "kg"}, {"values": ["6 ft 2 in"]})),
    (
        standardize_contact_points,
        (
            {"values": ["(650) 253-0000"], "kind": "phone", "default_region": "US"},
            {"values": ["Jane.Doe@BÜCHER.de"], "kind": "email"},
        ),
    ),
    (
        standardize_locations,
        (
            {"values": ["Deutschland"], "languages": ["de"]},
            {"values": [{"country": "Germany", "subdivision": "Bayern"}, "Korea"]},
        ),
    ),
    (
        standardize_identifiers,
        (
            {"values": ["gb82 west 1234 5698 7654 32"], "scheme": "iban"},
            {"values": ["0-306-40615-2"], "scheme": "isbn"},
        ),
    ),
)


def declare_value_tools(server: Server[Any]) -> None:
    """Declare the six tools on the server's menu, in the order of the catalogue."""
    for function, examples in TOOLS:
        server.tool(examples=examples)(function)


def _each(
    standardize: Callable[[Any, Any], ValueResult[Any]], values: Iterable[Any], options: object
) -> list[ValueResult[Any]]:
    return [standardize(value, options) for value in attended(values)]


def _plain(values: Sequence[str | Quantity | PlaceParts]) -> list[Any]:
    """The values as JSON has them, for the standardizers know no models."""
    return [value if isinstance(value, str) else value.model_dump() for value in values]


def _items(model: type[ItemT], values: Sequence[object], found: Sequence[ValueResult[Any]]) -> list[ItemT]:
    return [
        model.model_validate(
            {"index": index, "input": value, "status": one.status, "value": one.value, "details": one.details}
            | _why(one)
        )
        for index, (value, one) in enumerate(zip(values, found, strict=True))
    ]


def _why(result: ValueResult[Any]) -> dict[str, Any]:
    """The fields that stand only where something hinders; an absent one is not sent."""
    given = {"candidates": list(result.candidates) or None, "reason": result.reason}
    return {name: value for name, value in given.items() if value is not None}


def _summary(found: Iterable[ValueResult[Any]]) -> ValueSummary:
    counts = Counter(one.status for one in found)
    return ValueSummary(ok=counts["ok"], ambiguous=counts["ambiguous"], invalid=counts["invalid"])
