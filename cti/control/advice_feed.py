"""Reads for advice from the database: submitted orders as they come, units and articles when they change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from sqlalchemy import Row, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.control.advice_data import ORDERS_MOST, PastOrder
from orders.course_messages import CourseState
from orders.messages import OrderState
from orders.privacy import Secrecy, masked_name, masked_number, masked_words, secrecy_named
from orders.similar import SimilarItem
from orders.tables import orders

__all__ = ["KEEP_S", "LATE_S", "OVERLAP_S", "changed_orders", "first_of_newest"]

KEEP_S = 90 * 86_400.0
"""Orders older than this are not similar to anything any more."""
OVERLAP_S = 900.0
"""An order may be written this late by a server whose database was away, and is still seen."""
LATE_S = 2 * 86_400.0
"""A server may even have been cut off so long; that is looked for now and then."""
PORTION = 100

_COLUMNS = tuple(
    orders.c[name]
    for name in (
        "id", "number", "title", "summary", "created_at", "updated_at", "district", "street", "place",
        "category", "caller", "phone", "contact", "secrecy", "unit", "version", "course_state", "lead_unit",
        "course_json",
    )
)  # fmt: skip


_MEANT = frozenset({"", CourseState.ACCEPTED, CourseState.DISPATCHED})
"""Nobody took it on yet: whom the agent meant counts."""
_REFUSED = frozenset({CourseState.RETURNED, CourseState.DISPUTED})


class _Returned(msgspec.Struct):
    returns: list[msgspec.Raw] = []


def _learned_unit(row: Row[Any]) -> str:
    """Who took the order on; before that whom an agent meant; "" when it was given back."""
    if row.course_state in _REFUSED:
        return ""
    if row.course_state not in _MEANT:
        return str(row.lead_unit)
    refused = row.course_json and msgspec.json.decode(row.course_json, type=_Returned).returns
    return "" if refused else str(row.unit)


def _is_secret(row: Row[Any]) -> bool:
    return secrecy_named(row.secrecy) is Secrecy.CONFIDENTIAL


def _title(row: Row[Any]) -> str:
    """As every agent may see it: nobody is told beside a draft who reported something in confidence."""
    if not _is_secret(row):
        return str(row.title)
    known = [(number, masked_number(number)) for number in (row.caller, row.phone) if len(number) >= 7]
    known += [(row.contact, masked_name(row.contact))] if len(row.contact) >= 2 else []
    return masked_words(row.title, known)


async def first_of_newest(engine: AsyncEngine, now: float) -> float:
    """Return the time from which on orders are read: 90 days back, or later when there are too many."""
    query = (
        select(orders.c.updated_at)
        .where(orders.c.state == OrderState.ACCEPTED.value, orders.c.updated_at >= now - KEEP_S)
        .order_by(orders.c.updated_at.desc())
        .offset(ORDERS_MOST)
        .limit(1)
    )
    async with engine.connect() as connection:
        beyond = await connection.scalar(query)
    return now - KEEP_S if beyond is None else float(beyond)


async def changed_orders(engine: AsyncEngine, since: float) -> AsyncIterator[list[PastOrder]]:
    """Yield the submitted orders that changed at or after `since`, oldest first, in portions."""
    at, last = since, ""
    while True:
        query = (
            select(*_COLUMNS)
            .where(
                orders.c.state == OrderState.ACCEPTED.value,
                tuple_(orders.c.updated_at, orders.c.id) > tuple_(at, last),
            )
            .order_by(orders.c.updated_at, orders.c.id)
            .limit(PORTION)
        )
        async with engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        if not rows:
            return
        yield [
            PastOrder(
                item=SimilarItem(
                    order_id=row.id, number=row.number or "", title=_title(row), text=row.summary,
                    at=row.created_at, district=row.district, street=row.street, place=row.place,
                    category=row.category, caller="" if _is_secret(row) else row.caller,
                ),
                unit=_learned_unit(row),
                version=row.version,
                updated_at=row.updated_at,
            )
            for row in rows
        ]  # fmt: skip
        at, last = rows[-1].updated_at, rows[-1].id
