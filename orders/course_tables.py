"""The table of units' inboxes: what an order's course says each of its units has to do."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Boolean, Column, Double, Index, String, Table, delete, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from orders.course_rules import MAX_UNIT
from orders.course_units import UnitTask, tasks
from orders.lifecycle import MAX_ID
from orders.messages import Draft
from orders.records import Order
from orders.tables import metadata

__all__ = ["order_units", "project_units"]

order_units = Table(
    "order_units",
    metadata,
    Column("order_id", String(MAX_ID), primary_key=True),
    Column("unit", String(MAX_UNIT), primary_key=True),
    Column("role", String(8), nullable=False),  # orders.course_units.UnitRole
    Column("state", String(16), nullable=False),  # lead: CourseState; joint: JointState
    Column("since", Double, nullable=False),  # when that began, epoch seconds
    Column("open", Boolean, nullable=False),  # the unit has something to do
    Column("due", Double, nullable=True),  # when, epoch seconds
    Column("near_at", Double, nullable=True),  # from when that is near
    Column("created_at", Double, nullable=False, server_default=text("0")),  # when the order was opened
    Index(None, "unit", "open", "due", "order_id"),
    Index(None, "unit", "created_at", "order_id"),
    Index(None, "unit", "since", "order_id"),
)


async def project_units(connection: AsyncConnection, before: Order | None, order: Order) -> None:
    """Write the order's places in its units' inboxes as they are now."""
    now = _tasks(order.draft)
    had = () if before is None else _tasks(before.draft)
    if now == had:
        return
    order_id = order.draft.order_id
    if had:
        await connection.execute(delete(order_units).where(order_units.c.order_id == order_id))
    if now:
        more = {"order_id": order_id, "created_at": order.created_at}
        await connection.execute(insert(order_units), [{**asdict(task), **more} for task in now])


def _tasks(draft: Draft) -> tuple[UnitTask, ...]:
    return () if draft.course is None else tasks(draft.course)
