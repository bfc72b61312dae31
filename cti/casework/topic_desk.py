"""Hot topics, early warnings and monthly themes, kept for a while because they are looked at by many."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.database import writing
from cti.ports import Person
from cti.tasks import aside
from orders.repeats import Repeats
from orders.themes import Theme, ThemeStore
from orders.topic_load import MonthFigures, TopicLog, months_back
from orders.topics import Topic, TopicPolicy, topics

__all__ = ["ThemeReport", "TopicDesk", "TopicView"]

KEPT_S = 120.0
MONTHS = 12
CHINA = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicView:
    """What was found, and when."""

    at: float  # epoch seconds of the look
    today: dt.date  # last day that is counted
    policy: TopicPolicy  # how it was looked at
    topics: tuple[Topic, ...]  # the surest first


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeReport:
    """A theme and its months."""

    theme: Theme
    months: tuple[MonthFigures, ...]  # oldest first, the newest is not over


class TopicDesk:
    """Finds topics and keeps themes. SQLAlchemy's errors pass through; OrderError for what is refused."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._log = TopicLog(engine)
        self._kept: dict[TopicPolicy, TopicView] = {}
        self.themes = ThemeStore(engine, clock=clock)
        self.repeats = Repeats(engine)

    @property
    def today(self) -> dt.date:
        """The day in China."""
        return dt.datetime.fromtimestamp(self._clock(), CHINA).date()

    async def topics(self, policy: TopicPolicy) -> TopicView:
        """Return what comes more often than usual; at most `KEPT_S` old."""
        now, today = self._clock(), self.today
        kept = self._kept.get(policy)
        if kept is not None and now - kept.at < KEPT_S and kept.today == today:
            return kept
        counts = await self._log.counts(today, policy)
        found = await aside(topics, counts, today, policy)
        view = TopicView(at=now, today=today, policy=policy, topics=found)
        self._kept = {key: one for key, one in self._kept.items() if now - one.at < KEPT_S}
        self._kept[policy] = view
        return view

    async def report(self, theme_id: str) -> ThemeReport:
        """Return a theme with its last months. Raises UnknownTheme."""
        theme = await self.themes.get(theme_id)
        months = months_back(self.today, MONTHS)
        return ThemeReport(theme=theme, months=await self._log.months(theme.category, theme.district, months))

    async def months(self, category: str, district: str) -> tuple[MonthFigures, ...]:
        """Return the last months of any matter, to choose a theme by."""
        return await self._log.months(category, district, months_back(self.today, MONTHS))

    async def note(self, person: Person, what: str, theme: Theme) -> None:
        """Keep in the trail who chose or closed a theme."""
        said = {"result": theme.result} if theme.closed_at is not None else {"goal": theme.goal}
        async with writing(self._engine) as connection:
            await audit.note(
                connection, at=self._clock(), who=person.login, what=what, target=theme.theme_id,
                detail={"month": theme.month, "title": theme.title, "category": theme.category, **said},
            )  # fmt: skip
