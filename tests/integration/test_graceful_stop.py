"""A server that is asked to stop lets talks go on, and its waiting callers reach a person elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from asterisk_conf.provide import AsteriskInstall
from cti.messages import CallState
from tests.support.hotline import LIMIT_S, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.phases import Phases, diligent, served
from tests.support.until import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

QUICK_S = 10.0
"""A process supervisor's patience with a server that it stops; it is over in about one second."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline(
    asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock
) -> AsyncIterator[Hotline]:
    """One hotline for the test of this module."""
    async with running_hotline(module_loopback) as hotline:
        yield hotline


async def test_a_server_that_is_asked_to_stop_loses_nobody_and_ends_well(hotline: Hotline) -> None:
    phases = Phases(hotline)
    await phases.reach(hotline)
    status, seconds = await hotline.stop_server()
    assert status == 0
    assert seconds < QUICK_S
    await phases.talking.hears_agent()
    await hotline.server_is_back()
    assert (await hotline.is_in(phases.talking, CallState.TALKING)).agent_id == "agent2"
    async with diligent(*hotline.desks.values()):
        phases.talking.agent_hangs_up()
        await asyncio.gather(*(served(citizen) for citizen in phases.not_served))
    for citizen in (phases.survey, phases.talking):
        await until(citizen.gone.is_set, LIMIT_S)
        assert len(citizen.reached_at) == 1
