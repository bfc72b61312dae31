"""Working time: office hours, holidays and the working days that make up for them (调休). Pure.

Instants are epoch seconds. Hours are wall-clock times of one zone. Where that zone moves its clocks, an
hour that does not exist is not worked and one that comes twice is worked twice: no instant belongs to
two days.

Days are counted as the Civil Code does (民法典 arts. 201 and 203): the day on which the count begins is
not counted, and the last day ends when business ends. Natural days (自然日) end at 24:00, holidays or not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from orders.errors import ValueRefused

__all__ = ["DayKind", "Hours", "Workdays", "Year", "YearNote", "check_hours"]

DAY = dt.timedelta(days=1)
DAY_MINUTES = 24 * 60
FARTHEST_DAYS = 10 * 366
"""Counted no farther than this from where a count begins."""
KEPT_DAYS = 5000
FIRST_AT, LAST_AT = 0.0, 7_258_118_400.0
"""1970 to 2200."""

Hours = tuple[tuple[int, int], ...]
"""From and to, minutes since midnight, in order, without overlap; to is 1440 at most."""


class DayKind(StrEnum):
    """What a date is, as the table says."""

    WORKDAY = "workday"  # 工作日
    WEEKEND = "weekend"  # 休息日, by the weekly rule
    HOLIDAY = "holiday"  # 节假日
    MADE_UP = "made_up"  # 调休上班: a day of rest that is worked


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """What the table says of one year."""

    holidays: Mapping[dt.date, str]  # date -> its Chinese name
    workdays: Mapping[dt.date, str]  # days of rest that are worked -> why
    provisional: bool = False  # only what the law fixes: the arrangement is not published or not entered yet


@dataclass(frozen=True, slots=True, kw_only=True)
class YearNote:
    """Why a count in this year may not be the last word."""

    year: int  # which
    missing: bool  # it has no table; else the table is provisional
    shown: str  # the same for a clerk


class Workdays:
    """The office's working time; immutable."""

    def __init__(
        self,
        *,
        zone: ZoneInfo,
        weekly: tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours],
        on_workdays: Hours,
        years: Mapping[int, Year],
        version: str = "",
    ) -> None:
        """`weekly` begins with Monday; `on_workdays` are the hours of days that make up for a holiday."""
        self.zone = zone
        self.weekly = weekly
        self.on_workdays = on_workdays
        self.years = dict(years)
        self.version = version
        self._spans: dict[dt.date, tuple[tuple[float, float], ...]] = {}

    def with_years(self, years: Mapping[int, Year], version: str = "") -> Workdays:
        """The same hours with another table of years."""
        return Workdays(
            zone=self.zone, weekly=self.weekly, on_workdays=self.on_workdays, years=years, version=version
        )

    # ------------------------------------------------------------ days

    def date(self, at: float) -> dt.date:
        """The date of an instant on this zone's calendar."""
        _check(at)
        return dt.datetime.fromtimestamp(at, self.zone).date()

    def kind(self, date: dt.date) -> DayKind:
        """What the date is; in a year without a table the weekly rule answers."""
        year = self.years.get(date.year)
        if year is not None and date in year.holidays:
            return DayKind.HOLIDAY
        if year is not None and date in year.workdays:
            return DayKind.MADE_UP
        return DayKind.WORKDAY if self.weekly[date.weekday()] else DayKind.WEEKEND

    def hours(self, date: dt.date) -> Hours:
        """Office hours of the date, () when nobody works."""
        kind = self.kind(date)
        if kind is DayKind.HOLIDAY:
            return ()
        return self.on_workdays if kind is DayKind.MADE_UP else self.weekly[date.weekday()]

    def spans(self, date: dt.date) -> tuple[tuple[float, float], ...]:
        """Office hours of the date as instants; each begins where or after the one before ends."""
        found = self._spans.get(date)
        if found is None:
            if len(self._spans) >= KEPT_DAYS:
                self._spans.clear()
            pairs = ((self.instant(date, begin), self.instant(date, end)) for begin, end in self.hours(date))
            found = self._spans[date] = tuple(pair for pair in pairs if pair[0] < pair[1])
        return found

    def instant(self, date: dt.date, minute: int) -> float:
        """When the clocks of the zone first show this minute of the date (1440: the end of the date).

        A minute that the clocks skip is the instant at which they skip it.
        """
        wall = dt.datetime(date.year, date.month, date.day) + dt.timedelta(minutes=minute)  # noqa: DTZ001
        first = wall.replace(tzinfo=self.zone).timestamp()
        shown = dt.datetime.fromtimestamp(first, self.zone).replace(tzinfo=None)
        if shown == wall:
            return first
        before, after = int(wall.replace(tzinfo=self.zone, fold=1).timestamp()), int(first)
        moved = dt.datetime.fromtimestamp(after, self.zone).utcoffset()
        while after - before > 1:
            middle = (before + after) // 2
            if dt.datetime.fromtimestamp(middle, self.zone).utcoffset() == moved:
                after = middle
            else:
                before = middle
        return float(after)

    # ------------------------------------------------------------ working time

    def is_open(self, at: float) -> bool:
        """Whether the instant is in office hours (the last instant of a span is not)."""
        first = self.date(at)
        return any(begin <= at < end for date in (first, first + DAY) for begin, end in self.spans(date))

    def next_opening(self, at: float) -> float:
        """The same instant in office hours, else when the next ones begin.

        Raises:
            ValueRefused: there are none in ten years.
        """
        for begin, end in self._from(at):
            if at < end:
                return max(at, begin)
        raise _never()

    def add(self, at: float, seconds: float) -> float:
        """The first instant at which so many seconds of working time have passed since `at`.

        With 0 seconds it is `at` itself, in office hours or not.

        Raises:
            ValueRefused: fewer than none, or they do not pass in ten years.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueRefused(f"seconds = {seconds}: give 0 or more", shown="时长无效")
        if seconds == 0:
            _check(at)
            return at
        left = seconds
        for begin, end in self._from(at):
            begin = max(begin, at)
            if begin >= end:
                continue
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise _never()

    def between(self, start: float, end: float) -> float:
        """Seconds of working time from `start` to `end`; 0 when `end` is not later.

        Raises:
            ValueRefused: they lie more than ten years apart.
        """
        _check(end)
        if end <= start:
            _check(start)
            return 0.0
        total = 0.0
        for opens, closes in self._from(start):
            if opens >= end:
                return total
            total += max(0.0, min(closes, end) - max(opens, start))
        if self.date(end) - self.date(start) <= FARTHEST_DAYS * DAY:
            return total
        raise _never()

    def add_days(self, at: float, days: int) -> float:
        """When business ends on the `days`-th working day after the date of `at`.

        Raises:
            ValueRefused: less than one day, or it does not come in ten years.
        """
        if days < 1:
            raise ValueRefused(f"days = {days}: give 1 or more", shown="工作日天数至少为 1")
        left = days
        first = self.date(at)
        for count in range(1, FARTHEST_DAYS):
            spans = self.spans(first + count * DAY)
            if spans:
                left -= 1
                if left == 0:
                    return spans[-1][1]
        raise _never()

    def days_between(self, start: float, end: float) -> int:
        """Working days after the date of `start` on which business has ended by `end`.

        Raises:
            ValueRefused: they lie more than ten years apart.
        """
        first, last = self.date(start), self.date(end)
        if (last - first).days > FARTHEST_DAYS:
            raise _never()
        later = (self.spans(first + count * DAY) for count in range(1, (last - first).days + 1))
        return sum(bool(spans) and spans[-1][1] <= end for spans in later)

    def add_natural_days(self, at: float, days: int) -> float:
        """24:00 of the `days`-th day after the date of `at`.

        Raises:
            ValueRefused: less than one day, or more than ten years.
        """
        if not 1 <= days <= FARTHEST_DAYS:
            raise ValueRefused(f"days = {days}: give 1 to {FARTHEST_DAYS}", shown="天数无效")
        return self.instant(self.date(at) + days * DAY, DAY_MINUTES)

    # ------------------------------------------------------------ years

    def notes(self, start: float, end: float) -> tuple[YearNote, ...]:
        """The years from `start` to `end` that have no table, or a provisional one."""
        found: list[YearNote] = []
        for year in range(self.date(start).year, self.date(max(start, end)).year + 1):
            table = self.years.get(year)
            if table is None:
                found.append(
                    YearNote(
                        year=year,
                        missing=True,
                        shown=f"工作日历里没有 {year} 年：这一年的时限暂按每周工作时间计算，"
                        "未扣除节假日和调休。请管理员录入国务院办公厅公布的放假安排",
                    )
                )
            elif table.provisional:
                found.append(
                    YearNote(
                        year=year,
                        missing=False,
                        shown=f"工作日历里 {year} 年只有法定节日，还没有调休安排：这一年的时限以后可能变动。"
                        "请管理员在安排公布后录入",
                    )
                )
        return tuple(found)

    def _from(self, at: float) -> Iterator[tuple[float, float]]:
        first = self.date(at)
        for count in range(FARTHEST_DAYS + 1):
            yield from self.spans(first + count * DAY)


def check_hours(hours: Hours) -> bool:
    """Whether hours lie in one day, in order and without overlap."""
    flat = [minute for span in hours for minute in span]
    ends = all(begin < end for begin, end in hours)
    return ends and flat == sorted(flat) and (not flat or 0 <= flat[0] <= flat[-1] <= DAY_MINUTES)


def _check(at: float) -> None:
    if not FIRST_AT <= at <= LAST_AT:
        raise ValueRefused(f"time = {at}: give epoch seconds from 1970 to 2200", shown="时间无效")


def _never() -> ValueRefused:
    return ValueRefused(
        f"no working time in {FARTHEST_DAYS} days: correct the table of years",
        shown="工作日历在十年内排不出所需的工作时间，请管理员检查工作日历",
    )
