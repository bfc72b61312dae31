"""Ready seats with a scarce skill, counted, so that calls which do not need it leave the last ones alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from acd.agents import Agent
from acd.moves import READY
from acd.policy import QueuePolicy


class Seats:
    """How many agents with each reserved skill are ready and in no text conversation."""

    __slots__ = ("_ready",)

    def __init__(self, queues: Iterable[QueuePolicy]) -> None:
        self._ready = {skill: 0 for queue in queues for skill in queue.reserve}

    def enter(self, agent: Agent) -> None:
        """The agent's skills begin to count."""
        agent.scarce = tuple(sorted(skill for skill in agent.skills if skill in self._ready))
        agent.counted = False
        self.count(agent)

    def leave(self, agent: Agent) -> None:
        """The agent is gone, or has other skills from now on."""
        if agent.counted:
            agent.counted = False
            self._step(agent, -1)
        agent.scarce = ()

    def count(self, agent: Agent) -> None:
        """Look at the agent again, after a change."""
        counted = agent.state is READY and not agent.texting
        if counted is not agent.counted:
            agent.counted = counted
            self._step(agent, 1 if counted else -1)

    def spare(self, reserve: Mapping[str, int], held: Collection[str]) -> bool:
        """True when a ready agent who holds these skills may be taken without touching the last seats."""
        return all(self._ready[skill] > reserve[skill] for skill in held if skill in reserve)

    def _step(self, agent: Agent, step: int) -> None:
        for skill in agent.scarce:
            self._ready[skill] += step
