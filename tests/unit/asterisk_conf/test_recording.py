"""Two one-sided files become one stereo file."""

from __future__ import annotations

import array
import wave
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asterisk_conf import recording
from asterisk_conf.errors import RecordingError
from asterisk_conf.recording import RATE, join, legs

samples = st.lists(st.integers(-32768, 32767), max_size=300)


def write(file: Path, values: list[int]) -> None:
    """Write samples as Asterisk does."""
    file.write_bytes(b"".join(value.to_bytes(2, "little", signed=True) for value in values))


def read(file: Path) -> tuple[list[int], list[int]]:
    """Return left and right."""
    with wave.open(str(file), "rb") as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (2, 2, RATE)
        both = array.array("h", wav.readframes(wav.getnframes()))
    return list(both[0::2]), list(both[1::2])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(said=samples, heard=samples, chunk=st.integers(1, 64))
def test_each_side_keeps_its_samples_and_the_shorter_goes_on_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[int], heard: list[int], chunk: int
) -> None:
    monkeypatch.setattr(recording, "_CHUNK_SAMPLES", chunk)
    base = tmp_path / "node1-1.5"
    citizen, other = legs(base)
    write(citizen, said)
    write(other, heard)
    seconds = join(base, tmp_path / "call.wav")
    length = max(len(said), len(heard))
    left, right = read(tmp_path / "call.wav")
    assert seconds == length / RATE
    assert left == said + [0] * (length - len(said))
    assert right == heard + [0] * (length - len(heard))


def test_a_side_that_is_absent_is_silence(tmp_path: Path) -> None:
    write(legs(tmp_path / "call")[1], [5, 6])
    join(tmp_path / "call", tmp_path / "call.wav")
    assert read(tmp_path / "call.wav") == ([0, 0], [5, 6])


def test_half_a_sample_at_the_end_is_left_out(tmp_path: Path) -> None:
    said, heard = legs(tmp_path / "call")
    said.write_bytes(b"\x01\x00\x02")
    heard.write_bytes(b"")
    join(tmp_path / "call", tmp_path / "call.wav")
    assert read(tmp_path / "call.wav") == ([1], [0])


def test_a_call_of_which_nothing_was_recorded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="call: nothing was recorded"):
        join(tmp_path / "call", tmp_path / "call.wav")
    assert list(tmp_path.iterdir()) == []


def test_the_two_files_stay_and_nothing_else_is_left(tmp_path: Path) -> None:
    for leg in legs(tmp_path / "call"):
        write(leg, [1, 2, 3])
    join(tmp_path / "call", tmp_path / "call.wav")
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["call-citizen.sln", "call-heard.sln", "call.wav"]
