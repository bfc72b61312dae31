"""Pure tones: written to files that Asterisk plays, and found again in what it recorded."""

from __future__ import annotations

import array
import math
import wave
from pathlib import Path

RATE = 8000
"""Samples a second."""


def tone(hertz: float, seconds: float, amplitude: float = 0.3) -> array.array[int]:
    """Return 16-bit samples of a sine."""
    return array.array(
        "h",
        (
            round(32767 * amplitude * math.sin(2 * math.pi * hertz * n / RATE))
            for n in range(round(seconds * RATE))
        ),
    )


def write_wav(path: Path, samples: array.array[int]) -> Path:
    """Write mono samples as an 8 kHz WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def stereo(path: Path) -> tuple[array.array[int], array.array[int]]:
    """Return left and right of an interleaved 16-bit file without header."""
    both = array.array("h")
    data = path.read_bytes()
    both.frombytes(data[: len(data) // 4 * 4])
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
