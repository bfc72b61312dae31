"""One citizen's line: rung agents, missed rings, and offers that come or go at an awkward moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.messages import AgentSignedOut, AgentState, CallLeft, NotReadyReason
from cti.control.line_leg import Leg
from cti.messages import CallState, EntryKind
from tests.support.control import PlayedSession, World


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.end()


def legs(world: World) -> list[tuple[object, object]]:
    entries = [entry for entry in world.book.entries if entry.kind is EntryKind.CALL_LEG]
    return [(entry.data["agent_id"], entry.data["result"]) for entry in entries]


async def test_an_agent_who_is_ready_is_rung_and_no_waiting_prompt_is_played(world: World) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    assert session.targets == "PJSIP/8002&PJSIP/8002p"
    assert world.state(session) is CallState.RINGING
    assert "connecting" not in session.played


async def test_an_offer_ends_the_prompt_that_plays(world: World) -> None:
    session = world.calls_in()
    playing = asyncio.Event()
    go_on = asyncio.Event()
    stream = session.stream_file

    async def slow(name: str, keys: str = "") -> str | None:
        key = await stream(name, keys)
        if name == "connecting":
            playing.set()
            await go_on.wait()
        return key

    session.stream_file = slow  # type: ignore[method-assign]
    await playing.wait()
    await world.signs_in("li")
    await world.comes(lambda: ("dtmf", session.channel, "D", "True") in world.link.asked)
    go_on.set()
    await session.dials.wait()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("NOANSWER", NotReadyReason.MISSED_RING),
        ("CANCEL", NotReadyReason.MISSED_RING),
        ("BUSY", NotReadyReason.REFUSED),
        ("CHANUNAVAIL", NotReadyReason.PHONE_LOST),
        ("CONGESTION", NotReadyReason.PHONE_LOST),
        ("", NotReadyReason.PHONE_LOST),
        ("SOMETHING NEW", NotReadyReason.MISSED_RING),
    ],
)
async def test_what_dial_says_of_an_unanswered_ring_is_the_agents_reason(
    world: World, status: str, reason: NotReadyReason
) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    queued = world.calls.get(session.uniqueid).queued
    session.end_dial(status)
    await world.waits(session)
    record = world.router.agent("li")
    assert record is not None
    assert (record.state, record.reason) == (AgentState.NOT_READY, reason)
    assert legs(world) == [("li", reason.value)]
    waiting = world.router.waiting(session.uniqueid)
    assert waiting is not None
    assert waiting.since == queued  # first in line again, at the old place


async def test_a_missed_ring_goes_to_the_next_agent(world: World) -> None:
    await world.signs_in("li")
    await world.signs_in("wang")
    session = world.calls_in()
    await session.dials.wait()
    first = world.calls.get(session.uniqueid).agent_id
    session.end_dial("NOANSWER")
    await world.comes(lambda: session.dials.is_set())
    second = world.calls.get(session.uniqueid).agent_id
    assert {first, second} == {"li", "wang"}


async def test_an_answer_is_told_to_router_and_journal_and_opens_the_draft(world: World) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.answers(session)
    assert world.agent_is("li") is AgentState.TALKING
    assert legs(world) == [("li", "answered")]
    call = world.calls.get(session.uniqueid)
    draft = world.orders.find(call.order_id)
    assert draft is not None
    assert draft.call_id == call.call_id


async def test_when_the_agent_hangs_up_the_citizen_is_asked_and_the_agent_writes_up(world: World) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    session.keys["survey"] = "4"
    await session.dials.wait()
    world.answers(session)
    session.end_dial("ANSWER")
    await world.comes(lambda: session.variables.get("HL_DONE") == "1")
    assert "survey" in session.played
    assert world.agent_is("li") is AgentState.WRAP_UP
    call = world.calls.get(session.uniqueid)
    assert (call.state, call.satisfaction) == (CallState.WRAP_UP, 4)


async def test_an_agent_who_signs_out_while_rung_stops_ringing_and_the_caller_waits(world: World) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    leg = "PJSIP/8002-00000001"
    world.says("DialBegin", Uniqueid=session.uniqueid, DestChannel=leg, DestUniqueid="x")
    world.dispatch.tell(AgentSignedOut(agent_id="li"))
    await world.comes(lambda: ("hangup", leg) in world.link.asked)
    session.end_dial("NOANSWER")
    await world.waits(session)
    assert legs(world) == []  # nobody missed anything


async def test_a_citizen_who_gives_up_while_an_agent_is_rung_frees_the_agent(world: World) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.says("Hangup", Uniqueid=session.uniqueid)
    session.hang_up()
    await world.comes(lambda: world.state(session) is None)
    assert world.agent_is("li") is AgentState.READY
    ended = [e for e in world.book.entries if e.data.get("outcome")]
    assert [entry.data["outcome"] for entry in ended] == ["abandoned_waiting"]


async def answered_natively(world: World, session: PlayedSession, extension: str) -> None:
    """Asterisk's own queue has brought the citizen to this telephone."""
    world.says(
        "DialEnd",
        Uniqueid=session.uniqueid,
        DestChannel=f"PJSIP/{extension}p-0007",
        DestUniqueid="y",
        DialStatus="ANSWER",
    )


async def test_a_talk_that_the_native_queue_began_belongs_to_who_picked_up(world: World) -> None:
    await world.signs_in("li")
    await world.signs_in("wang", ready=False)
    session = world.calls_in()
    await session.dials.wait()  # li is rung; then the server died, and is back
    await answered_natively(world, session, "8004")
    call = world.calls.get(session.uniqueid)
    assert (call.state, call.agent_id) == (CallState.TALKING, "wang")
    assert world.agent_is("wang") is AgentState.TALKING
    assert world.agent_is("li") is AgentState.READY


async def test_an_offer_held_for_a_caller_who_returns_does_not_end_the_talk_of_who_was_faster(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stands_still(leg: Leg, *_: object, **__: object) -> None:
        await leg.session.hung_up.wait()  # the line of before the restart does nothing any more
        leg.here()

    monkeypatch.setattr("cti.control.switchboard.RETURN_S", 0.1)
    monkeypatch.setattr(Leg, "pause", stands_still)
    session = world.calls_in()
    await world.waits(session)
    line = world.switchboard._lines.pop(session.uniqueid)  # as after a restart: in line, and on the way back
    await world.signs_in("li")
    assert world.telephony.offered(session.uniqueid, "li")
    await answered_natively(world, session, "8002")
    await asyncio.sleep(0.3)
    assert world.agent_is("li") is AgentState.TALKING
    assert world.router.talking_with(session.uniqueid) == "li"
    world.switchboard._lines[session.uniqueid] = line


async def test_an_offer_for_a_caller_who_does_not_return_frees_the_agent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.control.switchboard.RETURN_S", 0.02)
    session = world.calls_in()
    await world.waits(session)
    line = world.switchboard._lines.pop(session.uniqueid)
    await world.signs_in("li")
    assert world.agent_is("li") is AgentState.RINGING
    await world.comes(lambda: world.agent_is("li") is AgentState.READY)
    world.switchboard._lines[session.uniqueid] = line


@pytest.mark.parametrize("application", ["Playback", "Queue", "Wait"])
async def test_a_citizen_in_the_fallback_is_brought_back_whatever_is_played_there(
    world: World, application: str
) -> None:
    fallback = {"Channel": "PJSIP/city-9", "Uniqueid": "hl1-1800000000.9", "Context": "hotline-fallback"}
    world.link.channels.append(fallback | {"Application": application})
    await world.reconcile()
    assert ("redirect", "PJSIP/city-9", "hotline", "resume") in world.link.asked


async def test_a_citizen_who_leaves_the_line_is_no_longer_offered(world: World) -> None:
    session = world.calls_in()
    await world.waits(session)
    session.hang_up()
    world.says("Hangup", Uniqueid=session.uniqueid)
    await world.comes(lambda: world.state(session) is None)
    await world.signs_in("li")
    assert world.agent_is("li") is AgentState.READY
    world.dispatch.tell(CallLeft(call_id=session.uniqueid))  # and late news of it does no harm
