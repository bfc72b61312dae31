"""How many agents could take a call, counted when it begins to wait: reports say by it why it waited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from acd.messages import AgentState, Staffed
from acd.moves import BUSY, NOT_READY, READY

__all__ = ["joined", "staffed"]


class Skilled(Protocol):
    """An agent, or the record of one."""

    @property
    def skills(self) -> Mapping[str, int]: ...

    @property
    def state(self) -> AgentState: ...


def joined(*needs: Mapping[str, int]) -> dict[str, int]:
    """Return all skills that are needed, the highest level of each."""
    found: dict[str, int] = {}
    for each in needs:
        for skill, level in each.items():
            found[skill] = max(level, found.get(skill, 0))
    return found


def staffed(agents: Iterable[Skilled], needs: Mapping[str, int]) -> Staffed:
    """Count the agents who have these skills; takes time in proportion to the agents."""
    ready = busy = away = 0
    wanted = tuple(needs.items())
    for agent in agents:
        skills = agent.skills
        if any(skills.get(skill, 0) < level for skill, level in wanted):
            continue
        state = agent.state
        ready += state is READY
        busy += state in BUSY
        away += state is NOT_READY
    return Staffed(ready=ready, busy=busy, away=away)
