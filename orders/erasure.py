"""What is left of an event once its personal data has to go (到期删除). Pure.

The event stays what it was: the same kind, the same moves, times, units and people who worked on it. Only
what could tell who the citizen was, or what they said, is replaced by 〔已删除〕.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

from orders import chain
from orders.chain_check import Stored, erased_rows
from orders.course_events import FieldChange, OrderCorrected
from orders.messages import (
    AttachmentAdded,
    AttachmentRemoved,
    DataErased,
    ErasedRow,
    FieldEdited,
    FieldSuggested,
    OrderEvent,
    OrderField,
)
from orders.privacy import masked_words

__all__ = ["ERASED", "SHORTEST", "WORD_KEYS", "What", "assembled", "erasing"]

ERASED = "〔已删除〕"
SHORTEST = 2
"""Shorter names are not looked for in texts."""


class What(StrEnum):
    """What goes."""

    PERSON = "person"  # who it was: number, name, address, place, what was said about them
    WORDS = "words"  # all free text: title, content, notes, answers, reasons


_PERSON = frozenset(
    {
        OrderField.PHONE, OrderField.CONTACT, OrderField.DETAIL, OrderField.PLACE, OrderField.POINT,
        OrderField.SUBJECT,
    }
)  # fmt: skip
"""Fields that go with the person; 被诉对象 may be a person, too."""
_WORDS = frozenset({OrderField.TITLE, OrderField.SUMMARY, OrderField.TIME})
_PERSON_KEYS = frozenset({"caller", "phone", "contact", "quote"})
WORD_KEYS = frozenset({"words", "text", "reason"})
"""Keys of events under which somebody wrote freely."""


@dataclass(frozen=True, slots=True)
class _Going:
    """What goes from the events of one order."""

    what: frozenset[What]
    known: tuple[tuple[str, str], ...]  # what is known of the citizen, and what stands there instead

    def words(self, text: str) -> str:
        """Return free text as it stays: nothing of it, or without numbers and names."""
        if not text or text == ERASED:
            return text
        if What.WORDS in self.what:
            return ERASED
        return masked_words(text, self.known, wholly=True) if What.PERSON in self.what else text


def _erased_data(row: Stored, erased: Callable[[OrderEvent], OrderEvent]) -> str | None:
    """Return the event's data without what has to go, None when there is nothing of it in the event."""
    event = chain.decode(row.link.kind, row.link.data)
    after = erased(event)
    if after == event:
        return None
    number = msgspec.json.decode(row.link.data, type=dict[str, Any]).get("number")
    own = {one.name for one in fields(after)}
    more = {} if not isinstance(number, str) or "number" in own else {"number": number}
    return chain.encode(after, **more)


def _erased(event: OrderEvent, going: _Going) -> OrderEvent:
    if isinstance(event, DataErased):
        return event
    if isinstance(event, FieldEdited | FieldSuggested):
        return _field(event, going)
    if isinstance(event, OrderCorrected):
        event = replace(event, changes=tuple(_change(one, going) for one in event.changes))
    erased: OrderEvent = _told(event, going)
    if isinstance(erased, AttachmentAdded | AttachmentRemoved) and What.PERSON in going.what:
        return replace(erased, name=ERASED)  # people name files after themselves; the digest says nothing
    return erased


def _field(event: FieldEdited | FieldSuggested, going: _Going) -> OrderEvent:
    after: FieldEdited | FieldSuggested = replace(event, value=_value(event.field, event.value, going))
    if isinstance(after, FieldSuggested) and after.quote and What.PERSON in going.what:
        after = replace(after, quote=ERASED)
    return after


def _change(change: FieldChange, going: _Going) -> FieldChange:
    was, value = (_value(change.field, one, going) for one in (change.was, change.value))
    return replace(change, was=was, value=value)


def _value(field: str, value: str, going: _Going) -> str:
    """What stays of a value of a field."""
    name = OrderField(field)
    if name in _PERSON and What.PERSON in going.what and value:
        return ERASED
    return going.words(value) if name in _WORDS else value


def _told(value: Any, going: _Going) -> Any:
    """Return a dataclass with its personal texts replaced, also in what it holds."""
    changes: dict[str, Any] = {}
    for one in fields(value):
        held = getattr(value, one.name)
        if type(held) is str and held:
            if one.name in _PERSON_KEYS and What.PERSON in going.what:
                changes[one.name] = ERASED
            elif one.name in WORD_KEYS:
                changes[one.name] = going.words(held)
        elif is_dataclass(held) and not isinstance(held, type):
            changes[one.name] = _told(held, going)
        elif isinstance(held, tuple) and held and is_dataclass(held[0]):
            changes[one.name] = tuple(_told(part, going) for part in held)
    return replace(value, **changes) if changes else value


def _known(rows: Sequence[Stored]) -> tuple[tuple[str, str], ...]:
    """What these events say of who the citizen is, the longest first."""
    found: set[str] = set()
    for row in rows:
        event = chain.decode(row.link.kind, row.link.data)
        if isinstance(event, FieldEdited | FieldSuggested):
            if event.field in _PERSON:
                found.add(event.value)
        elif isinstance(event, OrderCorrected):
            found |= {one.value for one in event.changes if one.field in _PERSON}
        else:
            found |= {str(getattr(event, key, "")) for key in ("caller", "phone", "contact")}
    return tuple(
        (one, ERASED) for one in sorted(found - {ERASED}, key=len, reverse=True) if len(one) >= SHORTEST
    )


def erasing(
    rows: Sequence[Stored], what: Iterable[What], *, rule: str, basis: str, by: str
) -> tuple[DataErased, dict[int, str]]:
    """Return the event that says what goes, and the new data of the rows that change, by seq.

    Rows that were erased before are in it again as they will stand: the newest such event tells of all.
    """
    going = _Going(frozenset(what), _known(rows))
    names = sorted(map(str, going.what))
    return assembled(rows, lambda one: _erased(one, going), what=names, rule=rule, basis=basis, by=by)


def assembled(
    rows: Sequence[Stored],
    erased: Callable[[OrderEvent], OrderEvent],
    *,
    what: Iterable[str],
    rule: str,
    basis: str,
    by: str,
) -> tuple[DataErased, dict[int, str]]:
    """Return as `erasing` does what `erased` makes of each event."""
    before = erased_rows(rows)
    data: dict[int, str] = {}
    kept: list[ErasedRow] = []
    for row in rows:
        after = _erased_data(row, erased)
        if after is None and row.link.seq not in before:
            continue
        link = row.link
        if after is not None:
            data[link.seq] = after
            link = replace(link, data=after, salt="")
        kept.append(ErasedRow(seq=link.seq, standing=chain.standing(link)))
    return DataErased(rule=rule, what=tuple(what), basis=basis, rows=tuple(kept), by=by), data
