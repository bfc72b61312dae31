"""Which stretches of a leg are speech, and when they were said."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import AsrSettingError
from asr.segment import (
    ArrivalClock,
    Segmenter,
    SegmentEvent,
    SegmentRules,
    SpeechAudio,
    SpeechEnded,
    SpeechStarted,
)

RATE = 8000
FRAME = 320  # bytes of 20 ms
START = 1_700_000_000.0

VOICED = b"\x01\x01" * (FRAME // 2)
QUIET = bytes(FRAME)


def loud(frame: bytes) -> bool:
    """Stand-in for the voice activity detector: any frame that begins with a set byte is speech."""
    return frame[0] != 0


def segmenter(rules: SegmentRules | None = None) -> Segmenter:
    return Segmenter(RATE, rules=rules, is_speech=loud)


def frames(*parts: tuple[bytes, float]) -> bytes:
    return b"".join(frame * round(seconds / 0.02) for frame, seconds in parts)


def play(gate: Segmenter, pcm: bytes, *, block: int = 5 * FRAME, start: float = START) -> list[SegmentEvent]:
    """Feed audio as if it arrived while it was being said."""
    events: list[SegmentEvent] = []
    for offset in range(0, len(pcm), block):
        piece = pcm[offset : offset + block]
        events += gate.feed(piece, start + (offset + len(piece)) / 2 / RATE)
    return events


def spans(events: Iterable[SegmentEvent]) -> list[tuple[float, float]]:
    """Begin and end of each speech, in seconds from START."""
    found: list[tuple[float, float]] = []
    begun = 0.0
    for event in events:
        if isinstance(event, SpeechStarted):
            begun = event.at
        elif isinstance(event, SpeechEnded):
            found.append((round(begun - START, 2), round(event.at - START, 2)))
    return found


def test_speech_begins_with_the_quiet_before_it_and_ends_after_the_hangover() -> None:
    events = play(segmenter(), frames((QUIET, 1), (VOICED, 2), (QUIET, 1)))
    assert spans(events) == [(0.78, 3.5)]


def test_a_click_is_not_speech() -> None:
    assert play(segmenter(), frames((QUIET, 1), (VOICED, 0.06), (QUIET, 1))) == []


def test_a_breath_shorter_than_the_hangover_does_not_end_speech() -> None:
    events = play(segmenter(), frames((VOICED, 1), (QUIET, 0.3), (VOICED, 1), (QUIET, 1)))
    assert len(spans(events)) == 1


def test_speech_ends_and_begins_again_inside_one_block() -> None:
    gate = segmenter()
    audio = frames((VOICED, 1), (QUIET, 0.7), (VOICED, 1))
    events = gate.feed(audio, START + len(audio) / 2 / RATE)
    kinds = [type(event) for event in events]
    assert kinds == [SpeechStarted, SpeechAudio, SpeechEnded, SpeechStarted, SpeechAudio]
    assert gate.speaking


def test_a_gap_in_arrival_ends_speech_at_the_last_sample_that_came() -> None:
    gate = segmenter()
    events = play(gate, frames((VOICED, 1)))
    events += play(gate, frames((VOICED, 1)), start=START + 4)
    assert spans(events) == [(0.0, 1.0)]
    begun = [event.at for event in events if isinstance(event, SpeechStarted)]
    assert begun == pytest.approx([START, START + 4])


def test_a_leg_that_falls_silent_without_sending_silence_ends_its_speech_by_the_clock() -> None:
    gate = segmenter()
    play(gate, frames((VOICED, 1)))
    assert gate.idle(START + 1.4) == []
    (ended,) = gate.idle(START + 1.9)
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(START + 1.0)
    assert gate.idle(START + 3) == []


def test_closing_ends_what_is_being_said() -> None:
    gate = segmenter()
    play(gate, frames((VOICED, 1)))
    (ended,) = gate.close()
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(START + 1.0)
    assert gate.close() == []


def test_long_speech_ends_at_a_shorter_silence() -> None:
    events = play(segmenter(), frames((VOICED, 13), (QUIET, 0.2), (VOICED, 1), (QUIET, 1)))
    assert len(spans(events)) == 2


def test_endless_speech_is_cut_without_losing_or_repeating_a_sample() -> None:
    rules = SegmentRules(long_s=2, max_s=3)
    numbered = b"".join(struct.pack("<160H", *[1 + index % 60000] * 160) for index in range(500))
    gate = segmenter(rules)
    events = play(gate, numbered) + gate.close()
    assert b"".join(event.pcm for event in events if isinstance(event, SpeechAudio)) == numbered
    assert [round(end - begin, 2) for begin, end in spans(events)] == [3.0, 3.0, 3.0, 1.0]


def test_a_stall_of_the_network_is_laid_back_over_the_time_it_took_to_say() -> None:
    gate = segmenter()
    play(gate, frames((VOICED, 1)))
    late = frames((VOICED, 5))  # five seconds arrive at once, at second six
    events = gate.feed(late, START + 6.0)
    (audio,) = [event for event in events if isinstance(event, SpeechAudio)]
    assert audio.at == pytest.approx(START + 1.0)


@given(
    st.lists(
        st.tuples(st.sampled_from([VOICED, QUIET]), st.integers(1, 60), st.floats(0, 2), st.integers(0, 7)),
        max_size=30,
    )
)
def test_events_are_well_formed_whatever_arrives(parts: list[tuple[bytes, int, float, int]]) -> None:
    gate = segmenter(SegmentRules(long_s=1, max_s=2))
    now, sent, events = START, 0, []
    for frame, count, pause, odd in parts:
        pcm = frame * count + frame[: 2 * odd]
        now += pause + len(pcm) / 2 / RATE
        sent += len(pcm)
        events += gate.feed(pcm, now)
        events += gate.idle(now + 0.01)
    events += gate.close()
    speaking, heard, last = False, 0, START
    for event in events:
        assert event.at >= last - 0.03
        assert event.at <= now + 1e-3
        if isinstance(event, SpeechStarted):
            assert not speaking
            speaking = True
        elif isinstance(event, SpeechAudio):
            assert speaking
            heard += len(event.pcm)
            last = event.at
        else:
            assert speaking
            speaking = False
    assert not speaking
    assert heard <= sent
    assert gate.speech_s == pytest.approx(heard / 2 / RATE)


@given(st.lists(st.tuples(st.floats(0.001, 1), st.floats(0, 3)), min_size=1, max_size=60))
def test_time_never_runs_backwards_nor_ahead_of_arrival(blocks: list[tuple[float, float]]) -> None:
    clock, arrived, before = ArrivalClock(), START, -math.inf
    for seconds, wait in blocks:
        arrived += wait
        begin = clock.place(arrived, seconds)
        assert before <= begin <= arrived
        before = begin


def test_jitter_opens_no_gap() -> None:
    clock, noise = ArrivalClock(), random.Random(5)
    placed = [clock.place(START + 0.02 * (index + 1) + noise.random() * 0.05, 0.02) for index in range(500)]
    steps = [after - before for before, after in pairwise(placed)]
    assert max(steps) < 0.1
    assert placed[-1] == pytest.approx(START + 0.02 * 500, abs=0.1)


def test_the_real_detector_hears_a_buzz_and_ignores_silence() -> None:
    buzz = b"".join(
        struct.pack("<h", round(9000 * math.sin(index / 9) * (1 + math.sin(index / 200)) / 2))
        for index in range(RATE)
    )
    gate = Segmenter(RATE)
    assert play(gate, bytes(2 * RATE)) == []
    assert spans(play(gate, buzz + bytes(4 * RATE), start=START + 1)) != []


@pytest.mark.parametrize("rate", [0, 11025, 48000])
def test_a_rate_that_telephones_do_not_have_is_refused(rate: int) -> None:
    with pytest.raises(AsrSettingError, match=f"rate = {rate}"):
        Segmenter(rate)


@pytest.mark.parametrize(
    "rules",
    [{"frame_s": 0.025}, {"begin_frames": 9}, {"short_hangover_s": 2.0}, {"max_s": 1.0}],
)
def test_rules_that_cannot_work_are_refused(rules: dict[str, float]) -> None:
    with pytest.raises(AsrSettingError, match=next(iter(rules))):
        SegmentRules(**rules)  # type: ignore[arg-type]
