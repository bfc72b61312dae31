"""`hotline asr` with the real model and a real Valkey: captions, faults, restarts."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from asr import bus
from asr.messages import Speaker, TranscriptFinal, TranscriptPartial
from tests.support.asr_server import AsrServer, announce, connect, running_asr, samples, speak
from tests.support.loopback import LoopbackBlock
from tests.support.redis import RedisServer
from tests.support.speech import CITIZENS, error_rate, found_model

pytestmark = [pytest.mark.integration]

SAID = "喂，你好，我们小区从昨天晚上十点开始停水，到现在一滴水都没有，家里还有老人和孩子，请你们赶快处理。"
SPEECH = CITIZENS / "water_outage_1.wav"
QUIET = bytes(16_000)


async def one_call(
    server: AsrServer, pcm: bytes, *, speed: float = 4.0, speaker: Speaker = Speaker.CITIZEN
) -> str:
    """Let one leg speak and hang up; return its tap id when the worker told that it ended."""
    state = bus.pick_worker(await bus.workers(server.redis))
    assert state is not None
    tap_id = await announce(server.redis, speaker=speaker)
    _, writer = await connect(state.host, state.port, tap_id)
    await speak(writer, pcm, speed=speed)
    writer.close()
    await server.told(lambda _: server.end_of(tap_id) is not None)
    return tap_id


async def test_what_a_citizen_says_becomes_partial_and_final_sentences(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    model = found_model()
    async with running_asr(valkey_url, tmp_path, host=loopback.address(), model_path=model.path) as server:
        states = await server.workers(len(os.sched_getaffinity(0)))
        assert all(state.captions and state.port > 0 for state in states)
        begun = time.time()
        tap_id = await one_call(server, samples(SPEECH) + QUIET, speed=1.0)
        finals = server.finals(tap_id)
        partials = [m for _, m in server.messages if isinstance(m, TranscriptPartial)]
        end = server.end_of(tap_id)
    assert error_rate(SAID, "".join(final.verbatim for final in finals)) < 0.35
    assert [final.segment for final in finals] == list(range(len(finals)))
    assert len(partials) > len(finals)
    assert end is not None
    assert end.dropped_s == 0
    assert end.heard_s == pytest.approx(len(samples(SPEECH) + QUIET) / 16_000, abs=0.05)
    words = [word for final in finals for word in final.words]
    assert all(before.start <= after.start for before, after in pairwise(words))
    assert begun <= words[0].start
    assert words[-1].end <= end.at
    assert all(0 <= word.confidence <= 1 for word in words)


async def test_a_killed_worker_is_replaced_and_its_taps_are_given_up(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    model = found_model()
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), model_path=model.path, processes=2
    ) as server:
        states = await server.workers(2)
        assert len({state.port for state in states}) == 2
        victim = server.children()[0]
        tap_id = await announce(server.redis)
        (state,) = [state for state in states if state.worker_id.endswith(f":{victim}")]
        reader, _ = await connect(state.host, state.port, tap_id)
        os.kill(victim, signal.SIGKILL)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            async with asyncio.timeout(10):
                await reader.readexactly(1)
        await server.told(lambda _: victim not in server.children() and len(server.children()) == 2)
        await server.workers_without(state.worker_id, 2)
        tap_id = await one_call(server, samples(SPEECH) + QUIET)
        assert server.finals(tap_id)


async def test_a_live_state_that_goes_away_costs_no_sentence(
    valkey_server: RedisServer, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    model = found_model()
    async with running_asr(
        valkey_server.url, tmp_path, host=loopback.address(), model_path=model.path, processes=1
    ) as server:
        (state,) = await server.workers(1)
        tap_id = await announce(server.redis)
        _, writer = await connect(state.host, state.port, tap_id)
        await speak(writer, samples(SPEECH)[:16_000], speed=2.0)
        valkey_server.stop()
        await speak(writer, samples(SPEECH)[16_000:] + QUIET, speed=2.0)
        writer.close()
        await asyncio.sleep(2.0)
        valkey_server.start()
        await server.told(lambda _: server.end_of(tap_id) is not None)
        finals = server.finals(tap_id)
        await server.workers(1)
    assert error_rate(SAID, "".join(final.verbatim for final in finals)) < 0.35


async def test_a_stop_tells_the_last_sentence_and_leaves_the_list(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    model = found_model()
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), model_path=model.path, processes=1
    ) as server:
        (state,) = await server.workers(1)
        tap_id = await announce(server.redis)
        _, writer = await connect(state.host, state.port, tap_id)
        await speak(writer, samples(SPEECH), speed=4.0)
        server.process.send_signal(signal.SIGTERM)
        await server.told(lambda _: server.end_of(tap_id) is not None)
        assert await asyncio.to_thread(server.process.wait, 20) == 0
        assert await bus.workers(server.redis) == []
        assert server.finals(tap_id)
        writer.close()


async def test_workers_end_when_their_supervisor_is_killed(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    model = found_model()
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), model_path=model.path, processes=1
    ) as server:
        await server.workers(1)
        server.process.kill()
        await server.workers(0)


async def test_without_a_model_workers_run_and_say_why(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), cache_dir=tmp_path, fetch_model=False, processes=1
    ) as server:
        (state,) = await server.workers(1)
        assert not state.captions
        assert "没有语音模型" in state.reason
        assert "recognition.model" in state.reason
        assert bus.pick_worker([state]) is None


async def test_an_address_that_is_taken_ends_the_server_with_a_status(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    model = found_model()
    host = loopback.address()
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), host, 0)
    port = taken.sockets[0].getsockname()[1]
    async with running_asr(
        valkey_url, tmp_path, host=host, port=port, model_path=model.path, processes=1
    ) as server:
        assert await asyncio.to_thread(server.process.wait, 30) == 2
        assert "cannot listen" in server.log.read_text()
    taken.close()


@pytest.mark.parametrize("noise", ["silence", "swapped", "tones", "clipped", "torn"])
async def test_bad_audio_does_not_stop_the_worker(
    noise: str, valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    model = found_model()
    speech = samples(SPEECH)
    bad = {
        "silence": bytes(len(speech)),
        "swapped": bytes(byte for pair in zip(speech[1::2], speech[::2], strict=True) for byte in pair),
        "tones": b"\x00\x40\x00\xc0" * (len(speech) // 4),
        "clipped": b"".join(b"\xff\x7f" if byte < 128 else b"\x00\x80" for byte in speech[1::2]),
        "torn": speech[: len(speech) // 2],
    }[noise]
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), model_path=model.path, processes=1
    ) as server:
        (state,) = await server.workers(1)
        if noise == "torn":
            tap_id = await announce(server.redis)
            _, writer = await connect(state.host, state.port, tap_id)
            await speak(writer, bad, speed=8.0)
            writer.write(b"\x10\x01\x40 only half a frame")
            writer.close()
            await server.told(lambda _: server.end_of(tap_id) is not None)
        else:
            await one_call(server, bad, speed=8.0)
        tap_id = await one_call(server, speech + QUIET)
        heard = "".join(final.verbatim for final in server.finals(tap_id))
        (after,) = await server.workers(1)
    assert error_rate(SAID, heard) < 0.35
    assert after.worker_id == state.worker_id


async def test_both_legs_of_a_call_are_told_apart(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    model = found_model()
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), model_path=model.path, processes=1
    ) as server:
        await server.workers(1)
        agent, citizen = samples(CITIZENS / "agent_hello.wav"), samples(SPEECH)
        taps = await asyncio.gather(
            one_call(server, agent + QUIET, speaker=Speaker.AGENT), one_call(server, citizen + QUIET)
        )
        by_speaker = {
            speaker: "".join(
                m.verbatim
                for _, m in server.messages
                if isinstance(m, TranscriptFinal) and m.speaker is speaker
            )
            for speaker in Speaker
        }
    assert len(set(taps)) == 2
    assert error_rate(SAID, by_speaker[Speaker.CITIZEN]) < 0.35
    assert "请问" in by_speaker[Speaker.AGENT]
