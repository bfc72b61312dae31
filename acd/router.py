"""The router: events and a clock in, decisions out. Nothing here sleeps, reads a clock or opens a socket.

It keeps three promises after every event: no citizen waits while somebody with the needed skills is ready;
nobody is offered two calls, no call is offered to two; among callers with the same needs, higher priority
goes first and then who has waited longest, whatever happened to their rings before.

An event that cannot be raises a `RouterError` and has changed nothing. Events that are merely late (see
`acd.late`) are answered with what mends them.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from acd.agents import OFFLINE, READY, RINGING, TALKING, WRAP_UP, Agent
from acd.errors import DuplicateCall, IllegalCallMove, InvalidValue, RouterError, UnknownAgent, UnknownCall
from acd.estimate import HandlingTimes
from acd.late import (
    AGENT_LEFT,
    CALLER_GONE,
    ENDED,
    LATE_BY_AGENT,
    LATE_ON_CALL,
    LEFT,
    MISSED,
    OPEN_STATES,
    RING_LIMIT,
    Endings,
)
from acd.lines import Call, Lines
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentRecord,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    CallEnded,
    CallLeft,
    CallQueued,
    Changes,
    Decision,
    Event,
    NotReadyReason,
    Offer,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    PlaceChanged,
    QueueState,
    TalkRestored,
    Tick,
    WaitingRecord,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.policy import Policy, QueuePolicy

RING_GRACE_S = 2.0
"""The telephone side ends a ring at `ring_until`; this much later the router stops waiting for its word."""

LINE_IDLE_S = 600.0
"""A line with unusual needs is forgotten when nobody has waited in it for so long."""

LOOSE_WAIT_S = 15.0
"""An expected wait is told again when it moved by more than this, or the place changed."""

_MAX_ID = 128
_MISSED_REASONS = (NotReadyReason.MISSED_RING, NotReadyReason.REFUSED, NotReadyReason.PHONE_LOST)


class Router:
    """All agents and all waiting calls of one centre, under one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._queues = {queue.name: queue for queue in policy.queues}
        self._skills = frozenset(skill.name for skill in policy.skills)
        self._lines = Lines(policy.choice)
        self._agents: dict[str, Agent] = {}
        self._calls: dict[str, Call] = {}  # in line or ringing
        self._talks: dict[str, Agent] = {}  # call id -> who talks
        self._endings = Endings()
        self._times = HandlingTimes()
        self._due: list[tuple[float, str, float]] = []  # (look at it, agent, the `until` it is about)
        self._places_told = 0.0
        self._lines_swept = 0.0
        self._changed_agents: set[str] = set()
        self._changed_calls: set[str] = set()
        self._handlers: dict[type[Event], Callable[[Any, float], list[Decision]]] = {
            AgentSignedIn: self._agent_signed_in,
            AgentSignedOut: self._agent_signed_out,
            AgentBecameReady: self._agent_became_ready,
            AgentBecameNotReady: self._agent_became_not_ready,
            AgentSkillsChanged: self._agent_skills_changed,
            WrapUpFinished: self._wrap_up_finished,
            WrapUpExtended: self._wrap_up_extended,
            CallQueued: self._call_queued,
            CallLeft: self._call_left,
            OfferAnswered: self._offer_answered,
            OfferMissed: self._offer_missed,
            CallEnded: self._call_ended,
            TalkRestored: self._talk_restored,
            Tick: self._tick,
        }

    # ------------------------------------------------------------ the outside

    def handle(self, event: Event, now: float) -> tuple[Decision, ...]:
        """Take one event at `now` (epoch seconds) and return what follows from it, in order.

        Raises:
            RouterError: the event cannot be in this state, or carries a value out of bounds; nothing changed.
        """
        return tuple(self._handlers[type(event)](event, now))

    def agent(self, agent_id: str) -> AgentRecord | None:
        """One signed-in agent, or None."""
        agent = self._agents.get(agent_id)
        return agent.record() if agent else None

    def waiting(self, call_id: str) -> WaitingRecord | None:
        """One call in line or ringing, or None."""
        call = self._calls.get(call_id)
        return call.record() if call else None

    def talking_with(self, call_id: str) -> str | None:
        """The agent who talks on this call, or None."""
        agent = self._talks.get(call_id)
        return agent.agent_id if agent else None

    def place(self, call_id: str) -> PlaceChanged | None:
        """Place in line and expected wait at this moment; None for a call that is not in line or rings."""
        call = self._calls.get(call_id)
        return None if call is None or call.offered_to else self._place_of(call)

    def queue_states(self) -> tuple[QueueState, ...]:
        """Every queue of the policy, in its order; takes time in proportion to agents and calls."""
        waiting: dict[str, list[float]] = {}
        for call in self._calls.values():
            waiting.setdefault(call.line.queue.name, []).append(call.since)
        states = []
        for queue in self.policy.queues:
            able = [
                agent
                for agent in self._agents.values()
                if all(agent.skills.get(skill, 0) >= level for skill, level in queue.needs.items())
            ]
            since = waiting.get(queue.name, [])
            states.append(
                QueueState(
                    queue=queue.name,
                    waiting=len(since),
                    oldest_since=min(since, default=None),
                    agents_ready=sum(agent.state is READY for agent in able),
                    agents_busy=sum(agent.state in OPEN_STATES for agent in able),
                )
            )
        return tuple(states)

    def next_deadline(self) -> float | None:
        """When a ring or wrap-up needs a `Tick` next, or None. Ticks in between do no harm."""
        while self._due and not self._is_due(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def snapshot(self) -> tuple[tuple[AgentRecord, ...], tuple[WaitingRecord, ...]]:
        """All agents and all waiting calls, fit for `restore`."""
        agents = tuple(agent.record() for agent in self._agents.values())
        return agents, tuple(call.record() for call in self._calls.values())

    def take_changes(self) -> Changes:
        """What became different since the last time this was asked, to be stored in one transaction."""
        agents, calls = self._changed_agents, self._changed_calls
        self._changed_agents, self._changed_calls = set(), set()
        return Changes(
            agents=tuple(self._agents[one].record() for one in agents if one in self._agents),
            gone_agents=tuple(one for one in agents if one not in self._agents),
            waiting=tuple(self._calls[one].record() for one in calls if one in self._calls),
            gone_calls=tuple(one for one in calls if one not in self._calls),
        )

    def restore(
        self, agents: Iterable[AgentRecord], waiting: Iterable[WaitingRecord], now: float
    ) -> tuple[Decision, ...]:
        """Take over what another router (or this one, before a restart) left. Only on an empty router.

        Records that do not fit together are mended in the citizen's favour: a call that was offered to
        somebody who does not ring for it is in line again at its place; who rings for a call that is gone is
        free; a call in a queue that the policy no longer has waits in the default queue.

        Raises:
            RouterError: the router is not empty, or a record appears twice.
        """
        if self._agents or self._calls:
            raise RouterError("restore: only an empty router takes over records; make a new one")
        decisions: list[Decision] = []
        records = {record.call_id: record for record in waiting}
        for agent_record in agents:
            self._restore_agent(agent_record, records, decisions, now)
        for record in sorted(records.values(), key=lambda r: (-r.priority, r.since, r.call_id)):
            self._restore_call(record, decisions, now)
        return tuple(decisions)

    # ------------------------------------------------------------ agents

    def _agent_signed_in(self, event: AgentSignedIn, now: float) -> list[Decision]:
        self._check_id("agent_id", event.agent_id)
        self._check_skills("skills", event.skills)
        agent = self._agents.get(event.agent_id)
        if agent is None:
            agent = Agent(event.agent_id, event.skills)
            agent.sign_in(now, auto_ready=event.auto_ready)
            self._agents[event.agent_id] = agent
        else:
            agent.sign_in(now, auto_ready=event.auto_ready)
            self._lines.leave(agent)
            agent.skills = dict(event.skills)
        self._lines.enter(agent)
        decisions: list[Decision] = []
        self._settle(agent, decisions, now)
        return decisions

    def _agent_signed_out(self, event: AgentSignedOut, now: float) -> list[Decision]:
        agent = self._known(event.agent_id, event)
        decisions: list[Decision] = []
        call = self._calls[agent.call_id] if agent.state is RINGING and agent.call_id else None
        agent.sign_out(now)
        if call is not None:
            self._withdraw_from(call, agent, AGENT_LEFT, decisions)
        self._settle(agent, decisions, now)
        if call is not None:
            self._requeue(call, decisions, now)
        return decisions

    def _agent_became_ready(self, event: AgentBecameReady, now: float) -> list[Decision]:
        agent = self._known(event.agent_id, event)
        if (type(event), agent.state) in LATE_BY_AGENT:
            return [agent.changed()]
        handled, before = self._handled(agent), agent.state
        agent.ready(now)
        decisions: list[Decision] = []
        if agent.state is before:  # kept for after the talk
            self._note(agent)
        else:
            self._count_handled(handled, now)
            self._settle(agent, decisions, now)
        return decisions

    def _agent_became_not_ready(self, event: AgentBecameNotReady, now: float) -> list[Decision]:
        agent = self._known(event.agent_id, event)
        agent.not_ready(event.reason, now)
        decisions: list[Decision] = []
        if agent.state in OPEN_STATES:  # kept for after the wrap-up
            self._note(agent)
        else:
            self._settle(agent, decisions, now)
        return decisions

    def _agent_skills_changed(self, event: AgentSkillsChanged, now: float) -> list[Decision]:
        agent = self._known(event.agent_id, event)
        self._check_skills("skills", event.skills)
        self._lines.leave(agent)
        agent.skills = dict(event.skills)
        self._note(agent)
        decisions: list[Decision] = []
        self._lines.enter(agent)
        if agent.state is READY and (call := self._take_call(agent)):
            self._ring(call, agent, decisions, now)
        return decisions

    def _wrap_up_finished(self, event: WrapUpFinished, now: float) -> list[Decision]:
        agent = self._known(event.agent_id, event)
        if (type(event), agent.state) in LATE_BY_AGENT:
            return [agent.changed()]
        handled = self._handled(agent)
        agent.finish(now)
        self._count_handled(handled, now)
        decisions: list[Decision] = []
        self._settle(agent, decisions, now)
        return decisions

    def _wrap_up_extended(self, event: WrapUpExtended, now: float) -> list[Decision]:
        agent = self._known(event.agent_id, event)
        if not 0 < event.seconds <= 3600:
            raise InvalidValue("seconds", event.seconds, "extend by more than 0 and at most 3600 seconds")
        if (type(event), agent.state) in LATE_BY_AGENT:
            return [agent.changed()]
        latest = agent.since + self._queue_of(agent).wrap_up_s + self.policy.wrap_up_extension_max_s
        agent.extend(event.seconds, latest)
        self._watch(agent)
        self._note(agent)
        return [agent.changed()]

    # ------------------------------------------------------------ calls

    def _call_queued(self, event: CallQueued, now: float) -> list[Decision]:
        self._check_id("call_id", event.call_id)
        if event.call_id in self._calls or event.call_id in self._talks:
            state = "talking" if event.call_id in self._talks else "waiting"
            raise DuplicateCall(event.call_id, state, type(event).__name__)
        queue = self._queues.get(event.queue)
        if queue is None:
            raise InvalidValue("queue", event.queue, f"name one of: {', '.join(self._queues)}")
        self._check_skills("needs", event.needs)
        if not -1000 <= event.priority <= 1000:
            raise InvalidValue("priority", event.priority, "give -1000 to 1000")
        if not (math.isfinite(event.since) and event.since >= 0):
            raise InvalidValue("since", event.since, "give epoch seconds")
        line = self._lines.get(queue, event.needs, self._agents, now)
        call = Call(event.call_id, line, event.needs, event.priority, event.since, event.avoid)
        self._calls[event.call_id] = call
        self._endings.forget(event.call_id, "")
        decisions: list[Decision] = []
        self._requeue(call, decisions, now)
        return decisions

    def _call_left(self, event: CallLeft, now: float) -> list[Decision]:
        decisions: list[Decision] = []
        call = self._calls.get(event.call_id)
        if call is not None:
            self._forget_call(call, decisions, now)
            self._endings.note(event.call_id, "", LEFT)
        elif event.call_id in self._talks:  # hung up in the moment of the answer
            self._end_talk(event.call_id, self._talks[event.call_id], decisions, now)
        else:
            self._expect_late(event, event.call_id, "")
        return decisions

    def _offer_answered(self, event: OfferAnswered, now: float) -> list[Decision]:
        agent = self._agents.get(event.agent_id)
        call = self._calls.get(event.call_id)
        if call is None or agent is None or call.offered_to is not agent:
            how = self._expect_late(event, event.call_id, event.agent_id)
            reason = RING_LIMIT if how == MISSED else how
            return [OfferWithdrawn(call_id=event.call_id, agent_id=event.agent_id, reason=reason)]
        agent.answer(now)
        del self._calls[call.call_id]
        self._talks[call.call_id] = agent
        self._changed_calls.add(call.call_id)
        self._note(agent)
        return [agent.changed()]

    def _offer_missed(self, event: OfferMissed, now: float) -> list[Decision]:
        if event.reason not in _MISSED_REASONS:
            remedy = f"give one of: {', '.join(_MISSED_REASONS)}"
            raise InvalidValue("reason", event.reason, remedy)
        agent = self._agents.get(event.agent_id)
        call = self._calls.get(event.call_id)
        if call is None or agent is None or call.offered_to is not agent:
            self._expect_late(event, event.call_id, event.agent_id)
            return []
        decisions: list[Decision] = []
        self._miss(call, agent, event.reason, MISSED, decisions, now)
        return decisions

    def _call_ended(self, event: CallEnded, now: float) -> list[Decision]:
        agent = self._talks.get(event.call_id)
        if agent is None or agent.agent_id != event.agent_id:
            self._expect_late(event, event.call_id, event.agent_id)
            return []
        decisions: list[Decision] = []
        self._end_talk(event.call_id, agent, decisions, now)
        return decisions

    def _talk_restored(self, event: TalkRestored, now: float) -> list[Decision]:
        self._check_id("call_id", event.call_id)
        self._check_id("agent_id", event.agent_id)
        agent = self._agents.get(event.agent_id)
        if agent is not None and self._talks.get(event.call_id) is agent:
            return []
        decisions: list[Decision] = []
        if agent is None:
            agent = self._agents[event.agent_id] = Agent(event.agent_id, {})
            self._lines.enter(agent)
        stray = self._calls.get(agent.call_id) if agent.state is RINGING and agent.call_id else None
        if agent.state is TALKING and agent.call_id:  # that talk ended unseen
            del self._talks[agent.call_id]
            self._endings.note(agent.call_id, agent.agent_id, ENDED)
        call = self._calls.get(event.call_id)
        queue = call.line.queue.name if call else self.policy.default_queue
        agent.restore(event.call_id, queue, now)
        if stray is not None and stray is not call:
            self._withdraw_from(stray, agent, AGENT_LEFT, decisions)
        self._note(agent)
        decisions.append(agent.changed())
        if call is not None and stray is call:
            self._changed_calls.add(call.call_id)
            del self._calls[call.call_id]
        elif call is not None:
            self._forget_call(call, decisions, now)
        if (other := self._talks.get(event.call_id)) is not None:
            self._end_talk(event.call_id, other, decisions, now)
        self._talks[event.call_id] = agent
        self._endings.forget(event.call_id, agent.agent_id)
        if stray is not None and stray is not call:
            self._requeue(stray, decisions, now)
        return decisions

    def _tick(self, event: Tick, now: float) -> list[Decision]:
        decisions: list[Decision] = []
        while self._due and self._due[0][0] <= now:
            entry = heapq.heappop(self._due)
            if not self._is_due(entry):
                continue
            agent = self._agents[entry[1]]
            if agent.state is RINGING and agent.call_id:
                call = self._calls[agent.call_id]
                self._miss(call, agent, NotReadyReason.MISSED_RING, RING_LIMIT, decisions, now)
            else:
                handled = self._handled(agent)
                agent.finish(now)
                self._count_handled(handled, now)
                self._settle(agent, decisions, now)
        if now - self._places_told >= self.policy.place_every_s:
            self._places_told = now
            self._tell_places(decisions)
        if now - self._lines_swept >= LINE_IDLE_S:
            self._lines_swept = now
            self._lines.forget_unused(now - LINE_IDLE_S)
        return decisions

    # ------------------------------------------------------------ matching

    def _requeue(self, call: Call, decisions: list[Decision], now: float) -> None:
        """A call that is in no line: offer it to whoever is ready, or put it in line at its place."""
        line = call.line = self._lines.get(call.line.queue, call.needs, self._agents, now)
        self._changed_calls.add(call.call_id)
        agent = line.best_agent(call.avoid)
        if agent is not None:
            self._ring(call, agent, decisions, now)
        else:
            line.add(call.place)
            decisions.append(self._told(call, self._place_of(call)))

    def _settle(self, agent: Agent, decisions: list[Decision], now: float) -> None:
        """Draw the consequences of an agent's new state: work for the ready, farewell to the gone."""
        self._note(agent)
        if agent.state is READY:
            call = self._take_call(agent)
            if call is not None:
                self._ring(call, agent, decisions, now)
                return
            agent.stamp += 1
            for line in agent.lines:
                line.offer_to(agent)
        elif agent.state is OFFLINE:
            self._lines.leave(agent)
            del self._agents[agent.agent_id]
        decisions.append(agent.changed())

    def _take_call(self, agent: Agent) -> Call | None:
        """Take out of the lines the call that this agent should have now."""
        first = None
        for line in agent.lines:
            head = line.head
            if head is not None and (first is None or head < first):
                first = head
        if first is None:
            return None
        call = self._calls[first[2]]
        if agent.agent_id in call.avoid:
            call = self._take_other(agent) or call
        call.line.remove(call.place)
        return call

    def _take_other(self, agent: Agent) -> Call | None:
        """The first call that this agent has not just missed, or that nobody else could take."""
        places = heapq.merge(*(line.waiting for line in agent.lines))
        for _, _, call_id in places:
            call = self._calls[call_id]
            if agent.agent_id not in call.avoid or not call.line.served_by_other(agent, call.avoid):
                return call
        return None

    def _ring(self, call: Call, agent: Agent, decisions: list[Decision], now: float) -> None:
        queue = call.line.queue
        until = now + queue.ring_limit_s
        agent.ring(call.call_id, queue.name, until, now)
        call.offered_to = agent
        self._endings.forget(call.call_id, agent.agent_id)
        self._watch(agent)
        self._note(agent)
        self._changed_calls.add(call.call_id)
        decisions.append(agent.changed())
        decisions.append(Offer(call_id=call.call_id, agent_id=agent.agent_id, ring_until=until))

    def _miss(
        self,
        call: Call,
        agent: Agent,
        reason: NotReadyReason,
        how: str,
        decisions: list[Decision],
        now: float,
    ) -> None:
        agent.miss(reason, now)
        call.avoid |= {agent.agent_id}
        if how == RING_LIMIT:
            self._withdraw_from(call, agent, how, decisions)
        else:
            call.offered_to = None
            self._endings.note(call.call_id, agent.agent_id, how)
        self._settle(agent, decisions, now)
        self._requeue(call, decisions, now)

    def _withdraw_from(self, call: Call, agent: Agent, reason: str, decisions: list[Decision]) -> None:
        call.offered_to = None
        self._changed_calls.add(call.call_id)
        self._endings.note(call.call_id, agent.agent_id, reason)
        decisions.append(OfferWithdrawn(call_id=call.call_id, agent_id=agent.agent_id, reason=reason))

    def _forget_call(self, call: Call, decisions: list[Decision], now: float) -> None:
        """The call waits no more; who rings for it is free."""
        del self._calls[call.call_id]
        self._changed_calls.add(call.call_id)
        agent = call.offered_to
        if agent is None:
            call.line.remove(call.place)
        else:
            self._withdraw_from(call, agent, CALLER_GONE, decisions)
            agent.withdraw(now)
            self._settle(agent, decisions, now)

    def _end_talk(self, call_id: str, agent: Agent, decisions: list[Decision], now: float) -> None:
        del self._talks[call_id]
        self._endings.note(call_id, agent.agent_id, ENDED)
        self._endings.note(call_id, "", ENDED)
        handled = self._handled(agent)
        agent.end(self._queue_of(agent).wrap_up_s, now)
        if agent.state is WRAP_UP:
            self._watch(agent)
        else:
            self._count_handled(handled, now)
        self._settle(agent, decisions, now)

    # ------------------------------------------------------------ places and times

    def _place_of(self, call: Call) -> PlaceChanged:
        place = self._lines.ahead_of(call) + 1
        wait_s = self._times.wait_s(call.line.queue.name, place, call.line.serving)
        return PlaceChanged(call_id=call.call_id, place=place, expected_wait_s=wait_s)

    def _tell_places(self, decisions: list[Decision]) -> None:
        """Tell every waiting call whose place or expected wait is not what it was told last."""
        for queue in self._queues:
            places = heapq.merge(*(line.waiting for line in self._lines.of_queue(queue)))
            for place, (_, _, call_id) in enumerate(places, 1):
                call = self._calls[call_id]
                wait_s = self._times.wait_s(queue, place, call.line.serving)
                if place != call.told_place or _differ(wait_s, call.told_wait_s):
                    now_at = PlaceChanged(call_id=call_id, place=place, expected_wait_s=wait_s)
                    decisions.append(self._told(call, now_at))

    @staticmethod
    def _told(call: Call, place: PlaceChanged) -> PlaceChanged:
        call.told_place, call.told_wait_s = place.place, place.expected_wait_s
        return place

    def _watch(self, agent: Agent) -> None:
        """Look at this agent again when the ring or wrap-up is over."""
        if agent.until is None:
            return
        due = agent.until + RING_GRACE_S if agent.state is RINGING else agent.until
        heapq.heappush(self._due, (due, agent.agent_id, agent.until))
        if len(self._due) > 4 * len(self._agents) + 1000:
            self._due = [entry for entry in self._due if self._is_due(entry)]
            heapq.heapify(self._due)

    def _is_due(self, entry: tuple[float, str, float]) -> bool:
        agent = self._agents.get(entry[1])
        return agent is not None and agent.state in (RINGING, WRAP_UP) and agent.until == entry[2]

    @staticmethod
    def _handled(agent: Agent) -> tuple[str, float] | None:
        """Queue and start of the talk that the agent is about to be done with."""
        if agent.state not in (TALKING, WRAP_UP) or agent.queue is None or agent.talk_since is None:
            return None
        return agent.queue, agent.talk_since

    def _count_handled(self, handled: tuple[str, float] | None, now: float) -> None:
        if handled is not None:
            self._times.add(handled[0], max(0.0, now - handled[1]))

    # ------------------------------------------------------------ taking over

    def _restore_agent(
        self, record: AgentRecord, calls: dict[str, WaitingRecord], decisions: list[Decision], now: float
    ) -> None:
        if record.agent_id in self._agents:
            raise RouterError(f"restore: agent {record.agent_id} appears twice")
        if record.state is OFFLINE or (record.state in OPEN_STATES and record.call_id is None):
            self._changed_agents.add(record.agent_id)
            return
        agent = Agent.of(record)
        self._agents[agent.agent_id] = agent
        self._lines.enter(agent)
        if agent.state is RINGING:
            offered = calls.get(agent.call_id or "")
            if offered is None or offered.offered_to != agent.agent_id:
                agent.withdraw(now)
                decisions.append(agent.changed())
        elif agent.state is TALKING and agent.call_id:
            if calls.pop(agent.call_id, None) is not None:
                self._changed_calls.add(agent.call_id)
            if (other := self._talks.get(agent.call_id)) is not None:
                self._end_talk(agent.call_id, other, decisions, now)
            self._talks[agent.call_id] = agent
        self._watch(agent)
        self._note(agent)

    def _restore_call(self, record: WaitingRecord, decisions: list[Decision], now: float) -> None:
        queue, needs = self._queues.get(record.queue), record.needs
        if queue is None or not self._skills.issuperset(needs):
            queue = queue or self._queues[self.policy.default_queue]
            needs = queue.needs
        line = self._lines.get(queue, needs, self._agents, now)
        call = Call(record.call_id, line, needs, record.priority, record.since, record.avoid)
        self._calls[record.call_id] = call
        agent = self._agents.get(record.offered_to or "")
        if agent is not None and agent.state is RINGING and agent.call_id == record.call_id:
            call.offered_to = agent
        else:
            self._requeue(call, decisions, now)

    # ------------------------------------------------------------ checks

    def _note(self, agent: Agent) -> None:
        self._changed_agents.add(agent.agent_id)
        self._lines.serve(agent)

    def _known(self, agent_id: str, event: Event) -> Agent:
        agent = self._agents.get(agent_id)
        if agent is None:
            raise UnknownAgent(agent_id, type(event).__name__)
        return agent

    def _queue_of(self, agent: Agent) -> QueuePolicy:
        return self._queues.get(agent.queue or "") or self._queues[self.policy.default_queue]

    def _expect_late(self, event: Event, call_id: str, agent_id: str) -> str:
        """How the thing ended that this late event is about.

        Raises:
            UnknownCall, IllegalCallMove: the event is not late but wrong.
        """
        how = self._endings.of(call_id, agent_id)
        if how is not None and (type(event), how) in LATE_ON_CALL:
            return how
        name = type(event).__name__
        if call_id in self._talks:
            raise IllegalCallMove(call_id, "talking", name)
        call = self._calls.get(call_id)
        if call is not None:
            raise IllegalCallMove(call_id, "ringing" if call.offered_to else "waiting", name)
        raise UnknownCall(call_id, name)

    @staticmethod
    def _check_id(key: str, value: str) -> None:
        if not 0 < len(value) <= _MAX_ID:
            raise InvalidValue(key, value[:_MAX_ID], f"give 1 to {_MAX_ID} characters")

    def _check_skills(self, key: str, skills: Mapping[str, int]) -> None:
        for skill, level in skills.items():
            if skill not in self._skills:
                remedy = f"name one of the policy's skills: {', '.join(sorted(self._skills))}"
                raise InvalidValue(f"{key}.{skill}", level, remedy)
            if not 1 <= level <= 5:
                raise InvalidValue(f"{key}.{skill}", level, "give a level of 1 to 5")


def _differ(wait_s: float | None, told_s: float | None) -> bool:
    if wait_s is None or told_s is None:
        return wait_s is not told_s
    return abs(wait_s - told_s) > LOOSE_WAIT_S
