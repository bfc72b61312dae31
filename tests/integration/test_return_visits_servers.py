"""Return visits with two servers: each citizen is dialled once, also when the dialling server dies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from asterisk_conf.provide import AsteriskInstall
from cti.agi import AgiSession
from cti.database import open_engine
from orders.store import OrderStore
from tests.support.hotline import LIMIT_S, Citizen, Hotline
from tests.support.loopback import LoopbackBlock
from tests.support.second_server import ServerPair, running_pair

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

POLICY = """
hours: ["00:00-24:00"]
load: {agents_ready: 0}
"""


class Visited(Citizen):
    """Counts how often the telephone was picked up."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.calls = 0

    async def on_telephone(self, session: AgiSession) -> None:
        self.calls += 1
        await super().on_telephone(session)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(
    asterisk_install: AsteriskInstall,
    module_loopback: LoopbackBlock,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ServerPair]:
    """Two servers that both may visit, as their environment says; the first one leads."""
    policy = tmp_path_factory.mktemp("visits") / "visits.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOTLINE_VISITS_ENABLED", "true")
        environment.setenv("HOTLINE_VISITS_POLICY", str(policy))
        async with running_pair(module_loopback) as made:
            async with asyncio.timeout(LIMIT_S):
                while not await made.leads(1):
                    if made.second.pid is not None:  # it starts again, and the first one leads
                        os.kill(made.second.pid, signal.SIGKILL)
                    await asyncio.sleep(4.0)
            yield made


async def plan(hotline: Hotline, *numbers: str) -> dict[str, str]:
    """Plan a visit of a new order of each of these citizens: number -> visit."""
    engine = open_engine(hotline.settings.database)
    found: dict[str, str] = {}
    try:
        store = OrderStore(engine)
        for number in numbers:
            order_id = (await store.open_draft("earlier", number)).draft.order_id
            for field, value in (("type", "投诉"), ("category", "噪音"), ("summary", "夜间施工")):
                await store.edit(order_id, field, value, agent="agent1")
            await store.submit(order_id, "agent1", f"submit:{order_id}")
            found[order_id] = number
    finally:
        await engine.dispose()
    await hotline.fetch("/api/me")
    desk = hotline.admin
    async with desk._http.post(f"{desk._base}/api/visits", json={"orders": list(found)}) as response:
        told = await response.json()
    return {found[visit["order_id"]]: visit["visit_id"] for visit in told["planned"]}


async def visit_is(hotline: Hotline, visit_id: str, *states: str) -> dict[str, Any]:
    """Wait until a visit is in one of these states, as the database has it."""
    told: dict[str, Any] = {}
    try:
        async with asyncio.timeout(LIMIT_S):
            while told.get("state") not in states:
                told = await hotline.fetch(f"/api/visits/{visit_id}")
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"visit stays {told}") from None
    return told


async def answers(citizen: Citizen, *keys: str) -> None:
    """The citizen presses the key of each question; asked again, again."""
    await asyncio.wait_for(citizen.inside.wait(), LIMIT_S)
    for key in keys:
        await asyncio.sleep(3.0)
        citizen.press(key)


async def test_two_servers_dial_each_citizen_once(pair: ServerPair) -> None:
    hotline = pair.first
    citizens = [Visited(f"1380000330{count}") for count in range(3)]
    for citizen in citizens:
        hotline.meet(citizen)
    visits = await plan(hotline, *(citizen.number for citizen in citizens))
    await asyncio.gather(*(answers(citizen, "1", "5") for citizen in citizens))
    for citizen in citizens:
        visit = await visit_is(hotline, visits[citizen.number], "answered", "planned", "given_up")
        assert (visit["answers"]["solved"], visit["answers"]["satisfaction"]) == ("yes", 5)
        assert (visit["tries"], len(visit["calls"]), citizen.calls) == (1, 1, 1)
    await hotline.quiet()


async def test_a_server_that_dies_while_the_telephone_rings_leaves_the_visit_to_the_other(
    pair: ServerPair,
) -> None:
    hotline = pair.first
    citizen = Visited("13800003311")
    hotline.meet(citizen)
    await hotline.network_answers(citizen.number, 5)
    visits = await plan(hotline, citizen.number)
    await visit_is(hotline, visits[citizen.number], "dialling")
    await hotline.take_server_away()
    try:
        await answers(citizen, "2", "4")
    finally:
        await hotline.bring_server_back()
    visit = await visit_is(hotline, visits[citizen.number], "answered")
    assert (visit["answers"]["solved"], visit["answers"]["satisfaction"]) == ("no", 4)
    assert (visit["tries"], citizen.calls) == (1, 1)
    order = await hotline.fetch(f"/api/orders/{visit['order_id']}")
    assert (order["visit"]["solved"], order["visit"]["satisfaction"]) == ("no", 4)
    await hotline.quiet()
