"""Reads what became of dispatches from the events, in portions, for `orders.dispatch_figures`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders import chain
from orders.course_events import (
    DisputeRaised,
    DisputeRuled,
    OrderDispatched,
    OrderReturned,
    OrderSigned,
    ReturnRuled,
)
from orders.dispatch_figures import DispatchFact, Happened, facts_of
from orders.dispatch_store import Verdict
from orders.dispatch_tables import dispatch_samples
from orders.errors import ValueRefused
from orders.records import OrderFilter, Sight
from orders.rows import matching
from orders.tables import order_events, orders

__all__ = ["DAYS_MOST", "dispatches"]

DAYS_MOST = 92
PORTION = 500
"""Orders that are read at a time."""

_KINDS = tuple(
    name
    for name, cls in chain.KINDS.items()
    if cls in (DisputeRaised, DisputeRuled, OrderDispatched, OrderReturned, OrderSigned, ReturnRuled)
)


async def dispatches(
    engine: AsyncEngine, *, since: float, until: float, sight: Sight | None = None
) -> tuple[DispatchFact, ...]:
    """Return all dispatches of the orders that were opened in a time, at most 92 days.

    Raises:
        ValueRefused: the time is longer, or ends before it begins.
    """
    if not 0 < until - since <= DAYS_MOST * 86_400:
        raise ValueRefused("time out of bounds", shown=f"统计期间应为 1 至 {DAYS_MOST} 天")
    facts: list[DispatchFact] = []
    at, last = since, ""
    async with engine.connect() as connection:
        while True:
            later = (orders.c.created_at > at) | ((orders.c.created_at == at) & (orders.c.id > last))
            query = (
                select(orders.c.id, orders.c.created_at, orders.c.category)
                .where(later, orders.c.created_at >= since, orders.c.created_at < until)
                .where(orders.c.course_state != "")
                .order_by(orders.c.created_at, orders.c.id)
                .limit(PORTION)
            )
            if sight is not None:
                query = query.where(orders.c.id.in_(_open_to(sight)))
            chosen = (await connection.execute(query)).all()
            if not chosen:
                return tuple(facts)
            at, last = chosen[-1].created_at, chosen[-1].id
            categories = {row.id: row.category for row in chosen}
            rows = (
                await connection.execute(
                    select(order_events)
                    .where(order_events.c.order_id.in_(list(categories)), order_events.c.kind.in_(_KINDS))
                    .order_by(order_events.c.order_id, order_events.c.seq)
                )
            ).all()
            judged = await connection.execute(
                select(dispatch_samples.c.event_id, dispatch_samples.c.verdict).where(
                    dispatch_samples.c.order_id.in_(list(categories)), dispatch_samples.c.verdict != ""
                )
            )
            verdicts = {row.event_id: row.verdict == Verdict.RIGHT for row in judged}
            facts += await asyncio.to_thread(_folded, rows, categories, verdicts)


def _open_to(sight: Sight) -> Select[tuple[str]]:
    """Return the question for the ids of orders that are open to somebody."""
    return matching(OrderFilter(sight=sight)).with_only_columns(orders.c.id)


def _folded(
    rows: Sequence[Row[Any]], categories: Mapping[str, str], verdicts: Mapping[str, bool]
) -> list[DispatchFact]:
    facts: list[DispatchFact] = []
    for order_id, group in groupby(rows, key=lambda row: str(row.order_id)):
        happened = (
            Happened(event=chain.decode(row.kind, row.data), event_id=row.event_id, at=row.at)
            for row in group
        )
        facts += facts_of(happened, category=categories[order_id], verdicts=verdicts)
    return facts
