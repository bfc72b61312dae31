"""A day's calls and agents' states, read from the database for `hotline replay`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.messages import AgentState
from acd.sim_past import AgentNote, PastCall, PastDay
from cti.messages import EntryKind, Outcome
from cti.planning_days import midnight
from cti.tables import accounts, call_events, calls

__all__ = ["read_day"]

IN_FLOW_S = 3600.0
"""A call may have reached us so long before it began to wait."""
BEFORE_S = 86400.0
"""States of agents are looked for so long before the day."""
AFTER_S = 2 * 3600.0
"""Calls of the day may take so long beyond its end."""

_STATES = {state.value: state for state in AgentState}


async def read_day(engine: AsyncEngine, day: date) -> tuple[PastDay, Mapping[str, int]]:
    """Read what is known of a day, from midnight to midnight in China.

    Returns:
        The day, and what its records leave out -> how often.
    """
    start, end = midnight(day), midnight(day + timedelta(days=1))
    missing: dict[str, int] = {}
    async with engine.connect() as connection:
        found = await _calls(connection, start, end, missing)
        notes = await _notes(connection, start - BEFORE_S, end + AFTER_S, missing)
        rows = await connection.execute(select(accounts.c.login, accounts.c.skills))
        skills = {row.login: dict(row.skills) for row in rows}
    return PastDay(start=start, end=end, calls=found, notes=notes, skills=skills), missing


async def _calls(
    connection: AsyncConnection, start: float, end: float, missing: dict[str, int]
) -> list[PastCall]:
    columns = (calls.c.call_id, calls.c.queue, calls.c.queued, calls.c.answered, calls.c.ended, calls.c.rings)
    rows = await connection.execute(
        select(*columns, calls.c.outcome, calls.c.started)
        .where(and_(calls.c.started >= start - IN_FLOW_S, calls.c.started < end))
        .order_by(calls.c.queued, calls.c.call_id)
    )
    found = []
    for row in rows:
        if row.queued is None:
            if row.started >= start and row.outcome != Outcome.ABANDONED_IN_FLOW.value:
                _count(missing, "没有排队时间的来电（未参加重放）")
            continue
        if not start <= row.queued < end:
            continue
        if row.outcome == Outcome.FAILED.value:
            _count(missing, "因系统故障结束的来电（按放弃处理）")
        found.append(
            PastCall(
                call_id=row.call_id,
                queue=row.queue,
                queued=row.queued,
                answered=row.answered,
                ended=row.ended,
                rings=row.rings,
            )
        )
    return found


async def _notes(
    connection: AsyncConnection, since: float, until: float, missing: dict[str, int]
) -> list[AgentNote]:
    rows = await connection.execute(
        select(call_events.c.at, call_events.c.call_id, call_events.c.data)
        .where(
            and_(
                call_events.c.at >= since,
                call_events.c.at < until,
                call_events.c.kind == EntryKind.AGENT_STATE.value,
            )
        )
        .order_by(call_events.c.at, call_events.c.entry_id)
    )
    notes = []
    for row in rows:
        data: Mapping[str, Any] = row.data
        agent_id, state = data.get("agent_id"), _STATES.get(str(data.get("state")))
        if not isinstance(agent_id, str) or state is None:
            _count(missing, "读不懂的坐席状态记录（略过）")
            continue
        notes.append(AgentNote(at=row.at, agent_id=agent_id, state=state, call_id=row.call_id))
    return notes


def _count(missing: dict[str, int], what: str) -> None:
    missing[what] = missing.get(what, 0) + 1
