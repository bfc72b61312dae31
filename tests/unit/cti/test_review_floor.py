"""Agents whom no state may hold for ever, and what the native queue knows of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from types import MappingProxyType
from typing import cast

import pytest
import pytest_asyncio

from acd.messages import AgentState, NotReadyReason, Tick
from cti.ami import AmiEvent, AmiLink, AmiRefused
from cti.control.captions import Captions
from cti.control.people import People
from cti.messages import CallState
from tests.support.control import NODE, PlayedSession, World, agent


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def world(clock: Clock) -> AsyncIterator[World]:
    made = World(clock=clock)
    yield made
    await made.end()


async def talking(world: World, login: str = "li") -> PlayedSession:
    """A call that this agent answered."""
    await world.signs_in(login)
    session = world.calls_in()
    await session.dials.wait()
    world.answers(session)
    assert world.agent_is(login) is AgentState.TALKING
    return session


# ------------------------------------------------------------ states


async def test_a_page_that_opens_again_undoes_a_sign_out_while_talking(world: World) -> None:
    session = await talking(world)
    person = agent("li", extension="8002")
    await world.floor.signed_out(person)
    await world.floor.page_opened(person)
    session.end_dial("ANSWER")
    await world.comes(lambda: world.agent_is("li") is AgentState.WRAP_UP)


async def test_an_agent_whose_page_was_lost_is_simply_signed_in_when_it_is_back(world: World) -> None:
    person = await world.signs_in("li")
    await world.floor.page_closed(person)
    await world.floor.page_opened(person)
    record = world.router.agent("li")
    assert record is not None and record.reason is NotReadyReason.SIGNED_IN


async def test_an_agent_who_counts_as_talking_on_a_call_that_is_over_is_set_free(
    world: World, clock: Clock
) -> None:
    """After a kill the live state may have the end of the call and not yet that of the talk."""
    session = await talking(world)
    world.calls.release(session.uniqueid)
    clock.now += 10
    await world.reconcile()
    assert world.agent_is("li") is AgentState.WRAP_UP


async def test_an_agent_on_a_call_that_asterisk_has_keeps_talking(world: World, clock: Clock) -> None:
    session = await talking(world)
    clock.now += 10
    world.lists(session, BridgeId="b")
    world.link.channels.append({"Channel": "PJSIP/8002-1", "Uniqueid": "x", "BridgeId": "b"})
    await world.reconcile()
    assert world.agent_is("li") is AgentState.TALKING


async def test_a_list_older_than_the_end_of_the_talk_does_not_bring_the_talk_back(
    world: World, clock: Clock
) -> None:
    session = await talking(world)
    clock.now += 60
    world.telephony.talk_over(session.uniqueid)
    world.lists(session, BridgeId="b")
    world.link.channels.append({"Channel": "PJSIP/8002-1", "Uniqueid": "x", "BridgeId": "b"})
    await world.reconcile()
    assert world.agent_is("li") is AgentState.WRAP_UP


async def test_a_call_nobody_writes_up_any_more_is_closed(world: World, clock: Clock) -> None:
    session = await talking(world)
    call = world.calls.get(session.uniqueid)
    world.telephony.citizen_left(call.call_id)
    assert world.state(session) is CallState.WRAP_UP
    world.router._floor.agents.clear()  # a live state without its agents
    clock.now += 10
    await world.reconcile()
    assert world.state(session) is None
    assert call.call_id not in world.book.kept


async def test_the_end_of_a_talk_leaves_an_agent_alone_who_talks_to_somebody_else(world: World) -> None:
    first = await talking(world)
    other = replace(world.calls.get(first.uniqueid), call_id=f"{NODE}-1.9")
    world.calls.restore(other)
    world.telephony.citizen_left(other.call_id)
    assert world.router.talking_with(first.uniqueid) == "li"


async def test_a_decision_that_fails_takes_neither_the_next_nor_the_clock_along(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await talking(world)
    world.telephony.citizen_left(session.uniqueid)

    def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(world.floor, "agent_changed", fails)
    clock.now += 600
    world.dispatch.tell(Tick())
    assert world.agent_is("li") is AgentState.READY


async def test_callers_are_brought_back_once_and_then_left_to_the_native_queue(
    world: World, clock: Clock
) -> None:
    """Else a caller whom our flow cannot serve is taken out of the native queue every five seconds."""
    session = PlayedSession(f"{NODE}-1800000000.7", "resume", clock.now)
    world.lists(session, Context="hotline-fallback", Application="Queue")
    for _ in range(3):
        await world.reconcile()
        clock.now += 5
    assert [what[0] for what in world.link.asked].count("redirect") == 1
    clock.now += 60
    await world.reconcile()
    assert [what[0] for what in world.link.asked].count("redirect") == 2


async def test_a_call_that_comes_while_the_channels_are_listed_is_not_closed(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asterisk's clock may be behind ours, so that the call seems older than it is."""
    made: list[PlayedSession] = []

    async def listing(*_: object, **__: object) -> tuple[AmiEvent, ...]:
        made.append(world.calls_in(started=clock.now - 60))
        await world.waits(made[0])
        return ()

    monkeypatch.setattr(world.link, "listing", listing)
    await world.reconcile()
    assert world.state(made[0]) is CallState.WAITING


async def test_a_recording_that_begins_while_the_channels_are_listed_is_not_joined(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.book.files = {"hl1-1.1"}

    async def listing(*_: object, **__: object) -> tuple[AmiEvent, ...]:
        world.book.files.add("hl1-1.2")
        return ()

    monkeypatch.setattr(world.link, "listing", listing)
    await world.reconcile()
    assert world.book.expected == ["hl1-1.1"]


# ------------------------------------------------------------ what an administrator changes


async def test_new_skills_count_from_the_next_call_on(world: World) -> None:
    await world.signs_in("li")
    await world.floor.person_changed(agent("li", extension="8002", skills={"enterprise": 4}))
    record = world.router.agent("li")
    assert record is not None and record.skills == {"enterprise": 4}
    session = world.calls_in()
    await world.waits(session)
    assert world.agent_is("li") is AgentState.READY


async def test_a_first_extension_makes_the_person_at_the_page_an_agent(world: World) -> None:
    await world.floor.page_opened(agent("li", extension=""))
    assert world.agent_is("li") is None
    await world.floor.person_changed(agent("li", extension="8002"))
    assert world.agent_is("li") is AgentState.NOT_READY


async def test_a_skill_that_the_policy_lost_does_not_keep_the_agent_out(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await world.floor.page_opened(agent("li", skills={"general": 2, "telex": 5}))
    record = world.router.agent("li")
    assert record is not None and record.skills == {"general": 2}


def test_an_extension_that_went_to_a_colleague_stays_theirs() -> None:
    people = People()
    people.meet(agent("li", extension="8001"))
    people.meet(agent("zhao", extension="8001"))
    people.meet(agent("li", extension="8002"))
    assert people.at_extension("8001") == "zhao"


# ------------------------------------------------------------ the native queue


async def settled(world: World) -> list[tuple[str, ...]]:
    """What the node's queue was told, once nothing is left to tell."""
    await world.comes(lambda: all(queue.empty() for queue in world.phones._work.values()))
    await asyncio.sleep(0.01)
    told = [what for what in world.link.asked if what[0] in ("add", "remove")]
    world.link.asked.clear()
    return told


async def test_who_signs_out_while_the_link_is_down_leaves_the_native_queue_when_it_is_back(
    world: World,
) -> None:
    world.phones.start()
    person = await world.signs_in("li")
    await settled(world)
    world.link.connected = False
    await world.floor.signed_out(person)
    await settled(world)
    world.link.connected = True
    await world.phones.list_contacts(cast("AmiLink", world.link))
    assert await settled(world) == [("remove", "PJSIP/8002"), ("remove", "PJSIP/8002p")]


async def test_who_has_signed_out_while_talking_is_not_put_into_the_native_queue_again(world: World) -> None:
    world.phones.start()
    await talking(world)
    await world.floor.signed_out(agent("li", extension="8002"))
    await settled(world)
    world.floor._keep_native_queue("li")
    assert await settled(world) == []


async def test_a_node_that_did_not_take_a_change_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.control.phones.RETRY_S", 0.001)
    world.phones.start()
    refusals = [AmiRefused("QueueAdd", "busy"), AmiRefused("QueuePause", "busy")]
    taken = world.link.queue_add

    async def refuses(queue: str, interface: str, *, member_name: str = "", paused: bool) -> None:
        if refusals:
            raise refusals.pop(0)
        await taken(queue, interface, member_name=member_name, paused=paused)

    async def pause(interface: str, paused: bool, *, queue: str) -> None:
        raise refusals.pop(0)

    monkeypatch.setattr(world.link, "queue_add", refuses)
    monkeypatch.setattr(world.link, "queue_pause", pause, raising=False)
    await world.signs_in("li", ready=False)
    await world.comes(lambda: ("add", "PJSIP/8002p", "True") in world.link.asked)


async def test_phones_that_are_found_missing_when_the_link_comes_up_are_told(world: World) -> None:
    world.phones.start()
    await world.signs_in("li")
    assert world.phones.registered("8002")  # nobody could be asked
    assert await world.phones.list_contacts(cast("AmiLink", world.link)) == ("8002",)
    world.phones.contact_event(
        AmiEvent(
            "ContactStatus",
            MappingProxyType({"EndpointName": "8002", "ContactStatus": "Reachable", "URI": "sip:a"}),
            NODE,
        )
    )
    assert await world.phones.list_contacts(cast("AmiLink", world.link)) == ("8002",)


# ------------------------------------------------------------ captions


async def test_one_message_that_cannot_be_taken_does_not_end_the_captions_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[str] = []

    class Message:
        def __init__(self, call_id: str) -> None:
            self.call_id = call_id

    async def messages(*_: object, **__: object) -> AsyncIterator[tuple[str, Message]]:
        yield "1-0", Message("bad")
        yield "2-0", Message("good")

    def take(message: Message) -> None:
        if message.call_id == "bad":
            raise KeyError(message.call_id)
        taken.append(message.call_id)

    monkeypatch.setattr("cti.control.captions.bus.read_transcripts", messages)
    captions = Captions.__new__(Captions)
    monkeypatch.setattr(captions, "_redis", None, raising=False)
    monkeypatch.setattr(captions, "_prefix", "", raising=False)
    monkeypatch.setattr(captions, "take", take)
    await captions._read("0-0")
    assert taken == ["good"]
