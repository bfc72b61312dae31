"""Figures of the past for the wall: computed by `cti.figures` alone, so that wall and reports never differ.

One look tells everything as of one moment: today, the last 24 hours, the queues, the half hours, and the
calls that broke the rule. So what stands on the wall is true of one and the same moment, and equals what
reports of the same time say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.demand import INTERVAL_S, INTERVALS
from acd.forecast import DAYS_MOST, expected
from cti.database import open_engine
from cti.figures.causes import CAUSES, Break
from cti.figures.facts import CallKind, Rules
from cti.figures.live import LiveFigures, Now
from cti.message_base import Outcome
from cti.messages_board import IntervalView, RuleBreakView
from cti.planning_days import CHINA
from cti.tables import calls
from cti.tasks import aside

__all__ = ["Past", "PastFigures", "midnight_of"]

BREAKS_SHOWN = 50

Figures = Mapping[str, float | None]


def midnight_of(now: float, days_ago: int = 0) -> float:
    """The beginning of the day in China, so many days ago."""
    local = datetime.fromtimestamp(now, CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    return (local - timedelta(days=days_ago)).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFigures:
    """One look."""

    at: float = 0.0  # when this was true
    today: Figures = field(default_factory=dict)  # since midnight
    rolling: Figures = field(default_factory=dict)  # last 24 hours
    queues: Mapping[str, Figures] = field(default_factory=dict)  # of today, by queue
    intervals: tuple[IntervalView, ...] = ()  # of today, up to now; without forecasts
    breaks: tuple[RuleBreakView, ...] = ()  # newest first, at most 50
    breaks_total: int = 0  # of the last 24 hours
    broken: Sequence[Break] = ()  # all of them, newest first
    causes: Mapping[str, int] = field(default_factory=dict)  # cause -> calls of the last 24 hours


def _shown(now: float, found: Now) -> PastFigures:
    causes: dict[str, int] = {}
    for one in found.breaks:
        causes[one.cause.value] = causes.get(one.cause.value, 0) + 1
    return PastFigures(
        at=now,
        today=found.today,
        rolling=found.rolling,
        queues=found.queues,
        intervals=tuple(
            IntervalView(start=start, offered=offered, answered=answered)
            for start, offered, answered in found.intervals
        ),
        breaks=tuple(map(_broken, found.breaks[:BREAKS_SHOWN])),
        breaks_total=len(found.breaks),
        broken=found.breaks,
        causes=dict(sorted(causes.items(), key=lambda each: -each[1])),
    )


def _broken(one: Break) -> RuleBreakView:
    return RuleBreakView(
        call_id=one.call.call_id,
        started=one.call.started,
        queue=one.call.queue,
        waited_s=round(one.call.wait_s or 0.0, 1),
        cause=one.cause.value,
        cause_title=CAUSES[one.cause].title,
    )


class Past:
    """Keeps figures fresh; what was computed last stands meanwhile."""

    def __init__(self, engine: AsyncEngine, database: str, *, rules: Rules) -> None:
        """`database`: its address, for a thread that reads a whole day beside the loop that routes calls."""
        self._engine = engine
        self._database = database
        self._live = LiveFigures(rules)
        self.figures = PastFigures()
        self._looking = asyncio.Lock()  # the keeper of facts is not for two at once
        self._forecast: tuple[float, tuple[float, ...] | None] | None = None  # midnight it is for, and it

    async def look(self, now: float) -> None:
        """Compute everything as of now. SQLAlchemy's errors pass through."""
        async with self._looking:
            await self._look(now)

    async def lately(self, now: float, within_s: float) -> PastFigures:
        """Figures that are not older than that: what is known, or computed now. SQLAlchemy's errors pass."""
        async with self._looking:
            if now - self.figures.at > within_s:
                await self._look(now)
        return self.figures

    async def _look(self, now: float) -> None:
        if self._live.heavy(now):
            found = await aside(lambda: asyncio.run(self._look_apart(now)))
        else:
            found = await self._live.look(self._engine, now)
        self.figures = _shown(now, found)

    async def forecast(self, now: float) -> tuple[float, ...] | None:
        """Calls to expect in each half hour of today, from the same weekdays of before; read once a day.

        Without enough days of before it is read again: an import may have brought them.
        """
        midnight = midnight_of(now)
        if self._forecast is None or self._forecast[0] != midnight or self._forecast[1] is None:
            weeks = range(1, DAYS_MOST + 1)
            days = [await self._offered(midnight_of(now, days_ago=7 * week)) for week in weeks]
            self._forecast = (midnight, expected(days))
        return self._forecast[1]

    async def _look_apart(self, now: float) -> Now:
        engine = open_engine(self._database)
        try:
            return await self._live.look(engine, now)
        finally:
            await engine.dispose()

    async def _offered(self, since: float) -> Sequence[int]:
        """Calls of a past day that asked for a person, by half hour (`offered` of cti.figures)."""
        asked = or_(
            calls.c.queued.is_not(None),
            calls.c.answered.is_not(None),
            calls.c.outcome == Outcome.FAILED.value,
        )
        counts = [0] * INTERVALS
        async with self._engine.connect() as connection:
            for n in range(INTERVALS):
                begin = since + n * INTERVAL_S
                counts[n] = (
                    await connection.scalar(
                        select(func.count()).where(
                            calls.c.started >= begin,
                            calls.c.started < begin + INTERVAL_S,
                            calls.c.kind == CallKind.INBOUND.value,
                            asked,
                            or_(calls.c.answered.is_not(None), calls.c.ended.is_not(None)),
                        )
                    )
                    or 0
                )
        return counts
