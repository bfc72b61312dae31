"""Calling a waiting citizen back: the place stays, an agent is reserved, the citizen is dialled."""

from __future__ import annotations

import math

from acd.checks import check_id, expect_late, known_call
from acd.errors import DuplicateCall, IllegalCallMove, InvalidValue
from acd.floor import Floor
from acd.late import CALLER_GONE, LEFT, RING_LIMIT
from acd.messages import (
    BecameCallback,
    CallbackFailed,
    CallbackReached,
    Decision,
    Media,
    Offer,
    OfferWithdrawn,
)
from acd.moves import RESERVED
from acd.waiting import Call


def became_callback(floor: Floor, event: BecameCallback, now: float) -> list[Decision]:
    """The citizen hangs up and keeps the place; a phone that rings for them stops."""
    call = known_call(floor, event, event.call_id)
    if call.callback or call.media is Media.TEXT:
        state = "waiting for a call-back" if call.callback else "waiting as a text"
        raise IllegalCallMove(call.call_id, state, type(event).__name__)
    decisions: list[Decision] = []
    floor.changed_calls.add(call.call_id)
    call.callback = True
    agent = call.offered_to
    if agent is None:
        return decisions
    floor.withdraw_from(call, agent, CALLER_GONE, decisions)
    agent.withdraw(now)
    floor.find_lines(call, now)
    floor.stand(call, now)
    floor.pending.append(call)
    floor.settle(agent, decisions, now)
    return decisions


def callback_reached(floor: Floor, event: CallbackReached, now: float) -> list[Decision]:
    """The citizen is on the line again, under a new call id, at the old place."""
    call = floor.calls.get(event.call_id)
    check_id("new_call_id", event.new_call_id)
    if event.new_call_id != event.call_id and (
        event.new_call_id in floor.calls or event.new_call_id in floor.talks
    ):
        state = "talking" if event.new_call_id in floor.talks else "waiting"
        raise DuplicateCall(event.new_call_id, state, type(event).__name__)
    agent = floor.agents.get(event.agent_id)
    if call is None:
        how = expect_late(floor, event, event.call_id, event.agent_id)
        return [OfferWithdrawn(call_id=event.call_id, agent_id=event.agent_id, reason=how)]
    decisions: list[Decision] = []
    if agent is not None and call.offered_to is agent and agent.state is RESERVED:
        until = now + call.queue.ring_limit_s
        agent.reach(event.new_call_id, until, now)
        _rename(floor, call, event.new_call_id)
        floor.timers.watch_agent(agent)
        floor.note(agent)
        decisions.append(agent.changed())
        decisions.append(
            Offer(call_id=call.call_id, agent_id=agent.agent_id, ring_until=until, step=call.step)
        )
        return decisions
    if not call.callback or floor.endings.of(event.call_id, event.agent_id) is None:
        raise IllegalCallMove(call.call_id, _state(call), type(event).__name__)
    # the reservation is over, but the citizen is there: waits as anybody, or rings at whoever is free
    if call.offered_to is None:
        floor.unstand(call)
        _rename(floor, call, event.new_call_id)
        floor.requeue(call, decisions, now)
        return decisions
    other = call.offered_to
    floor.withdraw_from(call, other, CALLER_GONE, decisions)
    other.withdraw(now)
    _rename(floor, call, event.new_call_id)
    floor.find_lines(call, now)
    floor.stand(call, now)
    floor.pending.append(call)
    floor.settle(other, decisions, now)
    return decisions


def callback_failed(floor: Floor, event: CallbackFailed, now: float) -> list[Decision]:
    """The agent is free again; the call-back sleeps at its place, or is given up."""
    call = floor.calls.get(event.call_id)
    agent = floor.agents.get(event.agent_id)
    again_at = event.again_at
    if again_at is not None and not (math.isfinite(again_at) and again_at >= 0):
        raise InvalidValue("again_at", again_at, "give epoch seconds")
    decisions: list[Decision] = []
    if call is not None and call.callback and call.offered_to is None:
        if floor.endings.of(event.call_id, event.agent_id) is None:
            raise IllegalCallMove(call.call_id, _state(call), type(event).__name__)
        floor.unstand(call)  # the reservation ended before the dialling
        _sleep(floor, call, again_at, decisions, now)
        return decisions
    if call is None or agent is None or call.offered_to is not agent or agent.state is not RESERVED:
        expect_late(floor, event, event.call_id, event.agent_id)
        return decisions
    call.offered_to = None
    floor.endings.note(call.call_id, agent.agent_id, RING_LIMIT)
    agent.withdraw(now)
    _sleep(floor, call, again_at, decisions, now)
    floor.settle(agent, decisions, now)
    return decisions


def reservation_over(floor: Floor, call: Call, decisions: list[Decision], now: float) -> None:
    """Nobody said in time how the dialling went: the agent is free, the next try waits as long again."""
    agent = call.offered_to
    if agent is None:
        return
    floor.withdraw_from(call, agent, RING_LIMIT, decisions)
    agent.withdraw(now)
    _sleep(floor, call, now + floor.policy.callback.dial_s, decisions, now)
    floor.settle(agent, decisions, now)


def _sleep(floor: Floor, call: Call, again_at: float | None, decisions: list[Decision], now: float) -> None:
    """Back to its place until then, or gone for good."""
    floor.changed_calls.add(call.call_id)
    if again_at is None:
        del floor.calls[call.call_id]
        floor.endings.note(call.call_id, "", LEFT)
        return
    call.not_before = again_at
    floor.find_lines(call, now)
    floor.stand(call, now)
    floor.pending.append(call)
    decisions.append(call.told(floor.homes.place_of(call)))


def _rename(floor: Floor, call: Call, new_call_id: str) -> None:
    floor.changed_calls.update((call.call_id, new_call_id))
    del floor.calls[call.call_id]
    if new_call_id != call.call_id:
        floor.endings.note(call.call_id, "", LEFT)
    call.call_id, call.callback, call.not_before = new_call_id, False, None
    call.line_up(floor.policy.ageing_s)
    floor.calls[new_call_id] = call
    floor.endings.forget(new_call_id, "")


def _state(call: Call) -> str:
    return "ringing" if call.offered_to else "waiting"
