"""The live list: what a page is told after the whole list leads to what is true."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

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

NUMBER, COVERED = "13800000001", "138****0001"
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
        self.afar: list[Call] = []  # calls of other servers
        self.secret: set[str] = set()  # calls that have a confidential order
        self.database = True
        self.now = 1000.0
        self.list = FloorList(
            self, self, people, lambda _: (), others=lambda: bool(self.afar), clock=lambda: self.now
        )

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
        if order_id != "o1":
            return None  # it is at another server
        field = FieldView(value=self.secrecy, filler="agent", source="agent:li", confidence=1.0)
        return DraftView(order_id=order_id, call_id="c1", version=1, state="draft", fields={"secrecy": field})

    async def elsewhere(self) -> Sequence[Call]:
        return self.afar

    async def confidential(self, call_ids: Collection[str]) -> frozenset[str]:
        if not self.database:
            raise OSError("the database is away")
        return frozenset(self.secret.intersection(call_ids))

    def shown(self, call_id: str) -> str:
        """The number as a page that begins to watch now is shown it."""
        (whole,) = self.list.opening(BOSS, "floor")
        assert isinstance(whole, FloorView)
        return {one.call_id: one.caller for one in whole.calls}.get(call_id, "")


def talking(call_id: str, order_id: str) -> Call:
    return Call(
        call_id=call_id, node="a", channel="PJSIP/trunk-1", caller=NUMBER, called="12345",
        state=CallState.TALKING, started=0.0, recording_started=0.0, state_since=0.0,
        order_id=order_id, agent_id="li",
    )  # fmt: skip


async def test_who_goes_right_after_the_list_was_opened_does_not_stay_in_it() -> None:
    floor = Floor("li", "wang")
    floor.list.start()
    floor.opens()
    floor.here.discard("li")
    await until(lambda: floor.page == {"li": "offline", "wang": "ready"})
    await floor.list.stop()


async def test_the_number_of_a_call_is_covered_from_the_moment_its_matter_is_confidential() -> None:
    floor = Floor("li")
    floor.live.append(talking("c1", "o1"))
    (whole,) = floor.list.opening(BOSS, "floor")
    assert isinstance(whole, FloorView)
    assert whole.calls[0].caller == NUMBER
    floor.watching = True
    floor.secrecy = "保密"
    floor.list.start()
    await until(lambda: bool(floor.calls_told))
    await floor.list.stop()
    told = floor.calls_told[-1]
    assert told.caller == COVERED
    assert [party.title for party in told.parties] == [COVERED, "李"]
    for topic in ("floor", MASKED):
        (whole,) = floor.list.opening(BOSS, topic)
        assert isinstance(whole, FloorView)
        assert whole.calls[0].caller == COVERED


async def test_a_second_matter_of_a_call_that_is_confidential_covers_its_number_too() -> None:
    floor = Floor("li")
    floor.live.append(talking("c1", "o1"))
    floor.secret.add("c1")
    floor.watching = True
    floor.list.start()
    await until(lambda: floor.shown("c1") == COVERED)
    await floor.list.stop()


async def test_a_confidential_call_at_another_server_is_never_shown_with_its_number() -> None:
    floor = Floor("li")
    floor.afar += [talking("c2", "o2"), talking("c3", "o3")]
    floor.secret.add("c3")
    floor.watching = True
    floor.list.start()
    await until(lambda: bool(floor.calls_told))
    assert {one.call_id: one.caller for one in floor.calls_told} == {"c2": NUMBER, "c3": COVERED}
    await floor.list.stop()
    floor.now += 60  # nobody watched meanwhile: what was known may be true no more
    assert floor.shown("c2") == COVERED


async def test_numbers_of_other_servers_are_covered_while_nobody_can_say_what_is_confidential() -> None:
    floor = Floor("li")
    floor.afar.append(talking("c2", "o2"))
    floor.database = False
    floor.watching = True
    floor.list.start()
    await until(lambda: bool(floor.calls_told))
    assert floor.calls_told[-1].caller == COVERED
    floor.database = True
    await until(lambda: floor.calls_told[-1].caller == NUMBER)
    await floor.list.stop()
