"""Who may connect to the AudioSocket server, and what happens to the rest."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.audiosocket import Frame, Kind, uuid_frame
from asr.listener import Limits, Listener
from asr.messages import Speaker, TapAnnounced
from tests.support.loopback import LoopbackBlock
from tests.support.until import until

pytestmark = [pytest.mark.integration]

AUDIO = Frame(Kind.SLIN8, bytes(320)).encode()


@dataclass(slots=True)
class Heard:
    """A sink that remembers."""

    tap: TapAnnounced
    pcm: bytearray = field(default_factory=bytearray)
    arrivals: list[float] = field(default_factory=list)
    rates: set[int] = field(default_factory=set)
    end: asyncio.Event = field(default_factory=asyncio.Event)
    ends: int = 0

    def audio(self, pcm: bytes, rate: int, arrived: float) -> None:
        self.pcm += pcm
        self.arrivals.append(arrived)
        self.rates.add(rate)

    def ended(self, at: float) -> None:
        self.ends += 1
        self.end.set()


class Exchange:
    """A listener with what it was told of."""

    def __init__(self, host: str, **limits: float) -> None:
        self.host = host
        self.announced: dict[str, TapAnnounced] = {}
        self.heard: dict[str, Heard] = {}
        self.port = 0
        self.listener = Listener(
            self.resolve,
            self.open,
            Limits(
                taps=int(limits.get("taps", 8)),
                strangers=int(limits.get("strangers", 8)),
                first_frame_s=limits.get("first_frame_s", 5.0),
                resolve_s=limits.get("resolve_s", 0.2),
            ),
        )

    async def resolve(self, tap_id: str) -> TapAnnounced | None:
        return self.announced.get(tap_id)

    def open(self, tap: TapAnnounced) -> Heard:
        self.heard[tap.tap_id] = Heard(tap)
        return self.heard[tap.tap_id]

    def announce(self) -> str:
        tap_id = str(uuid.uuid4())
        self.announced[tap_id] = TapAnnounced(
            tap_id=tap_id, call_id="call", speaker=Speaker.CITIZEN, recording_started=0.0
        )
        return tap_id

    async def connect(self, *frames: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.writelines(frames)
        return reader, writer

    async def tap(self, *frames: bytes) -> tuple[Heard, asyncio.StreamWriter]:
        tap_id = self.announce()
        _, writer = await self.connect(uuid_frame(tap_id).encode(), *frames)
        await until(lambda: tap_id in self.heard)
        return self.heard[tap_id], writer


@pytest.fixture
async def exchange(loopback: LoopbackBlock) -> AsyncIterator[Exchange]:
    made = Exchange(loopback.address())
    made.port = await made.listener.start(made.host, 0)
    yield made
    await made.listener.stop()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Whether the other side hung up within ten seconds."""
    async with asyncio.timeout(10):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


async def test_the_system_chooses_a_port_and_the_real_one_is_told(exchange: Exchange) -> None:
    assert exchange.port > 0


async def test_an_announced_tap_is_heard_with_the_time_of_its_arrival(exchange: Exchange) -> None:
    before = time.time()
    heard, writer = await exchange.tap(AUDIO * 5)
    writer.close()
    async with asyncio.timeout(10):
        await heard.end.wait()
    assert (len(heard.pcm), heard.rates, heard.ends) == (1600, {8000}, 1)
    assert before - 0.1 <= heard.arrivals[0] <= time.time() + 0.1
    assert exchange.listener.taps == 0


async def test_audio_of_sixteen_kilohertz_is_taken_as_such(exchange: Exchange) -> None:
    heard, writer = await exchange.tap(Frame(Kind.SLIN16, bytes(640)).encode())
    writer.close()
    async with asyncio.timeout(10):
        await heard.end.wait()
    assert heard.rates == {16000}


async def test_an_unknown_tap_is_refused(exchange: Exchange) -> None:
    reader, _ = await exchange.connect(uuid_frame(str(uuid.uuid4())).encode(), AUDIO)
    assert await closed(reader)
    assert (exchange.listener.counters.refused, exchange.heard) == (1, {})


async def test_an_announcement_may_come_a_moment_after_the_connection(loopback: LoopbackBlock) -> None:
    late = Exchange(loopback.address(), resolve_s=10)
    late.port = await late.listener.start(late.host, 0)
    tap_id = str(uuid.uuid4())
    _, writer = await late.connect(uuid_frame(tap_id).encode(), AUDIO * 3)
    await asyncio.sleep(0.2)
    late.announced[tap_id] = TapAnnounced(
        tap_id=tap_id, call_id="call", speaker=Speaker.AGENT, recording_started=0.0
    )
    await until(lambda: tap_id in late.heard and len(late.heard[tap_id].pcm) == 960)
    writer.close()
    await late.listener.stop()


async def test_a_connection_that_says_nothing_is_closed(loopback: LoopbackBlock) -> None:
    strict = Exchange(loopback.address(), first_frame_s=0.1)
    strict.port = await strict.listener.start(strict.host, 0)
    reader, _ = await strict.connect(b"\x01\x00")
    assert await closed(reader)
    assert strict.listener.counters.refused == 1
    await strict.listener.stop()


async def test_one_tap_is_one_connection(exchange: Exchange) -> None:
    heard, writer = await exchange.tap(AUDIO)
    reader, _ = await exchange.connect(uuid_frame(heard.tap.tap_id).encode())
    assert await closed(reader)
    assert (exchange.listener.taps, heard.ends) == (1, 0)
    writer.close()


async def test_legs_beyond_the_limit_are_refused(loopback: LoopbackBlock) -> None:
    small = Exchange(loopback.address(), taps=2)
    small.port = await small.listener.start(small.host, 0)
    _, first = await small.tap()
    _, second = await small.tap()
    reader, _ = await small.connect(uuid_frame(small.announce()).encode())
    assert await closed(reader)
    first.close()
    await until(lambda: small.listener.taps == 1)
    await small.tap()
    second.close()
    await small.listener.stop()


async def test_a_flood_of_strangers_does_not_keep_taps_out_for_long(loopback: LoopbackBlock) -> None:
    busy = Exchange(loopback.address(), strangers=3, first_frame_s=0.3)
    busy.port = await busy.listener.start(busy.host, 0)
    strangers = [await busy.connect() for _ in range(10)]
    for reader, _ in strangers:
        assert await closed(reader)
    await busy.tap()
    await busy.listener.stop()


async def test_a_hangup_frame_ends_the_tap(exchange: Exchange) -> None:
    heard, _ = await exchange.tap(AUDIO, Frame(Kind.HANGUP).encode())
    async with asyncio.timeout(10):
        await heard.end.wait()
    assert heard.ends == 1


async def test_a_broken_frame_ends_the_tap_and_keeps_what_came_before(exchange: Exchange) -> None:
    heard, writer = await exchange.tap(AUDIO)
    await until(lambda: heard.pcm)
    writer.write(b"\x10\xff\xff")
    async with asyncio.timeout(10):
        await heard.end.wait()
    assert (len(heard.pcm), heard.ends, exchange.listener.counters.frame_errors) == (320, 1, 1)


@pytest.mark.parametrize(
    "stream", [uuid_frame(str(uuid.UUID(int=1))).encode(), Frame(Kind.SLIN16, bytes(640)).encode()]
)
async def test_a_stream_that_changes_its_nature_is_ended(exchange: Exchange, stream: bytes) -> None:
    heard, writer = await exchange.tap(AUDIO)
    writer.write(stream)
    async with asyncio.timeout(10):
        await heard.end.wait()
    assert exchange.listener.counters.frame_errors == 1


async def test_keys_pressed_are_no_audio(exchange: Exchange) -> None:
    heard, writer = await exchange.tap(AUDIO, Frame(Kind.DTMF, b"5").encode(), AUDIO)
    writer.close()
    async with asyncio.timeout(10):
        await heard.end.wait()
    assert len(heard.pcm) == 640


async def test_stopping_ends_every_tap_once(exchange: Exchange) -> None:
    heard = [(await exchange.tap(AUDIO))[0] for _ in range(3)]
    await exchange.listener.stop()
    await exchange.listener.stop()
    assert [each.ends for each in heard] == [1, 1, 1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=400), max_size=6), st.booleans())
async def test_garbage_never_stops_the_listener(exchange: Exchange, blocks: list[bytes], named: bool) -> None:
    start = [uuid_frame(exchange.announce()).encode()] if named else []
    reader, writer = await exchange.connect(*start, *blocks)
    writer.close()
    assert await closed(reader)
    heard, good = await exchange.tap(AUDIO)
    good.close()
    async with asyncio.timeout(10):
        await heard.end.wait()
    assert len(heard.pcm) == 320
