"""What happens to calls: they queue, change, leave, are answered or missed, end. One function per event."""

from __future__ import annotations

import math

from acd.agents import Agent
from acd.checks import (
    check_id,
    check_ids,
    check_priority,
    check_queues,
    check_skills,
    expect_late,
    known_call,
)
from acd.consult_events import end_consultation
from acd.errors import DuplicateCall, InvalidValue
from acd.floor import Floor
from acd.late import AGENT_LEFT, ENDED, LEFT, MISSED, RING_LIMIT
from acd.messages import (
    CallChanged,
    CallEnded,
    CallLeft,
    CallQueued,
    Decision,
    Media,
    NotReadyReason,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    TalkRestored,
)
from acd.moves import RESERVED, RINGING, TALKING
from acd.waiting import Call

_MISSED_REASONS = (NotReadyReason.MISSED_RING, NotReadyReason.REFUSED, NotReadyReason.PHONE_LOST)
_MAX_REASON = 200


def call_queued(floor: Floor, event: CallQueued, now: float) -> list[Decision]:
    check_id("call_id", event.call_id)
    if event.call_id in floor.calls or event.call_id in floor.talks:
        state = "talking" if event.call_id in floor.talks else "waiting"
        raise DuplicateCall(event.call_id, state, type(event).__name__)
    (queue,) = check_queues(floor, "queue", (event.queue,))
    also = check_queues(floor, "also", event.also)
    check_skills(floor, "needs", event.needs)
    check_ids("prefer", event.prefer)
    check_ids("avoid", event.avoid)
    check_priority(event.priority)
    if not (math.isfinite(event.since) and event.since >= 0):
        raise InvalidValue("since", event.since, "give epoch seconds")
    if len(event.reason) > _MAX_REASON:
        raise InvalidValue("reason", event.reason[:_MAX_REASON], f"give at most {_MAX_REASON} characters")
    open_queue = floor.open_queue(queue, now)
    call = Call(
        event.call_id,
        open_queue,
        event.needs if event.needs and open_queue is queue else open_queue.needs,
        also=tuple(other for other in also if floor.open_queue(other, now) is other),
        media=event.media,
        priority=event.priority + open_queue.priority,
        urgent=event.urgent,
        since=event.since,
        ageing_s=floor.policy.ageing_s,
        queued_at=now,
        avoid=event.avoid,
        prefer=event.prefer,
        callback=event.callback,
        reason=event.reason,
    )
    floor.watch_closing(call)
    floor.calls[event.call_id] = call
    floor.endings.forget(event.call_id, "")
    decisions: list[Decision] = []
    floor.requeue(call, decisions, now, joins=True)
    return decisions


def call_changed(floor: Floor, event: CallChanged, now: float) -> list[Decision]:
    """New needs count from now on, the place and what has opened so far stay; a ring goes on."""
    call = known_call(floor, event, event.call_id)
    queue = call.queue
    if event.queue is not None:
        (wanted,) = check_queues(floor, "queue", (event.queue,))
        queue = wanted if wanted is call.queue else floor.open_queue(wanted, now)
    also = None if event.also is None else check_queues(floor, "also", event.also)
    check_skills(floor, "needs", event.needs or {})
    own = call.priority - call.queue.priority if event.priority is None else event.priority
    check_priority(own)
    waits = call.offered_to is None
    if waits:
        floor.unstand(call)
    if event.needs is not None:
        call.needs = dict(event.needs or queue.needs)
    elif queue is not call.queue and call.needs == call.queue.needs:  # the usual ones
        call.needs = dict(queue.needs)
    if queue is not call.queue:
        call.queue, call.step = queue, 0
        floor.watch_closing(call)
    if also is not None:
        call.also = tuple(other for other in also if floor.open_queue(other, now) is other)
    call.priority = own + queue.priority
    call.urgent = call.urgent if event.urgent is None else event.urgent
    call.line_up(floor.policy.ageing_s)
    floor.changed_calls.add(call.call_id)
    decisions: list[Decision] = []
    if waits:
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
    if call.media is not Media.TEXT:
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
    decisions: list[Decision] = []
    agent = floor.talks.get(event.call_id)
    if agent is None or agent.agent_id != event.agent_id:
        colleague = floor.agents.get(event.agent_id)
        if colleague is not None and colleague.consulting and colleague.call_id == event.call_id:
            end_consultation(floor, colleague, event.call_id, decisions, now)
            return decisions
        expect_late(floor, event, event.call_id, event.agent_id)
        return []
    floor.end_talk(event.call_id, agent, decisions, now)
    return decisions


def talk_restored(floor: Floor, event: TalkRestored, now: float) -> list[Decision]:
    check_id("call_id", event.call_id)
    check_id("agent_id", event.agent_id)
    agent = floor.agents.get(event.agent_id)
    owner = floor.talks.get(event.call_id)
    if agent is not None and owner is agent:
        return []
    if agent is not None and owner is not None and agent.consulting and agent.call_id == event.call_id:
        if agent.state is RINGING:
            agent.answer(now)
            floor.note(agent)
            return [agent.changed()]
        return []  # a conference of three
    decisions: list[Decision] = []
    if agent is None:
        agent = floor.agents[event.agent_id] = Agent(event.agent_id, {})
        floor.lines.enter(agent)
    call = floor.calls.get(event.call_id)
    if call is not None and call.media is Media.TEXT:
        return _text_restored(floor, call, agent, now)
    ringing = agent.state in (RINGING, RESERVED) and not agent.consulting
    stray = floor.calls.get(agent.call_id) if ringing and agent.call_id else None
    if agent.state is TALKING and agent.call_id:  # that talk ended unseen
        if not agent.consulting:
            del floor.talks[agent.call_id]
        floor.endings.note(agent.call_id, agent.agent_id, ENDED)
    queue = call.queue.name if call else floor.policy.default_queue
    agent.restore(event.call_id, queue, now)
    if stray is not None and stray is not call:
        floor.withdraw_from(stray, agent, AGENT_LEFT, decisions)
    floor.note(agent)
    decisions.append(agent.changed())
    if stray is not None and stray is not call:
        floor.requeue(stray, decisions, now)
    if call is not None and stray is call:
        floor.changed_calls.add(call.call_id)
        del floor.calls[call.call_id]
    elif call is not None:
        floor.forget_call(call, decisions, now)
    if (other := floor.talks.get(event.call_id)) is not None:
        floor.end_talk(event.call_id, other, decisions, now)
    floor.talks[event.call_id] = agent
    floor.endings.forget(event.call_id, agent.agent_id)
    return decisions


def _text_restored(floor: Floor, call: Call, agent: Agent, now: float) -> list[Decision]:
    """A text conversation that has begun unseen; it takes a place even beyond the agent's number."""
    decisions: list[Decision] = []
    if call.offered_to is agent:
        del floor.calls[call.call_id]
        floor.changed_calls.add(call.call_id)
    else:
        floor.forget_call(call, decisions, now)
        agent.texting += (call.call_id,)
    floor.talks[call.call_id] = agent
    floor.endings.forget(call.call_id, agent.agent_id)
    floor.settle(agent, decisions, now)
    return decisions
