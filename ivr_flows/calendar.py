"""Working days: when an office is open, with holidays and the working days that make up for them (调休).

The table is a file that an administrator edits. A date in a year that the table does not have is answered by
the weekly rule alone; `hotline flows check` says so before that year begins.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from ivr_flows.schema_types import Name
from ivr_flows.yamlfile import YamlFile, read_yaml

SHIPPED_CALENDAR = Path(__file__).with_name("calendar.yaml")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")

Span = tuple[int, int]
"""from and to, minutes since midnight; from < to <= 1440"""
Spans = tuple[Span, ...]


class Opening(StrEnum):
    """What a calendar says of a moment."""

    OPEN = "open"
    CLOSED = "closed"  # outside the hours of a day that has some, or a day of the week without
    HOLIDAY = "holiday"  # a day that the table names as a holiday, outside the hours it has then


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """What one year's table says."""

    holidays: Mapping[dt.date, str]  # date -> its Chinese name
    workdays: Mapping[dt.date, str]  # weekend days that are worked -> why
    provisional: bool  # only what the law fixes: make-up days are not published or not entered yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One office's hours."""

    name: str  # as flows call it
    title: str  # Chinese
    weekly: tuple[Spans, ...]  # Monday first
    on_holidays: Spans  # hours on holidays
    on_workdays: Spans  # hours on weekend days that are worked


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendars:
    """All calendars and the years' table that they share."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))  # whose clock counts
    by_name: Mapping[str, Calendar] = field(default_factory=dict)  # name -> calendar
    years: Mapping[int, Year] = field(default_factory=dict)  # year -> its table
    file: str = "calendar"  # where they were read from
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # key path -> line in that file

    def local(self, now: float) -> dt.datetime:
        """Epoch seconds on this zone's clock."""
        return dt.datetime.fromtimestamp(now, self.zone)

    def opening(self, name: str, now: float) -> Opening | None:
        """Whether the calendar `name` is open at `now` (epoch seconds); None when there is no such one."""
        calendar = self.by_name.get(name)
        if calendar is None:
            return None
        local = self.local(now)
        date, minute = local.date(), local.hour * 60 + local.minute
        year = self.years.get(date.year)
        holiday = year is not None and date in year.holidays
        if holiday:
            spans = calendar.on_holidays
        elif year is not None and date in year.workdays:
            spans = calendar.on_workdays
        else:
            spans = calendar.weekly[date.weekday()]
        if any(begin <= minute < end for begin, end in spans):
            return Opening.OPEN
        return Opening.HOLIDAY if holiday else Opening.CLOSED

    def holiday(self, now: float) -> str:
        """The holiday's Chinese name, "" on other days and in years without a table."""
        date = self.local(now).date()
        year = self.years.get(date.year)
        return year.holidays.get(date, "") if year else ""


# ---------------------------------------------------------------- the file

_Spans = Annotated[tuple[str, ...], msgspec.Meta(max_length=10)]


class _CalendarDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    weekly: dict[str, _Spans]
    on_holidays: _Spans = ()
    on_workdays: _Spans | None = None


class _YearDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    holidays: Annotated[dict[str, Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=366)]
    workdays: Annotated[
        dict[str, Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=366)
    ] = msgspec.field(default_factory=dict)
    provisional: bool = False


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    timezone: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    calendars: Annotated[dict[Name, _CalendarDocument], msgspec.Meta(max_length=100)]
    years: Annotated[
        dict[Annotated[str, msgspec.Meta(pattern=r"^(19|20|21)\d\d$")], _YearDocument],
        msgspec.Meta(max_length=50),
    ]


def load_calendars(path: Path = SHIPPED_CALENDAR) -> Calendars:
    """Read the calendars' file.

    Raises:
        FlowFileError: naming file, line, key, value and remedy.
    """
    return calendars_of(read_yaml(path))


def calendars_of(file: YamlFile) -> Calendars:
    """The calendars of a file that was read.

    Raises:
        FlowFileError: naming file, line, key, value and remedy.
    """
    document = file.convert(_Document)
    try:
        zone = ZoneInfo(document.timezone)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError in some builds, an OSError in others
        zone = None
    except KeyError:
        zone = None
    if zone is None:
        raise file.error("timezone", document.timezone, "name a time zone such as Asia/Shanghai")
    return Calendars(
        zone=zone,
        by_name={name: _calendar(file, name, one) for name, one in document.calendars.items()},
        years={int(year): _year(file, int(year), one) for year, one in document.years.items()},
        file=file.name,
        lines=file.lines,
    )


def _calendar(file: YamlFile, name: str, document: _CalendarDocument) -> Calendar:
    at = f"calendars.{name}"
    for day in document.weekly:
        if day not in WEEKDAYS:
            raise file.error(f"{at}.weekly.{day}", day, f"write one of: {', '.join(WEEKDAYS)}")
    weekly = tuple(_spans(file, f"{at}.weekly.{day}", document.weekly.get(day, ())) for day in WEEKDAYS)
    on_workdays = document.on_workdays
    return Calendar(
        name=name,
        title=document.title,
        weekly=weekly,
        on_holidays=_spans(file, f"{at}.on_holidays", document.on_holidays),
        on_workdays=weekly[0] if on_workdays is None else _spans(file, f"{at}.on_workdays", on_workdays),
    )


def _spans(file: YamlFile, at: str, texts: tuple[str, ...]) -> Spans:
    spans: list[Span] = []
    for index, text in enumerate(texts):
        found = _SPAN.fullmatch(text)
        if found is None:
            raise file.error(f"{at}[{index}]", text, "write hours as 09:00-17:30, the last moment as 24:00")
        begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if not begin < end <= DAY_MINUTES:
            remedy = "end after the beginning; hours over midnight are two spans, 22:00-24:00 and 00:00-06:00"
            raise file.error(f"{at}[{index}]", text, remedy)
        spans.append((begin, end))
    return tuple(spans)


def _year(file: YamlFile, year: int, document: _YearDocument) -> Year:
    holidays = _dates(file, year, f"years.{year}.holidays", document.holidays)
    workdays = _dates(file, year, f"years.{year}.workdays", document.workdays)
    for date in workdays:
        if date in holidays:
            key = f"years.{year}.workdays.{date}"
            raise file.error(key, str(date), "a day is a holiday or worked, not both: remove one")
    return Year(holidays=holidays, workdays=workdays, provisional=document.provisional)


def _dates(file: YamlFile, year: int, at: str, texts: Mapping[str, str]) -> dict[dt.date, str]:
    dates: dict[dt.date, str] = {}
    for text, name in texts.items():
        try:
            date = dt.date.fromisoformat(text) if len(text) == 10 else None
        except ValueError:
            date = None
        if date is None or date.year != year:
            raise file.error(f"{at}.{text}", text, f'write dates of {year} as "{year}-05-01", in quotes')
        dates[date] = name
    return dates
