"""Rules of supervision as a file, checked whole, and said in Chinese."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec

from orders.clock_words import orders_said
from orders.course_messages import ClockKind
from orders.course_titles import CLOCKS
from orders.policy_file import PolicyFile, parse_policy, read_policy
from orders.supervision_rules import MEASURES, Measure, On, SupervisionRule, SupervisionRules
from orders.when_file import Id, Text, WhenText, day_of, when_of

__all__ = ["SHIPPED", "explain", "load_supervision_rules", "parse_supervision_rules"]

SHIPPED = Path(__file__).parent / "data" / "supervision.yaml"

_CLOCKED = frozenset({On.NEAR, On.LATE, On.GRAVE})
_KEYS: Mapping[On, str] = MappingProxyType(
    {
        **dict.fromkeys(_CLOCKED, "clocks"),
        **dict.fromkeys((On.RETURNED, On.BAD_RATING, On.REPEATED), "times"),
        On.WORDS: "words",
    }
)
"""The key that each kind of rule needs; the others' keys it must not have."""
_SAID: Mapping[On, str] = MappingProxyType(
    {
        On.NEAR: "{}时限即将到期", On.LATE: "{}超期", On.GRAVE: "{}严重超期", On.RETURNED: "第 {} 次退单起",
        On.BAD_RATING: "第 {} 次差评起", On.REPEATED: "同一事项第 {} 次反映起", On.WORDS: "诉求提到{}",
    }
)  # fmt: skip

_Word = Annotated[str, msgspec.Meta(min_length=2, max_length=20)]


class _Rule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: Id
    title: Text
    signal: str
    measure: str
    when: WhenText = msgspec.field(default_factory=WhenText)
    since: str = ""
    until: str = ""
    clocks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] | None = None
    times: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    words: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1, max_length=500)] | None = None
    unless: Annotated[tuple[_Word, ...], msgspec.Meta(max_length=500)] = ()


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    rules: Annotated[tuple[_Rule, ...], msgspec.Meta(max_length=500)]


def load_supervision_rules(path: Path = SHIPPED) -> SupervisionRules:
    """Read a file of rules.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
    """
    return _rules(read_policy(path))


def parse_supervision_rules(raw: bytes, *, name: str = "supervision.yaml") -> SupervisionRules:
    """Read the text of a file of rules; `name` is how errors call it.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
    """
    return _rules(parse_policy(raw, name=name))


def _rules(file: PolicyFile) -> SupervisionRules:
    given = file.convert(_File).rules
    rules = tuple(_rule(file, f"rules[{index}]", rule) for index, rule in enumerate(given))
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.rule_id in seen:
            raise file.error(f"rules[{index}].id", "give each rule an id of its own")
        seen.add(rule.rule_id)
    written = repr([explain(rule) for rule in rules])
    return SupervisionRules(
        rules=rules, version=hashlib.sha256(written.encode()).hexdigest()[:12], file=file.name
    )


def _rule(file: PolicyFile, at: str, given: _Rule) -> SupervisionRule:
    if given.signal not in tuple(On):
        raise file.error(f"{at}.signal", f"write one of: {', '.join(On)}")
    if given.measure not in tuple(Measure):
        raise file.error(f"{at}.measure", f"write one of: {', '.join(Measure)}")
    on = On(given.signal)
    for key in ("clocks", "times", "words"):
        there = getattr(given, key) is not None
        if there and key != _KEYS[on]:
            raise file.error(f"{at}.{key}", f"remove it: a rule on {on} has `{_KEYS[on]}`")
        if not there and key == _KEYS[on]:
            raise file.error(at, f"add the key `{key}`, which a rule on {on} needs")
    if given.unless and on is not On.WORDS:
        raise file.error(f"{at}.unless", "remove it: only a rule on words has it")
    for index, kind in enumerate(given.clocks or ()):
        if kind not in tuple(ClockKind):
            raise file.error(f"{at}.clocks[{index}]", f"write one of: {', '.join(ClockKind)}")
    since = day_of(file, f"{at}.since", given.since, dt.date.min)
    until = day_of(file, f"{at}.until", given.until, dt.date.max)
    if until < since:
        raise file.error(f"{at}.until", "let it end on or after the day of `since`")
    return SupervisionRule(
        rule_id=given.id,
        title=given.title,
        on=on,
        measure=Measure(given.measure),
        when=when_of(file, f"{at}.when", given.when),
        since=since,
        until=until,
        clocks=frozenset(map(ClockKind, given.clocks or ())),
        times=given.times or 0,
        words=given.words or (),
        unless=given.unless,
    )


def explain(rule: SupervisionRule) -> str:
    """Say a rule in one Chinese sentence."""
    if rule.on in _CLOCKED:
        what = "、".join(CLOCKS[kind] for kind in ClockKind if kind in rule.clocks)
    elif rule.on is On.WORDS:
        what = "、".join(f"“{word}”" for word in rule.words)
    else:
        what = str(rule.times)
    words = f"规则“{rule.title}”：{orders_said(rule.when)}，{_SAID[rule.on].format(what)}"
    words += f"，{MEASURES[rule.measure]}"
    if rule.unless:
        words += f"（{'、'.join(f'“{phrase}”' for phrase in rule.unless)}除外）"
    if rule.since != dt.date.min:
        words += f"；{rule.since.isoformat()} 起施行"
    if rule.until != dt.date.max:
        words += f"；施行至 {rule.until.isoformat()}"
    return f"{words}。"
