"""One page of a list of orders that has an order of its own: clerks' queues, 督办, 待受理."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from orders.link_tables import with_links
from orders.records import OrderPage
from orders.tables import orders
from orders.unreadable import Unreadable

__all__ = ["how_many", "page_of"]


async def page_of(
    connection: AsyncConnection,
    chosen: Select[Any],
    place: Sequence[ColumnElement[Any]],
    unreadable: Unreadable,
    *,
    page: int,
    size: int,
    most: int | None = None,
) -> OrderPage:
    """Return one page of the orders that `chosen` (columns of `orders`) finds, sorted by `place`.

    Rows that cannot be read are left out and counted. `most`: where counting them stops.
    """
    total = await connection.scalar(how_many(chosen, most)) or 0
    query = chosen.order_by(*place).limit(size).offset((page - 1) * size)
    rows = (await connection.execute(query)).all()
    found = await with_links(connection, unreadable.orders(rows))
    return OrderPage(
        total=total,
        page=page,
        size=size,
        orders=found,
        exact=most is None or total < most,
        unreadable=len(rows) - len(found),
    )


def how_many(chosen: Select[Any], most: int | None = None) -> Select[Any]:
    """Return the question how many orders `chosen` finds; it stops at `most`."""
    some = chosen.with_only_columns(orders.c.id).order_by(None).limit(most).subquery()
    return select(func.count()).select_from(some)
