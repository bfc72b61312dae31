"""Orders that somebody has to look after (督办): supervised ones by level, late ones, nearly late ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.course_answer import LEVELS
from orders.course_messages import Supervision
from orders.course_table import UNDER_WAY
from orders.link_tables import with_links
from orders.records import Order, OrderFilter, Sight
from orders.rows import matching
from orders.tables import orders
from orders.unreadable import Unreadable

__all__ = ["WatchCounts", "WatchList", "WatchPage", "WatchView"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPage:
    """One page; what is over first comes first."""

    total: int  # at most 10,000
    orders: tuple[Order, ...]
    unreadable: int = 0  # of this page's, those that are left out because their row cannot be read


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
    ) -> WatchPage:
        """Return one page of orders under way; `level`: only those at exactly this level.

        Raises:
            ValueRefused: page or size out of bounds.
        """
        chosen = _chosen(view, now, sight, level, page=page, size=size)
        place = (orders.c.due_at.is_(None), orders.c.due_at, orders.c.id)
        async with self._engine.connect() as connection:
            total = await connection.scalar(_count(chosen))
            query = chosen.order_by(*place).limit(size).offset((page - 1) * size)
            rows = (await connection.execute(query)).all()
            found = await with_links(connection, self._unreadable.orders(rows))
        return WatchPage(total=total or 0, orders=found, unreadable=len(rows) - len(found))

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
    some = chosen.with_only_columns(orders.c.id).order_by(None).limit(COUNT_MOST).subquery()
    return select(func.count()).select_from(some)
