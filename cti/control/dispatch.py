"""The router at work: events go in, its decisions are carried out and kept in the live state.

With one server the router is this one's own. With several the line is common (`acd.cluster.Member`): events
go to the member that leads, and what it decides about this server's calls and agents is carried out here.
Whoever tells or asks does not see the difference.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from acd.cluster import Member, Mode
from acd.cluster_messages import AgentClaimed
from acd.cluster_mirror import View
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
    SentAway,
    Staffed,
    Tick,
    WaitingRecord,
)
from acd.policy import Policy
from acd.router import Router
from acd.staffed import joined
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

    def send_away(self, sent: SentAway) -> None:
        """Connect the caller, who has left the line, with another centre."""


class Dispatch:
    """Feeds the router. `tell` is synchronous: it waits for nobody, and when it returns, every decision that
    was made here has been handed on. At a follower the leader's decisions come some milliseconds later."""

    def __init__(
        self, router: Router, live: LiveState, clock: Clock = time.time, *, member: Member | None = None
    ) -> None:
        """`member`: this server's part in a common line; None: `router` decides alone."""
        self._now = clock
        self._hands: Hands | None = None
        self._pending: deque[Callable[[], list[Decision]]] = deque()
        self._telling = False
        self._ticking: asyncio.Task[None] | None = None
        self._member = member or Member("", router, clock=clock, mono=time.monotonic, save=live.save)
        self.on_outgoing: Callable[[], None] = lambda: None  # there is something to be sent to other members

    def attach(self, hands: Hands) -> None:
        """Name who carries decisions out; once, before the first event."""
        self._hands = hands

    def tell(self, event: Event) -> None:
        """Hand one event to the router and carry its decisions out.

        A decision that causes another event (a ring that fails at once) is told after the present one.
        An event that the router refuses is logged with its kind; the caller's call is not lost by it.
        """
        self.run(lambda: self._member.tell(event))

    def claim(self, agent_id: str) -> None:
        """The agent's page is at this server now, wherever it was; what they do stays as it is."""
        if not self._member.has_agent(agent_id):
            self.run(lambda: self._member.tell(AgentClaimed(agent_id=agent_id)))

    def run(self, step: Callable[[], list[Decision]]) -> None:
        """Let the member take something, and carry its decisions out; after whatever is being told now."""
        self._pending.append(step)
        if self._telling:
            return
        self._telling = True
        try:
            while self._pending:
                for decision in self._pending.popleft()():
                    self._carry_out(decision)
        finally:
            self._telling = False
        if self._member.up or self._member.down:
            self.on_outgoing()

    def start(self) -> None:
        """Begin to tick."""
        self._ticking = asyncio.create_task(self._tick(), name="router-tick")

    async def stop(self) -> None:
        """Stop ticking."""
        await end(self._ticking)

    def enter(self, agents: Sequence[AgentRecord], waiting: Sequence[WaitingRecord]) -> None:
        """Take part in a common line, of which this was stored last; see `cti.control.cluster`."""
        self._member.enter(View.of(agents, waiting))

    # ------------------------------------------------------------ the common line

    @property
    def member(self) -> Member:
        """This server's part in the line."""
        return self._member

    @property
    def mode(self) -> Mode:
        """Leader, follower or island."""
        return self._member.mode

    @property
    def others(self) -> bool:
        """Whether other servers take part in the line now."""
        return self._member.others

    def has_agent(self, agent_id: str) -> bool:
        """Whether the agent's page is at this server, as far as the line knows."""
        return self._member.alone or self._member.has_agent(agent_id)

    def cares_for(self, agent_id: str) -> bool:
        """Whether this server journals what the agent does and keeps Asterisk's queue for them."""
        return self._member.cares_for(agent_id)

    def nobodys(self, call_id: str) -> bool:
        """Whether the server of this call is gone and this one, which leads, answers for it."""
        return self._member.nobodys(call_id)

    # ------------------------------------------------------------ what the router knows

    @property
    def policy(self) -> Policy:
        """The routing policy in force."""
        return self._member.policy

    def use_policy(self, policy: Policy) -> None:
        """Route under another policy from now on; whoever waits, rings or talks goes on doing so.

        Raises RouterError when the line cannot go on under it; then the one before stays in force.
        """
        self.run(lambda: self._member.use_policy(policy))

    def agent(self, agent_id: str) -> AgentRecord | None:
        """One signed-in agent, or None."""
        return self._member.agent(agent_id)

    def waiting(self, call_id: str) -> WaitingRecord | None:
        """One call in line or ringing, or None."""
        return self._member.waiting(call_id)

    def talking_with(self, call_id: str) -> str | None:
        """The agent who talks on this call, or None."""
        return self._member.talking_with(call_id)

    def queue_states(self) -> tuple[QueueState, ...]:
        """Every queue of the policy, in its order."""
        return self._member.queue_states()

    def staffed(self, queue: str, needs: Mapping[str, int]) -> Staffed:
        """How many agents could take a call of this queue with these needs now."""
        usual = next((one.needs for one in self.policy.queues if one.name == queue), {})
        return self._member.staffed(joined(usual, needs))

    def snapshot(self) -> tuple[tuple[AgentRecord, ...], tuple[WaitingRecord, ...]]:
        """All agents and all waiting calls."""
        view = self._member.view()
        return tuple(view.agents.values()), tuple(view.waiting.values())

    # ------------------------------------------------------------ inside

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
            case SentAway():
                hands.send_away(decision)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self.tell(Tick())
            except Exception as error:  # without ticks no wrap-up and no ring would end any more
                log.error("router failed at a tick", extra={"site": fault_site(error)})
