"""A calendar's years, of calls or of orders, read and written as data: a page shows and changes single days.

What stands outside the table of years, comments too, stays as it was written.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
import yaml

from ivr_flows.calendar import calendars_of
from ivr_flows.yamlfile import parse_yaml
from orders.workdays_file import parse_workdays

__all__ = ["YearDays", "is_workdays", "with_years", "years_of"]

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
DayName = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Days = Annotated[dict[Day, DayName], msgspec.Meta(max_length=366)]
_WEEKLY = re.compile(r"^weekly:", re.MULTILINE)
_TOP = re.compile(r"^[^\s#-]")


class YearDays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one year's table says."""

    holidays: Days  # date -> name
    workdays: Days  # weekend days that are worked -> why
    provisional: bool = False  # make-up days are not published or not entered yet


def years_of(text: str) -> dict[str, YearDays]:
    """The table of years of a calendar document, by year.

    Raises:
        FlowFileError: a calendar of calls is wrong.
        PolicyError: a working calendar of orders is wrong.
    """
    if is_workdays(text):
        return {
            str(year): _days(one.holidays, one.workdays, provisional=one.provisional)
            for year, one in sorted(parse_workdays(text.encode()).years.items())
        }
    calendars = calendars_of(parse_yaml(text.encode(), name="calendar.yaml"))
    return {
        str(year): _days(table.holidays, table.workdays, provisional=table.provisional)
        for year, table in sorted(calendars.years.items())
    }


def _days(
    holidays: Mapping[datetime.date, str], workdays: Mapping[datetime.date, str], *, provisional: bool
) -> YearDays:
    return YearDays(
        holidays={day.isoformat(): name for day, name in holidays.items()},
        workdays={day.isoformat(): name for day, name in workdays.items()},
        provisional=provisional,
    )


def is_workdays(text: str) -> bool:
    """Whether a document is the working calendar of orders, and not the calendar of calls."""
    return _WEEKLY.search(text) is not None


def with_years(text: str, years: Mapping[str, YearDays]) -> str:
    """The document with this table of years in place of the one that it had; equal years keep their lines."""
    before = years_of(text)
    lines = text.splitlines()
    begin = next((place for place, line in enumerate(lines) if line.startswith("years:")), len(lines))
    end = next((place for place in range(begin + 1, len(lines)) if _TOP.match(lines[place])), len(lines))
    kept = _blocks(lines[begin + 1 : end])
    table = ["years:"]
    for year, days in sorted(years.items()):
        if year in kept and before.get(year) == days:
            table += kept[year]
        else:
            table += _written(year, days)
    return "\n".join([*lines[:begin], *table, *lines[end:]]) + "\n"


def _blocks(lines: list[str]) -> dict[str, list[str]]:
    """The lines of each year, as they are written."""
    found: dict[str, list[str]] = {}
    year = ""
    for line in lines:
        if heading := re.match(r"""^\s{2}["']?(\d{4})["']?:""", line):
            year = heading[1]
        if year:
            found.setdefault(year, []).append(line)
    return found


def _written(year: str, days: YearDays) -> list[str]:
    said: dict[str, object] = {"holidays": dict(sorted(days.holidays.items()))}
    if days.workdays:
        said["workdays"] = dict(sorted(days.workdays.items()))
    if days.provisional:
        said["provisional"] = True
    block = yaml.safe_dump({year: said}, allow_unicode=True, sort_keys=False, width=1000)
    return [f"  {line}" for line in block.splitlines()]
