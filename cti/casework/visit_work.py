"""Return visits that wait for a person (人工回访): why no robot asks, and until when they can be made."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import exists
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.sights import Sights
from cti.ports import Person
from cti.tables import visits
from cti.visit_store import OPEN_STATES, VisitStore
from orders.answer_policy import AnswerPolicy
from orders.answer_steps import Unasked, closes_at
from orders.course_messages import Course
from orders.dispatch_queues import ClerkQueue, ClerkQueues, People
from orders.records import Order
from orders.tables import orders
from orders.unreadable import Unreadable
from orders.visits import Visit, VisitState

__all__ = ["ByHand", "VisitWork", "why_unasked"]

_NAMED = (Unasked.NO_NUMBER, Unasked.TEXT_ONLY, Unasked.CONFIDENTIAL, Unasked.BY_HAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """One order whose citizen a person asks."""

    order: Order  # whose
    why: Unasked  # why no robot does
    closes_at: float | None  # when it is closed without an answer, epoch seconds; None: by people only


def why_unasked(course: Course, made: Sequence[Visit]) -> Unasked:
    """Why the robot does not ask (any more); `made` are the order's visits, oldest first."""
    for why in _NAMED:
        if course.visit_id.startswith(f"{why.value}-"):
            return why
    if made and made[-1].answers.wants_person:
        return Unasked.WANTS_PERSON
    if made and made[-1].state is VisitState.GIVEN_UP:
        return Unasked.NOT_REACHED
    return Unasked.SILENT


class VisitWork:
    """Reads who waits for a person. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self,
        engine: AsyncEngine,
        sights: Sights,
        *,
        policy: Callable[[], AnswerPolicy],
        robot: bool,
        unreadable: Unreadable | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`robot`: planned visits are made (visits.enabled); `unreadable`: the server's list of orders."""
        self._queues = ClerkQueues(engine, unreadable)
        self._visits = VisitStore(engine)
        self._sights = sights
        self._policy = policy
        self._robot = robot
        self._now = clock

    def people(self) -> People:
        """What rules and robots leave to people now."""
        planned = exists().where(visits.c.order_id == orders.c.id, visits.c.state.in_(OPEN_STATES))
        return People(redo_times=self._policy().redo.times, robot_asks=planned if self._robot else None)

    async def page(self, person: Person, *, page: int, size: int) -> tuple[int, tuple[ByHand, ...]]:
        """Return how many wait, and one page, what closes first first. Raises ValueRefused: page or size."""
        sight = await self._sights.of(person)
        found = await self._queues.page(ClerkQueue.TO_VISIT, self.people(), sight=sight, page=page, size=size)
        return found.total, await self.told(found.orders)

    async def count(self, person: Person) -> int:
        """Return how many wait."""
        sight = await self._sights.of(person)
        return (await self._queues.count(ClerkQueue.TO_VISIT, self._now(), self.people(), sight=sight)).total

    async def told(self, found: Sequence[Order]) -> tuple[ByHand, ...]:
        """Return the same orders with why a person asks, and until when."""
        made = await self._visits.of_orders([order.draft.order_id for order in found])
        policy = self._policy()
        return tuple(
            ByHand(
                order=order,
                why=why_unasked(course, [one.visit for one in made.get(order.draft.order_id, ())]),
                closes_at=closes_at(course, policy),
            )
            for order in found
            if (course := order.draft.course) is not None
        )
