"""Callers whom a race, a lost link or a strange order of events must not lose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from acd.messages import AgentState, CallLeft, CallQueued, Offer, OfferWithdrawn, Tick
from cti.control import line, line_waiting, switchboard
from cti.messages import CallState
from tests.support.control import World


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.end()


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_waiting_caller_whom_the_router_lost_is_put_in_line_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_waiting, "LOOK_S", 0.01)
    session = world.calls_in()
    await world.waits(session)
    queued = world.calls.get(session.uniqueid).queued
    world.dispatch.tell(CallLeft(call_id=session.uniqueid))
    await world.waits(session)
    waiting = world.router.waiting(session.uniqueid)
    assert waiting is not None and waiting.since == queued


async def test_a_caller_whom_the_router_refuses_goes_to_the_native_queue(world: World) -> None:
    """The policy has the queue, but not a skill that the flow asks for: the flow gives the channel back."""
    world.router._floor.skills = frozenset({"dialect"})  # an edited policy
    session = world.calls_in()
    await world.comes(lambda: world.switchboard.line(session.uniqueid) is None and session.played != [])
    assert "HL_DONE" not in session.variables


async def test_a_session_that_ends_late_does_not_take_its_successor_out_of_the_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "GONE_NEWS_S", 0.02)
    first = world.calls_in()
    await world.waits(first)
    first.hang_up()  # redirected
    second = world.calls_in(call_id=first.uniqueid, stage="resume")
    await world.waits(second)
    await asyncio.sleep(0.1)
    assert world.telephony.in_line(first.uniqueid)


async def test_an_offer_whose_prompt_cannot_be_stopped_for_want_of_a_link_is_no_stray_failure(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    session = world.calls_in()
    await world.waits(session)
    at_desk = world.switchboard.line(session.uniqueid)
    assert at_desk is not None
    world.link.connected = False
    at_desk._waiting._talks_at, at_desk._leg._command = True, 1
    await world.signs_in("li")
    await session.dials.wait()
    assert [record.message for record in caplog.records] == ["telephone side refused"]


async def test_who_answers_while_the_link_is_down_talks_and_nobody_else_is_offered_the_call() -> None:
    clock = Clock()
    world = World(clock=clock)
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.link.connected = False
    await world.signs_in("zhao")
    clock.now += 18  # past the ring limit, and Dial has not returned
    world.dispatch.tell(Tick())
    assert world.state(session) is CallState.TALKING
    assert (world.agent_is("li"), world.agent_is("zhao")) == (AgentState.TALKING, AgentState.READY)
    session.end_dial("ANSWER")
    await world.comes(lambda: world.agent_is("li") is AgentState.WRAP_UP)
    await world.end()


async def test_a_ring_past_its_limit_is_ended_while_asterisk_can_be_heard() -> None:
    clock = Clock()
    world = World(clock=clock)
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.says("DialBegin", Uniqueid=session.uniqueid, DestChannel="PJSIP/8002-1", DestUniqueid="x")
    clock.now += 18
    world.dispatch.tell(Tick())
    await world.comes(lambda: ("hangup", "PJSIP/8002-1") in world.link.asked)
    assert world.state(session) is CallState.RINGING
    session.end_dial("CANCEL")
    await world.waits(session)
    await world.end()


async def test_a_talk_that_was_only_assumed_ends_in_the_line_and_not_in_the_survey() -> None:
    clock = Clock()
    world = World(clock=clock)
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.link.connected = False
    clock.now += 18
    world.dispatch.tell(Tick())
    session.end_dial("NOANSWER")
    await world.waits(session)
    assert world.agent_is("li") is AgentState.WRAP_UP
    assert "survey" not in session.played
    await world.end()


async def test_after_a_talk_that_nobody_told_of_the_call_is_offered_to_nobody(world: World) -> None:
    """Answered through the native queue while AMI was away; then the dialplan asks for what comes after."""
    session = world.calls_in()
    await world.waits(session)
    world.telephony.talk_over(session.uniqueid)
    assert world.state(session) is CallState.SURVEY
    assert not world.telephony.in_line(session.uniqueid)
    await world.signs_in("li")
    assert world.agent_is("li") is AgentState.READY


@pytest.mark.parametrize("state", [CallState.TALKING, CallState.HELD])
async def test_a_citizen_taken_from_the_agent_waits_again_and_the_agent_writes_up(
    world: World, state: CallState
) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.answers(session)
    world.calls.update(replace(world.calls.get(session.uniqueid), state=state))
    again = world.calls_in(call_id=session.uniqueid, stage="resume")
    await world.waits(again)
    assert world.agent_is("li") is AgentState.WRAP_UP


async def test_who_has_talked_and_comes_back_is_asked_for_the_rating_again(world: World) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.answers(session)
    world.telephony.talk_over(session.uniqueid)
    again = world.calls_in(call_id=session.uniqueid, stage="resume")
    await world.comes(lambda: "HL_DONE" in again.variables)
    assert again.played[0] == "survey"


@pytest.mark.parametrize(
    "state", [CallState.INCOMING, CallState.IN_FLOW, CallState.WAITING, CallState.RINGING]
)
async def test_a_known_caller_who_resumes_waits_whatever_the_state_was(
    world: World, state: CallState
) -> None:
    session = world.calls_in()
    await world.waits(session)
    world.calls.update(replace(world.calls.get(session.uniqueid), state=state))
    again = world.calls_in(call_id=session.uniqueid, stage="resume")
    await world.waits(again)


async def test_an_offer_that_was_withdrawn_meanwhile_rings_nobody(world: World) -> None:
    """It had left the inbox already when the withdrawal came."""
    await world.signs_in("li", ready=False)
    session = world.calls_in()
    await world.waits(session)
    at_desk = world.switchboard.line(session.uniqueid)
    assert at_desk is not None
    at_desk.offer(Offer(call_id=session.uniqueid, agent_id="li", ring_until=world.clock() + 15.0))
    await world.comes(lambda: not at_desk._waiting._offers)
    await asyncio.sleep(0.02)
    assert not session.dials.is_set()
    assert world.state(session) is CallState.WAITING


async def test_an_offer_for_another_agent_survives_the_withdrawal_of_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both offers come while the call is on its way back to this server."""
    monkeypatch.setattr(switchboard, "RETURN_S", 5.0)
    session = world.calls_in()
    await world.waits(session)
    session.hang_up()
    await world.comes(lambda: world.switchboard.line(session.uniqueid) is None)
    call = world.calls.get(session.uniqueid)
    world.dispatch.tell(
        CallQueued(call_id=call.call_id, queue=call.queue, needs=call.needs, since=call.queued or 0.0)
    )
    li = await world.signs_in("li")
    await world.signs_in("zhao")
    await world.floor.signed_out(li)  # the router offers the call to zhao at once
    world.switchboard.stop_ringing(OfferWithdrawn(call_id=call.call_id, agent_id="li", reason="agent_left"))
    again = world.calls_in(call_id=session.uniqueid, stage="resume")
    await again.dials.wait()
    assert world.calls.get(session.uniqueid).agent_id == "zhao"


async def test_legs_of_callers_who_gave_up_are_forgotten(world: World) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.says("DialBegin", Uniqueid=session.uniqueid, DestChannel="PJSIP/8002-1", DestUniqueid="x")
    world.telephony.citizen_left(session.uniqueid)
    assert world.telephony._legs == {}
