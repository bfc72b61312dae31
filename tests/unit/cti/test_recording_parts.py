"""Seconds cut out of recordings, finished and growing."""

from __future__ import annotations

import array
import io
import wave
from pathlib import Path

from cti.recording_parts import part_of_call, part_of_file

RATE = 8000


def side(path: Path, *seconds: int) -> None:
    """Write a headerless file whose n-th second holds this sample again and again."""
    samples = array.array("h", [value for value in seconds for _ in range(RATE)])
    path.write_bytes(samples.tobytes())


def heard(sound: bytes | None) -> tuple[int, list[int]]:
    """Channels of a WAV file and the different samples in it, in their order."""
    assert sound is not None
    with wave.open(io.BytesIO(sound)) as file:
        assert file.getframerate() == RATE
        samples = array.array("h", file.readframes(file.getnframes()))
        return file.getnchannels(), list(dict.fromkeys(samples))


def test_seconds_of_a_call_that_goes_on_have_both_sides(tmp_path: Path) -> None:
    side(tmp_path / "c1-citizen.sln", 1, 2, 3)
    side(tmp_path / "c1-heard.sln", 11, 12, 13)
    assert heard(part_of_call(tmp_path / "c1", 1.0, 2.0)) == (2, [2, 12])


def test_a_side_that_is_behind_is_silence(tmp_path: Path) -> None:
    side(tmp_path / "c1-citizen.sln", 1, 2)
    side(tmp_path / "c1-heard.sln", 11)
    assert heard(part_of_call(tmp_path / "c1", 1.0, 2.0)) == (2, [2, 0])


def test_seconds_that_are_not_there_yet_are_none(tmp_path: Path) -> None:
    side(tmp_path / "c1-citizen.sln", 1)
    assert part_of_call(tmp_path / "c1", 5.0, 6.0) is None
    assert part_of_call(tmp_path / "c2", 0.0, 1.0) is None


def test_a_sample_that_is_half_written_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "c1-citizen.sln").write_bytes(b"\x01\x00\x02")
    assert heard(part_of_call(tmp_path / "c1", 0.0, 1.0)) == (2, [1, 0])


def test_seconds_of_a_finished_recording_are_cut_out(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "c1.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for second in (1, 2, 3):
            file.writeframes(array.array("h", [second, second + 10] * RATE).tobytes())
    assert heard(part_of_file(tmp_path / "c1.wav", 1.5, 2.5)) == (2, [2, 12, 3, 13])
    assert part_of_file(tmp_path / "c1.wav", 3.5, 4.0) is None
