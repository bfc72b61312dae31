"""The clerk's dispatch desk (派单台): queues, suggestions, dispatch of many at once, samples, figures."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.auto_dispatch import Advise
from cti.casework.desk import CourseDesk
from cti.casework.sights import Sights
from cti.ports import Person
from orders.course_messages import JointRule
from orders.dispatch_figures import DispatchFact
from orders.dispatch_load import dispatches
from orders.dispatch_queues import ClerkQueue, ClerkQueues, People, QueueCount
from orders.dispatch_store import DispatchStore, Sample, Verdict
from orders.errors import OrderError, ValueRefused
from orders.messages import UnitAdvice
from orders.records import Order, OrderPage
from orders.unreadable import Unreadable

__all__ = ["DispatchDesk", "Done", "Wish"]

_SOURCE = re.compile(r"clerk|learned|duty|usual|rule:[\w.]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One order that a clerk dispatches."""

    order_id: str  # which
    version: int  # what the clerk was looking at
    lead: str  # 主办单位
    source: str = "clerk"  # of the suggestion that the clerk took
    joint: tuple[str, ...] = ()  # 协办单位
    joint_rule: JointRule = JointRule.FREE  # whether the lead waits for them
    reason: str = ""  # needed when a unit has it already


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a wish."""

    order_id: str  # which
    order: Order | None = None  # as it is now, None: refused
    error: OrderError | None = None  # why it was refused


class DispatchDesk:
    """What clerks see and do. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self,
        engine: AsyncEngine,
        desk: CourseDesk,
        sights: Sights,
        kept: DispatchStore,
        *,
        advise: Advise,
        people: Callable[[], People],
        unreadable: Unreadable | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`people`: what rules and robots leave to people now; `unreadable`: the server's list of orders."""
        self._engine = engine
        self._desk = desk
        self._sights = sights
        self._queues = ClerkQueues(engine, unreadable)
        self._kept = kept
        self._advise = advise
        self._people = people
        self._now = clock

    async def counts(self, person: Person) -> dict[ClerkQueue, QueueCount]:
        """Return how much waits in each queue."""
        return await self._queues.counts(self._now(), self._people(), sight=await self._sights.of(person))

    async def page(self, queue: ClerkQueue, person: Person, *, page: int, size: int) -> OrderPage:
        """Return one page of the orders that wait in a queue."""
        sight = await self._sights.of(person)
        return await self._queues.page(queue, self._people(), sight=sight, page=page, size=size)

    async def gone(self, orders: Sequence[Order]) -> frozenset[str]:
        """Return which units of these orders are no more."""
        names = await self._sights.names()
        leads = {
            order.draft.course.lead for order in orders if order.draft.course and order.draft.course.lead
        }
        return frozenset(lead for lead in leads if not names.knows(lead))

    async def suggestions(self, order_id: str, person: Person) -> tuple[UnitAdvice, ...]:
        """Return at most three units for an order, best first; raises UnknownOrder.

        Units that are no more are left out, those whose return of this order was accepted come last.
        """
        order = await self._desk.get(order_id, person)
        names = await self._sights.names()
        course = order.draft.course
        gave_back = {one.unit for one in course.returns if one.accepted is not False} if course else set()
        found = [one for one in await self._advise(order.draft) if names.knows(one.unit)]
        again = [
            replace(one, reason=f"曾退单；{one.reason}", confidence=min(one.confidence, 0.1))
            for one in found
            if one.unit in gave_back
        ]
        return (*(one for one in found if one.unit not in gave_back), *again)

    async def dispatch(self, wishes: Sequence[Wish], person: Person, *, key: str = "") -> tuple[Done, ...]:
        """Dispatch each order by itself; what is refused leaves the others alone."""
        done: list[Done] = []
        for wish in wishes:
            event_id = f"{key}:{wish.order_id[:32]}" if key else ""
            try:
                order = await self._one(wish, person, event_id)
            except OrderError as error:
                done.append(Done(order_id=wish.order_id, error=error))
            else:
                done.append(Done(order_id=wish.order_id, order=order))
        return tuple(done)

    async def _one(self, wish: Wish, person: Person, event_id: str) -> Order:
        if not _SOURCE.fullmatch(wish.source):
            raise ValueRefused(f"source {wish.source[:20]!r}", shown="派单来源有误，请刷新后再派")
        fields = {
            "lead": wish.lead, "source": wish.source, "joint": wish.joint, "joint_rule": wish.joint_rule,
            "reason": wish.reason,
        }  # fmt: skip
        return await self._desk.move(
            wish.order_id, "dispatch", fields, person, seen=wish.version, event_id=event_id
        )

    async def samples(
        self, person: Person, *, judged: bool, page: int, size: int
    ) -> tuple[int, tuple[tuple[Sample, Order], ...]]:
        """Return how many samples there are, and one page with their orders."""
        sight = await self._sights.of(person)
        return await self._kept.samples(judged=judged, page=page, size=size, sight=sight)

    async def judge(
        self, event_id: str, verdict: Verdict, person: Person, *, should: str = "", note: str = ""
    ) -> Sample:
        """Say whether an automatic dispatch was right. Raises as `DispatchStore.judge`, and ValueRefused."""
        sample = await self._kept.sample(event_id)
        await self._desk.get(sample.order_id, person)
        names = await self._sights.names()
        if verdict is Verdict.WRONG and should and not names.knows(should):
            raise ValueRefused("no such unit", shown=f"单位表里没有“{should[:100]}”，请重新选择应派单位")
        return await self._kept.judge(event_id, verdict, by=person.login, should=should, note=note)

    async def facts(self, person: Person, *, since: float, until: float) -> tuple[DispatchFact, ...]:
        """Return what became of the dispatches of a time; raises ValueRefused for more than 92 days."""
        sight = await self._sights.of(person)
        return await dispatches(self._engine, since=since, until=until, sight=sight)
