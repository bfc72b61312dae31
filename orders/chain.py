"""How events are written down, and the chain of hashes that shows when one was changed afterwards.

hash = SHA-256(prev_hash, order_id, seq, event_id, at, kind, data, actor), each followed by a newline, UTF-8;
`at` as Python's shortest exact decimal. The first event's prev_hash is 64 zeros. Nobody can change, remove or
insert an event without changing every hash after it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from orders.lifecycle import ROBOT
from orders.messages import (
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    OrderDiscarded,
    OrderEvent,
    OrderSubmitted,
    VisitRecorded,
)

FIRST = "0" * 64

KINDS = MappingProxyType(
    {
        "draft_opened": DraftOpened,
        "field_suggested": FieldSuggested,
        "field_edited": FieldEdited,
        "order_submitted": OrderSubmitted,
        "order_discarded": OrderDiscarded,
        "visit_recorded": VisitRecorded,
    }
)
"""Name in the table -> class of the event."""

_NAMES = {cls: name for name, cls in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One event as written down: the columns of `order_events` but the hash itself."""

    order_id: str  # whose
    seq: int  # 1 for the first
    event_id: str  # unique over all orders
    at: float  # epoch seconds
    kind: str  # a key of KINDS
    data: str  # canonical JSON
    actor: str  # login, "machine" or "call"
    prev_hash: str  # hash of the event before


def kind_of(event: OrderEvent) -> str:
    """Return the event's name in the table."""
    return _NAMES[type(event)]


def actor_of(event: OrderEvent) -> str:
    """Return who did it: a login, "machine", or "call" for the call that opened the draft."""
    if isinstance(event, VisitRecorded):
        return event.by.removeprefix("agent:") if event.by != ROBOT else "machine"
    if isinstance(event, DraftOpened):
        return "call"
    if isinstance(event, FieldSuggested):
        return "machine"
    return event.agent


def encode(event: OrderEvent, **more: str) -> str:
    """Return the event as canonical JSON (sorted keys), with `more` keys beside its fields."""
    return msgspec.json.encode({**msgspec.to_builtins(event), **more}, order="sorted").decode()


def decode(kind: str, data: str) -> OrderEvent:
    """Return the event written as `data`; keys that are not its fields are passed over.

    Raises:
        msgspec.ValidationError: `data` is not such an event, or there is no such kind.
    """
    cls = KINDS.get(kind)
    if cls is None:
        raise msgspec.ValidationError(f"no order event of kind {kind!r}; known: {', '.join(KINDS)}")
    return msgspec.json.decode(data, type=cls)


def digest(row: Link) -> str:
    """Return the hash of one event (see the top of this module)."""
    parts = (row.prev_hash, row.order_id, row.seq, row.event_id, repr(row.at), row.kind, row.data, row.actor)
    return hashlib.sha256("".join(f"{part}\n" for part in parts).encode()).hexdigest()
