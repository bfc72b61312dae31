"""The live list: what a page is told after the whole list leads to what is true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from acd.messages import AgentRecord, AgentState
from cti.call import Call
from cti.control.floor_list import MASKED, FloorList
from cti.control.people import People
from cti.messages import (
    AgentView,
    CallState,
    CallView,
    DraftView,
    FieldView,
    FloorChange,
    FloorView,
    PartyState,
    PartyView,
    Role,
    ServerMessage,
)
from cti.ports import Person
from tests.support.until import until

BOSS = Person(login="boss", name="班长", role=Role.SUPERVISOR)


class Floor:
    """Agents who come and go, and one page."""

    def __init__(self, *logins: str) -> None:
        self.here = set(logins)
        self.page: dict[str, str] = {}  # what the page knows: login -> state
        self.watching = False
        self.live: list[Call] = []
        self.secrecy = ""  # 保密要求 in the draft of the call
        self.calls_told: list[CallView] = []
        people = People()
        people.meet_all(Person(login=login, name=login, role=Role.AGENT) for login in logins)
        self.list = FloorList(self, self, people, lambda _: (), others=lambda: False, clock=lambda: 0.0)

    def opens(self) -> None:
        """The page begins to watch."""
        for view in self.list.opening(BOSS, "floor"):
            assert isinstance(view, FloorView)
            self.page = {one.agent_id: one.state for one in view.agents}
        self.watching = True

    def watched(self, topic: str) -> bool:
        return self.watching and topic == "floor"

    def tell(self, topic: str, message: ServerMessage) -> None:
        if self.watched(topic) and isinstance(message, FloorChange):
            self.page |= {one.agent_id: one.state for one in message.agents}
            self.calls_told += message.calls

    def agents(self) -> Iterable[AgentRecord]:
        return [
            AgentRecord(agent_id=login, skills={}, state=AgentState.READY, since=0.0) for login in self.here
        ]

    def agent_view(self, person: Person) -> AgentView:
        return AgentView(
            agent_id=person.login, name=person.name, role=person.role, extension="", state="ready"
        )

    def calls(self) -> Iterable[Call]:
        return self.live

    def call_view(self, call: Call) -> CallView:
        talks = PartyState.TALKING
        citizen = PartyView(party_id="citizen", kind="citizen", title=call.caller, state=talks)
        agent = PartyView(party_id="agent", kind="agent", title="李", state=talks, agent_id="li")
        return CallView(
            call_id=call.call_id, caller=call.caller, called=call.called, state=call.state, agent_id="li",
            parties=(citizen, agent),
        )  # fmt: skip

    def draft(self, order_id: str) -> DraftView | None:
        field = FieldView(value=self.secrecy, filler="agent", source="agent:li", confidence=1.0)
        return DraftView(order_id=order_id, call_id="c1", version=1, state="draft", fields={"secrecy": field})

    async def elsewhere(self) -> Sequence[Call]:
        return ()


async def test_who_goes_right_after_the_list_was_opened_does_not_stay_in_it() -> None:
    floor = Floor("li", "wang")
    floor.list.start()
    floor.opens()
    floor.here.discard("li")
    await until(lambda: floor.page == {"li": "offline", "wang": "ready"})
    await floor.list.stop()


async def test_the_number_of_a_call_is_covered_from_the_moment_its_matter_is_confidential() -> None:
    floor = Floor("li")
    floor.live.append(
        Call(
            call_id="c1", node="a", channel="PJSIP/trunk-1", caller="13800000001", called="12345",
            state=CallState.TALKING, started=0.0, recording_started=0.0, state_since=0.0,
            order_id="o1", agent_id="li",
        )
    )  # fmt: skip
    (whole,) = floor.list.opening(BOSS, "floor")
    assert isinstance(whole, FloorView)
    assert whole.calls[0].caller == "13800000001"
    floor.watching = True
    floor.secrecy = "保密"
    floor.list.start()
    await until(lambda: bool(floor.calls_told))
    await floor.list.stop()
    told = floor.calls_told[-1]
    assert told.caller == "138****0001"
    assert [party.title for party in told.parties] == ["138****0001", "李"]
    for topic in ("floor", MASKED):
        (whole,) = floor.list.opening(BOSS, topic)
        assert isinstance(whole, FloorView)
        assert whole.calls[0].caller == "138****0001"
