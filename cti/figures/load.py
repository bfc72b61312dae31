"""Facts out of the database's tables. `cti.figures.replay` reads the same from the journal alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.figures.assemble import COLUMNS, Matter, agent_facts, call_fact, first_matters, written_up
from cti.figures.facts import CallKind, Facts, Rules, Span
from cti.figures.fold import AgentNoted, agent_of_row
from cti.figures.source import BEFORE_S, FactSource, Rows, within
from cti.figures.tables import agent_states
from cti.tables import callbacks, calls
from orders.messages import OrderState
from orders.tables import orders

__all__ = ["CALL_COLUMNS", "NOTED_COLUMNS", "SUBMITTED", "FactLog", "matters_of", "matters_of_calls"]

SUBMITTED = (OrderState.ACCEPTED, OrderState.MERGED)
"""States of orders that count: an agent has submitted them."""
CALL_COLUMNS = tuple(calls.c[name] for name in COLUMNS)
"""What a fact is made of."""
NOTED_COLUMNS = (
    agent_states.c.entry_id,
    agent_states.c.agent_id,
    agent_states.c.at,
    agent_states.c.state,
    agent_states.c.reason,
    agent_states.c.call_id,
)


class FactLog(FactSource):
    """Facts from the tables."""

    def __init__(
        self, engine: AsyncEngine, *, rules: Rules | None = None, lag_s: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`lag_s`: how many seconds this server's journal is ahead of the database (`cti.journal`)."""
        super().__init__(engine, rules=rules)
        self._lag_s = lag_s

    @property
    def engine(self) -> AsyncEngine:
        """The database."""
        return self._engine

    @property
    def behind_s(self) -> float:
        """How far what the tables say is behind what this server knows."""
        return self._lag_s()

    async def of_agent(self, login: str, span: Span) -> Facts:
        """Read the calls of a span that one agent had a part in, and that agent's time."""
        around = Span(since=span.since - BEFORE_S, until=span.until)
        async with self._engine.connect() as connection:
            noted = await connection.execute(
                select(*NOTED_COLUMNS).where(
                    agent_states.c.agent_id == login,
                    agent_states.c.at >= around.since,
                    agent_states.c.at < around.until,
                )
            )
            stretches = agent_facts([agent_of_row(row) for row in noted])
            wraps = written_up(stretches)
            ids = sorted({one.call_id for one in stretches if one.call_id})
            mine = and_(calls.c.agent_id == login, _began(span)) | and_(
                calls.c.call_id.in_(ids), _began(span)
            )
            which = select(calls.c.call_id).where(mine)
            matters = await matters_of(connection, calls.c.call_id.in_(which))
            rows = await connection.execute(select(*CALL_COLUMNS).where(mine))
            found = [call_fact(row, matters.get(row[0], Matter()), wraps.get(row[0])) for row in rows]
        return Facts(calls=found, agents=within(stretches, span))

    # ------------------------------------------------------------ reading

    async def _calls(self, connection: AsyncConnection, piece: Span) -> Rows:
        rows = await connection.execute(
            select(*CALL_COLUMNS).where(_began(piece)).order_by(calls.c.started, calls.c.call_id)
        )
        return Rows(calls=rows.all(), matters=await matters_of(connection, _began(piece)))

    async def _talks(self, connection: AsyncConnection, piece: Span) -> Iterable[tuple[str, str, float]]:
        matters = await matters_of(connection, _began(piece))
        rows = await connection.execute(
            select(calls.c.call_id, calls.c.caller, calls.c.started)
            .where(_began(piece), calls.c.answered.is_not(None), calls.c.kind == CallKind.INBOUND.value)
            .order_by(calls.c.started, calls.c.call_id)
        )
        return [(row[1], matters[row[0]].category, row[2]) for row in rows if row[0] in matters]

    async def _noted(self, connection: AsyncConnection, around: Span) -> Sequence[AgentNoted]:
        rows = await connection.execute(
            select(*NOTED_COLUMNS).where(agent_states.c.at >= around.since, agent_states.c.at < around.until)
        )
        return [agent_of_row(row) for row in rows]

    async def _callbacks(self, connection: AsyncConnection, piece: Span) -> Sequence[Mapping[Any, Any]]:
        rows = await connection.execute(
            select(callbacks)
            .where(
                callbacks.c.last_at >= piece.since,  # never before first_at, and there is an index
                callbacks.c.first_at >= piece.since,
                callbacks.c.first_at < piece.until,
            )
            .order_by(callbacks.c.first_at, callbacks.c.callback_id)
        )
        return rows.mappings().all()


async def matters_of(connection: AsyncConnection, which: ColumnElement[bool]) -> dict[str, Matter]:
    """Return what the submitted orders of some calls say; `which` is a condition on `calls`."""
    rows = await connection.execute(
        select(orders.c.call_id, orders.c.created_at, orders.c.id, orders.c.category, orders.c.district)
        .join(calls, calls.c.call_id == orders.c.call_id)
        .where(which, orders.c.state.in_([state.value for state in SUBMITTED]))
    )
    return first_matters((row[0], row[1], row[2], row[3], row[4]) for row in rows)


async def matters_of_calls(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, Matter]:
    """The same for some hundred calls by id. States are looked at here: SQLite would go by their index."""
    rows = await connection.execute(
        select(
            orders.c.call_id, orders.c.created_at, orders.c.id, orders.c.category, orders.c.district,
            orders.c.state,
        ).where(orders.c.call_id.in_(call_ids))
    )  # fmt: skip
    return first_matters((row[0], row[1], row[2], row[3], row[4]) for row in rows if row[5] in SUBMITTED)


def _began(span: Span) -> ColumnElement[bool]:
    return and_(calls.c.started >= span.since, calls.c.started < span.until)
