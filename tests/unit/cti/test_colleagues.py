"""Interpreters and colleagues: found by what they speak, asked into telephone calls and conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from acd.messages import AgentBecameNotReady, AgentBecameReady, AgentSignedIn, NotReadyReason
from cti.control.cluster_relay import PageRelay
from cti.control.text_desk import TextDesk
from cti.messages import (
    AddParty,
    AskInterpreter,
    CallState,
    ColleaguesView,
    Consult,
    EntryKind,
    FindColleagues,
    FindTargets,
    InviteText,
    Notice,
    PageMessage,
    PartyState,
    Role,
    SayText,
    TargetKind,
    TargetsView,
)
from cti.ports import CommandRefused, Person
from tests.support.control import agent
from tests.unit.cti.test_text_calls import AGENTS, Room
from tests.unit.cti.test_transfers import Office


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Agent li, who will talk by telephone, and an interpreter for English who is ready."""
    made = Office(tmp_path)
    nothing: Any = None
    texts: Any = SimpleNamespace(words=nothing)
    desk = TextDesk(
        texts=texts, calls=made.calls, dispatch=made.dispatch, orders=made.orders, people=made.people,
        pages=made.book, share=made.sharing.carry_out, brief=made.sharing.brief, known_as=str,
    )  # fmt: skip
    for command in (FindColleagues, AskInterpreter):
        made.floor.handlers[command] = desk.carry_out
    await speaks(made, "zhao", "8009", english=4)
    yield made
    await made.end()


async def speaks(office: Office, login: str, extension: str, **skills: int) -> None:
    """Somebody with these skills signs in and takes calls."""
    await office.floor.page_opened(agent(login, extension=extension, skills=skills))
    office.dispatch.tell(AgentBecameReady(agent_id=login))


def shown(office: Office, kind: type[Any]) -> Any:
    """The newest message of this kind that a page got."""
    return [message for message in office.book.shown if isinstance(message, kind)][-1]


async def test_a_telephone_call_is_told_who_interprets_which_language(office: Office) -> None:
    session = await office.talk()
    await speaks(office, "qian", "8010", sign_video=2, english=5)
    await speaks(office, "sun", "8011", general=3)
    await office.does(FindColleagues(call_id=session.uniqueid))
    view: ColleaguesView = shown(office, ColleaguesView)
    assert [(one.title, one.free, [person.key for person in one.people]) for one in view.languages] == [
        ("手语视频", 1, ["qian"]),
        ("英语", 2, ["qian", "zhao"]),
    ]
    assert view.languages[1].people[1].note == "8009 · 示闲 · 4 级"


async def test_an_interpreter_who_is_busy_is_named_and_not_counted_as_free(office: Office) -> None:
    session = await office.talk()
    await office.does(Consult(call_id=session.uniqueid, kind=TargetKind.AGENT, key="zhao"))
    await office.does(FindColleagues(call_id=session.uniqueid))
    view: ColleaguesView = shown(office, ColleaguesView)
    assert view.languages == ()  # they are in the call already
    await office.floor.page_opened(agent("qian", extension="8010", skills={"english": 2}))  # not ready yet
    office.dispatch.tell(AgentBecameNotReady(agent_id="qian", reason=NotReadyReason.REST))
    await office.does(FindColleagues(call_id=session.uniqueid))
    (english,) = shown(office, ColleaguesView).languages
    assert (english.free, english.people[0].usable, english.people[0].note) == (
        0,
        False,
        "8010 · 示忙 · 2 级",
    )


async def test_the_best_interpreter_is_rung_into_a_telephone_call(office: Office) -> None:
    session = await office.talk()
    await speaks(office, "qian", "8010", english=5)
    await office.does(AskInterpreter(call_id=session.uniqueid, skill="english"))
    (party,) = office.call(session).parties
    assert (party.agent_id, party.state, party.asked) == ("qian", PartyState.RINGING, True)


@pytest.mark.parametrize("sought", ["英语", "english", "英"])
async def test_a_colleague_is_found_by_language(office: Office, sought: str) -> None:
    await office.talk()
    await office.does(FindTargets(text=sought))
    view: TargetsView = shown(office, TargetsView)
    found = {(target.kind, target.key): target.note for target in view.targets}
    assert found[TargetKind.AGENT, "zhao"] == "8009 · 示闲 · 英语"
    assert (TargetKind.QUEUE, "english") in found


async def test_to_consult_a_queue_is_to_consult_its_best_free_agent(office: Office) -> None:
    session = await office.talk()
    await office.does(Consult(call_id=session.uniqueid, kind=TargetKind.QUEUE, key="english"))
    (party,) = office.call(session).parties
    assert (party.agent_id, office.state(session)) == ("zhao", CallState.CONSULTING)


async def test_a_queue_without_a_free_agent_can_be_neither_consulted_nor_asked_in(office: Office) -> None:
    session = await office.talk()
    for command in (Consult, AddParty):
        with pytest.raises(CommandRefused, match="没有空闲坐席"):
            await office.does(command(call_id=session.uniqueid, kind=TargetKind.QUEUE, key="psychology"))
    assert office.state(session) is CallState.TALKING


class Elsewhere:
    """The way to another server, which has the conversation."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, PageMessage]] = []
        self.wanted: list[str] = []

    def changed(self, person: Person) -> None:
        """Another server is told of a person."""

    def want(self, login: str) -> None:
        """Their calls elsewhere are asked for."""
        self.wanted.append(login)

    async def ask(self, person: Person, message: PageMessage) -> bool:
        """It is carried out there."""
        self.asked.append((person.login, message))
        return True


async def test_who_was_asked_into_a_conversation_at_another_server_sees_it_and_writes_there(
    office: Office,
) -> None:
    elsewhere = Elsewhere()
    office.floor.relay = cast("PageRelay", elsewhere)
    leader = Person(login="ban", name="班长", role=Role.SUPERVISOR, extension="")
    await office.floor.page_opened(leader)
    said = SayText(call_id="text-9.1", text="我是班长")
    await office.floor.command(leader, said)
    assert (elsewhere.wanted, elsewhere.asked) == (["ban"], [("ban", said)])


# ---------------------------------------------------------------- written conversations


@pytest.fixture
def room() -> Room:
    """Two agents who take conversations."""
    return Room()


def named(room: Room) -> ColleaguesView:
    """The newest answer to who may be asked in."""
    return [message for _, message in room.sent if isinstance(message, ColleaguesView)][-1]


def test_a_conversation_may_ask_in_agents_at_work_and_supervisors_at_their_page(room: Room) -> None:
    call, login = room.taken()
    other = next(one for one in AGENTS if one != login)
    for name in ("ban", "away"):
        room.people.meet(Person(login=name, name=name, role=Role.SUPERVISOR, extension=""))
    room.people.meet(Person(login="unit", name="unit", role=Role.UNIT, extension=""))
    room.desk.colleagues.present = lambda one: one in ("ban", "unit")
    room.does(login, FindColleagues(call_id=call.call_id))
    assert {one.key: one.note for one in named(room).colleagues} == {other: "示闲", "ban": "班长"}


def test_a_supervisor_without_a_telephone_joins_a_conversation_writes_and_leaves_it(room: Room) -> None:
    call, login = room.taken()
    room.people.meet(Person(login="ban", name="班长", role=Role.SUPERVISOR, extension=""))
    with pytest.raises(CommandRefused, match="没有签入"):
        room.does(login, InviteText(call_id=call.call_id, agent_id="ban"))
    room.desk.colleagues.present = lambda one: one == "ban"
    room.does(login, InviteText(call_id=call.call_id, agent_id="ban"))
    told = [message.text for to, message in room.sent if to == ("ban",) and isinstance(message, Notice)]
    assert told == [f"{login}请您加入文字会话，会话在工作台上"]
    room.does("ban", SayText(call_id=call.call_id, text="我是班长"))
    assert room.lines(call, "agent") == ["我是班长"]
    room.does(login, FindColleagues(call_id=call.call_id))
    assert "ban" not in {one.key for one in named(room).colleagues}
    notes = [entry.data for entry in room.book.entries if entry.kind is EntryKind.TRANSFER]
    assert [(one["target"], one["by"]) for one in notes] == [("ban", login)]


def test_an_invited_colleague_who_invites_another_stands_in_the_journal_as_who_did_it(room: Room) -> None:
    call, login = room.taken()
    other = next(one for one in AGENTS if one != login)
    room.dispatch.tell(AgentSignedIn(agent_id="zhao", skills={"english": 4}, texts=1, auto_ready=True))
    room.people.meet(Person(login="zhao", name="zhao", role=Role.AGENT, extension="8003", texts=1))
    room.does(login, InviteText(call_id=call.call_id, agent_id=other))
    room.does(other, AskInterpreter(call_id=call.call_id, skill="english"))
    notes = [entry.data for entry in room.book.entries if entry.kind is EntryKind.TRANSFER]
    assert [(one["target"], one["by"]) for one in notes] == [(other, login), ("zhao", other)]
