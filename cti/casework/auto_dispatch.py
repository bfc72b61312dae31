"""Dispatches accepted orders without a person, where the city switched that on (自动派单).

Orders are read from the database, so that a restart forgets none; only the leader does it, and two servers
that both think they lead store the same event under the same id, once. What is to be looked at by a clerk is
written down before the dispatch happens.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from cti.casework.dispatch_policies import DispatchPolicies
from cti.faults import fault_site
from cti.tasks import end
from orders.auto_dispatch import Auto, Left, candidate, decide
from orders.dispatch_policy import DispatchPolicy
from orders.dispatch_store import DispatchStore
from orders.errors import OrderError
from orders.messages import Draft, UnitAdvice
from orders.records import Order
from orders.store import OrderStore
from orders.unit_known import UnitNames

__all__ = ["Advise", "AutoDispatcher"]

log = logging.getLogger(__name__)

CHINA = ZoneInfo("Asia/Shanghai")
LOOK_S = 5.0
PORTION = 200
AGAIN_S = 600.0
"""What was not sure is thought over again after so long; units and history change."""

Advise = Callable[[Draft], Awaitable[Sequence[UnitAdvice]]]


class AutoDispatcher:
    """Looks for orders that may be dispatched, on the server that leads."""

    def __init__(
        self,
        store: OrderStore,
        kept: DispatchStore,
        policies: DispatchPolicies,
        *,
        advise: Advise,
        names: Callable[[], Awaitable[UnitNames]],
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`advise` suggests units for an order, `names` are those that exist."""
        self._store = store
        self._kept = kept
        self._policies = policies
        self._advise = advise
        self._names = names
        self._leads = leads
        self._now = clock
        self._thought: dict[str, tuple[int, DispatchPolicy, float]] = {}
        self._task: asyncio.Task[None] | None = None
        self.left: Mapping[Left, int] = {}  # why orders are left to people, as of the newest look

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._watch(), name="auto-dispatch")

    async def stop(self) -> None:
        """End; an order is dispatched whole or not at all."""
        await end(self._task)

    async def look(self) -> int:
        """Dispatch what may be dispatched now; return how many orders were."""
        policy = self._policies.policy
        if not self._leads() or not any(rule.auto for rule in policy.categories):
            self.left, self._thought = {}, {}
            return 0
        names = await self._names()
        left: Counter[Left] = Counter()
        thought: dict[str, tuple[int, DispatchPolicy, float]] = {}
        done, unreadable = 0, self._store.unreadable
        portion, after = await self._kept.accepted(after="", most=PORTION, unreadable=unreadable)
        while after:
            for order in portion:
                auto = await self._decided(order, policy, names, thought)
                if auto is None:
                    left[Left.UNSURE] += 1
                elif auto.left is not None:
                    left[auto.left] += 1
                elif self._leads() and await self._dispatch(order, auto):
                    done += 1
            portion, after = await self._kept.accepted(after=after, most=PORTION, unreadable=unreadable)
        self.left, self._thought = dict(left), thought
        if done:
            log.info("orders dispatched without a person", extra={"orders": done})
        await self._kept.forget_undone()
        return done

    async def _decided(
        self,
        order: Order,
        policy: DispatchPolicy,
        names: UnitNames,
        thought: dict[str, tuple[int, DispatchPolicy, float]],
    ) -> Auto | None:
        """What is done with the order; None: it was thought over not long ago, and nothing was sure."""
        draft, now = order.draft, self._now()
        minute = _minute(now)
        left = candidate(order, policy, minute)
        if isinstance(left, Left):
            return Auto(left=left)
        known = self._thought.get(draft.order_id)
        if (
            known is not None
            and known[0] == draft.version
            and known[1] is policy
            and now - known[2] < AGAIN_S
        ):
            thought[draft.order_id] = known
            return None
        advice = await self._advise(draft)
        auto = decide(order, advice, policy, names, minute)
        if auto.event is not None and auto.sampled:
            await self._kept.pick(order, auto, advice[0].reason)
        if auto.left is not None and advice:
            thought[draft.order_id] = (draft.version, policy, now)
        return auto

    async def _dispatch(self, order: Order, auto: Auto) -> bool:
        if auto.event is None:
            return False
        draft = order.draft
        try:
            await self._store.apply(draft.order_id, auto.event, seen=draft.version, event_id=auto.event_id)
        except OrderError as error:  # a person was faster, or a rule forbids it
            log.info(
                "order not dispatched without a person",
                extra={"order_id": draft.order_id, "reason": type(error).__name__},
            )
            return False
        return True

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("no automatic dispatch, database is away", extra={"reason": type(error).__name__})
            except Exception as error:  # one order that cannot be read must not end it
                log.error("automatic dispatch failed", extra={"site": fault_site(error)})
            await asyncio.sleep(LOOK_S)


def _minute(now: float) -> int:
    """Return the minute of the local day."""
    local = datetime.datetime.fromtimestamp(now, CHINA)
    return local.hour * 60 + local.minute
