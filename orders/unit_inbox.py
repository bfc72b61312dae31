"""A unit's inbox (收件箱): what it has to do, first what is over first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.course_messages import CourseState
from orders.course_rules import MAX_UNIT
from orders.course_tables import order_units
from orders.course_units import UnitRole
from orders.errors import ValueRefused
from orders.fields import check_text
from orders.link_tables import with_links
from orders.open_rows import of_open
from orders.records import Order, Sight
from orders.rows import MAX_PAGE, MAX_SIZE
from orders.tables import orders
from orders.unreadable import Unreadable

__all__ = [
    "APPEALED",
    "TO_SIGN",
    "WORKING",
    "InboxEntry",
    "InboxFigures",
    "InboxFilter",
    "InboxPage",
    "UnitInbox",
]

TO_SIGN = (CourseState.DISPATCHED.value, CourseState.REDO.value)
"""Parts, of a lead and of a joint unit, that are to be signed for."""
WORKING = (CourseState.SIGNED.value, CourseState.HANDLING.value)
"""Parts that are signed for and not answered."""
APPEALED = (CourseState.APPEALED.value,)
"""Parts of a lead that wait for the ruling on its appeal (申诉)."""
_DONE = (CourseState.CLOSED.value, CourseState.ARCHIVED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilter:
    """Which part of a unit's orders to show."""

    unit: str  # whose
    open: bool | None = True  # what it has to do, None for everything it ever had a part in and has still
    role: UnitRole | None = None  # only as lead, or as joint unit
    states: tuple[str, ...] = ()  # lead: `CourseState`; joint: `JointState`
    due_before: float | None = None  # over before, epoch seconds: with now, what is late
    due_after: float | None = None  # not over before, epoch seconds: with `near_before`, what is near only
    near_before: float | None = None  # near before, epoch seconds: with now, near and late
    sight: Sight | None = None  # only what is open to whoever asks; None: everything of the unit's
    page: int = 1  # from 1 to 10,000
    size: int = 20  # orders a page, 1 to 100


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """One order as it lies in the unit's inbox."""

    order: Order  # the whole of it
    role: UnitRole  # lead or joint
    state: str  # lead: `CourseState`; joint: `JointState`
    since: float  # when that began, epoch seconds
    open: bool  # whether the unit has something to do
    due: float | None  # when it has to be done, epoch seconds
    near_at: float | None  # from when that is near


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """One page of an inbox."""

    total: int  # orders that match
    page: int  # which page this is
    size: int  # orders a page
    entries: tuple[InboxEntry, ...]  # what is over first comes first, then what has no limit
    unreadable: int = 0  # of this page's, those that are left out because their row cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFigures:
    """How many orders lie where in a unit's inbox."""

    open: int  # something is to be done about
    near: int  # … nearly over, or over
    late: int  # … over
    to_sign: int  # … to be signed for first
    working: int  # … signed for
    joint: int  # … as joint unit
    appealed: int  # its appeals that wait for their ruling; nothing is to be done meanwhile
    done_month: int  # led by the unit and closed since the beginning of the month


class UnitInbox:
    """Reads inboxes; raises SQLAlchemy's errors when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine, unreadable: Unreadable | None = None) -> None:
        """Use `engine` (SQLite or PostgreSQL), and the server's list of orders that cannot be read."""
        self._engine = engine
        self._unreadable = unreadable or Unreadable()

    async def page(self, which: InboxFilter) -> InboxPage:
        """Return one page of a unit's inbox.

        Raises:
            ValueRefused: unit, page or size out of bounds.
        """
        chosen = _matching(which)
        place = (order_units.c.due.asc().nulls_last(), order_units.c.order_id)  # as the index has it
        query = chosen.order_by(*place).limit(which.size).offset((which.page - 1) * which.size)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(chosen.subquery()))
            rows = (await connection.execute(query)).all()
            whole = select(orders).where(orders.c.id.in_([row.order_id for row in rows]))
            readable = self._unreadable.orders(await connection.execute(whole))
            found = await with_links(connection, readable)
        by_id = {order.draft.order_id: order for order in found}
        entries = tuple(_entry(row, by_id[row.order_id]) for row in rows if row.order_id in by_id)
        return InboxPage(
            total=total or 0,
            page=which.page,
            size=which.size,
            entries=entries,
            unreadable=len(rows) - len(entries),
        )

    async def counts(self, unit: str, now: float, *, sight: Sight | None = None) -> tuple[int, int, int]:
        """Return how many orders the unit has to do something about: all, near or late, late at `now`."""
        check_text("unit", unit, 1, MAX_UNIT)
        mine = _of(unit, sight) & order_units.c.open
        columns = (
            func.count(),
            func.count().filter(order_units.c.near_at <= now),
            func.count().filter(order_units.c.due < now),
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(*columns).where(mine))).one()
        return int(row[0]), int(row[1]), int(row[2])

    async def figures(
        self, unit: str, now: float, month: float, *, sight: Sight | None = None
    ) -> InboxFigures:
        """Return how many orders lie where at `now`; `month` is when the month began (epoch seconds)."""
        check_text("unit", unit, 1, MAX_UNIT)
        units = order_units.c
        open_ = select(
            func.count(),
            func.count().filter(units.near_at <= now),
            func.count().filter(units.due < now),
            func.count().filter(units.state.in_(TO_SIGN)),
            func.count().filter(units.state.in_(WORKING)),
            func.count().filter(units.role == UnitRole.JOINT.value),
        ).where(_of(unit, sight) & units.open)
        done = _of(unit, sight) & ~units.open & (units.role == UnitRole.LEAD.value)
        ended = (units.state.in_(_DONE)) & (units.since >= month)
        async with self._engine.connect() as connection:
            row = (await connection.execute(open_)).one()
            closed = await connection.scalar(select(func.count()).where(done & ended))
            appealed = await connection.scalar(select(func.count()).where(_of(unit, sight) & _appealed()))
        return InboxFigures(
            open=row[0], near=row[1], late=row[2], to_sign=row[3], working=row[4], joint=row[5],
            done_month=closed or 0, appealed=appealed or 0,
        )  # fmt: skip


def _of(unit: str, sight: Sight | None) -> ColumnElement[bool]:
    """The unit's parts in orders that are open."""
    mine = order_units.c.unit == unit
    if sight is not None and sight.units is not None and unit in sight.units:
        sight = replace(sight, units=None)  # what it has a part in is open to it: need not be looked up
    is_open = of_open(sight, order_units.c.order_id)
    return mine if is_open is None else mine & is_open


def _appealed() -> ColumnElement[bool]:
    """A lead's part in an order under appeal; these orders are few, those that a unit has done are many."""
    held = select(orders.c.id).where(orders.c.course_state == CourseState.APPEALED.value)
    return order_units.c.order_id.in_(held) & order_units.c.state.in_(APPEALED)


def _matching(which: InboxFilter) -> Select[tuple[object, ...]]:
    check_text("unit", which.unit, 1, MAX_UNIT)
    for name, value, most in (("page", which.page, MAX_PAGE), ("size", which.size, MAX_SIZE)):
        if not 1 <= value <= most:
            raise ValueRefused(
                f"{name} is {value}, expected 1 to {most}", shown=f"页码或条数超出范围（1 到 {most}）"
            )
    query = select(order_units).where(_of(which.unit, which.sight))
    if which.open is not None:
        query = query.where(order_units.c.open if which.open else ~order_units.c.open)
    if which.role is not None:
        query = query.where(order_units.c.role == which.role.value)
    if which.states == APPEALED:
        query = query.where(_appealed())
    elif which.states:
        query = query.where(order_units.c.state.in_(which.states))
    if which.due_before is not None:
        query = query.where(order_units.c.due < which.due_before)
    if which.due_after is not None:
        query = query.where(order_units.c.due >= which.due_after)
    if which.near_before is not None:
        query = query.where(order_units.c.near_at < which.near_before)
    return query


def _entry(row: Row[tuple[object, ...]], order: Order) -> InboxEntry:
    values = row._mapping
    return InboxEntry(
        order=order,
        role=UnitRole(values["role"]),
        state=values["state"],
        since=values["since"],
        open=values["open"],
        due=values["due"],
        near_at=values["near_at"],
    )
