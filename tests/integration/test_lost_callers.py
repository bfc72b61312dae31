"""The promise: whatever happens to the server, every caller reaches a person. Real calls and `kill -9`."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.messages import CallState, EditField, FinishWrapUp, SubmitOrder
from tests.support.hotline import LIMIT_S, Citizen, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.phases import Phases, diligent, served
from tests.support.until import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

BY_HAND = """
[callbacks]
automatic = false
"""
"""Whom one test has cut off is not called back in the next one, where every agent and every number counts."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock) -> AsyncIterator[Hotline]:
    """One hotline for the tests of this module."""
    async with running_hotline(module_loopback, more=BY_HAND) as hotline:
        yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(shared: Hotline) -> AsyncIterator[Hotline]:
    """The running hotline without a call; after the test its server runs again."""
    yield shared
    if shared.stack.children["serve"].pid is None:
        await shared.bring_server_back()
    await shared.quiet()


Note = Callable[[str, object], None]
"""pytest's `record_property`: figures for whoever asks for them (--junitxml)."""


def seconds_after(began: float, *citizens: Citizen) -> list[float]:
    """When each of them had an agent on the line for the first time after `began`."""
    return [round(min(at for at in citizen.reached_at if at > began) - began, 1) for citizen in citizens]


@contextmanager
def hung(pid: int) -> Iterator[None]:
    """The process neither runs nor ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_nobody_is_lost_when_the_server_dies_and_stays_away(
    hotline: Hotline, record_property: Note
) -> None:
    phases = Phases(hotline)
    await phases.reach(hotline)
    killed = await hotline.take_server_away()
    await phases.talking.hears_agent()  # the talk goes on
    await phases.ringing.hears_agent()  # the ring too
    for citizen in (phases.talking, phases.ringing):
        citizen.agent_hangs_up()
    await asyncio.gather(*(served(citizen) for citizen in phases.not_served if citizen is not phases.ringing))
    record_property("rescued_after_s", seconds_after(killed, *phases.not_served))
    async with asyncio.timeout(LIMIT_S):  # nobody hangs on after the talk
        for citizen in (phases.survey, phases.talking, phases.ringing):
            await citizen.gone.wait()


async def test_nobody_is_lost_when_the_server_dies_and_comes_back(
    hotline: Hotline, record_property: Note
) -> None:
    phases = Phases(hotline)
    await phases.reach(hotline)
    killed = hotline.kill_server()

    async def served_and_known(citizen: Citizen) -> None:
        await citizen.hears_agent(120)
        await hotline.is_in(citizen, CallState.TALKING)
        await served(citizen)

    async with diligent(*hotline.desks.values()):
        phases.talking.agent_hangs_up()
        await asyncio.gather(*(served_and_known(citizen) for citizen in phases.not_served))
        record_property("rescued_after_s", seconds_after(killed, *phases.not_served))
        for citizen in (*phases.not_served, phases.talking, phases.survey):
            assert (await hotline.record(citizen, "ended"))["outcome"] == "answered"


async def test_callers_keep_their_place_in_line_when_the_server_dies(hotline: Hotline) -> None:
    first, second = hotline.citizen("13800001101"), hotline.citizen("13800001102")
    queued = []
    for citizen in (first, second):
        await hotline.dial(citizen)
        citizen.press("1")
        queued.append((await hotline.is_in(citizen, CallState.WAITING)).queued)
    desk = await hotline.desk(1)
    hotline.kill_server()
    await until(first.inside.is_set)
    await hotline.server_is_back()
    await hotline.ready(1)
    await first.hears_agent()
    assert not second.reached_at
    call = desk.call(first.number)
    assert call is not None
    assert call.view.queued == queued[0]
    assert (await hotline.live())[second.number].queued == queued[1]
    first.agent_hangs_up()
    await until(lambda: desk.state == "wrap_up", LIMIT_S)
    await desk.send(FinishWrapUp())
    await second.hears_agent()


async def test_what_agents_had_in_hand_is_there_after_the_server_died(hotline: Hotline) -> None:
    writer, talker, idle = [await hotline.desk(number) for number in (1, 2, 3)]
    written, talking = hotline.citizen("13800001151"), hotline.citizen("13800001152")
    for number, desk, citizen in ((1, writer, written), (2, talker, talking)):
        await hotline.ready(number)
        await hotline.dial(citizen)
        citizen.press("1")
        await citizen.hears_agent()
        draft = await desk.drafted(citizen.number)
        for name, value in (("type", "咨询"), ("category", "社会保障/社会保险"), ("summary", citizen.number)):
            await desk.send(EditField(order_id=draft.order_id, field=name, value=value))
        if citizen is written:
            citizen.hang_up()
            await hotline.agent_is(1, AgentState.WRAP_UP)
    await hotline.ready(3)
    hotline.kill_server()
    await until(lambda: not any(desk.here.is_set() for desk in (writer, talker, idle)), LIMIT_S)
    await hotline.server_is_back()
    await until(lambda: (writer.state, talker.state, idle.state) == ("wrap_up", "talking", "ready"), LIMIT_S)

    fresh = hotline.citizen("13800001153")  # the idle agent gets the next call without doing anything
    await hotline.dial(fresh)
    fresh.press("1")
    await fresh.hears_agent()
    assert fresh.agent == idle.account.extension

    draft = await talker.drafted(talking.number)
    await talker.send(EditField(order_id=draft.order_id, field="contact", value="王女士"))
    talking.agent_hangs_up()  # and the talk ends as if nothing had happened
    await hotline.is_in(talking, CallState.SURVEY)
    talking.press("4")
    await until(lambda: talker.state == "wrap_up", LIMIT_S)
    orders = []
    for desk, citizen in ((writer, written), (talker, talking)):
        draft = await desk.drafted(citizen.number)
        await desk.send(SubmitOrder(order_id=draft.order_id))
        orders.append((await desk.stored(draft.call_id, draft.order_id))[1])
        assert orders[-1]["state"] == "accepted"
        assert orders[-1]["fields"]["summary"]["value"] == citizen.number
    assert orders[1]["fields"]["contact"]["value"] == "王女士"
    record = await hotline.record(talking, "satisfaction", "ended")
    assert (record["satisfaction"], record["agent_id"]) == (4, "agent2")


async def test_nobody_is_lost_while_no_server_runs_and_the_server_takes_them_over(
    hotline: Hotline, record_property: Note
) -> None:
    await hotline.ready(1, 2)
    await hotline.native_queue_rings(1, 2)
    await hotline.take_server_away()
    citizens = [hotline.citizen(f"1380000120{number}") for number in range(3)]
    dialled = time.monotonic()
    await hotline.dial(*citizens)
    await until(lambda: sum(bool(citizen.reached_at) for citizen in citizens) == 2, LIMIT_S)
    talking = [citizen for citizen in citizens if citizen.reached_at]
    (waiting,) = (citizen for citizen in citizens if not citizen.reached_at)
    record_property("reached_after_s", seconds_after(dialled, *talking))
    await hotline.bring_server_back()
    for citizen in talking:  # calls that no server has ever seen
        await hotline.is_in(citizen, CallState.TALKING)
        await citizen.hears_agent()
    await hotline.is_in(waiting, CallState.WAITING)
    talking[0].agent_hangs_up()
    await hotline.is_in(talking[0], CallState.SURVEY)
    async with diligent(*hotline.desks.values()):
        await waiting.hears_agent()
    record = await hotline.record(talking[0], "answered", "agent_id")
    assert record["caller"] == talking[0].number


async def test_nobody_is_lost_when_the_server_hangs(hotline: Hotline, record_property: Note) -> None:
    phases = Phases(hotline)
    await phases.reach(hotline)
    late = hotline.citizen("13800001301")
    with hung(hotline.server_pid):
        began = time.monotonic()
        await hotline.network.call(late.number)
        await phases.talking.hears_agent()
        await phases.ringing.hears_agent()
        for citizen in (phases.talking, phases.ringing):
            citizen.agent_hangs_up()
        waiting = (phases.first, phases.second, phases.greeting, late)
        await asyncio.gather(*(served(citizen) for citizen in waiting))
        record_property("rescued_after_s", seconds_after(began, *phases.not_served, late))
        for citizen in (phases.survey, phases.talking, phases.ringing):  # over, not in line once more
            await until(citizen.gone.is_set, LIMIT_S)
            assert len(citizen.reached_at) == 1
    await hotline.server_is_back()
    fresh = hotline.citizen("13800001302")  # and afterwards the server serves again
    await hotline.dial(fresh)
    fresh.press("1")
    call = await hotline.is_in(fresh, CallState.RINGING, CallState.TALKING, CallState.WAITING)
    assert call.queue == "enterprise"


async def test_nobody_is_lost_however_often_the_server_dies(hotline: Hotline, record_property: Note) -> None:
    await hotline.ready(1, 2, 3)
    chance = random.Random(12345)
    citizens = [hotline.citizen(f"138000014{number:02d}") for number in range(12)]

    async def calls(citizen: Citizen) -> float:
        await asyncio.sleep(chance.uniform(0, 10))
        await hotline.dial(citizen)
        dialled = time.monotonic()
        await asyncio.sleep(chance.uniform(0, 2))
        citizen.press("1")
        await served(citizen)
        return round(citizen.reached_at[0] - dialled, 1)

    async with diligent(*hotline.desks.values()):
        waits = [asyncio.create_task(calls(citizen)) for citizen in citizens]
        server = hotline.stack.children["serve"]
        for _ in range(4):
            await asyncio.sleep(chance.uniform(2, 5))
            await until(lambda: server.pid is not None)
            hotline.kill_server()
        record_property("waited_s", [await wait for wait in waits])
        for citizen in citizens:  # whom no server ever saw, Asterisk's own queue served from end to end
            if (await hotline.fetch(f"/api/calls?caller={citizen.number}&size=1"))["calls"]:
                await hotline.record(citizen, "ended")
