"""The FastAGI server with a real Asterisk: citizens call in, and the telephone at the far end is real too."""

from __future__ import annotations

import array
import asyncio
import math
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from cti.agi import AgiFailed, AgiHangup, AgiRefused, AgiServer, AgiSession, Digits, Word
from cti.ami import AmiAddress, AmiEvent, AmiLink, Originate
from tests.support.asterisk import AGI_PORT, SECRET, Pair, RunningAsterisk, settled
from tests.support.tones import read_sln, tone, write_wav
from tests.support.until import until

pytestmark = pytest.mark.integration

CALLER = "01012345678"


@dataclass
class Bench:
    """A server whose sessions are driven by the test, and links to both Asterisks."""

    pair: Pair
    server: AgiServer
    hotline: AmiLink
    phones: AmiLink
    events: list[AmiEvent] = field(default_factory=list)
    arrivals: asyncio.Queue[AgiSession] = field(default_factory=asyncio.Queue)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    fault: Exception | None = None

    async def handle(self, session: AgiSession) -> None:
        if self.fault is not None:
            raise self.fault
        await self.arrivals.put(session)
        await self.over.wait()

    async def dial(self, mode: str = "silent", **variables: str) -> None:
        """Let a citizen's telephone call 12345."""
        await self.phones.originate(
            Originate(
                channel="PJSIP/12345@hotline",
                context="citizen",
                exten=mode,
                caller_id=f"张三 <{CALLER}>",
                variables=variables,
            )
        )

    async def call(self, mode: str = "silent", **variables: str) -> AgiSession:
        """A citizen's call, answered."""
        await self.dial(mode, **variables)
        async with asyncio.timeout(10):
            session = await self.arrivals.get()
        await session.answer()
        return session

    async def telephone(self) -> str:
        """Name of the citizen's channel at the far end."""
        for channel in await self.phones.listing("CoreShowChannels"):
            if channel.get("Channel").startswith("PJSIP/hotline-"):
                return channel.get("Channel")
        raise AssertionError("no citizen is calling")

    async def press(self, keys: str) -> None:
        """Let the citizen press keys."""
        telephone = await self.telephone()
        for key in keys:
            await self.phones.play_dtmf(telephone, key, duration_ms=80)
            await asyncio.sleep(0.2)


async def nothing() -> None: ...


def link_to(side: RunningAsterisk, events: list[AmiEvent]) -> AmiLink:  # type: ignore[type-arg]
    address = AmiAddress(
        name="node",
        host=side.address,
        port=side.config.ami_port,
        user=side.config.manager_user,
        secret=SECRET,
    )
    return AmiLink(address, on_event=events.append, on_up=nothing, on_down=lambda reason: None)


@pytest.fixture
async def bench(asterisk_pair: Pair) -> AsyncIterator[Bench]:
    write_wav(asterisk_pair.sounds / "long.wav", tone(440, 20))
    write_wav(asterisk_pair.sounds / "short.wav", tone(440, 0.2))
    events: list[AmiEvent] = []
    hotline, phones = link_to(asterisk_pair.hotline, events), link_to(asterisk_pair.phones, [])

    made: list[Bench] = []

    async def handle(session: AgiSession) -> None:
        await made[0].handle(session)

    bench = Bench(asterisk_pair, AgiServer(handle), hotline, phones, events)
    made.append(bench)
    await bench.server.start(asterisk_pair.server, AGI_PORT)
    await hotline.start()
    await phones.start()
    try:
        await hotline.wait_up(10)
        await phones.wait_up(10)
        yield bench
    finally:
        bench.over.set()
        await bench.server.close()
        await hotline.stop()
        await phones.stop()
        await asyncio.to_thread(asterisk_pair.hang_up_all)


@asynccontextmanager
async def during(command: Awaitable[object]) -> AsyncIterator[asyncio.Future[object]]:
    """Run a command while the block does something to the call."""
    task = asyncio.ensure_future(command)
    await asyncio.sleep(0.3)
    assert not task.done()
    yield task


async def test_a_call_arrives_with_its_numbers_and_the_callers_name(bench: Bench) -> None:
    session = await bench.call()
    assert session.request_path == "call"
    assert session.args[0] == "enter"
    assert (session.caller_number, session.called_number) == (CALLER, "12345")
    assert session.env["calleridname"] == "张三"
    assert session.uniqueid == await session.get_variable("HL_CALL")
    assert await session.channel_status() == 6


async def test_values_with_quotes_commas_brackets_and_chinese_come_back_unchanged(bench: Bench) -> None:
    session = await bench.call()
    for value in ['a "b", \\c (d) ${EXTEN} $[1+1]', "中文，(测试", ")", "", " x  "]:
        await session.set_variable("VALUE", value)
        assert (await session.get_variable("VALUE") or "") == value
    assert await session.get_variable("NEVER_SET") is None


async def test_a_sound_plays_to_its_end_or_until_a_key(bench: Bench) -> None:
    session = await bench.call()
    assert await session.stream_file("short", "123") is None
    async with during(session.stream_file("long", "123")) as playing:
        await bench.press("9")  # not among the keys that end it
        assert not playing.done()
        await bench.press("2")
        assert await playing == "2"


async def test_a_key_put_in_by_ami_ends_a_sound_at_once(bench: Bench) -> None:
    session = await bench.call()
    async with during(session.stream_file("long", "#")) as playing:
        await bench.hotline.play_dtmf(session.channel, "#", receive=True)
        async with asyncio.timeout(5):
            assert await playing == "#"


async def test_digits_are_collected_and_silence_is_told_from_an_empty_answer(bench: Bench) -> None:
    session = await bench.call()
    assert await session.get_data("short", 300, 3) == Digits("", timed_out=True)
    async with during(session.get_data("long", 3000, 4)) as asking:
        await bench.press("0042")
        assert await asking == Digits("0042", timed_out=False)
    async with during(session.get_data("long", 3000, 4)) as asking:
        await bench.press("#")
        assert await asking == Digits("", timed_out=False)


async def test_what_asterisk_cannot_do_is_told_and_the_session_goes_on(bench: Bench) -> None:
    session = await bench.call()
    with pytest.raises(AgiFailed):
        await session.stream_file("no-such-sound")
    with pytest.raises(AgiFailed):
        await session.exec_app("NoSuchApplication")
    for command, code in [("BOGUS", 510), ("WAIT FOR DIGIT", 520)]:
        with pytest.raises(AgiRefused) as refused:
            await session.execute(command)
        assert refused.value.code == code
    assert await session.get_variable("CALLERID(num)") == CALLER


@pytest.mark.parametrize(
    "doing", ["nothing", "music", "STREAM FILE", "WAIT FOR DIGIT", "GET DATA", "EXEC Dial"]
)
async def test_a_hangup_is_known_whatever_the_session_does(bench: Bench, doing: str) -> None:
    session = await bench.call()
    commands: dict[str, Awaitable[object]] = {}
    if doing == "music":
        await session.set_music(True)
    elif doing == "STREAM FILE":
        commands[doing] = session.stream_file("long", "1")
    elif doing == "WAIT FOR DIGIT":
        commands[doing] = session.wait_for_digit(20_000)
    elif doing == "GET DATA":
        commands[doing] = session.get_data("long", 20_000, 4)
    elif doing == "EXEC Dial":
        commands[doing] = session.exec_app("Dial", "PJSIP/8001p", 20, "g")
    running = [asyncio.ensure_future(command) for command in commands.values()]
    await asyncio.sleep(0.3)
    await bench.phones.hangup(await bench.telephone())
    async with asyncio.timeout(5):
        await session.hung_up.wait()
        for task in running:
            with pytest.raises(AgiHangup):
                await task


@pytest.mark.parametrize("doing", ["nothing", "STREAM FILE"])
async def test_a_hangup_is_known_where_asterisk_keeps_the_agi_running(bench: Bench, doing: str) -> None:
    url = f"agi://{bench.pair.server}:{AGI_PORT}/kept"  # without AGIEXITONHANGUP: a HANGUP line, no closing
    await bench.hotline.originate(Originate(channel="PJSIP/8001p", application="AGI", data=url))
    async with asyncio.timeout(10):
        session = await bench.arrivals.get()
    assert session.request_path == "kept"
    playing = asyncio.ensure_future(session.stream_file("long")) if doing == "STREAM FILE" else None
    await asyncio.sleep(0.3)
    await bench.hotline.hangup(session.channel)
    async with asyncio.timeout(5):
        await session.hung_up.wait()
        if playing is not None:
            with pytest.raises(AgiHangup):
                await playing


async def test_music_plays_on_and_keys_are_reported_while_no_command_runs(bench: Bench) -> None:
    session = await bench.call(RECORD_AS="music")
    await session.set_music(True)
    await asyncio.sleep(0.5)
    await bench.press("7")
    await asyncio.sleep(1.0)
    pressed = [event.get("Digit") for event in bench.events if event.name == "DTMFEnd"]
    assert pressed == ["7"]
    await bench.phones.hangup(await bench.telephone())
    await session.hung_up.wait()
    heard = read_sln(await asyncio.to_thread(settled, bench.pair.heard / "music-heard.sln"))
    assert loudness(heard[-4000:]) > 0.003  # the last half second, long after the last command


def loudness(samples: array.array[int]) -> float:
    """Root mean square, 0 to 1."""
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) / 32768


async def test_an_agent_is_rung_from_music_and_talks(bench: Bench) -> None:
    session = await bench.call()
    await session.set_music(True)
    await asyncio.sleep(0.3)
    async with during(session.exec_app("Dial", "PJSIP/8001p", 20, "g")) as dialling:
        await until(lambda: sum(event.name == "BridgeEnter" for event in bench.events) == 2)
        [agent] = {e.get("DestChannel") for e in bench.events if e.name == "DialBegin"}
        await bench.hotline.hangup(agent)
        await dialling
    assert await session.get_variable("DIALSTATUS") == "ANSWER"


async def test_a_redirect_ends_the_session_and_the_caller_goes_where_it_says(bench: Bench) -> None:
    session = await bench.call()
    async with during(session.stream_file("long")) as playing:
        await bench.hotline.redirect(session.channel, "hotline", "rescue")
        with pytest.raises(AgiHangup):
            await playing
    await in_fallback_queue(bench, session.channel)


async def test_a_handler_that_raises_leaves_the_caller_in_the_native_queue(bench: Bench) -> None:
    bench.fault = ValueError("broken")
    await bench.dial()
    await until(lambda: bench.server.counters.failed >= 1)
    await in_fallback_queue(bench)


async def test_a_draining_server_is_passed_over_by_the_dialplan(bench: Bench) -> None:
    talking = await bench.call()
    assert await bench.server.drain() == 1
    await bench.dial()
    await until(lambda: any(event.name == "QueueCallerJoin" for event in bench.events))
    [joined] = [event for event in bench.events if event.name == "QueueCallerJoin"]
    channel = joined.get("Channel")
    assert channel != talking.channel
    assert await bench.hotline.get_variable(channel, "AGISTATUS") == "FAILURE"
    assert await bench.hotline.get_variable(channel, "HL_STAGE") == "enter"
    assert await talking.channel_status() == 6


async def in_fallback_queue(bench: Bench, channel: str = "") -> None:
    await until(
        lambda: any(
            event.name == "QueueCallerJoin" and event.get("Channel").startswith(channel)
            for event in bench.events
        )
    )


async def test_a_command_given_up_can_be_cut_short_and_the_next_one_is_in_step(bench: Bench) -> None:
    session = await bench.call()
    async with during(session.stream_file("long", "#")) as playing:
        playing.cancel()
        await asyncio.wait((playing,))
    await bench.hotline.play_dtmf(session.channel, "#", receive=True)
    async with asyncio.timeout(5):
        assert await session.get_variable("HL_CALLED") == "12345"


async def test_a_hundred_calls_at_once(bench: Bench) -> None:
    for _ in range(100):
        await bench.dial()
    async with asyncio.timeout(30):
        sessions = [await bench.arrivals.get() for _ in range(100)]

    async def through(session: AgiSession) -> tuple[str | None, str | None]:
        await session.answer()
        key = await session.stream_file("short", "1")
        return key, await session.get_variable("HL_CALL")

    results = await asyncio.gather(*(through(session) for session in sessions))
    assert results == [(None, session.uniqueid) for session in sessions]
    assert bench.server.counters.failed == 0


async def test_a_bare_word_argument_reaches_asterisk(bench: Bench) -> None:
    session = await bench.call()
    reply = await session.execute("GET FULL VARIABLE", "${CALLERID(num)}-${HL_CALLED}", Word(session.channel))
    assert reply.data == f"{CALLER}-12345"
