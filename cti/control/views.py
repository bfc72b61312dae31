"""What pages are shown of agents and queues."""

from __future__ import annotations

from collections.abc import Callable

from acd.messages import AgentState
from cti.control.dispatch import Dispatch
from cti.control.phones import Phones
from cti.messages import AgentView, HealthView, QueuesView, QueueView, Snapshot
from cti.ports import Person


class Views:
    """Reads the router and the telephones."""

    def __init__(self, *, dispatch: Dispatch, phones: Phones, clock: Callable[[], float]) -> None:
        self._dispatch = dispatch
        self._phones = phones
        self._now = clock

    def agent(self, person: Person) -> AgentView:
        """The state bar of one person."""
        agent = self._dispatch.agent(person.login)
        return AgentView(
            agent_id=person.login,
            name=person.name,
            role=person.role,
            extension=person.extension,
            state=agent.state.value if agent else AgentState.OFFLINE.value,
            reason=agent.reason.value if agent and agent.reason else None,
            since=agent.since if agent else 0.0,
            until=agent.until if agent else None,
            skills=dict(agent.skills) if agent else dict(person.skills),
            phone_registered=bool(person.extension) and self._phones.registered(person.extension),
            call_id=agent.call_id if agent else None,
            team=person.team,
        )

    def office(self, person: Person) -> Snapshot:
        """All that somebody who has no part in calls is told: who they are, and nothing of the floor.

        The state of the system is not theirs to know; what does not work they see when they ask for it.
        """
        me = AgentView(
            agent_id=person.login,
            name=person.name,
            role=person.role,
            extension="",
            state=AgentState.OFFLINE.value,
        )
        well = HealthView(redis=True, database=True, captions=True)
        return Snapshot(me=me, health=well, queues=QueuesView(queues=()), server_time=self._now())

    def queues(self) -> QueuesView:
        """All queues."""
        now = self._now()
        queues = {queue.name: queue for queue in self._dispatch.policy.queues}
        return QueuesView(
            queues=tuple(
                QueueView(
                    queue=state.queue,
                    title=queues[state.queue].title if state.queue in queues else state.queue,
                    waiting=state.waiting,
                    longest_wait_s=0.0
                    if state.oldest_since is None
                    else round(max(0.0, now - state.oldest_since), 1),
                    agents_ready=state.agents_ready,
                    agents_busy=state.agents_busy,
                    needs=queues[state.queue].serving if state.queue in queues else {},
                )
                for state in self._dispatch.queue_states()
            )
        )
