"""Puts the reports together: what pages ask for, and what is made by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.figures.facts import Rules
from cti.reports.archive import ReportArchive
from cti.reports.room import ReportRoom
from cti.reports.schedule import Plan, ReportSchedule
from cti.reports.specs import day_of
from cti.settings import Settings
from cti.tables import calls

__all__ = ["ReportDesk", "ReportParts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDesk:
    """What the web side needs."""

    room: ReportRoom  # makes pages and files
    archive: ReportArchive  # keeps those that were made
    behind_s: Callable[[], float] = lambda: 0.0  # how far the journal is ahead of the database

    @property
    def font(self) -> Path | None:
        """The font that is set for PDF."""
        return self.room.font

    @property
    def cache(self) -> Path | None:
        """Where the font is found, or put, when none is set."""
        return self.room.cache


class ReportParts:
    """Reports on one server."""

    def __init__(
        self,
        settings: Settings,
        engine: AsyncEngine,
        *,
        leads: Callable[[], bool],
        behind_s: Callable[[], float],
        clock: Callable[[], float] = time.time,
    ) -> None:
        chosen = settings.reports
        self._room = ReportRoom(
            settings.database,
            Rules.of(settings.figures),
            font=Path(chosen.font) if chosen.font else None,
            cache=settings.cache,
        )
        archive = ReportArchive(engine)
        self.desk = ReportDesk(room=self._room, archive=archive, behind_s=behind_s)

        async def first_day() -> date | None:
            async with engine.connect() as connection:
                first = await connection.scalar(select(func.min(calls.c.started)).where(calls.c.started > 0))
            return None if first is None else day_of(float(first))

        self._schedule = ReportSchedule(
            plan=Plan(
                daily=chosen.daily,
                monthly=chosen.monthly,
                catch_up_days=chosen.catch_up_days,
                forms=chosen.forms,
                folder=Path(chosen.folder) if chosen.folder else settings.home / "reports",
            ),
            room=self._room,
            archive=archive,
            leads=leads,
            behind_s=behind_s,
            first_day=first_day,
            clock=clock,
        )

    def start(self) -> None:
        """Begin to make the regular ones."""
        self._schedule.start()

    async def stop(self) -> None:
        """Stop; what is being made is dropped and made again later."""
        await self._schedule.stop()
        self._room.close()
