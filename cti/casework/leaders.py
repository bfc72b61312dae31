"""What a leader sees first (领导驾驶舱): intake, near and late, the three rates, orders under supervision."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.assessments import AssessmentDesk
from cti.ports import Person
from orders.assessment_load import Days, Grouping, Scope
from orders.assessment_sheet import Row, row
from orders.assessment_store import day_of
from orders.course_answer import LEVELS
from orders.course_messages import Supervision
from orders.course_table import ENDED
from orders.course_tables import order_units
from orders.tables import orders

__all__ = ["Intake", "LeaderDesk", "LeaderView", "Matter", "Watched"]

WATCHED_MOST = 50
WORST_MOST = 8
MATTERS_MOST = 10
_OPEN = [state.value for state in ENDED]


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """How much came, and how much was closed."""

    accepted: int  # 受理
    finished: int  # 办结


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """An order under supervision (督办); its title `cti.web.covered` tells."""

    order_id: str
    number: str
    unit: str  # that has it
    state: str  # orders.course_messages.CourseState
    level: str  # orders.course_messages.Supervision
    district: str
    accepted_at: float
    due_at: float | None  # when its next limit is over


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """A category of this month."""

    category: str  # the whole path
    count: int  # orders accepted this month
    before: int  # in as much of last month


class LeaderView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the page, at one moment."""

    at: float  # epoch seconds
    today: Intake
    yesterday: Intake
    month: Intake
    open: int  # not ended
    near: int  # whose next limit is nearly over
    late: int  # whose next limit is over
    levels: dict[str, int]  # Supervision -> orders under it that are not ended
    total: Row  # this month's figures of everything that is open to the person
    units: tuple[Row, ...]  # ranked, the worst first; each without those below it
    watched: tuple[Watched, ...]  # under supervision: the highest level first
    matters: tuple[Matter, ...]  # the most of this month first
    days: dict[str, Intake]  # YYYYMMDD -> of each day of this month


class LeaderDesk:
    """Reads it. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine, desk: AssessmentDesk, *, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._desk = desk
        self._clock = clock

    async def view(self, person: Person) -> LeaderView:
        """Return what is open to a person, now."""
        now, zone, policy = self._clock(), self._desk.log.zone, self._desk.policy
        scope = await self._desk.scope_of(person)
        today = day_of(now, zone)
        before = day_of(now - 86_400.0, zone)
        month = Days.of_month(today // 100)
        days = await self._desk.log.tallies(month, Grouping.DAY, now=now, scope=scope)
        each = {key: _intake(row(key, key, tally, policy)) for key, tally in days.items()}
        if before // 100 != today // 100:
            earlier = await self._desk.log.tallies(Days(before, before), Grouping.DAY, now=now, scope=scope)
            each.update({key: _intake(row(key, key, tally, policy)) for key, tally in earlier.items()})
        units, total = await self._desk.rows_of(
            month, Grouping.UNIT, scope, policy, with_below=False, now=now
        )
        ranked = [one for one in units if one.place is not None and one.score is not None]
        worst = sorted(ranked, key=lambda one: (one.score or 0.0, one.key))[:WORST_MOST]
        which = _seen(scope)
        async with self._engine.connect() as connection:
            levels = await self._levels(connection, which)
            watched = await self._watched(connection, which)
            counts = await self._counts(connection, which, now)
            matters = await self._matters(connection, which, now, zone)
        none = Intake(accepted=0, finished=0)
        return LeaderView(
            at=now,
            today=each.get(str(today), none),
            yesterday=each.get(str(before), none),
            month=_intake(total),
            open=counts[0],
            near=counts[1],
            late=counts[2],
            levels=dict(levels),
            total=total,
            units=tuple(worst),
            watched=watched,
            matters=matters,
            days={str(day): each.get(str(day), none) for day in month.each if day <= today},
        )

    async def _counts(
        self, connection: AsyncConnection, which: Sequence[ColumnElement[bool]], now: float
    ) -> tuple[int, int, int]:
        """Orders that are not ended: all, near (not late yet), late."""
        columns = (
            func.count(),
            func.count().filter((orders.c.near_at <= now) & (orders.c.due_at >= now)),
            func.count().filter(orders.c.due_at < now),
        )
        row_ = (await connection.execute(select(*columns).where(_under_way(), *which))).one()
        return int(row_[0]), int(row_[1]), int(row_[2])

    async def _levels(
        self, connection: AsyncConnection, which: Sequence[ColumnElement[bool]]
    ) -> Mapping[str, int]:
        rows = await connection.execute(
            select(orders.c.supervision, func.count())
            .where(orders.c.supervision > 0, _under_way(), *which)
            .group_by(orders.c.supervision)
        )
        counted = {LEVELS[level].value: count for level, count in rows}
        return {level.value: counted.get(level.value, 0) for level in LEVELS if level is not Supervision.NONE}

    async def _watched(
        self, connection: AsyncConnection, which: Sequence[ColumnElement[bool]]
    ) -> tuple[Watched, ...]:
        rows = await connection.execute(
            select(
                orders.c.id, orders.c.number, orders.c.lead_unit, orders.c.course_state,
                orders.c.supervision, orders.c.district, orders.c.created_at, orders.c.due_at,
            )
            .where(orders.c.supervision > 0, _under_way(), *which)
            .order_by(orders.c.supervision.desc(), orders.c.created_at)
            .limit(WATCHED_MOST)
        )  # fmt: skip
        return tuple(
            Watched(
                order_id=one.id,
                number=one.number or "",
                unit=one.lead_unit,
                state=one.course_state,
                level=LEVELS[one.supervision].value,
                district=one.district,
                accepted_at=one.created_at,
                due_at=one.due_at,
            )
            for one in rows
        )

    async def _matters(
        self,
        connection: AsyncConnection,
        which: Sequence[ColumnElement[bool]],
        now: float,
        zone: datetime.tzinfo,
    ) -> tuple[Matter, ...]:
        begin = datetime.datetime.fromtimestamp(now, zone).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        earlier = (begin - datetime.timedelta(days=1)).replace(day=1)
        since, last = begin.timestamp(), earlier.timestamp()
        columns = (
            func.count().filter(orders.c.created_at >= since),
            func.count().filter(orders.c.created_at < last + (now - since)),
        )
        rows = await connection.execute(
            select(orders.c.category, *columns)
            .where(
                orders.c.created_at >= last, orders.c.created_at <= now, orders.c.course_state != "",
                orders.c.category != "", *which,
            )
            .group_by(orders.c.category)
            .order_by(columns[0].desc(), orders.c.category)
            .limit(MATTERS_MOST)
        )  # fmt: skip
        return tuple(
            Matter(category=category, count=count, before=before) for category, count, before in rows if count
        )


def _under_way() -> ColumnElement[bool]:
    return (orders.c.course_state != "") & orders.c.course_state.not_in(_OPEN)


def _seen(scope: Scope) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if scope.units is not None:
        mine = sorted(scope.units)
        part = select(order_units.c.order_id).where(order_units.c.unit.in_(mine))
        found.append(or_(orders.c.lead_unit.in_(mine), orders.c.id.in_(part)))
    if scope.districts is not None:
        found.append(orders.c.district.in_(sorted(scope.districts)))
    return found


def _intake(one: Row) -> Intake:
    return Intake(accepted=int(one.figures["accepted"][0]), finished=int(one.figures["finished"][0]))
