"""Pages at one server, calls at another: messages find the page, commands find the call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import pytest

from cti.control.cluster_relay import PageRelay
from cti.messages import (
    AgentView,
    CorrectionView,
    Notice,
    PageMessage,
    Ready,
    Role,
    ServerMessage,
    SubmitOrder,
)
from cti.ports import CommandRefused, Person
from tests.support.desk_parts import FakeCaptions

LI = Person(login="li", name="李", role=Role.AGENT)


class Server:
    """One server's pages, and what it was asked to do for others."""

    def __init__(
        self, name: str, wire: list[bytes], pages: AbstractSet[str], orders: AbstractSet[str] = frozenset()
    ) -> None:
        self.pages = pages
        self.orders = orders
        self.shown: list[tuple[str, ServerMessage]] = []
        self.done: list[PageMessage] = []
        self.met: list[Person] = []
        self.refuses = ""
        self.relay = PageRelay(self, member=name, say=wire.append, others=lambda: True)
        self.relay.here = self

    def has(self, login: str) -> bool:
        return login in self.pages

    def send(self, logins: Iterable[str], message: ServerMessage) -> None:
        self.shown += [(login, message) for login in logins if login in self.pages]

    def broadcast(self, message: ServerMessage) -> None:
        self.send(self.pages, message)

    def has_matter(self, person: Person, message: PageMessage) -> bool:
        return isinstance(message, SubmitOrder) and message.order_id in self.orders

    async def carry_out(self, person: Person, message: PageMessage) -> None:
        if self.refuses:
            raise CommandRefused(self.refuses)
        self.done.append(message)

    def show_call(self, login: str) -> None:
        self.relay.send((login,), Notice(level="info", text="来电"))

    def person_told(self, person: Person) -> None:
        self.met.append(person)


class Wire:
    """Two servers that hear each other."""

    def __init__(self) -> None:
        self.words: list[bytes] = []
        self.one = Server("one", self.words, set(), orders={"o1"})
        self.two = Server("two", self.words, {"li"})

    def carry(self) -> None:
        """Everybody hears what was said."""
        while self.words:
            word = self.words.pop(0)
            for server in (self.one, self.two):
                server.relay.take(word)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_a_message_reaches_a_page_at_the_other_server_once(wire: Wire) -> None:
    notice = Notice(level="info", text="客户挂机")
    wire.one.relay.send(["li"], notice)
    wire.carry()
    assert wire.two.shown == [("li", notice)]
    wire.two.relay.send(["li"], notice)
    assert wire.words == []


def test_an_agents_state_is_told_by_the_server_that_has_the_page(wire: Wire) -> None:
    view = AgentView(agent_id="li", name="李", role=Role.AGENT, extension="", state="ready")
    wire.one.relay.send(["li"], view)
    assert wire.words == []


def test_a_page_that_comes_is_shown_the_call_that_is_elsewhere(wire: Wire) -> None:
    wire.two.relay.want("li")
    wire.carry()
    assert [login for login, _ in wire.two.shown] == ["li"]


def test_a_changed_person_is_known_everywhere(wire: Wire) -> None:
    wire.two.relay.changed(LI)
    wire.carry()
    assert (wire.one.met, wire.two.met) == ([LI], [])


async def asks(wire: Wire, message: PageMessage) -> bool:
    """Li's page asks; the wire carries on until there is an answer."""
    question = asyncio.ensure_future(wire.two.relay.ask(LI, message))
    while not question.done():
        await asyncio.sleep(0.001)
        wire.carry()
    return await question


async def test_a_command_is_carried_out_where_its_order_is(wire: Wire) -> None:
    command = SubmitOrder(order_id="o1")
    assert await asks(wire, command)
    assert (wire.one.done, wire.two.done) == ([command], [])


async def test_a_refusal_comes_back_in_the_words_of_the_other_server(wire: Wire) -> None:
    wire.one.refuses = "必填项未填"
    with pytest.raises(CommandRefused, match="必填项未填"):
        await asks(wire, SubmitOrder(order_id="o1"))


async def test_a_command_that_is_nobodys_is_not_waited_for_for_ever(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.control.cluster_relay.ANSWER_S", 0.01)
    assert not await asks(wire, Ready())


def test_a_correction_and_a_mark_reach_the_server_that_has_the_call_once(wire: Wire) -> None:
    here, there = FakeCaptions(), FakeCaptions()
    wire.one.relay.captions, wire.two.relay.captions = here, there
    made = CorrectionView(version=1, text="解放路", who="li", at=1.0)
    wire.two.relay.corrected("c1", "tap:1", made)
    wire.two.relay.marked("c1", "tap:1", on=True)
    wire.two.relay.marked("c1", "tap:1", on=False)
    wire.carry()
    told = [
        ("corrected", "c1", "tap:1", "解放路"),
        ("marked", "c1", "tap:1", True),
        ("marked", "c1", "tap:1", False),
    ]
    assert here.told == told
    assert there.told == told
