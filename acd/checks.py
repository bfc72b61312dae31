"""Checks of what an event says, before anything is changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from acd.agents import Agent
from acd.errors import IllegalCallMove, InvalidValue, UnknownAgent, UnknownCall
from acd.floor import Floor
from acd.late import LATE_ON_CALL
from acd.messages import Event
from acd.policy import QueuePolicy
from acd.waiting import Call

_MAX_ID = 128
_MAX_NAMES = 32
_MAX_TEXTS = 50


def known(floor: Floor, agent_id: str, event: Event) -> Agent:
    agent = floor.agents.get(agent_id)
    if agent is None:
        raise UnknownAgent(agent_id, type(event).__name__)
    return agent


def known_call(floor: Floor, event: Event, call_id: str) -> Call:
    """A call in line or ringing."""
    call = floor.calls.get(call_id)
    if call is not None:
        return call
    if call_id in floor.talks:
        raise IllegalCallMove(call_id, "talking", type(event).__name__)
    raise UnknownCall(call_id, type(event).__name__)


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


def check_ids(key: str, values: Collection[str]) -> None:
    if len(values) > _MAX_NAMES:
        raise InvalidValue(key, len(values), f"give at most {_MAX_NAMES}")
    for value in values:
        check_id(key, value)


def check_queues(floor: Floor, key: str, names: Collection[str]) -> tuple[QueuePolicy, ...]:
    """The queues of these names.

    Raises:
        InvalidValue: too many, or one is not in the policy.
    """
    if len(names) > _MAX_NAMES:
        raise InvalidValue(key, len(names), f"give at most {_MAX_NAMES}")
    for name in names:
        if name not in floor.queues:
            raise InvalidValue(key, name, f"name one of: {', '.join(floor.queues)}")
    return tuple(floor.queues[name] for name in dict.fromkeys(names))


def check_priority(priority: int) -> None:
    if not -1000 <= priority <= 1000:
        raise InvalidValue("priority", priority, "give -1000 to 1000")


def check_seat(team: str | None, place: str | None, texts: int | None) -> None:
    for key, value in (("team", team), ("place", place)):
        if value is not None and len(value) > _MAX_ID:
            raise InvalidValue(key, value[:_MAX_ID], f"give at most {_MAX_ID} characters")
    if texts is not None and not 0 <= texts <= _MAX_TEXTS:
        raise InvalidValue("texts", texts, f"give 0 to {_MAX_TEXTS}")


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
