"""Asking a colleague in: the colleague rings and talks outside every line, the call stays with its agent."""

from __future__ import annotations

from acd.agents import Agent
from acd.checks import expect_late, known
from acd.errors import IllegalAgentMove, UnknownCall
from acd.floor import Floor
from acd.late import ENDED, MISSED, RING_LIMIT
from acd.messages import (
    ConsultAnswered,
    ConsultEnded,
    ConsultRequested,
    Decision,
    NotReadyReason,
    OfferWithdrawn,
    TalkMoved,
)
from acd.moves import READY, RINGING, TALKING


def consult_requested(floor: Floor, event: ConsultRequested, now: float) -> list[Decision]:
    colleague = known(floor, event.agent_id, event)
    owner = floor.talks.get(event.call_id)
    if owner is None:
        raise UnknownCall(event.call_id, type(event).__name__)
    if colleague.state is not READY:
        raise IllegalAgentMove(event.agent_id, colleague.state, type(event).__name__)
    queue = floor.queue_of(owner)
    colleague.ring(event.call_id, queue.name, now + queue.ring_limit_s, now, consulting=True)
    floor.endings.forget(event.call_id, colleague.agent_id)
    floor.timers.watch_agent(colleague)
    floor.note(colleague)
    return [colleague.changed()]


def consult_answered(floor: Floor, event: ConsultAnswered, now: float) -> list[Decision]:
    colleague = _consulted(floor, event.agent_id, event.call_id)
    if colleague is None:
        how = expect_late(floor, event, event.call_id, event.agent_id)
        reason = RING_LIMIT if how in (MISSED, ENDED) else how
        return [OfferWithdrawn(call_id=event.call_id, agent_id=event.agent_id, reason=reason)]
    colleague.answer(now)
    floor.note(colleague)
    return [colleague.changed()]


def consult_ended(floor: Floor, event: ConsultEnded, now: float) -> list[Decision]:
    decisions: list[Decision] = []
    colleague = _consulted(floor, event.agent_id, event.call_id)
    if colleague is None:
        expect_late(floor, event, event.call_id, event.agent_id)
        return decisions
    if event.missed and colleague.state is RINGING:
        miss_consultation(floor, colleague, MISSED, decisions, now)
    else:
        end_consultation(floor, colleague, event.call_id, decisions, now)
    return decisions


def talk_moved(floor: Floor, event: TalkMoved, now: float) -> list[Decision]:
    colleague = _consulted(floor, event.agent_id, event.call_id)
    if colleague is None:
        known(floor, event.agent_id, event)
        raise UnknownCall(event.call_id, type(event).__name__)
    if colleague.state is not TALKING:
        raise IllegalAgentMove(event.agent_id, colleague.state, type(event).__name__)
    decisions: list[Decision] = []
    first = floor.talks.get(event.call_id)
    colleague.take_over(colleague.queue or floor.policy.default_queue, now)
    floor.note(colleague)
    if first is not None:
        floor.end_talk(event.call_id, first, decisions, now)
    floor.endings.forget(event.call_id, "")
    floor.endings.forget(event.call_id, colleague.agent_id)
    floor.talks[event.call_id] = colleague
    decisions.append(colleague.changed())
    return decisions


def end_consultation(
    floor: Floor, colleague: Agent, call_id: str, decisions: list[Decision], now: float
) -> None:
    """The colleague is free again, without wrap-up; who only rang keeps the time spent idle."""
    floor.endings.note(call_id, colleague.agent_id, ENDED)
    if colleague.state is RINGING:
        colleague.withdraw(now)
    else:
        colleague.end(0.0, now)
    floor.settle(colleague, decisions, now)


def miss_consultation(
    floor: Floor, colleague: Agent, how: str, decisions: list[Decision], now: float
) -> None:
    """The colleague's phone rang out."""
    call_id = colleague.call_id or ""
    colleague.miss(NotReadyReason.MISSED_RING, now)
    floor.endings.note(call_id, colleague.agent_id, how)
    if how == RING_LIMIT:
        gone = OfferWithdrawn(call_id=call_id, agent_id=colleague.agent_id, reason=how)
        decisions.append(gone)
    floor.settle(colleague, decisions, now)


def _consulted(floor: Floor, agent_id: str, call_id: str) -> Agent | None:
    agent = floor.agents.get(agent_id)
    if agent is None or not agent.consulting or agent.call_id != call_id:
        return None
    return agent
