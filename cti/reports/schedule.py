"""The regular reports: which are due (pure), and the task of the leading server that makes them.

A report is due from its hour on until it is kept. So one that was missed, because no server ran or the
database was away, is made as soon as one leads again.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from cti.faults import fault_site
from cti.planning_days import CHINA
from cti.reports.archive import ReportArchive, name_of
from cti.reports.room import ReportRoom
from cti.reports.specs import ReportRefused, Spec, daily, monthly
from cti.tasks import end

__all__ = ["Plan", "ReportSchedule", "due"]

log = logging.getLogger(__name__)

LOOK_S = 60.0
SETTLE_S = 2.0
"""With the journal further behind than this, the regular reports wait: a kept one is for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is made when."""

    daily: str = "01:00"  # HH:MM in China; "" never
    monthly: str = "02:00"  # on the first of the month; "" never
    catch_up_days: int = 7  # daily reports that were missed are made so many days back
    forms: tuple[str, ...] = ("xlsx", "pdf")  # files that are written
    folder: Path  # where to


def due(now: float, plan: Plan, *, since: date) -> Sequence[Spec]:
    """Return the regular reports whose hour has come, the oldest first; none of days before `since`."""
    local = datetime.fromtimestamp(now, CHINA)
    found: list[Spec] = []
    if plan.monthly:
        last = local.date().replace(day=1) - timedelta(days=1)
        comes = datetime.combine(last + timedelta(days=1), _clock(plan.monthly), CHINA)
        if local >= comes and last >= since:
            found.append(monthly(last))
    if plan.daily:
        for back in range(plan.catch_up_days, 0, -1):
            day = local.date() - timedelta(days=back)
            comes = datetime.combine(day + timedelta(days=1), _clock(plan.daily), CHINA)
            if local >= comes and day >= since:
                found.append(daily(day))
    return found


def _clock(text: str) -> time:
    return time(int(text[:2]) % 24, int(text[3:]))


class ReportSchedule:
    """Makes what is due, on the server that leads."""

    def __init__(
        self,
        *,
        plan: Plan,
        room: ReportRoom,
        archive: ReportArchive,
        leads: Callable[[], bool],
        behind_s: Callable[[], float],
        first_day: Callable[[], Awaitable[date | None]],
        clock: Callable[[], float],
    ) -> None:
        """`first_day`: the day of the first call that is known; nothing is reported of days before."""
        self._plan = plan
        self._room = room
        self._archive = archive
        self._leads = leads
        self._behind_s = behind_s
        self._first_day = first_day
        self._now = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look every minute."""
        if self._plan.daily or self._plan.monthly:
            self._task = asyncio.create_task(self._keep_looking(), name="report-schedule")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    async def look(self) -> int:
        """Make what is due; return how many were made. Raises ReportRefused, OSError, SQLAlchemy's errors."""
        if not self._leads() or self._behind_s() > SETTLE_S:
            return 0
        first = await self._first_day()
        if first is None:
            return 0
        made = 0
        for spec in due(self._now(), self._plan, since=first):
            if not await self._archive.has(spec):
                made += await self._make(spec)
        return made

    async def _make(self, spec: Spec) -> int:
        data = await self._room.page(spec, now=self._now(), behind_s=self._behind_s())
        files = await self._files(spec, data)
        prepared = await asyncio.to_thread(_prepare, self._plan.folder, name_of(spec), files)
        try:
            kept = await self._archive.keep(data, by="system", again=False)
            if kept is None:  # another server was quicker
                return 0
            await asyncio.to_thread(_show, prepared)
        finally:
            await asyncio.to_thread(_clear, prepared)
        log.info("report made", extra={"report": kept.report_id})
        return 1

    async def _files(self, spec: Spec, data: bytes) -> dict[str, bytes]:
        """The files that can be written: a report is kept also without a font for its PDF."""
        files = {}
        for form in self._plan.forms:
            try:
                files[form] = await self._room.file(data, form)
            except ReportRefused as error:
                log.warning(
                    "file of a report not written",
                    extra={"report": name_of(spec), "form": form, "reason": error.key},
                )
        return files

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self.look()
            except (SQLAlchemyError, ReportRefused, OSError) as error:
                log.warning("report not made", extra={"reason": type(error).__name__})
            except Exception as error:  # the next look must come
                log.error("report failed", extra={"site": fault_site(error)})
            await asyncio.sleep(LOOK_S)


def _prepare(folder: Path, name: str, files: Mapping[str, bytes]) -> Mapping[Path, Path]:
    """Write files under names of their own; return each with the name under which it shall appear.

    So a full disk is known before the report is kept, and the next look tries again.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    prepared = {}
    for form, content in files.items():
        partial = folder / f".{name}.{form}.{os.getpid()}.part"
        partial.write_bytes(content)
        prepared[partial] = folder / f"{name}.{form}"
    return prepared


def _show(prepared: Mapping[Path, Path]) -> None:
    """Let the files appear, whole; one that is there stays as it is."""
    for partial, target in prepared.items():
        if not target.exists():
            partial.rename(target)


def _clear(prepared: Mapping[Path, Path]) -> None:
    for partial in prepared:
        partial.unlink(missing_ok=True)
