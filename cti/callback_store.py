"""Call-backs in the database. The newest entry of each counts, in whatever order entries arrive."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.callbacks import OPEN, CallbackState
from cti.callback_records import (
    CallbackFilter,
    CallbackMove,
    CallbackPage,
    KeptCallback,
    kept_of,
    move_of,
    row_of,
)
from cti.entries import entries_of, newest_wins
from cti.messages import Entry, EntryKind
from cti.tables import callbacks

__all__ = ["CallbackStore", "put_callback"]

OPEN_MOST = 20_000
"""Open call-backs that one server takes over; a city that has more has none that it can keep."""
HISTORY_MOST = 500
OPEN_STATES = tuple(sorted(state.value for state in OPEN))


async def put_callback(connection: AsyncConnection, entry: Entry) -> None:
    """Store what a CALLBACK entry tells, unless a later one is there; part of the journal's transaction."""
    await connection.execute(newest_wins(connection.dialect.name, callbacks), [row_of(entry)])


class CallbackStore:
    """Reads call-backs. SQLAlchemy's errors pass through when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, callback_id: str) -> KeptCallback | None:
        """Return one call-back, None when there is none of this id."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(callbacks).where(callbacks.c.callback_id == callback_id))
            row = rows.mappings().first()
        return None if row is None else kept_of(row)

    async def open_ones(self) -> tuple[KeptCallback, ...]:
        """Return every open call-back of every server, longest waiting first."""
        query = select(callbacks).where(callbacks.c.state.in_(OPEN_STATES))
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(callbacks.c.since).limit(OPEN_MOST))
            return tuple(kept_of(row) for row in rows.mappings())

    async def list(self, which: CallbackFilter) -> CallbackPage:
        """Return one page: open ones first, by place; then the others, newest first.

        With `due_first`, those that may be tried by then are before those that have to wait.
        """
        query = _matching(which)
        is_open = callbacks.c.state.in_(OPEN_STATES)
        first = [] if which.due_first is None else [case((_due(which.due_first), 0), (is_open, 1), else_=2)]
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            rows = await connection.execute(
                query.order_by(
                    *first,
                    case((is_open, 0), else_=1),
                    case((is_open, callbacks.c.since), else_=-callbacks.c.last_at),
                    callbacks.c.callback_id,
                )
                .limit(which.size)
                .offset((which.page - 1) * which.size)
            )
            found = tuple(kept_of(row) for row in rows.mappings())
        return CallbackPage(total=total or 0, page=which.page, size=which.size, callbacks=found)

    async def waiting(self, now: float) -> int:
        """Return how many wait at `now`: those whose time has come, and those that no machine may dial."""
        due = _due(now) | (callbacks.c.state == CallbackState.BY_HAND.value)
        async with self._engine.connect() as connection:
            return await connection.scalar(select(func.count()).select_from(callbacks).where(due)) or 0

    async def history(self, callback_id: str) -> tuple[CallbackMove, ...]:
        """Return every move of a call-back, oldest first, at most 500; empty for an unknown one."""
        async with self._engine.connect() as connection:
            moves = await entries_of(connection, [callback_id], [EntryKind.CALLBACK], HISTORY_MOST)
        return tuple(map(move_of, moves))


def _due(now: float) -> ColumnElement[bool]:
    """Waiting, and it may be tried now."""
    return (callbacks.c.state == CallbackState.WAITING.value) & (
        func.coalesce(callbacks.c.not_before, 0.0) <= now
    )


def _matching(which: CallbackFilter) -> Select[Any]:
    query = select(callbacks)
    if which.numbers:
        query = query.where(callbacks.c.number.in_(which.numbers))
    if which.number_part:
        query = query.where(callbacks.c.number.contains(which.number_part, autoescape=True))
    if which.states:
        query = query.where(callbacks.c.state.in_([state.value for state in which.states]))
    if which.due_by is not None:
        query = query.where(_due(which.due_by))
    if which.origin is not None:
        query = query.where(callbacks.c.origin == which.origin.value)
    if which.queue:
        query = query.where(callbacks.c.queue == which.queue)
    if which.agent:
        query = query.where(callbacks.c.agent_id == which.agent)
    if which.since is not None:
        query = query.where(callbacks.c.last_at >= which.since)
    if which.until is not None:
        query = query.where(callbacks.c.last_at < which.until)
    return query
