"""Whom to look at when: rings, reservations and wrap-ups end, and waiting calls are opened to more agents."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from acd.agents import Agent
from acd.moves import RESERVED, RINGING, WRAP_UP
from acd.waiting import Call

RING_GRACE_S = 2.0
"""The telephone side ends a ring at `ring_until`; this much later the router stops waiting for its word."""

AgentEntry = tuple[float, str, float]
"""When to look, agent, and the `until` that it is about."""

CallEntry = tuple[float, str, int]
"""When to look, call, and the stamp under which it stands in line, or -1 for the ring of a text."""


class Timers:
    """Two heaps whose stale entries are dropped when they come to the top."""

    __slots__ = ("_agent_heap", "_agents", "_call_heap", "_calls")

    def __init__(self, agents: Mapping[str, Agent], calls: Mapping[str, Call]) -> None:
        self._agents = agents
        self._calls = calls
        self._agent_heap: list[AgentEntry] = []
        self._call_heap: list[CallEntry] = []

    def watch_agent(self, agent: Agent) -> None:
        """Look at this agent again when the ring, reservation or wrap-up is over."""
        if agent.until is None:
            return
        due = agent.until if agent.state is WRAP_UP else agent.until + RING_GRACE_S
        heapq.heappush(self._agent_heap, (due, agent.agent_id, agent.until))
        if len(self._agent_heap) > 4 * len(self._agents) + 1000:
            self._agent_heap = [entry for entry in self._agent_heap if self._agent_due(entry)]
            heapq.heapify(self._agent_heap)

    def watch_call(self, call: Call, now: float) -> None:
        """Look at this call again when something opens to it, or when the ring of a text is over."""
        if call.ring_until is not None:
            heapq.heappush(self._call_heap, (call.ring_until + RING_GRACE_S, call.call_id, -1))
        elif (when := call.next_time(now)) is not None:
            heapq.heappush(self._call_heap, (when, call.call_id, call.stamp))
        if len(self._call_heap) > 4 * len(self._calls) + 1000:
            self._call_heap = [entry for entry in self._call_heap if self._call_due(entry)]
            heapq.heapify(self._call_heap)

    def due_agents(self, now: float) -> list[Agent]:
        """Everybody whose limit is over by `now`, in order; each is named once."""
        found = []
        while self._agent_heap and self._agent_heap[0][0] <= now:
            entry = heapq.heappop(self._agent_heap)
            if self._agent_due(entry):
                found.append(self._agents[entry[1]])
        return found

    def due_calls(self, now: float) -> list[Call]:
        """All calls to look at by `now`; each is named once."""
        found: dict[str, Call] = {}
        while self._call_heap and self._call_heap[0][0] <= now:
            entry = heapq.heappop(self._call_heap)
            if self._call_due(entry):
                found[entry[1]] = self._calls[entry[1]]
        return list(found.values())

    def next(self) -> float | None:
        """When somebody is to be looked at next; None: not before something else happens."""
        while self._agent_heap and not self._agent_due(self._agent_heap[0]):
            heapq.heappop(self._agent_heap)
        while self._call_heap and not self._call_due(self._call_heap[0]):
            heapq.heappop(self._call_heap)
        heads = [self._agent_heap[0][0]] if self._agent_heap else []
        if self._call_heap:
            heads.append(self._call_heap[0][0])
        return min(heads, default=None)

    def _agent_due(self, entry: AgentEntry) -> bool:
        agent = self._agents.get(entry[1])
        return agent is not None and agent.state in (RINGING, RESERVED, WRAP_UP) and agent.until == entry[2]

    def _call_due(self, entry: CallEntry) -> bool:
        call = self._calls.get(entry[1])
        if call is None:
            return False
        if entry[2] == -1:
            return call.ring_until is not None and call.ring_until + RING_GRACE_S == entry[0]
        return call.stamp == entry[2]
