"""What agents do: sign in and out, take calls or not, wrap up. One function per event, named like it."""

from __future__ import annotations

from acd.agents import Agent
from acd.checks import check_id, check_seat, check_skills, known
from acd.errors import InvalidValue
from acd.floor import Floor
from acd.late import AGENT_LEFT, ENDED, LATE_BY_AGENT
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    Decision,
    OfferWithdrawn,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.moves import BUSY, READY, RINGING


def agent_signed_in(floor: Floor, event: AgentSignedIn, now: float) -> list[Decision]:
    check_id("agent_id", event.agent_id)
    check_skills(floor, "skills", event.skills)
    check_seat(event.team, event.place, event.texts)
    agent = floor.agents.get(event.agent_id)
    if agent is None:
        agent = Agent(event.agent_id, event.skills)
        agent.sign_in(now, auto_ready=event.auto_ready)
        floor.agents[event.agent_id] = agent
    else:
        agent.sign_in(now, auto_ready=event.auto_ready)
        floor.lines.leave(agent)
        agent.skills = dict(event.skills)
    agent.team, agent.place, agent.texts = event.team, event.place, event.texts
    floor.lines.enter(agent)
    decisions: list[Decision] = []
    floor.settle(agent, decisions, now)
    return decisions


def agent_signed_out(floor: Floor, event: AgentSignedOut, now: float) -> list[Decision]:
    """A ring stops, a talk goes on; text conversations are over, and their citizens may be queued again."""
    agent = known(floor, event.agent_id, event)
    decisions: list[Decision] = []
    calls = [floor.calls[one] for one in (agent.call_id, *agent.texting) if one in floor.calls]
    consulted = agent.call_id if agent.consulting and agent.state is RINGING else None
    agent.sign_out(now)
    for call_id in agent.texting:
        if floor.talks.get(call_id) is agent:
            del floor.talks[call_id]
            floor.endings.note(call_id, agent.agent_id, ENDED)
            floor.endings.note(call_id, "", ENDED)
    agent.texting = ()
    calls = [call for call in calls if call.offered_to is agent]
    for call in calls:
        floor.withdraw_from(call, agent, AGENT_LEFT, decisions)
    if consulted is not None:
        floor.endings.note(consulted, agent.agent_id, AGENT_LEFT)
        gone = OfferWithdrawn(call_id=consulted, agent_id=agent.agent_id, reason=AGENT_LEFT)
        decisions.append(gone)
    floor.settle(agent, decisions, now)
    for call in sorted(calls, key=lambda call: call.place):
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
    if agent.state in BUSY:  # kept for after the wrap-up
        floor.note(agent)
    else:
        floor.settle(agent, decisions, now)
    return decisions


def agent_skills_changed(floor: Floor, event: AgentSkillsChanged, now: float) -> list[Decision]:
    agent = known(floor, event.agent_id, event)
    check_skills(floor, "skills", event.skills)
    check_seat(event.team, event.place, event.texts)
    floor.lines.leave(agent)
    agent.skills = dict(event.skills)
    agent.team = agent.team if event.team is None else event.team
    agent.place = agent.place if event.place is None else event.place
    agent.texts = agent.texts if event.texts is None else event.texts
    floor.lines.enter(agent)
    if floor.lines.preferred(agent):
        floor.left.append(agent)
    decisions: list[Decision] = []
    if agent.state is not READY:
        floor.note(agent)
        return decisions
    floor.settle(agent, decisions, now)
    same = agent.changed()  # who stays ready has not changed
    return [decision for decision in decisions if decision != same]


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
    floor.timers.watch_agent(agent)
    floor.note(agent)
    return [agent.changed()]
