"""Days as people name them and as clocks count them, in China."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from acd.errors import InvalidValue

__all__ = ["CHINA", "day_named", "midnight"]

CHINA = ZoneInfo("Asia/Shanghai")
FIRST_YEAR, LAST_YEAR = 2000, 2100


def day_named(text: str) -> date:
    """Read YYYY-MM-DD.

    Raises:
        InvalidValue: it is written in another way, or no hotline existed then.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidValue("date", text, "write it as YYYY-MM-DD") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidValue("date", text, f"give a day from {FIRST_YEAR} to {LAST_YEAR}")
    return day


def midnight(day: date) -> float:
    """The beginning of a day in China, epoch seconds."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp()
