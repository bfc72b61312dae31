"""Between database rows and what the room works with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, Select, or_, select
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from orders import chain, lifecycle
from orders.errors import ChainBroken, ValueRefused
from orders.fields import check_storable
from orders.messages import Draft, FieldValue, OrderField, OrderState, OrderVisit
from orders.records import Order, OrderFilter, RecordedEvent
from orders.tables import orders

MAX_TEXT = 100
MAX_PAGE = 10_000
MAX_SIZE = 100

_FIELDS = msgspec.json.Decoder(dict[str, FieldValue])
_VISIT = msgspec.json.Decoder(OrderVisit)


def order_of(row: Row[Any]) -> Order:
    """Return the order that a row of `orders` holds."""
    values = row._mapping
    draft = Draft(
        order_id=values["id"],
        call_id=values["call_id"],
        version=values["version"],
        state=OrderState(values["state"]),
        fields=_FIELDS.decode(values["fields_json"]),
        visit=_VISIT.decode(values["visit_json"]) if values["visit_json"] else None,
    )
    return Order(
        draft=draft,
        caller=values["caller"],
        agent=values["agent"],
        created_at=values["created_at"],
        updated_at=values["updated_at"],
        number=values["number"] or "",
        closed_at=values["closed_at"],
        reason=values["reason"],
    )


def columns_of(order: Order) -> dict[str, object]:
    """Return the columns of `orders` that change with the order."""
    draft = order.draft
    return {
        "number": order.number or None,
        "state": draft.state.value,
        "agent": order.agent,
        "updated_at": order.updated_at,
        "closed_at": order.closed_at,
        "reason": order.reason,
        "version": draft.version,
        "fields_json": msgspec.json.encode(draft.fields).decode(),
        "visit_json": "" if draft.visit is None else msgspec.json.encode(draft.visit).decode(),
        "solved": "" if draft.visit is None or draft.visit.solved is None else draft.visit.solved.value,
        "satisfaction": None if draft.visit is None else draft.visit.satisfaction,
        **{field.value: lifecycle.value_of(draft, field) for field in OrderField},
    }


def events_of(order_id: str, rows: Sequence[Row[Any]]) -> tuple[RecordedEvent, ...]:
    """Return an order's events from its rows, first to last.

    Raises:
        ChainBroken: naming the first row that does not fit the chain.
    """
    recorded: list[RecordedEvent] = []
    previous = chain.FIRST
    for seq, row in enumerate(rows, start=1):
        expected = chain.digest(
            chain.Link(
                order_id=row.order_id,
                seq=row.seq,
                event_id=row.event_id,
                at=row.at,
                kind=row.kind,
                data=row.data,
                actor=row.actor,
                prev_hash=previous,
            )
        )
        if row.seq != seq or row.prev_hash != previous or row.hash != expected:
            raise ChainBroken(order_id, seq)
        previous = expected
        recorded.append(
            RecordedEvent(
                order_id=order_id,
                seq=seq,
                event_id=row.event_id,
                at=row.at,
                event=chain.decode(row.kind, row.data),
                actor=row.actor,
                hash=expected,
            )
        )
    return tuple(recorded)


def matching(which: OrderFilter) -> Select[Any]:
    """Return the query for the orders that match, in no order yet.

    Raises:
        ValueRefused: page, size or text out of bounds.
    """
    _check_filter(which)
    query = select(orders)
    if which.state is not None:
        query = query.where(orders.c.state == which.state.value)
    if which.since is not None:
        query = query.where(orders.c.created_at >= which.since)
    if which.until is not None:
        query = query.where(orders.c.created_at < which.until)
    if which.agent:
        query = query.where(orders.c.agent == which.agent)
    if which.visited is not None:
        query = query.where((orders.c.visit_json != "") if which.visited else (orders.c.visit_json == ""))
    if which.solved is not None:
        query = query.where(orders.c.solved == which.solved.value)
    for word in which.text.split():
        searched = ("number", "caller", "phone", "contact", "title", "summary", "place", "street", "district")
        query = query.where(or_(*(orders.c[name].icontains(word, autoescape=True) for name in searched)))
    return query


def _check_filter(which: OrderFilter) -> None:
    for name, value, most in (("page", which.page, MAX_PAGE), ("size", which.size, MAX_SIZE)):
        if not 1 <= value <= most:
            raise ValueRefused(
                f"{name} is {value}, expected 1 to {most}", shown=f"页码或条数超出范围（1 到 {most}）"
            )
    if len(which.text) > MAX_TEXT:
        raise ValueRefused(
            f"text has {len(which.text)} characters, at most {MAX_TEXT}",
            shown=f"搜索内容最多 {MAX_TEXT} 个字",
        )
    check_storable("text", which.text)
    check_storable("agent", which.agent)


def is_contention(error: DBAPIError) -> bool:
    """Tell whether another writer was in the way (then a retry helps) rather than something being wrong."""
    if isinstance(error, IntegrityError):
        return True
    text = str(error.orig).lower()
    if isinstance(error, OperationalError) and ("locked" in text or "busy" in text):
        return True
    state = getattr(error.orig, "sqlstate", None)
    return state in ("40001", "40P01")  # serialization failure, deadlock
