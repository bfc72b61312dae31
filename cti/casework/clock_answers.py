"""Says which time limits an order would have, by which rule, and when they would be over."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from orders.clock_rules import Facts, Limit
from orders.clock_spans import Span
from orders.clock_words import LIMITS, STARTS
from orders.clocks import Timekeeper

__all__ = ["ExplainedLimit", "explained", "notes_until", "written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLimit:
    """One limit of an order."""

    limit: str  # orders.clock_rules.Limit
    title: str  # in Chinese
    rule: str  # id of the rule that sets it
    rule_title: str  # in Chinese
    since: str  # from what it is counted, in Chinese
    span: str  # how long, in Chinese
    started: float  # as if that happened now
    near_at: float  # from when it is nearly over
    due: float  # when it is over


def explained(keeper: Timekeeper, facts: Facts, at: float) -> tuple[ExplainedLimit, ...]:
    """Return all limits of such an order, as if each were counted from `at` (epoch seconds).

    Raises:
        ValueRefused: the calendar has not so much working time in ten years.
    """
    found = []
    for limit in Limit:
        clock = keeper.limit(limit, facts, at)
        chosen = None if clock is None else keeper.rules.rule(clock.rule)
        if clock is None or chosen is None:
            continue
        span = Span.parse(clock.span)
        found.append(
            ExplainedLimit(
                limit=limit.value,
                title=LIMITS[limit],
                rule=clock.rule,
                rule_title=chosen.title,
                since=STARTS[chosen.limits[limit].starts],
                span=clock.span if span is None else span.title,
                started=clock.started,
                near_at=clock.near_at,
                due=clock.due,
            )
        )
    return tuple(found)


def notes_until(keeper: Timekeeper, limits: tuple[ExplainedLimit, ...], at: float) -> tuple[str, ...]:
    """Return what has to be said of the calendar's years that these limits reach."""
    last = max((one.due for one in limits), default=at)
    return tuple(note.shown for note in keeper.days.notes(at, last))


def written(keeper: Timekeeper, at: float) -> str:
    """Return a moment as people read it, in the calendar's zone."""
    return datetime.datetime.fromtimestamp(at, keeper.days.zone).strftime("%Y-%m-%d %H:%M")
