"""The router: events and a clock in, decisions out. Nothing here sleeps, reads a clock or opens a socket.

It keeps three promises after every event: no citizen waits while somebody is ready who may take the call (by
its needs, what has opened to it with time, its preference and the reserved seats); nobody is offered two
calls, no call is offered to two; of all calls that an agent may take, the first by place is offered: urgent
ones, then who has waited longest with what the priority is worth, whatever happened to their rings before.

An event that cannot be raises a `RouterError` and has changed nothing. Events that are merely late (see
`acd.late`) are answered with what mends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from acd import agent_events, call_events, callback_events, consult_events
from acd.agents import Agent
from acd.errors import RouterError
from acd.floor import Floor
from acd.late import RING_LIMIT
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentRecord,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    BecameCallback,
    CallbackFailed,
    CallbackReached,
    CallChanged,
    CallEnded,
    CallLeft,
    CallQueued,
    Changes,
    ConsultAnswered,
    ConsultEnded,
    ConsultRequested,
    Decision,
    Event,
    NotReadyReason,
    OfferAnswered,
    OfferMissed,
    PlaceChanged,
    QueueState,
    Staffed,
    TalkMoved,
    TalkRestored,
    Tick,
    WaitingRecord,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.moves import BUSY, READY, RESERVED, RINGING, WRAP_UP
from acd.policy import Policy
from acd.staffed import staffed
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
    CallChanged: call_events.call_changed,
    BecameCallback: callback_events.became_callback,
    CallbackReached: callback_events.callback_reached,
    CallbackFailed: callback_events.callback_failed,
    ConsultRequested: consult_events.consult_requested,
    ConsultAnswered: consult_events.consult_answered,
    ConsultEnded: consult_events.consult_ended,
    TalkMoved: consult_events.talk_moved,
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
        floor = self._floor
        decisions = HANDLERS[type(event)](floor, event, now)
        if floor.pending or floor.left:
            floor.flush(decisions, now)
        return tuple(decisions)

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
        return None if call is None or call.offered_to else self._floor.homes.place_of(call)

    def queue_states(self) -> tuple[QueueState, ...]:
        """Every queue of the policy, in its order; takes time in proportion to agents and calls."""
        waiting: dict[str, list[float]] = {}
        for call in self._floor.calls.values():
            waiting.setdefault(call.queue.name, []).append(call.since)
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
                    agents_busy=sum(agent.state in BUSY for agent in able),
                )
            )
        return tuple(states)

    def staffed(self, needs: Mapping[str, int]) -> Staffed:
        """How many agents with these skills are there now; takes time in proportion to the agents."""
        return staffed(self._floor.agents.values(), needs)

    def next_deadline(self) -> float | None:
        """When a `Tick` is needed next, or None: a ring, reservation or wrap-up ends, or a call opens to more
        agents. Ticks in between do no harm."""
        return self._floor.timers.next()

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
        decisions = take_over(self._floor, agents, waiting, now)
        self._floor.flush(decisions, now)
        return tuple(decisions)

    def under(self, policy: Policy, now: float) -> tuple[Router, tuple[Decision, ...]]:
        """The same centre under another policy, and what follows from it; this router is left as it is.

        Agents, calls, places, handling times and recent endings go on. Calls whose queue or skills are gone
        are mended as in `restore`; steps already taken are worked out anew from the time waited. Throw the
        result away and it was a dry run.
        """
        successor = Router(policy)
        old, new = self._floor, successor._floor
        new.endings.take_over(old.endings)
        new.times.take_over(old.times)
        new.homes.errors.take_over(old.homes.errors)
        agents, waiting = self.snapshot()
        decisions = list(successor.restore(agents, [replace(call, step=0) for call in waiting], now))
        for agent_id, agent in old.agents.items():
            if agent_id in new.agents and new.agents[agent_id].call_id == agent.call_id:
                new.agents[agent_id].talk_since = agent.talk_since
        new.changed_agents |= old.changed_agents
        new.changed_calls |= old.changed_calls
        return successor, tuple(decisions)

    def _tick(self, now: float) -> list[Decision]:
        """Everything that is due: first all calls go to where they belong, then agents take the first one."""
        floor = self._floor
        decisions: list[Decision] = []
        floor.holding = True
        for call in floor.timers.due_calls(now):
            if call.offered_to is None:
                floor.reopen((call,), now)
            else:  # the ring of a text
                missed = NotReadyReason.MISSED_RING
                floor.miss(call, call.offered_to, missed, RING_LIMIT, decisions, now)
        due = floor.timers.due_agents(now)
        for agent in due:
            if agent.state is RINGING:
                self._end_ring(agent, decisions, now)
        floor.holding = False
        floor.flush(decisions, now)
        for agent in due:
            if agent.state is RESERVED:
                call = floor.calls[agent.call_id or ""]
                callback_events.reservation_over(floor, call, decisions, now)
            elif agent.state is WRAP_UP:
                handled = floor.handled(agent)
                agent.finish(now)
                floor.count_handled(handled, now)
                floor.settle(agent, decisions, now)
        floor.flush(decisions, now)
        if now - self._places_told >= self.policy.place_every_s:
            self._places_told = now
            floor.hurry(floor.homes, now)
            floor.flush(decisions, now)
            decisions.extend(floor.homes.changed(floor.calls))
        if now - self._lines_swept >= LINE_IDLE_S:
            self._lines_swept = now
            floor.lines.forget_unused(now - LINE_IDLE_S)
        return decisions

    def _end_ring(self, agent: Agent, decisions: list[Decision], now: float) -> None:
        """A phone rang as long as it may."""
        floor = self._floor
        if agent.consulting:
            consult_events.miss_consultation(floor, agent, RING_LIMIT, decisions, now)
        else:
            call = floor.calls[agent.call_id or ""]
            floor.miss(call, agent, NotReadyReason.MISSED_RING, RING_LIMIT, decisions, now)
