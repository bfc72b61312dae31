"""Recordings as the telephone plays them: read, shape, write.

Whatever a voice or a person recorded becomes 8 kHz mono PCM16, cut to the speech and brought to one
loudness, so that words from different recordings can stand in one sentence.
"""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.float32]
"""mono, full scale is 1.0"""

RATE = 8000
LEVEL_DBFS = -22.0
"""mean power of the speech itself, pauses left out (compare ITU-T P.56), dB relative to full scale"""
PEAK_DBFS = -2.0
HIGH_PASS_HZ = (80.0, 120.0)
"""below the first nothing passes, above the second everything"""

MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_SECONDS = 60.0
MIN_SECONDS = 0.1

_FRAME_S = 0.01
_LEAD_S = {False: 0.08, True: 0.03}
_TAIL_S = {False: 0.20, True: 0.04}
_FADE_S = 0.005


class AudioError(ValueError):
    """A recording that cannot be used; the message names the file, the value and the remedy."""


def read_wav(path: Path) -> tuple[Samples, int]:
    """Read a PCM WAV file of 8, 16, 24 or 32 bits; channels are averaged. Returns samples and rate in Hz.

    Raises `AudioError` when the file is too large, not PCM WAV, shorter than `MIN_SECONDS` or longer than
    `MAX_SECONDS`, or its rate is outside 8,000 to 192,000 Hz.
    """
    if not path.is_file():
        raise AudioError(f"{path}: there is no such file")
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        raise AudioError(f"{path}: {size} bytes; at most {MAX_FILE_BYTES} are read")
    try:
        with wave.open(str(path), "rb") as file:
            rate, width, channels, count = (
                file.getframerate(),
                file.getsampwidth(),
                file.getnchannels(),
                file.getnframes(),
            )
            data = file.readframes(count)
    except (wave.Error, EOFError) as error:
        raise AudioError(f"{path}: not a PCM WAV file ({error}); save it as WAV, 16 bits, mono") from error
    if not RATE <= rate <= 192_000:
        raise AudioError(f"{path}: {rate} Hz; record at 8,000 to 192,000 Hz, best at 48,000")
    data = data[: len(data) // (width * channels) * width * channels]
    seconds = len(data) / (width * channels) / rate
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise AudioError(f"{path}: {seconds:.2f} s long; it must last {MIN_SECONDS} to {MAX_SECONDS} s")
    return _decode(path, data, width).reshape(-1, channels).mean(axis=1, dtype=np.float32), rate


def _decode(path: Path, data: bytes, width: int) -> Samples:
    if width == 1:  # the only unsigned one
        return ((np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128).astype(np.float32)
    if width == 2:
        return (np.frombuffer(data, "<i2") / 2.0**15).astype(np.float32)
    if width == 3:
        low, middle, high = np.frombuffer(data, np.uint8).reshape(-1, 3).T.astype(np.int32)
        return ((high << 24 | middle << 16 | low << 8) / 2.0**31).astype(np.float32)
    if width == 4:
        return (np.frombuffer(data, "<i4") / 2.0**31).astype(np.float32)
    raise AudioError(f"{path}: {8 * width} bits a sample; save it with 16 bits")


def shape(samples: Samples, rate: int, *, fragment: bool) -> Samples:
    """Return a recording at 8 kHz: band-limited, cut to its speech, at `LEVEL_DBFS`.

    A `fragment` keeps almost no silence around it, because other words follow; a sentence keeps a breath.
    Raises `AudioError` when there is no speech in it.
    """
    narrow = _high_pass(soxr.resample(samples, rate, RATE, "VHQ").astype(np.float32))
    frame = int(RATE * _FRAME_S)
    power = np.square(narrow[: len(narrow) // frame * frame].reshape(-1, frame)).mean(axis=1)
    if not len(power) or power.max() < 1e-6:
        raise AudioError("there is no speech in the recording; it is silent or quieter than -60 dBFS")
    decibels = 10 * np.log10(power + 1e-12)
    speech = power[decibels > np.percentile(decibels, 95) - 20].mean()
    level = float(10 * np.log10(speech))
    # A quiet room is cut away even if it is louder than a synthesiser's silence, but never the speech.
    threshold = min(max(level - 40, float(np.percentile(decibels, 5)) + 8), level - 20)
    loud = np.flatnonzero(decibels > threshold)
    begin, end = int(loud[0]) * frame, (int(loud[-1]) + 1) * frame
    lead, tail = int(_LEAD_S[fragment] * RATE), int(_TAIL_S[fragment] * RATE)
    padded = np.concatenate((np.zeros(lead, np.float32), narrow, np.zeros(tail, np.float32)))
    cut: Samples = padded[begin : end + lead + tail] * np.float32(10 ** ((LEVEL_DBFS - level) / 20))
    fade = int(_FADE_S * RATE)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    cut[:fade] *= ramp
    cut[-fade:] *= ramp[::-1]
    ceiling = 10 ** (PEAK_DBFS / 20)
    peak = float(np.abs(cut).max())
    return cut * np.float32(ceiling / peak) if peak > ceiling else cut


def _high_pass(samples: Samples) -> Samples:
    spectrum = np.fft.rfft(samples)
    low, high = HIGH_PASS_HZ
    position = np.clip((np.fft.rfftfreq(len(samples), 1 / RATE) - low) / (high - low), 0, 1)
    gain = 0.5 - 0.5 * np.cos(np.pi * position)
    return np.fft.irfft(spectrum * gain, len(samples)).astype(np.float32)


def encode_wav(samples: Samples) -> bytes:
    """Return the bytes of an 8 kHz mono PCM16 WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
