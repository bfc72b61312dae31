"""Commands and news of shared calls, in any order: what is told to the router, and what is undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pytest
import pytest_asyncio

from acd.messages import AgentState
from cti.ami import AmiEvent, AmiNodes, AmiRefused
from cti.call import Call
from cti.control.directory import SHIPPED
from cti.control.directory_shelf import DirectoryShelf
from cti.control.sharing import Sharing
from cti.messages import (
    AddParty,
    BlindTransfer,
    CallState,
    CancelConsult,
    Consult,
    EntryKind,
    PartyState,
    ReturnToQueue,
    TargetKind,
)
from cti.ports import CommandRefused, Person
from tests.support.control import NODE, PlayedLink, PlayedSession, World

UNIT = "city_management"


class Link(PlayedLink):
    """A link that may refuse what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: set[str] = set()
        self.on_the_way = 0  # so many redirects come before the channel has followed the one before

    async def action(self, name: str, fields: Any) -> None:
        if name in self.refuses:
            raise AmiRefused(name, "played")
        if name == "Redirect" and self.on_the_way > 0:
            self.on_the_way -= 1
            raise AmiRefused(name, "Redirect failed, channel not up.")
        await super().action(name, fields)

    async def set_variable(self, channel: str, name: str, value: str) -> None:
        self.asked.append(("set", channel, name, value))

    async def originate(self, request: Any) -> None:
        self.asked.append(("originate", request.channel, request.other_channel_id))


class Nodes:
    """One node."""

    def __init__(self, link: Link) -> None:
        self.links = {NODE: link}

    def link(self, name: str) -> Link:
        return self.links[name]


class Office(World):
    """A world in which calls can be shared."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.room_link = Link()
        self.post: list[object] = []
        self.telephony._nodes = cast("AmiNodes", Nodes(self.room_link))
        self.sharing = Sharing(
            calls=self.calls, dispatch=self.dispatch, telephony=self.telephony,
            nodes=cast("AmiNodes", Nodes(self.room_link)), phones=self.phones, people=self.people,
            pages=self.book, orders=self.orders, captions=lambda _: (), directory=DirectoryShelf(SHIPPED),
            trunk="city", outbox=folder, post=cast("Any", None), secret=str, audit=_nothing, server="s1",
            alone=True,
        )  # fmt: skip
        self.sharing.attach(self.recovery)
        self.floor.shared = self.sharing
        self.person: Person | None = None

    async def talk(self) -> PlayedSession:
        """Agent li talks with a citizen."""
        self.person = await self.signs_in("li")
        session = self.calls_in()
        await session.dials.wait()
        self.says("DialBegin", Uniqueid=session.uniqueid, DestChannel="PJSIP/8002-1", DestUniqueid="li-1")
        self.says(
            "DialEnd", Uniqueid=session.uniqueid, DestChannel="PJSIP/8002-1", DestUniqueid="li-1",
            DialStatus="ANSWER",
        )  # fmt: skip
        assert self.state(session) is CallState.TALKING
        return session

    def says(self, name: str, **fields: str) -> None:
        """Asterisk tells of an event."""
        event = AmiEvent(name, MappingProxyType(fields), NODE)
        self.telephony.take(event)
        self.sharing.take(event)

    async def does(self, command: Any) -> None:
        """Agent li asks for something."""
        assert self.person is not None
        await self.floor.command(self.person, command)

    def call(self, session: PlayedSession) -> Call:
        return self.calls.get(session.uniqueid)

    def answers_consultation(self, session: PlayedSession, uniqueid: str = "u-1") -> None:
        """Whoever the agent rings picks up."""
        self.says("DialBegin", Uniqueid="li-1", DestChannel=f"PJSIP/x-{uniqueid}", DestUniqueid=uniqueid)
        self.says(
            "DialEnd", Uniqueid="li-1", DestChannel=f"PJSIP/x-{uniqueid}", DestUniqueid=uniqueid,
            DialStatus="ANSWER",
        )  # fmt: skip

    @property
    def results(self) -> list[object]:
        return [e.data["result"] for e in self.book.entries if e.kind is EntryKind.TRANSFER]


async def _nothing(_: object) -> None:
    return


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    made = Office(tmp_path)
    yield made
    await made.end()


def consult(session: PlayedSession, key: str = UNIT, kind: TargetKind = TargetKind.UNIT) -> Consult:
    return Consult(call_id=session.uniqueid, kind=kind, key=key)


async def test_a_consultation_sends_citizen_and_agent_apart_in_one_order(office: Office) -> None:
    session = await office.talk()
    await office.does(consult(session))
    assert office.state(session) is CallState.CONSULTING
    assert ("set", "PJSIP/8002-1", "HL_TARGET", "PJSIP/88880101@city") in office.room_link.asked
    citizen = (session.channel, "hotline-room", "apart", "1")
    agent = ("PJSIP/8002-1", "hotline-room", "consult", "1")
    assert office.room_link.asked[-1] == ("Redirect", *citizen, *agent)


async def test_a_channel_that_is_still_on_its_way_is_moved_once_it_has_arrived(office: Office) -> None:
    session = await office.talk()
    await office.does(consult(session))
    office.room_link.on_the_way = 2
    await office.does(CancelConsult(call_id=session.uniqueid))
    assert office.room_link.asked[-1] == ("Redirect", "PJSIP/8002-1", "hotline-room", "other", "1")


async def test_a_redirect_that_asterisk_refuses_leaves_the_call_as_it_was(office: Office) -> None:
    session = await office.talk()
    await office.signs_in("wang")
    office.room_link.refuses.add("Redirect")
    before = office.call(session)
    for kind, key in ((TargetKind.UNIT, UNIT), (TargetKind.AGENT, "wang")):
        with pytest.raises(CommandRefused, match="保持原状"):
            await office.does(consult(session, key, kind))
        assert office.call(session) == before
    assert office.agent_is("wang") is AgentState.READY


async def test_a_colleague_is_reserved_while_rung_and_free_again_when_cancelled(office: Office) -> None:
    session = await office.talk()
    await office.signs_in("wang")
    await office.does(consult(session, "wang", TargetKind.AGENT))
    assert office.agent_is("wang") is AgentState.RINGING
    await office.does(CancelConsult(call_id=session.uniqueid))
    assert office.agent_is("wang") is AgentState.READY
    assert office.results == ["consult", "cancelled"]


async def test_a_colleague_in_a_call_is_not_disturbed(office: Office) -> None:
    session = await office.talk()
    await office.signs_in("wang", ready=False)
    with pytest.raises(CommandRefused, match="示忙"):
        await office.does(consult(session, "wang", TargetKind.AGENT))
    assert office.state(session) is CallState.TALKING


async def test_an_agent_who_hangs_up_hands_the_call_to_the_consulted_colleague(office: Office) -> None:
    session = await office.talk()
    await office.signs_in("wang")
    await office.does(consult(session, "wang", TargetKind.AGENT))
    office.answers_consultation(session)
    assert office.agent_is("wang") is AgentState.TALKING
    office.says("Hangup", Uniqueid="li-1")
    call = office.call(session)
    assert (call.agent_id, call.agent_uniqueid, call.writers) == ("wang", "u-1", ("li",))
    assert (office.agent_is("li"), office.agent_is("wang")) == (AgentState.WRAP_UP, AgentState.TALKING)


async def test_an_agent_who_hangs_up_leaves_the_unit_with_the_citizen_and_writes(office: Office) -> None:
    session = await office.talk()
    await office.does(consult(session))
    office.answers_consultation(session)
    office.says("Hangup", Uniqueid="li-1")
    call = office.call(session)
    assert (call.state, call.agent_gone, [p.title for p in call.parties]) == (
        CallState.TALKING, True, ["市城市管理局"],
    )  # fmt: skip
    assert office.agent_is("li") is AgentState.WRAP_UP
    office.says("Hangup", Uniqueid="u-1")  # and the dialplan asks for the rating
    office.telephony.talk_over(session.uniqueid)
    assert office.state(session) is CallState.SURVEY
    assert office.agent_is("li") is AgentState.WRAP_UP


async def test_an_answer_that_comes_after_the_cancellation_changes_nothing(office: Office) -> None:
    session = await office.talk()
    await office.does(consult(session))
    office.says("DialBegin", Uniqueid="li-1", DestChannel="PJSIP/x-1", DestUniqueid="u-1")
    await office.does(CancelConsult(call_id=session.uniqueid))
    office.says("DialEnd", Uniqueid="li-1", DestChannel="PJSIP/x-1", DestUniqueid="u-1", DialStatus="ANSWER")
    office.says("Hangup", Uniqueid="u-1")
    assert office.call(session).parties == ()


async def test_a_citizen_who_hangs_up_sets_the_consulted_colleague_free(office: Office) -> None:
    session = await office.talk()
    await office.signs_in("wang")
    await office.does(consult(session, "wang", TargetKind.AGENT))
    office.answers_consultation(session)
    office.telephony.citizen_left(session.uniqueid)
    assert (office.agent_is("li"), office.agent_is("wang")) == (AgentState.WRAP_UP, AgentState.READY)


async def test_a_citizen_sent_back_is_told_to_the_router_with_reason_and_whom_to_avoid(
    office: Office,
) -> None:
    session = await office.talk()
    queued = office.call(session).queued
    await office.does(ReturnToQueue(call_id=session.uniqueid))
    assert office.agent_is("li") is AgentState.WRAP_UP
    session.hang_up()  # Asterisk takes the channel away …
    again = office.calls_in(call_id=session.uniqueid, stage="resume")  # … and hands it over again
    await office.waits(again)
    waiting = office.router.waiting(session.uniqueid)
    assert waiting is not None
    assert (waiting.reason, waiting.since, waiting.avoid) == ("returned", queued, frozenset({"li"}))


async def test_a_citizen_sent_to_a_queue_waits_there_whatever_the_flow_says(office: Office) -> None:
    session = await office.talk()
    assert office.call(session).queue != "enterprise"
    await office.does(BlindTransfer(call_id=session.uniqueid, kind=TargetKind.QUEUE, key="enterprise"))
    session.hang_up()
    again = office.calls_in(call_id=session.uniqueid, stage="resume")
    await office.waits(again)
    waiting = office.router.waiting(session.uniqueid)
    assert waiting is not None
    assert (waiting.queue, waiting.reason, office.call(again).queue) == (
        "enterprise",
        "transfer",
        "enterprise",
    )


async def test_who_is_asked_in_is_rung_beside_the_talk_and_heard_by_all(office: Office) -> None:
    session = await office.talk()
    await office.does(AddParty(call_id=session.uniqueid, kind=TargetKind.UNIT, key=UNIT))
    (party,) = office.call(session).parties
    assert office.room_link.asked[-1] == ("originate", "Local/ask@hotline-room", f"{party.party_id}-2")
    office.says("DialBegin", Uniqueid=f"{party.party_id}-2", DestChannel="PJSIP/city-9", DestUniqueid="u-9")
    office.says(
        "BridgeEnter", BridgeCreator="ConfBridge", BridgeName=session.uniqueid, Uniqueid="u-9",
        Channel="PJSIP/city-9",
    )  # fmt: skip
    (party,) = office.call(session).parties
    assert (party.state, party.channel) == (PartyState.TALKING, "PJSIP/city-9")
    office.says("Hangup", Uniqueid="u-9")
    assert office.call(session).parties == ()
    assert office.results == ["asked", "answered", "left"]


async def test_somebody_else_may_not_touch_the_call(office: Office) -> None:
    session = await office.talk()
    other = await office.signs_in("zhang")
    with pytest.raises(CommandRefused, match="不在您手中"):
        await office.floor.command(other, ReturnToQueue(call_id=session.uniqueid))


async def test_without_asterisk_a_command_is_refused_and_the_talk_stays(office: Office) -> None:
    session = await office.talk()
    office.room_link.connected = False
    with pytest.raises(CommandRefused):
        await office.does(ReturnToQueue(call_id=session.uniqueid))
    assert office.state(session) is CallState.TALKING
