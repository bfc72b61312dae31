"""What happens to calls: they queue, leave, are answered or missed, and end. One function per event."""

from __future__ import annotations

import math

from acd.agents import RINGING, TALKING, Agent
from acd.checks import check_id, check_skills, expect_late
from acd.errors import DuplicateCall, InvalidValue
from acd.floor import Floor
from acd.late import AGENT_LEFT, ENDED, LEFT, MISSED, RING_LIMIT
from acd.lines import Call
from acd.messages import (
    CallEnded,
    CallLeft,
    CallQueued,
    Decision,
    NotReadyReason,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    TalkRestored,
)

_MISSED_REASONS = (NotReadyReason.MISSED_RING, NotReadyReason.REFUSED, NotReadyReason.PHONE_LOST)


def call_queued(floor: Floor, event: CallQueued, now: float) -> list[Decision]:
    check_id("call_id", event.call_id)
    if event.call_id in floor.calls or event.call_id in floor.talks:
        state = "talking" if event.call_id in floor.talks else "waiting"
        raise DuplicateCall(event.call_id, state, type(event).__name__)
    queue = floor.queues.get(event.queue)
    if queue is None:
        raise InvalidValue("queue", event.queue, f"name one of: {', '.join(floor.queues)}")
    check_skills(floor, "needs", event.needs)
    if not -1000 <= event.priority <= 1000:
        raise InvalidValue("priority", event.priority, "give -1000 to 1000")
    if not (math.isfinite(event.since) and event.since >= 0):
        raise InvalidValue("since", event.since, "give epoch seconds")
    needs = event.needs or queue.needs
    line = floor.lines.get(queue, needs, floor.agents, now)
    priority = event.priority + queue.priority
    call = Call(event.call_id, line, needs, priority, event.since, event.avoid)
    floor.calls[event.call_id] = call
    floor.endings.forget(event.call_id, "")
    decisions: list[Decision] = []
    floor.requeue(call, decisions, now)
    return decisions


def call_left(floor: Floor, event: CallLeft, now: float) -> list[Decision]:
    decisions: list[Decision] = []
    call = floor.calls.get(event.call_id)
    if call is not None:
        floor.forget_call(call, decisions, now)
        floor.endings.note(event.call_id, "", LEFT)
    elif event.call_id in floor.talks:  # hung up in the moment of the answer
        floor.end_talk(event.call_id, floor.talks[event.call_id], decisions, now)
    else:
        expect_late(floor, event, event.call_id, "")
    return decisions


def offer_answered(floor: Floor, event: OfferAnswered, now: float) -> list[Decision]:
    agent = floor.agents.get(event.agent_id)
    call = floor.calls.get(event.call_id)
    if call is None or agent is None or call.offered_to is not agent:
        how = expect_late(floor, event, event.call_id, event.agent_id)
        reason = RING_LIMIT if how == MISSED else how
        return [OfferWithdrawn(call_id=event.call_id, agent_id=event.agent_id, reason=reason)]
    agent.answer(now)
    del floor.calls[call.call_id]
    floor.talks[call.call_id] = agent
    floor.changed_calls.add(call.call_id)
    floor.note(agent)
    return [agent.changed()]


def offer_missed(floor: Floor, event: OfferMissed, now: float) -> list[Decision]:
    if event.reason not in _MISSED_REASONS:
        remedy = f"give one of: {', '.join(_MISSED_REASONS)}"
        raise InvalidValue("reason", event.reason, remedy)
    agent = floor.agents.get(event.agent_id)
    call = floor.calls.get(event.call_id)
    if call is None or agent is None or call.offered_to is not agent:
        expect_late(floor, event, event.call_id, event.agent_id)
        return []
    decisions: list[Decision] = []
    floor.miss(call, agent, event.reason, MISSED, decisions, now)
    return decisions


def call_ended(floor: Floor, event: CallEnded, now: float) -> list[Decision]:
    agent = floor.talks.get(event.call_id)
    if agent is None or agent.agent_id != event.agent_id:
        expect_late(floor, event, event.call_id, event.agent_id)
        return []
    decisions: list[Decision] = []
    floor.end_talk(event.call_id, agent, decisions, now)
    return decisions


def talk_restored(floor: Floor, event: TalkRestored, now: float) -> list[Decision]:
    check_id("call_id", event.call_id)
    check_id("agent_id", event.agent_id)
    agent = floor.agents.get(event.agent_id)
    if agent is not None and floor.talks.get(event.call_id) is agent:
        return []
    decisions: list[Decision] = []
    if agent is None:
        agent = floor.agents[event.agent_id] = Agent(event.agent_id, {})
        floor.lines.enter(agent)
    stray = floor.calls.get(agent.call_id) if agent.state is RINGING and agent.call_id else None
    if agent.state is TALKING and agent.call_id:  # that talk ended unseen
        del floor.talks[agent.call_id]
        floor.endings.note(agent.call_id, agent.agent_id, ENDED)
    call = floor.calls.get(event.call_id)
    queue = call.line.queue.name if call else floor.policy.default_queue
    agent.restore(event.call_id, queue, now)
    if stray is not None and stray is not call:
        floor.withdraw_from(stray, agent, AGENT_LEFT, decisions)
    floor.note(agent)
    decisions.append(agent.changed())
    if call is not None and stray is call:
        floor.changed_calls.add(call.call_id)
        del floor.calls[call.call_id]
    elif call is not None:
        floor.forget_call(call, decisions, now)
    if (other := floor.talks.get(event.call_id)) is not None:
        floor.end_talk(event.call_id, other, decisions, now)
    floor.talks[event.call_id] = agent
    floor.endings.forget(event.call_id, agent.agent_id)
    if stray is not None and stray is not call:
        floor.requeue(stray, decisions, now)
    return decisions
