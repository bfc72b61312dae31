"""More than one CTI server: each call finds one that lives, and load spreads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from asterisk_conf.config import AgiServer, AsteriskConfig
from asterisk_conf.provide import AsteriskInstall
from tests.support.agi_stub import AgiCall, AgiStub, agi_stub
from tests.support.asterisk import Pair, citizen_calls, running_pair
from tests.support.loopback import loopback_block
from tests.support.raw_ami import RawAmi

pytestmark = [pytest.mark.integration]

PORTS = (4573, 4583, 4593)


@pytest.fixture(scope="module")
def pair(asterisk_install: AsteriskInstall) -> Iterator[Pair]:
    """A hotline with three CTI servers."""

    def three(config: AsteriskConfig) -> AsteriskConfig:
        host = config.agi_servers[0].host
        return replace(config, agi_servers=tuple(AgiServer(host=host, port=port) for port in PORTS))

    with loopback_block() as block, running_pair(asterisk_install, block, hotline=three) as pair:
        pair.hotline.cli("queue add member PJSIP/8001p to hotline")
        yield pair


@pytest.fixture(autouse=True)
def clean(pair: Pair) -> Iterator[None]:
    """Each test begins without calls and without servers marked down."""
    yield
    pair.hang_up_all()
    for number in (1, 2, 3):
        pair.hotline.cli(f"dialplan set global HL_DOWN_{number} 0")


@pytest.fixture
async def ami(pair: Pair) -> AsyncIterator[RawAmi]:
    """The hotline's manager interface."""
    async with pair.hotline.ami() as ami:
        yield ami


async def call_and_wait(pair: Pair, ami: RawAmi) -> None:
    """A citizen calls; return when the call is over."""
    began = len(ami.events)
    async with pair.phones.ami() as network:
        await citizen_calls(network)
        await ami.event("Hangup", lambda event: event["Channel"].startswith("PJSIP/city-"), since=began)


async def finish(agi: AgiCall) -> None:
    """End the call properly."""
    await agi.command("SET VARIABLE HL_DONE 1")


async def die(agi: AgiCall) -> None:
    """Be killed in the middle of the flow."""
    await agi.command("ANSWER")
    agi.drop()


async def test_the_one_server_that_lives_takes_every_call_from_its_beginning(pair: Pair, ami: RawAmi) -> None:
    async with agi_stub(pair.server, PORTS[1], finish) as server:
        for _ in range(4):
            await call_and_wait(pair, ami)
    assert server.stages == ["enter"] * 4


async def test_calls_begin_at_different_servers(pair: Pair, ami: RawAmi) -> None:
    async with AsyncExitStack() as stack:
        servers: list[AgiStub] = [
            await stack.enter_async_context(agi_stub(pair.server, port, finish)) for port in PORTS
        ]
        calls = 0
        while (
            not all(server.stages for server in servers) and calls < 60
        ):  # 60 in vain: 1 in 10 thousand million
            await call_and_wait(pair, ami)
            calls += 1
    assert all(server.stages for server in servers)
    assert sum(len(server.stages) for server in servers) == calls


async def test_a_call_goes_on_at_another_server_when_its_own_dies(pair: Pair, ami: RawAmi) -> None:
    async with AsyncExitStack() as stack:
        dying = [await stack.enter_async_context(agi_stub(pair.server, port, die)) for port in PORTS[:2]]
        living = await stack.enter_async_context(agi_stub(pair.server, PORTS[2], finish))
        for _ in range(4):
            await call_and_wait(pair, ami)
    stages = sorted(stage for server in dying for stage in server.stages)
    assert set(living.stages) <= {"enter", "resume"}
    assert len(living.stages) == 4
    assert set(stages) <= {"enter", "resume"}


async def test_each_server_is_asked_once_before_the_native_queue(pair: Pair, ami: RawAmi) -> None:
    async with AsyncExitStack() as stack:
        dying = [await stack.enter_async_context(agi_stub(pair.server, port, die)) for port in PORTS]
        async with pair.phones.ami() as network:
            await citizen_calls(network)
            await ami.event("QueueCallerJoin")
            await ami.event("BridgeEnter", lambda event: event["Channel"].startswith("PJSIP/8001p-"))
    assert sorted(stage for server in dying for stage in server.stages) == ["enter", "resume", "resume"]


async def test_only_the_server_that_is_not_marked_down_is_asked(pair: Pair, ami: RawAmi) -> None:
    for number in (1, 3):
        await ami.action("Setvar", Variable=f"HL_DOWN_{number}", Value="1")
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(agi_stub(pair.server, port, finish)) for port in PORTS]
        for _ in range(3):
            await call_and_wait(pair, ami)
    assert [len(server.stages) for server in servers] == [0, 3, 0]
