"""Taps, workers and transcripts in a real Valkey and a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from asr import bus
from asr.bus import WorkerCounters
from asr.messages import Speaker, TapAnnounced, TapEnded, TranscriptMessage, WorkerState
from tests.support.redis import RedisServer

pytestmark = [pytest.mark.integration]

TAP = TapAnnounced(tap_id="tap-1", call_id="call-1", speaker=Speaker.AGENT, recording_started=1.5)


def ended(number: int) -> TapEnded:
    return TapEnded(
        call_id=f"call-{number}",
        speaker=Speaker.CITIZEN,
        tap_id="t",
        heard_s=1.0,
        dropped_s=0.0,
        at=float(number),
    )


@pytest.fixture
async def redis(any_redis_url: str) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(any_redis_url)
    yield client
    await client.aclose()


async def first(redis: Redis, count: int, last_id: str = "0-0") -> list[tuple[str, TranscriptMessage]]:
    read: list[tuple[str, TranscriptMessage]] = []
    async with asyncio.timeout(20):
        async for entry in bus.read_transcripts(redis, last_id, block_s=0.1):
            read.append(entry)
            if len(read) == count:
                break
    return read


async def test_an_announced_tap_is_taken_once(redis: Redis) -> None:
    await bus.announce_tap(redis, TAP)
    assert 100 < await redis.ttl("hotline:asr:tap:tap-1") <= 120
    assert await bus.take_tap(redis, "tap-1") == TAP
    assert await bus.take_tap(redis, "tap-1") is None


async def test_workers_are_listed_until_they_leave(redis: Redis) -> None:
    states = [
        WorkerState(
            worker_id=f"host:{n}", host="127.0.0.1", port=n, taps=0, capacity=8, captions=True, at=9.0
        )
        for n in (1, 2)
    ]
    for state in states:
        await bus.register(redis, state, WorkerCounters(worker_id=state.worker_id, finals=3))
    assert await bus.workers(redis) == states
    assert [counted.finals for counted in await bus.counters(redis)] == [3, 3]
    assert 0 < await redis.ttl("hotline:asr:worker:host:1") <= bus.WORKER_TTL_S
    await bus.unregister(redis, "host:1")
    assert await bus.workers(redis) == states[1:]


async def test_cities_with_other_prefixes_do_not_meet(redis: Redis) -> None:
    state = WorkerState(worker_id="w", host="127.0.0.1", port=1, taps=0, capacity=8, captions=True)
    await bus.register(redis, state, WorkerCounters(worker_id="w"), prefix="a*:")
    await bus.announce_tap(redis, TAP, prefix="a*:")
    assert await bus.workers(redis, prefix="ab:") == []
    assert await bus.take_tap(redis, "tap-1", prefix="ab:") is None
    assert await bus.workers(redis, prefix="a*:") == [state]


async def test_a_restarted_reader_goes_on_after_its_last_id(redis: Redis) -> None:
    assert await bus.last_transcript_id(redis) == "0-0"
    await bus.publish(redis, [ended(n) for n in range(5)])
    read = await first(redis, 3)
    assert [message for _, message in read] == [ended(0), ended(1), ended(2)]
    rest = await first(redis, 2, read[-1][0])
    assert [message for _, message in rest] == [ended(3), ended(4)]
    assert await bus.last_transcript_id(redis) == rest[-1][0]


async def test_a_client_that_decodes_answers_reads_the_same(any_redis_url: str) -> None:
    client: Redis = Redis.from_url(any_redis_url, decode_responses=True)
    await bus.publish(client, [ended(7)])
    await bus.announce_tap(client, TAP)
    assert [message for _, message in await first(client, 1)] == [ended(7)]
    assert await bus.take_tap(client, "tap-1") == TAP
    await client.aclose()


async def test_what_is_no_transcript_is_passed_over(redis: Redis) -> None:
    await bus.publish(redis, [ended(1)])
    await redis.xadd("hotline:asr:transcripts", {"m": "not json"})
    await redis.xadd("hotline:asr:transcripts", {"other": "field"})
    await bus.publish(redis, [ended(2)])
    assert [message for _, message in await first(redis, 2)] == [ended(1), ended(2)]


async def test_a_reader_outlives_the_live_state(any_redis_server: RedisServer) -> None:
    client: Redis = Redis.from_url(any_redis_server.url)
    await bus.publish(client, [ended(1)])
    reading = bus.read_transcripts(client, block_s=0.1)
    assert (await anext(reading))[1] == ended(1)
    any_redis_server.stop()
    waiting = asyncio.ensure_future(anext(reading))
    await asyncio.sleep(0.5)
    any_redis_server.start()
    await bus.publish(client, [ended(2)])
    async with asyncio.timeout(20):
        assert (await waiting)[1] == ended(2)
    await client.aclose()
