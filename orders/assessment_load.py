"""Tallies out of the table of marks: counted by the database, days that are over counted once.

A day that is over changes seldom, and then its version does (`assessment_days`): so its tallies are kept,
packed, and a page counts no more than today anew.
"""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders.assessment import Slot, Tally
from orders.assessment_marks import Kind, Void
from orders.assessment_pace import WorkedTime
from orders.assessment_store import day_of
from orders.assessment_tables import assessment_days, order_marks
from orders.workdays import Workdays

__all__ = ["EVERYTHING", "AssessmentLog", "Days", "Grouping", "Scope", "key_column"]

SETTLE_S = 600.0
"""So long after midnight a day is over for certain, on every server's clock."""
EARLIER_S = 180 * 86_400.0
"""Working time is added up from so long before the first day on."""
PACKED_MOST = 500
MERGED_MOST = 12
ROWS = 5_000
GROUPING_MB = 128
"""PostgreSQL may use so much memory for one statement that counts."""
_KINDS = tuple(Kind)
_VOIDS = tuple(Void)
_KIND_NO = {kind.value: number for number, kind in enumerate(_KINDS)}
_VOID_NO = {void.value: number for number, void in enumerate(_VOIDS)}


class Grouping(StrEnum):
    """What a row is for."""

    UNIT = "unit"  # 承办单位
    CATEGORY = "category"  # 事项分类, at its first level
    DISTRICT = "district"  # 区县
    CHANNEL = "channel"  # 诉求渠道
    DAY = "day"  # 日期


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the calendar, as YYYYMMDD."""

    first: int  # from
    last: int  # to, included

    @classmethod
    def of_month(cls, month: int) -> Days:
        """The days of YYYYMM."""
        return cls(month * 100 + 1, month * 100 + 31)

    @property
    def each(self) -> Sequence[int]:
        """All days that exist."""
        begin = datetime.date(self.first // 10_000, self.first // 100 % 100, self.first % 100)
        found = []
        for count in range(400):
            date = begin + datetime.timedelta(days=count)
            day = date.year * 10_000 + date.month * 100 + date.day
            if day > self.last:
                break
            found.append(day)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose marks are counted; what is None is not asked about."""

    units: frozenset[str] | None = None  # of these units; "" is the centre
    districts: frozenset[str] | None = None  # of orders in these 区县

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.units is None and self.districts is None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for a statement on `order_marks`."""
        found: list[ColumnElement[bool]] = []
        if self.units is not None:
            found.append(order_marks.c.unit.in_(sorted(self.units)))
        if self.districts is not None:
            found.append(order_marks.c.district.in_(sorted(self.districts)))
        return found


EVERYTHING = Scope()
Groups = dict[str, Tally]
_Line = tuple[str, int, int | None, int, int, int]
"""group, kind, score, void, count, milliseconds"""
_LINES = msgspec.msgpack.Decoder(list[_Line])


def _grouped_by(by: Grouping, dialect: str) -> ColumnElement[str]:
    """What rows are counted by: of categories the first level, the others' column."""
    column = key_column(by)
    if by is not Grouping.CATEGORY:
        return column
    if dialect == "postgresql":
        return func.split_part(column, "/", 1)
    end = func.instr(column, "/")
    return case((end > 0, func.substr(column, 1, end - 1)), else_=column)


def key_column(by: Grouping) -> ColumnElement[str]:
    """Return the column that tells rows apart."""
    column: ColumnElement[str] = order_marks.c[by.value]
    return column


class AssessmentLog:
    """Counts marks. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine, workdays: Callable[[], Workdays]) -> None:
        """`workdays` returns the working calendar in force."""
        self._engine = engine
        self._workdays = workdays
        self._calendar = ""
        self._packed: OrderedDict[tuple[int, Grouping], tuple[int, bytes]] = OrderedDict()
        self._merged: OrderedDict[tuple[int, int, Grouping], tuple[tuple[int, ...], Groups]] = OrderedDict()

    @property
    def zone(self) -> datetime.tzinfo:
        """Whose days are counted."""
        return self._workdays().zone

    async def tallies(self, days: Days, by: Grouping, *, now: float, scope: Scope = EVERYTHING) -> Groups:
        """Add up the marks of these days that are decided at `now`, by group."""
        over = day_of(now - SETTLE_S, self.zone)
        async with self._engine.connect() as connection:
            if scope.districts is not None or (scope.units is not None and by is not Grouping.UNIT):
                return await self._direct(connection, days, by, now, scope)
            closed = [day for day in days.each if day < over]
            found: Groups = {}
            if closed:
                _join(found, await self._closed(connection, closed, by, now))
            if days.last >= over:  # of days to come nothing is decided
                rest = Days(max(days.first, over), min(days.last, day_of(now, self.zone)))
                _join(found, await self._direct(connection, rest, by, now, EVERYTHING))
        if scope.units is None:
            return found
        return {unit: tally for unit, tally in found.items() if unit in scope.units}

    async def _direct(
        self, connection: AsyncConnection, days: Days, by: Grouping, now: float, scope: Scope
    ) -> Groups:
        found: Groups = {}
        for lines in (await self._counted(connection, days, by, now, scope)).values():
            _join(found, _groups(lines))
        return found

    async def _closed(
        self, connection: AsyncConnection, days: Sequence[int], by: Grouping, now: float
    ) -> Groups:
        if self._calendar != self._workdays().version:  # other hours are worked: nothing kept is right
            self._packed.clear()
            self._merged.clear()
            self._calendar = self._workdays().version
        rows = await connection.execute(
            select(assessment_days.c.day, assessment_days.c.version).where(
                assessment_days.c.day.between(days[0], days[-1])
            )
        )
        versions = {row.day: row.version for row in rows}
        stamp = tuple(versions.get(day, 0) for day in days)
        place = (days[0], days[-1], by)
        kept = self._merged.get(place)
        if kept is None or kept[0] != stamp:
            kept = (stamp, await self._joined(connection, days, stamp, by, now))
            self._merged[place] = kept
            while len(self._merged) > MERGED_MOST:
                self._merged.popitem(last=False)
        self._merged.move_to_end(place)
        return kept[1]

    async def _joined(
        self, connection: AsyncConnection, days: Sequence[int], stamp: Sequence[int], by: Grouping, now: float
    ) -> Groups:
        wanted = dict(zip(days, stamp, strict=True))
        missing = [
            day for day, version in wanted.items() if self._packed.get((day, by), (-1, b""))[0] != version
        ]
        for days_ in _stretches(missing):
            lines = await self._counted(connection, days_, by, now, EVERYTHING)
            for day in days_.each:
                packed = msgspec.msgpack.encode(lines.get(day, []))
                self._packed[day, by] = (wanted[day], packed)
        sums: dict[tuple[str, int, int | None, int], list[int]] = {}
        for day in days:
            for group, kind, score, void, count, ms in _LINES.decode(self._packed[day, by][1]):
                line = sums.setdefault((group, kind, score, void), [0, 0])
                line[0] += count
                line[1] += ms
            self._packed.move_to_end((day, by))
        found = _groups((*slot, count, ms) for slot, (count, ms) in sums.items())
        while len(self._packed) > PACKED_MOST:
            self._packed.popitem(last=False)
        return found

    async def _counted(
        self, connection: AsyncConnection, days: Days, by: Grouping, now: float, scope: Scope
    ) -> dict[int, list[_Line]]:
        """Count a stretch of days: day -> lines. Handling times are added up here, row by row."""
        if (
            connection.dialect.name == "postgresql"
        ):  # a month has half a million groups: not by way of the disk
            await connection.execute(text(f"SET LOCAL work_mem = '{GROUPING_MB}MB'"))
        marks, key = order_marks.c, _grouped_by(by, connection.dialect.name).label("grouped")
        which = [marks.day.between(days.first, days.last), marks.at <= now, *scope.conditions()]
        took = cast(func.round((marks.until - marks.since) * 1000), BigInteger)
        found: dict[tuple[int, str, int, int | None, int], list[int]] = {}
        rows = await connection.execute(
            select(
                marks.day, key, marks.kind, marks.score, marks.void, func.count(),
                func.sum(took).filter(marks.kind == Kind.OVERDUE.value),
            )
            .where(*which, marks.kind != Kind.HANDLED.value)
            .group_by(marks.day, text("grouped"), marks.kind, marks.score, marks.void)
        )  # fmt: skip
        for day, group, kind, score, void, count, ms in rows:
            slot = (day, str(group), _KIND_NO[kind], score, _VOID_NO[void])
            line = found.setdefault(slot, [0, 0])
            line[0] += count
            line[1] += int(ms or 0)
        await self._add_worked(connection, which, by, days, now, found)
        lines: dict[int, list[_Line]] = {}
        for (day, group, kind_no, score, void_no), (count, ms) in found.items():
            lines.setdefault(day, []).append((group, kind_no, score, void_no, count, ms))
        return lines

    async def _add_worked(
        self,
        connection: AsyncConnection,
        which: Sequence[ColumnElement[bool]],
        by: Grouping,
        days: Days,
        now: float,
        found: dict[tuple[int, str, int, int | None, int], list[int]],
    ) -> None:
        marks = order_marks.c
        begin = datetime.datetime(
            days.first // 10_000, days.first // 100 % 100, days.first % 100, tzinfo=self.zone
        ).timestamp()
        pace = WorkedTime(self._workdays(), begin - EARLIER_S, max(now, begin))
        handled = _KIND_NO[Kind.HANDLED.value]
        rows = await connection.stream(
            select(
                marks.day,
                _grouped_by(by, connection.dialect.name),
                marks.score,
                marks.void,
                marks.since,
                marks.until,
            )
            .where(*which, marks.kind == Kind.HANDLED.value)
            .execution_options(yield_per=ROWS)
        )
        async for part in rows.partitions():
            for day, group, score, void, since, until in part:
                slot = (day, str(group), handled, score, _VOID_NO[void])
                line = found.setdefault(slot, [0, 0])
                line[0] += 1
                line[1] += round(pace.seconds(since, until) * 1000.0)


def _groups(lines: Iterable[_Line]) -> Groups:
    found: Groups = {}
    for group, kind, score, void, count, ms in lines:
        found.setdefault(group, Tally()).add(Slot(_KINDS[kind], score, _VOIDS[void]), count, ms)
    return found


def _join(into: Groups, others: Mapping[str, Tally]) -> None:
    for group, tally in others.items():
        into.setdefault(group, Tally()).join(tally)


def _stretches(days: Sequence[int]) -> Sequence[Days]:
    """Days that follow one another are counted by one statement."""
    found: list[Days] = []
    for day in days:
        if found and Days(found[-1].last, day).each == [found[-1].last, day]:
            found[-1] = Days(found[-1].first, day)
        else:
            found.append(Days(day, day))
    return found
