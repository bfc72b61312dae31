"""Taking over what another router left, or this one before a restart."""

from __future__ import annotations

from collections.abc import Iterable

from acd.agents import OFFLINE, RINGING, TALKING, Agent
from acd.errors import RouterError
from acd.floor import Floor
from acd.late import OPEN_STATES
from acd.lines import Call
from acd.messages import AgentRecord, Decision, WaitingRecord


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
    for record in sorted(records.values(), key=lambda r: (-r.priority, r.since, r.call_id)):
        _restore_call(floor, record, decisions, now)
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
    if record.state is OFFLINE or (record.state in OPEN_STATES and record.call_id is None):
        floor.changed_agents.add(record.agent_id)
        return
    agent = Agent.of(record)
    floor.agents[agent.agent_id] = agent
    floor.lines.enter(agent)
    if agent.state is RINGING:
        offered = calls.get(agent.call_id or "")
        if offered is None or offered.offered_to != agent.agent_id:
            agent.withdraw(now)
            decisions.append(agent.changed())
    elif agent.state is TALKING and agent.call_id:
        if calls.pop(agent.call_id, None) is not None:
            floor.changed_calls.add(agent.call_id)
        if (other := floor.talks.get(agent.call_id)) is not None:
            floor.end_talk(agent.call_id, other, decisions, now)
        floor.talks[agent.call_id] = agent
    floor.watch(agent)
    floor.note(agent)


def _restore_call(floor: Floor, record: WaitingRecord, decisions: list[Decision], now: float) -> None:
    queue, needs = floor.queues.get(record.queue), record.needs
    if queue is None or not floor.skills.issuperset(needs):
        queue = queue or floor.queues[floor.policy.default_queue]
        needs = queue.needs
    line = floor.lines.get(queue, needs, floor.agents, now)
    call = Call(record.call_id, line, needs, record.priority, record.since, record.avoid)
    floor.calls[record.call_id] = call
    agent = floor.agents.get(record.offered_to or "")
    if agent is not None and agent.state is RINGING and agent.call_id == record.call_id:
        call.offered_to = agent
    else:
        floor.requeue(call, decisions, now)
