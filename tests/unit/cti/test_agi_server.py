"""The FastAGI server: who is let in, who is not, and what survives."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from cti.agi import AgiLimits, AgiServer, AgiSession
from tests.support.agi_peer import AgiPeer, header
from tests.support.until import until

Address = tuple[str, int]


@asynccontextmanager
async def serving(
    handler: Callable[[AgiSession], Awaitable[None]], limits: AgiLimits | None = None
) -> AsyncIterator[tuple[AgiServer, Address]]:
    server = AgiServer(handler, limits=limits)
    address = await server.start("127.0.0.1", 0)
    try:
        yield server, address
    finally:
        await server.close()


async def one_command(session: AgiSession) -> None:
    await session.answer()


async def play(address: Address) -> bool:
    """One whole call; True if it went as it should."""
    peer = await AgiPeer.connect(address)
    try:
        return await peer.answer("200 result=0") == "ANSWER" and await peer.closed()
    finally:
        peer.close()


async def test_a_session_ends_with_its_handler() -> None:
    async with serving(one_command) as (server, address):
        assert await play(address)
        await until(lambda: server.counters.active == 0)
        assert (server.counters.accepted, server.counters.sessions, server.counters.peak) == (1, 1, 1)


async def test_port_probes_are_counted_and_harm_nothing() -> None:
    async with serving(one_command) as (server, address):
        for _ in range(20):
            (await AgiPeer.connect(address, b"")).close()
        await until(lambda: server.counters.probes == 20)
        assert await play(address)
        assert server.counters.bad == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
        b"\n",
        b"agi_network: yes\n\n",
        b"agi_x: " + b"x" * 100_000,
        b"agi_x: y\n" * 1000,
        b"agi_" + b"x" * 200 + b": 1\n\n",
        header(network_script="entry?" + "a=1&" * 500),
    ],
)
async def test_garbage_is_refused_and_harms_nothing(garbage: bytes) -> None:
    async with serving(one_command) as (server, address):
        peer = await AgiPeer.connect(address, garbage)
        assert await peer.closed()
        await until(lambda: server.counters.bad == 1)
        assert await play(address)
        peer.close()


async def test_random_bytes_never_reach_the_handler_nor_stop_the_server() -> None:
    rng = random.Random(12345)
    async with serving(one_command, AgiLimits(header_deadline=0.2)) as (server, address):
        for _ in range(200):
            data = rng.randbytes(rng.randrange(1, 400))
            if rng.random() < 0.5:  # a real header with a piece overwritten
                whole = bytearray(header())
                place = rng.randrange(len(whole))
                whole[place : place + len(data)] = data
                data = bytes(whole).replace(b"agi_channel: P", b"agi_channel- P")
            (await AgiPeer.connect(address, data)).close()
        await until(lambda: server.counters.bad + server.counters.probes == 200)
        assert server.counters.sessions == 0
        assert await play(address)


async def test_a_header_that_trickles_in_is_cut_off() -> None:
    async with serving(one_command, AgiLimits(header_deadline=0.05)) as (server, address):
        peer = await AgiPeer.connect(address, b"agi_network: yes\n")
        assert await peer.closed()
        assert server.counters.bad == 1
        peer.close()


async def test_a_connection_lost_within_the_header_is_counted_as_bad() -> None:
    async with serving(one_command) as (server, address):
        (await AgiPeer.connect(address, b"agi_network: yes\nagi_ch")).close()
        await until(lambda: server.counters.bad == 1)


async def test_sessions_beyond_the_limit_are_closed_at_once() -> None:
    gate = asyncio.Event()

    async def wait(session: AgiSession) -> None:
        await gate.wait()

    async with serving(wait, AgiLimits(max_sessions=2)) as (server, address):
        inside = [await AgiPeer.connect(address) for _ in range(2)]
        await until(lambda: server.counters.active == 2)
        outside = await AgiPeer.connect(address)
        assert await outside.closed()
        assert server.counters.refused == 1
        gate.set()
        await until(lambda: server.counters.active == 0)
        again = await AgiPeer.connect(address)
        await until(lambda: server.counters.sessions == 3)
        for peer in [*inside, outside, again]:
            peer.close()


async def test_500_sessions_run_side_by_side() -> None:
    everybody = asyncio.Event()

    async def handler(session: AgiSession) -> None:
        await session.answer()
        if server.counters.active == 500:
            everybody.set()
        await everybody.wait()
        assert await session.get_variable("NUMBER") == session.query["n"]
        await session.set_variable("DONE", "1")

    async def caller(number: int) -> str:
        greeting = header(network_script=f"entry?n={number}", uniqueid=f"1.{number}")
        peer = await AgiPeer.connect(address, greeting)
        await peer.answer("200 result=0")
        await peer.answer(f"200 result=1 ({number})")
        last = await peer.answer("200 result=1")
        assert await peer.closed()
        peer.close()
        return last

    async with serving(handler) as (server, address):
        lines = await asyncio.gather(*(caller(number) for number in range(500)))
        assert set(lines) == {'SET VARIABLE "DONE" "1"'}
        await until(lambda: server.counters.active == 0)
        assert (server.counters.peak, server.counters.failed) == (500, 0)


async def test_a_handler_that_raises_gives_the_channel_back_and_logs_the_call_id_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(session: AgiSession) -> None:
        session.call_id = "call-7"
        raise ValueError(session.caller_number)

    with caplog.at_level(logging.DEBUG):
        async with serving(broken) as (server, address):
            peer = await AgiPeer.connect(address)
            assert await peer.closed()
            await until(lambda: server.counters.failed == 1)
            peer.close()
    [record] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.__dict__["call_id"] == "call-7"
    assert "ValueError at test_agi_server.py" in record.__dict__["error"]
    assert "01012345678" not in caplog.text + str([r.__dict__ for r in caplog.records])


async def test_a_handler_ended_by_a_hangup_has_not_failed() -> None:
    async with serving(one_command) as (server, address):
        peer = await AgiPeer.connect(address)
        await peer.command()
        peer.close()
        await until(lambda: server.counters.hangups == 1)
        assert server.counters.failed == 0


async def test_draining_refuses_new_sessions_and_lets_the_running_ones_finish() -> None:
    async with serving(one_command) as (server, address):
        peer = await AgiPeer.connect(address)
        assert await peer.command() == "ANSWER"
        assert await server.drain() == 1
        assert server.draining
        with pytest.raises(ConnectionRefusedError):
            await AgiPeer.connect(address)
        waiting = asyncio.create_task(server.drain(wait=None))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        peer.send("200 result=0")
        assert await waiting == 0
        peer.close()


async def test_draining_with_a_time_limit_tells_how_many_are_left() -> None:
    async with serving(one_command) as (server, address):
        peer = await AgiPeer.connect(address)
        await peer.command()
        assert await server.drain(wait=0.02) == 1
        peer.close()


async def test_close_ends_handlers_after_the_grace_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    ended = []

    async def stubborn(session: AgiSession) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(session.uniqueid)

    server = AgiServer(stubborn)
    address = await server.start("127.0.0.1", 0)
    peers = [await AgiPeer.connect(address) for _ in range(3)]
    silent = await AgiPeer.connect(address, b"agi_network: yes\n")
    await until(lambda: server.counters.active == 3)
    await server.close(grace=0.02)
    assert len(ended) == 3
    for peer in [*peers, silent]:
        assert await peer.closed()
        peer.close()
    await until(lambda: asyncio.all_tasks() == before)
    with pytest.raises(OSError, match=r"."):
        await AgiPeer.connect(address)


async def test_a_second_start_is_refused() -> None:
    async with serving(one_command) as (server, _):
        with pytest.raises(RuntimeError, match="already started"):
            await server.start("127.0.0.1", 0)
