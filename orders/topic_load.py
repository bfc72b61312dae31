"""Counts of orders by day, category and district out of the database, and the months of one matter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders.messages import OrderState, Solved
from orders.tables import orders
from orders.topics import Count, TopicPolicy

__all__ = ["MonthFigures", "TopicLog", "months_back"]

CHINA = ZoneInfo("Asia/Shanghai")
OFFSET_S = 8 * 3600
"""China's time is eight hours ahead all the year; days are counted in the database by it."""
DAY_S = 86_400
_COUNTED = (OrderState.ACCEPTED.value, OrderState.MERGED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """One matter in one month; counts are of orders that came in it."""

    month: str  # 2026-11
    orders: int  # came
    callers: int  # different numbers
    finished: int  # 办结
    asked: int  # of which the newest rating that counts says whether it is solved
    solved: int  # of those, solved
    rated: int  # of which it says how satisfied the citizen is with the result
    satisfied: int  # of those, 4 or 5
    redone: int  # more than one round (重办)
    supervised: int  # 督办 at any level now


class TopicLog:
    """Asks the database. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def counts(self, today: dt.date, policy: TopicPolicy) -> tuple[Count, ...]:
        """Return the counts of all days that the policy looks at, up to the end of `today`."""
        since = _midnight(today - dt.timedelta(days=policy.days + 7 * policy.weeks - 1))
        until = _midnight(today + dt.timedelta(days=1))
        async with self._engine.connect() as connection:
            day = _day(connection).label("day")
            query = (
                select(day, orders.c.category, orders.c.district, func.count().label("many"))
                .where(
                    orders.c.created_at >= since,
                    orders.c.created_at < until,
                    orders.c.state.in_(_COUNTED),
                    orders.c.category != "",
                )
                .group_by(day, orders.c.category, orders.c.district)
            )
            rows = (await connection.execute(query)).all()
        return tuple(
            Count(day=_date(row.day), category=row.category, district=row.district, orders=row.many)
            for row in rows
        )

    async def months(self, category: str, district: str, months: tuple[str, ...]) -> tuple[MonthFigures, ...]:
        """Return the figures of one matter for these months (2026-11)."""
        async with self._engine.connect() as connection:
            return tuple([await _month(connection, category, district, month) for month in months])


def months_back(today: dt.date, many: int) -> tuple[str, ...]:
    """Return the month of a day and those before it, oldest first."""
    return tuple(reversed(list(_back(today, many))))


def _back(today: dt.date, many: int) -> Iterator[str]:
    first = today.replace(day=1)
    for _ in range(many):
        yield f"{first:%Y-%m}"
        first = (first - dt.timedelta(days=1)).replace(day=1)


async def _month(connection: AsyncConnection, category: str, district: str, month: str) -> MonthFigures:
    first = dt.date.fromisoformat(f"{month}-01")
    after = (first + dt.timedelta(days=32)).replace(day=1)
    asked, rated = orders.c.solved != "", orders.c.satisfaction.is_not(None)
    query = select(
        func.count().label("orders"),
        func.count(func.distinct(orders.c.caller)).label("callers"),
        _many(orders.c.finished_at.is_not(None)).label("finished"),
        _many(asked).label("asked"),
        _many(orders.c.solved == Solved.YES.value).label("solved"),
        _many(rated).label("rated"),
        _many(orders.c.satisfaction >= 4).label("satisfied"),
        _many(orders.c.course_round > 1).label("redone"),
        _many(orders.c.supervision > 0).label("supervised"),
    ).where(
        orders.c.created_at >= _midnight(first),
        orders.c.created_at < _midnight(after),
        orders.c.state.in_(_COUNTED),
        or_(orders.c.category == category, orders.c.category.startswith(f"{category}/", autoescape=True)),
    )
    if district:
        query = query.where(orders.c.district == district)
    row = (await connection.execute(query)).one()._mapping
    return MonthFigures(month=month, **{name: int(row[name] or 0) for name in row})


def _many(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0))


def _day(connection: AsyncConnection) -> ColumnElement[int]:
    shifted = (orders.c.created_at + OFFSET_S) / DAY_S
    if connection.dialect.name == "postgresql":  # a cast rounds there
        return cast(func.floor(shifted), Integer)
    return cast(shifted, Integer)


def _date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)


def _midnight(day: dt.date) -> float:
    return dt.datetime.combine(day, dt.time(), CHINA).timestamp()
