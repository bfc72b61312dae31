"""A day of calls against the real router, in simulated time.

The world around the router is played: calls come at their times, agents come and go, a phone rings for as
long as the call says and is answered, talk and wrap-up last as the call says, callers hang up when their
patience is over. Nothing sleeps; the clock jumps from event to event. Everything that differs from call to
call is fixed in the call before the run, so two policies meet the same callers.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

from acd.errors import InvalidValue
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentChanged,
    AgentSignedIn,
    AgentSignedOut,
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    Decision,
    Event,
    NotReadyReason,
    Offer,
    OfferAnswered,
    OfferWithdrawn,
    SentAway,
    Tick,
    WrapUpFinished,
)
from acd.policy import Policy
from acd.router import Router

__all__ = ["Run", "Shift", "SimCall", "Spell", "Told", "simulate"]

LONGEST_S = 6 * 3600.0
"""So long after the last call came, calls that still wait count as never answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimCall:
    """One call, with all that chance decides about it."""

    call_id: str  # unique in the run
    at: float  # begins to wait for a person
    queue: str  # the policy's
    talk_s: float  # seconds of talk, when answered
    ring_s: float = 0.0  # seconds from the offer to the answer
    wrap_up_s: float | None = None  # seconds of wrap-up, at most the policy's limit; None: until the limit
    patience_s: float | None = None  # hangs up after so many seconds without an answer; None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One agent's presence; an agent may have several, one after another."""

    agent_id: str  # who
    at: float  # takes calls from then on
    until: float  # takes no more calls from then on; a call in progress is finished
    skills: Mapping[str, int]  # skill -> level


@dataclass(slots=True, kw_only=True)
class Told:
    """What became of one call."""

    call: SimCall
    answered: float | None = None  # when a person answered
    agent_id: str | None = None  # who
    left: float | None = None  # when the caller hung up, or was sent to another centre
    sent_away: bool = False  # to another centre
    rings: int = 0  # phones that rang

    @property
    def waited_s(self) -> float | None:
        """Seconds until answer or leaving; None for a call that still waited at the end."""
        end = self.answered if self.answered is not None else self.left
        return None if end is None else end - self.call.at


@dataclass(frozen=True, slots=True)
class Spell:
    """A time that some signed-in agent spent in one state."""

    state: AgentState
    since: float
    until: float


@dataclass(slots=True, kw_only=True)
class Run:
    """A finished simulation."""

    calls: list[Told]  # in the order of coming
    spells: list[Spell]  # of all agents
    events: int = 0  # that the router took
    decisions: int = 0  # that it made


Watch = Callable[[Decision, float], None]
"""Is shown every decision and its time."""


def simulate(
    policy: Policy,
    calls: Iterable[SimCall],
    shifts: Iterable[Shift],
    *,
    end: float = 0.0,
    watch: Watch | None = None,
) -> Run:
    """Play all calls and shifts against a router under `policy`, at least until `end`.

    Rules: an agent whose shift is over finishes call and wrap-up first. An agent who missed a ring (because
    the call's ring is longer than the policy's limit) is ready again at once. A wrap-up ends when the call
    says, or at the policy's limit. A call-back that the router asks for is not played.

    Raises:
        InvalidValue: a call id comes twice.
        RouterError: a call or a shift names what the policy does not have.
    """
    world = _World(Router(policy), watch)
    ordered = sorted(calls, key=lambda call: call.at)
    for call in ordered:
        if call.call_id in world.told:
            raise InvalidValue("call_id", call.call_id, "give each call an id of its own")
        world.told[call.call_id] = Told(call=call)
        world.plan(call.at, world.comes, call)
    for shift in shifts:
        world.plan(shift.at, world.on_duty, shift)
        world.plan(shift.until, world.off_duty, shift)
    world.play(end, max(end, ordered[-1].at if ordered else 0.0) + LONGEST_S)
    return Run(
        calls=list(world.told.values()), spells=world.spells, events=world.events, decisions=world.decisions
    )


@dataclass(slots=True)
class _Agent:
    skills: Mapping[str, int]
    wanted: bool = True  # on duty, as the shifts say
    state: AgentState = AgentState.OFFLINE
    since: float = 0.0
    call_id: str | None = None


@dataclass(slots=True)
class _World:
    router: Router
    watch: Watch | None
    told: dict[str, Told] = field(default_factory=dict)
    spells: list[Spell] = field(default_factory=list)
    events: int = 0
    decisions: int = 0
    now: float = 0.0
    open: int = 0  # calls that did not end yet
    agents: dict[str, _Agent] = field(default_factory=dict)
    ringing: dict[str, tuple[str, int]] = field(default_factory=dict)  # call -> at whom, which ring
    coming: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)

    # ------------------------------------------------------------ the clock

    def plan(self, at: float, happens: Callable[..., None], *what: object) -> None:
        """Let something happen; at equal times the order of planning counts."""
        heapq.heappush(self.coming, (at, next(self.numbers), happens, what))

    def play(self, end: float, until: float) -> None:
        """Let everything happen to the `end` and until all calls are over, at most `until` then."""
        self.open = len(self.told)
        ticked: float | None = None  # a deadline that stays after its tick must not stop the clock
        while True:
            due = self.router.next_deadline()
            tick = math.inf if due is None or due == ticked else due
            event = self.coming[0][0] if self.coming else math.inf
            upto = until if self.open else end
            if min(tick, event) > upto or min(tick, event) == math.inf:
                break
            if tick <= event:
                ticked = tick
                self.now = max(self.now, tick)
                self.tell(Tick())
            else:
                ticked = None
                self.now, _, happens, what = heapq.heappop(self.coming)
                happens(*what)
        self.now = max(self.now, end)
        for agent in self.agents.values():
            self.note(agent, AgentState.OFFLINE)

    def tell(self, event: Event) -> None:
        """Tell the router, and carry out what it decides and what follows from that."""
        pending: deque[Event] = deque((event,))
        while pending:
            self.events += 1
            for decision in self.router.handle(pending.popleft(), self.now):
                self.decisions += 1
                if self.watch is not None:
                    self.watch(decision, self.now)
                if isinstance(decision, AgentChanged):
                    self.agent_changed(decision, pending)
                elif isinstance(decision, Offer):
                    self.offered(decision)
                elif isinstance(decision, OfferWithdrawn):
                    self.ringing.pop(decision.call_id, None)
                elif isinstance(decision, SentAway):
                    told = self.told[decision.call_id]
                    told.left, told.sent_away = self.now, True
                    self.open -= 1

    # ------------------------------------------------------------ callers

    def comes(self, call: SimCall) -> None:
        self.tell(CallQueued(call_id=call.call_id, queue=call.queue, needs={}, since=call.at))
        if call.patience_s is not None:
            self.plan(call.at + call.patience_s, self.hangs_up, call)

    def hangs_up(self, call: SimCall) -> None:
        told = self.told[call.call_id]
        if told.answered is None and told.left is None:
            told.left = self.now
            self.ringing.pop(call.call_id, None)
            self.open -= 1
            self.tell(CallLeft(call_id=call.call_id))

    # ------------------------------------------------------------ phones

    def offered(self, offer: Offer) -> None:
        told = self.told[offer.call_id]
        told.rings += 1
        ring = next(self.numbers)
        self.ringing[offer.call_id] = (offer.agent_id, ring)
        self.plan(self.now + told.call.ring_s, self.answers, told, ring)

    def answers(self, told: Told, ring: int) -> None:
        call_id = told.call.call_id
        agent_id, present = self.ringing.get(call_id, ("", -1))
        if present != ring:
            return
        del self.ringing[call_id]
        told.answered, told.agent_id = self.now, agent_id
        self.plan(self.now + told.call.talk_s, self.talked, told)
        self.tell(OfferAnswered(call_id=call_id, agent_id=agent_id))

    def talked(self, told: Told) -> None:
        self.open -= 1
        agent_id, call = told.agent_id or "", told.call
        self.tell(CallEnded(call_id=call.call_id, agent_id=agent_id))
        if call.wrap_up_s is not None:
            self.plan(self.now + call.wrap_up_s, self.written_up, agent_id, call.call_id)

    def written_up(self, agent_id: str, call_id: str) -> None:
        agent = self.agents[agent_id]
        if agent.state is AgentState.WRAP_UP and agent.call_id == call_id:
            self.tell(WrapUpFinished(agent_id=agent_id))

    # ------------------------------------------------------------ agents

    def on_duty(self, shift: Shift) -> None:
        agent = self.agents.setdefault(shift.agent_id, _Agent(shift.skills))
        agent.wanted = True
        if agent.state is AgentState.OFFLINE:
            agent.skills = shift.skills
            self.tell(AgentSignedIn(agent_id=shift.agent_id, skills=shift.skills, auto_ready=True))
        elif agent.state in (AgentState.RINGING, AgentState.TALKING):
            self.tell(AgentBecameReady(agent_id=shift.agent_id))
        # who still writes up is asked when that is over, see agent_changed

    def off_duty(self, shift: Shift) -> None:
        agent = self.agents[shift.agent_id]
        agent.wanted = False
        if agent.state is not AgentState.OFFLINE:
            self.tell(AgentBecameNotReady(agent_id=shift.agent_id, reason=NotReadyReason.OTHER))

    def agent_changed(self, changed: AgentChanged, pending: deque[Event]) -> None:
        agent = self.agents[changed.agent_id]
        self.note(agent, changed.state)
        agent.call_id = changed.call_id
        if changed.state is AgentState.NOT_READY:
            event = AgentBecameReady if agent.wanted else AgentSignedOut
            pending.append(event(agent_id=changed.agent_id))

    def note(self, agent: _Agent, state: AgentState) -> None:
        if agent.state is not AgentState.OFFLINE and self.now > agent.since:
            self.spells.append(Spell(agent.state, agent.since, self.now))
        agent.state, agent.since = state, self.now
