"""The statements with which `orders.store` reads an order under lock and writes what it is now."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from orders import chain
from orders.assessment_store import project_marks
from orders.course_events import CourseEvent
from orders.course_seen import Since
from orders.course_tables import project_units
from orders.errors import KeyReused
from orders.link_tables import project_links, with_links
from orders.messages import (
    AttachmentAdded,
    AttachmentRemoved,
    DataErased,
    Draft,
    DraftOpened,
    FieldSuggested,
    OrderDiscarded,
    OrderEvent,
    OrderLinked,
    OrderState,
    OrderUnlinked,
    VisitRecorded,
)
from orders.records import Order
from orders.rows import columns_of, order_of
from orders.search_tables import project_search
from orders.tables import order_events, orders

__all__ = ["events_since", "happened_to", "head", "locked", "project", "stored_before"]


_KEEP_OWNER = (
    VisitRecorded, OrderLinked, OrderUnlinked, DataErased, AttachmentAdded, AttachmentRemoved,
)  # fmt: skip
"""Events after which whose order it is stays; once it is accepted, so does when it was submitted."""


def happened_to(order: Order | None, draft: Draft, event: OrderEvent, at: float, number: str) -> Order:
    """Return the order after `event`, which made `draft` of it and gave it this 工单编号 ("": none)."""
    if order is None:
        caller = event.caller if isinstance(event, DraftOpened) else ""
        return Order(draft=draft, caller=caller, agent="", created_at=at, updated_at=at)
    if isinstance(event, _KEEP_OWNER) or order.draft.course is not None:
        return replace(order, draft=draft, updated_at=at)
    return replace(
        order,
        draft=draft,
        updated_at=at,
        agent=order.agent if isinstance(event, FieldSuggested | DraftOpened | CourseEvent) else event.agent,
        number=number or order.number,
        closed_at=at if draft.state is not OrderState.DRAFT else None,
        reason=event.reason if isinstance(event, OrderDiscarded) else order.reason,
    )


async def locked(connection: AsyncConnection, order_id: str) -> Order | None:
    """Read the order's row so that nobody else changes it before this transaction ends."""
    query = select(orders).where(orders.c.id == order_id)
    if connection.dialect.name == "sqlite":  # has no FOR UPDATE: a write takes the lock before the first read
        await connection.execute(
            update(orders).where(orders.c.id == order_id).values(version=orders.c.version)
        )
    else:
        query = query.with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (await with_links(connection, [order_of(row)]))[0]


async def stored_before(
    connection: AsyncConnection, order_id: str, event_id: str, events: Sequence[OrderEvent]
) -> bool:
    """Tell whether `event_id` was stored for this order already.

    Raises:
        KeyReused: it belongs to another order or another kind of event.
    """
    row = (
        await connection.execute(
            select(order_events.c.order_id, order_events.c.kind).where(order_events.c.event_id == event_id)
        )
    ).one_or_none()
    if row is None:
        return False
    if row.order_id != order_id or row.kind not in {chain.kind_of(event) for event in events}:
        raise KeyReused(event_id)
    return True


async def events_since(connection: AsyncConnection, order_id: str, seen: int) -> list[Since]:
    """Return an order's events after version `seen`, oldest first."""
    rows = await connection.execute(
        select(order_events.c.kind, order_events.c.data, order_events.c.actor, order_events.c.at)
        .where(order_events.c.order_id == order_id, order_events.c.seq > seen)
        .order_by(order_events.c.seq)
    )
    return [Since(event=chain.decode(row.kind, row.data), actor=row.actor, at=row.at) for row in rows]


async def head(connection: AsyncConnection, order_id: str) -> str:
    """Return the hash of an order's newest event."""
    newest = await connection.scalar(
        select(order_events.c.hash)
        .where(order_events.c.order_id == order_id)
        .order_by(order_events.c.seq.desc())
        .limit(1)
    )
    return chain.FIRST if newest is None else str(newest)


async def project(
    connection: AsyncConnection, before: Order | None, order: Order, *, now: float, zone: datetime.tzinfo
) -> None:
    """Write what an order is now into all tables that are made of events: those that are searched, and marks.

    `now` is the time of writing, days are those of `zone`.
    """
    await _searched(connection, before, order)
    await project_marks(connection, before, order, now=now, zone=zone)


async def _searched(connection: AsyncConnection, before: Order | None, order: Order) -> None:
    draft = order.draft
    if before is None:
        opened = {
            "id": draft.order_id, "call_id": draft.call_id, "caller": order.caller,
            "channel": draft.channel.value,
        }  # fmt: skip
        await connection.execute(
            insert(orders).values(**opened, created_at=order.created_at, **columns_of(order))
        )
        await project_search(connection, None, order)
        if draft.links:
            await project_links(connection, draft)
        if draft.course is not None:
            await project_units(connection, None, order)
        return
    await connection.execute(update(orders).where(orders.c.id == draft.order_id).values(**columns_of(order)))
    await project_search(connection, before, order)
    if before.draft.links != draft.links:
        await project_links(connection, draft)
    if before.draft.course != draft.course:
        await project_units(connection, before, order)
