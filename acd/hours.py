"""Opening hours: weekly windows in a city's own time, and when the next one ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

WEEK = 8
"""No window begins later than so many days ahead."""


class Day(StrEnum):
    """A day of the week; `list(Day)` is in `datetime.weekday` order."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_INDEX = {day: index for index, day in enumerate(Day)}
_HOUR = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
Opens = Annotated[str, msgspec.Meta(pattern=rf"^{_HOUR}$")]
Closes = Annotated[str, msgspec.Meta(pattern=rf"^(?:{_HOUR}|24:00)$")]


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Open on these days between two times of day; `closes` not after `opens` means on the next day."""

    days: Annotated[tuple[Day, ...], msgspec.Meta(min_length=1, max_length=7)]
    opens: Opens  # "08:30"
    closes: Closes  # "18:00"; "24:00" is midnight


class Hours:
    """Weekly windows in one time zone."""

    __slots__ = ("_windows", "_zone")

    def __init__(self, windows: Sequence[Window], zone: ZoneInfo) -> None:
        self._zone = zone
        self._windows = tuple(windows)

    def open_at(self, now: float) -> bool:
        """True when open at `now` (epoch seconds)."""
        return self._ends(now) is not None

    def closes_after(self, now: float) -> float | None:
        """When the present opening ends (epoch seconds); None when closed, or open for another week."""
        end = self._ends(now)
        if end is None:
            return None
        horizon = now + WEEK * 86400
        while end < horizon and (later := self._ends(end)) is not None:
            end = later
        return end if end < horizon else None

    def _ends(self, now: float) -> float | None:
        """The latest end of the windows that hold `now`."""
        today = datetime.fromtimestamp(now, self._zone).date()
        latest: float | None = None
        for date in (today - timedelta(days=1), today):
            for window in self._windows:
                if not any(_INDEX[day] == date.weekday() for day in window.days):
                    continue
                opens = datetime.combine(date, _clock(window.opens), self._zone)
                over_night = window.closes <= window.opens or window.closes == "24:00"
                last = date + timedelta(days=1) if over_night else date
                closes = datetime.combine(last, _clock(window.closes), self._zone).timestamp()
                if opens.timestamp() <= now < closes and (latest is None or closes > latest):
                    latest = closes
        return latest


def _clock(text: str) -> time:
    return time(int(text[:2]) % 24, int(text[3:]))
