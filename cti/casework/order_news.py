"""Reads what has become of orders that changed, and how many are to be done (`cti.casework.order_feed`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, CursorResult, Row, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.clock_tables import clock_crossings
from cti.messages_cases import ClockCrossed, MoveView, OrderMoved
from orders import chain
from orders.clock_watch import Level
from orders.course_answer import LEVELS
from orders.course_messages import ClockKind
from orders.course_table import UNDER_WAY
from orders.course_tables import order_units
from orders.course_titles import CLOCKS, event_title
from orders.course_units import UnitRole
from orders.messages import OrderField
from orders.records import Sight
from orders.tables import order_events, orders
from orders.unit_inbox import UnitInbox

__all__ = ["MOVES_MOST", "Counts", "CrossedClock", "MovedOrder", "NewsReader"]

MOVES_MOST = 12
"""Events of one order that are told at once; of more, the newest."""
_SENDING = ("order_dispatched", "dispute_ruled", "joint_set")
"""Events that say which units have an order from then on."""
_TAKING = frozenset({*_SENDING, "return_ruled", "order_withdrawn", "course_merged"})
"""Events after which a unit may have it no more."""
_SHOWN = (
    orders.c.id, orders.c.number, orders.c.version, orders.c.course_state, orders.c.course_round,
    orders.c.lead_unit, orders.c.due_at, orders.c.near_at, orders.c.due_kind, orders.c.supervision,
    orders.c.updated_at, orders.c[OrderField.DISTRICT.value].label("district"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedOrder:
    """An order that went on, and whom that concerns."""

    view: OrderMoved  # what pages are told
    district: str  # 区县 of its matter
    had: frozenset[str] = frozenset()  # units that had it before, when that may have changed


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedClock:
    """A time limit that was crossed, and whom that concerns."""

    id: int  # in the order in which they were found
    view: ClockCrossed  # what pages are told
    district: str  # 区县 of its matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Orders that somebody has to do something about."""

    open: int  # all
    near: int  # nearly over, or over
    late: int  # over


class _Sent(msgspec.Struct):
    lead: str = ""
    joint: tuple[str, ...] = ()


class NewsReader:
    """Asks the database. SQLAlchemy's errors pass through when it is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._inbox = UnitInbox(engine)

    async def moved(self, order_ids: Sequence[str], known: Mapping[str, int]) -> tuple[MovedOrder, ...]:
        """Return what became of those of the orders that are accepted and have gone on.

        `known` are versions that were told; of an order that is not among them, the newest move is told with
        all that followed from it.
        """
        query = select(*_SHOWN).where(orders.c.id.in_(order_ids), orders.c.course_state != "")
        async with self._engine.connect() as connection:
            found: CursorResult[Any] = await connection.execute(query)
            rows = {row.id: row for row in found}
            gone_on = {one: row for one, row in rows.items() if row.version > known.get(one, 0)}
            if not gone_on:
                return ()
            joint = await _joint(connection, gone_on)
            events = await _newest(connection, gone_on, known)
            taken = [one for one in gone_on if any(kind in _TAKING for kind, _ in events.get(one, ()))]
            had = await _had(connection, taken)
        ordered = (gone_on[one] for one in dict.fromkeys(order_ids) if one in gone_on)
        return tuple(
            MovedOrder(
                view=_view(row, joint.get(row.id, ()), events.get(row.id, ())),
                district=row.district,
                had=had.get(row.id, frozenset()),
            )
            for row in ordered
        )

    async def newest_crossing(self) -> int:
        """Return the number of the newest crossing, 0 for none."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select(func.max(clock_crossings.c.id))) or 0

    async def crossed(self, order_ids: Sequence[str], after: int) -> tuple[CrossedClock, ...]:
        """Return what was crossed of these orders' time limits after crossing number `after`."""
        columns = (orders.c.number, orders.c.lead_unit, orders.c[OrderField.DISTRICT.value].label("district"))
        query = (
            select(clock_crossings, *columns)
            .join(orders, orders.c.id == clock_crossings.c.order_id)
            .where(
                clock_crossings.c.order_id.in_(order_ids),
                clock_crossings.c.id > after,
                ~clock_crossings.c.overtaken,
            )
            .order_by(clock_crossings.c.id)
        )
        async with self._engine.connect() as connection:
            return tuple(_crossed(row) for row in await connection.execute(query))

    async def counts(self, unit: str, now: float, *, districts: frozenset[str] = frozenset()) -> Counts:
        """Return what a unit has to do, or with "" everybody together; `districts`: only of these 区县."""
        if unit:
            sight = Sight(districts=districts) if districts else None
            total, near, late = await self._inbox.counts(unit, now, sight=sight)
            return Counts(open=total, near=near, late=late)
        under_way = orders.c.course_state.in_([state.value for state in UNDER_WAY])
        theirs: ColumnElement[bool] = true()
        if districts:
            theirs = orders.c[OrderField.DISTRICT.value].in_(sorted(districts))
        async with self._engine.connect() as connection:
            everything = await connection.scalar(select(func.count()).where(under_way, theirs))
            row = (
                await connection.execute(
                    select(
                        func.count().filter(orders.c.near_at <= now),
                        func.count().filter(orders.c.due_at < now),
                    ).where(orders.c.due_at.is_not(None), theirs)
                )
            ).one()
        return Counts(open=everything or 0, near=row[0], late=row[1])


async def _joint(connection: AsyncConnection, gone_on: Mapping[str, Row[Any]]) -> dict[str, tuple[str, ...]]:
    query = (
        select(order_units.c.order_id, order_units.c.unit)
        .where(order_units.c.order_id.in_(list(gone_on)), order_units.c.role == UnitRole.JOINT.value)
        .order_by(order_units.c.order_id, order_units.c.unit)
    )
    found: dict[str, tuple[str, ...]] = {}
    for order_id, unit in await connection.execute(query):
        found[order_id] = (*found.get(order_id, ()), unit)
    return found


async def _newest(
    connection: AsyncConnection, gone_on: Mapping[str, Row[Any]], known: Mapping[str, int]
) -> dict[str, tuple[tuple[str, float], ...]]:
    """Kind and time of what is new, oldest first."""
    query = (
        select(order_events.c.order_id, order_events.c.seq, order_events.c.kind, order_events.c.at)
        .join(orders, orders.c.id == order_events.c.order_id)
        .where(
            order_events.c.order_id.in_(list(gone_on)),
            order_events.c.seq > orders.c.version - MOVES_MOST,
        )
        .order_by(order_events.c.order_id, order_events.c.seq.desc())
    )
    found: dict[str, list[tuple[str, float]]] = {}
    last: dict[str, float] = {}
    for order_id, seq, kind, at in await connection.execute(query):
        moment = last.setdefault(order_id, at)
        if seq <= known[order_id] if order_id in known else at != moment:
            continue
        found.setdefault(order_id, []).append((kind, at))
    return {order_id: tuple(reversed(events)) for order_id, events in found.items()}


async def _had(connection: AsyncConnection, order_ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """All units to which these orders were ever sent."""
    if not order_ids:
        return {}
    query = select(order_events.c.order_id, order_events.c.data).where(
        order_events.c.order_id.in_(order_ids), order_events.c.kind.in_(_SENDING)
    )
    found: dict[str, frozenset[str]] = {}
    for order_id, data in await connection.execute(query):
        sent = msgspec.json.decode(data, type=_Sent)
        units = {sent.lead, *sent.joint} - {""}
        found[order_id] = found.get(order_id, frozenset()) | units
    return found


def _crossed(row: Row[Any]) -> CrossedClock:
    view = ClockCrossed(
        order_id=row.order_id,
        number=row.number or "",
        lead=row.lead_unit,
        unit=row.unit,
        kind=row.kind,
        title=CLOCKS[ClockKind(row.kind)],
        level=Level(row.level).name.lower(),
        due_at=row.due,
        at=row.at,
    )
    return CrossedClock(id=row.id, view=view, district=row.district)


def _view(row: Row[Any], joint: tuple[str, ...], events: Sequence[tuple[str, float]]) -> OrderMoved:
    return OrderMoved(
        order_id=row.id,
        number=row.number or "",
        version=row.version,
        state=row.course_state,
        round=row.course_round,
        lead=row.lead_unit,
        joint=joint,
        due_at=row.due_at,
        near_at=row.near_at,
        due_kind=row.due_kind,
        supervision=LEVELS[row.supervision].value,
        moves=tuple(
            MoveView(kind=kind, title=event_title(chain.KINDS[kind].__name__), at=at) for kind, at in events
        ),
        at=events[-1][1] if events else row.updated_at,
    )
