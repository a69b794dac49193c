"""Times of day: ISO 8601 basic and extended, with fractions, offsets and zone names, and the 12-hour clock."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.a2a.mcp.domain.standardize.time_zones import Zone, offset_zone, try_zone

TimePrecision: TypeAlias = Literal["hour", "minute", "second"]

_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:(?P<colon>:?)(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"(?: ?(?P<half>[apAP])\.?[mM]\.?)?"
    r"(?: ?(?P<offset>[Zz]|UTC|GMT|[+\-−]\d\d(?::?\d\d(?::\d\d)?)?))?"
    r"(?: ?(?:\[(?P<bracketed>[A-Za-z][A-Za-z0-9_+\-/]*)\]|(?P<zone>[A-Z][A-Za-z_+\-]*(?:/[A-Za-z0-9_+\-]+)+)))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day as far as it was given: `fraction` are the digits of a part of a second, `next_day` is 24:00."""

    time: dt.time
    fraction: str
    precision: TimePrecision
    form: Literal["basic", "extended", "text"]
    zone: Zone | None
    next_day: bool

    @property
    def text(self) -> str:
        """ISO 8601 extended, always to the second: 10:30 and 10:30:00 are one value, told apart by the precision."""
        return f"{self.time.isoformat()}{self.fraction and '.' + self.fraction}{self.zone.suffix if self.zone else ''}"


def read_time(text: str) -> ClockTime | str:
    """Read a time of day, or say why it is none."""
    match = _TIME.fullmatch(text)
    if not match:
        return "format: not a time of day"
    zone = _zone(match)
    if isinstance(zone, str):
        return zone
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if match["half"]:
        if not 1 <= hour <= 12:
            return "no_such_time"
        hour = hour % 12 + (12 if match["half"] in "pP" else 0)
    # Kept as digits, since Python's times end at microseconds and other clocks at nanoseconds.
    fraction = (match["fraction"] or "").rstrip("0")
    next_day = (hour, minute, second, fraction) == (24, 0, 0, "")
    if second == 60:
        return "leap_second: cannot be told from the next minute here"
    try:
        time = dt.time(0 if next_day else hour, minute, second)
    except ValueError:
        return "no_such_time"
    return ClockTime(time, fraction, _precision(match), _form(match), zone, next_day)


def _zone(match: re.Match[str]) -> Zone | str | None:
    offset = offset_zone(match["offset"]) if match["offset"] else None
    name = match["bracketed"] or match["zone"]
    if isinstance(offset, str) or not name:
        return offset
    named = try_zone(name)
    if named is None:
        return "timezone: no such zone"
    return Zone(named.tzinfo, named.name, offset.fixed if offset else None)


def _precision(match: re.Match[str]) -> TimePrecision:
    if match["second"]:
        return "second"
    return "minute" if match["minute"] else "hour"


def _form(match: re.Match[str]) -> Literal["basic", "extended", "text"]:
    if match["half"]:
        return "text"
    return "extended" if match["colon"] or not match["minute"] else "basic"
