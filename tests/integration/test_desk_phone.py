"""A desk phone worked from the page: held, taken back, hung up, refused; who hears whom by tone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.demo.desk import DeskFailed
from cti.messages import AnswerPhone, CallState, HangUpPhone, HoldPhone
from tests.support.hotline import LIMIT_S, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.until import until
from tests.support.voices import AGENTS, CITIZEN, Voice

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

AGENT = AGENTS["8001"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock
) -> AsyncIterator[Hotline]:
    """One hotline for the tests of this module."""
    async with running_hotline(module_loopback, agents=1) as hotline:
        yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(running: Hotline) -> AsyncIterator[Hotline]:
    """The same hotline for every test; whatever a test leaves behind is ended."""
    yield running
    await running.quiet()


async def test_a_citizen_is_held_taken_back_and_hung_up_from_the_page(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    await hotline.answers(1, 0.2)
    await hotline.ready(1)
    citizen = Voice("13800007001", hotline)
    citizen.press("7")
    await hotline.dial(citizen)
    call = await hotline.is_in(citizen, CallState.TALKING)
    await until(lambda: "8001" in citizen.agents, LIMIT_S)
    ear = citizen.agents["8001"]
    await asyncio.gather(citizen.ear.hears(AGENT), ear.hears(CITIZEN))

    for _ in range(2):  # out of their Dial, and out of the room
        await desk.send(HoldPhone(call_id=call.call_id, on=True))
        await hotline.is_in(citizen, CallState.HELD)
        await asyncio.gather(citizen.ear.hears_none_of(AGENT), ear.hears_none_of(CITIZEN))
        await desk.send(HoldPhone(call_id=call.call_id, on=False))
        await hotline.is_in(citizen, CallState.TALKING)
        await asyncio.gather(citizen.ear.hears(AGENT), ear.hears(CITIZEN))

    await desk.send(HangUpPhone(call_id=call.call_id))
    await hotline.is_in(citizen, CallState.SURVEY)
    await hotline.agent_is(1, AgentState.WRAP_UP)


async def test_a_ring_is_refused_from_the_page_and_the_citizen_stays_in_line(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    await hotline.answers(1, "never")
    await hotline.ready(1)
    citizen = Voice("13800007002", hotline)
    citizen.press("7")
    await hotline.dial(citizen)
    call = await hotline.is_in(citizen, CallState.RINGING)
    await desk.send(AnswerPhone(call_id=call.call_id))  # a telephone that does not know it rings on
    await desk.send(HangUpPhone(call_id=call.call_id))
    await hotline.is_in(citizen, CallState.WAITING)
    await hotline.agent_is(1, AgentState.NOT_READY)
    with pytest.raises(DeskFailed):
        await desk.send(HangUpPhone(call_id=call.call_id))
