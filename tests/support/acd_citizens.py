"""More that can happen in a centre of property tests: call-backs, consultations, clearer needs."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from acd.messages import (
    AgentState,
    BecameCallback,
    CallbackFailed,
    CallbackReached,
    CallChanged,
    CallLeft,
    ConsultAnswered,
    ConsultEnded,
    ConsultRequested,
    TalkMoved,
)
from tests.support.acd_centre import QUEUES, SKILLS, Centre


class BusyCentre(Centre):
    """The whole life of calls."""

    def callbacks(self) -> list[str]:
        """Call-backs in line or being dialled."""
        _, waiting = self.router.snapshot()
        return sorted(call.call_id for call in waiting if call.callback)

    def dialled(self) -> list[str]:
        """Call-backs whose citizen is being dialled."""
        return [call_id for call_id in self.callbacks() if call_id in self.offers]

    def talking(self) -> list[str]:
        """Spoken talks."""
        return sorted(set(self.talks) - self.texts)

    @precondition(lambda self: set(self.waiting) - self.texts)
    @rule(data=st.data())
    def citizen_asks_for_a_callback(self, data: st.DataObject) -> None:
        voice = sorted(set(self.waiting) - self.texts - set(self.callbacks()))
        if voice:
            self.tell(BecameCallback(call_id=data.draw(st.sampled_from(voice))))

    @precondition(lambda self: self.dialled())
    @rule(data=st.data())
    def citizen_is_reached(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(self.dialled()))
        agent_id = self.offers.pop(call_id)
        self.calls += 1
        new = f"c{self.calls:03}"
        self.waiting[new] = self.waiting.pop(call_id)
        self.tell(CallbackReached(call_id=call_id, agent_id=agent_id, new_call_id=new))
        assert self.offers[new] == agent_id
        assert self.state(agent_id) is AgentState.RINGING

    @precondition(lambda self: self.dialled())
    @rule(data=st.data(), again=st.sampled_from([None, 0.0, 10.0]))
    def citizen_is_not_reached(self, data: st.DataObject, again: float | None) -> None:
        call_id = data.draw(st.sampled_from(self.dialled()))
        agent_id = self.offers.pop(call_id)
        if again is None:
            del self.waiting[call_id]
        again_at = None if again is None else self.now + again
        self.tell(CallbackFailed(call_id=call_id, agent_id=agent_id, again_at=again_at))

    @precondition(lambda self: self.waiting)
    @rule(
        data=st.data(),
        queue=st.one_of(st.none(), QUEUES),
        needs=st.one_of(st.none(), SKILLS),
        priority=st.sampled_from([None, 0, 3]),
        urgent=st.sampled_from([None, True, False]),
        also=st.sampled_from([None, (), ("general",), ("dialect", "expert")]),
    )
    def needs_become_clearer(
        self,
        data: st.DataObject,
        queue: str | None,
        needs: dict[str, int] | None,
        priority: int | None,
        urgent: bool | None,
        also: tuple[str, ...] | None,
    ) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.waiting)))
        rings = self.offers.get(call_id)
        self.tell(
            CallChanged(
                call_id=call_id, queue=queue, needs=needs, priority=priority, urgent=urgent, also=also
            )
        )
        assert rings is None or self.offers[call_id] == rings, "a ring goes on"

    @precondition(lambda self: self.talking())
    @rule(data=st.data())
    def agent_asks_a_colleague(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(self.talking()))
        agents, _ = self.router.snapshot()
        ready = sorted(agent.agent_id for agent in agents if agent.state is AgentState.READY)
        if ready:
            colleague = data.draw(st.sampled_from(ready))
            self.consults[colleague] = call_id
            self.tell(ConsultRequested(call_id=call_id, agent_id=colleague))
            assert self.state(colleague) is AgentState.RINGING

    @precondition(lambda self: self.consults)
    @rule(data=st.data(), what=st.sampled_from(["answers", "ends", "misses", "takes over"]))
    def colleague_acts(self, data: st.DataObject, what: str) -> None:
        colleague = data.draw(st.sampled_from(sorted(self.consults)))
        call_id = self.consults[colleague]
        rings = self.state(colleague) is AgentState.RINGING
        if what == "answers" and rings:
            self.tell(ConsultAnswered(call_id=call_id, agent_id=colleague))
        elif what == "takes over" and not rings:
            del self.consults[colleague]
            self.talks[call_id] = colleague
            self.tell(TalkMoved(call_id=call_id, agent_id=colleague))
        elif what in ("ends", "misses"):
            del self.consults[colleague]
            missed = what == "misses"
            self.tell(ConsultEnded(call_id=call_id, agent_id=colleague, missed=missed))
            assert self.state(colleague) is not AgentState.WRAP_UP

    @precondition(lambda self: self.talks)
    @rule(data=st.data())
    def citizen_hangs_up_in_the_talk(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.talks)))
        del self.talks[call_id]
        self.tell(CallLeft(call_id=call_id))
