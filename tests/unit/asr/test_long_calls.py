"""A long call costs no more memory than a short one, and its times stay right."""

from __future__ import annotations

import tracemalloc

from asr.messages import Speaker, TranscriptFinal, TranscriptMessage
from asr.pipeline import Leg, LegPipeline
from tests.support.scripted_speech import RATE, SECOND, ScriptedRecognisers, buzz

START = 1_700_000_000.0
LEG = Leg(call_id="call", speaker=Speaker.CITIZEN, tap_id="tap")
MINUTE = (buzz(5.0) + bytes(5 * SECOND)) * 6
BLOCK = SECOND * 2 // 25


def minute(pipeline: LegPipeline, start: float, pcm: bytes = MINUTE) -> list[TranscriptMessage]:
    told: list[TranscriptMessage] = []
    for offset in range(0, len(pcm), BLOCK):
        block = pcm[offset : offset + BLOCK]
        told += pipeline.feed(block, start + (offset + len(block)) / SECOND)
    return told


def test_seven_minutes_of_talk_keep_no_more_than_two() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers())
    kept = []
    tracemalloc.start()
    try:
        for number in range(7):
            minute(pipeline, START + 60 * number)
            kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert kept[6] - kept[1] < 20_000


def test_one_speech_without_a_pause_keeps_no_more_than_a_short_one() -> None:
    engine = ScriptedRecognisers()
    pipeline = LegPipeline(LEG, RATE, engine)
    voice = buzz(30.0)
    kept = []
    tracemalloc.start()
    try:
        for number in range(4):
            minute(pipeline, START + 30 * number, voice)
            kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert engine.taken >= 4  # it was cut, so that no recogniser hears for ever
    assert kept[3] - kept[1] < 20_000


def test_after_four_hours_mostly_on_hold_words_are_still_placed_when_they_were_said() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers())
    speech = buzz(2.0) + bytes(SECOND)
    for talk in range(0, 4 * 3600, 60):  # once a minute somebody looks whether the caller is still there
        told = minute(pipeline, START + talk, speech)
        (final,) = [message for message in told if isinstance(message, TranscriptFinal)]
        assert START + talk - 0.1 <= final.start <= START + talk + 0.5
        assert final.segment == talk // 60
