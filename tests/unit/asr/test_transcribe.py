"""Recordings: what comes out of the audio of one or two speakers."""

from __future__ import annotations

from asr.messages import Speaker
from asr.text_reader import PlainReader
from asr.transcribe import Recording, as_segments, transcribe
from tests.support.scripted_speech import RATE, SECOND, ScriptedRecognisers, buzz

SPEECH = buzz(1.0)
QUIET = bytes(SECOND)


def test_two_channels_are_two_speakers_in_the_order_of_their_sentences() -> None:
    recording = Recording(
        rate=RATE,
        channels=(SPEECH * 2 + QUIET * 8, QUIET * 5 + SPEECH * 3 + QUIET * 2),
    )
    told = transcribe(recording, ScriptedRecognisers())
    assert [(each.speaker, each.verbatim) for each in told] == [
        (Speaker.CITIZEN, "话话"),
        (Speaker.AGENT, "话话话"),
    ]
    assert 0 <= told[0].start < 0.1
    assert 4.5 < told[1].start < 5.1


def test_segments_are_printed_to_the_millisecond() -> None:
    told = transcribe(
        Recording(rate=RATE, channels=(SPEECH * 2 + QUIET,)),
        ScriptedRecognisers(),
        reader=PlainReader(lambda text: f"{text}。"),
    )
    assert as_segments(told) == [
        {
            "start": 0.0,
            "end": 1.5,
            "speaker": "citizen",
            "text": "话话。",
            "verbatim": "话话",
            "confidence": 0.8,
        }
    ]


def test_a_silent_or_empty_recording_has_no_sentences() -> None:
    assert transcribe(Recording(rate=RATE, channels=(QUIET * 3, b"")), ScriptedRecognisers()) == []


def test_a_speaker_who_is_cut_off_by_the_end_is_heard() -> None:
    told = transcribe(Recording(rate=RATE, channels=(SPEECH * 2,)), ScriptedRecognisers())
    assert [each.verbatim for each in told] == ["话话"]
