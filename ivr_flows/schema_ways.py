"""Steps that decide, remember and ask other systems; the caller hears nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec

from ivr_flows.schema_types import (
    Case,
    Name,
    Needs,
    Priority,
    StepBase,
    Values,
    check_values,
    refs_in,
)


class Hours(StepBase, frozen=True, kw_only=True, tag="hours"):
    """Ask a calendar whether it is open now."""

    EXITS: ClassVar[tuple[str, ...]] = ("open", "closed", "holiday", "error")

    calendar: Name  # of calendar.yaml
    open: Name  # within its hours
    closed: Name  # outside them, on a day with hours
    holiday: Name  # on a holiday without hours
    error: Name  # there is no such calendar, or nobody knows the time


class Branch(StepBase, frozen=True, kw_only=True, tag="branch"):
    """The first case that is true leads on."""

    EXITS: ClassVar[tuple[str, ...]] = ("otherwise",)

    cases: Annotated[tuple[Case, ...], msgspec.Meta(min_length=1, max_length=50)]
    otherwise: Name  # none is true

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        for index, case in enumerate(self.cases):
            yield f"cases[{index}].then", case.then
        yield "otherwise", self.otherwise

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference."""
        for index, case in enumerate(self.cases):
            for path, test in case.comparisons():
                if test.subject:
                    yield f"cases[{index}].{path}", test.subject


class SetValues(StepBase, frozen=True, kw_only=True, tag="set"):
    """Remember what the call needs from now on; routes take it over."""

    EXITS: ClassVar[tuple[str, ...]] = ("next",)

    next: Name  # at once
    needs: Needs = msgspec.field(default_factory=dict)  # skill -> minimum level, added to what is needed
    forget_needs: bool = False  # True: what was needed before counts no more
    priority: Priority | None = None  # of the call, in place of what was set before; added to a route's
    urgent: bool | None = None  # before everybody who is not
    language: Name | None = None  # kept as call.language
    vars: Values = msgspec.field(default_factory=dict)  # variable -> text

    def __post_init__(self) -> None:
        """References must be well written."""
        check_values(self.vars)

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference."""
        for name, text in self.vars.items():
            yield from refs_in(f"vars.{name}", text)

    def sets(self) -> Iterator[str]:
        """The variables that the step may set."""
        yield from self.vars


class CallerLookup(StepBase, frozen=True, kw_only=True, tag="lookup"):
    """Ask what is known of the calling number; facts are `fact.known`, `fact.last_agent` and so on."""

    EXITS: ClassVar[tuple[str, ...]] = ("known", "unknown", "error")

    known: Name  # the hotline knows the number
    unknown: Name  # it does not
    error: Name  # nobody could be asked
    within_s: Annotated[float, msgspec.Meta(gt=0, le=0.8)] = 0.5  # no caller waits longer for it, seconds


class Web(StepBase, frozen=True, kw_only=True, tag="web"):
    """Ask another system of the city; its answer becomes facts called <prefix>_<key>."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "error")

    request: Name  # one of the requests that the settings allow
    next: Name  # answered
    error: Name  # not answered in time, refused, or the request does not exist
    values: Values = msgspec.field(default_factory=dict)  # sent
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]{0,15}$")] = "web"  # of the facts
    within_s: Annotated[float, msgspec.Meta(gt=0, le=5)] = 2.0  # deadline, seconds

    def __post_init__(self) -> None:
        """References must be well written."""
        check_values(self.values)

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference."""
        for name, text in self.values.items():
            yield from refs_in(f"values.{name}", text)


class TakeNote(StepBase, frozen=True, kw_only=True, tag="note"):
    """Keep something with the call, or with the order that it is about."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "error")

    note: Name  # what kind of note: visit, nuisance …
    next: Name  # kept
    error: Name  # it could not be kept
    values: Values = msgspec.field(default_factory=dict)  # empty ones are left out

    def __post_init__(self) -> None:
        """References must be well written."""
        check_values(self.values)

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference."""
        for name, text in self.values.items():
            yield from refs_in(f"values.{name}", text)


class SubFlow(StepBase, frozen=True, kw_only=True, tag="flow"):
    """Enter another flow; where that one says `return`, this one goes on."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "error")

    flow: Name  # the other flow's name
    next: Name  # it returned
    error: Name  # there is no such flow, or flows are too deep in one another
