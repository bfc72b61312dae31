"""WAV files: which are taken, at which rate they are heard, and what is said of the others."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from asr.errors import AudioFileError
from asr.g711 import Law, encode
from asr.wav_file import read_wav, resampled

RATE = 8000


def wav(path: Path, data: bytes, *, channels: int = 1, width: int = 2, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


def riff(path: Path, kind: int, bits: int, data: bytes, *, channels: int = 1, rate: int = RATE) -> Path:
    width = bits // 8 * channels
    chunk = struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, channels, rate, rate * width, width, bits)
    note = struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    body = b"WAVE" + chunk + note + struct.pack("<4sI", b"data", len(data)) + data
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(body)) + body)
    return path


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    wave_form = 12000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.asarray(np.rint(wave_form), np.int16)


def test_a_stereo_recording_is_the_citizen_left_and_the_agent_right(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", struct.pack("<6h", 1, -1, 2, -2, 3, -3), channels=2)
    assert read_wav(path).channels == (struct.pack("<3h", 1, 2, 3), struct.pack("<3h", -1, -2, -3))


@pytest.mark.parametrize(("kind", "law"), [(6, Law.A), (7, Law.MU)])
def test_telephone_samples_of_one_byte_are_taken(tmp_path: Path, kind: int, law: Law) -> None:
    path = riff(tmp_path / "a.wav", kind, 8, encode(tone(0.1, RATE), law))
    heard = np.frombuffer(read_wav(path).channels[0], "<i2")
    assert np.abs(heard - tone(0.1, RATE)).max() < 800


@pytest.mark.parametrize(
    ("kind", "bits", "data", "value"),
    [
        (1, 8, bytes([192]), 64 << 8),
        (1, 24, b"\x00\x34\x12", 0x1234),
        (1, 32, b"\x00\x00\xcc\xff", -52),
        (3, 32, struct.pack("<f", 0.5), 16384),
        (3, 32, struct.pack("<f", float("nan")), 0),
    ],
)
def test_samples_of_other_widths_become_sixteen_bits(
    tmp_path: Path, kind: int, bits: int, data: bytes, value: int
) -> None:
    assert np.frombuffer(read_wav(riff(tmp_path / "a.wav", kind, bits, data)).channels[0], "<i2")[0] == value


@pytest.mark.parametrize(("rate", "heard_at"), [(8000, 8000), (11025, 8000), (16000, 16000), (44100, 16000)])
def test_a_rate_of_its_own_is_kept_and_others_are_brought_near(
    tmp_path: Path, rate: int, heard_at: int
) -> None:
    recording = read_wav(wav(tmp_path / "a.wav", tone(1.0, rate).tobytes(), rate=rate))
    assert recording.rate == heard_at
    assert abs(recording.seconds - 1.0) < 0.01


def test_a_wide_file_can_be_heard_as_over_a_telephone(tmp_path: Path) -> None:
    low, high = tone(0.5, 16000, 500.0), tone(0.5, 16000, 6000.0)
    quiet = read_wav(wav(tmp_path / "high.wav", high.tobytes(), rate=16000), 8000)
    loud = read_wav(wav(tmp_path / "low.wav", low.tobytes(), rate=16000), 8000)
    assert (quiet.rate, loud.rate) == (8000, 8000)
    assert np.abs(np.frombuffer(quiet.channels[0], "<i2")[100:-100]).max() < 200
    assert np.abs(np.frombuffer(loud.channels[0], "<i2")).max() > 11000


def test_nothing_stays_nothing_at_any_rate() -> None:
    assert len(resampled(np.zeros(0, np.int16), 16000, 8000)) == 0


def test_swapped_bytes_are_noticed_before_anything_is_heard(tmp_path: Path) -> None:
    swapped = tone(1.0, RATE).byteswap().tobytes()
    with pytest.raises(AudioFileError, match="swapped"):
        read_wav(wav(tmp_path / "a.wav", swapped))


def test_noise_and_silence_are_not_taken_for_swapped_bytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-32768, 32767, RATE, np.int16)
    assert read_wav(wav(tmp_path / "a.wav", noise.tobytes())).channels[0] == noise.tobytes()
    assert read_wav(wav(tmp_path / "b.wav", bytes(2 * RATE))).seconds == 1.0


@pytest.mark.parametrize(
    ("kind", "bits", "channels", "rate"), [(2, 4, 1, RATE), (1, 16, 6, RATE), (1, 16, 1, 100)]
)
def test_what_cannot_be_taken_is_named_with_what_can(
    tmp_path: Path, kind: int, bits: int, channels: int, rate: int
) -> None:
    path = riff(tmp_path / "a.wav", kind, bits, bytes(400), channels=channels, rate=rate)
    with pytest.raises(AudioFileError, match=r"a\.wav: .* at \d+ Hz; expected"):
        read_wav(path)


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"not audio at all, but long enough to look at", b"RIFF\0\0\0\0WAVE"]
)
def test_a_file_that_is_no_wav_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(AudioFileError, match="WAV file"):
        read_wav(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"gone\.wav: No such file"):
        read_wav(tmp_path / "gone.wav")


def test_a_file_cut_off_inside_a_sample_is_read_up_to_there(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(1.0, RATE).tobytes(), channels=2)
    path.write_bytes(path.read_bytes()[:-3])
    left, right = read_wav(path).channels
    assert len(left) == len(right) == RATE - 2
