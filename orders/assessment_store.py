"""Marks in the database: kept in the transaction of the event that made them, and made anew from events."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders import chain, lifecycle
from orders.assessment_fold import after
from orders.assessment_marks import Kind, Mark, Void
from orders.assessment_tables import assessment_days, assessment_months, mark_changes, order_marks
from orders.course_events import OrderCorrected
from orders.course_messages import SYSTEM
from orders.course_rules import MAX_BY, MAX_REASON
from orders.fields import TITLES
from orders.lifecycle import value_of
from orders.messages import Draft, OrderEvent, OrderField, OrderState
from orders.records import Order
from orders.tables import order_events, orders

__all__ = [
    "REBUILT",
    "MarkRow",
    "actor_of",
    "columns_of_mark",
    "day_of",
    "mark_of",
    "project_marks",
    "rebuild",
]

LATE_S = 86_400.0
"""A mark that comes so much later than what it tells of is a correction of its month."""
BATCH = 500
REBUILT = "Rebuilt"
"""Stands in `mark_changes` in the place of an event's class where marks were made anew from events."""

_FIELDS = ("key", "kind", "unit", "at", "score", "since", "until", "void")
_COLUMNS = tuple(order_marks.c[name] for name in _FIELDS)
_PLACE = (order_marks.c.category, order_marks.c.district, order_marks.c.channel)
_COUNTED_STATES = (OrderState.ACCEPTED.value, OrderState.MERGED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """A mark as it stands in the table."""

    order_id: str  # whose
    mark: Mark  # what is counted


@dataclass(frozen=True, slots=True)
class _Change:
    event: str  # class of the event, or REBUILT
    by: str
    reason: str
    at: float
    key: str
    old: Mark | None
    new: Mark | None
    was: Mapping[str, str] = field(default_factory=dict)  # category and district before a correction


def day_of(at: float, zone: datetime.tzinfo) -> int:
    """YYYYMMDD of a moment."""
    local = datetime.datetime.fromtimestamp(at, zone)
    return local.year * 10_000 + local.month * 100 + local.day


def mark_of(row: Row[*tuple[Any, ...]]) -> Mark:
    """Return the mark that a row of `order_marks` holds."""
    return Mark(
        key=row.key, kind=Kind(row.kind), unit=row.unit, at=row.at, score=row.score, since=row.since,
        until=row.until, void=Void(row.void),
    )  # fmt: skip


async def project_marks(
    connection: AsyncConnection, before: Order | None, order: Order, *, now: float, zone: datetime.tzinfo
) -> None:
    """Write what is counted of an order after its newest events, and what that corrects.

    `now` is the time of writing; days before it whose marks change are told so (`assessment_days`).
    """
    draft = order.draft
    old = None if before is None else before.draft
    if draft.course is None:
        return
    if old is not None and old.course == draft.course and _place(old) == _place(draft):
        return
    marks, placed = ({}, True) if old is None or old.course is None else await _kept(connection, draft)
    if not marks:  # accepted just now, or before there were marks: all of it is entered
        old = None
    changes: list[_Change] = []
    known: Mapping[str, Mark] = marks
    for event, at in await _events(connection, draft.order_id, 0 if old is None else old.version):
        former = None if old is None else old.course
        old = lifecycle.apply(old, event, at)
        if old.course is not None:
            following = after(known, former, event, old.course)
            changes += _corrections(known, following, event, old.course.touched_at, now)
            changes += _moved(known, event, old.course.touched_at)
            known = following
    await _write(connection, draft, marks, known, placed=placed, now=now, zone=zone)
    await _tell(connection, draft.order_id, changes, now=now, zone=zone)


async def _kept(connection: AsyncConnection, draft: Draft) -> tuple[dict[str, Mark], bool]:
    """Return an order's marks as they stand, and whether all stand under its category and district."""
    rows = (
        await connection.execute(select(*_COLUMNS, *_PLACE).where(order_marks.c.order_id == draft.order_id))
    ).all()
    place = _place(draft)
    placed = all(row._mapping[name] == value for row in rows for name, value in place.items())
    return {row.key: mark_of(row) for row in rows}, placed


def _place(draft: Draft) -> dict[str, str]:
    return {
        "category": value_of(draft, OrderField.CATEGORY),
        "district": value_of(draft, OrderField.DISTRICT),
        "channel": draft.channel.value,
    }


async def _events(
    connection: AsyncConnection, order_id: str, seen: int
) -> Sequence[tuple[OrderEvent, float]]:
    rows = await connection.execute(
        select(order_events.c.kind, order_events.c.data, order_events.c.at)
        .where(order_events.c.order_id == order_id, order_events.c.seq > seen)
        .order_by(order_events.c.seq)
    )
    return [(chain.decode(row.kind, row.data), row.at) for row in rows]


def actor_of(event: OrderEvent) -> str:
    """Who is named in `mark_changes` for an event: a login or "system"."""
    return str(getattr(event, "by", "") or getattr(event, "agent", "") or SYSTEM)[:MAX_BY]


def _corrections(
    known: Mapping[str, Mark], following: Mapping[str, Mark], event: OrderEvent, at: float, now: float
) -> Iterable[_Change]:
    told = type(event).__name__, actor_of(event), str(getattr(event, "reason", ""))[:MAX_REASON], at
    for key in known.keys() | following.keys():
        was, is_ = known.get(key), following.get(key)
        if was is not None and was.at is not None and was.at < at:
            if is_ is None or is_.shown != was.shown:
                yield _Change(*told, key, was, is_)
        elif is_ is not None and is_ != was and is_.decided(now - LATE_S) and is_.decided(at):
            yield _Change(*told, key, None, is_)


def _moved(known: Mapping[str, Mark], event: OrderEvent, at: float) -> Iterable[_Change]:
    """What was counted already under another category or district, once the order is corrected."""
    if not isinstance(event, OrderCorrected):
        return
    changes = [one for one in event.changes if one.field in (OrderField.CATEGORY, OrderField.DISTRICT)]
    said = "、".join(
        f"{TITLES[OrderField(one.field)]} {one.was or '（空）'} → {one.value or '（空）'}" for one in changes
    )
    was = {one.field: one.was for one in changes}
    for key, mark in known.items() if changes else ():
        if mark.at is not None and mark.at < at:
            reason = f"{said}；{event.reason}"[:MAX_REASON]
            yield _Change(type(event).__name__, actor_of(event), reason, at, key, mark, mark, was)


async def _write(
    connection: AsyncConnection,
    draft: Draft,
    before: Mapping[str, Mark],
    marks: Mapping[str, Mark],
    *,
    placed: bool,
    now: float,
    zone: datetime.tzinfo,
) -> None:
    """Write marks in the place of those before; all of them where the order was corrected (not `placed`)."""
    gone = [key for key, mark in before.items() if not placed or marks.get(key) != mark]
    new = [mark for key, mark in marks.items() if not placed or before.get(key) != mark]
    if gone:
        await connection.execute(
            delete(order_marks).where(order_marks.c.order_id == draft.order_id, order_marks.c.key.in_(gone))
        )
    if new:
        await connection.execute(insert(order_marks), [columns_of_mark(draft, mark, zone) for mark in new])
    touched = (before[key] for key in gone)
    days = {day_of(mark.at, zone) for mark in (*touched, *new) if mark.at is not None}
    today = day_of(now, zone)
    for day in sorted(day for day in days if day < today):
        await _bump(connection, day)


def columns_of_mark(draft: Draft, mark: Mark, zone: datetime.tzinfo) -> dict[str, object]:
    """Return the row of `order_marks` that a mark of an order makes; days are those of `zone`."""
    return {
        **asdict(mark),
        "kind": mark.kind.value,
        "void": mark.void.value,
        "order_id": draft.order_id,
        "day": None if mark.at is None else day_of(mark.at, zone),
        **_place(draft),
    }


async def _bump(connection: AsyncConnection, day: int) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(assessment_days).values(day=day, version=1)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[assessment_days.c.day], set_={"version": assessment_days.c.version + 1}
        )
    )


async def _tell(
    connection: AsyncConnection,
    order_id: str,
    changes: Sequence[_Change],
    *,
    now: float,
    zone: datetime.tzinfo,
) -> None:
    if changes:
        rows = [
            {
                "order_id": order_id,
                "key": one.key,
                "event": one.event,
                "by": one.by,
                "reason": one.reason,
                "at": one.at,
                "written": now,
                "month_old": _month(one.old, zone),
                "month_new": _month(one.new, zone),
                "old": ""
                if one.old is None
                else msgspec.json.encode({**asdict(one.old), **one.was}).decode(),
                "new": "" if one.new is None else msgspec.json.encode(one.new).decode(),
            }
            for one in sorted(changes, key=lambda one: one.key)
        ]
        await connection.execute(insert(mark_changes), rows)


def _month(mark: Mark | None, zone: datetime.tzinfo) -> int | None:
    return None if mark is None or mark.at is None else day_of(mark.at, zone) // 100


async def rebuild(
    engine: AsyncEngine,
    *,
    clock: Callable[[], float],
    zone: datetime.tzinfo,
    told: Callable[[int], None] = lambda _: None,
) -> int:
    """Make the marks of all accepted orders anew from their events; return how many orders had others.

    What becomes another mark of a month that is frozen is kept as a correction of that month. `told` hears
    how many orders were looked at. Each batch is one transaction; what people do meanwhile is kept, because
    each order is locked while it is looked at.
    """
    last, looked, mended = "", 0, 0
    while True:
        async with engine.begin() as connection:
            chosen = (
                select(orders.c.id)
                .where(orders.c.id > last, orders.c.state.in_(_COUNTED_STATES))
                .order_by(orders.c.id)
                .limit(BATCH)
            )
            if connection.dialect.name != "sqlite":
                chosen = chosen.with_for_update()
            ids = list(await connection.scalars(chosen))
            months = set(await connection.scalars(select(assessment_months.c.month).distinct()))
            for order_id in ids:
                mended += await _rebuilt(connection, order_id, months, now=clock(), zone=zone)
        looked += len(ids)
        told(looked)
        if len(ids) < BATCH:
            return mended
        last = ids[-1]


async def _rebuilt(
    connection: AsyncConnection,
    order_id: str,
    frozen: Set[int],
    *,
    now: float,
    zone: datetime.tzinfo,
) -> int:
    draft: Draft | None = None
    marks: Mapping[str, Mark] = {}
    for event, at in await _events(connection, order_id, 0):
        before, draft = draft, lifecycle.apply(draft, event, at)
        if draft.course is not None:
            marks = after(marks, None if before is None else before.course, event, draft.course)
    if draft is None or draft.course is None:
        return 0
    kept, placed = await _kept(connection, draft)
    if placed and kept == marks:
        return 0
    await _write(connection, draft, kept, marks, placed=placed, now=now, zone=zone)
    changes = [
        _Change(REBUILT, SYSTEM, "", now, key, kept.get(key), marks.get(key))
        for key in kept.keys() | marks.keys()
        if _counted_otherwise(kept.get(key), marks.get(key), frozen, zone)
    ]
    await _tell(connection, order_id, changes, now=now, zone=zone)
    return 1


def _counted_otherwise(old: Mark | None, new: Mark | None, frozen: Set[int], zone: datetime.tzinfo) -> bool:
    """Whether a month that is frozen counted what stood there, or would count what stands there now."""
    if old is not None and new is not None and old.shown == new.shown:
        return False
    return any(_month(one, zone) in frozen for one in (old, new))
