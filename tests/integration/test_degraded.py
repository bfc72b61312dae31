"""Redis, database, model or manager link away: calls go on, and nothing that was acknowledged is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.messages import CallState, EditField, FinishWrapUp, SubmitOrder
from tests.support.hotline import LIMIT_S, Citizen, Hotline, Wire, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer, running_server, valkey_binary
from tests.support.until import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@dataclass(slots=True)
class Fragile:
    """A hotline whose Redis, database and manager link can be taken away."""

    hotline: Hotline
    redis: RedisServer
    postgres: PostgresServer

    @property
    def wire(self) -> Wire:
        """The way to Asterisk's manager interface."""
        if self.hotline.wire is None:
            raise RuntimeError("this hotline has no wire")
        return self.hotline.wire


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock) -> AsyncIterator[Fragile]:
    """One hotline for the tests of this module."""
    with PostgresServer.create() as postgres, running_server(valkey_binary()) as redis:
        async with running_hotline(
            module_loopback,
            redis_url=redis.url,
            database_url=postgres.create_database(),
            cuttable_ami=True,
        ) as hotline:
            yield Fragile(hotline, redis, postgres)


@pytest_asyncio.fixture(loop_scope="module")
async def fragile(shared: Fragile) -> AsyncIterator[Fragile]:
    """The running hotline without a call; whatever the test took away is there again afterwards."""
    yield shared
    shared.wire.mend()
    await shared.hotline.health_says(redis=True, database=True, asterisk={"hl1": True})
    await shared.hotline.quiet()


async def calls(hotline: Hotline, number: str) -> Citizen:
    """A citizen calls and chooses the first key."""
    citizen = hotline.citizen(number)
    await hotline.dial(citizen)
    citizen.press("1")
    return citizen


async def submit(hotline: Hotline, agent: int, citizen: Citizen) -> str:
    """The agent fills the order of the call and submits it; return its id when that was acknowledged."""
    desk = await hotline.desk(agent)
    draft = await desk.drafted(citizen.number)
    for name, value in (("type", "咨询"), ("category", "社会保障/社会保险"), ("summary", citizen.number)):
        await desk.send(EditField(order_id=draft.order_id, field=name, value=value))
    await desk.send(SubmitOrder(order_id=draft.order_id))
    return draft.order_id


async def test_calls_go_on_without_redis_and_its_state_is_written_back(fragile: Fragile) -> None:
    hotline = fragile.hotline
    await hotline.ready(1, 2)
    before = await calls(hotline, "13800002001")
    await before.hears_agent()
    fragile.redis.kill()
    await hotline.health_says(redis=False, ready=True)
    during = await calls(hotline, "13800002002")
    await during.hears_agent()
    waiting = await calls(hotline, "13800002003")
    await submit(hotline, int(during.agent[-1]), during)
    fragile.redis.start()
    await hotline.health_says(redis=True)
    assert (await hotline.is_in(during, CallState.TALKING)).queue == "enterprise"
    queued = (await hotline.is_in(waiting, CallState.WAITING)).queued
    await hotline.agent_is(1, AgentState.TALKING)
    await hotline.agent_is(2, AgentState.TALKING)

    hotline.kill_server()  # what was written back is enough to go on with
    await until(lambda: not any(desk.here.is_set() for desk in hotline.desks.values()), LIMIT_S)
    await hotline.server_is_back()
    assert (await hotline.is_in(waiting, CallState.WAITING)).queued == queued
    assert (await hotline.is_in(before, CallState.TALKING)).agent_id
    await hotline.ready(3)
    await waiting.hears_agent()


async def test_a_redis_that_hangs_delays_no_call(fragile: Fragile) -> None:
    hotline = fragile.hotline
    await hotline.ready(1)
    fragile.redis.hang()
    try:
        citizen = await calls(hotline, "13800002101")
        await citizen.hears_agent()
        await submit(hotline, 1, citizen)
        await hotline.health_says(redis=False, ready=True)
    finally:
        fragile.redis.wake()
    await hotline.health_says(redis=True)
    assert (await hotline.is_in(citizen, CallState.TALKING)).agent_id == "agent1"


async def test_an_order_that_was_acknowledged_without_the_database_is_stored_once_it_is_back(
    fragile: Fragile,
) -> None:
    hotline = fragile.hotline
    desk = await hotline.desk(1)
    await hotline.ready(1)
    fragile.postgres.stop()
    try:
        citizen = await calls(hotline, "13800002201")
        await citizen.hears_agent()
        order_id = await submit(hotline, 1, citizen)
        citizen.hang_up()
        await until(lambda: desk.state == "wrap_up", LIMIT_S)
        await desk.send(FinishWrapUp())
        await hotline.health_says(database=False, ready=True)
    finally:
        fragile.postgres.start()
    await hotline.health_says(database=True)
    call = desk.call(citizen.number)
    assert call is not None
    stored, order = await desk.stored(call.view.call_id, order_id)
    assert (stored["outcome"], stored["agent_id"]) == ("answered", "agent1")
    assert order["state"] == "accepted"
    found = await desk.fetch(f"/api/orders?text={citizen.number}")
    assert [one["order_id"] for one in found["orders"]] == [order_id]
    assert found["orders"][0]["version"] == 6  # opened, three fields, submitted, its time limits: each once


async def test_calls_are_answered_while_the_manager_link_is_away(fragile: Fragile) -> None:
    hotline = fragile.hotline
    await hotline.ready(1)
    fragile.wire.cut()
    citizen = await calls(hotline, "13800002301")
    await citizen.hears_agent()
    fragile.wire.mend()
    call = await hotline.is_in(citizen, CallState.TALKING)  # found again, with its draft
    assert call.agent_id == "agent1"
    assert await submit(hotline, 1, citizen) == call.order_id


async def test_a_talk_that_began_while_the_manager_link_was_away_is_found_again(fragile: Fragile) -> None:
    hotline = fragile.hotline
    await hotline.answers(1, 2.0)
    await hotline.ready(1)
    citizen = await calls(hotline, "13800002401")
    await hotline.is_in(citizen, CallState.RINGING)
    fragile.wire.cut()
    await citizen.hears_agent()
    fragile.wire.mend()
    assert (await hotline.is_in(citizen, CallState.TALKING)).agent_id == "agent1"
    await hotline.agent_is(1, AgentState.TALKING)


async def test_a_talk_that_ended_while_the_manager_link_was_away_ends_in_wrap_up(fragile: Fragile) -> None:
    hotline = fragile.hotline
    desk = await hotline.desk(1)
    await hotline.ready(1)
    citizen = await calls(hotline, "13800002501")
    await citizen.hears_agent()
    await hotline.is_in(citizen, CallState.TALKING)
    fragile.wire.cut()
    citizen.hang_up()
    await until(citizen.gone.is_set, LIMIT_S)
    fragile.wire.mend()
    await until(lambda: desk.state == "wrap_up", LIMIT_S)
    record = await hotline.record(citizen, "ended")
    assert (record["outcome"], record["agent_id"]) == ("answered", "agent1")


async def test_an_agent_whose_caller_gave_up_while_the_manager_link_was_away_gets_the_next_call(
    fragile: Fragile,
) -> None:
    hotline = fragile.hotline
    await hotline.answers(1, "never")
    await hotline.ready(1)
    citizen = await calls(hotline, "13800002601")
    await hotline.is_in(citizen, CallState.RINGING)
    fragile.wire.cut()
    citizen.hang_up()
    await until(citizen.gone.is_set, LIMIT_S)
    fragile.wire.mend()
    assert (await hotline.record(citizen, "ended"))["outcome"] == "abandoned_waiting"
    await hotline.agent_is(1, AgentState.READY)
    await hotline.answers(1, 0.2)
    following = await calls(hotline, "13800002602")
    await following.hears_agent()


async def test_without_a_model_calls_work_and_health_says_why_there_are_no_captions(
    asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock, tmp_path: Path
) -> None:
    missing = tmp_path / "nothing"
    async with running_hotline(module_loopback, captions=True, model=str(missing)) as hotline:
        desk = await hotline.desk(1)
        await hotline.ready(1)
        citizen = await calls(hotline, "13800002701")
        await citizen.hears_agent()
        await submit(hotline, 1, citizen)
        await hotline.health_says(captions=False, ready=True)
        await until(lambda: desk.health and str(missing) in desk.health.captions_reason, LIMIT_S)
