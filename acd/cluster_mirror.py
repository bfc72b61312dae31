"""The line as a member that does not lead sees it: what the leader confirmed, and its own events on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from acd.cluster_foresight import Ahead, foresee
from acd.cluster_messages import AgentClaimed
from acd.messages import AgentRecord, AgentState, Changes, Event, WaitingRecord
from acd.policy import Policy

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class View:
    """All agents and all calls in line at one moment."""

    agents: Mapping[str, AgentRecord] = field(default_factory=dict)  # agent id -> record
    waiting: Mapping[str, WaitingRecord] = field(default_factory=dict)  # call id -> record

    @classmethod
    def of(cls, agents: Iterable[AgentRecord], waiting: Iterable[WaitingRecord]) -> View:
        """Index two lists of records."""
        return cls({one.agent_id: one for one in agents}, {one.call_id: one for one in waiting})

    def talks(self) -> dict[str, str]:
        """Call -> who talks (or writes) on it; consulted colleagues do not count."""
        return {
            call_id: one.agent_id
            for one in self.agents.values()
            for call_id in talks_of(one)
            if call_id not in self.waiting  # a text that is only offered
        }


def talks_of(agent: AgentRecord) -> tuple[str, ...]:
    """The calls that the agent talks or writes on, or is offered to write on."""
    voice = agent.state is AgentState.TALKING and agent.call_id and not agent.consulting
    return (*agent.texting, agent.call_id) if voice and agent.call_id else agent.texting


class Mirror:
    """Fed by `replace` and `apply` (the leader's word) and `foresee` (one's own, until confirmed)."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._agents: dict[str, AgentRecord] = {}
        self._waiting: dict[str, WaitingRecord] = {}
        self._talks: dict[str, str] = {}  # call -> agent, as confirmed
        self._ahead_agents: dict[str, tuple[int, AgentRecord | None]] = {}  # with the number of the event
        self._ahead_waiting: dict[str, tuple[int, WaitingRecord | None]] = {}

    # ------------------------------------------------------------ the leader's word

    def replace(self, view: View) -> None:
        """Everything is new; what was foreseen and is not confirmed yet stays on top."""
        self._agents, self._waiting = dict(view.agents), dict(view.waiting)
        self._talks = view.talks()

    def apply(self, changes: Changes) -> None:
        """Some of it is new."""
        for agent_id in changes.gone_agents:
            self._forget_talk(agent_id)
            self._agents.pop(agent_id, None)
        for agent in changes.agents:
            self._forget_talk(agent.agent_id)
            self._agents[agent.agent_id] = agent
            self._talks.update(dict.fromkeys(talks_of(agent), agent.agent_id))
        for call_id in changes.gone_calls:
            self._waiting.pop(call_id, None)
        for call in changes.waiting:
            self._waiting[call.call_id] = call

    def use_policy(self, policy: Policy) -> None:
        """Foresee under another policy."""
        self._policy = policy

    def confirmed(self, seq: int) -> None:
        """The leader has taken our events up to this one: its word counts, not what was foreseen."""
        for agents in [one for one, (at, _) in self._ahead_agents.items() if at <= seq]:
            del self._ahead_agents[agents]
        for calls in [one for one, (at, _) in self._ahead_waiting.items() if at <= seq]:
            del self._ahead_waiting[calls]

    # ------------------------------------------------------------ our own

    def foresee(self, seq: int, event: Event | AgentClaimed, now: float) -> None:
        """See at once what the event will most likely change."""
        ahead = Ahead(self.agent, self.waiting_call, self.talking_with, self._policy, now)
        foresee(ahead, event)
        for agent_id, agent in ahead.agents.items():
            self._ahead_agents[agent_id] = (seq, agent)
        for call_id, call in ahead.calls.items():
            self._ahead_waiting[call_id] = (seq, call)

    def foreseen(self, agent_id: str) -> bool:
        """Whether an unconfirmed event of ours is about this agent."""
        return agent_id in self._ahead_agents

    # ------------------------------------------------------------ what is seen

    def agent(self, agent_id: str) -> AgentRecord | None:
        """One signed-in agent, or None."""
        ahead = self._ahead_agents.get(agent_id)
        return self._agents.get(agent_id) if ahead is None else ahead[1]

    def waiting_call(self, call_id: str) -> WaitingRecord | None:
        """One call in line or ringing, or None."""
        ahead = self._ahead_waiting.get(call_id)
        return self._waiting.get(call_id) if ahead is None else ahead[1]

    def talking_with(self, call_id: str) -> str | None:
        """The agent who talks on this call, or None."""
        if self.waiting_call(call_id) is not None:
            return None
        for _, agent in self._ahead_agents.values():
            if agent is not None and call_id in talks_of(agent):
                return agent.agent_id
        agent_id = self._talks.get(call_id)
        return None if agent_id is None or agent_id in self._ahead_agents else agent_id

    def view(self) -> View:
        """Everything as it is seen now."""
        agents, waiting = dict(self._agents), dict(self._waiting)
        _lay_over(agents, self._ahead_agents)
        _lay_over(waiting, self._ahead_waiting)
        return View(agents, waiting)

    def _forget_talk(self, agent_id: str) -> None:
        before = self._agents.get(agent_id)
        for call_id in talks_of(before) if before is not None else ():
            if self._talks.get(call_id) == agent_id:
                del self._talks[call_id]


def _lay_over(base: dict[str, R], ahead: Mapping[str, tuple[int, R | None]]) -> None:
    for key, (_, record) in ahead.items():
        if record is None:
            base.pop(key, None)
        else:
            base[key] = record
