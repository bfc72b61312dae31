"""What a member's own event will most likely change, told before the leader has confirmed it.

A server whose caller has just joined the line must see the call in line at once, whoever leads and wherever.
These functions only look ahead: the leader's answer replaces what they say, and an event that does not fit
changes nothing here, because it is the router's to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from acd.cluster_messages import AgentClaimed
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentRecord,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    AgentState,
    BecameCallback,
    CallbackFailed,
    CallbackReached,
    CallChanged,
    CallEnded,
    CallLeft,
    CallQueued,
    ConsultAnswered,
    ConsultEnded,
    ConsultRequested,
    Event,
    NotReadyReason,
    OfferAnswered,
    OfferMissed,
    TalkMoved,
    TalkRestored,
    WaitingRecord,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.policy import Policy

S = AgentState
BUSY = frozenset({S.RINGING, S.TALKING, S.WRAP_UP, S.RESERVED})


@dataclass(slots=True)
class Ahead:
    """The line as one event finds it, and what the event changes; None: gone."""

    agent: Callable[[str], AgentRecord | None]  # as seen now
    waiting: Callable[[str], WaitingRecord | None]  # as seen now
    talking_with: Callable[[str], str | None]  # as seen now
    policy: Policy  # in force
    now: float  # epoch seconds
    agents: dict[str, AgentRecord | None] = field(default_factory=dict)  # what changes
    calls: dict[str, WaitingRecord | None] = field(default_factory=dict)  # what changes


def foresee(ahead: Ahead, event: Event | AgentClaimed) -> None:
    """Note in `ahead` what follows from the event."""
    step = _STEPS.get(type(event))
    if step is not None:
        step(ahead, event)


def free(agent: AgentRecord, now: float) -> AgentRecord | None:
    """The agent after a call or a wrap-up: ready, not ready or gone, as they asked for."""
    if agent.after is S.OFFLINE:
        return None
    if agent.after is S.NOT_READY:
        return stopped(agent, agent.after_reason or NotReadyReason.OTHER, now)
    return replace(
        agent, state=S.READY, since=now, reason=None, call_id=None, queue=None, until=None,
        idle_since=now, after=S.READY, after_reason=None, consulting=False,
    )  # fmt: skip


def stopped(agent: AgentRecord, reason: NotReadyReason, now: float) -> AgentRecord:
    """The agent, not ready."""
    return replace(
        agent, state=S.NOT_READY, since=now, reason=reason, call_id=None, queue=None, until=None,
        idle_since=None, after=S.READY, after_reason=None, consulting=False,
    )  # fmt: skip


def talking(agent: AgentRecord, call_id: str, now: float, *, consulting: bool = False) -> AgentRecord:
    """The agent, on this call; not ready again afterwards if not ready before."""
    after, reason = agent.after, agent.after_reason
    if agent.state is S.NOT_READY:
        after, reason = S.NOT_READY, agent.reason
    queue = agent.queue if agent.call_id == call_id else None
    return replace(
        agent, state=S.TALKING, since=now, reason=None, call_id=call_id, queue=queue, until=None,
        idle_since=None, after=after, after_reason=reason, consulting=consulting,
    )  # fmt: skip


# ---------------------------------------------------------------- agents


def _signed_in(a: Ahead, event: AgentSignedIn) -> None:
    agent = a.agent(event.agent_id) or AgentRecord(agent_id=event.agent_id, state=S.OFFLINE, since=a.now)
    agent = replace(agent, skills=dict(event.skills), team=event.team, place=event.place, texts=event.texts)
    ready = event.auto_ready
    if agent.state in BUSY:
        after = S.READY if ready else S.NOT_READY
        a.agents[event.agent_id] = replace(
            agent, after=after, after_reason=None if ready else NotReadyReason.SIGNED_IN
        )
    elif ready:
        a.agents[event.agent_id] = free(replace(agent, after=S.READY), a.now)
    else:
        a.agents[event.agent_id] = stopped(agent, NotReadyReason.SIGNED_IN, a.now)


def _signed_out(a: Ahead, event: AgentSignedOut) -> None:
    agent = a.agent(event.agent_id)
    if agent is not None:
        stays = agent.state is S.TALKING
        a.agents[event.agent_id] = replace(agent, after=S.OFFLINE, after_reason=None) if stays else None
        _back_in_line(a, agent)


def _ready(a: Ahead, event: AgentBecameReady) -> None:
    agent = a.agent(event.agent_id)
    if agent is None or agent.state is S.READY:
        return
    on_phone = agent.state in (S.RINGING, S.TALKING, S.RESERVED)
    agent = replace(agent, after=S.READY, after_reason=None)
    a.agents[event.agent_id] = agent if on_phone else free(agent, a.now)


def _not_ready(a: Ahead, event: AgentBecameNotReady) -> None:
    agent = a.agent(event.agent_id)
    if agent is None:
        return
    if agent.state not in BUSY:
        a.agents[event.agent_id] = stopped(agent, event.reason, a.now)
    elif agent.after is not S.OFFLINE:
        a.agents[event.agent_id] = replace(agent, after=S.NOT_READY, after_reason=event.reason)


def _skills(a: Ahead, event: AgentSkillsChanged) -> None:
    agent = a.agent(event.agent_id)
    if agent is not None:
        a.agents[event.agent_id] = replace(
            agent,
            skills=dict(event.skills),
            team=agent.team if event.team is None else event.team,
            place=agent.place if event.place is None else event.place,
            texts=agent.texts if event.texts is None else event.texts,
        )


def _finished(a: Ahead, event: WrapUpFinished) -> None:
    agent = a.agent(event.agent_id)
    if agent is not None and agent.state is S.WRAP_UP:
        a.agents[event.agent_id] = free(agent, a.now)


def _extended(a: Ahead, event: WrapUpExtended) -> None:
    agent = a.agent(event.agent_id)
    if agent is not None and agent.state is S.WRAP_UP and agent.until is not None:
        a.agents[event.agent_id] = replace(agent, until=agent.until + event.seconds)


# ---------------------------------------------------------------- calls


def _queued(a: Ahead, event: CallQueued) -> None:
    if a.waiting(event.call_id) is None and a.talking_with(event.call_id) is None:
        a.calls[event.call_id] = queued_record(event, a.policy, a.now)


def queued_record(event: CallQueued, policy: Policy, now: float) -> WaitingRecord:
    """The call in line, as the router would store it."""
    queue = next((one for one in policy.queues if one.name == event.queue), None)
    return WaitingRecord(
        call_id=event.call_id,
        queue=event.queue,
        needs=event.needs or (queue.needs if queue else {}),
        priority=event.priority + (queue.priority if queue else 0),
        since=event.since,
        avoid=event.avoid,
        also=event.also,
        media=event.media,
        urgent=event.urgent,
        prefer=event.prefer,
        callback=event.callback,
        reason=event.reason,
        queued_at=now,
    )


def _changed(a: Ahead, event: CallChanged) -> None:
    call = a.waiting(event.call_id)
    if call is None:
        return
    told: dict[str, Any] = {"queue": event.queue, "needs": event.needs, "urgent": event.urgent}
    a.calls[event.call_id] = replace(call, **{key: value for key, value in told.items() if value is not None})


def _left(a: Ahead, event: CallLeft) -> None:
    call = a.waiting(event.call_id)
    a.calls[event.call_id] = None
    agent = a.agent(call.offered_to) if call is not None and call.offered_to else None
    if agent is not None and agent.call_id == event.call_id:
        idle_since, after = agent.idle_since, free(agent, a.now)
        if after is not None and after.state is S.READY and idle_since is not None:
            after = replace(after, idle_since=idle_since)
        a.agents[agent.agent_id] = after


def _answered(a: Ahead, event: OfferAnswered) -> None:
    agent, call = a.agent(event.agent_id), a.waiting(event.call_id)
    if agent is not None and call is not None and call.offered_to == event.agent_id:
        a.agents[event.agent_id] = talking(agent, event.call_id, a.now)
        a.calls[event.call_id] = None


def _missed(a: Ahead, event: OfferMissed) -> None:
    agent, call = a.agent(event.agent_id), a.waiting(event.call_id)
    if call is not None and call.offered_to == event.agent_id:
        a.calls[event.call_id] = replace(call, offered_to=None, avoid=call.avoid | {event.agent_id})
        if agent is not None and agent.call_id == event.call_id:
            a.agents[event.agent_id] = stopped(agent, event.reason, a.now)


def _ended(a: Ahead, event: CallEnded) -> None:
    agent = a.agent(event.agent_id)
    if agent is not None and agent.state is S.TALKING and agent.call_id == event.call_id:
        a.agents[event.agent_id] = _wrapping_up(a, agent)


def _wrapping_up(a: Ahead, agent: AgentRecord) -> AgentRecord | None:
    queues = {queue.name: queue for queue in a.policy.queues}
    queue = queues.get(agent.queue or "") or queues[a.policy.default_queue]
    if queue.wrap_up_s <= 0 or agent.after is S.OFFLINE:
        return free(agent, a.now)
    return replace(agent, state=S.WRAP_UP, since=a.now, until=a.now + queue.wrap_up_s, consulting=False)


def _restored(a: Ahead, event: TalkRestored) -> None:
    agent = a.agent(event.agent_id)
    a.calls[event.call_id] = None
    if agent is not None and not (agent.state is S.TALKING and agent.call_id == event.call_id):
        _back_in_line(a, agent, but=event.call_id)
        a.agents[event.agent_id] = talking(agent, event.call_id, a.now)


def _back_in_line(a: Ahead, agent: AgentRecord, but: str = "") -> None:
    """What rang at this agent rings no more."""
    call = a.waiting(agent.call_id) if agent.state is S.RINGING and agent.call_id else None
    if call is not None and call.call_id != but and call.offered_to == agent.agent_id:
        a.calls[call.call_id] = replace(call, offered_to=None)


# ---------------------------------------------------------------- call-backs and consultations


def _became_callback(a: Ahead, event: BecameCallback) -> None:
    if (call := a.waiting(event.call_id)) is not None:
        a.calls[event.call_id] = replace(call, callback=True)


def _reached(a: Ahead, event: CallbackReached) -> None:
    call, agent = a.waiting(event.call_id), a.agent(event.agent_id)
    if call is None or agent is None or call.offered_to != event.agent_id:
        return
    a.calls[event.call_id] = None
    a.calls[event.new_call_id] = replace(call, call_id=event.new_call_id, callback=False)
    a.agents[event.agent_id] = replace(agent, state=S.RINGING, since=a.now, call_id=event.new_call_id)


def _failed(a: Ahead, event: CallbackFailed) -> None:
    call, agent = a.waiting(event.call_id), a.agent(event.agent_id)
    if call is not None:
        again = replace(call, offered_to=None, not_before=event.again_at)
        a.calls[event.call_id] = None if event.again_at is None else again
    if agent is not None and agent.state is S.RESERVED and agent.call_id == event.call_id:
        a.agents[event.agent_id] = free(agent, a.now)


def _consult(a: Ahead, event: ConsultRequested) -> None:
    agent = a.agent(event.agent_id)
    if agent is not None and agent.state is S.READY:
        a.agents[event.agent_id] = replace(
            agent, state=S.RINGING, since=a.now, call_id=event.call_id, consulting=True
        )


def _consult_answered(a: Ahead, event: ConsultAnswered) -> None:
    agent = a.agent(event.agent_id)
    if agent is not None and agent.consulting:
        a.agents[event.agent_id] = talking(agent, event.call_id, a.now, consulting=True)


def _consult_ended(a: Ahead, event: ConsultEnded) -> None:
    agent = a.agent(event.agent_id)
    if agent is not None and agent.consulting and agent.call_id == event.call_id:
        missed = stopped(agent, NotReadyReason.MISSED_RING, a.now)
        a.agents[event.agent_id] = missed if event.missed else free(agent, a.now)


def _moved(a: Ahead, event: TalkMoved) -> None:
    before, agent = a.talking_with(event.call_id), a.agent(event.agent_id)
    if agent is None or not agent.consulting:
        return
    a.agents[event.agent_id] = replace(agent, consulting=False)
    first = a.agent(before) if before and before != event.agent_id else None
    if first is not None:
        a.agents[first.agent_id] = _wrapping_up(a, first)


_STEPS: Mapping[type[Any], Callable[[Ahead, Any], None]] = {
    AgentSignedIn: _signed_in,
    AgentSignedOut: _signed_out,
    AgentBecameReady: _ready,
    AgentBecameNotReady: _not_ready,
    AgentSkillsChanged: _skills,
    WrapUpFinished: _finished,
    WrapUpExtended: _extended,
    CallQueued: _queued,
    CallChanged: _changed,
    CallLeft: _left,
    OfferAnswered: _answered,
    OfferMissed: _missed,
    CallEnded: _ended,
    TalkRestored: _restored,
    BecameCallback: _became_callback,
    CallbackReached: _reached,
    CallbackFailed: _failed,
    ConsultRequested: _consult,
    ConsultAnswered: _consult_answered,
    ConsultEnded: _consult_ended,
    TalkMoved: _moved,
}
"""An event that is not here changes nothing that a member must see at once."""
