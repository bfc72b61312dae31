"""Whatever happens in whatever order, the router keeps its promises."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from acd.errors import RouterError
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentChanged,
    AgentRecord,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    Decision,
    Event,
    NotReadyReason,
    Offer,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    PlaceChanged,
    TalkRestored,
    Tick,
    WaitingRecord,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.policy import Choice, Policy, QueuePolicy, Skill
from acd.router import Router

POLICY = Policy(
    skills=tuple(Skill(name=name, title=name) for name in ("general", "enterprise", "dialect")),
    queues=(
        QueuePolicy(name="general", title="综合", needs={"general": 1}, ring_limit_s=15, wrap_up_s=30),
        QueuePolicy(name="enterprise", title="企业", needs={"enterprise": 1}, wrap_up_s=0, priority=1),
        QueuePolicy(
            name="dialect", title="方言", needs={"dialect": 1}, wrap_up_s=5, choice=Choice.LONGEST_IDLE
        ),
    ),
    default_queue="general",
)
AGENTS = st.sampled_from(["li", "wang", "zhao", "sun"])
SKILLS = st.dictionaries(st.sampled_from(["general", "enterprise", "dialect"]), st.integers(1, 5))
QUEUES = st.sampled_from(["general", "enterprise", "dialect"])


def seen_outside(decisions: tuple[Decision, ...]) -> list[Decision]:
    """Decisions without places, which depend on what was told before a restart."""
    return [decision for decision in decisions if not isinstance(decision, PlaceChanged)]


class Centre(RuleBasedStateMachine):
    """A centre whose events are mostly sensible; a model beside it remembers who rings and who waits."""

    def __init__(self) -> None:
        super().__init__()
        self.router = Router(POLICY)
        self.now = 1_000.0
        self.calls = 0
        self.waiting: dict[str, CallQueued] = {}  # as the citizens see it, ringing ones included
        self.rings: dict[str, str] = {}  # call -> agent, as the telephones see it
        self.talks: dict[str, str] = {}
        self.stored_agents: dict[str, AgentRecord] = {}
        self.stored_waiting: dict[str, WaitingRecord] = {}

    def tell(self, event: Event) -> None:
        agents, waiting = self.router.snapshot()
        twin = Router(POLICY)
        assert not seen_outside(twin.restore(agents, waiting, self.now))
        for agent in agents:  # the only thing that a restart forgets: which endings are recent
            assert twin.agent(agent.agent_id) == agent
        try:
            decisions = self.router.handle(event, self.now)
        except RouterError:
            assert self.router.snapshot() == (agents, waiting), "a refused event must change nothing"
            raise
        if not isinstance(event, OfferAnswered | OfferMissed | CallLeft | CallEnded) or seen_outside(
            decisions
        ):
            try:
                again = twin.handle(event, self.now)
            except RouterError:
                assert all(isinstance(one, OfferWithdrawn) for one in decisions)
            else:
                assert seen_outside(again) == seen_outside(decisions)
        for decision in decisions:
            self.carry_out(decision)

    def carry_out(self, decision: Decision) -> None:
        match decision:
            case Offer(call_id=call_id, agent_id=agent_id):
                assert call_id not in self.rings, "a call was offered to two agents"
                assert agent_id not in self.rings.values(), "an agent was offered two calls"
                assert agent_id not in self.talks.values(), "an agent was rung while talking"
                assert call_id in self.waiting, "a call was offered that does not wait"
                self.rings[call_id] = agent_id
            case OfferWithdrawn(call_id=call_id, agent_id=agent_id):
                if self.rings.get(call_id) == agent_id:
                    del self.rings[call_id]
            case AgentChanged(agent_id=agent_id, state=state):
                record = self.router.agent(agent_id)
                assert state is AgentState.OFFLINE or record is not None

    def ids(self) -> set[str]:
        agents, _ = self.router.snapshot()
        return {agent.agent_id for agent in agents}

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 14.0, 20.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.tell(Tick())

    @rule(agent_id=AGENTS, skills=SKILLS, auto_ready=st.booleans())
    def sign_in(self, agent_id: str, skills: dict[str, int], auto_ready: bool) -> None:
        record = self.router.agent(agent_id)
        event = AgentSignedIn(agent_id=agent_id, skills=skills, auto_ready=auto_ready)
        if record is None or record.after is AgentState.OFFLINE:
            self.tell(event)
        elif record.reason is None and record.after_reason is None:
            try:
                self.tell(event)
            except RouterError:
                return
            raise AssertionError("signed in twice")

    @rule(agent_id=AGENTS)
    def sign_out(self, agent_id: str) -> None:
        if agent_id in self.ids():
            self.tell(AgentSignedOut(agent_id=agent_id))

    @rule(agent_id=AGENTS)
    def ready(self, agent_id: str) -> None:
        if agent_id in self.ids():
            self.tell(AgentBecameReady(agent_id=agent_id))

    @rule(agent_id=AGENTS, reason=st.sampled_from(NotReadyReason))
    def not_ready(self, agent_id: str, reason: NotReadyReason) -> None:
        if agent_id in self.ids():
            self.tell(AgentBecameNotReady(agent_id=agent_id, reason=reason))

    @rule(agent_id=AGENTS, skills=SKILLS)
    def learn(self, agent_id: str, skills: dict[str, int]) -> None:
        if agent_id in self.ids():
            self.tell(AgentSkillsChanged(agent_id=agent_id, skills=skills))

    @rule(agent_id=AGENTS, extend=st.sampled_from([None, 1.0, 60.0, 3600.0]))
    def wrap_up(self, agent_id: str, extend: float | None) -> None:
        if agent_id not in self.ids():
            return
        if extend is None:
            self.tell(WrapUpFinished(agent_id=agent_id))
        else:
            self.tell(WrapUpExtended(agent_id=agent_id, seconds=extend))

    @rule(
        queue=QUEUES,
        needs=SKILLS,
        priority=st.integers(-1, 2),
        waited=st.sampled_from([0.0, 10.0]),
        avoid=st.frozensets(AGENTS, max_size=2),
    )
    def call_comes(
        self, queue: str, needs: dict[str, int], priority: int, waited: float, avoid: frozenset[str]
    ) -> None:
        self.calls += 1
        event = CallQueued(
            call_id=f"c{self.calls:03}",
            queue=queue,
            needs=needs,
            priority=priority,
            since=self.now - waited,
            avoid=avoid,
        )
        self.waiting[event.call_id] = event
        self.tell(event)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def call_leaves(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[call_id]
        self.tell(CallLeft(call_id=call_id))
        assert call_id not in self.rings, "a phone rings for a citizen who is gone"

    @precondition(lambda self: self.rings)
    @rule(data=st.data())
    def agent_answers(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.rings)))
        agent_id = self.rings.pop(call_id)
        del self.waiting[call_id]
        self.talks[call_id] = agent_id
        self.tell(OfferAnswered(call_id=call_id, agent_id=agent_id))

    @precondition(lambda self: self.rings)
    @rule(
        data=st.data(),
        reason=st.sampled_from(
            [NotReadyReason.MISSED_RING, NotReadyReason.REFUSED, NotReadyReason.PHONE_LOST]
        ),
    )
    def agent_misses(self, data: st.DataObject, reason: NotReadyReason) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.rings)))
        agent_id = self.rings.pop(call_id)
        self.tell(OfferMissed(call_id=call_id, agent_id=agent_id, reason=reason))
        record = self.router.agent(agent_id)
        assert record is not None
        assert (record.state, record.reason) == (AgentState.NOT_READY, reason)

    @precondition(lambda self: self.talks)
    @rule(data=st.data(), late=st.booleans())
    def talk_ends(self, data: st.DataObject, late: bool) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.talks)))
        agent_id = self.talks.pop(call_id)
        self.tell(CallEnded(call_id=call_id, agent_id=agent_id))
        if late:
            self.tell(CallEnded(call_id=call_id, agent_id=agent_id))
            self.tell(CallLeft(call_id=call_id))

    @rule(agent_id=AGENTS, data=st.data())
    def talk_is_found(self, agent_id: str, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(sorted({*self.waiting, *self.talks, "native"})))
        self.talks = {call: who for call, who in self.talks.items() if who != agent_id}
        self.waiting.pop(call_id, None)
        if self.rings.get(call_id) == agent_id:
            del self.rings[call_id]
        self.talks[call_id] = agent_id
        self.tell(TalkRestored(call_id=call_id, agent_id=agent_id))

    @invariant()
    def no_call_is_lost(self) -> None:
        _, waiting = self.router.snapshot()
        assert {call.call_id for call in waiting} == set(self.waiting)
        for call_id, agent_id in self.talks.items():
            assert self.router.talking_with(call_id) == agent_id

    @invariant()
    def telephones_ring_as_the_router_says(self) -> None:
        agents, waiting = self.router.snapshot()
        offered = {call.call_id: call.offered_to for call in waiting if call.offered_to}
        ringing = {agent.call_id: agent.agent_id for agent in agents if agent.state is AgentState.RINGING}
        assert offered == ringing == self.rings

    @invariant()
    def nobody_waits_while_somebody_suitable_is_ready(self) -> None:
        agents, waiting = self.router.snapshot()
        ready = [agent for agent in agents if agent.state is AgentState.READY]
        for call in waiting:
            for agent in ready:
                suits = all(agent.skills.get(skill, 0) >= level for skill, level in call.needs.items())
                assert call.offered_to or not suits, f"{call} waits while {agent} is ready"

    @invariant()
    def callers_keep_their_place(self) -> None:
        """Place follows waiting time and what the priority is worth, within each queue."""
        _, waiting = self.router.snapshot()
        for queue in POLICY.queues:
            line = [call for call in waiting if call.queue == queue.name and not call.offered_to]
            line.sort(key=lambda call: (call.since - call.priority * POLICY.ageing_s, call.call_id))
            for place, call in enumerate(line, 1):
                told = self.router.place(call.call_id)
                assert told is not None
                assert told.place == place
                assert call.since == self.waiting[call.call_id].since
                assert call.priority == self.waiting[call.call_id].priority + queue.priority

    @invariant()
    def changes_tell_the_whole_story(self) -> None:
        """Records kept by following the changes are the records of the snapshot."""
        changes = self.router.take_changes()
        self.stored_agents.update({agent.agent_id: agent for agent in changes.agents})
        self.stored_waiting.update({call.call_id: call for call in changes.waiting})
        for gone in changes.gone_agents:
            self.stored_agents.pop(gone, None)
        for gone in changes.gone_calls:
            self.stored_waiting.pop(gone, None)
        agents, waiting = self.router.snapshot()
        assert self.stored_agents == {agent.agent_id: agent for agent in agents}
        assert self.stored_waiting == {call.call_id: call for call in waiting}

    @invariant()
    def a_tick_is_due_for_everybody_who_has_a_limit(self) -> None:
        agents, _ = self.router.snapshot()
        limits = [agent.until for agent in agents if agent.until is not None]
        due = self.router.next_deadline()
        assert (due is None) == (not limits)
        assert due is None or due >= min(limits)


TestCentre = Centre.TestCase
TestCentre.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
