"""Orders that somebody has to look after (督办): supervised ones by level, late ones, nearly late ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.course_answer import LEVELS
from orders.course_messages import Supervision
from orders.course_table import UNDER_WAY
from orders.order_pages import how_many, page_of
from orders.records import OrderFilter, OrderPage, Sight
from orders.rows import matching
from orders.tables import orders
from orders.unreadable import Unreadable

__all__ = ["WatchCounts", "WatchList", "WatchView"]

COUNT_MOST = 10_000
_UNDER_WAY = tuple(state for state in UNDER_WAY)


class WatchView(StrEnum):
    """Which orders."""

    SUPERVISED = "supervised"  # 督办中
    LATE = "late"  # 已超期
    NEAR = "near"  # 临期


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchCounts:
    """How many there are, each at most 10,000."""

    levels: dict[str, int]  # Supervision -> orders at exactly this level
    late: int
    near: int


class WatchList:
    """Reads them. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine, unreadable: Unreadable | None = None) -> None:
        """Use `engine` (SQLite or PostgreSQL), and the server's list of orders that cannot be read."""
        self._engine = engine
        self._unreadable = unreadable or Unreadable()

    async def page(
        self,
        view: WatchView,
        *,
        now: float,
        sight: Sight | None = None,
        level: Supervision | None = None,
        page: int = 1,
        size: int = 20,
    ) -> OrderPage:
        """Return one page of orders under way, what is over first comes first; counted up to 10,000.

        `level`: only those at exactly this level.

        Raises:
            ValueRefused: page or size out of bounds.
        """
        chosen = _chosen(view, now, sight, level, page=page, size=size)
        place = (orders.c.due_at.is_(None), orders.c.due_at, orders.c.id)
        async with self._engine.connect() as connection:
            return await page_of(
                connection, chosen, place, self._unreadable, page=page, size=size, most=COUNT_MOST
            )

    async def counts(self, *, now: float, sight: Sight | None = None) -> WatchCounts:
        """Return how many there are of each kind."""
        watched = [level for level in Supervision if level is not Supervision.NONE]
        async with self._engine.connect() as connection:
            levels = {
                level.value: await connection.scalar(_count(_chosen(WatchView.SUPERVISED, now, sight, level)))
                or 0
                for level in watched
            }
            late = await connection.scalar(_count(_chosen(WatchView.LATE, now, sight, None)))
            near = await connection.scalar(_count(_chosen(WatchView.NEAR, now, sight, None)))
        return WatchCounts(levels=levels, late=late or 0, near=near or 0)


def _chosen(
    view: WatchView,
    now: float,
    sight: Sight | None,
    level: Supervision | None,
    *,
    page: int = 1,
    size: int = 20,
) -> Select[Any]:
    which = OrderFilter(
        course=_UNDER_WAY,
        sight=sight,
        supervised=Supervision.YELLOW if view is WatchView.SUPERVISED else None,
        due_before=now if view is WatchView.LATE else None,
        near_before=now if view is WatchView.NEAR else None,
        page=page,
        size=size,
    )
    query = matching(which)
    if view is WatchView.NEAR:
        query = query.where(orders.c.due_at >= now)
    if level is not None:
        query = query.where(orders.c.supervision == LEVELS.index(level))
    return query


def _count(chosen: Select[Any]) -> Select[Any]:
    return how_many(chosen, COUNT_MOST)
