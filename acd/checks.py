"""Checks of what an event says, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping

from acd.agents import Agent
from acd.errors import IllegalCallMove, InvalidValue, UnknownAgent, UnknownCall
from acd.floor import Floor
from acd.late import LATE_ON_CALL
from acd.messages import Event

_MAX_ID = 128


def known(floor: Floor, agent_id: str, event: Event) -> Agent:
    agent = floor.agents.get(agent_id)
    if agent is None:
        raise UnknownAgent(agent_id, type(event).__name__)
    return agent


def expect_late(floor: Floor, event: Event, call_id: str, agent_id: str) -> str:
    """How the thing ended that this late event is about.

    Raises:
        UnknownCall, IllegalCallMove: the event is not late but wrong.
    """
    how = floor.endings.of(call_id, agent_id)
    if how is not None and (type(event), how) in LATE_ON_CALL:
        return how
    name = type(event).__name__
    if call_id in floor.talks:
        raise IllegalCallMove(call_id, "talking", name)
    call = floor.calls.get(call_id)
    if call is not None:
        raise IllegalCallMove(call_id, "ringing" if call.offered_to else "waiting", name)
    raise UnknownCall(call_id, name)


def check_id(key: str, value: str) -> None:
    if not 0 < len(value) <= _MAX_ID:
        raise InvalidValue(key, value[:_MAX_ID], f"give 1 to {_MAX_ID} characters")


def check_skills(floor: Floor, key: str, skills: Mapping[str, int]) -> None:
    for skill, level in skills.items():
        if skill not in floor.skills:
            remedy = f"name one of the policy's skills: {', '.join(sorted(floor.skills))}"
            raise InvalidValue(f"{key}.{skill}", level, remedy)
        if not 1 <= level <= 5:
            raise InvalidValue(f"{key}.{skill}", level, "give a level of 1 to 5")
