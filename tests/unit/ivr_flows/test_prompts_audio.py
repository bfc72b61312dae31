"""Recordings of any origin come out alike: 8 kHz, cut to the speech, at one loudness."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from ivr_flows.audio import LEVEL_DBFS, RATE, AudioError, Samples, encode_wav, read_wav, shape


def tone(rate: int, seconds: float, *, hertz: float = 440.0, level: float = 0.2) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def silence(rate: int, seconds: float) -> Samples:
    return np.zeros(int(rate * seconds), np.float32)


def power_db(samples: Samples) -> float:
    return float(10 * np.log10(np.square(samples).mean() + 1e-12))


def write(path: Path, samples: Samples, *, rate: int, width: int, channels: int = 1) -> Path:
    scaled = np.rint(np.repeat(samples, channels).astype(np.float64) * (2 ** (8 * width - 1) - 1))
    if width == 1:
        data = (scaled + 128).astype(np.uint8).tobytes()
    elif width == 3:
        data = scaled.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    else:
        data = scaled.astype(f"<i{width}").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


@pytest.mark.parametrize("rate", [8000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("level", [0.01, 0.9])
def test_loud_and_quiet_recordings_of_any_rate_get_the_same_level(rate: int, level: float) -> None:
    shaped = shape(tone(rate, 1, level=level), rate, fragment=True)
    assert power_db(shaped[RATE // 10 : RATE // 2]) == pytest.approx(LEVEL_DBFS, abs=0.3)


def test_silence_around_a_sentence_is_cut_to_a_breath() -> None:
    recording = np.concatenate((silence(48_000, 2), tone(48_000, 1), silence(48_000, 3)))
    assert len(shape(recording, 48_000, fragment=False)) / RATE == pytest.approx(1.28, abs=0.03)


def test_a_fragment_keeps_less_silence_than_a_sentence() -> None:
    recording = np.concatenate((silence(8000, 1), tone(8000, 1), silence(8000, 1)))
    fragment, sentence = (len(shape(recording, 8000, fragment=which)) / RATE for which in (True, False))
    assert fragment == pytest.approx(1.07, abs=0.03)
    assert fragment < sentence


def test_the_noise_of_a_quiet_room_is_cut_away() -> None:
    noise = np.random.default_rng(1).normal(0, 0.001, 48_000 * 3).astype(np.float32)
    noise[48_000:96_000] += tone(48_000, 1)
    assert len(shape(noise, 48_000, fragment=False)) / RATE == pytest.approx(1.28, abs=0.05)


def test_a_pause_inside_a_sentence_stays() -> None:
    recording = np.concatenate((tone(8000, 0.5), silence(8000, 0.8), tone(8000, 0.5)))
    assert len(shape(recording, 8000, fragment=True)) / RATE == pytest.approx(1.87, abs=0.03)


def test_sound_above_the_telephone_band_does_not_fold_into_it() -> None:
    shaped = shape(tone(48_000, 1, hertz=500) + tone(48_000, 1, hertz=5200), 48_000, fragment=True)
    spectrum = np.abs(np.fft.rfft(shaped))
    folded = int(2800 * len(shaped) / RATE)
    assert spectrum[folded - 20 : folded + 20].max() < spectrum.max() / 1000


def test_hum_of_the_mains_is_taken_out() -> None:
    shaped = shape(tone(8000, 1, hertz=500) + tone(8000, 1, hertz=50), 8000, fragment=True)
    spectrum = np.abs(np.fft.rfft(shaped))
    assert spectrum[: int(70 * len(shaped) / RATE)].max() < spectrum.max() / 100


def test_a_recording_of_clicks_is_not_driven_into_clipping() -> None:
    recording = tone(8000, 1, level=0.01)
    recording[4000:4010] = 1.0
    assert np.abs(shape(recording, 8000, fragment=True)).max() <= 0.8


def test_silence_is_refused() -> None:
    with pytest.raises(AudioError, match="no speech"):
        shape(silence(8000, 1), 8000, fragment=True)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_of_samples_is_read_alike(tmp_path: Path, width: int) -> None:
    original = tone(16_000, 0.5)
    samples, rate = read_wav(write(tmp_path / "in.wav", original, rate=16_000, width=width))
    assert rate == 16_000
    assert np.abs(samples - original).max() < 0.01


def test_two_channels_become_one(tmp_path: Path) -> None:
    original = tone(16_000, 0.5)
    samples, _ = read_wav(write(tmp_path / "in.wav", original, rate=16_000, width=2, channels=2))
    assert np.abs(samples - original).max() < 0.001


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    path.write_bytes(encode_wav(tone(RATE, 0.5)))
    samples, rate = read_wav(path)
    assert (rate, len(samples)) == (RATE, RATE // 2)


@pytest.mark.parametrize(
    ("rate", "seconds", "complaint"),
    [(4000, 1.0, "4000 Hz"), (8000, 0.05, "0.05 s"), (8000, 61.0, "61.00 s")],
)
def test_a_recording_of_unlikely_rate_or_length_is_refused(
    tmp_path: Path, rate: int, seconds: float, complaint: str
) -> None:
    path = write(tmp_path / "in.wav", tone(rate, seconds), rate=rate, width=2)
    with pytest.raises(AudioError, match=complaint):
        read_wav(path)


def test_what_is_not_a_recording_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "in.wav"
    path.write_bytes(b"ID3 this is an MP3")
    with pytest.raises(AudioError, match="save it as WAV"):
        read_wav(path)
    with pytest.raises(AudioError, match="no such file"):
        read_wav(tmp_path / "absent.wav")
