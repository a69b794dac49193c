"""Dates and times as people and programs write them, to ISO 8601: a closed list of forms, nothing filled in.

ISO forms go through dateutil's ISO parser; its free-form parser is not used, for it takes missing parts from today
and swaps day and month where one is over 12.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from dateutil.parser import isoparser
from pydantic import Field

from app.a2a.mcp.domain.standardize.clock_times import ClockTime, read_time
from app.a2a.mcp.domain.standardize.date_texts import month_names, read_text
from app.a2a.mcp.domain.standardize.time_zones import Zone, place_in_zone, zone_named
from app.a2a.mcp.domain.standardize.values import ValueResult

DateOrder: TypeAlias = Literal["DMY", "MDY", "YMD"]
DateKind: TypeAlias = Literal["auto", "date", "datetime", "time"]
Precision: TypeAlias = Literal["year", "month", "week", "day", "hour", "minute", "second"]
CalendarForm: TypeAlias = Literal["basic", "extended", "week", "ordinal", "numeric", "text"]
TwoDigitPivot: TypeAlias = Annotated[int, Field(ge=0, le=99)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]

ORDERS: tuple[DateOrder, ...] = ("DMY", "MDY", "YMD")
_ISO_FORMS: tuple[tuple[str, CalendarForm, Precision], ...] = (
    (r"\d{4}", "extended", "year"),
    (r"\d{4}-\d{2}", "extended", "month"),
    (r"\d{4}-\d{2}-\d{2}", "extended", "day"),
    (r"\d{8}", "basic", "day"),
    (r"\d{4}-?W\d{2}", "week", "week"),
    (r"\d{4}-W\d{2}-\d|\d{4}W\d{3}", "week", "day"),
    (r"\d{4}-?\d{3}", "ordinal", "day"),
)
_ISO = tuple((re.compile(pattern, re.ASCII), form, precision) for pattern, form, precision in _ISO_FORMS)
_NUMERIC = re.compile(r"(\d{1,4})([/.\-]) ?(\d{1,2})\2 ?(\d{1,4})", re.ASCII)
# The time follows a T after an ISO date, or a space; a time alone may begin with T.
_SPLIT = re.compile(
    r"(?:(?P<date>.*?[^\sT,])(?:T|,? +(?:at )?))?(?P<time>\d{1,2}(?::\d\d| ?[apAP]\.?[mM]).*)", re.ASCII
)
_ISO_SPLIT = re.compile(r"(?P<date>[\dW-]+)[Tt](?P<time>\d.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DateOptions:
    """How to read dates: `order` of numeric ones, IANA zones, and the last two-digit year of this century."""

    order: DateOrder | None = None
    default_timezone: Name | None = None
    output_timezone: Name | None = None
    kind: DateKind = "auto"
    two_digit_year_pivot: TwoDigitPivot = 69
    locale: Name = "en"

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError for a zone or a locale that nobody knows."""
        month_names(self.locale)
        for path in ("default_timezone", "output_timezone"):
            name = getattr(self, path)
            if name is not None:
                zone_named(name, f"/{path}")


@dataclass(frozen=True, slots=True)
class DateDetails:
    """What the value said: down to which part, in which form, and in which time zone (null: none was given)."""

    precision: Precision
    calendar_form: CalendarForm
    timezone: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the date part: the ISO 8601 text, and the day it names where it names one."""

    text: str
    day: dt.date | None
    form: CalendarForm
    precision: Precision


def standardize_date(value: str, options: DateOptions) -> ValueResult[DateDetails]:
    """Read one date, date and time, or time of day; ISO 8601-1:2019 forms, numeric dates and month names."""
    text = " ".join(value.split())
    if not text:
        return ValueResult.invalid("empty")
    date_text, time_text = _parts(text, options.kind)
    if reason := _kind_clash(options.kind, date_text, time_text):
        return ValueResult.invalid(reason)
    time = read_time(time_text) if time_text else None
    if isinstance(time, str):
        return ValueResult.invalid(time)
    if date_text is None:
        return _time_alone(time, options)
    readings = _read_date(date_text, options)
    if isinstance(readings, str):
        return ValueResult.invalid(readings)
    if time is None:
        return _chosen([(reading.text, _details(reading)) for reading in readings], "date_order")
    return _with_time(readings, time, options)


def _parts(text: str, kind: DateKind) -> tuple[str | None, str | None]:
    """The date part and the time part as written."""
    if kind == "time" and re.fullmatch(r"[Tt]?\d.*", text, re.ASCII) and not _ISO_SPLIT.fullmatch(text):
        return (None, text.lstrip("Tt")) if not re.match(r"\d{4}-\d\d-|\d+[/.]", text) else (text, None)
    if match := _ISO_SPLIT.fullmatch(text) or _SPLIT.fullmatch(text):
        return match["date"], match["time"]
    if re.fullmatch(r"[Tt]\d.*", text):
        return None, text[1:]
    return text, None


def _kind_clash(kind: DateKind, date_text: str | None, time_text: str | None) -> str | None:
    if kind == "time" and date_text is not None:
        return "kind: is not a time of day"
    if kind in ("date", "datetime") and date_text is None:
        return "kind: has no date"
    if kind == "date" and time_text is not None:
        return "kind: has a time of day"
    if kind == "datetime" and time_text is None:
        return "kind: has no time of day"
    return None


def _read_date(text: str, options: DateOptions) -> list[Reading] | str:
    for pattern, form, precision in _ISO:
        if pattern.fullmatch(text):
            return _read_iso(text, form, precision)
    if match := _NUMERIC.fullmatch(text):
        return _read_numeric(match, options)
    found = read_text(text, options.locale)
    if found is None:
        return "format: not one of the forms read here"
    if isinstance(found, str):
        return found
    if found.day is None:
        return [Reading(f"{found.years[0]}-{found.month:02}", None, "text", "month")]
    return _readings([(year, found.month, day) for year, day in found.readings(options.order)], "text", options)


def _read_iso(text: str, form: CalendarForm, precision: Precision) -> list[Reading] | str:
    try:
        if form == "week":
            # Not by dateutil: it takes week 53 of a year of 52 weeks for the first of the next.
            digits = text.replace("-", "").replace("W", "")
            day = dt.date.fromisocalendar(int(digits[:4]), int(digits[4:6]), int(digits[6:] or 1))
        else:
            day = isoparser().parse_isodate(text)
    except ValueError:
        return "no_such_date"
    if precision == "day":
        return [Reading(day.isoformat(), day, form, precision)]
    shown = f"{text[:4]}-{text[-3:]}" if precision == "week" else text
    return [Reading(shown, None, form, precision)]


def _read_numeric(match: re.Match[str], options: DateOptions) -> list[Reading] | str:
    first, second, third = match[1], match[3], match[4]
    if len(first) in (3, 4) or len(third) == 3:
        orders: tuple[DateOrder, ...] = ("YMD",) if len(first) == 4 and len(third) <= 2 else ()
    elif len(third) == 4:
        orders = tuple(order for order in ("DMY", "MDY") if options.order in (order, None))
    else:
        orders = (options.order,) if options.order else ORDERS
    if not orders:
        return "format: does not fit the order" if len(third) == 4 else "format: not one of the forms read here"
    places = {"DMY": (third, second, first), "MDY": (third, first, second), "YMD": (first, second, third)}
    dates = [places[order] for order in orders if len(places[order][0]) in (2, 4)]
    parts = [(year, int(month), int(day)) for year, month, day in dates if len(month) <= 2 and len(day) <= 2]
    return _readings(parts, "numeric", options)


def _readings(parts: list[tuple[str, int, int]], form: CalendarForm, options: DateOptions) -> list[Reading] | str:
    """The readings that are real days, each once, earliest first."""
    days: set[dt.date] = set()
    for year, month, day in parts:
        try:
            days.add(dt.date(_full_year(year, options.two_digit_year_pivot), month, day))
        except ValueError:
            continue
    return [Reading(day.isoformat(), day, form, "day") for day in sorted(days)] or "no_such_date"


def _full_year(year: str, pivot: int) -> int:
    """POSIX: two digits under the pivot are of this century (00..68 are 2000..2068 with 69)."""
    if len(year) > 2:
        return int(year)
    return int(year) + (2000 if int(year) < pivot else 1900)


def _with_time(readings: list[Reading], time: ClockTime, options: DateOptions) -> ValueResult[DateDetails]:
    found: list[tuple[str, DateDetails]] = []
    reason = "no_such_date"
    for reading in readings:
        if reading.day is None:
            return ValueResult.invalid("format: a time of day needs a whole date")
        placed = place_in_zone(reading.day, time, options.default_timezone, options.output_timezone)
        if isinstance(placed, str):
            reason = placed
            continue
        found += [(text, DateDetails(time.precision, reading.form, zone)) for text, zone in placed]
    if not found:
        return ValueResult.invalid(reason)
    return _chosen(found, "date_order" if len(readings) > 1 else "repeated_local_time: clocks went back")


def _time_alone(time: ClockTime | None, options: DateOptions) -> ValueResult[DateDetails]:
    """A time of day stays where it is: which offset a zone has depends on the day."""
    if time is None:
        return ValueResult.invalid("empty")
    if options.output_timezone:
        return ValueResult.invalid("timezone: a time of day needs a date to be converted")
    if isinstance(time.zone, Zone) and time.zone.name:
        return ValueResult.invalid("timezone: a time of day in a named zone needs a date")
    if time.next_day:
        return ValueResult.invalid("no_such_time: 24:00 needs a date")
    zone = time.zone.label if time.zone else None
    return ValueResult.ok(time.text, DateDetails(time.precision, time.form, zone))


def _chosen(found: list[tuple[str, DateDetails]], reason: str) -> ValueResult[DateDetails]:
    texts = list(dict.fromkeys(text for text, _ in found))
    return ValueResult.ok(*found[0]) if len(texts) == 1 else ValueResult.ambiguous(texts, reason)


def _details(reading: Reading) -> DateDetails:
    return DateDetails(reading.precision, reading.form, None)
