"""Whether an accepted order is dispatched without a person, and whether a clerk looks at it afterwards. Pure.

What is not sure stays with people: an order that a unit returned before, that the agent meant for another
unit, or for which two rules name two units.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orders.course_events import OrderDispatched
from orders.course_messages import SYSTEM, CourseState
from orders.dispatch_policy import AutoBy, CategoryRule, DispatchPolicy
from orders.lifecycle import value_of
from orders.messages import OrderField, UnitAdvice
from orders.records import Order
from orders.unit_known import UnitNames

__all__ = ["CONFIDENTIAL", "URGENT", "Auto", "Left", "candidate", "decide", "event_id_of", "is_sampled"]

URGENT = frozenset({"紧急", "特急"})
CONFIDENTIAL = "保密"
_CERTAIN = 2**32


class Left(StrEnum):
    """Why an order is left to people."""

    STATE = "state"  # it does not wait for its first dispatch
    OFF = "off"  # its category is not switched on
    HOURS = "hours"  # not at this time of the day
    CONFIDENTIAL = "confidential"  # 保密
    URGENT = "urgent"  # 紧急、特急
    UNSURE = "unsure"  # no suggestion is sure enough
    UNCLEAR = "unclear"  # two rules name two units
    UNKNOWN = "unknown"  # the suggested unit is not in the table of units
    AGENT = "agent"  # the agent meant it for another unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """What is to be done with an order."""

    left: Left | None = None  # why it is left to people, None: it is dispatched
    event: OrderDispatched | None = None  # what happens then
    event_id: str = ""  # under which it is stored, the same whichever server decides
    confidence: float = 0.0  # of the suggestion
    sampled: bool = False  # a clerk looks at it


def event_id_of(order: Order) -> str:
    """Return the id of the automatic dispatch of an order as it is now."""
    return f"auto-dispatch:{order.draft.order_id}:{order.draft.version}"


def is_sampled(event_id: str, share: float) -> bool:
    """Whether a dispatch is among the share that is looked at: by chance, and always the same."""
    mark = int.from_bytes(hashlib.sha256(f"sample:{event_id}".encode()).digest()[:4], "big")
    return mark < share * _CERTAIN


def candidate(order: Order, policy: DispatchPolicy, minute: int) -> Left | CategoryRule:
    """Return the rule by which the order may be dispatched at this minute of the local day, or why not."""
    draft = order.draft
    course = draft.course
    if course is None or course.state is not CourseState.ACCEPTED or course.returns or course.dispute:
        return Left.STATE
    rule = policy.rule_for(value_of(draft, OrderField.CATEGORY))
    if rule is None or not rule.auto:
        return Left.OFF
    if value_of(draft, OrderField.SECRECY) == CONFIDENTIAL and not rule.secret:
        return Left.CONFIDENTIAL
    if value_of(draft, OrderField.URGENCY) in URGENT and not rule.urgent:
        return Left.URGENT
    return rule if rule.open_at(minute) else Left.HOURS


def decide(
    order: Order, advice: Sequence[UnitAdvice], policy: DispatchPolicy, names: UnitNames, minute: int
) -> Auto:
    """Return what is done with an order for which these units are suggested, best first."""
    rule = candidate(order, policy, minute)
    if isinstance(rule, Left):
        return Auto(left=rule)
    best = advice[0] if advice else None
    if best is None or not _may_decide(best, rule) or best.confidence < rule.least:
        return Auto(left=Left.UNSURE)
    if any(_rivals(best, other) for other in advice[1:]):
        return Auto(left=Left.UNCLEAR)
    if not names.knows(best.unit):
        return Auto(left=Left.UNKNOWN)
    meant = order.draft.fields.get(OrderField.UNIT.value)
    if meant is not None and meant.source.startswith("agent:") and meant.value not in ("", best.unit):
        return Auto(left=Left.AGENT)
    event_id = event_id_of(order)
    return Auto(
        event=OrderDispatched(lead=best.unit, source=best.source, by=SYSTEM),
        event_id=event_id,
        confidence=best.confidence,
        sampled=is_sampled(event_id, policy.share_of(rule)),
    )


def _may_decide(advice: UnitAdvice, rule: CategoryRule) -> bool:
    by_rule = advice.source.startswith("rule:") and AutoBy.RULE in rule.by
    return by_rule or (advice.source == "learned" and AutoBy.LEARNED in rule.by)


def _rivals(best: UnitAdvice, other: UnitAdvice) -> bool:
    """Whether two rules that are as narrow name two units."""
    return (
        best.source.startswith("rule:")
        and other.source.startswith("rule:")
        and other.unit != best.unit
        and other.confidence >= best.confidence
    )
