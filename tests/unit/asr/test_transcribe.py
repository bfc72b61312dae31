"""Recordings: which files are taken, and what comes out."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

from asr.errors import AudioFileError
from asr.messages import Speaker
from asr.transcribe import Recording, as_segments, read_wav, transcribe
from tests.support.scripted_speech import RATE, SECOND, ScriptedRecognisers, buzz

SPEECH = buzz(1.0)
QUIET = bytes(SECOND)


def wav(path: Path, data: bytes, *, channels: int = 1, width: int = 2, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


def test_a_stereo_recording_is_the_citizen_left_and_the_agent_right(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", struct.pack("<6h", 1, -1, 2, -2, 3, -3), channels=2)
    assert read_wav(path).channels == (struct.pack("<3h", 1, 2, 3), struct.pack("<3h", -1, -2, -3))


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
        readable=lambda text: f"{text}。",
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


def test_a_rate_that_is_not_taken_is_named_with_the_file(tmp_path: Path) -> None:
    path = wav(tmp_path / "music.wav", bytes(400), channels=2, rate=44100)
    with pytest.raises(AudioFileError, match=r"music\.wav: 2 channels of 16 bits at 44100 Hz; expected"):
        read_wav(path)


def test_eight_bit_audio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="8 bits"):
        read_wav(wav(tmp_path / "a.wav", bytes(400), width=1))


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"not audio at all, but long enough to look at", b"RIFF\0\0\0\0WAVE"]
)
def test_a_file_that_is_no_wav_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(AudioFileError, match="not a PCM WAV file"):
        read_wav(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"gone\.wav: No such file"):
        read_wav(tmp_path / "gone.wav")


def test_a_file_cut_off_inside_a_sample_is_read_up_to_there(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", SPEECH, channels=2)
    path.write_bytes(path.read_bytes()[:-3])
    left, right = read_wav(path).channels
    assert len(left) == len(right) == len(SPEECH) // 2 - 2
