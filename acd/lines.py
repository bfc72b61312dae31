"""Who may take which calls: one `Line` per distinct (queue, needs), with its callers and agents in order.

Nothing is scanned when a call or an agent comes: a line keeps its callers sorted and its ready agents in a
heap whose stale entries are dropped when they come to the top. A decision costs the logarithm of the callers
and agents, times the number of lines that the agent's skills open.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING

from sortedcontainers import SortedList

from acd.agents import Agent
from acd.messages import AgentState, WaitingRecord
from acd.policy import Choice, QueuePolicy

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

Place = tuple[int, float, str]
"""Sorts callers: negative priority, time since when they wait, call id."""

Needs = frozenset[tuple[str, int]]
"""Skill and minimum level."""


class Call:
    """One call that waits for a person or rings at one."""

    __slots__ = (
        "avoid",
        "call_id",
        "line",
        "needs",
        "offered_to",
        "place",
        "priority",
        "since",
        "told_place",
        "told_wait_s",
    )

    def __init__(
        self,
        call_id: str,
        line: Line,
        needs: Mapping[str, int],
        priority: int,
        since: float,
        avoid: frozenset[str],
    ) -> None:
        self.call_id = call_id
        self.line = line
        self.needs = dict(needs)
        self.priority = priority
        self.since = since
        self.avoid = avoid
        self.offered_to: Agent | None = None
        self.place: Place = (-priority, since, call_id)
        self.told_place = 0  # as last told
        self.told_wait_s: float | None = None  # as last told

    def record(self) -> WaitingRecord:
        """The state to be stored."""
        return WaitingRecord(
            call_id=self.call_id,
            queue=self.line.queue.name,
            needs=dict(self.needs),
            priority=self.priority,
            since=self.since,
            avoid=self.avoid,
            offered_to=self.offered_to.agent_id if self.offered_to else None,
        )


class Line:
    """Callers of one queue with the same needs, and the agents who may take them."""

    __slots__ = ("_ready", "agents", "best_skill", "head", "needs", "queue", "serving", "used", "waiting")

    def __init__(self, queue: QueuePolicy, needs: Needs, choice: Choice, now: float) -> None:
        self.queue = queue
        self.needs = tuple(sorted(needs))
        self.best_skill = (queue.choice or choice) is Choice.BEST_SKILL_THEN_LONGEST_IDLE
        self.waiting: SortedList[Place] = SortedList()  # without those that ring
        self.head: Place | None = None  # first of `waiting`
        self.agents: dict[str, Agent] = {}  # everybody signed in who has the skills
        self.serving = 0  # those of them who take calls now or after the present one
        self.used = now  # somebody waited here
        self._ready: list[tuple[int, float, str, int, Agent]] = []

    def fits(self, agent: Agent) -> bool:
        """True when the agent has all needed skills at the needed level."""
        skills = agent.skills
        return all(skills.get(skill, 0) >= level for skill, level in self.needs)

    def add(self, place: Place) -> None:
        """A caller joins or comes back."""
        self.waiting.add(place)
        self.head = self.waiting[0]

    def remove(self, place: Place) -> None:
        """A caller leaves or is offered."""
        self.waiting.remove(place)
        self.head = self.waiting[0] if self.waiting else None

    def ahead_of(self, place: Place) -> int:
        """How many callers of this line stand before `place`."""
        return int(self.waiting.bisect_left(place))

    def offer_to(self, agent: Agent) -> None:
        """An agent became ready and nobody waited."""
        skills = agent.skills
        score = -sum(skills[skill] for skill, _ in self.needs) if self.best_skill else 0
        heapq.heappush(self._ready, (score, agent.idle_since or 0.0, agent.agent_id, agent.stamp, agent))
        if len(self._ready) > 2 * len(self.agents) + 64:
            self._ready = [entry for entry in self._ready if _fresh(entry)]
            heapq.heapify(self._ready)

    def best_agent(self, avoid: AbstractSet[str]) -> Agent | None:
        """The ready agent who should take the next call; one in `avoid` only when there is nobody else."""
        ready = self._ready
        while ready and not _fresh(ready[0]):
            heapq.heappop(ready)
        if not ready:
            return None
        if not avoid or ready[0][2] not in avoid:
            return ready[0][4]
        others = [entry for entry in ready if entry[2] not in avoid and _fresh(entry)]
        return min(others, default=ready[0])[4]

    def served_by_other(self, agent: Agent, avoid: AbstractSet[str]) -> bool:
        """True when somebody else takes such calls who is not in `avoid`."""
        return any(
            other.serving and other is not agent and other.agent_id not in avoid
            for other in self.agents.values()
        )


def _fresh(entry: tuple[int, float, str, int, Agent]) -> bool:
    agent = entry[4]
    return agent.stamp == entry[3] and agent.state is AgentState.READY


class Lines:
    """All lines, and which agents belong to which."""

    __slots__ = ("_by_key", "_by_queue", "_choice", "_stamps")

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._stamps = count(1)  # no two are equal, so that entries of ready lists never compare agents
        self._by_key: dict[tuple[str, Needs], Line] = {}
        self._by_queue: dict[str, list[Line]] = {}

    def __iter__(self) -> Iterator[Line]:
        return iter(self._by_key.values())

    def of_queue(self, queue: str) -> list[Line]:
        """The lines of one queue."""
        return self._by_queue.get(queue, [])

    def get(
        self, queue: QueuePolicy, needs: Mapping[str, int], agents: Mapping[str, Agent], now: float
    ) -> Line:
        """The line for these needs; a new one is filled with the agents who fit."""
        key = (queue.name, frozenset(needs.items()))
        line = self._by_key.get(key)
        if line is None:
            line = self._by_key[key] = Line(queue, key[1], self._choice, now)
            self._by_queue.setdefault(queue.name, []).append(line)
            for agent in agents.values():
                if line.fits(agent):
                    self._connect(line, agent)
        line.used = now
        return line

    def enter(self, agent: Agent) -> None:
        """Put an agent, who is in no line, into all lines that the skills open."""
        agent.stamp = next(self._stamps)
        for line in self._by_key.values():
            if line.fits(agent):
                self._connect(line, agent)

    def leave(self, agent: Agent) -> None:
        """Take an agent out of all lines."""
        agent.stamp = next(self._stamps)
        for line in agent.lines:
            del line.agents[agent.agent_id]
            line.serving -= agent.serving
        agent.lines.clear()

    def offer(self, agent: Agent) -> None:
        """The agent became ready and nobody waits whom they could take."""
        agent.stamp = next(self._stamps)
        for line in agent.lines:
            line.offer_to(agent)

    def serve(self, agent: Agent) -> None:
        """Note whether the agent takes calls, after a change of state."""
        serving = agent.takes_calls()
        if serving is not agent.serving:
            agent.serving = serving
            step = 1 if serving else -1
            for line in agent.lines:
                line.serving += step

    def ahead_of(self, call: Call) -> int:
        """How many callers of the call's queue stand before it."""
        lines = self._by_queue[call.line.queue.name]
        return sum(line.ahead_of(call.place) for line in lines)

    def forget_unused(self, before: float) -> None:
        """Drop lines where nobody has waited since `before`, so that rare needs do not pile up."""
        for key, line in list(self._by_key.items()):
            if line.used < before and not line.waiting:
                del self._by_key[key]
                self._by_queue[key[0]].remove(line)
                for agent in line.agents.values():
                    agent.lines.remove(line)

    @staticmethod
    def _connect(line: Line, agent: Agent) -> None:
        line.agents[agent.agent_id] = agent
        line.serving += agent.serving
        agent.lines.append(line)
        if agent.state is AgentState.READY:
            line.offer_to(agent)
