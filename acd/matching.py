"""Who should have what: which lines a call stands in, which agent it gets, which call an agent gets."""

from __future__ import annotations

import heapq
from zoneinfo import ZoneInfo

from acd.agents import Agent
from acd.estimate import HandlingTimes
from acd.homes import Homes
from acd.hours import Hours
from acd.late import Endings
from acd.lines import EMPTY, Entry, Line, Lines
from acd.policy import Policy, QueuePolicy
from acd.seats import Seats
from acd.timers import Timers
from acd.waiting import Call


class Matching:
    """Agents, calls and lines under one policy, and the choice between them; decides, but offers nothing."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.queues = {queue.name: queue for queue in policy.queues}
        self.skills = frozenset(skill.name for skill in policy.skills)
        zone = ZoneInfo(policy.time_zone)
        self.hours = {name: Hours(windows, zone) for name, windows in policy.hours.items()}
        self.seats = Seats(policy.queues)
        self.lines = Lines(policy.choice, self.seats)
        self.times = HandlingTimes()
        self.homes = Homes(self.queues, self.times)
        self.agents: dict[str, Agent] = {}
        self.calls: dict[str, Call] = {}  # in line or ringing
        self.talks: dict[str, Agent] = {}  # call id -> who talks
        self.endings = Endings()
        self.timers = Timers(self.agents, self.calls)
        self.left: list[Agent] = []  # may no longer be what some calls wait for
        self.pending: list[Call] = []  # in line, to be matched when the event is through
        self.holding = False  # calls that come back are matched at the flush only
        self.changed_agents: set[str] = set()
        self.changed_calls: set[str] = set()

    # ------------------------------------------------------------ opening hours

    def open_queue(self, queue: QueuePolicy, now: float) -> QueuePolicy:
        """The queue, or outside its opening hours the one that takes over."""
        if queue.hours is None or queue.night is None or self.hours[queue.hours].open_at(now):
            return queue
        return self.queues[queue.night]

    def watch_closing(self, call: Call) -> None:
        """Note when the call's queue closes: its agents go home, so the night queue's may take it, too."""
        queue = call.queue
        call.night = call.closes_at = None
        if queue.hours is not None and queue.night is not None:
            call.night = self.queues[queue.night]
            hours = self.hours[queue.hours]
            call.closes_at = hours.closes_after(call.queued_at)
            if call.closes_at is None and not hours.open_at(call.queued_at):
                call.closes_at = call.queued_at

    # ------------------------------------------------------------ calls

    def find_lines(self, call: Call, now: float) -> None:
        """Take the steps whose time has come and work out in which lines the call belongs."""
        call.advance(now)
        call.open_doors(self.queues, now)
        call.base = self.lines.get(call.doors[0], call.media, self.agents, now)
        call.lines = []
        if call.sleeps(now):
            return
        if call.prefer:
            if call.prefers(now):
                call.lines = self._preferred_lines(call, now)
                if call.lines:
                    return
            call.prefer = ()  # given up for good
            self.changed_calls.add(call.call_id)
        for door in call.doors:
            call.lines.append(self.lines.get(door, call.media, self.agents, now))

    def _preferred_lines(self, call: Call, now: float) -> list[Line]:
        """Where the preferred agents find the call; nowhere when none of them takes such calls now."""
        lines = [
            self.lines.personal(door, call.media, agent_id, self.agents, now)
            for agent_id in call.prefer
            if agent_id not in call.avoid
            for door in call.doors
        ]
        return lines if any(line.serving for line in lines) else []

    def stand(self, call: Call, now: float) -> None:
        """Put a call, whose lines are found, in line at its place."""
        call.stamp = self.lines.stamp()
        entry: Entry = (*call.place, call.stamp, call)
        for line in call.lines:
            line.add(entry)
        self.homes.of(call).add(call)
        self.timers.watch_call(call, now)

    def unstand(self, call: Call) -> None:
        """Take a call out of all lines."""
        call.stamp = 0
        for line in call.lines:
            line.gone()
        self.homes.of(call).remove(call)

    def best_agent(self, call: Call) -> Agent | None:
        """Who should take this call now: strictest line first; who missed it only when nobody else may."""
        for line in call.lines:
            if (agent := line.best_agent(call.avoid, self.seats)) is not None:
                return agent
        if call.avoid:
            for line in call.lines:
                if (agent := line.best_agent(frozenset(), self.seats)) is not None:
                    return agent
        return None

    # ------------------------------------------------------------ agents

    def take_call(self, agent: Agent) -> Call | None:
        """The call that this agent should have now."""
        first: Entry | None = None
        rank = EMPTY
        plain = agent.plain
        for line in agent.lines:
            if line.rank > rank or (head := line.head) is None:
                continue
            if (first is None or head < first) and (plain or line.open_to(agent, self.seats)):
                first, rank = head, line.rank
        if first is None:
            return None
        call = first[3]
        if agent.agent_id in call.avoid:
            return self._take_other(agent) or call
        return call

    def _take_other(self, agent: Agent) -> Call | None:
        """The first call that this agent has not just missed, or that nobody else could take."""
        lines = [line.in_order() for line in agent.lines if line.open_to(agent, self.seats)]
        for entry in heapq.merge(*lines):
            call = entry[3]
            if agent.agent_id not in call.avoid:
                return call
            if not any(line.served_by_other(agent, call.avoid) for line in call.lines):
                return call
        return None

    def first_held(self, agent: Agent) -> Call | None:
        """One more seat with a scarce skill is ready: the first call that left the last ones alone so far."""
        first: Entry | None = None
        for line in self.lines.holding(agent.scarce):
            head = line.head
            if head is None or (first is not None and first < head):
                continue
            if line.best_agent(frozenset(), self.seats) is not None:
                first = head
        return first[3] if first is not None else None
