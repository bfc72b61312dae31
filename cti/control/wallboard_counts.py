"""What the wall counts in the database beside calls: orders, call-backs, return visits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.callbacks import CallbackState
from cti.messages_board import TopicView
from cti.tables import callbacks, visits
from orders.course_table import ENDED
from orders.messages import OrderState
from orders.tables import orders
from orders.visits import VisitState

__all__ = ["WEEKS", "Counts", "read_counts", "read_usual"]

WEEKS = 4
"""Same weekdays of before that “usual” is the mean of."""
TOPICS = 10
URGENT = ("紧急", "特急")
NOT_ORDERS = (OrderState.DRAFT.value, OrderState.DISCARDED.value)
"""States that are no (longer a) work order."""
CLOSED = tuple(state.value for state in ENDED)
"""States of an accepted order's course in which nothing is to be done any more."""
WAITING = (VisitState.PLANNED.value, VisitState.DUE.value)
OVER = (CallbackState.DONE.value, CallbackState.GIVEN_UP.value, CallbackState.WITHDRAWN.value)
OPEN = tuple(state.value for state in CallbackState if state.value not in OVER)

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """One look."""

    topics: tuple[TopicView, ...] = ()  # most first
    districts: tuple[TopicView, ...] = ()  # most first
    urgent_open: int = 0
    urgent_districts: Mapping[str, int] = field(default_factory=dict)  # 区县 -> the same, "" unknown
    visits_waiting: int = 0  # robot visits whose time has come
    callbacks: Mapping[str, int] = field(default_factory=dict)  # state -> call-backs, open ones of any day
    callbacks_open: int = 0
    visits: Mapping[str, int] = field(default_factory=dict)  # state -> visits planned today


Usual = Mapping[tuple[str, str], float]
"""("topic" or "district", key) -> orders by this time of the day, mean of the same weekdays of before."""


async def read_counts(engine: AsyncEngine, *, midnight: float, usual: Usual, now: float) -> Counts:
    """Count what there is since midnight, and what is open. SQLAlchemy's errors pass through."""
    async with engine.connect() as connection:
        topics = await _by(connection, "category", midnight)
        districts = await _by(connection, "district", midnight)
        rows = await connection.execute(
            select(orders.c.district, func.count())
            .where(
                orders.c.urgency.in_(URGENT),
                orders.c.state == OrderState.ACCEPTED.value,
                orders.c.course_state.not_in(CLOSED),
            )
            .group_by(orders.c.district)
        )
        urgent = {str(district): int(count) for district, count in rows}
        waiting = await connection.scalar(
            select(func.count()).where(visits.c.state.in_(WAITING), visits.c.due_at <= now)
        )
        rows = await connection.execute(
            select(callbacks.c.state, func.count())
            .where(
                callbacks.c.state.in_(OPEN)  # two short ways into an index, instead of all there ever were
                | (callbacks.c.state.in_(OVER) & (callbacks.c.state_since >= midnight))
            )
            .group_by(callbacks.c.state)
        )
        states = {str(state): int(count) for state, count in rows}
        rows = await connection.execute(
            select(visits.c.state, func.count())
            .where(visits.c.state_since >= midnight)
            .group_by(visits.c.state)
        )
        visited = {str(state): int(count) for state, count in rows}
    known = bool(usual)
    return Counts(
        topics=_views("topic", topics, usual, known=known)[:TOPICS],
        districts=_views("district", districts, usual, known=known),
        urgent_open=sum(urgent.values()),
        urgent_districts=urgent,
        visits_waiting=int(waiting or 0),
        callbacks=states,
        callbacks_open=sum(count for state, count in states.items() if state not in OVER),
        visits=visited,
    )


async def read_usual(engine: AsyncEngine, *, midnight: float, now: float) -> Usual:
    """Orders by topic and district that the same weekdays of before had at this time; {} without history."""
    found: dict[tuple[str, str], float] = {}
    days = 0
    async with engine.connect() as connection:
        for week in range(1, WEEKS + 1):
            since, until = midnight - 7 * week * _DAY_S, now - 7 * week * _DAY_S
            day = {
                (kind, key): count
                for kind, column in (("topic", "category"), ("district", "district"))
                for key, count in (await _by(connection, column, since, until)).items()
            }
            days += bool(day)
            for name, count in day.items():
                found[name] = found.get(name, 0.0) + count
    return {name: count / days for name, count in found.items()} if days else {}


async def _by(
    connection: AsyncConnection, column: str, since: float, until: float | None = None
) -> dict[str, int]:
    of = orders.c[column]
    query = select(of, func.count()).where(
        orders.c.created_at >= since, of != "", orders.c.state.not_in(NOT_ORDERS)
    )
    if until is not None:
        query = query.where(orders.c.created_at < until)
    rows = await connection.execute(query.group_by(of).order_by(func.count().desc(), of).limit(200))
    return {str(key): int(count) for key, count in rows}


def _views(kind: str, found: Mapping[str, int], usual: Usual, *, known: bool) -> tuple[TopicView, ...]:
    return tuple(
        TopicView(
            key=key,
            title=key.rpartition("/")[2],
            count=count,
            usual=round(usual.get((kind, key), 0.0), 1) if known else None,
        )
        for key, count in found.items()
    )
