"""What waits for the clerk (派单台): ten queues, urgent orders first, then what is over first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, false, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders.auto_dispatch import URGENT
from orders.course_messages import Course, CourseState
from orders.course_table import WITH_UNIT
from orders.course_tables import order_units
from orders.dispatch_tables import dispatch_samples, gone_units
from orders.order_pages import page_of
from orders.records import OrderFilter, OrderPage, Sight
from orders.rows import MAX_SIZE, matching
from orders.tables import order_events, orders
from orders.unreadable import Unreadable

__all__ = ["ClerkQueue", "ClerkQueues", "People", "QueueCount", "queues_of", "waiting"]

S = CourseState
_MOST_URGENT = "特急"


class ClerkQueue(StrEnum):
    """One queue."""

    TO_DISPATCH = "to_dispatch"  # 待派单: also the redo (重办) of what the centre had answered itself
    RETURNED = "returned"  # 退单待裁
    DISPUTED = "disputed"  # 职责争议
    TO_REVIEW = "to_review"  # 待审核
    EXTENSION = "extension"  # 延期待批
    APPEALED = "appealed"  # 申诉待裁定
    TO_VISIT = "to_visit"  # 待人工回访: the robot does not ask this citizen
    TO_DECIDE = "to_decide"  # 待人工决定: rated badly after it was redone as often as the rules say
    SAMPLE = "sample"  # 抽查: automatic dispatches that a clerk looks at
    GONE = "gone"  # 承办单位已撤销: a unit that is no more has something to do


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What rules and robots leave to people, as it is now."""

    redo_times: int  # so often a bad rating is redone by itself (orders.answer_policy)
    robot_asks: ColumnElement[bool] | None = None  # a robot will ask about this row of `orders`; None: never


Q = ClerkQueue
_STATES: Mapping[ClerkQueue, tuple[CourseState, ...]] = MappingProxyType(
    {
        Q.TO_DISPATCH: (S.ACCEPTED, S.REDO),
        Q.RETURNED: (S.RETURNED,),
        Q.DISPUTED: (S.DISPUTED,),
        Q.TO_REVIEW: (S.FED_BACK,),
        Q.EXTENSION: (S.SIGNED, S.HANDLING),
        Q.APPEALED: (S.APPEALED,),
        Q.TO_VISIT: (S.VISITING,),
        Q.TO_DECIDE: (S.RATED,),
        Q.GONE: tuple(sorted(WITH_UNIT)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCount:
    """How much waits in a queue."""

    total: int  # all of it
    near: int = 0  # its clock is near or over
    late: int = 0  # its clock is over


def queues_of(course: Course, *, redo_times: int, robot_asks: bool) -> frozenset[ClerkQueue]:
    """Return the queues in which an order waits; those apart that other tables make (sample, gone).

    `redo_times`, `robot_asks`: as in `People`, for this order. `waiting` asks a database the same.
    """
    rating, extension = course.rating, course.extension
    bad = rating is not None and rating.bad and rating.counts
    also = {
        Q.TO_DISPATCH: not course.lead,
        Q.EXTENSION: extension is not None and extension.granted is None,
        Q.TO_VISIT: not robot_asks,
        Q.TO_DECIDE: bad and course.round > redo_times,
        Q.GONE: False,
    }
    return frozenset(
        queue for queue, states in _STATES.items() if course.state in states and also.get(queue, True)
    )


class ClerkQueues:
    """Reads the queues. Raises SQLAlchemy's errors when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine, unreadable: Unreadable | None = None) -> None:
        """Use `engine` (SQLite or PostgreSQL), and the server's list of orders that cannot be read."""
        self._engine = engine
        self._unreadable = unreadable or Unreadable()

    async def page(
        self, queue: ClerkQueue, people: People, *, sight: Sight | None, page: int, size: int
    ) -> OrderPage:
        """Return one page of the orders that wait.

        Raises:
            ValueRefused: page or size out of bounds.
        """
        chosen = waiting(queue, people, self._engine.dialect.name, sight=sight, page=page, size=size)
        rank = case((orders.c.urgency == _MOST_URGENT, 0), (orders.c.urgency.in_(sorted(URGENT)), 1), else_=2)
        place: tuple[ColumnElement[Any], ...]
        place = (rank, orders.c.due_at.is_(None), orders.c.due_at, orders.c.created_at, orders.c.id)
        if queue is Q.TO_VISIT:  # what is closed first without an answer comes first
            place = (orders.c.course_since, orders.c.id)
        async with self._engine.connect() as connection:
            return await page_of(connection, chosen, place, self._unreadable, page=page, size=size)

    async def counts(
        self, now: float, people: People, *, sight: Sight | None
    ) -> dict[ClerkQueue, QueueCount]:
        """Return how much waits in each queue at `now`."""
        async with self._engine.connect() as connection:
            return {queue: await _counted(connection, queue, now, people, sight) for queue in ClerkQueue}

    async def count(
        self, queue: ClerkQueue, now: float, people: People, *, sight: Sight | None
    ) -> QueueCount:
        """Return how much waits in one queue at `now`."""
        async with self._engine.connect() as connection:
            return await _counted(connection, queue, now, people, sight)


async def _counted(
    connection: AsyncConnection, queue: ClerkQueue, now: float, people: People, sight: Sight | None
) -> QueueCount:
    rows = waiting(queue, people, connection.dialect.name, sight=sight).subquery()
    columns = (
        func.count(),
        func.count().filter(rows.c.near_at <= now),
        func.count().filter(rows.c.due_at < now),
    )
    total, near, late = (await connection.execute(select(*columns))).one()
    return QueueCount(total=total, near=near, late=late)


def waiting(
    queue: ClerkQueue,
    people: People,
    dialect: str,
    *,
    sight: Sight | None = None,
    page: int = 1,
    size: int = MAX_SIZE,
) -> Select[Any]:
    """Return the question for the orders of a queue, in no order yet. Raises ValueRefused: page or size."""
    which = OrderFilter(course=_STATES.get(queue, ()), sight=sight, page=page, size=size)
    query = matching(which)
    if queue is Q.TO_DISPATCH:
        accepted = orders.c.course_state == S.ACCEPTED.value
        query = query.where(or_(accepted, orders.c.lead_unit == ""))
    elif queue is Q.SAMPLE:
        unseen = (
            select(dispatch_samples.c.order_id)
            .join(order_events, order_events.c.event_id == dispatch_samples.c.event_id)
            .where(dispatch_samples.c.verdict == "")
        )
        query = query.where(orders.c.id.in_(unseen))
    elif queue is Q.EXTENSION:
        query = query.where(orders.c.extension_asked_at.is_not(None))
    elif queue is Q.TO_VISIT:
        query = query.where(~(false() if people.robot_asks is None else people.robot_asks))
    elif queue is Q.TO_DECIDE:
        query = query.where(orders.c.course_round > people.redo_times, _badly_rated(dialect))
    elif queue is Q.GONE:
        part = order_units.c
        left = select(part.order_id).where(part.open, part.unit.in_(select(gone_units.c.name)))
        query = query.where(orders.c.id.in_(left))
    return query


def _badly_rated(dialect: str) -> ColumnElement[bool]:
    """The newest rating is bad and counts; only of rated orders is the course looked into."""
    column = orders.c.course_json
    if dialect == "sqlite":
        told = [func.json_extract(column, f"$.rating.{name}") == 1 for name in ("bad", "counts")]
    else:
        rating = cast(column, JSONB)["rating"]
        told = [rating[name].as_boolean() for name in ("bad", "counts")]
    return case((orders.c.course_state == S.RATED.value, and_(*told)), else_=false())
