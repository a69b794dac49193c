"""Local times in time zones (IANA names, offsets): a time that clocks show twice has two readings, a skipped one none.

The rules come from the tz database through zoneinfo; offsets are those in force on the day.
"""

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from app.a2a.mcp.errors import InvalidArgumentError

if TYPE_CHECKING:
    from app.a2a.mcp.domain.standardize.clock_times import ClockTime

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)*", re.ASCII)
_OFFSET = re.compile(r"([+\-])(\d\d)(?::?(\d\d)(?::(\d\d))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone by name, a fixed offset, or both as RFC 9557 writes them: +01:00[Europe/Berlin]."""

    tzinfo: dt.tzinfo
    name: str | None = None
    fixed: dt.timedelta | None = None

    @property
    def label(self) -> str:
        """Its IANA name, UTC, or the offset as ±hh:mm."""
        return self.name or ("UTC" if self.fixed == dt.timedelta(0) else offset_text(self.fixed or dt.timedelta(0)))

    @property
    def suffix(self) -> str:
        """The offset as it stands behind a time."""
        return offset_text(self.fixed) if self.fixed is not None else ""


def offset_text(offset: dt.timedelta) -> str:
    """±hh:mm, or Z for none; local mean times of old have seconds too, which ISO 8601 cannot write: ±hh:mm:ss."""
    if not offset:
        return "Z"
    seconds = int(abs(offset).total_seconds())
    sign = "-" if offset < dt.timedelta(0) else "+"
    tail = f":{seconds % 60:02}" if seconds % 60 else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}{tail}"


def offset_zone(text: str) -> Zone | str:
    """The zone of Z, UTC, GMT or ±hh[[:]mm]; -00:00 says that the offset is unknown (RFC 3339) and is refused."""
    if text.upper() in ("Z", "UTC", "GMT"):
        return Zone(dt.UTC, fixed=dt.timedelta(0))
    match = _OFFSET.fullmatch(text.replace("−", "-"))
    if not match or int(match[2]) > 23 or int(match[3] or 0) > 59 or int(match[4] or 0) > 59:
        return "timezone: no such offset"
    offset = dt.timedelta(hours=int(match[2]), minutes=int(match[3] or 0), seconds=int(match[4] or 0))
    if match[1] == "-" and not offset:
        return "timezone: -00:00 means unknown"
    offset = -offset if match[1] == "-" else offset
    return Zone(dt.timezone(offset), fixed=offset)


@lru_cache(maxsize=1024)
def try_zone(name: str) -> Zone | None:
    """The IANA zone of that name, if there is one."""
    try:
        return Zone(zoneinfo.ZoneInfo(name), name) if _NAME.fullmatch(name) else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_named(name: str, path: str) -> Zone:
    """The IANA zone of that name; raises InvalidArgumentError at `path`."""
    zone = try_zone(name)
    if zone is None:
        raise InvalidArgumentError.at(path, "is not an IANA time zone, such as Europe/Berlin")
    return zone


def place_in_zone(
    day: dt.date, time: "ClockTime", default: str | None, output: str | None
) -> list[tuple[str, str | None]] | str:
    """The ISO texts of a local time with their zone labels: one, two where clocks went back; or why there is none."""
    zone = time.zone or (zone_named(default, "/default_timezone") if default else None)
    try:
        local = dt.datetime.combine(day, time.time) + dt.timedelta(days=int(time.next_day))
        if zone is None:
            return "timezone: unknown, give default_timezone" if output else [(_text(local, time.fraction), None)]
        moments = _moments(local, zone)
        if not moments:
            return "timezone: the offset is not that zone's" if zone.fixed is not None else "nonexistent_local_time"
        if output:
            zone = zone_named(output, "/output_timezone")
            moments = [moment.astimezone(zone.tzinfo) for moment in moments]
    except OverflowError:
        return "no_such_date: out of the years 1 to 9999"
    return [(_text(moment, time.fraction), zone.label) for moment in moments]


def _moments(local: dt.datetime, zone: Zone) -> list[dt.datetime]:
    """What a wall clock that shows `local` can mean (PEP 495): both folds, unless they agree or do not exist."""
    found: list[dt.datetime] = []
    for fold in (0, 1):
        moment = local.replace(tzinfo=zone.tzinfo, fold=fold)
        back = moment.astimezone(dt.UTC).astimezone(zone.tzinfo).replace(tzinfo=None)
        same = any(moment.utcoffset() == other.utcoffset() for other in found)
        fits = zone.fixed is None or zone.fixed == moment.utcoffset()
        if back == local and not same and fits:
            found.append(moment)
    return found


def _text(moment: dt.datetime, fraction: str) -> str:
    offset = moment.utcoffset()
    seconds = moment.replace(tzinfo=None).isoformat() + (f".{fraction}" if fraction else "")
    return seconds if offset is None else seconds + offset_text(offset)
