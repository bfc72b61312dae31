"""Time limits (时限) as data: which an order has, by type, category, urgency, unit, channel, round and date.

For each limit the narrowest rule counts: the one that names most of these; of equally many, the one
that names urgency, then unit, then category (the deeper), then type, channel, round. Two rules that
could both be the one are refused when the file is read. A rule marked `ceiling` is heard even where a
narrower one counts: no limit ends later than by it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from orders.clock_spans import Near, Span
from orders.course_messages import ClockKind

__all__ = ["KINDS", "ClockRule", "ClockRules", "Facts", "Limit", "LimitRule", "Pause", "Starts", "When"]


class Limit(StrEnum):
    """What has a time limit."""

    ACCEPT = "accept"  # 受理
    DISPATCH = "dispatch"  # 派单
    SIGN = "sign"  # 签收, by the lead and by joint units
    CONTACT = "contact"  # 首次联系
    RESOLVE = "resolve"  # 办理
    JOINT = "joint"  # 协办答复: until a joint unit's answer
    TRACK = "track"  # 跟踪回访
    CLOSE = "close"  # 销号
    RETURN = "return"  # 退单: until when a unit may return it
    RULING = "ruling"  # 退单或争议裁定
    APPEAL = "appeal"  # 申诉裁定


KINDS: Mapping[Limit, ClockKind] = MappingProxyType(
    {
        **{limit: ClockKind(limit.value) for limit in Limit if limit not in (Limit.JOINT, Limit.RULING)},
        Limit.JOINT: ClockKind.RESOLVE,
        Limit.RULING: ClockKind.RETURN,
    }
)
"""The clock that a limit becomes."""


class Starts(StrEnum):
    """What a limit is counted from. In a later round (重办) what comes before dispatch is the redo itself."""

    RECEIVED = "received"  # 收到诉求
    ACCEPTED = "accepted"  # 受理
    DISPATCHED = "dispatched"  # 派单
    SIGNED = "signed"  # 签收
    REVIEWED = "reviewed"  # 反馈审核通过
    RETURNED = "returned"  # 退单或提请裁定
    APPEALED = "appealed"  # 申诉


class Pause(StrEnum):
    """While what a limit stands still."""

    RETURN = "return"  # 退单待裁
    DISPUTE = "dispute"  # 职责争议
    APPEAL = "appeal"  # 申诉中
    HAND = "hand"  # 由人中止, with a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What rules look at; "" where it is not known."""

    type: str = ""  # 诉求类型
    category: str = ""  # path such as 城乡建设/供水
    urgency: str = ""  # 紧急程度
    unit: str = ""  # 承办单位: the lead
    channel: str = ""  # phone, video, text, web, api …
    redo: bool = False  # a later round (重办)
    received_at: float | None = None  # epoch seconds, None: when it was accepted
    accepted_at: float | None = None  # epoch seconds, None: now

    def began(self, starts: Starts, at: float) -> float:
        """Since when a limit counts that is set at `at`; never later than that."""
        accepted = at if self.accepted_at is None else self.accepted_at
        if starts is Starts.RECEIVED:
            return min(at, accepted if self.received_at is None else self.received_at)
        return min(at, accepted) if starts is Starts.ACCEPTED else at


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Which orders a rule is for; what is empty is not asked about."""

    types: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()  # paths; what is below one belongs to it
    urgencies: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    redo: bool | None = None  # only the first round, or only later ones

    def narrowness(self, facts: Facts) -> tuple[int, ...] | None:
        """How narrow the rule is for such an order, greater is narrower; None when it is not for it."""
        depths = [path.count("/") + 1 for path in self.categories if _below(facts.category, path)]
        asked = (
            (bool(self.urgencies), facts.urgency in self.urgencies),
            (bool(self.units), facts.unit in self.units),
            (bool(self.categories), bool(depths)),
            (bool(self.types), facts.type in self.types),
            (bool(self.channels), facts.channel in self.channels),
            (self.redo is not None, facts.redo is self.redo),
        )
        if not all(met for named, met in asked if named):
            return None
        named = [int(name) for name, _ in asked]
        named[2] = max(depths, default=0)
        return (sum(name for name, _ in asked), *named)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """One limit as a rule sets it."""

    span: Span  # how long
    starts: Starts  # since when
    near: Near  # from when it is nearly over
    pauses: frozenset[Pause] = frozenset()  # while what it stands still
    restarts: bool = False  # begins anew when another unit gets the order
    extend_times: int = 0  # so often in a round it may be extended
    extend_days: int = 0  # by so many working days in all


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRule:
    """Limits for some orders."""

    rule_id: str  # as clocks name it
    title: str  # Chinese
    when: When = field(default_factory=When)  # for which orders
    since: dt.date = dt.date.min  # first day in force
    until: dt.date = dt.date.max  # last day in force
    ceiling: bool = False  # no narrower rule gives more time
    limits: Mapping[Limit, LimitRule] = field(default_factory=dict)  # what it sets

    def in_force(self, date: dt.date) -> bool:
        """Whether it counts on that day."""
        return self.since <= date <= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRules:
    """All rules, checked; see orders/data/clocks.yaml."""

    rules: tuple[ClockRule, ...]  # in the order of the file
    version: str = ""  # a short hash of what they say
    file: str = ""  # where they were read from

    def chosen(self, limit: Limit, facts: Facts, date: dt.date) -> tuple[ClockRule, LimitRule] | None:
        """The narrowest rule in force that sets this limit for such an order; None when none does."""
        found = max(self._setting(limit, facts, date), key=lambda pair: pair[0], default=None)
        return None if found is None else (found[1], found[1].limits[limit])

    def ceilings(self, limit: Limit, facts: Facts, date: dt.date) -> tuple[tuple[ClockRule, LimitRule], ...]:
        """The rules beyond which no narrower one goes."""
        return tuple(
            (rule, rule.limits[limit]) for _, rule in self._setting(limit, facts, date) if rule.ceiling
        )

    def rule(self, rule_id: str) -> ClockRule | None:
        """The rule of that id; None when it is not there any more."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)

    def _setting(
        self, limit: Limit, facts: Facts, date: dt.date
    ) -> Iterator[tuple[tuple[int, ...], ClockRule]]:
        for rule in self.rules:
            if limit in rule.limits and rule.in_force(date):
                key = rule.when.narrowness(facts)
                if key is not None:
                    yield key, rule


def _below(category: str, path: str) -> bool:
    return category == path or category.startswith(f"{path}/")
