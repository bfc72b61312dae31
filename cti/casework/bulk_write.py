"""Writes many orders at once into all tables that tell of orders."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Table, case, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.database import upsert, writing
from orders.assessment_store import project_marks
from orders.bulk import Lived, order_columns
from orders.course_tables import order_units
from orders.course_units import tasks
from orders.link_tables import order_links
from orders.search_tables import order_search
from orders.search_text import grams_of, text_of
from orders.tables import order_events, order_numbers, orders

__all__ = ["known_numbers", "reserve_numbers", "write_orders"]


async def reserve_numbers(
    engine: AsyncEngine, days: Mapping[str, int], highest: Mapping[str, int]
) -> Callable[[str], str]:
    """Take so many 工单编号 of each day (YYYYMMDD), and return what gives them out.

    `highest` are numbers that come with their orders: later ones lie above. What is not used stays unused,
    and nobody who submits an order waits meanwhile.
    """
    next_of: dict[str, int] = {}
    async with writing(engine) as connection:
        for day in sorted({*days, *highest}):
            count, least, kept = days.get(day, 0), highest.get(day, 0), order_numbers.c.last
            statement = upsert(connection, order_numbers).values(day=day, last=least + count)
            above = case((kept > least, kept), else_=least) + count
            last = await connection.scalar(
                statement.on_conflict_do_update(
                    index_elements=[order_numbers.c.day], set_={"last": above}
                ).returning(kept)
            )
            next_of[day] = int(last or 0) - count

    def number(day: str) -> str:
        next_of[day] += 1
        return f"{day}{next_of[day]:06d}"

    return number


async def known_numbers(connection: AsyncConnection, numbers: Sequence[str]) -> dict[str, str]:
    """Return whose these 工单编号 are: number -> order id."""
    wanted = [number for number in numbers if number]
    if not wanted:
        return {}
    query = select(orders.c.number, orders.c.id).where(orders.c.number.in_(wanted))
    return {row.number: row.id for row in await connection.execute(query)}


async def write_orders(
    connection: AsyncConnection, made: Sequence[Lived], *, now: float, zone: datetime.tzinfo
) -> None:
    """Write new orders; they are not looked for before."""
    await _insert(connection, order_events, [row for one in made for row in one.rows])
    await _insert(connection, orders, [order_columns(one.order) for one in made])
    texts = [(one.order.draft.order_id, text_of(one.order)) for one in made]
    await _insert(
        connection,
        order_search,
        [{"order_id": order_id, "text": text, "grams": grams_of(text)} for order_id, text in texts],
    )
    units: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    for one in made:
        draft = one.order.draft
        mine = {"order_id": draft.order_id}
        links += [{**asdict(link), **mine} for link in draft.links]
        if draft.course is not None:
            more = {**mine, "created_at": one.order.created_at}
            units += [{**asdict(task), **more} for task in tasks(draft.course)]
    await _insert(connection, order_units, units)
    await _insert(connection, order_links, links)
    for one in made:
        await project_marks(connection, None, one.order, now=now, zone=zone)


async def _insert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(insert(table), rows)
