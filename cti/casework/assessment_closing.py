"""Freezing months of the assessment, by people or by themselves, and what would be another figure now."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from cti.casework.assessment_months import FrozenMonth
from cti.casework.assessments import AssessmentDesk, AssessmentRefused, joined, months_before
from cti.faults import fault_site
from cti.ports import Person
from cti.tasks import end
from orders.assessment import definitions
from orders.assessment_definitions import FIGURES
from orders.assessment_load import EVERYTHING, Days, Grouping
from orders.assessment_sheet import MonthSheet, Row, Rows, row, unit_rows
from orders.assessment_store import day_of
from orders.assessment_tables import order_marks
from orders.workdays import Workdays

__all__ = ["AssessmentClosing", "Difference", "month_after"]

log = logging.getLogger(__name__)

LOOK_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure of a frozen month that would be another one now."""

    key: str  # of the unit, "" for the whole
    title: str  # of the unit
    figure: str  # key
    before: tuple[float, int | None]
    after: tuple[float, int | None]


def month_after(month: int) -> int:
    """Return the next YYYYMM."""
    return month + 1 if month % 100 < 12 else month + 89


class AssessmentClosing:
    """Keeps months for good. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, desk: AssessmentDesk, workdays: Callable[[], Workdays]) -> None:
        """`workdays` returns the working calendar in force."""
        self._desk = desk
        self._workdays = workdays
        self._task: asyncio.Task[None] | None = None

    def over_at(self, month: int) -> float:
        """When a month is over, epoch seconds."""
        following = month_after(month)
        begin = datetime.datetime(following // 100, following % 100, 1, tzinfo=self._desk.log.zone)
        return begin.timestamp()

    def closes_at(self, month: int) -> float | None:
        """When a month is frozen by itself; None: only by people."""
        workday = self._desk.policy.close_workday
        return self._workdays().add_days(self.over_at(month) - 1.0, workday) if workday else None

    async def freeze(self, month: int, *, by: str, reason: str = "") -> FrozenMonth:
        """Keep a month's figures for good; a month that is frozen already gets another version, for a reason.

        Raises:
            AssessmentRefused: the month is not over, or no reason is given.
        """
        now = self._desk.clock()
        if now < self.over_at(month):
            raise AssessmentRefused("not_over", "当月尚未结束，不能封账")
        versions = await self._desk.months.versions(month)
        if versions and not reason.strip():
            raise AssessmentRefused("reason", "该月已封账，重新封账须写明理由")
        kept = await self._desk.months.keep(
            await self._whole(month, now),
            by=by,
            reason=reason.strip(),
            version=versions[0].version + 1 if versions else 1,
        )
        if kept is None:
            raise AssessmentRefused("conflict", "其他人刚刚对该月封账，请刷新后查看")
        # the digest leaves the database here: logs are kept elsewhere
        log.info("month frozen", extra={"month": month, "version": kept.version, "digest": kept.digest})
        return kept

    async def _whole(self, month: int, now: float) -> MonthSheet:
        days, tables, policy = Days.of_month(month), dict[str, Rows](), self._desk.policy
        for by in (Grouping.UNIT, Grouping.CATEGORY, Grouping.DISTRICT, Grouping.CHANNEL):
            tables[by.value], total = await self._desk.rows_of(
                days, by, EVERYTHING, policy, with_below=False, now=now
            )
        tables["unit_below"], total = await self._desk.rows_of(
            days, Grouping.UNIT, EVERYTHING, policy, with_below=True, now=now
        )
        return MonthSheet(
            month=month, made_at=now, policy=policy, definitions=tuple(definitions(policy)), total=total,
            tables=tables,
        )  # fmt: skip

    async def differences(self, frozen: FrozenMonth, person: Person) -> Sequence[Difference]:
        """Return the figures of a frozen month that would be others now, by the policy of that time."""
        sheet = await self._desk.months.get(frozen.month, frozen.version)
        if sheet is None:
            return ()
        scope = await self._desk.scope_of(person)
        tallies = await self._desk.log.tallies(
            Days.of_month(frozen.month), Grouping.UNIT, now=self._desk.clock()
        )
        now = {one.key: one for one in unit_rows(tallies, (), sheet.policy, below=False)}
        old = {one.key: one for one in sheet.tables["unit"]}
        pairs = [(old.get(key), now.get(key)) for key in sorted(old.keys() | now.keys())]
        if scope.everything:
            pairs.insert(0, (sheet.total, row("", "合计", joined(tallies), sheet.policy)))
        found: list[Difference] = []
        for was, is_ in pairs:
            named = was or is_
            if named is None or not (
                scope.everything or (scope.units is not None and named.key in scope.units)
            ):
                continue
            for figure in FIGURES:
                pair = _cell(was, figure), _cell(is_, figure)
                if pair[0] != pair[1]:
                    found.append(
                        Difference(
                            key=named.key, title=named.title, figure=figure, before=pair[0], after=pair[1]
                        )
                    )
        return found

    # ------------------------------------------------------------ by itself

    def start(self) -> None:
        """Begin to look whether a month is to be frozen."""
        self._task = asyncio.create_task(self._keep_looking(), name="assessment")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    async def look(self) -> FrozenMonth | None:
        """Freeze last month when its time has come, and anything was counted in it."""
        now = self._desk.clock()
        last = months_before(day_of(now, self._desk.log.zone) // 100, 2)[0]
        due = self.closes_at(last)
        if due is None or now < due or await self._desk.months.versions(last) or not await self._counts(last):
            return None
        try:
            return await self.freeze(last, by="system")
        except AssessmentRefused:  # another server was quicker
            return None

    async def _counts(self, month: int) -> bool:
        days = Days.of_month(month)
        async with self._desk.engine.connect() as connection:
            some = exists().where(order_marks.c.day.between(days.first, days.last))
            return bool(await connection.scalar(select(some)))

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self.look()
                await self._desk.warm()
            except SQLAlchemyError as error:
                log.warning("month not frozen", extra={"reason": type(error).__name__})
            except Exception as error:  # the next look must come
                log.error("freezing a month failed", extra={"site": fault_site(error)})
            await asyncio.sleep(LOOK_S)


def _cell(one: Row | None, figure: str) -> tuple[float, int | None]:
    empty: tuple[float, int | None] = (0, None)
    if one is None:
        unit = FIGURES[figure].unit.value
        return empty if unit == "count" else (0, 0)
    return one.figures.get(figure, empty)
