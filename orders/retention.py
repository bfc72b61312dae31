"""How long what is known of citizens stays: which rule holds for an order, what has to go by now. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec

from orders.course_messages import CourseState
from orders.course_table import ENDED
from orders.erasure import What
from orders.fields import CHOICES
from orders.lifecycle import value_of
from orders.messages import OrderField, OrderState
from orders.policy_file import PolicyFile, parse_policy, read_policy
from orders.records import Order

__all__ = [
    "CALL", "SHIPPED", "Due", "RetentionPolicy", "RetentionRule", "due", "ended_at", "load_retention",
    "parse_retention", "rule_for", "shipped_retention",
]  # fmt: skip

SHIPPED = Path(__file__).parent / "data" / "retention.yaml"
DAY_S = 86400.0
CALL = "call"
"""Beside `orders.erasure.What`: sound and words of the call."""

Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class RetentionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For some orders: after how many days what goes; None: it stays."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,60}$")]
    title: Text
    basis: Text  # the law or decision
    types: tuple[str, ...] = ()  # 诉求类型, () for every one
    secrecy: tuple[str, ...] = ()  # 保密要求, () for every one
    state: Annotated[str, msgspec.Meta(pattern="^(ended|discarded)$")] = "ended"
    person: Days | None = None
    words: Days | None = None
    call: Days | None = None

    def days(self) -> dict[str, int]:
        """What goes, and after how many days."""
        found = {What.PERSON.value: self.person, What.WORDS.value: self.words, CALL: self.call}
        return {what: days for what, days in found.items() if days is not None}


class RetentionPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All rules; the first that fits an order counts."""

    rules: Annotated[tuple[RetentionRule, ...], msgspec.Meta(max_length=100)]

    @property
    def soonest_s(self) -> float | None:
        """After how many seconds the first of anything goes, None when nothing ever does."""
        return min((days * DAY_S for rule in self.rules for days in rule.days().values()), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What has to go of one order."""

    rule: RetentionRule  # by which
    what: frozenset[str]  # of `What` and CALL
    ended_at: float  # when the order ended


def ended_at(order: Order) -> float | None:
    """Return when an order ended, None while somebody may still have to do with it."""
    draft, course = order.draft, order.draft.course
    if draft.state is OrderState.DISCARDED:
        return order.closed_at
    if course is not None:
        if course.state not in ENDED:
            return None
        archived = course.state is CourseState.ARCHIVED and course.closed_at is not None
        return course.closed_at if archived else course.since
    return order.updated_at if draft.state is OrderState.MERGED else None


def rule_for(policy: RetentionPolicy, order: Order) -> RetentionRule | None:
    """Return the first rule that fits an ended order."""
    state = "discarded" if order.draft.state is OrderState.DISCARDED else "ended"
    kind = value_of(order.draft, OrderField.TYPE)
    secrecy = value_of(order.draft, OrderField.SECRECY) or "公开"
    for rule in policy.rules:
        fits = rule.state == state and (not rule.types or kind in rule.types)
        if fits and (not rule.secrecy or secrecy in rule.secrecy):
            return rule
    return None


def due(policy: RetentionPolicy, order: Order, *, gone: Iterable[str], held: bool, now: float) -> Due | None:
    """Return what has to go of an order by `now` (epoch seconds), None for nothing.

    `gone` went before; an order that is `held` (a lawsuit, an inspection) keeps everything.
    """
    end = ended_at(order)
    rule = None if end is None or held else rule_for(policy, order)
    if rule is None or end is None:
        return None
    what = {name for name, days in rule.days().items() if end + days * DAY_S <= now} - set(gone)
    return Due(rule=rule, what=frozenset(what), ended_at=end) if what else None


def load_retention(path: Path = SHIPPED) -> RetentionPolicy:
    """Read the rules. Raises PolicyError: naming file, line, key, value and remedy."""
    return _policy(read_policy(path))


def parse_retention(raw: bytes, *, name: str = "retention.yaml") -> RetentionPolicy:
    """Read the text of the rules; `name` is how errors call it. Raises PolicyError."""
    return _policy(parse_policy(raw, name=name))


@lru_cache(maxsize=1)
def shipped_retention() -> RetentionPolicy:
    """The rules as they are shipped."""
    return load_retention()


def _policy(file: PolicyFile) -> RetentionPolicy:
    policy = file.convert(RetentionPolicy)
    seen: set[str] = set()
    for place, rule in enumerate(policy.rules):
        if rule.id in seen:
            raise file.error(f"rules[{place}].id", "each rule has an id of its own")
        seen.add(rule.id)
        for key, field in (("types", OrderField.TYPE), ("secrecy", OrderField.SECRECY)):
            unknown = set(getattr(rule, key)) - set(CHOICES[field])
            if unknown:
                raise file.error(f"rules[{place}].{key}", f"takes {'、'.join(CHOICES[field])}")
        if rule.words is not None and (rule.person is None or rule.person > rule.words):
            raise file.error(f"rules[{place}].words", "who it was goes first: person is not above words")
    return policy
