"""Looks, on the leading server, whether a new order's matter was reported before, and raises its level.

It follows the orders that change, as the watch over time limits does, and keeps in the database how far it
has come (`repeat_place`): an order is looked at when it is accepted, however long it waited for that, also
where the server is started anew meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.clock_tables import repeat_place
from cti.changes import BEGINNING, ChangeKind, ChangeLog, Cursor
from cti.database import upsert, writing
from cti.faults import fault_site
from cti.tasks import end
from orders.course_policy import CoursePolicy, facts_of
from orders.errors import Contention, OrderError, OrderUnreadable
from orders.messages import OrderState
from orders.records import Order
from orders.repeats import Repeats
from orders.store import OrderStore
from orders.supervision_rules import Repeated
from orders.tables import orders

__all__ = ["RepeatRounds"]

log = logging.getLogger(__name__)

LOOK_S = 5.0
FRESH_S = 28 * 86_400.0
"""Orders that were accepted so long ago are not raised any more when something else happens to them."""
BACK_S = 6 * 3600.0
"""The very first look takes in what was accepted so long before; nothing is raised twice."""
AT_ONCE = 500
KNOWN = 50_000


class RepeatRounds:
    """Each order is looked at once; the raise has an id of its own, so a second look raises nothing twice."""

    def __init__(
        self,
        engine: AsyncEngine,
        store: OrderStore,
        policy: CoursePolicy,
        *,
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._store = store
        self._policy = policy
        self._leads = leads
        self._clock = clock
        self._repeats = Repeats(engine)
        self._changes = ChangeLog(engine)
        self._looked: OrderedDict[str, None] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="repeat-rounds")

    async def stop(self) -> None:
        """End."""
        await end(self._task)

    async def look(self) -> int:
        """Look at what was accepted since the last look; return how many orders were raised."""
        raised = 0
        place, begun_at = await self._place()
        while found := await self._changes.since(place, (ChangeKind.ORDER,), AT_ONCE):
            for order_id in await self._new([one.ref for one in found], begun_at):
                try:
                    raised += await self._raise(await self._store.get(order_id))
                except Contention:  # others keep changing it: the next look begins here again
                    return raised
                except OrderUnreadable as error:
                    self._store.unreadable.note(error.order_id)
                    continue  # looked at again when it changes: somebody mends it
                self._looked[order_id] = None
            place = found[-1].at
            await self._move(place)
            while len(self._looked) > KNOWN:
                self._looked.popitem(last=False)
        return raised

    async def _place(self) -> tuple[Cursor, float]:
        """Return up to where orders were looked at, and when the first look was."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(repeat_place))).one_or_none()
        if row is not None:
            return Cursor(row.tx, row.change_id), row.begun_at
        now = self._clock()
        values = {"id": 1, "tx": BEGINNING.tx, "change_id": BEGINNING.id, "begun_at": now}
        async with writing(self._engine) as connection:
            await connection.execute(upsert(connection, repeat_place).values(values).on_conflict_do_nothing())
        return BEGINNING, now

    async def _move(self, place: Cursor) -> None:
        async with writing(self._engine) as connection:
            await connection.execute(update(repeat_place).values(tx=place.tx, change_id=place.id))

    async def _new(self, ids: Sequence[str], begun_at: float) -> Sequence[str]:
        """Return those of the orders that were accepted not long ago and were not looked at, oldest first."""
        since = max(self._clock() - FRESH_S, begun_at - BACK_S)
        query = (
            select(orders.c.id)
            .where(
                orders.c.id.in_([one for one in ids if one not in self._looked]),
                orders.c.state == OrderState.ACCEPTED.value,
                orders.c.closed_at >= since,
            )
            .order_by(orders.c.closed_at, orders.c.id)
        )
        async with self._engine.connect() as connection:
            return (await connection.scalars(query)).all()

    async def _raise(self, order: Order) -> bool:
        course = order.draft.course
        if course is None:
            return False
        earlier = await self._repeats.earlier(order)
        if not earlier:
            return False
        rules = self._policy.rules
        raised = rules.supervision.raised(
            Repeated(times=1 + len(earlier)),
            course.supervision,
            facts_of(order),
            rules.keeper.days.date(self._clock()),
        )
        event = None if raised is None else raised.event()
        if event is None:
            return False
        try:
            await self._store.apply(order.draft.order_id, event, event_id=f"repeat:{order.draft.order_id}")
        except Contention:
            raise
        except OrderError as error:  # moved to where nothing is raised any more
            log.info("repeated order not raised", extra={"reason": type(error).__name__})
            return False
        return True

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if not self._leads():
                continue
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("repeats not looked for", extra={"reason": type(error).__name__})
            except Exception as error:  # a look that fails must not be the last one
                log.error("repeats not looked for", extra={"site": fault_site(error)})
