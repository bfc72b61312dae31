"""The working calendar as a file: office hours, and each year's holidays and make-up days; checked whole."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from orders.policy_file import PolicyFile, parse_policy, read_policy
from orders.workdays import Hours, Workdays, Year, check_hours

__all__ = ["SHIPPED", "load_workdays", "parse_workdays", "year_of"]

SHIPPED = Path(__file__).parent / "data" / "workdays.yaml"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
YEARS_MOST = 60

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_YEAR = re.compile(r"(19[7-9]|20\d|21\d)\d")

_Spans = Annotated[tuple[str, ...], msgspec.Meta(max_length=10)]
_Names = Annotated[dict[str, Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=366)]


class _Year(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    holidays: _Names
    workdays: _Names = {}
    provisional: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    time_zone: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    weekly: dict[str, _Spans]
    on_workdays: _Spans
    years: dict[str, object]


def load_workdays(path: Path = SHIPPED) -> Workdays:
    """Read the calendar's file.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
    """
    return _workdays(read_policy(path))


def parse_workdays(raw: bytes, *, name: str = "workdays.yaml") -> Workdays:
    """Read the calendar's text; `name` is how errors call it.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
    """
    return _workdays(parse_policy(raw, name=name))


def year_of(holidays: Mapping[str, str], workdays: Mapping[str, str], *, provisional: bool) -> Year:
    """One year's table of ISO dates, for a calendar that is kept elsewhere.

    Raises:
        ValueError: one is no date.
    """
    return Year(
        holidays={dt.date.fromisoformat(date): name for date, name in holidays.items()},
        workdays={dt.date.fromisoformat(date): name for date, name in workdays.items()},
        provisional=provisional,
    )


def _workdays(file: PolicyFile) -> Workdays:
    given = file.convert(_File)
    try:
        zone = ZoneInfo(given.time_zone)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise file.error("time_zone", "name a zone such as Asia/Shanghai") from None
    for day in given.weekly:
        if day not in WEEKDAYS:
            raise file.error(f"weekly.{day}", f"write one of: {', '.join(WEEKDAYS)}")
    mon, tue, wed, thu, fri, sat, sun = (
        _hours(file, f"weekly.{day}", given.weekly.get(day, ())) for day in WEEKDAYS
    )
    weekly = (mon, tue, wed, thu, fri, sat, sun)
    if not any(weekly):
        raise file.error("weekly", "give at least one day of the week hours")
    on_workdays = _hours(file, "on_workdays", given.on_workdays)
    if not on_workdays:
        raise file.error("on_workdays", "give make-up days hours")
    if len(given.years) > YEARS_MOST:
        raise file.error("years", f"keep at most {YEARS_MOST} years")
    years = {int(text): _year(file, text) for text in given.years if _is_year(file, text)}
    written = repr((given.time_zone, weekly, on_workdays, sorted(years.items())))
    return Workdays(
        zone=zone,
        weekly=weekly,
        on_workdays=on_workdays,
        years=years,
        version=hashlib.sha256(written.encode()).hexdigest()[:12],
    )


def _hours(file: PolicyFile, key: str, given: tuple[str, ...]) -> Hours:
    spans: list[tuple[int, int]] = []
    for index, text in enumerate(given):
        found = _HOURS.fullmatch(text)
        if found is None:
            raise file.error(f"{key}[{index}]", "write hours as 09:00-17:30, the last moment as 24:00")
        spans.append((int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])))
        if not check_hours(tuple(spans)):
            raise file.error(f"{key}[{index}]", "end after the begin, in order, without overlap")
    return tuple(spans)


def _is_year(file: PolicyFile, text: str) -> bool:
    if not _YEAR.fullmatch(text):
        raise file.error(f"years.{text}", 'write a year such as "2027"')
    return True


def _year(file: PolicyFile, text: str) -> Year:
    at = f"years.{text}"
    given = file.convert(_Year, at)
    holidays = _dates(file, text, f"{at}.holidays", given.holidays)
    workdays = _dates(file, text, f"{at}.workdays", given.workdays)
    for date in workdays:
        if date in holidays:
            raise file.error(f"{at}.workdays.{date}", "a day is a holiday or worked, not both: remove one")
    return Year(holidays=holidays, workdays=workdays, provisional=given.provisional)


def _dates(file: PolicyFile, year: str, at: str, given: Mapping[str, str]) -> dict[dt.date, str]:
    dates: dict[dt.date, str] = {}
    for text, name in given.items():
        try:
            date = dt.date.fromisoformat(text)
        except ValueError:
            date = None
        if date is None or text != date.isoformat() or str(date.year) != year:
            raise file.error(f"{at}.{text}", f'write dates of {year} as "{year}-05-01"')
        if not name:
            raise file.error(f"{at}.{text}", "say what day it is")
        dates[date] = name
    return dates
