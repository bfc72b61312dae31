"""The router: events and a clock in, decisions out. Nothing here sleeps, reads a clock or opens a socket.

It keeps three promises after every event: no citizen waits while somebody with the needed skills is ready;
nobody is offered two calls, no call is offered to two; among callers with the same needs, higher priority
goes first and then who has waited longest, whatever happened to their rings before.

An event that cannot be raises a `RouterError` and has changed nothing. Events that are merely late (see
`acd.late`) are answered with what mends them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from acd import agent_events, call_events
from acd.agents import READY, RINGING
from acd.errors import RouterError
from acd.floor import Floor
from acd.late import OPEN_STATES, RING_LIMIT
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
    OfferAnswered,
    OfferMissed,
    PlaceChanged,
    QueueState,
    TalkRestored,
    Tick,
    WaitingRecord,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.policy import Policy
from acd.takeover import take_over

LINE_IDLE_S = 600.0
"""A line with unusual needs is forgotten when nobody has waited in it for so long."""


HANDLERS: Mapping[type[Event], Callable[[Floor, Any, float], list[Decision]]] = {
    AgentSignedIn: agent_events.agent_signed_in,
    AgentSignedOut: agent_events.agent_signed_out,
    AgentBecameReady: agent_events.agent_became_ready,
    AgentBecameNotReady: agent_events.agent_became_not_ready,
    AgentSkillsChanged: agent_events.agent_skills_changed,
    WrapUpFinished: agent_events.wrap_up_finished,
    WrapUpExtended: agent_events.wrap_up_extended,
    CallQueued: call_events.call_queued,
    CallLeft: call_events.call_left,
    OfferAnswered: call_events.offer_answered,
    OfferMissed: call_events.offer_missed,
    CallEnded: call_events.call_ended,
    TalkRestored: call_events.talk_restored,
}
"""Who takes which event; `Tick` is the router's own."""


class Router:
    """All agents and all waiting calls of one centre, under one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._floor = Floor(policy)
        self._places_told = 0.0
        self._lines_swept = 0.0

    # ------------------------------------------------------------ the outside

    def handle(self, event: Event, now: float) -> tuple[Decision, ...]:
        """Take one event at `now` (epoch seconds) and return what follows from it, in order.

        Raises:
            RouterError: the event cannot be in this state, or carries a value out of bounds; nothing changed.
        """
        if isinstance(event, Tick):
            return tuple(self._tick(now))
        return tuple(HANDLERS[type(event)](self._floor, event, now))

    def agent(self, agent_id: str) -> AgentRecord | None:
        """One signed-in agent, or None."""
        agent = self._floor.agents.get(agent_id)
        return agent.record() if agent else None

    def waiting(self, call_id: str) -> WaitingRecord | None:
        """One call in line or ringing, or None."""
        call = self._floor.calls.get(call_id)
        return call.record() if call else None

    def talking_with(self, call_id: str) -> str | None:
        """The agent who talks on this call, or None."""
        agent = self._floor.talks.get(call_id)
        return agent.agent_id if agent else None

    def place(self, call_id: str) -> PlaceChanged | None:
        """Place in line and expected wait at this moment; None for a call that is not in line or rings."""
        call = self._floor.calls.get(call_id)
        return None if call is None or call.offered_to else self._floor.place_of(call)

    def queue_states(self) -> tuple[QueueState, ...]:
        """Every queue of the policy, in its order; takes time in proportion to agents and calls."""
        waiting: dict[str, list[float]] = {}
        for call in self._floor.calls.values():
            waiting.setdefault(call.line.queue.name, []).append(call.since)
        states = []
        for queue in self.policy.queues:
            able = [
                agent
                for agent in self._floor.agents.values()
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
        while self._floor.due and not self._floor.is_due(self._floor.due[0]):
            heapq.heappop(self._floor.due)
        return self._floor.due[0][0] if self._floor.due else None

    def snapshot(self) -> tuple[tuple[AgentRecord, ...], tuple[WaitingRecord, ...]]:
        """All agents and all waiting calls, fit for `restore`."""
        agents = tuple(agent.record() for agent in self._floor.agents.values())
        return agents, tuple(call.record() for call in self._floor.calls.values())

    def take_changes(self) -> Changes:
        """What became different since the last time this was asked, to be stored in one transaction."""
        agents, calls = self._floor.changed_agents, self._floor.changed_calls
        self._floor.changed_agents, self._floor.changed_calls = set(), set()
        return Changes(
            agents=tuple(self._floor.agents[one].record() for one in agents if one in self._floor.agents),
            gone_agents=tuple(one for one in agents if one not in self._floor.agents),
            waiting=tuple(self._floor.calls[one].record() for one in calls if one in self._floor.calls),
            gone_calls=tuple(one for one in calls if one not in self._floor.calls),
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
        if self._floor.agents or self._floor.calls:
            raise RouterError("restore: only an empty router takes over records; make a new one")
        return tuple(take_over(self._floor, agents, waiting, now))

    def _tick(self, now: float) -> list[Decision]:
        decisions: list[Decision] = []
        while self._floor.due and self._floor.due[0][0] <= now:
            entry = heapq.heappop(self._floor.due)
            if not self._floor.is_due(entry):
                continue
            agent = self._floor.agents[entry[1]]
            if agent.state is RINGING and agent.call_id:
                call = self._floor.calls[agent.call_id]
                self._floor.miss(call, agent, NotReadyReason.MISSED_RING, RING_LIMIT, decisions, now)
            else:
                handled = self._floor.handled(agent)
                agent.finish(now)
                self._floor.count_handled(handled, now)
                self._floor.settle(agent, decisions, now)
        if now - self._places_told >= self.policy.place_every_s:
            self._places_told = now
            self._floor.tell_places(decisions)
        if now - self._lines_swept >= LINE_IDLE_S:
            self._lines_swept = now
            self._floor.lines.forget_unused(now - LINE_IDLE_S)
        return decisions
