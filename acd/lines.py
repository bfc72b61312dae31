"""Who may take which calls: one `Line` per distinct (queue, needs, media), with callers and agents in order.

Nothing is scanned when a call or an agent comes: callers and ready agents stand in heaps whose stale entries
are dropped when they come to the top. A call may stand in several lines at one place. A decision costs the
logarithm of the callers and agents, times the number of lines that the agent's skills open.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from typing import TYPE_CHECKING

from acd.agents import Agent
from acd.messages import Media
from acd.moves import READY
from acd.policy import Choice
from acd.seats import Seats
from acd.waiting import Call, Door, Needs

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

Entry = tuple[float, str, int, Call]
"""A caller in a line: the place, then the stamp that says whether the entry counts."""

Ready = tuple[int, float, float, str, int, Agent]
"""A ready agent in a line: texts, score, idle since, id, and the stamp that says whether the entry counts."""

EMPTY = math.inf
"""The rank of a line where nobody waits."""

Key = tuple[str, Needs, Media]


class Line:
    """Callers under one queue's rules with the same needs, and the agents who may take them."""

    __slots__ = (
        "_ready",
        "_stale",
        "_waiting",
        "agents",
        "blocked_by_texts",
        "choice",
        "head",
        "needs",
        "only",
        "queue",
        "rank",
        "reserve",
        "serving",
        "text",
        "used",
    )

    def __init__(self, door: Door, media: Media, choice: Choice, now: float, only: str | None = None) -> None:
        self.queue, needs = door
        self.needs = tuple(sorted(needs))
        self.only = only  # set: the line of calls that prefer this agent
        self.text = media is Media.TEXT
        self.blocked_by_texts = self.queue.text_blocks_voice and not self.text
        self.choice = self.queue.choice or choice
        wanted = {skill for skill, _ in needs}
        self.reserve = {skill: n for skill, n in self.queue.reserve.items() if skill not in wanted}
        self.head: Entry | None = None  # the first caller
        self.rank = EMPTY  # … and the first part of the place
        self.agents: dict[str, Agent] = {}  # everybody signed in who fits
        self.serving = 0  # those of them who take calls now or after the present one
        self.used = now  # somebody waited here
        self._waiting: list[Entry] = []
        self._stale = 0
        self._ready: dict[tuple[str, ...], list[Ready]] = {}  # by reserved skills that they hold

    def fits(self, agent: Agent) -> bool:
        """True when the agent has all needed skills at the needed level, and the medium."""
        if (self.text and not agent.texts) or (self.only is not None and self.only != agent.agent_id):
            return False
        skills = agent.skills
        return all(skills.get(skill, 0) >= level for skill, level in self.needs)

    # ------------------------------------------------------------ callers

    def add(self, entry: Entry) -> None:
        """A caller joins or comes back."""
        heapq.heappush(self._waiting, entry)
        self.head = head = self._waiting[0]
        self.rank = head[0]

    def gone(self) -> None:
        """A caller who stood here left, or is offered: the stamp has changed."""
        waiting = self._waiting
        self._stale += 1
        while waiting and waiting[0][2] != waiting[0][3].stamp:
            heapq.heappop(waiting)
            self._stale -= 1
        if self._stale > 64 and 2 * self._stale > len(waiting):
            waiting = self._waiting = [entry for entry in waiting if entry[2] == entry[3].stamp]
            heapq.heapify(waiting)
            self._stale = 0
        if waiting:
            self.head = head = waiting[0]
            self.rank = head[0]
        else:
            self.head, self.rank = None, EMPTY

    def in_order(self) -> Iterator[Entry]:
        """The callers, first one first; a heap is a tree, so the next is always below those that were had."""
        waiting = self._waiting
        ahead = [(entry, 0) for entry in waiting[:1]]
        while ahead:
            entry, index = heapq.heappop(ahead)
            if entry[2] == entry[3].stamp:
                yield entry
            for below in (2 * index + 1, 2 * index + 2):
                if below < len(waiting):
                    heapq.heappush(ahead, (waiting[below], below))

    # ------------------------------------------------------------ agents

    def open_to(self, agent: Agent, seats: Seats) -> bool:
        """True when the agent, who fits and is ready, may take a call from here now."""
        if self.text:
            if len(agent.texting) >= agent.texts:
                return False
        elif agent.texting and self.blocked_by_texts:
            return False
        return not self.reserve or agent.texting != () or seats.spare(self.reserve, agent.scarce)

    def offer_to(self, agent: Agent) -> None:
        """A ready agent takes calls from here."""
        texting = len(agent.texting)
        if texting >= agent.texts if self.text else texting and self.blocked_by_texts:
            return
        held: tuple[str, ...] = ()
        if self.reserve and not texting:
            held = tuple(skill for skill in agent.scarce if skill in self.reserve)
        idle_since = agent.idle_since or 0.0
        score = 0.0
        if self.choice is Choice.BEST_SKILL_THEN_LONGEST_IDLE:
            skills = agent.skills
            score = -float(sum([skills[skill] for skill, _ in self.needs]))
        elif self.choice is Choice.LEAST_OCCUPIED:
            score = agent.occupancy()
        ready = self._ready.get(held)
        if ready is None:
            ready = self._ready[held] = []
        heapq.heappush(ready, (texting, score, idle_since, agent.agent_id, agent.stamp, agent))
        if len(ready) > 2 * len(self.agents) + 64:
            ready[:] = [entry for entry in ready if entry[4] == entry[5].stamp]
            heapq.heapify(ready)

    def best_agent(self, avoid: AbstractSet[str], seats: Seats) -> Agent | None:
        """The ready agent who should take the next call from here, none of `avoid`; None: nobody may."""
        best: Ready | None = None
        for held, ready in self._ready.items():
            while ready and ready[0][4] != ready[0][5].stamp:
                heapq.heappop(ready)
            if not ready or (held and not seats.spare(self.reserve, held)):
                continue
            first: Ready | None = ready[0]
            if avoid and ready[0][3] in avoid:
                first = min(
                    (entry for entry in ready if entry[3] not in avoid and entry[4] == entry[5].stamp),
                    default=None,
                )
            if first is not None and (best is None or first < best):
                best = first
        return best[5] if best is not None else None

    def served_by_other(self, agent: Agent, avoid: AbstractSet[str]) -> bool:
        """True when somebody else takes such calls who is not in `avoid`."""
        others = {agent.agent_id, *avoid}
        known = sum(self.agents[one].serving for one in others if one in self.agents)
        return self.serving > known


class Lines:
    """All lines, and which agents belong to which."""

    __slots__ = ("_by_key", "_choice", "_personal", "_reserving", "_stamps", "seats")

    def __init__(self, choice: Choice, seats: Seats) -> None:
        self.seats = seats
        self._choice = choice
        self._stamps = count(1)  # no two are equal, so that entries never compare agents or calls
        self._by_key: dict[Key, Line] = {}
        self._personal: dict[str, dict[Key, Line]] = {}  # agent -> lines of calls that prefer that agent
        self._reserving: dict[str, list[Line]] = {}  # skill -> lines that leave its last seats alone

    def stamp(self) -> int:
        """A new one."""
        return next(self._stamps)

    def get(self, door: Door, media: Media, agents: Mapping[str, Agent], now: float) -> Line:
        """The line for these needs; a new one is filled with the agents who fit."""
        key = (door[0].name, door[1], media)
        line = self._by_key.get(key)
        if line is None:
            line = self._by_key[key] = Line(door, media, self._choice, now)
            self._made(line)
            for agent in agents.values():
                if line.fits(agent):
                    self._connect(line, agent)
        line.used = now
        return line

    def personal(
        self, door: Door, media: Media, agent_id: str, agents: Mapping[str, Agent], now: float
    ) -> Line:
        """The line of such calls that prefer this agent, who need not be there (yet)."""
        mine = self._personal.setdefault(agent_id, {})
        key = (door[0].name, door[1], media)
        line = mine.get(key)
        if line is None:
            line = mine[key] = Line(door, media, self._choice, now, only=agent_id)
            self._made(line)
            agent = agents.get(agent_id)
            if agent is not None and line.fits(agent):
                self._connect(line, agent)
        line.used = now
        return line

    def preferred(self, agent: Agent) -> bool:
        """True when calls may wait for this agent alone."""
        return agent.agent_id in self._personal

    def preferring(self, agent: Agent) -> list[Call]:
        """The calls that wait for this agent alone, or for few."""
        mine = self._personal.get(agent.agent_id, {})
        return [entry[3] for line in mine.values() for entry in line.in_order()]

    def enter(self, agent: Agent) -> None:
        """Put an agent, who is in no line, into all lines that the skills open."""
        agent.stamp = next(self._stamps)
        self.seats.enter(agent)
        agent.plain = not agent.scarce and not agent.texts
        for lines in (self._by_key, self._personal.get(agent.agent_id, {})):
            for line in lines.values():
                if line.fits(agent):
                    self._connect(line, agent)

    def leave(self, agent: Agent) -> None:
        """Take an agent out of all lines."""
        agent.stamp = 0
        self.seats.leave(agent)
        for line in agent.lines:
            del line.agents[agent.agent_id]
            line.serving -= agent.serving
        agent.lines.clear()

    def offer(self, agent: Agent) -> None:
        """The agent is ready and nobody waits whom they may take."""
        agent.stamp = next(self._stamps)
        for line in agent.lines:
            line.offer_to(agent)

    def serve(self, agent: Agent) -> bool:
        """Note whether the agent is ready and takes calls, after a change; True when no longer."""
        if agent.scarce:
            self.seats.count(agent)
        serving = agent.takes_calls()
        if serving is agent.serving:
            return False
        agent.serving = serving
        step = 1 if serving else -1
        for line in agent.lines:
            line.serving += step
        return not serving

    def forget_unused(self, before: float) -> None:
        """Drop lines where nobody has waited since `before`, so that rare needs do not pile up."""
        for lines in (self._by_key, *self._personal.values()):
            for key, line in list(lines.items()):
                if line.used < before and line.head is None:
                    del lines[key]
                    for skill in line.reserve:
                        self._reserving[skill].remove(line)
                    for agent in line.agents.values():
                        agent.lines.remove(line)
        self._personal = {agent_id: mine for agent_id, mine in self._personal.items() if mine}

    def holding(self, skills: Iterable[str]) -> Iterator[Line]:
        """The lines that leave the last seats with one of these skills alone."""
        return chain.from_iterable(self._reserving.get(skill, ()) for skill in skills)

    def _made(self, line: Line) -> None:
        for skill in line.reserve:
            self._reserving.setdefault(skill, []).append(line)

    @staticmethod
    def _connect(line: Line, agent: Agent) -> None:
        line.agents[agent.agent_id] = agent
        line.serving += agent.serving
        agent.lines.append(line)
        if agent.state is READY and agent.stamp:  # without a stamp: just became ready, is offered in a moment
            line.offer_to(agent)
