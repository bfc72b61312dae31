"""Supervision without Asterisk: who may do what, which way follows which, who is told what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast, get_args

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from acd.messages import AgentState
from cti.ami import AmiEvent
from cti.control import supervision_rights as rights
from cti.control.floor_list import changes, hidden, masked
from cti.control.supervision import Supervision
from cti.control.supervision_book import MAY_BECOME, IllegalSupervision, Supervising, SupervisionBook
from cti.control.supervision_elsewhere import Elsewhere
from cti.control.supervision_hands import SupervisionHands
from cti.control.supervision_news import SupervisionNews
from cti.control.supervision_seats import LOOK_S, SupervisionParts
from cti.figures.fold import handling
from cti.messages import (
    AgentView,
    Barge,
    CallState,
    CallView,
    EntryKind,
    FloorChange,
    FloorView,
    Listen,
    Notice,
    PageMessage,
    PartyState,
    PartyView,
    Role,
    ServerMessage,
    StopListening,
    SupervisionKind,
    SupervisionView,
    SupervisorMessage,
    TakeOver,
    Watch,
    Whisper,
)
from cti.ports import CommandRefused, Person
from cti.roles import OFFICE
from tests.support.control import NODE, PlayedSession
from tests.support.until import until
from tests.unit.cti.test_transfers import Nodes, Office

K = SupervisionKind
BOSS = Person(login="boss", name="班长", role=Role.SUPERVISOR, extension="8099")
COMMANDS = tuple(get_args(PageMessage))


def person(role: Role) -> Person:
    return Person(login="x", name="甲", role=role)


def message_of(kind: type[Any]) -> Any:
    """A message of this kind, with nothing sensible in it."""
    return msgspec.json.decode(
        msgspec.json.encode({"type": kind.__struct_config__.tag, **_filled(kind)}), type=PageMessage
    )


def _filled(kind: type[Any]) -> dict[str, object]:
    values: dict[str, object] = {"float": 1.0, "int": 1, "TargetKind": "agent", "bool": False}
    found: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        if not field.required:
            continue
        shape = getattr(field.type, "__name__", str(field.type))
        empty: object = {} if "Mapping" in str(field.type) else [] if "tuple" in str(field.type) else "x"
        found[field.name] = values.get(shape, empty)
    return found


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("role", Role)
def test_no_role_may_do_what_the_table_does_not_say(role: Role, kind: type[Any]) -> None:
    try:
        message = message_of(kind)
    except msgspec.ValidationError:
        pytest.skip("has values of its own; its right does not depend on them")
    in_table = role in rights.RIGHTS.get(kind, frozenset(Role))
    allowed = in_table and (role is not Role.LISTENER or kind in rights.LISTENERS_MAY)
    allowed = allowed and (role not in OFFICE or kind in rights.OFFICES_MAY)
    if allowed:
        rights.check(person(role), message)
    else:
        with pytest.raises(CommandRefused):
            rights.check(person(role), message)


def test_every_command_of_supervisors_is_in_the_table_and_no_agent_may_give_one() -> None:
    for kind in get_args(SupervisorMessage):
        assert Role.AGENT not in rights.RIGHTS[kind]
    assert {kind for kind in COMMANDS if Role.LISTENER in rights.RIGHTS.get(kind, ())} == {
        Listen,
        StopListening,
    }


# ---------------------------------------------------------------- the book


def supervising(**more: Any) -> Supervising:
    given_ = {
        "spy_id": "supervisor-1", "call_id": "c1", "agent_id": "li", "by": "boss", "by_name": "班长",
        "kind": K.LISTEN, "wanted": K.LISTEN, "began": 1.0, "since": 1.0,
    }  # fmt: skip
    return Supervising(**{**given_, **more})


@given(st.lists(st.sampled_from(K), max_size=8))
def test_a_way_follows_another_only_as_the_table_says(ways: list[SupervisionKind]) -> None:
    book, now = SupervisionBook(), K.LISTEN
    book.put(supervising())
    for way in ways:
        if way is now or way in MAY_BECOME[now]:
            book.put(supervising(kind=way))
            now = way
        else:
            with pytest.raises(IllegalSupervision):
                book.put(supervising(kind=way))
        assert [one.kind for one in book] == [now]


def test_a_supervisor_is_in_one_call_at_most() -> None:
    book = SupervisionBook()
    book.put(supervising())
    with pytest.raises(IllegalSupervision):
        book.put(supervising(spy_id="supervisor-2", call_id="c2"))


# ---------------------------------------------------------------- the live list

agents = st.builds(
    AgentView,
    agent_id=st.sampled_from(["li", "wang", "zhao"]),
    name=st.just("甲"),
    role=st.just(Role.AGENT),
    extension=st.just("8001"),
    state=st.sampled_from([state.value for state in AgentState if state is not AgentState.OFFLINE]),
)
calls = st.builds(
    CallView,
    call_id=st.sampled_from(["c1", "c2", "c3"]),
    caller=st.just("13800000001"),
    called=st.just("12345"),
    state=st.sampled_from([CallState.WAITING, CallState.TALKING]),
)
floors = st.builds(
    FloorView,
    agents=st.lists(agents, unique_by=lambda one: one.agent_id).map(tuple),
    calls=st.lists(calls, unique_by=lambda one: one.call_id).map(tuple),
)


def applied(
    before: FloorView, change: FloorChange | None
) -> tuple[dict[str, AgentView], dict[str, CallView]]:
    """What a page knows that knew `before` and hears `change`."""
    people = {one.agent_id: one for one in before.agents}
    live = {one.call_id: one for one in before.calls}
    for agent in change.agents if change else ():
        people.pop(agent.agent_id, None)
        if agent.state != AgentState.OFFLINE.value:
            people[agent.agent_id] = agent
    for call in change.calls if change else ():
        live.pop(call.call_id, None)
        if call.state is not CallState.ENDED:
            live[call.call_id] = call
    return people, live


@given(floors, floors)
def test_changes_lead_from_one_list_to_the_other_and_say_nothing_twice(
    before: FloorView, now: FloorView
) -> None:
    change = changes(before, now)
    people, live = applied(before, change)
    assert people == {one.agent_id: one for one in now.agents}
    assert live == {one.call_id: one for one in now.calls}
    assert change is None or not any(one in before.agents for one in change.agents)
    assert changes(now, now) is None


@given(st.from_regex(r"\+?[0-9*#]{0,20}", fullmatch=True))
def test_a_listener_is_shown_no_whole_number(number: str) -> None:
    assert "*" in hidden(number)
    assert sum(character.isdecimal() for character in hidden(number)) <= 7
    citizen = PartyView(party_id="citizen", kind="citizen", title=number, state=PartyState.TALKING)
    agent = PartyView(party_id="agent", kind="agent", title="李", state=PartyState.TALKING, agent_id="li")
    call = CallView(
        call_id="c", caller=number, called="12345", state=CallState.TALKING, about_order="o1",
        parties=(citizen, agent),
    )  # fmt: skip
    shown = masked(call)
    assert (shown.caller, shown.about_order) == (hidden(number), "")
    assert [party.title for party in shown.parties] == [hidden(number), "李"]


# ---------------------------------------------------------------- in a call


class Floor(Office):
    """A world with a supervisor."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.told: list[tuple[frozenset[str], ServerMessage]] = []
        self.book.send = lambda logins, message: self.told.append((frozenset(logins), message))  # type: ignore
        self.people.meet(BOSS)
        hands = SupervisionHands(cast("Any", Nodes(self.room_link)), self.sharing.rooms)
        self.elsewhere = Elsewhere()
        self.handed_over: list[tuple[str, bool]] = []
        book, shown = SupervisionBook(), frozenset({K.WHISPER, K.BARGE})
        self.supervision = Supervision(
            SupervisionParts(
                calls=self.calls, dispatch=self.dispatch, events=self.sharing.events, hands=hands,
                phones=self.phones, people=self.people, book=book, beside=self.telephony.beside,
                news=SupervisionNews(
                    book, self.calls, self.people, self.book, lambda _: (), shown, self.elsewhere
                ),
                has_page=lambda _: True, relay=None, supervises_elsewhere=self.elsewhere.by, others=self,
            )
        )  # fmt: skip
        self.calls.on_changed = self.supervision.changed

    def says(self, name: str, **fields: str) -> None:
        super().says(name, **fields)
        self.supervision.take(AmiEvent(name, MappingProxyType(fields), NODE))

    def handed(self, spy_id: str, *, put_down: bool) -> None:
        self.handed_over.append((spy_id, put_down))

    def picks_up(self) -> None:
        """The supervisor's telephone is answered."""
        (one,) = self.supervision.book
        leg = {"Uniqueid": f"{one.spy_id}-2", "DestChannel": "PJSIP/8099-1", "DestUniqueid": "boss-1"}
        self.says("DialBegin", **leg)
        self.says("DialEnd", **leg, DialStatus="ANSWER")

    def views(self, login: str) -> list[tuple[SupervisionKind, bool]]:
        """What this person was told of supervisors."""
        heard = (message for logins, message in self.told if login in logins)
        return [(one.kind, one.active) for one in heard if isinstance(one, SupervisionView)]

    @property
    def acts(self) -> list[object]:
        return [entry.data["act"] for entry in self.book.entries if entry.kind is EntryKind.SUPERVISION]


@pytest_asyncio.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    made = Floor(tmp_path)
    yield made
    await made.end()


async def listening(floor: Floor, kind: type[Any] = Listen) -> PlayedSession:
    """The supervisor is in a talk of agent li."""
    session = await floor.talk()
    await floor.supervision.listen(BOSS, kind(call_id=session.uniqueid))
    floor.picks_up()
    return session


async def test_the_agent_is_told_of_whispering_and_not_of_listening(floor: Floor) -> None:
    session = await listening(floor)
    assert floor.views("li") == []
    await floor.supervision.listen(BOSS, Whisper(call_id=session.uniqueid))
    assert floor.views("li") == [(K.WHISPER, True)]
    assert floor.supervision.news.of_agent("li") is not None
    await floor.supervision.listen(BOSS, Listen(call_id=session.uniqueid))
    assert floor.views("li") == [(K.WHISPER, True), (K.LISTEN, False)]
    assert floor.supervision.news.of_agent("li") is None


async def test_a_telephone_that_rings_twice_for_one_supervisor_is_asked_once(floor: Floor) -> None:
    session = await listening(floor)
    await floor.supervision.listen(BOSS, Whisper(call_id=session.uniqueid))
    assert sum(asked[0] == "originate" for asked in floor.room_link.asked) == 1
    assert ("redirect", "PJSIP/8099-1", "hotline-floor", "whisper") in floor.room_link.asked


def away(**more: Any) -> Supervising:
    """The supervisor is in a call at another server."""
    return supervising(call_id="far", channel="PJSIP/8099-1", node=NODE, **more)


async def test_a_telephone_that_is_in_a_call_elsewhere_comes_without_another_ring(floor: Floor) -> None:
    session = await floor.talk()
    floor.elsewhere.heard("two", (away(uniqueid="boss-1"),), 0.0)
    await floor.supervision.listen(BOSS, Listen(call_id=session.uniqueid))
    asked = floor.room_link.asked
    assert not any(one[0] == "originate" for one in asked)
    assert ("redirect", "PJSIP/8099-1", "hotline-floor", "listen") in asked
    assert floor.handed_over == [("supervisor-1", False)]
    (one,) = floor.supervision.book
    assert (one.call_id, one.agent_id, one.there) == (session.uniqueid, "li", True)


async def test_a_telephone_that_still_rings_for_a_call_elsewhere_rings_for_this_one_instead(
    floor: Floor,
) -> None:
    session = await floor.talk()
    floor.elsewhere.heard("two", (away(),), 0.0)
    await floor.supervision.listen(BOSS, Listen(call_id=session.uniqueid))
    assert floor.handed_over == [("supervisor-1", True)]
    assert sum(one[0] == "originate" for one in floor.room_link.asked) == 1


async def test_who_went_to_a_call_elsewhere_is_in_none_here_and_is_not_put_down(floor: Floor) -> None:
    await listening(floor)
    (one,) = floor.supervision.book
    floor.supervision.seats.handed_over(one.spy_id, False)
    assert (list(floor.supervision.book), floor.acts) == ([], ["listen", "leave"])
    assert not any(asked[0] == "hangup" for asked in floor.room_link.asked)


async def test_the_live_list_has_supervisors_of_all_servers_and_each_once(floor: Floor) -> None:
    session = await listening(floor)
    floor.elsewhere.heard("two", (away(), away(spy_id="supervisor-2", by="other")), 0.0)
    views = floor.supervision.news.views(BOSS)
    assert [(one.by, one.call_id) for one in views] == [("boss", session.uniqueid), ("other", "far")]
    listener = Person(login="other", name="领导", role=Role.LISTENER)
    assert [one.call_id for one in floor.supervision.news.views(listener)] == ["far"]


async def test_who_is_on_the_way_into_the_room_is_not_sent_to_listen_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.control.supervision_course.SETTLED_S", 0.0)
    session = await listening(floor)
    await floor.supervision.listen(BOSS, Barge(call_id=session.uniqueid))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(asked == ("redirect", "PJSIP/8099-1", "hotline-floor", "listen")
                   for asked in floor.room_link.asked)  # fmt: skip


async def test_who_leaves_the_room_to_listen_is_written_down_no_more(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    untapped: list[str] = []
    monkeypatch.setattr(floor.telephony, "untap_party", lambda call, uniqueid: untapped.append(uniqueid))
    session = await listening(floor, Barge)
    await _settled(lambda: any(one[-1] == "other" for one in floor.room_link.asked))
    floor.says("BridgeEnter", BridgeCreator="ConfBridge", BridgeName=session.uniqueid, Uniqueid="boss-1")
    await floor.supervision.listen(BOSS, Listen(call_id=session.uniqueid))
    assert untapped == ["boss-1"]


async def test_the_end_of_the_talk_ends_the_listening(floor: Floor) -> None:
    session = await listening(floor)
    floor.telephony.citizen_left(session.uniqueid)
    assert list(floor.supervision.book) == []
    assert floor.acts == ["listen", "leave"]
    assert floor.views("boss")[-1] == (K.LISTEN, False)


async def test_a_supervisor_who_hangs_up_is_in_the_call_no_more(floor: Floor) -> None:
    session = await listening(floor)
    floor.says("Hangup", Uniqueid="boss-1")
    assert list(floor.supervision.book) == []
    assert floor.state(session) is CallState.TALKING


async def test_who_barges_in_has_the_call_when_the_agent_hangs_up(floor: Floor) -> None:
    session = await listening(floor)
    await floor.supervision.listen(BOSS, Barge(call_id=session.uniqueid))
    floor.says("BridgeEnter", BridgeCreator="ConfBridge", BridgeName=session.uniqueid, Uniqueid="boss-1")
    assert [one.kind for one in floor.supervision.book] == [K.BARGE]
    floor.says("Hangup", Uniqueid="li-1")
    call = floor.call(session)
    assert (call.agent_id, call.agent_uniqueid, call.writers) == ("boss", "boss-1", ("li",))
    assert (floor.agent_is("li"), floor.agent_is("boss")) == (AgentState.WRAP_UP, AgentState.TALKING)
    assert floor.acts == ["listen", "barge", "takeover"]
    assert any(isinstance(one, Notice) and "接管" in one.text for logins, one in floor.told if "li" in logins)


async def test_a_call_that_is_taken_over_is_counted_once_for_each_and_as_no_transfer(floor: Floor) -> None:
    session = await listening(floor)
    listened = handling([one for one in floor.book.entries if one.call_id == session.uniqueid])
    assert [part.agent_id for part in listened.parts] == ["li"]
    await floor.supervision.listen(BOSS, Barge(call_id=session.uniqueid))
    floor.says("BridgeEnter", BridgeCreator="ConfBridge", BridgeName=session.uniqueid, Uniqueid="boss-1")
    floor.says("Hangup", Uniqueid="li-1")
    floor.telephony.citizen_left(session.uniqueid)
    told = handling([one for one in floor.book.entries if one.call_id == session.uniqueid])
    assert [(part.agent_id, part.rings, part.missed) for part in told.parts] == [("boss", 0, 0), ("li", 1, 0)]
    assert (told.transfers, told.missed) == (0, 0)
    assert told.talk_s == pytest.approx(sum(part.talk_s for part in told.parts))


async def test_a_takeover_needs_a_reason_and_puts_the_agents_telephone_down(floor: Floor) -> None:
    session = await listening(floor)
    with pytest.raises(CommandRefused, match="原因"):
        await floor.supervision.listen(BOSS, TakeOver(call_id=session.uniqueid, reason=" "))
    await floor.supervision.listen(BOSS, TakeOver(call_id=session.uniqueid, reason="市民要求"))
    floor.says("BridgeEnter", BridgeCreator="ConfBridge", BridgeName=session.uniqueid, Uniqueid="boss-1")
    await asyncio.sleep(LOOK_S * 3)  # who leaves while the supervisor is alone in the room would end it
    assert ("hangup", "PJSIP/8002-1") not in floor.room_link.asked
    room = {"BridgeCreator": "ConfBridge", "BridgeName": session.uniqueid}
    floor.says("BridgeEnter", **room, Uniqueid=session.uniqueid)
    await _settled(lambda: ("hangup", "PJSIP/8002-1") in floor.room_link.asked)


async def test_what_cannot_be_is_refused_in_words(floor: Floor) -> None:
    session = await floor.talk()
    without = Person(login="boss", name="班长", role=Role.SUPERVISOR)
    for who, command, words in (
        (BOSS, Listen(call_id="gone"), "已经结束"),
        (without, Listen(call_id=session.uniqueid), "话机"),
        (person(Role.AGENT), Listen(call_id=session.uniqueid), "权限"),
        (person(Role.LISTENER), Whisper(call_id=session.uniqueid), "权限"),
    ):
        with pytest.raises(CommandRefused, match=words):
            await floor.supervision.listen(who, command)
    assert list(floor.supervision.book) == []


def test_watching_is_no_command_of_the_table() -> None:
    rights.check(person(Role.LISTENER), cast("Any", Watch(topics=("floor:masked",))))


async def _settled(condition: Any) -> None:
    await until(condition)
