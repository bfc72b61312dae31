"""From the answer to the end by itself: visits are planned, bad ratings redone, orders closed and archived.

Runs on the server that leads. Each step is one event under an id of its own, made only when the order still
stands as it was read: whoever does it twice, or on two servers, or again after a crash, does it once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import select, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.visit_work import why_unasked
from cti.faults import fault_site
from cti.tasks import end
from cti.visit_records import KeptVisit
from orders.answer_policy import AnswerPolicy
from orders.answer_steps import Step, Unasked, closing, due_step, event_of, looked_at
from orders.course_events import CourseEvent, VisitPlanned
from orders.course_messages import SYSTEM, Course, CourseState
from orders.errors import OrderError
from orders.fields import CONFIDENTIAL
from orders.lifecycle import value_of
from orders.messages import OrderField
from orders.records import Order
from orders.store import OrderStore
from orders.tables import orders
from orders.visits import Visit

__all__ = ["AnswerRounds", "Planner", "VisitsOf"]

log = logging.getLogger(__name__)

LOOK_S = 5.0
AT_ONCE = 200
"""Orders of each state that are looked at in one round."""
VISIT_ID_MAX = 80


class _Skipped(Protocol):
    @property
    def code(self) -> str: ...


class _Planned(Protocol):
    @property
    def visits(self) -> tuple[Visit, ...]: ...

    @property
    def skipped(self) -> Sequence[_Skipped]: ...


class Planner(Protocol):
    """Who plans visits (cti.control.visit_desk)."""

    async def plan(self, order_ids: Sequence[str], *, after: float | None, by: str) -> _Planned: ...


VisitsOf = Callable[[Sequence[str]], Awaitable[Mapping[str, tuple[KeptVisit, ...]]]]
"""Visits of these orders, oldest first (cti.visit_store)."""


class AnswerRounds:
    """Looks every few seconds; see the module."""

    def __init__(
        self,
        engine: AsyncEngine,
        store: OrderStore,
        *,
        policy: Callable[[], AnswerPolicy],
        planner: Planner,
        visits_of: VisitsOf,
        robot: bool,
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.time,
        look_s: float = LOOK_S,
    ) -> None:
        """`robot`: planned visits are made by themselves (visits.enabled)."""
        self._engine = engine
        self._store = store
        self._policy = policy
        self._planner = planner
        self._visits_of = visits_of
        self._robot = robot
        self._leads = leads
        self._clock = clock
        self._look_s = look_s
        self._after: dict[CourseState, tuple[float, str]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="answers")

    async def stop(self) -> None:
        """Stop; what is half done is done by the next round of whoever leads."""
        await end(self._task)

    async def look(self) -> int:
        """Do what is due, as far as one round goes; return how many steps were made."""
        policy, now = self._policy(), self._clock()
        made = 0
        for state, latest in looked_at(policy, now).items():
            for order in await self._page(state, latest):
                course = order.draft.course
                step = None if course is None else due_step(course, policy, now)
                if course is not None and step is not None:
                    made += await self._take(step, order, course, policy)
        return made

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            if not self._leads():
                continue
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("answers wait for the database", extra={"reason": type(error).__name__})
            except Exception as error:  # one order must not end the round of all others
                log.error("looking after answers failed", extra={"site": fault_site(error)})

    async def _page(self, state: CourseState, latest: float) -> Sequence[Order]:
        """Return the next orders of a state, from the oldest on; at the end it begins again."""
        query = select(orders).where(orders.c.course_state == state.value, orders.c.course_since <= latest)
        after = self._after.pop(state, None)
        if after is not None:
            query = query.where(tuple_(orders.c.course_since, orders.c.id) > after)
        query = query.order_by(orders.c.course_since, orders.c.id).limit(AT_ONCE)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        if len(rows) == AT_ONCE:
            self._after[state] = (rows[-1].course_since, rows[-1].id)
        return self._store.unreadable.orders(rows)

    # ------------------------------------------------------------ one order

    async def _take(self, step: Step, order: Order, course: Course, policy: AnswerPolicy) -> bool:
        """Make one step; False when it could not be made now."""
        draft = order.draft
        try:
            event, name = await self._event(step, order, course, policy)
            if event is None:
                return False
            event_id = f"{name}:{draft.order_id}"
            await self._store.apply(draft.order_id, event, event_id=event_id, seen=draft.version)
        except OrderError as error:  # somebody was quicker, or a rule forbids it
            log.info("step not made", extra={"step": step.value, "reason": type(error).__name__})
            return False
        return True

    async def _event(
        self, step: Step, order: Order, course: Course, policy: AnswerPolicy
    ) -> tuple[CourseEvent | None, str]:
        """Return the event and the beginning of its id; None when it has to wait."""
        if step is Step.VISIT:
            visit_id = await self._visit(order, course, policy)
            name = f"visit:{course.round}"
            return (VisitPlanned(visit_id=visit_id, by=SYSTEM) if visit_id else None), name
        if step is Step.REDO:
            return event_of(step, course), f"redo:{course.round}"
        name = f"{step.value}:{order.draft.version}"
        if step is Step.CLOSE_UNRATED:
            why = await self._unasked(order, course)
            return (None if why is None else closing(why, policy)), name
        return event_of(step, course), name

    async def _visit(self, order: Order, course: Course, policy: AnswerPolicy) -> str:
        """Plan a visit and return its id, or one that says why a person has to ask; "" to wait."""
        order_id = order.draft.order_id
        secret = value_of(order.draft, OrderField.SECRECY) == CONFIDENTIAL
        if secret and not policy.visit.confidential:
            return _named(Unasked.CONFIDENTIAL, course, order_id)
        planned = await self._planner.plan([order_id], after=None, by=SYSTEM)
        if planned.visits:
            return planned.visits[0].visit_id
        code = planned.skipped[0].code if planned.skipped else ""
        if code == "open":  # planned by a person, or by a round that was torn before it was written down
            kept = [one.visit for one in (await self._visits_of([order_id])).get(order_id, ())]
            return next((visit.visit_id for visit in reversed(kept) if visit.open), "")
        if code in (Unasked.NO_NUMBER.value, Unasked.TEXT_ONLY.value):
            return _named(Unasked(code), course, order_id)
        return ""

    async def _unasked(self, order: Order, course: Course) -> Unasked | None:
        """Why the citizen has said nothing; None while the robot is about to ask."""
        order_id = order.draft.order_id
        kept = [one.visit for one in (await self._visits_of([order_id])).get(order_id, ())]
        if self._robot and any(visit.open for visit in kept):
            return None
        return why_unasked(course, kept)


def _named(why: Unasked, course: Course, order_id: str) -> str:
    return f"{why.value}-{course.round}-{order_id}"[:VISIT_ID_MAX]
