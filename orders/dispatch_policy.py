"""When orders are dispatched without a person (自动派单), as the city decides by category. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from orders.policy_file import PolicyFile, parse_policy, read_policy

__all__ = [
    "SHIPPED",
    "AutoBy",
    "CategoryRule",
    "DispatchPolicy",
    "load_dispatch_policy",
    "parse_dispatch_policy",
    "parts_of",
]

SHIPPED = Path(__file__).parent / "data" / "dispatch.yaml"

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
DAY_MINUTES = 24 * 60

_PATH = re.compile(r"[/>＞→·\\|]+|\s+-\s+")
_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class AutoBy(StrEnum):
    """What may decide without a person."""

    RULE = "rule"  # a rule of the city: category and area -> unit
    LEARNED = "learned"  # what clerks chose before


class CategoryRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is switched on for a category and all below it."""

    category: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]  # name or path
    auto: bool  # dispatched without a person
    least: Annotated[float, msgspec.Meta(ge=0.5, le=1)] = 0.9  # how sure the suggestion has to be
    by: Annotated[tuple[AutoBy, ...], msgspec.Meta(min_length=1, max_length=2)] = (AutoBy.RULE,)
    sampling: Share | None = None  # share that a clerk looks at; None: that of the whole policy
    hours: str = "00:00-24:00"  # local time
    urgent: bool = False  # urgent orders, too
    secret: bool = False  # confidential orders, too

    def open_at(self, minute: int) -> bool:
        """Whether this minute of the local day lies in its hours; 22:00-06:00 goes over midnight."""
        since, until = span_of(self.hours)
        return since <= minute < until if since < until else minute >= since or minute < until


class DispatchPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it; see orders/data/dispatch.yaml."""

    sampling: Share = 0.1  # share of automatic dispatches that a clerk looks at
    categories: Annotated[tuple[CategoryRule, ...], msgspec.Meta(max_length=2000)] = ()

    def rule_for(self, category: str) -> CategoryRule | None:
        """Return the narrowest rule whose category is this one, or above it."""
        path = parts_of(category)
        best: tuple[int, int] = (0, 0)
        found = None
        for rule in self.categories:
            place = _ends_at(parts_of(rule.category), path)
            narrow = (place, len(parts_of(rule.category)))
            if place and narrow > best:
                best, found = narrow, rule
        return found

    def share_of(self, rule: CategoryRule) -> float:
        """Return the share of a rule's dispatches that is looked at."""
        return self.sampling if rule.sampling is None else rule.sampling


def parts_of(category: str) -> tuple[str, ...]:
    """Return the names on a category's path, the widest first."""
    return tuple(part.strip() for part in _PATH.split(category) if part.strip())


def span_of(hours: str) -> tuple[int, int]:
    """Return from which to which minute of the day; raises ValueError for what is no span."""
    found = _HOURS.fullmatch(hours.strip())
    if found is None:
        raise ValueError(hours[:20])
    since, until = (int(found[place]) * 60 + int(found[place + 1]) for place in (1, 3))
    if since == until or since >= DAY_MINUTES or until > DAY_MINUTES:
        raise ValueError(hours[:20])
    return since, until


def load_dispatch_policy(path: Path = SHIPPED) -> DispatchPolicy:
    """Read the rules from a file. Raises PolicyError naming line, key and remedy."""
    return _read(read_policy(path))


def parse_dispatch_policy(raw: bytes, *, name: str = "dispatch.yaml") -> DispatchPolicy:
    """Read the rules from a text. Raises PolicyError naming line, key and remedy."""
    return _read(parse_policy(raw, name=name))


def _read(file: PolicyFile) -> DispatchPolicy:
    given = file.convert(DispatchPolicy)
    seen: set[tuple[str, ...]] = set()
    for place, one in enumerate(given.categories):
        key = f"categories[{place}]"
        path = parts_of(one.category)
        if not path:
            raise file.error(f"{key}.category", "name a category")
        if path in seen:
            raise file.error(f"{key}.category", "say each category once")
        seen.add(path)
        try:
            span_of(one.hours)
        except ValueError:
            raise file.error(f"{key}.hours", 'write it as "08:30-18:00", from 00:00 to 24:00') from None
    return given


def _ends_at(rule: Sequence[str], path: Sequence[str]) -> int:
    """Return where on the path the rule's category ends (1 and on), 0 when it does not stand there."""
    for start in range(len(path) - len(rule) + 1):
        if tuple(path[start : start + len(rule)]) == tuple(rule):
            return start + len(rule)
    return 0
