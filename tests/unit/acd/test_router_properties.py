"""What holds after every event, whatever the order of events."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import settings
from hypothesis.stateful import invariant

from acd.errors import RouterError
from acd.messages import (
    AgentRecord,
    AgentState,
    CallbackFailed,
    CallbackReached,
    CallEnded,
    CallLeft,
    ConsultAnswered,
    ConsultEnded,
    Decision,
    Event,
    Media,
    Offer,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    Tick,
    WaitingRecord,
)
from acd.policy import QueuePolicy
from acd.router import Router
from tests.support.acd_centre import POLICY, seen_outside
from tests.support.acd_citizens import BusyCentre

QUEUE = {queue.name: queue for queue in POLICY.queues}
LATE_KINDS = (
    OfferAnswered,
    OfferMissed,
    CallLeft,
    CallEnded,
    CallbackReached,
    CallbackFailed,
    ConsultAnswered,
    ConsultEnded,
)
LIMITED = (AgentState.RINGING, AgentState.RESERVED, AgentState.WRAP_UP)


def place(call: WaitingRecord) -> tuple[bool, float, str]:
    """Sorts callers as the policy says."""
    return (not call.urgent, call.since - call.priority * POLICY.ageing_s, call.call_id)


def doors(call: WaitingRecord) -> Iterator[tuple[QueuePolicy, dict[str, int]]]:
    """Under which queue's rules the call is offered, and what an agent needs for it."""
    levels = dict(call.needs)
    yield QUEUE[call.queue], levels
    for name in call.also:
        yield QUEUE[name], dict(QUEUE[name].needs)
    for step in QUEUE[call.queue].relax[: call.step]:
        for skill, level in (step.needs or {}).items():
            if skill in levels:
                levels = {**levels, skill: min(level, levels[skill])}
        yield QUEUE[call.queue], levels
        for name in step.queues:
            yield QUEUE[name], dict(QUEUE[name].needs)


def may_take(
    agent: AgentRecord, call: WaitingRecord, now: float, spare: dict[str, int] | None = None
) -> bool:
    """True when this agent, if ready, may be offered the call; `spare`: ready seats with each skill."""
    if call.not_before is not None and now < call.not_before:
        return False
    if call.prefer and (agent.agent_id not in call.prefer or agent.agent_id in call.avoid):
        return False
    for queue, needs in doors(call):
        if any(agent.skills.get(skill, 0) < level for skill, level in needs.items()):
            continue
        if call.media is Media.TEXT:
            if len(agent.texting) >= agent.texts:
                continue
        elif agent.texting and queue.text_blocks_voice:
            continue
        held = [skill for skill in queue.reserve if skill in agent.skills and skill not in needs]
        if not held or agent.texting:
            return True
        if spare is not None and all(spare.get(skill, 0) > queue.reserve[skill] for skill in held):
            return True
    return False


def records(router: Router) -> dict[str, AgentRecord | WaitingRecord]:
    """Everything that is stored."""
    agents, waiting = router.snapshot()
    return {agent.agent_id: agent for agent in agents} | {call.call_id: call for call in waiting}


class LivingCentre(BusyCentre):
    """Checks every step, and after every step the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.twin: Router | None = None
        self.taken: dict[str, WaitingRecord] = {}  # as each call was at the step before
        self.stored_agents: dict[str, AgentRecord] = {}
        self.stored_waiting: dict[str, WaitingRecord] = {}

    def tell(self, event: Event) -> tuple[Decision, ...]:
        agents, waiting = self.router.snapshot()
        self.twin = None
        if not isinstance(event, Tick):  # before a tick, time has passed that only a restored router knows of
            self.twin = Router(POLICY)
            assert not seen_outside(self.twin.restore(agents, waiting, self.now))
        return super().tell(event)

    def check(self, event: Event, decisions: tuple[Decision, ...]) -> None:
        if not isinstance(event, CallbackReached):  # that goes on where the choice fell before
            self.check_order(decisions)
        if self.twin is None or (isinstance(event, LATE_KINDS) and not seen_outside(decisions)):
            return
        try:  # a restart forgets only which endings are recent
            again = self.twin.handle(event, self.now)
        except RouterError:
            assert all(isinstance(one, OfferWithdrawn) for one in seen_outside(decisions))
        else:
            assert seen_outside(again) == seen_outside(decisions)
            assert records(self.twin) == records(self.router)

    def check_order(self, decisions: tuple[Decision, ...]) -> None:
        """Of all calls that the agent may take, the first by place was offered: nobody is passed."""
        agents, waiting = self.router.snapshot()
        by_call = {call.call_id: call for call in waiting}
        by_agent = {agent.agent_id: agent for agent in agents}
        for offer in decisions:
            if not isinstance(offer, Offer) or offer.call_id not in by_call:
                continue
            got, agent = by_call[offer.call_id], by_agent[offer.agent_id]
            if got.offered_to != offer.agent_id or (agent.texting and got.media is not Media.TEXT):
                continue
            for other in waiting:
                if other.offered_to is None and place(other) < place(got):
                    passed = may_take(agent, other, self.now) and agent.agent_id not in other.avoid
                    assert not passed, f"{other} was passed by {got}"

    # ------------------------------------------------------------ people

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
        assert offered == self.offers
        ringing = {
            agent.call_id: agent.agent_id
            for agent in agents
            if agent.state in (AgentState.RINGING, AgentState.RESERVED) and not agent.consulting
        }
        assert ringing == {call: who for call, who in offered.items() if call not in self.texts}
        for agent in agents:
            writes = {call for call, who in (self.offers | self.talks).items() if who == agent.agent_id}
            assert set(agent.texting) == writes & self.texts

    @invariant()
    def colleagues_are_consulted_as_the_router_says(self) -> None:
        agents, _ = self.router.snapshot()
        assert {agent.agent_id: agent.call_id for agent in agents if agent.consulting} == self.consults

    @invariant()
    def nobody_waits_while_somebody_ready_may_take_the_call(self) -> None:
        agents, waiting = self.router.snapshot()
        ready = [agent for agent in agents if agent.state is AgentState.READY]
        spare: dict[str, int] = {}
        for agent in ready:
            for skill in agent.skills if not agent.texting else ():
                spare[skill] = spare.get(skill, 0) + 1
        for call in waiting:
            for agent in ready if call.offered_to is None else ():
                assert not may_take(agent, call, self.now, spare), f"{call} waits while {agent} is ready"

    @invariant()
    def what_opened_to_a_call_never_closes_again(self) -> None:
        _, waiting = self.router.snapshot()
        for call in waiting:
            before = self.taken.get(call.call_id)
            if before is not None and before.queue == call.queue:
                assert call.step >= before.step
                assert set(call.prefer) <= set(before.prefer)
        self.taken = {call.call_id: call for call in waiting}

    @invariant()
    def callers_keep_their_place(self) -> None:
        _, waiting = self.router.snapshot()
        for queue in POLICY.queues:
            line = sorted(
                (call for call in waiting if call.queue == queue.name and not call.offered_to), key=place
            )
            for number, call in enumerate(line, 1):
                told = self.router.place(call.call_id)
                assert told is not None
                assert told.place == number
        for call in waiting:
            assert call.since == self.waiting[call.call_id].since

    # ------------------------------------------------------------ records and limits

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
    def nobody_is_stuck(self) -> None:
        """Whoever rings, is reserved or wraps up has a limit, and a tick is due for it."""
        agents, waiting = self.router.snapshot()
        limits = [agent.until for agent in agents if agent.state in LIMITED]
        texts = [call.ring_until for call in waiting if call.offered_to and call.media is Media.TEXT]
        due = self.router.next_deadline()
        for until in limits + texts:
            assert until is not None
            assert due is not None
            assert due <= until + 2.0

    @invariant()
    def a_tick_is_due_for_everything_that_opens_with_time(self) -> None:
        _, waiting = self.router.snapshot()
        due = self.router.next_deadline()
        for call in waiting:
            steps = QUEUE[call.queue].relax
            joined = call.queued_at
            assert joined is not None
            if call.offered_to is None and call.step < len(steps) and steps[call.step].centre is None:
                assert due is not None
                assert due <= joined + steps[call.step].after_s


TestCentre = LivingCentre.TestCase
TestCentre.settings = settings(max_examples=120, stateful_step_count=60, deadline=None)
