"""The router at work: events go in, its decisions are carried out and kept in the live state."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from acd.errors import RouterError
from acd.messages import (
    AgentChanged,
    AgentRecord,
    Changes,
    Decision,
    Event,
    Offer,
    OfferWithdrawn,
    PlaceChanged,
    QueueState,
    Tick,
    WaitingRecord,
)
from acd.policy import Policy
from acd.router import Router
from cti.faults import fault_site
from cti.tasks import end

Clock = Callable[[], float]
TICK_S = 0.5

log = logging.getLogger(__name__)


class LiveState(Protocol):
    """Where the router's state is kept beside the memory (acd.store.LiveState)."""

    def save(self, changes: Changes) -> None:
        """Write these behind the router's back, together; never blocks, never raises."""


class Hands(Protocol):
    """Who carries decisions out (cti.control.floor)."""

    def ring(self, offer: Offer) -> None:
        """Ring this agent for this call."""

    def stop_ringing(self, withdrawn: OfferWithdrawn) -> None:
        """Stop ringing this agent."""

    def agent_changed(self, changed: AgentChanged) -> None:
        """Tell the agent's page, the journal and the native queue."""

    def place_changed(self, place: PlaceChanged) -> None:
        """Remember the caller's place in line for the next announcement."""


class Dispatch:
    """Feeds the router. `tell` is synchronous: when it returns, every decision has been handed on."""

    def __init__(self, router: Router, live: LiveState, clock: Clock = time.time) -> None:
        self._router = router
        self._live = live
        self._now = clock
        self._hands: Hands | None = None
        self._pending: list[Event] = []
        self._telling = False
        self._ticking: asyncio.Task[None] | None = None

    def attach(self, hands: Hands) -> None:
        """Name who carries decisions out; once, before the first event."""
        self._hands = hands

    def tell(self, event: Event) -> None:
        """Hand one event to the router and carry its decisions out.

        A decision that causes another event (a ring that fails at once) is told after the present one.
        An event that the router refuses is logged with its kind; the caller's call is not lost by it.
        """
        self._pending.append(event)
        if self._telling:
            return
        self._telling = True
        try:
            while self._pending:
                self._tell_one(self._pending.pop(0))
        finally:
            self._telling = False

    def start(self) -> None:
        """Begin to tick."""
        self._ticking = asyncio.create_task(self._tick(), name="router-tick")

    async def stop(self) -> None:
        """Stop ticking."""
        await end(self._ticking)

    def restore(self, agents: Sequence[AgentRecord], waiting: Sequence[WaitingRecord]) -> None:
        """Take over what a former server kept, and carry out what follows from it. Raises RouterError."""
        decisions = self._router.restore(agents, waiting, self._now())
        if changes := self._router.take_changes():
            self._live.save(changes)
        for decision in decisions:
            self._carry_out(decision)

    # ------------------------------------------------------------ what the router knows

    @property
    def policy(self) -> Policy:
        """The routing policy in force."""
        return self._router.policy

    def agent(self, agent_id: str) -> AgentRecord | None:
        """One signed-in agent, or None."""
        return self._router.agent(agent_id)

    def waiting(self, call_id: str) -> WaitingRecord | None:
        """One call in line or ringing, or None."""
        return self._router.waiting(call_id)

    def talking_with(self, call_id: str) -> str | None:
        """The agent who talks on this call, or None."""
        return self._router.talking_with(call_id)

    def queue_states(self) -> tuple[QueueState, ...]:
        """Every queue of the policy, in its order."""
        return self._router.queue_states()

    def snapshot(self) -> tuple[tuple[AgentRecord, ...], tuple[WaitingRecord, ...]]:
        """All agents and all waiting calls."""
        return self._router.snapshot()

    # ------------------------------------------------------------ inside

    def _tell_one(self, event: Event) -> None:
        try:
            decisions = self._router.handle(event, self._now())
        except RouterError as error:
            log.error(
                "router refused an event", extra={"event_kind": type(event).__name__, "reason": str(error)}
            )
            return
        if changes := self._router.take_changes():
            self._live.save(changes)
        for decision in decisions:
            self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> None:
        """A decision that fails must not take those after it along, nor the clock that ends every wrap-up."""
        if self._hands is None:
            return
        try:
            self._hand_on(decision, self._hands)
        except Exception as error:
            log.error(
                "decision not carried out",
                extra={"decision": type(decision).__name__, "site": fault_site(error)},
            )

    @staticmethod
    def _hand_on(decision: Decision, hands: Hands) -> None:
        match decision:
            case Offer():
                hands.ring(decision)
            case OfferWithdrawn():
                hands.stop_ringing(decision)
            case AgentChanged():
                hands.agent_changed(decision)
            case PlaceChanged():
                hands.place_changed(decision)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self.tell(Tick())
            except Exception as error:  # without ticks no wrap-up and no ring would end any more
                log.error("router failed at a tick", extra={"site": fault_site(error)})
