"""Time limits as a file, checked whole."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec

from orders.clock_rules import ClockRule, ClockRules, Limit, LimitRule, Pause, Starts, When
from orders.clock_spans import NEAR_FORMS, SPAN_FORMS, Near, Span
from orders.policy_file import PolicyFile, parse_policy, read_policy
from orders.when_file import Id, Text, WhenText, day_of, when_of

__all__ = ["SHIPPED", "SHIPPED_1345", "load_clock_rules", "parse_clock_rules"]

SHIPPED = Path(__file__).parent / "data" / "clocks.yaml"
SHIPPED_1345 = Path(__file__).parent / "data" / "clocks_1345.yaml"
"""The same with the “1345” rule for what is not urgent."""

S = Starts
_STARTS: Mapping[Limit, tuple[Starts, ...]] = MappingProxyType(
    {
        Limit.ACCEPT: (S.RECEIVED, S.ACCEPTED),
        Limit.DISPATCH: (S.ACCEPTED, S.RECEIVED),
        Limit.SIGN: (S.DISPATCHED,),
        Limit.CONTACT: (S.DISPATCHED, S.RECEIVED, S.ACCEPTED, S.SIGNED),
        Limit.RESOLVE: (S.DISPATCHED, S.RECEIVED, S.ACCEPTED, S.SIGNED),
        Limit.JOINT: (S.DISPATCHED,),
        Limit.TRACK: (S.REVIEWED, S.RECEIVED, S.ACCEPTED, S.DISPATCHED),
        Limit.CLOSE: (S.ACCEPTED, S.RECEIVED, S.DISPATCHED, S.REVIEWED),
        Limit.RETURN: (S.DISPATCHED, S.SIGNED),
        Limit.RULING: (S.RETURNED,),
        Limit.APPEAL: (S.APPEALED,),
    }
)
"""What each limit may be counted from; the first when nothing is said."""
_PAUSABLE = frozenset({Limit.CONTACT, Limit.RESOLVE, Limit.JOINT, Limit.TRACK, Limit.CLOSE})


class _Extend(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    times: Annotated[int, msgspec.Meta(ge=1, le=10)]
    workdays: Annotated[int, msgspec.Meta(ge=1, le=365)]


class _Limit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    span: Text
    starts: str = ""
    near: Text = "20%"
    pauses: tuple[str, ...] = ()
    restarts: bool = False
    extend: _Extend | None = None


class _Rule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: Id
    title: Text
    when: WhenText = msgspec.field(default_factory=WhenText)
    since: str = ""
    until: str = ""
    ceiling: bool = False
    limits: dict[str, object]


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    rules: Annotated[tuple[_Rule, ...], msgspec.Meta(min_length=1, max_length=500)]


def load_clock_rules(path: Path = SHIPPED) -> ClockRules:
    """Read a file of time limits.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
    """
    return _rules(read_policy(path))


def parse_clock_rules(raw: bytes, *, name: str = "clocks.yaml") -> ClockRules:
    """Read the text of a file of time limits; `name` is how errors call it.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
    """
    return _rules(parse_policy(raw, name=name))


def _rules(file: PolicyFile) -> ClockRules:
    given = file.convert(_File).rules
    rules = tuple(_rule(file, f"rules[{index}]", rule) for index, rule in enumerate(given))
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.rule_id in seen:
            raise file.error(f"rules[{index}].id", "give each rule an id of its own")
        seen.add(rule.rule_id)
    for first, second in itertools.combinations(range(len(rules)), 2):
        both = _both(rules[first], rules[second])
        if both is not None:
            raise file.error(
                f"rules[{second}].limits.{both.value}",
                f"rule {rules[first].rule_id} sets it for some of the same orders and is as narrow: name more"
                " in `when` of one of them, or let their dates not overlap",
            )
    if not any(_general(rule) for rule in rules):
        raise file.error("rules", "keep a rule without `when` and dates that sets dispatch, sign and resolve")
    return ClockRules(
        rules=rules,
        version=hashlib.sha256(repr([_written(rule) for rule in rules]).encode()).hexdigest()[:12],
        file=file.name,
    )


def _rule(file: PolicyFile, at: str, given: _Rule) -> ClockRule:
    since = day_of(file, f"{at}.since", given.since, dt.date.min)
    until = day_of(file, f"{at}.until", given.until, dt.date.max)
    if until < since:
        raise file.error(f"{at}.until", "let it end on or after the day of `since`")
    if not given.limits:
        raise file.error(f"{at}.limits", f"set at least one of: {', '.join(Limit)}")
    limits: dict[Limit, LimitRule] = {}
    for name in given.limits:
        if name not in tuple(Limit):
            raise file.error(f"{at}.limits.{name}", f"write one of: {', '.join(Limit)}")
        limits[Limit(name)] = _limit(file, f"{at}.limits.{name}", Limit(name))
    return ClockRule(
        rule_id=given.id,
        title=given.title,
        when=when_of(file, f"{at}.when", given.when),
        since=since,
        until=until,
        ceiling=given.ceiling,
        limits=limits,
    )


def _limit(file: PolicyFile, at: str, limit: Limit) -> LimitRule:
    given = file.convert(_Limit, at)
    span, near = Span.parse(given.span), Near.parse(given.near)
    if span is None:
        raise file.error(f"{at}.span", f"write a time such as {SPAN_FORMS}")
    if near is None:
        raise file.error(f"{at}.near", f"write {NEAR_FORMS}")
    if near.left is not None and near.left.working == span.working and near.left.seconds >= span.seconds:
        raise file.error(f"{at}.near", "let less time be left than the whole span")
    starts = given.starts or _STARTS[limit][0].value
    if starts not in _STARTS[limit]:
        raise file.error(f"{at}.starts", f"{limit} can start when: {', '.join(_STARTS[limit])}")
    if given.pauses and limit not in _PAUSABLE:
        raise file.error(f"{at}.pauses", f"only these can stand still: {', '.join(sorted(_PAUSABLE))}")
    for index, pause in enumerate(given.pauses):
        if pause not in tuple(Pause):
            raise file.error(f"{at}.pauses[{index}]", f"write one of: {', '.join(Pause)}")
    if given.extend is not None and limit is not Limit.RESOLVE:
        raise file.error(f"{at}.extend", "only resolve can be extended")
    return LimitRule(
        span=span,
        starts=Starts(starts),
        near=near,
        pauses=frozenset(map(Pause, given.pauses)),
        restarts=given.restarts,
        extend_times=given.extend.times if given.extend else 0,
        extend_days=given.extend.workdays if given.extend else 0,
    )


def _both(one: ClockRule, other: ClockRule) -> Limit | None:
    """A limit that both rules could set for the same order, neither being the narrower one."""
    shared = [limit for limit in Limit if limit in one.limits and limit in other.limits]
    if not shared or one.since > other.until or other.since > one.until or one.when.redo != other.when.redo:
        return None
    pairs = (
        (one.when.types, other.when.types),
        (one.when.categories, other.when.categories),
        (one.when.urgencies, other.when.urgencies),
        (one.when.units, other.when.units),
        (one.when.channels, other.when.channels),
    )
    return shared[0] if all(mine & theirs or not (mine or theirs) for mine, theirs in pairs) else None


def _general(rule: ClockRule) -> bool:
    always = rule.since == dt.date.min and rule.until == dt.date.max
    return (
        always and rule.when == When() and {Limit.DISPATCH, Limit.SIGN, Limit.RESOLVE} <= rule.limits.keys()
    )


def _written(rule: ClockRule) -> object:
    when = rule.when
    asked = (when.types, when.categories, when.urgencies, when.units, when.channels)
    return (
        rule.rule_id,
        [sorted(names) for names in asked],
        when.redo,
        rule.since,
        rule.until,
        rule.ceiling,
        [(key.value, value, sorted(value.pauses)) for key, value in sorted(rule.limits.items())],
    )
