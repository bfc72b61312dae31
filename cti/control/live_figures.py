"""Figures of this moment, by key; what they mean stands in `cti.figures.board`. Pure.

Figures of the past are those of `cti.figures`; in alert rules they stand behind `today.` (since midnight in
China) or `rolling.` (the last 24 hours), those of this moment behind `live.`; `:<queue>` asks for one queue,
`:<区县>` for one district where that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from acd.messages import AgentRecord, AgentState
from cti.figures.board import LIVE
from cti.figures.definitions import FIGURES
from cti.messages import HealthView, QueueView

__all__ = ["LIVE", "broken", "known_figure", "live_values", "parts"]


PAST = ("today", "rolling")


def known_figure(name: str, queues: Iterable[str]) -> bool:
    """Whether an alert rule can look at this figure."""
    key, _, queue = name.partition(":")
    if key in LIVE and LIVE[key].by_district:
        return True
    if queue and queue not in set(queues):
        return False
    if key in LIVE:
        return not queue or LIVE[key].by_queue
    when, _, figure = key.partition(".")
    return when in PAST and figure in FIGURES and (not queue or when == "today")


def parts(health: HealthView, *, captions: bool) -> Mapping[str, bool]:
    """Every part of the platform -> whether it works; captions only where they are switched on."""
    found = {"redis": health.redis, "database": health.database}
    if captions:
        found["captions"] = health.captions
    found |= {f"asterisk {name}": up for name, up in health.asterisk.items()}
    return found | {f"refused {part}": False for part in health.refused}


def broken(health: HealthView, *, captions: bool) -> int:
    """How many parts do not work."""
    return sum(not works for works in parts(health, captions=captions).values())


def live_values(
    queues: Iterable[QueueView], agents: Iterable[AgentRecord], health: HealthView, *, captions: bool
) -> dict[str, float | None]:
    """Figures of lines, agents and platform, as they are now."""
    found: dict[str, float | None] = {}
    lines = tuple(queues)
    for line in lines:
        found[f"live.waiting:{line.queue}"] = line.waiting
        found[f"live.longest_wait_s:{line.queue}"] = line.longest_wait_s
        found[f"live.agents_ready:{line.queue}"] = line.agents_ready
    found["live.waiting"] = sum(line.waiting for line in lines)
    found["live.longest_wait_s"] = max((line.longest_wait_s for line in lines), default=0.0)
    states = [agent.state for agent in agents if agent.state is not AgentState.OFFLINE]
    found["live.agents_signed_in"] = len(states)
    for state in (AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP,
                  AgentState.RESERVED, AgentState.NOT_READY):  # fmt: skip
        found[f"live.agents_{state.value}"] = states.count(state)
    found["live.broken"] = broken(health, captions=captions)
    return found
