"""What leaves the server of an order, with the personal data that is not the viewer's to see covered. Pure.

A veil is made once for an order and a viewer; everything that tells of this order goes through it: fields,
links, course, events. It works on plain values (dicts, lists, texts) as they go into JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from orders.lifecycle import value_of
from orders.messages import OrderField
from orders.privacy import (
    HIDDEN,
    NOTHING,
    Datum,
    PrivacyPolicy,
    Rule,
    Secrecy,
    Viewer,
    masked_name,
    masked_number,
    masked_words,
    may_unmask,
    rule_for,
    secrecy_named,
)
from orders.records import Order

__all__ = ["PERSONAL", "Veil", "plain_values", "veil_for", "with_words"]

PERSONAL: Mapping[str, Datum] = {
    OrderField.PHONE.value: Datum.PHONE,
    OrderField.CONTACT.value: Datum.CONTACT,
    OrderField.DETAIL.value: Datum.DETAIL,
}
"""Field of an order -> the personal data that it is."""
_KEYS: Mapping[str, Datum] = {
    "caller": Datum.CALLER,
    "phone": Datum.PHONE,
    "contact": Datum.CONTACT,
    "detail": Datum.DETAIL,
}
"""Key of an event or a link -> the personal data that stands there."""
_NAMES = frozenset(
    {
        "order_id", "call_id", "visit_id", "other", "into", "number", "merged_into", "by", "agent", "source",
        "rule", "kind", "state", "field", "hash", "lead", "unit", "attachment_id", "digest",
    }
)  # fmt: skip
"""Keys whose texts name things of the system; numbers in them are nobody's."""
_SHORTEST_DETAIL = 4
"""A detail that is shorter ("3栋") is not looked for in texts."""
_SHORTEST_NAME = 2
_SHORTEST_NUMBER = 7
"""Shorter ones are services' numbers, not people's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Veil:
    """What one viewer is shown of one order."""

    rule: Rule  # by policy
    names: tuple[tuple[str, str], ...]  # what is known of the citizen, and what stands there instead
    stricter: Callable[[str], Rule]  # value of 保密要求 of another order -> the rule for it
    masked: tuple[str, ...] = ()  # names (`Datum`) of what is there and covered
    may_unmask: bool = False  # whether the viewer may see it, with a reason

    @property
    def recording(self) -> bool:
        """Whether sound and words of the call are open."""
        return Datum.RECORDING not in self.rule.covered

    @property
    def files(self) -> bool:
        """Whether files that citizens and the hotline's people added are open."""
        return Datum.FILES not in self.rule.covered

    def covers(self, told: Any) -> bool:
        """Whether words in these values, as `tree` takes them, are shown otherwise than they are."""
        return Datum.WORDS in self.rule.covered and bool(self.tree(told) != _as_lists(told))

    def value(self, datum: Datum, value: str) -> str:
        """Return one personal value as the viewer is shown it."""
        return _covered(self.rule, datum, value)

    def text(self, text: str) -> str:
        """Return a text as the viewer is shown it."""
        if Datum.WORDS not in self.rule.covered:
            return text
        return masked_words(text, self.names, wholly=Datum.WORDS in self.rule.hidden)

    def fields(self, fields: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the fields of an order (`orders.messages.FieldValue` as dicts)."""
        return {name: self._field(name, standing) for name, standing in fields.items()}

    def link(self, link: Mapping[str, Any]) -> dict[str, Any]:
        """Return a link (`orders.messages.OrderLink` as a dict): who joined is covered as their order is."""
        rule = self.stricter(str(link.get("secrecy", "")))
        return {
            key: _covered(rule, _KEYS[key], value) if key in _KEYS and isinstance(value, str) else value
            for key, value in link.items()
        }

    def tree(self, value: Any, key: str = "") -> Any:
        """Return values that tell of the order, whatever they are; texts are covered by their keys."""
        if isinstance(value, Mapping):
            return self._event(value) if isinstance(value.get("field"), str) else self._mapping(value)
        if isinstance(value, list | tuple):
            return [self.tree(one, key) for one in value]
        if not isinstance(value, str) or key in _NAMES:
            return value
        return self.value(_KEYS[key], value) if key in _KEYS else self.text(value)

    def _mapping(self, value: Mapping[str, Any]) -> dict[str, Any]:
        if "secrecy" in value and "caller" in value:  # a citizen who joined
            return self.link(value)
        return {name: self.tree(one, name) for name, one in value.items()}

    def _event(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """A change of a field."""
        return {**data, **self._field(str(data["field"]), data)}

    def _field(self, name: str, standing: Mapping[str, Any]) -> dict[str, Any]:
        datum = PERSONAL.get(name)
        if datum is not None and datum not in self.rule.covered:
            return dict(standing)
        cover = self.text if datum is None else lambda value: self.value(datum, value)
        told = dict(standing)
        for key in ("value", "suggestion", "was"):
            if isinstance(told.get(key), str):
                told[key] = cover(told[key])
        if isinstance(told.get("quote"), str):
            told["quote"] = "" if datum is not None else self.text(told["quote"])
        return told


def veil_for(policy: PrivacyPolicy, viewer: Viewer, order: Order) -> Veil:
    """Return what this viewer is shown of this order."""
    rule = rule_for(policy, viewer, order)

    def stricter(secrecy: str) -> Rule:
        other = policy.rules.get((viewer.role, secrecy_named(secrecy)), NOTHING)
        return other if secrecy_named(secrecy) is not Secrecy.PUBLIC else rule

    names = tuple(_known(rule, order)) if Datum.WORDS in rule.covered else ()
    veil = Veil(rule=rule, names=names, stricter=stricter)
    masked = tuple(sorted(_there(veil, order)))
    return replace(veil, masked=masked, may_unmask=bool(masked) and may_unmask(rule, viewer))


def with_words(veil: Veil, viewer: Viewer) -> Veil:
    """Return the veil of an order in whose history words are covered, whatever is of the order itself."""
    masked = tuple(sorted({*veil.masked, Datum.WORDS.value}))
    return replace(veil, masked=masked, may_unmask=may_unmask(veil.rule, viewer))


def plain_values(order: Order, names: Iterable[str]) -> dict[str, Any]:
    """Return what stands under these names of personal data (`Datum`); as `words` title and content."""
    told: dict[str, Any] = {}
    for name in names:
        if name == Datum.CALLER:
            told[name] = order.caller
        elif name == Datum.WORDS:
            told[name] = {
                field.value: value_of(order.draft, field) for field in (OrderField.TITLE, OrderField.SUMMARY)
            }
        elif name in PERSONAL:
            told[name] = value_of(order.draft, OrderField(name))
    return told


def _as_lists(told: Any) -> Any:
    """The same values with lists for what `tree` gives as lists."""
    if isinstance(told, Mapping):
        return {name: _as_lists(one) for name, one in told.items()}
    return [_as_lists(one) for one in told] if isinstance(told, list | tuple) else told


def _covered(rule: Rule, datum: Datum, value: str) -> str:
    if not value or datum not in rule.covered:
        return value
    if datum in rule.hidden or datum is Datum.DETAIL:
        return HIDDEN
    return masked_name(value) if datum is Datum.CONTACT else masked_number(value)


def _known(rule: Rule, order: Order) -> Iterable[tuple[str, str]]:
    """What is known of the citizens of an order, the longest first, and what replaces it in texts."""
    wholly = Rule(hidden=frozenset(Datum)) if Datum.WORDS in rule.hidden else Rule(masked=frozenset(Datum))
    found: dict[str, str] = {}
    draft = order.draft
    numbers = [order.caller, value_of(draft, OrderField.PHONE)]
    names = [value_of(draft, OrderField.CONTACT)]
    for link in draft.links:
        numbers += [link.caller, link.phone]
        names.append(link.contact)
    for number in numbers:
        if len(number) >= 7:
            found[number] = _covered(wholly, Datum.PHONE, number)
    for name in names:
        if len(name) >= _SHORTEST_NAME:
            found[name] = _covered(wholly, Datum.CONTACT, name)
    detail = value_of(draft, OrderField.DETAIL)
    if Datum.DETAIL in rule.covered and len(detail) >= _SHORTEST_DETAIL:
        found[detail] = HIDDEN
    return sorted(found.items(), key=lambda pair: -len(pair[0]))


def _there(veil: Veil, order: Order) -> Iterable[str]:
    for name in sorted(veil.rule.covered - {Datum.WORDS, Datum.RECORDING, Datum.FILES}):
        standing = order.caller if name is Datum.CALLER else value_of(order.draft, OrderField(name))
        if standing:
            yield name.value
    if Datum.WORDS in veil.rule.covered:
        draft = order.draft
        texts = (value_of(draft, OrderField.TITLE), value_of(draft, OrderField.SUMMARY), order.reason)
        beside = (draft.course, draft.visit)
        if any(veil.text(text) != text for text in texts) or any(
            one is not None and veil.covers(msgspec.to_builtins(one)) for one in beside
        ):
            yield Datum.WORDS.value
    if Datum.RECORDING in veil.rule.covered and order.draft.call_id:
        yield Datum.RECORDING.value
