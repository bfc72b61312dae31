"""What agents do: sign in and out, take calls or not, wrap up. One function per event, named like it."""

from __future__ import annotations

from acd.agents import READY, RINGING, Agent
from acd.checks import check_id, check_skills, known
from acd.errors import InvalidValue
from acd.floor import Floor
from acd.late import AGENT_LEFT, LATE_BY_AGENT, OPEN_STATES
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    Decision,
    WrapUpExtended,
    WrapUpFinished,
)


def agent_signed_in(floor: Floor, event: AgentSignedIn, now: float) -> list[Decision]:
    check_id("agent_id", event.agent_id)
    check_skills(floor, "skills", event.skills)
    agent = floor.agents.get(event.agent_id)
    if agent is None:
        agent = Agent(event.agent_id, event.skills)
        agent.sign_in(now, auto_ready=event.auto_ready)
        floor.agents[event.agent_id] = agent
    else:
        agent.sign_in(now, auto_ready=event.auto_ready)
        floor.lines.leave(agent)
        agent.skills = dict(event.skills)
    floor.lines.enter(agent)
    decisions: list[Decision] = []
    floor.settle(agent, decisions, now)
    return decisions


def agent_signed_out(floor: Floor, event: AgentSignedOut, now: float) -> list[Decision]:
    agent = known(floor, event.agent_id, event)
    decisions: list[Decision] = []
    call = floor.calls[agent.call_id] if agent.state is RINGING and agent.call_id else None
    agent.sign_out(now)
    if call is not None:
        floor.withdraw_from(call, agent, AGENT_LEFT, decisions)
    floor.settle(agent, decisions, now)
    if call is not None:
        floor.requeue(call, decisions, now)
    return decisions


def agent_became_ready(floor: Floor, event: AgentBecameReady, now: float) -> list[Decision]:
    agent = known(floor, event.agent_id, event)
    if (type(event), agent.state) in LATE_BY_AGENT:
        return [agent.changed()]
    handled, before = floor.handled(agent), agent.state
    agent.ready(now)
    decisions: list[Decision] = []
    if agent.state is before:  # kept for after the talk
        floor.note(agent)
    else:
        floor.count_handled(handled, now)
        floor.settle(agent, decisions, now)
    return decisions


def agent_became_not_ready(floor: Floor, event: AgentBecameNotReady, now: float) -> list[Decision]:
    agent = known(floor, event.agent_id, event)
    agent.not_ready(event.reason, now)
    decisions: list[Decision] = []
    if agent.state in OPEN_STATES:  # kept for after the wrap-up
        floor.note(agent)
    else:
        floor.settle(agent, decisions, now)
    return decisions


def agent_skills_changed(floor: Floor, event: AgentSkillsChanged, now: float) -> list[Decision]:
    agent = known(floor, event.agent_id, event)
    check_skills(floor, "skills", event.skills)
    floor.lines.leave(agent)
    agent.skills = dict(event.skills)
    floor.note(agent)
    decisions: list[Decision] = []
    floor.lines.enter(agent)
    if agent.state is READY and (call := floor.take_call(agent)):
        floor.ring(call, agent, decisions, now)
    return decisions


def wrap_up_finished(floor: Floor, event: WrapUpFinished, now: float) -> list[Decision]:
    agent = known(floor, event.agent_id, event)
    if (type(event), agent.state) in LATE_BY_AGENT:
        return [agent.changed()]
    handled = floor.handled(agent)
    agent.finish(now)
    floor.count_handled(handled, now)
    decisions: list[Decision] = []
    floor.settle(agent, decisions, now)
    return decisions


def wrap_up_extended(floor: Floor, event: WrapUpExtended, now: float) -> list[Decision]:
    agent = known(floor, event.agent_id, event)
    if not 0 < event.seconds <= 3600:
        raise InvalidValue("seconds", event.seconds, "extend by more than 0 and at most 3600 seconds")
    if (type(event), agent.state) in LATE_BY_AGENT:
        return [agent.changed()]
    latest = agent.since + floor.queue_of(agent).wrap_up_s + floor.policy.wrap_up_extension_max_s
    agent.extend(event.seconds, latest)
    floor.watch(agent)
    floor.note(agent)
    return [agent.changed()]
