"""Pure tones: written to files that Asterisk plays, and found again in what it recorded."""

from __future__ import annotations

import array
import math
import wave
from pathlib import Path

RATE = 8000
"""Samples a second."""


def tone(hertz: float, seconds: float, amplitude: float = 0.3, rate: int = RATE) -> array.array[int]:
    """Return 16-bit samples of a sine."""
    return array.array(
        "h",
        (
            round(32767 * amplitude * math.sin(2 * math.pi * hertz * n / rate))
            for n in range(round(seconds * rate))
        ),
    )


def write_wav(path: Path, samples: array.array[int], rate: int = RATE) -> Path:
    """Write mono samples as a WAV (Asterisk wants 16 kHz ones to end in .wav16)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def read_sln(path: Path) -> array.array[int]:
    """Return the samples of a 16-bit mono file without header."""
    samples = array.array("h")
    samples.frombytes(path.read_bytes())
    return samples


def read_stereo(path: Path) -> tuple[array.array[int], array.array[int]]:
    """Return left and right of a 16-bit stereo WAV."""
    both = array.array("h")
    with wave.open(str(path), "rb") as file:
        both.frombytes(file.readframes(file.getnframes()))
    return both[0::2], both[1::2]


def strength(samples: array.array[int], hertz: float) -> float:
    """Return the amplitude (0 to 1) that a frequency holds for 600 ms in all (Goertzel, blocks of 100 ms).

    Shorter than that are the clicks where another tone begins or ends: they contain every frequency.
    """
    size = RATE // 10
    coefficient = 2 * math.cos(2 * math.pi * hertz / RATE)
    found: list[float] = []
    for start in range(0, len(samples) - size + 1, size):
        before, last = 0.0, 0.0
        for sample in samples[start : start + size]:
            before, last = last, sample + coefficient * last - before
        power = last * last + before * before - coefficient * last * before
        found.append(2 * math.sqrt(max(power, 0.0)) / size / 32767)
    return sorted(found, reverse=True)[5] if len(found) > 5 else 0.0
