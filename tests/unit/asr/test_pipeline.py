"""One leg's audio to its sentences: numbering, times, partial results."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import RecogniserError
from asr.messages import Speaker, TranscriptFinal, TranscriptMessage, TranscriptPartial
from asr.pipeline import Leg, LegPipeline, Timeline
from asr.text_reader import PlainReader
from tests.support.scripted_speech import RATE, SECOND, ScriptedRecognisers, buzz

START = 1_700_000_000.0
LEG = Leg(call_id="call-1", speaker=Speaker.CITIZEN, tap_id="tap-1")
SPEECH = buzz(1.0, RATE)
QUIET = bytes(SECOND)


def play(
    pipeline: LegPipeline, pcm: bytes, *, start: float = START, partials: bool = True
) -> list[TranscriptMessage]:
    told: list[TranscriptMessage] = []
    for offset in range(0, len(pcm), SECOND // 5):
        block = pcm[offset : offset + SECOND // 5]
        told += pipeline.feed(block, start + (offset + len(block)) / SECOND, partials=partials)
    return told


def finals(told: list[TranscriptMessage]) -> list[TranscriptFinal]:
    return [message for message in told if isinstance(message, TranscriptFinal)]


def partials(told: list[TranscriptMessage]) -> list[TranscriptPartial]:
    return [message for message in told if isinstance(message, TranscriptPartial)]


def test_each_speech_becomes_one_numbered_sentence() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers())
    told = finals(play(pipeline, SPEECH * 2 + QUIET + SPEECH * 3 + QUIET))
    assert [(each.segment, each.verbatim) for each in told] == [(0, "话话"), (1, "话话话")]
    assert {(each.call_id, each.speaker, each.tap_id) for each in told} == {
        ("call-1", Speaker.CITIZEN, "tap-1")
    }


def test_words_are_placed_when_they_were_said() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers())
    (said,) = finals(play(pipeline, QUIET + SPEECH * 2 + QUIET))
    begun = said.words[0].start
    assert START + 0.6 < begun < START + 1.1  # the preroll comes before the voice
    assert [round(word.start - begun, 2) for word in said.words] == [0, 1]
    assert (said.start, said.end) == (begun, said.words[-1].end)
    assert said.confidence == pytest.approx(0.8)


def test_a_sentence_after_a_pause_without_audio_keeps_the_time_of_its_arrival() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers())
    play(pipeline, SPEECH * 2)
    told = finals(play(pipeline, SPEECH * 2, start=START + 60) + pipeline.close())
    assert told[0].start < START + 1
    assert START + 60 <= told[1].start < START + 61


def test_partial_results_grow_and_name_the_sentence_they_belong_to() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers())
    shown = partials(play(pipeline, QUIET + SPEECH * 4))
    assert [each.text for each in shown] == ["话", "话话", "话话话", "话话话话"]
    assert {each.segment for each in shown} == {0}
    assert all(each.start < each.end <= START + 5.001 for each in shown)


def test_partial_results_can_be_left_out() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers())
    assert partials(play(pipeline, SPEECH * 4, partials=False)) == []


def test_the_engine_may_end_a_sentence_inside_one_speech() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers(sentence_s=2.0))
    told = finals(play(pipeline, SPEECH * 4 + SPEECH[: SECOND // 2] + QUIET))
    assert [each.segment for each in told] == [0, 1, 2][: len(told)]
    assert sum(len(each.verbatim) for each in told) >= 4
    assert all(before.end <= after.start for before, after in pairwise(told))


def test_a_partial_that_became_nothing_is_taken_back() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers(forgets=True))
    told = play(pipeline, SPEECH * 2 + QUIET)
    assert [each.text for each in partials(told)] == ["话", "话话", ""]
    assert finals(told) == []


def test_readable_text_stands_beside_what_was_heard() -> None:
    pipeline = LegPipeline(LEG, RATE, ScriptedRecognisers(), reader=PlainReader(lambda text: f"{text}。"))
    (said,) = finals(play(pipeline, SPEECH * 2 + QUIET))
    assert (said.text, said.verbatim) == ("话话。", "话话")


def test_every_recogniser_is_given_back() -> None:
    engine = ScriptedRecognisers()
    pipeline = LegPipeline(LEG, RATE, engine)
    play(pipeline, (SPEECH + QUIET) * 5)
    pipeline.close()
    assert (engine.taken, engine.returned) == (5, 5)


def test_after_a_failure_the_next_speech_is_heard_by_another_recogniser() -> None:
    engine = ScriptedRecognisers(fail=True)
    pipeline = LegPipeline(LEG, RATE, engine)
    with pytest.raises(RecogniserError):
        play(pipeline, SPEECH)
    assert pipeline.abandon() == []
    assert engine.forgotten == 1
    engine.fail = False
    told = finals(play(pipeline, SPEECH + QUIET + SPEECH * 2 + QUIET, start=START + 10))
    assert [each.segment for each in told][-1] == len(told) - 1
    assert told[-1].verbatim == "话话"


def test_silence_costs_no_recogniser() -> None:
    engine = ScriptedRecognisers()
    assert play(LegPipeline(LEG, RATE, engine), QUIET * 30) == []
    assert engine.taken == 0


@given(st.lists(st.tuples(st.floats(0, 0.3), st.floats(0.001, 2)), min_size=1, max_size=20))
def test_a_timeline_maps_every_piece_to_its_own_time(pieces: list[tuple[float, float]]) -> None:
    line, at, fed = Timeline(), START, 0.0
    expected = []
    for gap, seconds in pieces:
        at += gap
        line.add(at, seconds)
        expected.append((fed + seconds / 2, at + seconds / 2))
        at += seconds
        fed += seconds
    for middle, epoch in expected:
        assert line.epoch(middle) == pytest.approx(epoch, abs=0.002 * len(pieces))
