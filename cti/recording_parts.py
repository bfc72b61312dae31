"""A few seconds of a recording as a WAV file, also while the call goes on.

During the call Asterisk writes two headerless files, one of each side; what is in them is what can be heard.
Asterisk writes in blocks, so the newest two seconds or so may not be there yet.
"""

from __future__ import annotations

import array
import io
import sys
import wave
from pathlib import Path

from asterisk_conf.recording import RATE, legs

__all__ = ["PART_MAX_S", "part_of_call", "part_of_file"]

PART_MAX_S = 60.0
"""Seconds that are cut out at once."""
_SAMPLE = 2
_SIDES = 2


def part_of_file(file: Path, start: float, end: float) -> bytes | None:
    """Return these seconds of a finished recording as WAV, None where it has none of them.

    Raises:
        OSError: the file cannot be read.
        wave.Error, EOFError: it is not a WAV file.
    """
    with wave.open(str(file), "rb") as recording:
        rate = recording.getframerate()
        first = min(round(start * rate), recording.getnframes())
        recording.setpos(first)
        frames = recording.readframes(max(0, round(end * rate) - first))
        return _wav(frames, recording.getnchannels(), rate) if frames else None


def part_of_call(base: Path, start: float, end: float) -> bytes | None:
    """Return these seconds of a call that is being recorded, citizen left; None where they are not there yet.

    Args:
        base: recordings folder and call id, as in `asterisk_conf.recording.legs`.

    Raises:
        OSError: a side cannot be read.
    """
    said, heard = (_samples(side, start, end) for side in legs(base))
    count = max(len(said), len(heard))
    if count == 0:
        return None
    both = array.array("h", bytes(_SIDES * count * _SAMPLE))
    both[0 : _SIDES * len(said) : _SIDES] = said
    both[1 : _SIDES * len(heard) + 1 : _SIDES] = heard
    if sys.byteorder == "big":
        both.byteswap()
    return _wav(both.tobytes(), _SIDES, RATE)


def _samples(side: Path, start: float, end: float) -> array.array[int]:
    samples = array.array("h")
    try:
        with side.open("rb") as file:
            file.seek(round(start * RATE) * _SAMPLE)
            data = file.read(max(0, round((end - start) * RATE)) * _SAMPLE)
    except FileNotFoundError:
        return samples
    samples.frombytes(data[: len(data) // _SAMPLE * _SAMPLE])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _wav(frames: bytes, channels: int, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(channels)
        made.setsampwidth(_SAMPLE)
        made.setframerate(rate)
        made.writeframes(frames)
    return file.getvalue()
