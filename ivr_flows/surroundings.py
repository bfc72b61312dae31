"""What a flow can see beside the call's own events: the clock, the calendars, the numbers, first facts.

And what its steps make of it: references (`fact.known`, `var.score`, `call.caller`), texts with references in
braces, and comparisons. Pure: time comes from the function that the shell gives.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ivr_flows.calendar import Calendars, Opening
from ivr_flows.schema_types import REFERENCE, Case, Comparison

MAX_VALUE = 200
"""characters of one fact or variable"""
TRUE = frozenset({"yes", "true", "1"})
"""what counts as yes in a fact"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One call's surroundings; without clock or calendars, steps that need them take the exit `error`."""

    now: Callable[[], float] | None = None  # epoch seconds
    calendars: Calendars = field(default_factory=Calendars)
    caller: str = ""  # calling number, "" when withheld
    called: str = ""  # called number
    facts: Mapping[str, str] = field(default_factory=dict)  # known from the start: number_…, visit_…
    needs: Mapping[str, int] = field(default_factory=dict)  # skill -> level, needed from the start

    def local(self) -> dt.datetime | None:
        """The time on the calendars' clock; None without a clock."""
        return self.calendars.local(self.now()) if self.now else None

    def opening(self, calendar: str) -> Opening | None:
        """Whether a calendar is open now; None when nobody can say."""
        return self.calendars.opening(calendar, self.now()) if self.now else None


NOWHERE = Surroundings()
"""Nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything that references can name, for one moment of a call."""

    facts: Mapping[str, str]
    vars: Mapping[str, str]
    call: Mapping[str, str]  # caller, called, language
    today: dt.date | None  # None without a clock

    def value(self, reference: str) -> str:
        """What a reference stands for, "" when it is not known."""
        space, _, name = reference.partition(".")
        table = {"fact": self.facts, "var": self.vars, "call": self.call}[space]
        return table.get(name, "")

    def text(self, template: str) -> str:
        """A text with its references filled in, cut to `MAX_VALUE` characters."""
        return REFERENCE.sub(lambda found: self.value(found[1]), template)[:MAX_VALUE]

    def true(self, case: Case) -> bool:
        """Whether a case's condition is true."""
        if case.all_of is not None:
            return all(self.compare(one) for one in case.all_of)
        if case.any_of is not None:
            return any(self.compare(one) for one in case.any_of)
        return self.compare(case)

    def compare(self, test: Comparison) -> bool:
        """Whether one comparison is true; what is not known compares as false, but for exists and holds."""
        value = self.value(test.subject or "fact.")
        if test.exists is not None:
            return bool(value) is test.exists
        if test.holds is not None:
            return (value.lower() in TRUE) is test.holds
        if not value:
            return False
        if test.among is not None:
            return value in test.among
        if test.passed is not None:
            day = _date(value)
            return day is not None and self.today is not None and (day < self.today) is test.passed
        number = _number(value)
        if test.at_least is not None:
            return number is not None and number >= test.at_least
        if test.at_most is not None:
            return number is not None and number <= test.at_most
        if isinstance(test.equals, str):
            return value == test.equals
        return number is not None and number == test.equals


def _number(value: str) -> float | None:
    """A number as people write it; no infinities, no exponents of any size."""
    try:
        number = float(value) if len(value) <= 20 else None
    except ValueError:
        return None
    return number if number is not None and abs(number) < 1e15 else None


def _date(value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None
