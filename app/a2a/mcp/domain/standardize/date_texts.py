"""Dates with a month's name, in any CLDR locale: 4 March 2025, March 4, 2025, 4. März 2025, 2025年3月4日."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale

from app.a2a.mcp.domain.standardize.locales import locale_named

_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|º|ª)(?=\W|$)", re.IGNORECASE)
_TOKEN = re.compile(r"\d+|[^\W\d_](?:[^\W\d_]|['’])*", re.UNICODE)
_FILLERS = frozenset({"of", "the", "de", "del", "di", "d", "le", "den"})
_EAST_ASIAN = re.compile(r"(\d{4}) ?[年년] ?(\d{1,2}) ?[月월](?: ?(\d{1,2}) ?[日일])?")


@dataclass(frozen=True, slots=True)
class TextDate:
    """What a text gives: the month, and its numbers in the order they stand, which may be day and year or year and day.

    `years` are texts, because two digits are a year only by the pivot; `day` is None where none was given.
    """

    month: int
    years: tuple[str, ...]
    day: int | None
    year_first: tuple[str, int] | None = None

    def readings(self, order: str | None) -> Iterator[tuple[str, int]]:
        """Each (year, day) that the numbers can mean under `order`."""
        if self.day is not None and (order != "YMD" or not self.year_first):
            yield self.years[0], self.day
        if self.year_first and order in ("YMD", None):
            yield self.year_first


@lru_cache(maxsize=64)
def month_names(locale: str) -> dict[str, int]:
    """The names and abbreviations of months, case-folded and without dots; raises InvalidArgumentError at /locale."""
    found = locale_named(locale)
    names = _names(found, "months")
    return names | {"sept": 9} if found.language == "en" else names


@lru_cache(maxsize=64)
def _day_names(locale: str) -> dict[str, int]:
    """Weekdays by name, Monday is 0."""
    return _names(locale_named(locale), "days")


def _names(locale: Locale, kind: str) -> dict[str, int]:
    found: dict[str, int] = {}
    table = getattr(locale, kind)
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in table[context][width].items():
                if not name.isdigit():
                    found[_folded(name)] = number
    return found


def read_text(text: str, locale: str) -> TextDate | str | None:
    """Read a date with a month's name; None where the text has no such form, a reason where it contradicts itself."""
    if match := _EAST_ASIAN.fullmatch(text):
        return TextDate(int(match[2]), (match[1],), int(match[3]) if match[3] else None)
    months, weekdays = month_names(locale), _day_names(locale)
    if not re.fullmatch(r"[\w\s.,\-/'’]*", text):
        return None
    tokens = [token.casefold() for token in _TOKEN.findall(_ORDINAL.sub(r"\1", text))]
    weekday = [weekdays[token] for token in tokens if token in weekdays and token not in months]
    rest = [token for token in tokens if token not in _FILLERS and (token not in weekdays or token in months)]
    numbers = [token for token in rest if token.isascii() and token.isdigit()]
    named = [months[token] for token in rest if token in months]
    if len(named) != 1 or len(weekday) > 1 or len(numbers) + 1 != len(rest):
        return None
    month_at = next(position for position, token in enumerate(rest) if token in months)
    found = _numbers(named[0], numbers, month_at, comma="," in text)
    if isinstance(found, TextDate) and weekday and not _falls_on(found, weekday[0]):
        return "weekday: does not fall on that day"
    return found


def _numbers(month: int, numbers: list[str], month_at: int, *, comma: bool) -> TextDate | str | None:
    """Which number is the day: four digits are a year; of two short ones, the first unless the order says otherwise."""
    if len(numbers) == 1:
        return TextDate(month, (numbers[0],), None) if len(numbers[0]) == 4 else "incomplete: no year"
    if len(numbers) != 2 or any(len(number) not in (1, 2, 4) for number in numbers):
        return None
    first, second = numbers
    if len(first) == 4:
        return TextDate(month, (first,), int(second)) if len(second) < 4 else None
    if len(second) == 4:
        return TextDate(month, (second,), int(first))
    swapped = (first, int(second)) if len(first) == 2 and month_at == 1 and not comma else None
    if len(second) != 2:
        return TextDate(month, (), None, swapped) if swapped else None
    return TextDate(month, (second,), int(first), swapped)


def _falls_on(found: TextDate, weekday: int) -> bool:
    """Whether a four-digit year's day is that weekday; without one there is nothing to hold it against."""
    if found.day is None or not found.years or len(found.years[0]) != 4:
        return True
    try:
        return dt.date(int(found.years[0]), found.month, found.day).weekday() == weekday
    except ValueError:
        return True


def _folded(name: str) -> str:
    return name.casefold().replace(".", "").strip()
