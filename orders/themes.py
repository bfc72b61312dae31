"""Monthly themes (每月一题): matters that a city sets out to solve, and what was done."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Double, Index, Row, String, Table, Text, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.errors import OrderError
from orders.fields import check_text
from orders.tables import metadata

__all__ = ["Theme", "ThemeClosed", "ThemeStore", "UnknownTheme", "order_themes"]

TITLE_MAX, GOAL_MAX, RESULT_MAX, CATEGORY_MAX, DISTRICT_MAX, UNIT_MAX = 60, 1000, 2000, 100, 50, 100
LISTED_MOST = 200


class UnknownTheme(OrderError):
    """There is no such theme."""

    def __init__(self) -> None:
        super().__init__("no such theme", shown="没有这个专题")


class ThemeClosed(OrderError):
    """It is closed already; what was done then stands."""

    def __init__(self) -> None:
        super().__init__("the theme is closed already", shown="该专题已结题，结题内容不能再改")


order_themes = Table(
    "order_themes",
    metadata,
    Column("theme_id", String(40), primary_key=True),
    Column("month", String(7), nullable=False),  # for which it was chosen: 2026-11
    Column("title", String(TITLE_MAX), nullable=False),
    Column("category", String(CATEGORY_MAX), nullable=False),  # path; what is below belongs to it
    Column("district", String(DISTRICT_MAX), nullable=False),  # 区县, "" for the whole city
    Column("lead", String(UNIT_MAX), nullable=False),  # 牵头单位
    Column("goal", Text, nullable=False),
    Column("result", Text, nullable=False),  # what was done, "" while it goes on
    Column("by", String(64), nullable=False),  # login
    Column("at", Double, nullable=False),
    Column("closed_at", Double, nullable=True),
    Index(None, "month"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """One theme."""

    theme_id: str  # which
    month: str  # for which it was chosen: 2026-11
    title: str  # what is to be solved
    category: str  # path; what is below belongs to it
    district: str = ""  # 区县, "" for the whole city
    lead: str = ""  # 牵头单位
    goal: str = ""  # what is to be reached
    result: str = ""  # what was done
    by: str = ""  # login of who chose it
    at: float = 0.0  # epoch seconds
    closed_at: float | None = None  # epoch seconds, None while it goes on


class ThemeStore:
    """Keeps themes. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def list(self) -> tuple[Theme, ...]:
        """Return the newest themes, at most `LISTED_MOST`."""
        query = select(order_themes).order_by(order_themes.c.month.desc(), order_themes.c.at.desc())
        async with self._engine.connect() as connection:
            return tuple(_theme(row) for row in await connection.execute(query.limit(LISTED_MOST)))

    async def get(self, theme_id: str) -> Theme:
        """Return one. Raises UnknownTheme."""
        query = select(order_themes).where(order_themes.c.theme_id == theme_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownTheme
        return _theme(row)

    async def begin(
        self, *, month: str, title: str, category: str, district: str, lead: str, goal: str, by: str
    ) -> Theme:
        """Choose a theme. Raises ValueRefused: a text is missing or too long."""
        texts = (
            ("title", title, 1, TITLE_MAX), ("category", category, 1, CATEGORY_MAX),
            ("district", district, 0, DISTRICT_MAX), ("lead", lead, 0, UNIT_MAX), ("goal", goal, 0, GOAL_MAX),
        )  # fmt: skip
        for name, value, least, most in texts:
            check_text(name, value, least, most)
        theme = Theme(
            theme_id=uuid.uuid4().hex, month=month, title=title, category=category, district=district,
            lead=lead, goal=goal, by=by, at=self._clock(),
        )  # fmt: skip
        values = {name: getattr(theme, name) for name in Theme.__dataclass_fields__}
        async with self._engine.begin() as connection:
            await connection.execute(insert(order_themes).values(**values))
        return theme

    async def close(self, theme_id: str, *, result: str) -> Theme:
        """Say what was done, once. Raises UnknownTheme, ThemeClosed, ValueRefused."""
        check_text("result", result.strip(), 1, RESULT_MAX)
        own = order_themes.c.theme_id == theme_id
        async with self._engine.begin() as connection:
            done = await connection.execute(
                update(order_themes)
                .where(own, order_themes.c.closed_at.is_(None))
                .values(result=result.strip(), closed_at=self._clock())
            )
        if done.rowcount == 0:
            await self.get(theme_id)
            raise ThemeClosed
        return await self.get(theme_id)


def _theme(row: Row[Any]) -> Theme:
    return Theme(**{name: row._mapping[name] for name in Theme.__dataclass_fields__})
