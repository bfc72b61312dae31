"""The table of relations between orders: what `Draft.links` amounts to, for searching from either side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from sqlalchemy import Column, Double, Index, String, Table, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from orders.lifecycle import MAX_CALLER, MAX_ID, MAX_LOGIN
from orders.messages import Draft, LinkKind, OrderLink
from orders.order_links import MAX_TEXT
from orders.records import Order
from orders.tables import metadata

__all__ = ["order_links", "project_links", "with_links"]

order_links = Table(
    "order_links",
    metadata,
    Column("order_id", String(MAX_ID), primary_key=True),
    Column("other", String(MAX_ID), primary_key=True),
    Column("kind", String(16), nullable=False),  # orders.messages.LinkKind, seen from order_id
    Column("agent", String(MAX_LOGIN), nullable=False),
    Column("at", Double, nullable=False),
    Column("number", String(30), nullable=False),  # the other's 工单编号
    Column("caller", String(MAX_CALLER), nullable=False),
    Column("contact", String(MAX_TEXT), nullable=False),
    Column("phone", String(MAX_CALLER), nullable=False),
    Column("secrecy", String(10), nullable=False, server_default=text("''")),  # the other's 保密要求
    Index(None, "other"),
)


async def project_links(connection: AsyncConnection, draft: Draft) -> None:
    """Write an order's links as they are now."""
    await connection.execute(delete(order_links).where(order_links.c.order_id == draft.order_id))
    if draft.links:
        await connection.execute(
            insert(order_links), [{**asdict(link), "order_id": draft.order_id} for link in draft.links]
        )


async def with_links(connection: AsyncConnection, found: Iterable[Order]) -> tuple[Order, ...]:
    """Return the orders with their links."""
    orders = tuple(found)
    if not orders:
        return ()
    ids = [order.draft.order_id for order in orders]
    query = select(order_links).where(order_links.c.order_id.in_(ids))
    of: dict[str, list[OrderLink]] = {}
    for row in (await connection.execute(query.order_by(order_links.c.at, order_links.c.other))).mappings():
        values = {name: row[name] for name in OrderLink.__dataclass_fields__ if name != "kind"}
        of.setdefault(row["order_id"], []).append(OrderLink(kind=LinkKind(row["kind"]), **values))
    return tuple(_linked(order, of.get(order.draft.order_id, ())) for order in orders)


def _linked(order: Order, links: Sequence[OrderLink]) -> Order:
    return replace(order, draft=replace(order.draft, links=tuple(links))) if links else order
