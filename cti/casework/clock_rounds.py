"""Watches the time limits of all orders that are under way, and does what follows when one is crossed.

The leading server watches. Beginning to lead, it reads all running clocks; then it follows the orders that
change. A crossing is written down in the transaction of what it brings about (supervision, following up, the
event for other systems, the note for pages), under a key that is the same whoever finds it: killed between
finding and telling, or led by two for a moment, it is told once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.clock_tables import clock_crossings
from cti.casework.order_news import NewsReader
from cti.casework.unreadable_notes import note_unreadable
from cti.changes import BEGINNING, ChangeKind, ChangeLog, Cursor
from cti.database import upsert, writing
from cti.faults import fault_site
from cti.metrics import Metrics
from cti.tasks import end
from orders.clock_watch import ClockWatch, Crossing, counting, crossing_id
from orders.course_events import FollowedUp
from orders.course_messages import SYSTEM
from orders.course_policy import CoursePolicy, facts_of
from orders.course_table import ENDED, UNDER_WAY
from orders.errors import Contention, OrderError, OrderUnreadable, UnknownOrder
from orders.messages import OrderEvent
from orders.records import Order
from orders.store import OrderStore
from orders.supervision_rules import ClockCrossed, strictest
from orders.tables import orders

__all__ = ["ClockRounds"]

log = logging.getLogger(__name__)

LOOK_S = 0.5
AT_ONCE = 500
"""Orders that are read at a time."""
GAUGES_S = 15.0
TIDY_S = 3600.0
KEEP_S = 30 * 86400.0
"""Crossings of orders that are ended are forgotten after so long: their clocks do not run again."""
TIDY_MOST = 20_000
_UNDER_WAY = [state.value for state in UNDER_WAY]


class ClockRounds:
    """See the module."""

    def __init__(
        self,
        engine: AsyncEngine,
        store: OrderStore,
        policy: CoursePolicy,
        *,
        leads: Callable[[], bool],
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`leads` tells whether this server is the one that watches."""
        self._engine = engine
        self._store = store
        self._policy = policy
        self._leads = leads
        self._metrics = metrics
        self._unreadable = store.unreadable
        self._clock = clock
        self._changes = ChangeLog(engine)
        self._reader = NewsReader(engine)
        self._watch: ClockWatch | None = None  # None: somebody else watches, or the database was away
        self._place: Cursor = BEGINNING
        self._gauged = self._tidied = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def watched(self) -> int:
        """How many orders this server watches; 0 while another one does."""
        return 0 if self._watch is None else len(self._watch)

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._run(), name="clock-rounds")

    async def stop(self) -> None:
        """Stop; what is under way is finished or undone by the database."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                self._watch = None  # what was found and not told is found again
                log.warning("time limits not watched", extra={"reason": type(error).__name__})
            except Exception as error:  # a look that fails must not be the last one
                self._watch = None
                log.error("time limits not watched", extra={"site": fault_site(error)})
            await asyncio.sleep(LOOK_S)

    # ------------------------------------------------------------ one look

    async def look(self) -> None:
        """Take in what changed, and tell what was crossed up to now. SQLAlchemy's errors pass through."""
        if not self._leads():
            self._watch = None
            return
        if self._watch is None:
            self._watch = await self._loaded()
        await self._follow(self._watch)
        now = self._clock()
        by_order: dict[str, list[Crossing]] = {}
        for one in self._watch.crossed(now):
            by_order.setdefault(one.order_id, []).append(one)
        for order_id, found in by_order.items():
            if not self._leads():  # the next leader finds the rest
                self._watch = None
                return
            if not await self._tell(order_id, found, now):
                self._watch.untold(found)
        await self._look_after(now)

    async def _loaded(self) -> ClockWatch:
        """All running clocks, with what was told of them."""
        watch = ClockWatch()
        self._place = await self._changes.newest()
        told: dict[str, set[str]] = {}
        crossed = (
            select(clock_crossings.c.order_id, clock_crossings.c.crossing_id)
            .join(orders, orders.c.id == clock_crossings.c.order_id)
            .where(orders.c.course_state.in_(_UNDER_WAY))
        )
        running = select(orders.c.id, orders.c.course_json).where(
            orders.c.course_state.in_(_UNDER_WAY), orders.c.course_json != ""
        )
        async with self._engine.connect() as connection:
            async for part in (await connection.stream(crossed)).partitions(AT_ONCE):
                for order_id, name in part:
                    told.setdefault(order_id, set()).add(name)
            async for part in (await connection.stream(running)).partitions(AT_ONCE):
                for order_id, text in part:
                    course = self._unreadable.course(order_id, text)
                    clocks = counting(course) if course is not None else ()
                    if clocks:
                        watch.put(order_id, clocks, told.get(order_id, ()))
                await asyncio.sleep(0)
        log.info("time limits are watched", extra={"orders": len(watch)})
        return watch

    async def _follow(self, watch: ClockWatch) -> None:
        while True:
            found = await self._changes.since(self._place, (ChangeKind.ORDER,), AT_ONCE)
            if not found:
                return
            ids = [one.ref for one in found]
            query = select(orders.c.id, orders.c.course_json).where(orders.c.id.in_(ids))
            async with self._engine.connect() as connection:
                rows = {row.id: row.course_json for row in await connection.execute(query)}
            for order_id in ids:
                course = self._unreadable.course(order_id, rows.get(order_id, ""))
                clocks = counting(course) if course is not None else ()
                if clocks:
                    watch.put(order_id, clocks)
                else:
                    watch.drop(order_id)
            self._place = found[-1].at
            if len(found) < AT_ONCE:
                return

    async def _tell(self, order_id: str, found: Sequence[Crossing], now: float) -> bool:
        """Write down what of it is true still and new, with what it brings about; False: try again."""
        kept: list[Crossing] = []

        async def decide(connection: AsyncConnection, order: Order) -> Sequence[OrderEvent]:
            # asked again where other writers were in the way
            kept[:] = [one for one in _standing(order, found) if await _keep(connection, one, now)]
            return self._following(order, kept, now)

        try:
            await self._store.react(order_id, decide, at=now)
        except UnknownOrder:
            return True
        except Contention:  # others keep changing it: the next round tells it
            log.warning("crossed time limits wait for other writers", extra={"order_id": order_id})
            return False
        except OrderUnreadable:
            self._unreadable.note(order_id)
            return True
        except OrderError as error:  # one order must not keep the others from being looked at
            log.error(
                "crossed time limits not told",
                extra={"order_id": order_id, "reason": type(error).__name__},
            )
            return True
        for one in kept:
            self._metrics.clock_crossings.labels(level=one.level.name.lower()).inc()
        return True

    def _following(self, order: Order, kept: Iterable[Crossing], now: float) -> Sequence[OrderEvent]:
        course = order.draft.course
        if course is None:
            return ()
        rules = self._policy.rules
        date, facts = rules.keeper.days.date(now), facts_of(order)
        raised = strictest(
            rules.supervision.raised(ClockCrossed.of(one), course.supervision, facts, date) for one in kept
        )
        if raised is None:
            return ()
        return (raised.event() or FollowedUp(reason=raised.reason, by=SYSTEM),)

    # ------------------------------------------------------------ beside

    async def _look_after(self, now: float) -> None:
        beat = time.monotonic()
        if beat - self._gauged >= GAUGES_S:
            self._gauged = beat
            counts = await self._reader.counts("", now)
            for state, number in (("open", counts.open), ("near", counts.near), ("late", counts.late)):
                self._metrics.orders_under_way.labels(state=state).set(number)
            self._metrics.orders_unreadable.set(len(self._unreadable.ids))
            await note_unreadable(self._engine, self._unreadable.ids, now)
        if beat - self._tidied >= TIDY_S:
            self._tidied = beat
            await self._tidy(now)

    async def _tidy(self, now: float) -> None:
        old = (
            select(clock_crossings.c.id)
            .join(orders, orders.c.id == clock_crossings.c.order_id)
            .where(
                clock_crossings.c.told_at < now - KEEP_S,
                orders.c.course_state.in_([state.value for state in ENDED]),
            )
            .limit(TIDY_MOST)
        )
        async with writing(self._engine) as connection:
            await connection.execute(delete(clock_crossings).where(clock_crossings.c.id.in_(old)))


def _standing(order: Order, found: Iterable[Crossing]) -> Iterable[Crossing]:
    """Those of the crossings whose clock runs as it did when they were found."""
    course = order.draft.course
    clocks = {(clock.kind, clock.unit): clock for clock in (counting(course) if course else ())}
    for one in found:
        clock = clocks.get((one.clock.kind, one.clock.unit))
        if clock is not None and crossing_id(order.draft.order_id, clock, one.level) == one.crossing_id:
            yield one


async def _keep(connection: AsyncConnection, one: Crossing, now: float) -> bool:
    """Write a crossing down; False when it was told before."""
    statement = upsert(connection, clock_crossings).values(
        crossing_id=one.crossing_id,
        order_id=one.order_id,
        kind=one.clock.kind.value,
        unit=one.clock.unit,
        level=int(one.level),
        overtaken=one.overtaken,
        due=one.clock.due,
        at=one.at,
        told_at=now,
    )
    kept = await connection.execute(statement.on_conflict_do_nothing(index_elements=["crossing_id"]))
    return kept.rowcount == 1
