"""A router with a clock and short words for events, for tests that read like sentences."""

from __future__ import annotations

from collections.abc import Mapping

from acd.messages import (
    AgentSignedIn,
    AgentState,
    CallEnded,
    CallQueued,
    Decision,
    Event,
    Offer,
    OfferAnswered,
    Tick,
    WrapUpFinished,
)
from acd.policy import Policy, QueuePolicy, Skill, load_policy
from acd.router import Router


class Desk:
    """A router with a clock and short words for events."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.router = Router(policy or load_policy())
        self.now = 100.0

    def tell(self, event: Event, wait: float = 1.0) -> tuple[Decision, ...]:
        self.now += wait
        return self.router.handle(event, self.now)

    def ready(self, agent_id: str, **skills: int) -> list[str]:
        """Sign in and ask for calls; returns offers."""
        return self.ready_for_texts(agent_id, 0, **skills)

    def ready_for_texts(self, agent_id: str, texts: int, **skills: int) -> list[str]:
        """The same, for somebody who takes text conversations, too."""
        event = AgentSignedIn(
            agent_id=agent_id, skills=skills or {"general": 3}, texts=texts, auto_ready=True
        )
        return offers(self.tell(event))

    def call(self, call_id: str, queue: str = "general", **more: object) -> list[str]:
        """A call joins its queue; returns offers."""
        needs = more.pop("needs", {queue: 1})
        assert isinstance(needs, Mapping)
        self.now += 1.0
        since = more.pop("since", self.now)
        assert isinstance(since, float)
        event = CallQueued(call_id=call_id, queue=queue, needs=needs, since=since, **more)  # type: ignore[arg-type]
        return offers(self.router.handle(event, self.now))

    def wait(self, seconds: float) -> list[str]:
        """Time passes; returns offers."""
        return offers(self.tell(Tick(), seconds))

    def answer(self, call_id: str, agent_id: str) -> None:
        self.tell(OfferAnswered(call_id=call_id, agent_id=agent_id))

    def talk(self, call_id: str, agent_id: str, seconds: float) -> list[str]:
        """Answer, talk, wrap up at once; returns offers."""
        self.answer(call_id, agent_id)
        self.tell(CallEnded(call_id=call_id, agent_id=agent_id), seconds)
        return offers(self.tell(WrapUpFinished(agent_id=agent_id), 0.0))

    def state(self, agent_id: str) -> AgentState:
        record = self.router.agent(agent_id)
        return record.state if record else AgentState.OFFLINE

    def place(self, call_id: str) -> int:
        place = self.router.place(call_id)
        assert place is not None
        return place.place


def offers(decisions: tuple[Decision, ...]) -> list[str]:
    """Offers as "call>agent"."""
    return [f"{one.call_id}>{one.agent_id}" for one in decisions if isinstance(one, Offer)]


def policy(*queues: QueuePolicy, **more: object) -> Policy:
    """A policy with these queues and the skills that they name."""
    named = {skill for queue in queues for skill in (*queue.needs, *queue.reserve)}
    skills = tuple(Skill(name=name, title=name) for name in sorted(named))
    return Policy(skills=skills, queues=queues, default_queue=queues[0].name, **more)  # type: ignore[arg-type]
