"""Working time: holidays, make-up days, midnight, year's end, leap days, and zones that move their clocks."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows.calendar import load_calendars
from orders.errors import ValueRefused
from orders.policy_file import PolicyError
from orders.workdays import DayKind, Hours, Workdays, Year
from orders.workdays_file import load_workdays, parse_workdays, year_of

CHINA = dt.timezone(dt.timedelta(hours=8))
DAY_S = 25_200.0  # 7 h
SHIPPED = load_workdays()

_DAY: Hours = ((540, 720), (810, 1050))


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def in_zone(name: str, hours: Hours, sunday: Hours = ()) -> Workdays:
    return Workdays(
        zone=ZoneInfo(name), weekly=(hours, hours, hours, hours, hours, sunday, sunday),
        on_workdays=hours, years={},
    )  # fmt: skip


ROUND_THE_CLOCK: Hours = ((0, 1440),)
CALENDARS = [
    SHIPPED,
    in_zone("Asia/Urumqi", _DAY),
    in_zone("Europe/Berlin", ROUND_THE_CLOCK, ROUND_THE_CLOCK),
    in_zone("Europe/Berlin", ((60, 150), (150, 200), (1380, 1440)), ((100, 170),)),
    in_zone("America/Havana", ((0, 90), (1410, 1440)), ROUND_THE_CLOCK),  # moves its clocks at midnight
    in_zone("Pacific/Apia", _DAY, ROUND_THE_CLOCK),  # had no 30 December 2011
]
calendars = st.sampled_from(CALENDARS)
instants = st.integers(min_value=1_290_000_000, max_value=1_900_000_000).map(float)  # 2010 to 2030
spans = st.integers(min_value=1, max_value=30 * 86_400).map(float)


@given(calendars, instants, spans)
def test_measuring_undoes_adding(days: Workdays, start: float, seconds: float) -> None:
    assert days.between(start, days.add(start, seconds)) == seconds


@given(calendars, instants, spans)
def test_adding_what_was_measured_never_passes_the_end_and_loses_no_open_time(
    days: Workdays, start: float, natural: float
) -> None:
    end = start + natural
    reached = days.add(start, days.between(start, end))
    assert reached <= end
    assert days.between(reached, end) == 0.0 or reached == start


@given(calendars, instants, spans, spans)
def test_time_adds_up_wherever_it_is_divided(days: Workdays, start: float, one: float, two: float) -> None:
    middle, end = start + one, start + one + two
    assert days.between(start, end) == days.between(start, middle) + days.between(middle, end)
    assert days.add(days.add(start, one), two) == days.add(start, one + two)


@given(calendars, instants, st.integers(0, 200_000), spans, st.integers(1, 60))
def test_who_begins_later_is_never_due_earlier(
    days: Workdays, start: float, later: int, seconds: float, count: int
) -> None:
    after = start + later
    assert days.add(start, seconds) <= days.add(after, seconds)
    assert days.next_opening(start) <= days.next_opening(after)
    assert days.add_natural_days(start, count) <= days.add_natural_days(after, count)
    if days is not CALENDARS[4]:  # in Havana the same date comes twice for an hour
        assert days.add_days(start, count) <= days.add_days(after, count)


@given(calendars, instants, st.integers(1, 250))
def test_counting_days_undoes_adding_days(days: Workdays, start: float, count: int) -> None:
    end = days.add_days(start, count)
    assert days.days_between(start, end) == count
    assert days.days_between(start, end - 1) == count - 1


@given(calendars, instants)
def test_the_next_opening_is_open_and_nothing_is_open_before_it(days: Workdays, start: float) -> None:
    opening = days.next_opening(start)
    assert days.is_open(opening)
    assert days.between(start, opening) == 0.0
    assert days.is_open(start) == (opening == start)


@given(st.sampled_from(CALENDARS[2:]), st.dates(dt.date(2011, 1, 1), dt.date(2028, 12, 31)))
def test_no_instant_belongs_to_two_days(days: Workdays, date: dt.date) -> None:
    found = [*days.spans(date), *days.spans(date + dt.timedelta(days=1))]
    flat = [instant for span in found for instant in span]
    assert flat == sorted(flat)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-23T09:00", 3, "2026-11-23T12:00"),  # to the last moment before lunch
        ("2026-11-23T11:00", 2, "2026-11-23T14:30"),  # over lunch
        ("2026-11-23T17:00", 1, "2026-11-24T09:30"),  # over night
        ("2026-11-20T17:30", 1, "2026-11-23T10:00"),  # over a weekend
        ("2026-12-31T17:00", 1, "2027-01-04T09:30"),  # over New Year and a weekend
        ("2026-02-13T17:00", 1, "2026-02-14T09:30"),  # a Saturday that is worked
        ("2026-02-14T17:00", 1, "2026-02-24T09:30"),  # the Spring Festival
        ("2026-02-27T17:00", 1, "2026-02-28T09:30"),  # the other make-up day
    ],
)
def test_working_hours_pass_only_while_the_office_works(start: str, hours: float, end: str) -> None:
    assert SHIPPED.add(at(start), hours * 3600) == at(end)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-11-23T08:00", 1, "2026-11-24T17:30"),
        ("2026-11-23T23:59", 1, "2026-11-24T17:30"),
        ("2026-11-24T00:00", 1, "2026-11-25T17:30"),
        ("2026-11-20T10:00", 2, "2026-11-24T17:30"),
        ("2026-11-21T10:00", 2, "2026-11-24T17:30"),  # from a Saturday
        ("2026-09-30T10:00", 2, "2026-10-09T17:30"),  # the National Day
        ("2026-10-08T10:00", 2, "2026-10-10T17:30"),  # a Saturday that is worked
        ("2026-12-31T10:00", 1, "2027-01-04T17:30"),
        ("2028-02-28T10:00", 1, "2028-02-29T17:30"),  # a leap day, in a year without a table
    ],
)
def test_the_day_of_the_beginning_does_not_count_and_the_last_one_ends_with_business(
    start: str, days: int, end: str
) -> None:
    assert SHIPPED.add_days(at(start), days) == at(end)


def test_a_natural_day_ends_at_midnight_also_over_a_leap_day() -> None:
    assert SHIPPED.add_natural_days(at("2026-11-21T10:00"), 1) == at("2026-11-23T00:00")
    assert SHIPPED.add_natural_days(at("2028-02-28T23:59:59"), 1) == at("2028-03-01T00:00")
    assert SHIPPED.add_natural_days(at("2026-12-31T00:00"), 1) == at("2027-01-02T00:00")


def test_a_year_has_the_working_days_that_were_published() -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=count) for count in range(365)]
    kinds = [SHIPPED.kind(day) for day in days]
    assert kinds.count(DayKind.HOLIDAY) == 33
    assert kinds.count(DayKind.MADE_UP) == 6
    worked = sum(bool(SHIPPED.hours(day)) for day in days)
    assert SHIPPED.between(at("2026-01-01T00:00"), at("2027-01-01T00:00")) == worked * DAY_S
    assert worked == 248


def test_the_night_in_which_clocks_are_moved_has_the_hours_that_it_has() -> None:
    night = in_zone("Europe/Berlin", ROUND_THE_CLOCK, ROUND_THE_CLOCK)
    for date, hours in ((dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25), (dt.date(2026, 7, 1), 24)):
        assert night.between(night.instant(date, 0), night.instant(date, 1440)) == hours * 3600.0
    early = in_zone("Europe/Berlin", (), ((130, 170), (180, 240)))  # 02:10 to 02:50 does not exist then
    opening = early.next_opening(early.instant(dt.date(2026, 3, 29), 0))
    assert dt.datetime.fromtimestamp(opening, dt.UTC).isoformat() == "2026-03-29T01:00:00+00:00"
    assert early.between(opening - 7200, opening + 7200) == 3600.0


def test_a_day_that_a_zone_never_had_is_not_worked() -> None:
    apia = in_zone("Pacific/Apia", _DAY, ROUND_THE_CLOCK)
    assert apia.spans(dt.date(2011, 12, 30)) == ()
    assert len(apia.spans(dt.date(2011, 12, 29))) == 2


def test_a_year_that_is_missing_or_provisional_is_told_to_a_clerk() -> None:
    assert SHIPPED.notes(at("2026-01-05T09:00"), at("2026-12-31T09:00")) == ()
    (provisional,) = SHIPPED.notes(at("2026-12-31T09:00"), at("2027-01-05T09:00"))
    assert (provisional.year, provisional.missing) == (2027, False)
    assert "2027" in provisional.shown
    assert "调休" in provisional.shown
    (missing,) = SHIPPED.notes(at("2028-05-01T09:00"), at("2028-05-03T09:00"))
    assert (missing.year, missing.missing) == (2028, True)
    assert "没有 2028 年" in missing.shown


def test_offices_and_flows_are_shipped_with_the_same_holidays() -> None:
    flows = {
        year: (table.holidays, table.workdays, table.provisional)
        for year, table in load_calendars().years.items()
    }
    orders = {
        year: (table.holidays, table.workdays, table.provisional) for year, table in SHIPPED.years.items()
    }
    assert orders == flows


def test_a_missing_year_is_answered_by_the_weekly_rule() -> None:
    assert SHIPPED.kind(dt.date(2028, 10, 2)) is DayKind.WORKDAY
    assert SHIPPED.kind(dt.date(2028, 10, 1)) is DayKind.WEEKEND


def test_a_table_that_is_kept_elsewhere_takes_the_place_of_the_files() -> None:
    year = year_of({"2028-10-02": "国庆节"}, {"2028-10-01": "调休"}, provisional=False)
    days = SHIPPED.with_years({2028: year})
    assert days.kind(dt.date(2028, 10, 2)) is DayKind.HOLIDAY
    assert days.kind(dt.date(2028, 10, 1)) is DayKind.MADE_UP
    assert days.kind(dt.date(2026, 10, 2)) is DayKind.WORKDAY


def test_a_calendar_on_which_nobody_ever_works_is_said_and_not_waited_for() -> None:
    every = [dt.date(2026, 1, 1) + dt.timedelta(days=count) for count in range(4100)]
    years = {
        year: Year(holidays={day: "休" for day in every if day.year == year}, workdays={})
        for year in range(2026, 2038)
    }
    closed = SHIPPED.with_years(years)
    with pytest.raises(ValueRefused) as caught:
        closed.add(at("2026-05-05T09:00"), 60)
    assert "工作日历" in caught.value.shown
    with pytest.raises(ValueRefused):
        closed.add_days(at("2026-05-05T09:00"), 1)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf"), 1e12])
def test_instants_that_are_none_are_refused(wrong: float) -> None:
    with pytest.raises(ValueRefused):
        SHIPPED.next_opening(wrong)
    with pytest.raises(ValueRefused):
        SHIPPED.between(wrong, wrong)
    with pytest.raises(ValueRefused):
        SHIPPED.date(wrong)


_GOOD = """time_zone: Asia/Shanghai
weekly:
  mon: ["09:00-17:00"]
on_workdays: ["09:00-17:00"]
years:
  2026:
    holidays: {2026-01-01: 元旦}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "remedy"),
    [
        ("Asia/Shanghai", "Mars/Base", 1, "time_zone", "Asia/Shanghai"),
        ("mon:", "monday:", 3, "weekly.monday", "mon, tue"),
        ("  mon: [\"09:00-17:00\"]", "  mon: []", 2, "weekly", "at least one day"),
        ("  mon: [\"09:00-17:00\"]", "  mon: [\"9-17\"]", 3, "weekly.mon[0]", "09:00-17:30"),
        ("  mon: [\"09:00-17:00\"]", "  mon: [\"17:00-09:00\"]", 3, "weekly.mon[0]", "end after"),
        ("  mon: [\"09:00-17:00\"]", "  mon: [\"09:00-24:30\"]", 3, "weekly.mon[0]", "end after"),
        ("on_workdays: [\"09:00-17:00\"]", "on_workdays: []", 4, "on_workdays", "give make-up days"),
        ("on_workdays: [\"09:00-17:00\"]", "on_workdays: [3]", 4, "on_workdays[0]", "str"),
        ("  2026:", "  MMXXVI:", 6, "years.MMXXVI", "2027"),
        ("2026-01-01:", "2025-01-01:", 7, "years.2026.holidays.2025-01-01", "dates of 2026"),
        ("2026-01-01:", "20260101:", 7, "years.2026.holidays.20260101", "dates of 2026"),
        ("2026-01-01:", "2026-02-29:", 7, "years.2026.holidays.2026-02-29", "dates of 2026"),
        ("元旦}", "元旦, 2026-01-01: 又}", 7, "years.2026.holidays.2026-01-01", "once"),
        ("元旦}", '""}', 7, "years.2026.holidays.2026-01-01", "say what day"),
        ("元旦}", "元旦}\n    workdays: {2026-01-01: 班}", 8, "years.2026.workdays.2026-01-01", "not both"),
        ("元旦}", "元旦}\n    holyday: {}", 8, "years.2026.holyday", "no such key"),
        ("years:", "year:", 5, "year", "no such key"),
        ("on_workdays: [\"09:00-17:00\"]\n", "", 1, "file", "on_workdays"),
    ],
)  # fmt: skip
def test_a_wrong_calendar_is_refused_naming_line_key_and_remedy(
    old: str, new: str, line: int, key: str, remedy: str
) -> None:
    assert parse_workdays(_GOOD.encode()).years[2026].holidays
    with pytest.raises(PolicyError) as caught:
        parse_workdays(_GOOD.replace(old, new, 1).encode(), name="city.yaml")
    error = caught.value
    assert (error.file, error.line, error.key) == ("city.yaml", line, key)
    assert remedy in error.remedy
    assert "未采用" in error.shown


def test_the_version_follows_what_the_file_means_not_how_it_is_laid_out() -> None:
    first = parse_workdays(_GOOD.encode())
    again = parse_workdays(("# a comment\n" + _GOOD).encode())
    other = parse_workdays(_GOOD.replace("17:00", "18:00").encode())
    assert first.version == again.version != other.version
