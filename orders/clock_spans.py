"""How long a time limit is: minutes, hours or days, of natural or of working time. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orders.course_messages import Clock
from orders.workdays import Workdays

__all__ = ["Near", "Span", "moved", "near_at"]

SPAN_FORMS = "15 minutes, 2 hours, 3 days, 30 workminutes, 4 workhours, 2 workdays"
NEAR_FORMS = "20% or a time left such as 30 minutes, 2 hours, 30 workminutes, 4 workhours"

_SPAN = re.compile(r"([1-9]\d{0,4}) (work)?(minute|hour|day)s?")
_SHARE = re.compile(r"([1-9]\d?)%")
_SECONDS: Mapping[str, int] = MappingProxyType({"minute": 60, "hour": 3600, "day": 86_400})
_TITLES: Mapping[tuple[str, bool], str] = MappingProxyType(
    {
        ("minute", False): "分钟", ("hour", False): "小时", ("day", False): "个自然日",
        ("minute", True): "个工作分钟", ("hour", True): "个工作小时", ("day", True): "个工作日",
    }
)  # fmt: skip
MOST_DAYS = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """So much time; `str` gives it as it is written in rules."""

    count: int  # of the unit
    unit: str  # minute, hour or day
    working: bool  # passes only while the office works

    @classmethod
    def parse(cls, text: str) -> Span | None:
        """Read `2 workdays`; None when it is written otherwise, or is longer than can be meant."""
        found = _SPAN.fullmatch(text)
        if found is None:
            return None
        span = cls(int(found[1]), found[3], found[2] is not None)
        return span if span.seconds <= MOST_DAYS * 86_400 else None

    @property
    def seconds(self) -> int:
        """Its length, a day taken for 24 hours."""
        return self.count * _SECONDS[self.unit]

    @property
    def title(self) -> str:
        """In Chinese."""
        return f"{self.count} {_TITLES[self.unit, self.working]}"

    def __str__(self) -> str:
        return f"{self.count} {'work' if self.working else ''}{self.unit}{'' if self.count == 1 else 's'}"

    def end(self, start: float, days: Workdays) -> float:
        """When it has passed since `start` (epoch seconds); days are counted as `orders.workdays` says.

        Raises:
            ValueRefused: the calendar has not so much working time in ten years.
        """
        if self.unit == "day":
            return (
                days.add_days(start, self.count) if self.working else days.add_natural_days(start, self.count)
            )
        return days.add(start, self.seconds) if self.working else start + self.seconds


@dataclass(frozen=True, slots=True)
class Near:
    """From when a limit is nearly over: a share of it is left, or so much time."""

    share: float = 0.0  # 0 to 1, when `left` is None
    left: Span | None = None  # minutes or hours

    @classmethod
    def parse(cls, text: str) -> Near | None:
        """Read `20%` or `2 hours`; None when it is written otherwise, or in days."""
        share = _SHARE.fullmatch(text)
        if share is not None:
            return cls(share=int(share[1]) / 100)
        span = Span.parse(text)
        return None if span is None or span.unit == "day" else cls(left=span)

    @property
    def title(self) -> str:
        """In Chinese."""
        return f"剩余 {self.share:.0%}" if self.left is None else f"剩余 {self.left.title}"


def near_at(near: Near, start: float, due: float, working: bool, days: Workdays) -> float:
    """When a limit from `start` to `due` is nearly over; not before `start`, not after `due`.

    A share is one of working time when the limit is `working`, but of natural where none lies between.
    """
    in_office = working if near.left is None else near.left.working
    length = days.between(start, due) if in_office else due - start
    if length == 0:
        in_office, length = False, due - start
    left = length * near.share if near.left is None else float(near.left.seconds)
    gone = max(0.0, length - left)
    return min(due, days.add(start, gone) if in_office else start + gone)


def moved(clock: Clock, moment: float, at: float, days: Workdays) -> float:
    """A moment of a paused clock, as much later as it stood until `at`; one that had passed stays."""
    paused = at if clock.paused_at is None else clock.paused_at
    if moment <= paused or at <= paused:
        return moment
    span = Span.parse(clock.span)
    if span is None or not span.working:
        return moment + (at - paused)
    return max(moment, days.add(at, days.between(paused, moment)))
