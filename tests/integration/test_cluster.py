"""Three servers, 300 agents and a real Redis: the leader is killed, stopped and cut off while callers wait.

The servers route as the product does; telephones, pages and Asterisk's dialplan are played by
`cti.bench.exchange`, which sees every telephone that is rung twice and
every caller who is overtaken or lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from acd.cluster_redis import LineBus
from acd.store import LiveState
from cti.bench.exchange import Exchange, Load, Server
from tests.support.redis import RedisServer
from tests.support.until import until

pytestmark = pytest.mark.integration

LIMIT_S = 30.0


@pytest_asyncio.fixture
async def exchange(valkey_server: RedisServer) -> AsyncIterator[Exchange]:
    """Three servers that work hard."""
    async with Exchange(valkey_server.url, Load()) as made:
        await made.start("one", "two", "three")
        made.begin()
        await until(lambda: made.counts.answered > 250, LIMIT_S)
        yield made


async def leads(exchange: Exchange) -> Server:
    """Who leads, as soon as somebody does."""
    await until(lambda: exchange.leader() is not None, LIMIT_S)
    leader = exchange.leader()
    assert leader is not None
    return leader


async def goes_on(exchange: Exchange, epoch: int) -> None:
    """Return when somebody is rung under a newer epoch."""
    rung = asyncio.Event()
    exchange.on_ring = lambda newer, _: rung.set() if newer > epoch else None
    async with asyncio.timeout(LIMIT_S):
        await rung.wait()


async def nobody_suffered(exchange: Exchange) -> None:
    """Serve who is left; nobody was lost, rung for twice or overtaken."""
    await exchange.drain(LIMIT_S)
    counts = exchange.counts
    assert (counts.lost, counts.doubled, counts.misplaced) == (0, 0, 0), exchange.log[:20]


async def test_the_leader_is_killed_again_and_again(exchange: Exchange) -> None:
    for _ in range(3):
        leader = await leads(exchange)
        exchange.kill(leader)
        await goes_on(exchange, leader.epoch)
        await exchange.start(leader.name)
        await asyncio.sleep(1.0)
    await nobody_suffered(exchange)


async def test_two_of_three_servers_are_killed_at_once(exchange: Exchange) -> None:
    leader = await leads(exchange)
    follower = next(one for one in exchange.servers.values() if one is not leader)
    exchange.kill(leader)
    exchange.kill(follower)
    await goes_on(exchange, leader.epoch)
    await exchange.start(leader.name, follower.name)
    await asyncio.sleep(1.0)
    await nobody_suffered(exchange)


async def test_a_follower_is_killed(exchange: Exchange) -> None:
    leader = await leads(exchange)
    follower = next(one for one in exchange.servers.values() if one is not leader)
    exchange.kill(follower)
    await asyncio.sleep(3.0)
    await exchange.start(follower.name)
    await asyncio.sleep(1.0)
    assert exchange.leader() is leader
    await nobody_suffered(exchange)


async def test_a_leader_that_was_stopped_wakes_and_follows(exchange: Exchange) -> None:
    old = await leads(exchange)
    exchange.stop(old)
    await goes_on(exchange, old.epoch)
    await asyncio.sleep(2.0)
    exchange.resume(old)
    await until(lambda: old.mode == "follower", LIMIT_S)
    assert (await leads(exchange)) is not old
    await nobody_suffered(exchange)


async def test_redis_is_killed_and_comes_back(exchange: Exchange, valkey_server: RedisServer) -> None:
    leader = await leads(exchange)
    epoch, answered = leader.epoch, exchange.counts.answered
    valkey_server.kill()
    await until(lambda: all(one.mode == "island" for one in exchange.servers.values()), LIMIT_S)
    await until(lambda: exchange.counts.answered > answered + 100, LIMIT_S)  # each routes its own
    valkey_server.start()
    await goes_on(exchange, epoch)
    modes = ["follower", "follower", "leader"]
    await until(lambda: sorted(one.mode for one in exchange.servers.values()) == modes, LIMIT_S)
    exchange.counts.misplaced = 0  # without Redis there are three lines, each with its own order
    for caller in exchange.in_line():
        caller.passed = None
    await nobody_suffered(exchange)


async def test_redis_comes_back_empty(exchange: Exchange, valkey_server: RedisServer) -> None:
    await leads(exchange)
    client = Redis.from_url(valkey_server.url)
    await client.flushall()
    await asyncio.sleep(3.0)
    await nobody_suffered(exchange)
    agents, _ = await LiveState(client, exchange.prefix).load()
    assert len(agents) == exchange.load.agents
    await client.aclose()


async def test_the_stored_line_is_the_leaders(exchange: Exchange, valkey_server: RedisServer) -> None:
    client = Redis.from_url(valkey_server.url)
    _, waiting = await LiveState(client, exchange.prefix).load()
    assert len(waiting) >= exchange.load.waiting / 2
    await client.aclose()


async def test_only_the_holder_of_the_lease_can_speak_to_everybody(any_redis_server: RedisServer) -> None:
    client = Redis.from_url(any_redis_server.url)
    one, two = LineBus(client, "t:", "one#1"), LineBus(client, "t:", "two#1")
    first = await one.pulse(0)
    assert first.leader == "one#1" and first.members == {"one#1"}
    second = await two.pulse(first.epoch)
    assert (second.leader, second.epoch) == ("one#1", first.epoch)
    assert second.members == {"one#1", "two#1"}
    await two.begin()
    assert await one.say_down(first.epoch, [b"a", b"b"])
    assert not await two.say_down(first.epoch, [b"c"])
    assert not await one.say_down(first.epoch - 1, [b"d"])
    assert (await two.hear()).down == (b"a", b"b")
    await client.aclose()


async def test_a_lease_is_taken_when_it_has_run_out_and_the_epoch_grows(
    any_redis_server: RedisServer,
) -> None:
    client = Redis.from_url(any_redis_server.url)
    one = LineBus(client, "t:", "one#1", ttl_s=0.2)
    two = LineBus(client, "t:", "two#1", ttl_s=0.2)
    first = await one.pulse(0)
    began = time.monotonic()
    while (found := await two.pulse(first.epoch)).leader == "one#1":
        assert time.monotonic() - began < LIMIT_S
        await asyncio.sleep(0.02)
    assert found.leader == "two#1" and found.epoch > first.epoch
    assert not await one.say_down(first.epoch, [b"late"])
    await client.aclose()


async def test_a_lease_survives_neither_a_store_without_memory_nor_an_older_one(
    any_redis_server: RedisServer,
) -> None:
    client = Redis.from_url(any_redis_server.url)
    one, two = LineBus(client, "t:", "one#1"), LineBus(client, "t:", "two#1")
    first = await one.pulse(0)
    await client.flushall()
    second = await two.pulse(first.epoch)
    assert second.leader == "two#1" and second.epoch > first.epoch
    await client.set("t:leader", f"one#1:{first.epoch}", px=5000)  # what a stale copy would say
    third = await one.pulse(second.epoch)  # who knows of the newer one does not lead under the old one
    assert third.leader == "one#1" and third.epoch > second.epoch
    await client.aclose()


async def test_a_new_run_of_a_server_leads_at_once_in_the_place_of_the_one_before(
    any_redis_server: RedisServer,
) -> None:
    client = Redis.from_url(any_redis_server.url)
    before, after = LineBus(client, "t:", "one#1"), LineBus(client, "t:", "one#2")
    first = await before.pulse(0)
    second = await after.pulse(0)
    assert second.leader == "one#2" and second.epoch > first.epoch
    assert second.members == {"one#2"}
    await client.aclose()
