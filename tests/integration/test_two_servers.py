"""Two real servers on one real Asterisk: one line for the callers of both and the agents of both."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.accounts import Accounts
from cti.database import open_engine
from cti.messages import (
    CallState,
    EditField,
    Listen,
    MoveCall,
    Role,
    SubmitOrder,
    SupervisionKind,
    TakeOver,
    TargetKind,
    Watch,
    Whisper,
)
from tests.support.floor_page import Page
from tests.support.hotline import LIMIT_S, Citizen
from tests.support.loopback import LoopbackBlock
from tests.support.second_server import ServerPair, running_pair
from tests.support.until import until
from tests.support.voices import AGENTS, Voice

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(
    asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock
) -> AsyncIterator[ServerPair]:
    """Two servers for the tests of this module."""
    async with running_pair(module_loopback) as made:
        yield made


async def calls(pair: ServerPair, number: str) -> Citizen:
    """A citizen calls and chooses the first key."""
    citizen = pair.first.citizen(number)
    await pair.first.dial(citizen)
    citizen.press("1")
    return citizen


async def test_a_caller_at_one_server_is_answered_by_an_agent_at_the_other(pair: ServerPair) -> None:
    await pair.calls_go_to(1)
    desk = await pair.desk_at_second(1)
    await pair.first.ready(1)
    citizen = await calls(pair, "13800003001")
    await citizen.hears_agent()
    call = await pair.first.is_in(citizen, CallState.TALKING)
    assert (call.server, call.agent_id) == ("one", desk.account.login)
    await pair.first.agent_is(1, AgentState.TALKING)
    draft = await desk.drafted(citizen.number)  # the page sees what lives at the other server, and fills it
    for name, value in (("type", "咨询"), ("category", "社会保障/社会保险"), ("summary", "跨服务器")):
        await desk.send(EditField(order_id=draft.order_id, field=name, value=value))
    citizen.agent_hangs_up()
    await pair.first.agent_is(1, AgentState.WRAP_UP)
    await desk.send(SubmitOrder(order_id=draft.order_id))
    _, order = await desk.stored(draft.call_id, draft.order_id)
    assert order["fields"]["summary"]["value"] == "跨服务器"
    await pair.first.quiet()


async def test_callers_of_both_servers_are_answered_in_the_order_in_which_they_came(pair: ServerPair) -> None:
    first = []
    for server, number in ((1, "13800003101"), (2, "13800003102"), (1, "13800003103")):
        await pair.calls_go_to(server)
        first.append(await calls(pair, number))
        await pair.first.is_in(first[-1], CallState.WAITING)
    await pair.calls_go_to(0)
    await pair.desk_at_second(1)
    await pair.first.ready(1)
    for citizen in first:
        await citizen.hears_agent()
        assert sum(bool(one.reached_at) for one in first) == first.index(citizen) + 1
        citizen.agent_hangs_up()
        await pair.first.agent_is(1, AgentState.WRAP_UP)
        await pair.first.ready(1)
    await pair.first.quiet()


async def test_the_leader_is_killed_and_its_waiting_caller_reaches_an_agent_of_the_other(
    pair: ServerPair,
) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await pair.leads(1):
            if pair.second.pid is not None:  # the second one leads: it starts again, and the first one leads
                os.kill(pair.second.pid, signal.SIGKILL)
            await asyncio.sleep(4.0)
    await pair.calls_go_to(1)
    citizen = await calls(pair, "13800003201")
    queued = (await pair.first.is_in(citizen, CallState.WAITING)).queued
    await pair.calls_go_to(0)
    await pair.first.take_server_away()
    try:
        desk = await pair.desk_at_second(2)
        await pair.first.ready(2)
        await citizen.hears_agent()
        call = await pair.first.is_in(citizen, CallState.TALKING)
        assert (call.server, call.agent_id, call.queued) == ("two", desk.account.login, queued)
        assert await pair.leads(2)
    finally:
        await pair.first.bring_server_back()
    await pair.first.quiet()


async def test_a_talk_of_a_killed_server_goes_on_with_its_draft_at_the_agents_page(pair: ServerPair) -> None:
    await pair.calls_go_to(1)
    desk = await pair.desk_at_second(3)
    await pair.first.ready(3)
    citizen = await calls(pair, "13800003301")
    await citizen.hears_agent()
    draft = await desk.drafted(citizen.number)
    await pair.calls_go_to(0)
    await pair.first.take_server_away()
    try:
        async with asyncio.timeout(LIMIT_S):
            while (await pair.first.is_in(citizen, CallState.TALKING)).server != "two":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await citizen.hears_agent()
        for name, value in (("type", "咨询"), ("category", "社会保障/社会保险"), ("summary", "谈话继续")):
            await desk.send(EditField(order_id=draft.order_id, field=name, value=value))
        citizen.agent_hangs_up()
        await pair.first.agent_is(3, AgentState.WRAP_UP)
        await desk.send(SubmitOrder(order_id=draft.order_id))
    finally:
        await pair.first.bring_server_back()
    _, order = await desk.stored(draft.call_id, draft.order_id)
    assert order["fields"]["summary"]["value"] == "谈话继续"
    await pair.first.quiet()


async def test_a_supervisor_hears_and_changes_calls_at_both_servers_with_one_ring(pair: ServerPair) -> None:
    here, ours, theirs = pair.first, AGENTS["8001"], AGENTS["8002"]
    boss = await _boss_at_first(pair)
    talks = []
    for number, desk in ((1, pair.desk_at_first), (2, pair.desk_at_second)):
        await pair.calls_go_to(number)
        await desk(number)
        await here.ready(number)
        citizen = Voice(f"1380000340{number}", here)
        await here.dial(citizen)
        citizen.press("1")
        talks.append((citizen, (await here.is_in(citizen, CallState.TALKING)).call_id))
    (_, near), (citizen, far) = talks
    waiting = Voice("13800003403", here)
    await here.dial(waiting)
    waiting.press("1")
    line = await here.is_in(waiting, CallState.WAITING)
    assert line.server == "two"

    rung = Voice("8001", here)  # whoever is shown extension 8001: the supervisor
    await boss.send(Listen(call_id=near))
    await until(lambda: boss.is_in(near, SupervisionKind.LISTEN) and "8003" in rung.agents, LIMIT_S)
    ear = rung.agents["8003"]
    await ear.hears(ours)
    await boss.send(Listen(call_id=far))
    await until(lambda: boss.is_in(far, SupervisionKind.LISTEN), LIMIT_S)
    await ear.hears(theirs)
    await ear.hears_none_of(ours)
    await until(lambda: not boss.supervisions[near, "agent3"].active, LIMIT_S)

    await boss.close()
    boss = await _boss_at_first(pair)  # a page that is opened later sees it, too
    await until(lambda: boss.is_in(far, SupervisionKind.LISTEN), LIMIT_S)
    await until(lambda: {near, far, line.call_id} <= boss.live.keys(), LIMIT_S)
    assert (near, "agent3") not in boss.supervisions
    await boss.send(Whisper(call_id=far))
    await citizen.agents["8002"].hears(AGENTS["8003"])

    await boss.send(
        MoveCall(call_id=line.call_id, kind=TargetKind.QUEUE, key="enterprise", reason="企业诉求")
    )
    async with asyncio.timeout(LIMIT_S):
        while (moved := await here.is_in(waiting, CallState.WAITING)).queue != "enterprise":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert moved.queued == line.queued

    await boss.send(TakeOver(call_id=far, reason="市民要求"))
    await here.agent_is(2, AgentState.WRAP_UP)
    await here.agent_is(3, AgentState.TALKING)
    await citizen.ear.hears(AGENTS["8003"])
    assert (await boss.drafted(citizen.number)).call_id == far
    assert len(rung.reached_at) == 1  # the telephone rang once
    await pair.calls_go_to(0)
    await here.quiet()


async def _boss_at_first(pair: ServerPair) -> Page:
    """Agent 3, a supervisor, has the live list open at the first server."""
    engine = open_engine(pair.first.settings.database)
    await Accounts(engine).change("agent3", by="system", role=Role.SUPERVISOR, skills={})
    await engine.dispose()
    if (before := pair.first.desks.pop(3, None)) is not None and before.here.is_set():
        await before.close()
    page = Page(pair.first.stack.web, pair.first.account(3))
    await page.open()
    await page.telephone_works()
    await page.send(Watch(topics=("floor",)))
    pair.first.desks[3] = page
    return page
