"""Two servers on one Asterisk and one live state: each call belongs to one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from acd.messages import AgentState
from cti.call import Call
from cti.messages import CallState
from ivr_flows.engine import FlowState, Stage
from tests.support.control import NODE, SERVER, World

CALL_ID = f"{NODE}-1700000000.1"
STORED = Call(
    call_id=CALL_ID,
    node=NODE,
    channel="PJSIP/trunk-1",
    caller="13800000001",
    called="12345",
    state=CallState.WAITING,
    started=1_700_000_000.0,
    recording_started=1_700_000_000.0,
    state_since=1_700_000_005.0,
    flow=FlowState(flow="citizen_line", version="1", step="enterprise", stage=Stage.IN_LINE).saved(),
    queue="enterprise",
    needs={"enterprise": 1},
    queued=1_700_000_005.0,
    server="server2",
)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = World(stored={CALL_ID: STORED}, alone=False)
    yield made
    await made.end()


async def test_a_caller_of_another_server_keeps_queue_and_place(world: World) -> None:
    session = world.calls_in(call_id=CALL_ID, stage="resume")
    await world.waits(session)
    waiting = world.router.waiting(CALL_ID)
    assert waiting is not None
    assert (waiting.queue, waiting.since) == ("enterprise", STORED.queued)
    assert world.book.kept[CALL_ID].server == SERVER


async def test_the_server_before_is_told_through_the_node(world: World) -> None:
    session = world.calls_in(call_id=CALL_ID, stage="resume")
    await world.waits(session)
    await world.comes(lambda: ("UserEvent", "HotlineTaken", CALL_ID, SERVER) in world.link.asked)


async def test_a_call_that_only_comes_in_asks_nobody(world: World) -> None:
    session = world.calls_in()
    await world.waits(session)
    assert not any(what[0] == "UserEvent" for what in world.link.asked)


async def test_a_call_that_another_server_took_is_let_go_without_a_word_to_journal_or_live_state(
    world: World,
) -> None:
    session = world.calls_in()
    await world.waits(session)
    written, kept = len(world.book.entries), dict(world.book.kept)
    world.says("UserEvent", UserEvent="HotlineTaken", CallId=session.uniqueid, Server="server2")
    assert world.state(session) is None and not world.telephony.in_line(session.uniqueid)
    assert (len(world.book.entries), world.book.kept) == (written, kept)


async def test_ones_own_news_of_a_call_taken_over_changes_nothing(world: World) -> None:
    session = world.calls_in()
    await world.waits(session)
    world.says("UserEvent", UserEvent="HotlineTaken", CallId=session.uniqueid, Server=SERVER)
    assert world.state(session) is CallState.WAITING


async def test_the_agent_of_a_talk_whose_end_another_server_sees_writes_it_up_here(world: World) -> None:
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.answers(session)
    world.says("UserEvent", UserEvent="HotlineTaken", CallId=session.uniqueid, Server="server2")
    assert world.agent_is("li") is AgentState.WRAP_UP
    assert world.state(session) is CallState.SURVEY


async def test_talks_of_the_native_queue_are_adopted_by_the_server_that_has_the_agent(world: World) -> None:
    citizen = {
        "Channel": "PJSIP/trunk-9",
        "Uniqueid": f"{NODE}-1700000000.9",
        "Context": "hotline-fallback",
        "Application": "Queue",
        "BridgeId": "b",
    }
    world.link.channels += [citizen, {"Channel": "PJSIP/8002-1", "Uniqueid": "x", "BridgeId": "b"}]
    person = await world.signs_in("li")
    world.router._floor.agents.clear()  # signed in at the other server
    world.people.meet(person)
    await world.reconcile()
    assert len(world.calls) == 0
    await world.signs_in("li")
    await world.reconcile()
    assert world.agent_is("li") is AgentState.TALKING


async def test_a_survey_that_another_server_began_goes_on_here(world: World) -> None:
    asked = replace(
        STORED,
        state=CallState.SURVEY,
        answered=1_700_000_020.0,
        flow=FlowState(
            flow="citizen_line", version="1", step="survey", stage=Stage.PLAYING, talked=True
        ).saved(),
    )
    other = World(stored={CALL_ID: asked}, alone=False)
    session = other.calls_in(call_id=CALL_ID, stage="after")
    session.keys["survey"] = "5"
    await other.comes(lambda: "HL_DONE" in session.variables)
    await other.end()
    ratings = [entry.data for entry in other.book.entries if entry.kind.value == "rating"]
    assert ratings == [{"score": 5}]
