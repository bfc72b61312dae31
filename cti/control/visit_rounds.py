"""Whom the robot calls now: due visits, as many as inbound calls leave room for; and what restarts tore."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from acd.callbacks import Result as Dialled
from cti.ami import AmiError
from cti.call_records import CallRecord
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.control.visit_policies import VisitPolicies
from cti.control.visit_torn import TornVisits
from cti.control.visits import VISIT_VARIABLE, VisitCall, Visits, written
from cti.faults import fault_site
from cti.tasks import end
from cti.visit_records import KeptVisit, VisitSwitch
from orders import visits as life
from orders.course_messages import CourseState
from orders.errors import OrderError
from orders.fields import TEXT_ONLY
from orders.lifecycle import value_of
from orders.messages import OrderField
from orders.records import Order
from orders.visit_load import LoadNow, calls_to_start
from orders.visits import Result, Visit, VisitState

__all__ = ["RoundsStore", "VisitRounds"]

log = logging.getLogger(__name__)

S = VisitState
LOOK_S = 1.0
POLICY_S = 2.0
"""How often the policy file is looked at."""
READ_S = 5.0
DUE_READ = 50
"""Due visits that are looked at in one round."""
BUSY_S = 1800.0
"""A citizen who is on the line with us is not visited for so long."""
AGAIN_S = 300.0
"""Nobody could tell whether a citizen may be called: another look so late."""
CLAIM_MARGIN_S = 15.0
_NOBODY_ASKS = frozenset({CourseState.MERGED, CourseState.WITHDRAWN, CourseState.ARCHIVED})
"""What has become of an order since, so that its citizen is not asked about it."""

RESULTS: Mapping[Dialled, Result] = {
    Dialled.BUSY: Result.BUSY,
    Dialled.NO_ANSWER: Result.NO_ANSWER,
    Dialled.REFUSED: Result.REFUSED,
    Dialled.INVALID: Result.UNREACHABLE,
    Dialled.FAILED: Result.FAILED,
    Dialled.LOST: Result.FAILED,
}


class DialsCitizens(Protocol):
    """Who rings citizens (cti.control.callback_dialling.Dialler)."""

    def any_node(self) -> str | None: ...

    def new_call_id(self, node: str) -> str: ...

    async def ring(
        self, number: str, call_id: str, seconds: float, variables: Mapping[str, str]
    ) -> Dialled | None: ...

    async def channels_in_use(self) -> int: ...

    async def alive(self, call_id: str) -> bool: ...


class RoundsStore(Protocol):
    """What is read of visits (cti.visit_store.VisitStore)."""

    async def due(self, now: float, most: int) -> Sequence[KeptVisit]: ...

    async def active(self) -> Sequence[KeptVisit]: ...

    async def switch(self) -> VisitSwitch: ...


class VisitRounds:
    """Looks once a second, on the one server that leads."""

    def __init__(
        self,
        *,
        visits: Visits,
        policies: VisitPolicies,
        calls: Calls,
        dispatch: Dispatch,
        dialler: DialsCitizens,
        store: RoundsStore,
        order: Callable[[str], Awaitable[Order]],
        call_record: Callable[[str], Awaitable[CallRecord | None]],
        blocked: Callable[[str], Awaitable[bool]],
        read_number: Callable[[str], str],
        claim: Callable[[str, float], Awaitable[bool]],
        leads: Callable[[], bool],
        able: Callable[[], bool],
        beside: Callable[[Coroutine[Any, Any, None], str, str], None],
    ) -> None:
        """`claim` gives this server alone the right to dial a visit for some seconds; `able` whether the
        flow that asks is there; `beside` runs work nobody waits for.
        """
        self._visits = visits
        self._book = visits.book
        self._policies = policies
        self._calls = calls
        self._dispatch = dispatch
        self._dialler = dialler
        self._store = store
        self._order = order
        self._torn = TornVisits(visits=visits, calls=calls, alive=dialler.alive, call_record=call_record)
        self._blocked = blocked
        self._read_number = read_number
        self._claim = claim
        self._leads = leads
        self._able = able
        self._beside = beside
        self._ringing: set[str] = set()
        self._policy_at = -math.inf  # monotonic
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._keep_looking(), name="visits")

    async def stop(self) -> None:
        """Stop looking; visits that talk go on."""
        await end(self._task)

    async def look(self) -> None:
        """See to torn visits, and begin as many due ones as there is room for."""
        if asyncio.get_running_loop().time() >= self._policy_at:
            self._policy_at = asyncio.get_running_loop().time() + POLICY_S
            await self._policies.look()
        self._book.prune()
        if not self._leads():
            return
        now = self._calls.now()
        async with asyncio.timeout(READ_S):
            stored = [self._book.newest(kept).visit for kept in await self._store.active()]
        own = [visit for visit in self._book if visit.state in (S.DIALLING, S.TALKING)]
        active = {
            visit.visit_id: visit for visit in (*stored, *own) if visit.state in (S.DIALLING, S.TALKING)
        }
        self._calls.metrics.visits_running.set(len(active))
        for visit in active.values():
            if visit.visit_id not in self._ringing:
                await self._torn.see_through(visit, now)
        policy = self._policies.policy
        if not policy.open_at(now) or not self._able():
            return
        async with asyncio.timeout(READ_S):
            if (await self._store.switch()).paused:
                return
            due = [self._book.newest(kept).visit for kept in await self._store.due(now, DUE_READ)]
        due = [visit for visit in due if visit.state in (S.PLANNED, S.DUE) and visit.due_at <= now]
        if not due:
            return
        robots = sum(not self._with_person(visit) for visit in active.values())
        room = calls_to_start(await self._load(robots, now), policy.load)
        for visit in due:
            if policy.expires(visit.planned_at, now):
                self._book.keep("expired", life.expired(visit, now))
                continue
            if visit.state is S.PLANNED:
                visit = self._book.keep("came_due", life.came_due(visit, now))
            if room > 0 and await self._begin(visit, now):
                room -= 1

    # ------------------------------------------------------------ room

    def _with_person(self, visit: Visit) -> bool:
        """Whether a person has taken the citizen over: that is no robot call any more."""
        call = self._calls.find(visit.call_id)
        return call is not None and call.answered is not None

    async def _load(self, robots: int, now: float) -> LoadNow:
        policy = self._dispatch.policy
        states = {state.queue: state for state in self._dispatch.queue_states()}
        seats = states.get(policy.default_queue)
        in_line = [
            record
            for record in self._dispatch.snapshot()[1]
            if not record.callback and record.offered_to is None
        ]
        oldest = min((record.since for record in in_line), default=now)
        counted = self._policies.policy.load.trunk_channels
        return LoadNow(
            agents_ready=seats.agents_ready if seats is not None else 0,
            waiting=len(in_line),
            longest_wait_s=max(0.0, now - oldest),
            robots=robots,
            trunk_in_use=await self._dialler.channels_in_use() if counted else 0,
        )

    # ------------------------------------------------------------ one call

    async def _begin(self, visit: Visit, now: float) -> bool:
        """Call a citizen; False when it is not to be done now."""
        node = self._dialler.any_node()
        if node is None:
            return False
        on_the_line = {self._read_number(call.caller) for call in self._calls if call.ended is None}
        if visit.number in on_the_line:
            self._put_off(visit, now + BUSY_S)
            return False
        if await self._forbidden(visit, now):
            return False
        order = await self._order_of(visit)
        if order is None:
            self._put_off(visit, now + AGAIN_S)
            return False
        course = order.draft.course
        if course is not None and course.state in _NOBODY_ASKS:
            self._book.keep("cancelled", life.cancelled(visit, course.state.value, "system", now))
            return False
        if value_of(order.draft, OrderField.CONTACT_BY) == TEXT_ONLY:  # the wish may be younger than the plan
            self._book.keep("cancelled", life.cancelled(visit, "text_only", "system", now))
            return False
        if not await self._claim(visit.visit_id, self._policies.policy.ring_s + CLAIM_MARGIN_S):
            return False
        call_id = self._dialler.new_call_id(node)
        visit = self._book.keep("dialled", life.dialled(visit, call_id, now))
        visited = VisitCall(
            visit_id=visit.visit_id,
            order_id=visit.order_id,
            order_number=visit.order_number,
            number=visit.number,
            case_owner=order.agent,
        )
        self._ringing.add(visit.visit_id)
        self._beside(self._ring(visit, visited), "visiting a citizen", call_id)
        return True

    async def _ring(self, visit: Visit, visited: VisitCall) -> None:
        try:
            result = await self._dialler.ring(
                visit.number,
                visit.call_id,
                self._policies.policy.ring_s,
                {VISIT_VARIABLE: written(visited)},
            )
        except AmiError as error:  # the telephone may ring on: a later round finds out
            log.warning("visit not seen to its end", extra={"reason": type(error).__name__})
            return
        finally:
            self._ringing.discard(visit.visit_id)
        current = self._book.find(visit.visit_id)
        if result is None or current is None or current.call_id != visit.call_id:
            return  # answered: the call has come to a server
        if current.state is S.DIALLING:
            heard = RESULTS[result]
            after = life.unreached(current, heard, self._policies.policy, self._calls.now())
            self._book.keep("unreached", after)
            self._calls.metrics.visits.labels(result=heard.value).inc()

    async def _order_of(self, visit: Visit) -> Order | None:
        """The order as it stands; None while nobody can tell how its citizen wishes to be reached."""
        try:
            async with asyncio.timeout(READ_S):
                return await self._order(visit.order_id)
        except (SQLAlchemyError, OSError, TimeoutError, OrderError) as error:
            log.warning("order of a visit not read", extra={"reason": type(error).__name__})
            return None

    async def _forbidden(self, visit: Visit, now: float) -> bool:
        """Whether nobody may be called there; then it is cancelled, or put off while nobody can tell."""
        try:
            async with asyncio.timeout(READ_S):
                blocked = await self._blocked(visit.number)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("blocked numbers not asked", extra={"reason": type(error).__name__})
            self._put_off(visit, now + AGAIN_S)
            return True
        if blocked:
            self._book.keep("cancelled", life.cancelled(visit, "blocked", "system", now))
        return blocked

    def _put_off(self, visit: Visit, until: float) -> None:
        due_at = self._policies.policy.next_hours(until)
        self._book.keep("put_off", life.put_off(visit, due_at, self._calls.now()))

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("visits not read", extra={"reason": type(error).__name__})
            except Exception as error:  # one visit must not end those of all others
                log.error("looking after visits failed", extra={"site": fault_site(error)})
