"""Recordings through the real model: how much of the demo's speech is understood."""

from __future__ import annotations

import pytest
import yaml

from asr.messages import Speaker
from asr.transcribe import Recording, as_segments, read_wav, transcribe
from tests.support.speech import CITIZENS, error_rate, loaded_model

pytestmark = [pytest.mark.integration]


def spoken() -> dict[str, str]:
    """What each of the demo's audio files says."""
    scripts = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(CITIZENS.parent.glob("*.yaml"))]
    return {turn["audio"]: turn["text"] for script in scripts for turn in script["turns"]}


def test_most_of_the_demo_speech_is_understood() -> None:
    wrong = length = 0.0
    for name, text in list(spoken().items())[::4]:
        said = text.replace("12345", "一二三四五").replace("幺", "一")
        heard = "".join(each.verbatim for each in transcribe(read_wav(CITIZENS / name), loaded_model()))
        wrong += error_rate(said, heard) * len(said)
        length += len(said)
    assert wrong / length < 0.15


def test_a_stereo_recording_is_told_by_speaker_in_order() -> None:
    agent = read_wav(CITIZENS / "agent_hello.wav").channels[0]
    citizen = read_wav(CITIZENS / "water_outage_1.wav").channels[0]
    length = len(agent) + len(citizen)
    recording = Recording(
        rate=8000,
        channels=(bytes(len(agent)) + citizen, (agent + bytes(length))[:length]),
    )
    told = transcribe(recording, loaded_model())
    assert told[0].speaker is Speaker.AGENT
    assert {each.speaker for each in told[1:]} == {Speaker.CITIZEN}
    assert told[1].start >= len(agent) / 16_000 - 0.1
    assert told[-1].end <= recording.seconds


def test_a_recognised_recording_does_not_depend_on_what_was_heard_before() -> None:
    one = read_wav(CITIZENS / "water_outage_2.wav")
    other = read_wav(CITIZENS / "agent_hello.wav")
    first = transcribe(one, loaded_model())
    transcribe(other, loaded_model())
    again = transcribe(one, loaded_model())
    assert [(each["start"], each["end"]) for each in as_segments(again)] == [
        (each["start"], each["end"]) for each in as_segments(first)
    ]
    assert (
        error_rate(first[0].verbatim, again[0].verbatim) < 0.15
    )  # the engine adds a little noise of its own
