"""What tells of orders in other tables (visits, notices, waves …), cut to those that are open to somebody."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.link_tables import with_links
from orders.records import Order, Sight
from orders.rows import open_to, order_of
from orders.tables import orders

__all__ = ["OpenOrders", "of_open"]

CHUNK = 500
"""Ids in one question to the database."""


def of_open(sight: Sight | None, order_id: ColumnElement[Any]) -> ColumnElement[bool] | None:
    """Return the condition that the order with this id is open to `sight`; None: every order is."""
    if sight is None or not sight.cuts:
        return None
    return order_id.in_(open_to(sight, select(orders.c.id)))


class OpenOrders:
    """Asks for many orders at once. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Use `engine` (SQLite or PostgreSQL)."""
        self._engine = engine

    async def among(self, order_ids: Collection[str], sight: Sight | None) -> frozenset[str]:
        """Return those of the orders that are open; with nothing to cut, all of them, known or not."""
        wanted = sorted(set(order_ids))
        found: set[str] = set()
        async with self._engine.connect() as connection:
            for place in range(0, len(wanted), CHUNK):
                some = wanted[place : place + CHUNK]
                is_open = of_open(sight, orders.c.id)
                if is_open is None:
                    found.update(some)
                    continue
                query = select(orders.c.id).where(orders.c.id.in_(some), is_open)
                found.update(await connection.scalars(query))
        return frozenset(found)

    async def read(self, order_ids: Collection[str]) -> dict[str, Order]:
        """Return those of the orders that are known, by id; whoever asks has seen to what is open."""
        wanted = sorted(set(order_ids))
        found: dict[str, Order] = {}
        async with self._engine.connect() as connection:
            for place in range(0, len(wanted), CHUNK):
                rows = await connection.execute(
                    select(orders).where(orders.c.id.in_(wanted[place : place + CHUNK]))
                )
                for order in await with_links(connection, map(order_of, rows)):
                    found[order.draft.order_id] = order
        return found
