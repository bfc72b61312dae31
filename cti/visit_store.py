"""Return visits in the database. The newest entry of each counts, in whatever order entries arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, case, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.database import upsert, writing
from cti.entries import entries_of, newest_wins
from cti.messages import Entry, EntryKind
from cti.tables import visit_switch, visits
from cti.visit_records import (
    KeptVisit,
    VisitFilter,
    VisitMove,
    VisitPage,
    VisitSwitch,
    kept_of,
    move_of,
    row_of,
)
from orders.open_rows import of_open
from orders.records import Sight
from orders.visits import OPEN, VisitState

__all__ = ["VisitStore", "put_visit"]

ACTIVE_MOST = 2000
HISTORY_MOST = 500
OPEN_STATES = tuple(sorted(state.value for state in OPEN))
WAITING_STATES = (VisitState.PLANNED.value, VisitState.DUE.value)
ACTIVE_STATES = (VisitState.DIALLING.value, VisitState.TALKING.value)


async def put_visit(connection: AsyncConnection, entry: Entry) -> None:
    """Store what a VISIT entry tells, unless a later one is there; part of the journal's transaction."""
    await connection.execute(newest_wins(connection.dialect.name, visits), [row_of(entry)])


class VisitStore:
    """Reads visits, and the switch. SQLAlchemy's errors pass through when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, visit_id: str) -> KeptVisit | None:
        """Return one visit, None when there is none of this id."""
        found = await self._read(select(visits).where(visits.c.visit_id == visit_id))
        return found[0] if found else None

    async def due(self, now: float, most: int) -> tuple[KeptVisit, ...]:
        """Return visits whose time has come, longest due first."""
        query = select(visits).where(visits.c.state.in_(WAITING_STATES), visits.c.due_at <= now)
        return await self._read(query.order_by(visits.c.due_at, visits.c.visit_id).limit(most))

    async def active(self) -> tuple[KeptVisit, ...]:
        """Return visits that are dialled or talk now, on whichever server."""
        query = select(visits).where(visits.c.state.in_(ACTIVE_STATES))
        return await self._read(query.order_by(visits.c.state_since).limit(ACTIVE_MOST))

    async def of_orders(self, order_ids: Sequence[str]) -> Mapping[str, tuple[KeptVisit, ...]]:
        """Return the visits of these orders, oldest first."""
        query = select(visits).where(visits.c.order_id.in_(list(order_ids)))
        found: dict[str, tuple[KeptVisit, ...]] = {}
        for kept in await self._read(query.order_by(visits.c.planned_at, visits.c.visit_id)):
            found[kept.visit.order_id] = (*found.get(kept.visit.order_id, ()), kept)
        return found

    async def counts(self, now: float, *, sight: Sight | None = None) -> Mapping[str, int]:
        """Return how many visits are in each state, and `waiting`: those whose time has come."""
        is_open = of_open(sight, visits.c.order_id)
        is_open = true() if is_open is None else is_open
        waiting = visits.c.state.in_(WAITING_STATES) & (visits.c.due_at <= now) & is_open
        async with self._engine.connect() as connection:
            states = select(visits.c.state, func.count()).where(is_open).group_by(visits.c.state)
            found = {row[0]: int(row[1]) for row in await connection.execute(states)}
            due = await connection.scalar(select(func.count()).select_from(visits).where(waiting))
        return {**{state.value: found.get(state.value, 0) for state in VisitState}, "waiting": due or 0}

    async def list(self, which: VisitFilter) -> VisitPage:
        """Return one page: open ones first, by the time of the next try; then the others, newest first."""
        query = _matching(which)
        is_open = visits.c.state.in_(OPEN_STATES)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            rows = await connection.execute(
                query.order_by(
                    case((is_open, 0), else_=1),
                    case((is_open, visits.c.due_at), else_=-visits.c.state_since),
                    visits.c.visit_id,
                )
                .limit(which.size)
                .offset((which.page - 1) * which.size)
            )
            found = tuple(kept_of(row) for row in rows.mappings())
        return VisitPage(total=total or 0, page=which.page, size=which.size, visits=found)

    async def history(self, visit_id: str) -> tuple[VisitMove, ...]:
        """Return every move of a visit, oldest first, at most 500; empty for an unknown one."""
        async with self._engine.connect() as connection:
            moves = await entries_of(connection, [visit_id], [EntryKind.VISIT], HISTORY_MOST)
        return tuple(map(move_of, moves))

    # ------------------------------------------------------------ the switch

    async def switch(self) -> VisitSwitch:
        """Return whether the campaign goes on; it does until somebody pauses it."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(visit_switch))).mappings().first()
        if row is None:
            return VisitSwitch()
        return VisitSwitch(paused=row["paused"], who=row["who"], changed_at=row["changed_at"])

    async def set_switch(self, *, paused: bool, who: str, now: float) -> VisitSwitch:
        """Pause or resume the campaign, with a line in the trail."""
        values = {"paused": paused, "who": who, "changed_at": now}
        async with writing(self._engine) as connection:
            statement = upsert(connection, visit_switch).values(id=1, **values)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=[visit_switch.c.id], set_=values)
            )
            what = "visits_paused" if paused else "visits_resumed"
            await audit.note(connection, at=now, who=who, what=what, target="visits")
        return VisitSwitch(paused=paused, who=who, changed_at=now)

    async def _read(self, query: Select[Any]) -> tuple[KeptVisit, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return tuple(kept_of(row) for row in rows.mappings())


def _matching(which: VisitFilter) -> Select[Any]:
    query = select(visits)
    answers = visits.c.answers
    if which.states:
        query = query.where(visits.c.state.in_([state.value for state in which.states]))
    if which.result is not None:
        query = query.where(visits.c.last_result == which.result.value)
    if which.solved:
        query = query.where(answers["solved"].as_string() == which.solved)
    if which.satisfaction_most is not None:
        query = query.where(answers["satisfaction"].as_integer() <= which.satisfaction_most)
    if which.wants_person is not None:
        query = query.where(answers["wants_person"].as_boolean() == which.wants_person)
    for column, value in (
        (visits.c.order_id, which.order_id),
        (visits.c.order_number, which.order_number),
    ):
        if value:
            query = query.where(column == value)
    is_open = of_open(which.sight, visits.c.order_id)
    if is_open is not None:
        query = query.where(is_open)
    if which.since is not None:
        query = query.where(visits.c.planned_at >= which.since)
    if which.until is not None:
        query = query.where(visits.c.planned_at < which.until)
    return query
