"""Dates: the catalogue's pairs, each form with its precision, clocks that repeat or skip, and what is refused."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.standardize.dates import DateOptions, standardize_date
from app.a2a.mcp.domain.standardize.values import ValueResult
from app.a2a.mcp.errors import InvalidArgumentError


def read(value: str, **options: object) -> ValueResult:
    return standardize_date(value, DateOptions(**options))


@pytest.mark.parametrize(
    ("value", "expected", "precision", "form"),
    [
        ("2009-W01-1", "2008-12-29", "day", "week"),
        ("2009W011", "2008-12-29", "day", "week"),
        ("2009-W01", "2009-W01", "week", "week"),
        ("1981-095", "1981-04-05", "day", "ordinal"),
        ("1981095", "1981-04-05", "day", "ordinal"),
        ("2025", "2025", "year", "extended"),
        ("2025-03", "2025-03", "month", "extended"),
        ("20250304", "2025-03-04", "day", "basic"),
        ("2025-03-04T10:30Z", "2025-03-04T10:30:00Z", "minute", "extended"),
        ("20250304T103000,5+0130", "2025-03-04T10:30:00.5+01:30", "second", "basic"),
        ("2025-03-04T10:30:00.123456789Z", "2025-03-04T10:30:00.123456789Z", "second", "extended"),
        ("2025-03-04T10:30:00Z[UTC]", "2025-03-04T10:30:00Z", "second", "extended"),
        ("2025-03-04T10", "2025-03-04T10:00:00", "hour", "extended"),
        ("2025-03-04T24:00", "2025-03-05T00:00:00", "minute", "extended"),
        ("31/12/2024", "2024-12-31", "day", "numeric"),
        ("04/04/2025", "2025-04-04", "day", "numeric"),
        ("2025/04/03", "2025-04-03", "day", "numeric"),
        ("99/1/1", "1999-01-01", "day", "numeric"),
        ("4 March 2025", "2025-03-04", "day", "text"),
        ("March 4, 2025", "2025-03-04", "day", "text"),
        ("4th of March 2025", "2025-03-04", "day", "text"),
        ("Tuesday, March 4, 2025", "2025-03-04", "day", "text"),
        ("Sept. 4 2025", "2025-09-04", "day", "text"),
        ("March 2025", "2025-03", "month", "text"),
        ("2025年3月4日", "2025-03-04", "day", "text"),
        ("4 March 2025 at 2:30 PM", "2025-03-04T14:30:00", "minute", "text"),
        ("10:30", "10:30:00", "minute", "extended"),
        ("12:05 am", "00:05:00", "minute", "text"),
    ],
)
def test_form_is_read_to_the_precision_it_has(value: str, expected: str, precision: str, form: str) -> None:
    found = read(value)
    assert (found.status, found.value) == ("ok", expected)
    assert (found.details.precision, found.details.calendar_form) == (precision, form)


@pytest.mark.parametrize(
    ("value", "locale"),
    [("4. März 2025", "de"), ("4 de marzo de 2025", "es"), ("4 mars 2025", "fr"), ("4 marzo 2025", "it")],
)
def test_month_names_follow_the_locale(value: str, locale: str) -> None:
    assert read(value, locale=locale).value == "2025-03-04"
    assert read(value, locale="ja").status == "invalid"


def test_numeric_date_without_an_order_is_ambiguous() -> None:
    assert read("03/04/2025", order="DMY").value == "2025-04-03"
    assert read("03/04/2025", order="MDY").value == "2025-03-04"
    found = read("03/04/2025")
    assert (found.status, found.candidates) == ("ambiguous", ("2025-03-04", "2025-04-03"))
    assert read("03/04/25").candidates == ("2003-04-25", "2025-03-04", "2025-04-03")
    assert read("04 Mar 25").candidates == ("2004-03-25", "2025-03-04")
    assert read("04 Mar 25", order="DMY").value == "2025-03-04"


def test_order_is_never_turned_round_to_make_a_date_fit() -> None:
    assert read("12/31/2024", order="DMY").status == "invalid"
    assert read("31/12/2024", order="MDY").status == "invalid"


@pytest.mark.parametrize(("pivot", "expected"), [(69, "1969-07-20"), (70, "2069-07-20")])
def test_two_digit_years_turn_at_the_pivot(pivot: int, expected: str) -> None:
    assert read("20/07/69", order="DMY", two_digit_year_pivot=pivot).value == expected
    assert read("20/07/68", order="DMY").value == "2068-07-20"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "empty"),
        ("2025-02-29", "no_such_date"),
        ("2025-W53-1", "no_such_date"),
        ("2025-366", "no_such_date"),
        ("0000-01-01", "no_such_date"),
        ("25:00", "no_such_time"),
        ("13:00 PM", "no_such_time"),
        ("Monday, March 4, 2025", "weekday"),
        ("March 25", "incomplete"),
        ("2025-06-30T23:59:60Z", "leap_second"),
        ("2025-03-04T10:30:00-00:00", "timezone"),
        ("2025-03-04T10:30+25:00", "timezone"),
        ("2025-03-04T10:30[Mars/Base]", "timezone"),
        ("2025-03-04T10:30+02:00[Europe/Berlin]", "timezone"),
        ("9999-12-31T24:00", "no_such_date"),
        ("tomorrow", "format"),
        ("1700000000", "format"),
        ("1/2", "format"),
        ("202503", "format"),
    ],
)
def test_what_cannot_be_a_date_is_invalid_with_the_reason(value: str, reason: str) -> None:
    found = read(value)
    assert (found.status, found.value) == ("invalid", None)
    assert found.reason is not None
    assert found.reason.split(":")[0] == reason


def test_week_53_exists_only_in_long_years() -> None:
    assert read("2020-W53-5").value == "2021-01-01"


def test_local_time_that_clocks_show_twice_is_ambiguous() -> None:
    found = read("2025-10-26T02:30", default_timezone="Europe/Berlin")
    assert (found.status, found.candidates) == (
        "ambiguous",
        ("2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00"),
    )
    settled = read("2025-10-26T02:30+01:00[Europe/Berlin]")
    assert (settled.value, settled.details.timezone) == ("2025-10-26T02:30:00+01:00", "Europe/Berlin")


def test_local_time_that_clocks_skip_is_invalid() -> None:
    assert read("2025-03-30T02:30", default_timezone="Europe/Berlin").reason == "nonexistent_local_time"
    assert read("2025-03-09 02:30", default_timezone="America/New_York").status == "invalid"


def test_whole_day_that_a_country_skipped_has_no_times() -> None:
    assert read("2011-12-30T12:00", default_timezone="Pacific/Apia").status == "invalid"


def test_times_are_converted_to_the_output_zone() -> None:
    found = read("2025-06-01T12:00Z", output_timezone="America/New_York")
    assert (found.value, found.details.timezone) == ("2025-06-01T08:00:00-04:00", "America/New_York")
    assert read("2025-06-01T12:00", output_timezone="UTC").reason == "timezone: unknown, give default_timezone"
    assert read("0001-01-01T00:00+14:00", output_timezone="UTC").status == "invalid"


@pytest.mark.parametrize(
    ("value", "kind", "status"),
    [
        ("2025-03-04", "date", "ok"),
        ("2025-03-04", "datetime", "invalid"),
        ("2025-03-04T10:30", "date", "invalid"),
        ("2025-03-04T10:30", "datetime", "ok"),
        ("1030", "time", "ok"),
        ("T10", "time", "ok"),
        ("2025-03-04T10:30", "time", "invalid"),
        ("10:30", "date", "invalid"),
    ],
)
def test_kind_says_what_a_value_must_be(value: str, kind: str, status: str) -> None:
    assert read(value, kind=kind).status == status


@pytest.mark.parametrize(
    "options",
    [
        {"default_timezone": "../etc/passwd"},
        {"default_timezone": "Europe"},
        {"output_timezone": "Mars/Base"},
        {"locale": "xx_YY"},
        {"locale": "../../root"},
    ],
)
def test_unknown_zone_or_locale_is_refused_at_its_option(options: dict[str, str]) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        DateOptions(**options)
    assert refused.value.details[0].path == f"/{next(iter(options))}"


@given(st.dates())
def test_every_day_is_read_from_each_iso_form(day: dt.date) -> None:
    week = day.isocalendar()
    forms = [day.isoformat(), f"{day:%Y%m%d}".zfill(8), f"{day.year:04}-{day.timetuple().tm_yday:03}"]
    if 1 <= week.year <= 9999:
        forms.append(f"{week.year:04}-W{week.week:02}-{week.weekday}")
    assert {read(form).value for form in forms} == {day.isoformat()}


@given(
    st.datetimes(timezones=st.none() | st.timezones() | st.just(dt.UTC)),
    st.sampled_from(["Europe/Berlin", "UTC", "Asia/Kolkata"]),
)
def test_standardizing_a_standard_moment_changes_nothing(moment: dt.datetime, zone: str) -> None:
    first = read(moment.isoformat(), default_timezone=zone)
    for value in (first.value, *first.candidates):
        if value is not None:
            again = read(value, default_timezone=zone)
            assert (again.status, again.value) == ("ok", value)


@given(st.datetimes(min_value=dt.datetime(1975, 1, 1), max_value=dt.datetime(2035, 1, 1)))
def test_candidates_are_the_instants_whose_wall_clock_is_the_value(local: dt.datetime) -> None:
    found = read(local.isoformat(), default_timezone="America/New_York")
    for value in (found.value, *found.candidates):
        if value is not None:
            assert dt.datetime.fromisoformat(value).replace(tzinfo=None) == local


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    assert read(text).status in ("ok", "ambiguous", "invalid")
