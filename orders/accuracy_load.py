"""The events that accuracy is told from, out of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders import chain
from orders.accuracy import Accuracy, summed
from orders.messages import OrderEvent, OrderState
from orders.tables import order_events, orders

__all__ = ["NEWEST_MAX", "AccuracyLog"]

NEWEST_MAX = 2_000
"""Orders that are judged at once: the newest of the range."""
CHUNK = 200
_KINDS = ("draft_opened", "field_suggested", "field_edited", "order_submitted")


class AccuracyLog:
    """How right the machine's fields were. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def fields(
        self, *, since: float | None = None, until: float | None = None, newest: int = NEWEST_MAX
    ) -> tuple[Accuracy, int]:
        """Judge the newest submitted orders that were opened in the range (epoch seconds).

        Returns:
            The counts, and how many orders the range holds.
        """
        submitted = select(orders.c.id).where(orders.c.state == OrderState.ACCEPTED.value)
        if since is not None:
            submitted = submitted.where(orders.c.created_at >= since)
        if until is not None:
            submitted = submitted.where(orders.c.created_at < until)
        wanted = submitted.order_by(orders.c.created_at.desc(), orders.c.id).limit(min(newest, NEWEST_MAX))
        stories: list[list[tuple[str, str]]] = []
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(submitted.subquery()))
            ids = list((await connection.scalars(wanted)).all())
            for first in range(0, len(ids), CHUNK):
                rows = await connection.execute(
                    select(order_events.c.order_id, order_events.c.kind, order_events.c.data)
                    .where(order_events.c.order_id.in_(ids[first : first + CHUNK]))
                    .where(order_events.c.kind.in_(_KINDS))
                    .order_by(order_events.c.order_id, order_events.c.seq)
                )
                stories.extend(_stories(tuple(rows)))
        return await asyncio.to_thread(_judged, stories), total or 0


def _stories(rows: Iterable[Any]) -> Iterable[list[tuple[str, str]]]:
    for _, group in groupby(rows, key=attrgetter("order_id")):
        yield [(row.kind, row.data) for row in group]


def _judged(stories: Iterable[Iterable[tuple[str, str]]]) -> Accuracy:
    return summed(_events(story) for story in stories)


def _events(story: Iterable[tuple[str, str]]) -> Iterable[OrderEvent]:
    return (chain.decode(kind, data) for kind, data in story)
