"""What the six value tools of data_standardization answer, and the objects among their values."""

from pydantic import Field

from app.a2a.mcp.core import ToolInput, ToolOutput
from app.a2a.mcp.domain.standardize.amounts import AmountDetails
from app.a2a.mcp.domain.standardize.contact_points import EmailDetails, PhoneDetails
from app.a2a.mcp.domain.standardize.dates import DateDetails
from app.a2a.mcp.domain.standardize.identifiers import IdentifierDetails
from app.a2a.mcp.domain.standardize.locations import LocationDetails
from app.a2a.mcp.domain.standardize.units import UnitDetails
from app.a2a.mcp.domain.standardize.urls import UrlDetails
from app.a2a.mcp.domain.standardize.values import MAX_VALUE_CHARACTERS, Status

DETAILS = Field(description="null where the value could not be taken apart")


class Quantity(ToolInput):
    """A number and its unit, each by itself."""

    value: int | float | str = Field(description='a number, or its text: "1.5"')
    unit: str = Field(max_length=100)


class PlaceParts(ToolInput):
    """A place by its parts; the city is not looked up."""

    country: str | None = Field(default=None, max_length=MAX_VALUE_CHARACTERS)
    subdivision: str | None = Field(default=None, max_length=MAX_VALUE_CHARACTERS)
    city: str | None = Field(default=None, max_length=MAX_VALUE_CHARACTERS)


class ValueSummary(ToolOutput):
    """How many values came out how."""

    ok: int
    ambiguous: int
    invalid: int


class ValueItem(ToolOutput):
    """What became of one value, whatever its type."""

    index: int
    status: Status
    value: str | None = Field(description="the canonical form; null unless the status is ok")
    candidates: list[str] | None = Field(default=None, description="every reading, with ambiguous")
    reason: str | None = Field(default=None, description="why not ok: a word, then what it means here")


class DateItem(ValueItem):
    """One date or time."""

    input: str
    details: DateDetails | None = DETAILS


class AmountItem(ValueItem):
    """One number or amount of money; `value` is a decimal as text."""

    input: str
    details: AmountDetails | None = DETAILS


class UnitItem(ValueItem):
    """One quantity; `value` is a decimal as text, in `details.unit`."""

    input: str | Quantity
    details: UnitDetails | None = DETAILS


class ContactItem(ValueItem):
    """One contact point; the details are those of its kind."""

    input: str
    details: PhoneDetails | EmailDetails | UrlDetails | None = DETAILS


class LocationItem(ValueItem):
    """One place; `value` is its ISO 3166 code."""

    input: str | PlaceParts
    details: LocationDetails | None = DETAILS


class IdentifierItem(ValueItem):
    """One identifier in compact form."""

    input: str
    details: IdentifierDetails | None = DETAILS


class StandardDates(ToolOutput):
    """The dates in the order they were given."""

    results: list[DateItem]
    summary: ValueSummary


class StandardAmounts(ToolOutput):
    """The amounts in the order they were given."""

    results: list[AmountItem]
    summary: ValueSummary


class StandardUnits(ToolOutput):
    """The quantities in the order they were given."""

    results: list[UnitItem]
    summary: ValueSummary


class StandardContactPoints(ToolOutput):
    """The contact points in the order they were given."""

    results: list[ContactItem]
    summary: ValueSummary


class StandardLocations(ToolOutput):
    """The places in the order they were given."""

    results: list[LocationItem]
    summary: ValueSummary


class StandardIdentifiers(ToolOutput):
    """The identifiers in the order they were given."""

    results: list[IdentifierItem]
    summary: ValueSummary
