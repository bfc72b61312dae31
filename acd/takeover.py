"""Taking over what another router left, or this one before a restart."""

from __future__ import annotations

from collections.abc import Iterable

from acd.agents import Agent
from acd.errors import RouterError
from acd.floor import Floor
from acd.messages import AgentRecord, Decision, Media, WaitingRecord
from acd.moves import BUSY, OFFLINE, RESERVED, RINGING, TALKING
from acd.waiting import Call


def take_over(
    floor: Floor, agents: Iterable[AgentRecord], waiting: Iterable[WaitingRecord], now: float
) -> list[Decision]:
    """Put stored agents and calls on an empty floor, see `Router.restore`.

    Raises:
        RouterError: an agent or a call appears twice.
    """
    decisions: list[Decision] = []
    records: dict[str, WaitingRecord] = {}
    for record in waiting:
        if record.call_id in records:
            raise RouterError(f"restore: call {record.call_id} appears twice")
        records[record.call_id] = record
    for agent_record in agents:
        _restore_agent(floor, agent_record, records, decisions, now)
    calls = [_call(floor, record) for record in records.values()]
    for call in sorted(calls, key=lambda call: call.place):
        _restore_call(floor, call, records[call.call_id].offered_to or "", decisions, now)
    return decisions


def _restore_agent(
    floor: Floor,
    record: AgentRecord,
    calls: dict[str, WaitingRecord],
    decisions: list[Decision],
    now: float,
) -> None:
    if record.agent_id in floor.agents:
        raise RouterError(f"restore: agent {record.agent_id} appears twice")
    if record.state is OFFLINE or (record.state in BUSY and record.call_id is None):
        floor.changed_agents.add(record.agent_id)
        return
    agent = Agent.of(record)
    floor.agents[agent.agent_id] = agent
    agent.texting = tuple(one for one in agent.texting if _writes(floor, agent, one, calls.get(one)))
    if agent.state in (RINGING, RESERVED) and not agent.consulting:
        offered = calls.get(agent.call_id or "")
        dialled = agent.state is RESERVED
        if offered is None or offered.offered_to != agent.agent_id or offered.callback is not dialled:
            agent.withdraw(now)
            decisions.append(agent.changed())
    elif agent.state is TALKING and agent.call_id and not agent.consulting:
        if calls.pop(agent.call_id, None) is not None:
            floor.changed_calls.add(agent.call_id)
        if (other := floor.talks.get(agent.call_id)) is not None:
            floor.end_talk(agent.call_id, other, decisions, now)
        floor.talks[agent.call_id] = agent
    floor.lines.enter(agent)
    floor.timers.watch_agent(agent)
    floor.note(agent)


def _writes(floor: Floor, agent: Agent, call_id: str, record: WaitingRecord | None) -> bool:
    """True when the agent is still in this text conversation, or is still offered it."""
    if record is not None:
        return record.media is Media.TEXT and record.offered_to == agent.agent_id
    if call_id in floor.talks:
        return False
    floor.talks[call_id] = agent
    return True


def _call(floor: Floor, record: WaitingRecord) -> Call:
    """The call as the record says, as far as the policy has its queues and skills."""
    queue, needs = floor.queues.get(record.queue), record.needs
    step = record.step
    if queue is None or not needs or not floor.skills.issuperset(needs):
        queue = queue or floor.queues[floor.policy.default_queue]
        needs, step = queue.needs, step if queue.name == record.queue else 0
    call = Call(
        record.call_id,
        queue,
        needs,
        also=tuple(floor.queues[name] for name in record.also if name in floor.queues),
        media=record.media,
        priority=record.priority,
        urgent=record.urgent,
        since=record.since,
        ageing_s=floor.policy.ageing_s,
        queued_at=record.since if record.queued_at is None else record.queued_at,
        avoid=record.avoid,
        prefer=record.prefer,
        callback=record.callback,
        reason=record.reason,
    )
    call.not_before = record.not_before
    call.step = min(step, sum(one.centre is None for one in queue.relax))
    call.ring_until = record.ring_until
    floor.watch_closing(call)
    return call


def _restore_call(floor: Floor, call: Call, offered_to: str, decisions: list[Decision], now: float) -> None:
    floor.calls[call.call_id] = call
    agent = floor.agents.get(offered_to)
    if agent is not None and _rings(agent, call):
        call.offered_to = agent
        if call.media is Media.TEXT:
            call.ring_until = now if call.ring_until is None else call.ring_until
            floor.timers.watch_call(call, now)
        return
    call.ring_until = None
    floor.requeue(call, decisions, now)


def _rings(agent: Agent, call: Call) -> bool:
    if call.media is Media.TEXT:
        return call.call_id in agent.texting
    if agent.consulting or agent.call_id != call.call_id:
        return False
    return agent.state is (RESERVED if call.callback else RINGING)
