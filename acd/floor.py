"""The floor of the centre: who is there, who waits, and what follows when somebody becomes free or leaves.

The router (`acd.router`) decides whether an event may be; this part carries its consequences through.
"""

from __future__ import annotations

import heapq

from acd.agents import OFFLINE, READY, RINGING, TALKING, WRAP_UP, Agent
from acd.estimate import HandlingTimes
from acd.late import CALLER_GONE, ENDED, RING_LIMIT, Endings
from acd.lines import Call, Lines
from acd.messages import Decision, NotReadyReason, Offer, OfferWithdrawn, PlaceChanged
from acd.policy import Policy, QueuePolicy

RING_GRACE_S = 2.0
"""The telephone side ends a ring at `ring_until`; this much later the router stops waiting for its word."""

LOOSE_WAIT_S = 15.0
"""An expected wait is told again when it moved by more than this, or the place changed."""


class Floor:
    """Agents, calls and lines under one policy, and every way they change."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.queues = {queue.name: queue for queue in policy.queues}
        self.skills = frozenset(skill.name for skill in policy.skills)
        self.lines = Lines(policy.choice)
        self.agents: dict[str, Agent] = {}
        self.calls: dict[str, Call] = {}  # in line or ringing
        self.talks: dict[str, Agent] = {}  # call id -> who talks
        self.endings = Endings()
        self.times = HandlingTimes()
        self.due: list[tuple[float, str, float]] = []  # (look at it, agent, the `until` it is about)
        self.changed_agents: set[str] = set()
        self.changed_calls: set[str] = set()

    # ------------------------------------------------------------ matching

    def requeue(self, call: Call, decisions: list[Decision], now: float) -> None:
        """A call that is in no line: offer it to whoever is ready, or put it in line at its place."""
        line = call.line = self.lines.get(call.line.queue, call.needs, self.agents, now)
        self.changed_calls.add(call.call_id)
        agent = line.best_agent(call.avoid)
        if agent is not None:
            self.ring(call, agent, decisions, now)
        else:
            line.add(call.place)
            decisions.append(self.told(call, self.place_of(call)))

    def settle(self, agent: Agent, decisions: list[Decision], now: float) -> None:
        """Draw the consequences of an agent's new state: work for the ready, farewell to the gone."""
        self.note(agent)
        if agent.state is READY:
            call = self.take_call(agent)
            if call is not None:
                self.ring(call, agent, decisions, now)
                return
            self.lines.offer(agent)
        elif agent.state is OFFLINE:
            self.lines.leave(agent)
            del self.agents[agent.agent_id]
        decisions.append(agent.changed())

    def take_call(self, agent: Agent) -> Call | None:
        """Take out of the lines the call that this agent should have now."""
        first = None
        for line in agent.lines:
            head = line.head
            if head is not None and (first is None or head < first):
                first = head
        if first is None:
            return None
        call = self.calls[first[2]]
        if agent.agent_id in call.avoid:
            call = self.take_other(agent) or call
        call.line.remove(call.place)
        return call

    def take_other(self, agent: Agent) -> Call | None:
        """The first call that this agent has not just missed, or that nobody else could take."""
        places = heapq.merge(*(line.waiting for line in agent.lines))
        for _, _, call_id in places:
            call = self.calls[call_id]
            if agent.agent_id not in call.avoid or not call.line.served_by_other(agent, call.avoid):
                return call
        return None

    def ring(self, call: Call, agent: Agent, decisions: list[Decision], now: float) -> None:
        queue = call.line.queue
        until = now + queue.ring_limit_s
        agent.ring(call.call_id, queue.name, until, now)
        call.offered_to = agent
        self.endings.forget(call.call_id, agent.agent_id)
        self.watch(agent)
        self.note(agent)
        self.changed_calls.add(call.call_id)
        decisions.append(agent.changed())
        decisions.append(Offer(call_id=call.call_id, agent_id=agent.agent_id, ring_until=until))

    def miss(
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
            self.withdraw_from(call, agent, how, decisions)
        else:
            call.offered_to = None
            self.endings.note(call.call_id, agent.agent_id, how)
        self.settle(agent, decisions, now)
        self.requeue(call, decisions, now)

    def withdraw_from(self, call: Call, agent: Agent, reason: str, decisions: list[Decision]) -> None:
        call.offered_to = None
        self.changed_calls.add(call.call_id)
        self.endings.note(call.call_id, agent.agent_id, reason)
        decisions.append(OfferWithdrawn(call_id=call.call_id, agent_id=agent.agent_id, reason=reason))

    def forget_call(self, call: Call, decisions: list[Decision], now: float) -> None:
        """The call waits no more; who rings for it is free."""
        del self.calls[call.call_id]
        self.changed_calls.add(call.call_id)
        agent = call.offered_to
        if agent is None:
            call.line.remove(call.place)
        else:
            self.withdraw_from(call, agent, CALLER_GONE, decisions)
            agent.withdraw(now)
            self.settle(agent, decisions, now)

    def end_talk(self, call_id: str, agent: Agent, decisions: list[Decision], now: float) -> None:
        del self.talks[call_id]
        self.endings.note(call_id, agent.agent_id, ENDED)
        self.endings.note(call_id, "", ENDED)
        handled = self.handled(agent)
        agent.end(self.queue_of(agent).wrap_up_s, now)
        if agent.state is WRAP_UP:
            self.watch(agent)
        else:
            self.count_handled(handled, now)
        self.settle(agent, decisions, now)

    # ------------------------------------------------------------ places and times

    def place_of(self, call: Call) -> PlaceChanged:
        place = self.lines.ahead_of(call) + 1
        wait_s = self.times.wait_s(call.line.queue.name, place, call.line.serving)
        return PlaceChanged(call_id=call.call_id, place=place, expected_wait_s=wait_s)

    def tell_places(self, decisions: list[Decision]) -> None:
        """Tell every waiting call whose place or expected wait is not what it was told last."""
        for queue in self.queues:
            places = heapq.merge(*(line.waiting for line in self.lines.of_queue(queue)))
            for place, (_, _, call_id) in enumerate(places, 1):
                call = self.calls[call_id]
                wait_s = self.times.wait_s(queue, place, call.line.serving)
                if place != call.told_place or _differ(wait_s, call.told_wait_s):
                    now_at = PlaceChanged(call_id=call_id, place=place, expected_wait_s=wait_s)
                    decisions.append(self.told(call, now_at))

    @staticmethod
    def told(call: Call, place: PlaceChanged) -> PlaceChanged:
        call.told_place, call.told_wait_s = place.place, place.expected_wait_s
        return place

    def watch(self, agent: Agent) -> None:
        """Look at this agent again when the ring or wrap-up is over."""
        if agent.until is None:
            return
        due = agent.until + RING_GRACE_S if agent.state is RINGING else agent.until
        heapq.heappush(self.due, (due, agent.agent_id, agent.until))
        if len(self.due) > 4 * len(self.agents) + 1000:
            self.due = [entry for entry in self.due if self.is_due(entry)]
            heapq.heapify(self.due)

    def is_due(self, entry: tuple[float, str, float]) -> bool:
        agent = self.agents.get(entry[1])
        return agent is not None and agent.state in (RINGING, WRAP_UP) and agent.until == entry[2]

    @staticmethod
    def handled(agent: Agent) -> tuple[str, float] | None:
        """Queue and start of the talk that the agent is about to be done with."""
        if agent.state not in (TALKING, WRAP_UP) or agent.queue is None or agent.talk_since is None:
            return None
        return agent.queue, agent.talk_since

    def count_handled(self, handled: tuple[str, float] | None, now: float) -> None:
        if handled is not None:
            self.times.add(handled[0], max(0.0, now - handled[1]))

    def note(self, agent: Agent) -> None:
        self.changed_agents.add(agent.agent_id)
        self.lines.serve(agent)

    def queue_of(self, agent: Agent) -> QueuePolicy:
        return self.queues.get(agent.queue or "") or self.queues[self.policy.default_queue]


def _differ(wait_s: float | None, told_s: float | None) -> bool:
    if wait_s is None or told_s is None:
        return wait_s is not told_s
    return abs(wait_s - told_s) > LOOSE_WAIT_S
