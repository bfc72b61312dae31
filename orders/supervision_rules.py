"""When an order is supervised (督办) without anybody asking for it: data, and what it comes to. Pure.

Something happens (a `Signal`), the rules for it are looked at, and the strictest one of them counts, if
it is stricter than what the order has already: rules only raise, people lower. The decision is an event
with its reason (`SupervisionSet`), so replaying never asks the rules.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from orders.clock_rules import Facts, When
from orders.clock_watch import Crossing, Level
from orders.course_events import SupervisionSet
from orders.course_messages import SYSTEM, ClockKind, Supervision
from orders.course_titles import CLOCKS

__all__ = [
    "MEASURES",
    "BadlyRated",
    "ClockCrossed",
    "Measure",
    "On",
    "Raise",
    "Repeated",
    "Returned",
    "Said",
    "Signal",
    "SupervisionRule",
    "SupervisionRules",
    "strictest",
]


class Measure(StrEnum):
    """What is done, each above the one before."""

    FOLLOW = "follow"  # 跟进: somebody looks after it, it counts against nobody
    YELLOW = "yellow"  # 黄牌
    RED = "red"  # 红牌
    RAISED = "raised"  # 提级办理
    LEADER = "leader"  # 领导包案


MEASURES: Mapping[Measure, str] = MappingProxyType(
    {
        Measure.FOLLOW: "跟进",
        Measure.YELLOW: "黄牌督办",
        Measure.RED: "红牌督办",
        Measure.RAISED: "提级办理",
        Measure.LEADER: "领导包案",
    }
)
_ORDER = tuple(Measure)
_LEVELS: Mapping[Measure, Supervision] = MappingProxyType(
    {measure: Supervision(measure.value) for measure in Measure if measure is not Measure.FOLLOW}
)


class On(StrEnum):
    """At what a rule looks."""

    NEAR = "near"  # a clock is nearly over
    LATE = "late"  # … over
    GRAVE = "grave"  # … gravely late
    RETURNED = "returned"  # the order was returned so often
    BAD_RATING = "bad_rating"  # it was rated badly so often
    REPEATED = "repeated"  # the same matter was reported so often
    WORDS = "words"  # important words were said


# ---------------------------------------------------------------- signals


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockCrossed:
    """A clock has become near, late or gravely late."""

    kind: ClockKind  # which clock
    level: Level  # what it has become

    @classmethod
    def of(cls, crossing: Crossing) -> ClockCrossed:
        """As the watch told it."""
        return cls(kind=crossing.clock.kind, level=crossing.level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The order was returned (退单)."""

    times: int  # this one included


@dataclass(frozen=True, slots=True, kw_only=True)
class BadlyRated:
    """The citizen rated it badly (差评)."""

    times: int  # this one included


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The same matter was reported again, by whomever."""

    times: int  # this one included


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the order says, looked at when it is accepted."""

    text: str  # title and summary


Signal = ClockCrossed | Returned | BadlyRated | Repeated | Said

_CROSSED: Mapping[Level, On] = MappingProxyType(
    {Level.NEAR: On.NEAR, Level.LATE: On.LATE, Level.GRAVE: On.GRAVE}
)
_COUNTED: Mapping[type[Signal], On] = MappingProxyType(
    {Returned: On.RETURNED, BadlyRated: On.BAD_RATING, Repeated: On.REPEATED}
)
_CLOCK_WORDS: Mapping[On, str] = MappingProxyType(
    {On.NEAR: "时限即将到期", On.LATE: "已超期", On.GRAVE: "严重超期"}
)
_COUNT_WORDS: Mapping[On, str] = MappingProxyType(
    {On.RETURNED: "第 {} 次退单", On.BAD_RATING: "第 {} 次差评", On.REPEATED: "同一事项第 {} 次反映"}
)


# ---------------------------------------------------------------- rules


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionRule:
    """One rule; see orders/data/supervision.yaml."""

    rule_id: str  # as reasons in logs name it
    title: str  # Chinese
    on: On  # at what it looks
    measure: Measure  # what it comes to
    when: When = field(default_factory=When)  # for which orders
    since: dt.date = dt.date.min  # first day in force
    until: dt.date = dt.date.max  # last day in force
    clocks: frozenset[ClockKind] = frozenset()  # near, late, grave: of these clocks
    times: int = 0  # returned, bad_rating, repeated: from so many on
    words: tuple[str, ...] = ()  # words: one of them is said
    unless: tuple[str, ...] = ()  # words: what is said in these phrases does not count

    def reason(self, signal: Signal) -> str:
        """Why the rule speaks, in Chinese; "" when it does not."""
        if isinstance(signal, ClockCrossed):
            on = _CROSSED.get(signal.level)
            met = on is self.on and signal.kind in self.clocks
            return f"{CLOCKS[signal.kind]}{_CLOCK_WORDS[self.on]}" if met else ""
        if isinstance(signal, Said):
            word = self._word(signal.text) if self.on is On.WORDS else ""
            return f"诉求提到“{word}”" if word else ""
        met = _COUNTED[type(signal)] is self.on and signal.times >= self.times
        return _COUNT_WORDS[self.on].format(signal.times) if met else ""

    def _word(self, text: str) -> str:
        for phrase in self.unless:
            text = text.replace(phrase, "\n")
        return next((word for word in self.words if word in text), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """What the rules come to."""

    measure: Measure  # what is done
    rule_id: str  # by which rule
    reason: str  # why, in Chinese

    def event(self) -> SupervisionSet | None:
        """The event that raises the order's level; None for following up, which has none."""
        level = _LEVELS.get(self.measure)
        return None if level is None else SupervisionSet(level=level, reason=self.reason, by=SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionRules:
    """All rules, checked."""

    rules: tuple[SupervisionRule, ...]  # in the order of the file
    version: str = ""  # a short hash of what they say
    file: str = ""  # where they were read from

    def raised(self, signal: Signal, current: Supervision, facts: Facts, date: dt.date) -> Raise | None:
        """The strictest thing that the rules in force say to this; None when it is not above `current`."""
        found = strictest(self._speaking(signal, facts, date))
        if found is None or _ORDER.index(found.measure) <= _standing(current):
            return None
        return found

    def _speaking(self, signal: Signal, facts: Facts, date: dt.date) -> Iterator[Raise]:
        for rule in self.rules:
            if rule.since <= date <= rule.until and rule.when.narrowness(facts) is not None:
                reason = rule.reason(signal)
                if reason:
                    said = f"{reason}，{MEASURES[rule.measure]}（{rule.title}）"
                    yield Raise(measure=rule.measure, rule_id=rule.rule_id, reason=said)


def strictest(found: Iterable[Raise | None]) -> Raise | None:
    """The strictest of what rules come to, of equally strict ones the first; None for nothing."""
    raised = (one for one in found if one is not None)
    return max(raised, key=lambda one: _ORDER.index(one.measure), default=None)


def _standing(level: Supervision) -> int:
    """Where a level stands among the measures; -1 for none."""
    return -1 if level is Supervision.NONE else _ORDER.index(Measure(level.value))
