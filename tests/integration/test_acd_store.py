"""The router's state in a real Valkey and a real Redis, which are killed, hung and emptied under it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from acd.messages import AgentRecord, AgentState, Changes, NotReadyReason, WaitingRecord
from acd.store import LiveState, StoreError
from tests.support.redis import RedisServer
from tests.support.until import until

pytestmark = pytest.mark.integration

PREFIX = "test:"


def agent(agent_id: str, state: AgentState = AgentState.READY, **more: Any) -> AgentRecord:
    return AgentRecord(agent_id=agent_id, state=state, since=100.5, skills={"general": 3}, **more)


def call(call_id: str, **more: Any) -> WaitingRecord:
    return WaitingRecord(
        call_id=call_id, queue="general", needs={"general": 1}, priority=2, since=99.25, **more
    )


@pytest.fixture
async def redis(any_redis_server: RedisServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(any_redis_server.url)
    yield client
    await client.aclose()


@pytest.fixture
async def live(redis: Redis) -> AsyncIterator[LiveState]:
    state = LiveState(redis, PREFIX, deadline_s=0.5)
    state.start()
    state.lead(1, (), ())
    yield state
    await state.stop(timeout_s=0.1)


async def stored(redis: Redis) -> tuple[set[str], set[str]]:
    """What a new server would find."""
    agents, calls = await LiveState(redis, PREFIX).load()
    return {one.agent_id for one in agents}, {one.call_id for one in calls}


async def test_what_was_saved_is_loaded_again_field_by_field(redis: Redis, live: LiveState) -> None:
    ringing = agent(
        "li",
        AgentState.RINGING,
        call_id="c1",
        queue="general",
        until=120.5,
        idle_since=80.0,
        after=AgentState.NOT_READY,
        after_reason=NotReadyReason.MEAL,
    )
    waiting = call("c1", avoid=frozenset({"wang", "zhao"}), offered_to="li")
    live.save(Changes(agents=(ringing,), waiting=(waiting,)))
    assert await live.flush(5)
    assert await LiveState(redis, PREFIX).load() == ((ringing,), (waiting,))


async def test_what_is_gone_is_deleted(redis: Redis, live: LiveState) -> None:
    live.save(Changes(agents=(agent("li"), agent("wang")), waiting=(call("c1"), call("c2"))))
    assert await live.flush(5)
    live.save(Changes(gone_agents=("li",), gone_calls=("c2",)))
    assert await live.flush(5)
    assert await stored(redis) == ({"wang"}, {"c1"})


async def test_the_newest_of_many_changes_is_stored(redis: Redis, live: LiveState) -> None:
    for level in range(1, 6):
        live.save(Changes(agents=(AgentRecord(agent_id="li", state=AgentState.READY, since=float(level)),)))
        await asyncio.sleep(0)
    assert await live.flush(5)
    agents, _ = await LiveState(redis, PREFIX).load()
    assert [one.since for one in agents] == [5.0]


async def test_a_new_leader_replaces_what_is_stored(redis: Redis, live: LiveState) -> None:
    live.save(Changes(agents=(agent("li"),), waiting=(call("c1"), call("c2"))))
    assert await live.flush(5)
    await live.stop()
    successor = LiveState(redis, PREFIX)
    agents, calls = await successor.load()
    successor.start()
    successor.lead(2, agents, [one for one in calls if one.call_id != "c1"])
    successor.save(Changes(waiting=(call("c3"),)))
    assert await successor.flush(5)
    await successor.stop()
    assert await stored(redis) == ({"li"}, {"c2", "c3"})


async def test_a_leader_that_was_replaced_writes_no_more(redis: Redis, live: LiveState) -> None:
    live.save(Changes(waiting=(call("c1"),)))
    assert await live.flush(5)
    successor = LiveState(redis, PREFIX)
    successor.start()
    successor.lead(2, (), (call("c1"),))
    assert await successor.flush(5)
    live.save(Changes(gone_calls=("c1",)))
    assert await live.flush(5)  # it rests
    await successor.stop()
    assert await stored(redis) == (set(), {"c1"})


async def test_a_leader_writes_no_more_as_soon_as_another_epoch_is_given_out(
    redis: Redis, live: LiveState
) -> None:
    live.save(Changes(waiting=(call("c1"),)))
    assert await live.flush(5)
    await redis.set(f"{PREFIX}epoch", "2")  # its holder has not written anything yet
    live.save(Changes(gone_calls=("c1",)))
    assert await live.flush(5)
    assert await stored(redis) == (set(), {"c1"})


async def test_who_follows_writes_nothing_and_sees_whether_the_store_is_there(
    redis: Redis, any_redis_server: RedisServer
) -> None:
    follower = LiveState(redis, PREFIX, deadline_s=0.5)
    follower.start()
    await until(lambda: follower.healthy)
    follower.save(Changes(waiting=(call("c1"),)))
    assert await follower.flush(5)
    assert await stored(redis) == (set(), set())
    any_redis_server.kill()
    await until(lambda: not follower.healthy)
    any_redis_server.start()
    await until(lambda: follower.healthy)
    await follower.stop()


async def test_changes_during_an_outage_are_written_when_the_store_is_back(
    redis: Redis, live: LiveState, any_redis_server: RedisServer
) -> None:
    live.save(Changes(agents=(agent("li"),), waiting=(call("c1"), call("c2"))))
    assert await live.flush(5)
    any_redis_server.kill()
    live.save(Changes(waiting=(call("c3"),), gone_calls=("c1",)))
    await until(lambda: not live.healthy)
    any_redis_server.start()
    await until(lambda: live.healthy)
    assert await live.flush(5)
    assert await stored(redis) == ({"li"}, {"c2", "c3"})


async def test_a_store_that_comes_back_empty_is_filled_again(
    redis: Redis, live: LiveState, any_redis_server: RedisServer
) -> None:
    live.save(Changes(agents=(agent("li"),), waiting=(call("c1"),)))
    assert await live.flush(5)
    await redis.flushall()
    live.save(Changes(waiting=(call("c2"),)))
    assert await live.flush(5)
    assert await stored(redis) == ({"li"}, {"c1", "c2"})


async def test_a_store_that_lost_its_last_seconds_is_filled_again(redis: Redis, live: LiveState) -> None:
    live.save(Changes(waiting=(call("c1"),)))
    assert await live.flush(5)
    earlier = await redis.get(f"{PREFIX}writer")
    live.save(Changes(waiting=(call("c2"),)))
    assert await live.flush(5)
    await redis.hdel(f"{PREFIX}waiting", "c2")
    await redis.set(f"{PREFIX}writer", earlier or "")
    live.save(Changes(waiting=(call("c3"),)))
    assert await live.flush(5)
    assert await stored(redis) == (set(), {"c1", "c2", "c3"})


async def test_a_hung_store_holds_nobody_up_and_is_written_when_it_wakes(
    redis: Redis, live: LiveState, any_redis_server: RedisServer
) -> None:
    live.save(Changes(waiting=(call("c1"),)))
    assert await live.flush(5)
    any_redis_server.hang()
    try:
        live.save(Changes(waiting=(call("c2"),), gone_calls=("c1",)))
        await until(lambda: not live.healthy)
    finally:
        any_redis_server.wake()
    await until(lambda: live.healthy)
    assert await live.flush(5)
    assert await stored(redis) == (set(), {"c2"})


async def test_calls_that_come_and_go_during_an_outage_leave_no_backlog(
    live: LiveState, any_redis_server: RedisServer
) -> None:
    any_redis_server.kill()
    live.save(Changes(waiting=(call("stays"),)))
    await until(lambda: not live.healthy)
    for number in range(500):
        live.save(Changes(waiting=(call(f"c{number}"),)))
        live.save(Changes(gone_calls=(f"c{number}",)))
    await until(lambda: live.backlog == 1)


async def test_loading_from_a_hung_store_fails_in_time(redis: Redis, any_redis_server: RedisServer) -> None:
    any_redis_server.hang()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(StoreError, match="cannot be read: TimeoutError"):
                await LiveState(redis, PREFIX, deadline_s=0.2).load()
    finally:
        any_redis_server.wake()


async def test_a_damaged_record_is_named(redis: Redis) -> None:
    await redis.hset(f"{PREFIX}agents", "li", '{"agent_id": "li", "state": "dancing", "since": 1}')
    with pytest.raises(StoreError, match=r"test:agents li: Invalid enum value 'dancing'"):
        await LiveState(redis, PREFIX).load()
