"""A centre whose events are mostly sensible, for property tests, and a model of what people see."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from acd.errors import RouterError
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentChanged,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    Decision,
    Event,
    Media,
    NotReadyReason,
    Offer,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    PlaceChanged,
    SentAway,
    TalkRestored,
    Tick,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.policy import Choice, Policy, QueuePolicy, RelaxStep, Skill
from acd.router import Router

POLICY = Policy(
    skills=tuple(Skill(name=name, title=name) for name in ("general", "enterprise", "dialect")),
    queues=(
        QueuePolicy(
            name="general",
            title="综合",
            needs={"general": 1},
            wrap_up_s=30,
            prefer_s=12,
            reserve={"dialect": 1},
            relax=(RelaxStep(after_s=20, queues=("expert",)),),
        ),
        QueuePolicy(
            name="enterprise",
            title="企业",
            needs={"enterprise": 3},
            wrap_up_s=0,
            priority=1,
            prefer_s=5,
            relax=(
                RelaxStep(after_s=5, needs={"enterprise": 1}),
                RelaxStep(after_s=15, queues=("general",), when_waiting_over=2),
            ),
        ),
        QueuePolicy(
            name="dialect",
            title="方言",
            needs={"dialect": 1},
            wrap_up_s=5,
            choice=Choice.LONGEST_IDLE,
            text_blocks_voice=False,
        ),
        QueuePolicy(
            name="expert",
            title="值班专家",
            needs={"general": 5},
            choice=Choice.LEAST_OCCUPIED,
            relax=(RelaxStep(after_s=60, centre="95588"),),
        ),
    ),
    default_queue="general",
)
AGENTS = st.sampled_from(["li", "wang", "zhao", "sun"])
SKILLS = st.dictionaries(st.sampled_from(["general", "enterprise", "dialect"]), st.integers(1, 5))
QUEUES = st.sampled_from([queue.name for queue in POLICY.queues])
MISSED = st.sampled_from([NotReadyReason.MISSED_RING, NotReadyReason.REFUSED, NotReadyReason.PHONE_LOST])
WAITS = st.sampled_from([0.0, 0.5, 3.0, 5.0, 14.0, 20.0, 700.0])


def seen_outside(decisions: tuple[Decision, ...]) -> list[Decision]:
    """Decisions without places, which depend on what was told before a restart."""
    return [decision for decision in decisions if not isinstance(decision, PlaceChanged)]


class Centre(RuleBasedStateMachine):
    """Agents and callers who do everything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.router = Router(POLICY)
        self.now = 1_000.0
        self.calls = 0
        self.waiting: dict[str, CallQueued] = {}  # as the citizens see it, offered ones included
        self.offers: dict[str, str] = {}  # call -> agent, as the telephones see it
        self.talks: dict[str, str] = {}
        self.texts: set[str] = set()  # calls that are texts
        self.consults: dict[str, str] = {}  # colleague -> call

    def tell(self, event: Event) -> tuple[Decision, ...]:
        """Hand the event over and carry out what follows."""
        before = self.router.snapshot()
        try:
            decisions = self.router.handle(event, self.now)
        except RouterError:
            assert self.router.snapshot() == before, "a refused event must change nothing"
            raise
        for decision in decisions:
            self.carry_out(decision)
        self.check(event, decisions)
        return decisions

    def check(self, event: Event, decisions: tuple[Decision, ...]) -> None:
        """Look at one step; for subclasses."""

    def carry_out(self, decision: Decision) -> None:
        """What the telephone side does, and what it may never be told."""
        match decision:
            case Offer(call_id=call_id, agent_id=agent_id):
                assert call_id not in self.offers, "a call was offered to two agents"
                assert call_id in self.waiting, "a call was offered that does not wait"
                if call_id not in self.texts:
                    voice = {who for call, who in self.offers.items() if call not in self.texts}
                    talking = {who for call, who in self.talks.items() if call not in self.texts}
                    assert agent_id not in voice, "an agent was offered two calls"
                    assert agent_id not in talking, "an agent was rung while talking"
                    assert agent_id not in self.consults, "an agent was rung while consulted"
                self.offers[call_id] = agent_id
            case OfferWithdrawn(call_id=call_id, agent_id=agent_id):
                if self.offers.get(call_id) == agent_id:
                    del self.offers[call_id]
                if self.consults.get(agent_id) == call_id:
                    del self.consults[agent_id]
            case AgentChanged(agent_id=agent_id, state=state):
                record = self.router.agent(agent_id)
                assert state is AgentState.OFFLINE or record is not None
            case SentAway(call_id=call_id):
                del self.waiting[call_id]
                assert call_id not in self.offers

    def state(self, agent_id: str) -> AgentState:
        """What the agent does."""
        record = self.router.agent(agent_id)
        return record.state if record else AgentState.OFFLINE

    # ------------------------------------------------------------ agents

    @rule(seconds=WAITS)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.tell(Tick())

    @rule(agent_id=AGENTS, skills=SKILLS, auto_ready=st.booleans(), texts=st.integers(0, 2))
    def sign_in(self, agent_id: str, skills: dict[str, int], auto_ready: bool, texts: int) -> None:
        record = self.router.agent(agent_id)
        event = AgentSignedIn(agent_id=agent_id, skills=skills, auto_ready=auto_ready, texts=texts)
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
        if self.state(agent_id) is not AgentState.OFFLINE:
            self.tell(AgentSignedOut(agent_id=agent_id))
            over = [call for call, who in self.talks.items() if who == agent_id and call in self.texts]
            for call_id in over:
                del self.talks[call_id]

    @rule(agent_id=AGENTS)
    def ready(self, agent_id: str) -> None:
        if self.state(agent_id) is not AgentState.OFFLINE:
            self.tell(AgentBecameReady(agent_id=agent_id))

    @rule(agent_id=AGENTS, reason=st.sampled_from(NotReadyReason))
    def not_ready(self, agent_id: str, reason: NotReadyReason) -> None:
        if self.state(agent_id) is not AgentState.OFFLINE:
            self.tell(AgentBecameNotReady(agent_id=agent_id, reason=reason))

    @rule(agent_id=AGENTS, skills=SKILLS, texts=st.sampled_from([None, 0, 1, 2]))
    def learn(self, agent_id: str, skills: dict[str, int], texts: int | None) -> None:
        if self.state(agent_id) is not AgentState.OFFLINE:
            self.tell(AgentSkillsChanged(agent_id=agent_id, skills=skills, texts=texts))

    @rule(agent_id=AGENTS, extend=st.sampled_from([None, 1.0, 60.0, 3600.0]))
    def wrap_up(self, agent_id: str, extend: float | None) -> None:
        if self.state(agent_id) is AgentState.OFFLINE:
            return
        if extend is None:
            self.tell(WrapUpFinished(agent_id=agent_id))
        else:
            self.tell(WrapUpExtended(agent_id=agent_id, seconds=extend))

    # ------------------------------------------------------------ calls

    @rule(
        queue=QUEUES,
        needs=st.one_of(st.just({}), SKILLS),
        priority=st.integers(-1, 2),
        waited=st.sampled_from([0.0, 10.0]),
        avoid=st.frozensets(AGENTS, max_size=2),
        prefer=st.lists(AGENTS, max_size=2, unique=True),
        also=st.lists(QUEUES, max_size=2),
        media=st.sampled_from([Media.VOICE, Media.VOICE, Media.VIDEO, Media.TEXT]),
        urgent=st.sampled_from([False, False, False, True]),
    )
    def call_comes(
        self,
        queue: str,
        needs: dict[str, int],
        priority: int,
        waited: float,
        avoid: frozenset[str],
        prefer: list[str],
        also: list[str],
        media: Media,
        urgent: bool,
    ) -> None:
        self.calls += 1
        event = CallQueued(
            call_id=f"c{self.calls:03}",
            queue=queue,
            needs=needs,
            priority=priority,
            since=self.now - waited,
            avoid=avoid,
            prefer=tuple(prefer),
            also=tuple(also),
            media=media,
            urgent=urgent,
        )
        self.waiting[event.call_id] = event
        if media is Media.TEXT:
            self.texts.add(event.call_id)
        self.tell(event)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def call_leaves(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[call_id]
        self.tell(CallLeft(call_id=call_id))
        assert call_id not in self.offers, "a phone rings for a citizen who is gone"

    def ringing(self) -> list[str]:
        """Calls whose phone rings, or that are shown as a text."""
        reserved = {
            call for call, who in self.offers.items() if self.state(who) is AgentState.RESERVED
        } - self.texts
        return sorted(set(self.offers) - reserved)

    @precondition(lambda self: self.ringing())
    @rule(data=st.data())
    def agent_answers(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(self.ringing()))
        agent_id = self.offers.pop(call_id)
        del self.waiting[call_id]
        self.talks[call_id] = agent_id
        self.tell(OfferAnswered(call_id=call_id, agent_id=agent_id))

    @precondition(lambda self: self.offers)
    @rule(data=st.data(), reason=MISSED)
    def agent_misses(self, data: st.DataObject, reason: NotReadyReason) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.offers)))
        agent_id = self.offers.pop(call_id)
        self.tell(OfferMissed(call_id=call_id, agent_id=agent_id, reason=reason))
        record = self.router.agent(agent_id)
        assert record is not None
        assert record.state is not AgentState.READY
        assert self.offers.get(call_id) != agent_id, "offered to the same agent twice in a row"

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
        voice = ({*self.waiting, *self.talks} - self.texts) | {"native"}
        call_id = data.draw(st.sampled_from(sorted(voice)))
        if self.consults.get(agent_id) == call_id and call_id in self.talks:
            return  # a conference of three; see the tests of consultations
        self.talks = {call: who for call, who in self.talks.items() if who != agent_id or call in self.texts}
        self.consults.pop(agent_id, None)
        self.waiting.pop(call_id, None)
        if self.offers.get(call_id) == agent_id:
            del self.offers[call_id]
        self.talks[call_id] = agent_id
        self.tell(TalkRestored(call_id=call_id, agent_id=agent_id))
