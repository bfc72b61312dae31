"""Automatic dispatches in the database: what may be dispatched next, and samples that clerks look at."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.auto_dispatch import Auto
from orders.course_messages import CourseState
from orders.course_rules import MAX_UNIT
from orders.dispatch_tables import dispatch_samples
from orders.errors import CourseRefused, UnknownOrder, ValueRefused
from orders.fields import check_text
from orders.records import Order, OrderFilter, Sight
from orders.rows import matching, order_of
from orders.tables import order_events, orders
from orders.unreadable import Unreadable

__all__ = ["DispatchStore", "Sample", "Verdict"]

NOTE_MAX = 200
PENDING_S = 3600.0
"""A sample whose dispatch did not happen within this time is forgotten."""


class Verdict(StrEnum):
    """What a clerk says of an automatic dispatch."""

    RIGHT = "right"  # 对
    WRONG = "wrong"  # 错


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One automatic dispatch that a clerk looks at."""

    event_id: str  # of the dispatch
    order_id: str  # whose
    unit: str  # to whom it was dispatched
    source: str  # "rule:<id>" or "learned"
    reason: str  # why, in Chinese
    confidence: float  # 0 to 1
    at: float  # epoch seconds
    verdict: Verdict | None  # None: nobody looked
    should: str  # wrong: whose it is
    note: str  # what the clerk wrote
    judged_by: str  # login, "" nobody
    judged_at: float | None  # epoch seconds


class DispatchStore:
    """Reads and writes. Raises SQLAlchemy's errors when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        """Use `engine` (SQLite or PostgreSQL)."""
        self._engine = engine
        self._clock = clock

    async def accepted(self, *, after: str, most: int, unreadable: Unreadable) -> tuple[Sequence[Order], str]:
        """Return orders that wait for their dispatch, by id, those after the id `after`; and where to go on.

        "" where there are no more. Those that cannot be read are put on that list and passed over.
        """
        query = (
            select(orders)
            .where(orders.c.course_state == CourseState.ACCEPTED.value, orders.c.id > after)
            .order_by(orders.c.id)
            .limit(most)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return unreadable.orders(rows), rows[-1].id if rows else ""

    async def pick(self, order: Order, auto: Auto, reason: str) -> None:
        """Put an automatic dispatch on the list that clerks look at; it counts once the dispatch happened."""
        if auto.event is None:
            return
        row = {
            "event_id": auto.event_id, "order_id": order.draft.order_id, "unit": auto.event.lead,
            "source": auto.event.source, "reason": reason, "confidence": auto.confidence, "at": self._clock(),
            "verdict": "", "should": "", "note": "", "judged_by": "",
        }  # fmt: skip
        async with self._engine.begin() as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            await connection.execute(dialect.insert(dispatch_samples).values(row).on_conflict_do_nothing())

    async def forget_undone(self) -> None:
        """Forget samples whose dispatch did not happen: a person was faster."""
        done = select(order_events.c.event_id).where(order_events.c.event_id == dispatch_samples.c.event_id)
        async with self._engine.begin() as connection:
            await connection.execute(
                delete(dispatch_samples).where(
                    dispatch_samples.c.verdict == "",
                    dispatch_samples.c.at < self._clock() - PENDING_S,
                    ~done.exists(),
                )
            )

    async def samples(
        self, *, judged: bool, page: int, size: int, sight: Sight | None
    ) -> tuple[int, tuple[tuple[Sample, Order], ...]]:
        """Return how many samples there are, and one page: oldest first, judged ones newest first."""
        happened = dispatch_samples.c.event_id == order_events.c.event_id
        query = (
            select(dispatch_samples.c.event_id.label("sample_id"), orders)
            .join(orders, orders.c.id == dispatch_samples.c.order_id)
            .join(order_events, happened)
            .where((dispatch_samples.c.verdict != "") if judged else (dispatch_samples.c.verdict == ""))
        )
        if sight is not None:
            seen = matching(OrderFilter(sight=sight)).with_only_columns(orders.c.id)
            query = query.where(orders.c.id.in_(seen))
        placed = dispatch_samples.c.judged_at.desc() if judged else dispatch_samples.c.at
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            rows = await connection.execute(
                query.order_by(placed, dispatch_samples.c.event_id).limit(size).offset((page - 1) * size)
            )
            by_id = {row.sample_id: order_of(row) for row in rows}
            given = await connection.execute(
                select(dispatch_samples).where(dispatch_samples.c.event_id.in_(list(by_id)))
            )
            found = {row.event_id: _sample(row._mapping) for row in given}
        pairs = tuple((found[key], order) for key, order in by_id.items() if key in found)
        return int(total or 0), pairs

    async def judge(
        self, event_id: str, verdict: Verdict, *, by: str, should: str = "", note: str = ""
    ) -> Sample:
        """Say whether an automatic dispatch was right, once.

        Raises:
            UnknownOrder: there is no such sample.
            CourseRefused: somebody said so already.
            ValueRefused: wrong without a unit that it should have gone to, or a note that is too long.
        """
        check_text("note", note, 0, NOTE_MAX)
        check_text("should", should, 0, MAX_UNIT)
        if verdict is Verdict.WRONG and not should:
            raise ValueRefused("wrong without the unit that it should go to", shown="判错时请选择应派单位")
        table = dispatch_samples
        async with self._engine.begin() as connection:
            changed = await connection.execute(
                update(table)
                .where(and_(table.c.event_id == event_id, table.c.verdict == ""))
                .values(
                    verdict=verdict.value,
                    should=should if verdict is Verdict.WRONG else "",
                    note=note,
                    judged_by=by,
                    judged_at=self._clock(),
                )
            )
            row = (await connection.execute(select(table).where(table.c.event_id == event_id))).one_or_none()
            if row is None:
                raise UnknownOrder(event_id)
            sample = _sample(row._mapping)
            if not changed.rowcount:
                raise CourseRefused("judged already", shown=f"{sample.judged_by} 已经抽查过这次派单")
        return sample

    async def sample(self, event_id: str) -> Sample:
        """Return one sample. Raises UnknownOrder: there is none."""
        query = select(dispatch_samples).where(dispatch_samples.c.event_id == event_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownOrder(event_id)
        return _sample(row._mapping)


def _sample(row: object) -> Sample:
    values = dict(row)  # type: ignore[call-overload]
    verdict = values.pop("verdict")
    return Sample(verdict=Verdict(verdict) if verdict else None, **values)
