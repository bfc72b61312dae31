"""Working days, holidays and make-up days; a table with an error is refused whole."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows.calendar import Opening, calendars_of, load_calendars
from ivr_flows.check import check_calendar
from ivr_flows.errors import FlowFileError
from ivr_flows.yamlfile import parse_yaml

SHIPPED = load_calendars()
CHINA = ZoneInfo("Asia/Shanghai")
TEXT = """
timezone: Asia/Shanghai
calendars:
  office:
    title: 工作时间
    weekly: {mon: ["09:00-12:00", "13:30-17:30"], fri: ["22:00-24:00"]}
years:
  "2026":
    holidays: {"2026-05-01": 劳动节}
    workdays: {"2026-05-09": 调休}
"""


def opening(calendar: str, text: str) -> Opening | None:
    return SHIPPED.opening(calendar, datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp())


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20 08:59", Opening.CLOSED),
        ("2026-11-20 09:00", Opening.OPEN),
        ("2026-11-20 11:59:59", Opening.OPEN),
        ("2026-11-20 12:00", Opening.CLOSED),
        ("2026-11-21 10:00", Opening.CLOSED),  # Saturday
        ("2026-10-01 10:00", Opening.HOLIDAY),
        ("2026-02-18 10:00", Opening.HOLIDAY),
        ("2026-10-10 10:00", Opening.OPEN),  # a Saturday that makes up for the National Day
        ("2026-09-20 10:00", Opening.OPEN),
        ("2027-02-06 10:00", Opening.HOLIDAY),
        ("2030-10-01 10:00", Opening.OPEN),  # a Tuesday in a year without a table: the weekly rule
    ],
)
def test_the_office_is_open_on_working_days_only(moment: str, expected: Opening) -> None:
    assert opening("office", moment) is expected


def test_a_holiday_may_have_hours_of_its_own() -> None:
    assert opening("day", "2026-10-01 19:59") is Opening.OPEN
    assert opening("day", "2026-10-01 20:00") is Opening.HOLIDAY
    assert opening("day", "2026-10-09 21:59") is Opening.OPEN


def test_a_calendar_that_does_not_exist_says_nothing() -> None:
    assert SHIPPED.opening("nowhere", 0.0) is None


def test_the_zone_of_the_table_counts_and_not_that_of_the_machine() -> None:
    midnight = datetime(2026, 10, 1, tzinfo=CHINA).timestamp()
    assert SHIPPED.holiday(midnight) == "国庆节"
    assert SHIPPED.holiday(midnight - 1) == ""


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_no_day_of_the_shipped_table_is_both_holiday_and_make_up_day(day: date) -> None:
    year = SHIPPED.years[day.year]
    assert not (day in year.holidays and day in year.workdays)
    assert day not in year.workdays or day.weekday() >= 5


@given(st.floats(0, 4e9))
def test_the_calendar_that_is_always_open_is_always_open(now: float) -> None:
    assert SHIPPED.opening("always", now) is Opening.OPEN


def test_thirty_three_holidays_and_six_make_up_days_were_published_for_2026() -> None:
    assert (len(SHIPPED.years[2026].holidays), len(SHIPPED.years[2026].workdays)) == (33, 6)
    assert not SHIPPED.years[2026].provisional


@pytest.mark.parametrize(
    ("old", "new", "key", "value", "remedy"),
    [
        ("Asia/Shanghai", "Asia/Nowhere", "timezone", "Asia/Nowhere", "such as Asia/Shanghai"),
        ("Asia/Shanghai", "../etc/passwd", "timezone", "../etc/passwd", "such as Asia/Shanghai"),
        ("mon:", "monday:", "calendars.office.weekly.monday", "monday", "mon, tue"),
        ("09:00-12:00", "9-12", "calendars.office.weekly.mon[0]", "9-12", "09:00-17:30"),
        ("09:00-12:00", "12:00-09:00", "calendars.office.weekly.mon[0]", "12:00-09:00", "two spans"),
        ("22:00-24:00", "22:00-24:30", "calendars.office.weekly.fri[0]", "22:00-24:30", "two spans"),
        ('"2026-05-01"', '"2026-02-30"', "years.2026.holidays.2026-02-30", "2026-02-30", "in quotes"),
        ('"2026-05-01"', '"2027-05-01"', "years.2026.holidays.2027-05-01", "2027-05-01", "dates of 2026"),
        ('"2026-05-09"', '"2026-05-01"', "years.2026.workdays.2026-05-01", "2026-05-01", "not both"),
        ("    title: 工作时间\n", "", "calendars.office", "dict", "add the key `title`"),
        ('"2026":', '"26":', "years", "dict", "in quotes"),
        ("timezone:", "zone:", "zone", "Asia/Shanghai", "no such key"),
    ],
)
def test_an_error_names_line_key_value_and_remedy(
    old: str, new: str, key: str, value: str, remedy: str
) -> None:
    text = TEXT.replace(old, new, 1)
    with pytest.raises(FlowFileError) as caught:
        calendars_of(parse_yaml(text.encode(), name="calendar.yaml"))
    error = caught.value
    assert (error.file, error.key, error.value) == ("calendar.yaml", key, value)
    assert remedy in error.remedy
    assert 1 <= error.line <= text.count("\n") + 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowFileError, match=r"absent\.yaml.*make it readable"):
        load_calendars(tmp_path / "absent.yaml")


# ---------------------------------------------------------------- hotline flows check

CALENDARS = calendars_of(parse_yaml(TEXT.encode(), name="calendar.yaml"))


def test_a_year_that_runs_or_begins_soon_must_be_in_the_table() -> None:
    assert check_calendar(CALENDARS, date(2026, 10, 1)) == []
    (missing,) = check_calendar(CALENDARS, date(2026, 12, 1))
    assert (missing.file, missing.line, missing.key, missing.value) == ("calendar.yaml", 7, "years", "2027")
    assert "calendar without year 2027" in missing.remedy
    assert missing.fatal
    assert [one.value for one in check_calendar(CALENDARS, date(2029, 5, 1))] == ["2029"]


def test_a_year_without_make_up_days_is_only_pointed_out() -> None:
    found = check_calendar(SHIPPED, date(2026, 12, 31) - timedelta(days=10))
    assert [(one.key, one.fatal) for one in found] == [("years.2027", False)]
