"""From the two files that Asterisk writes per call to one stereo file.

MixMonitor can write stereo by itself (option D), but it forgets to resample: one prompt or codec of more
than 8 kHz during the call and the rest of such a file is noise. Its two one-sided files are resampled and
stay in step to the frame, silence included, so they are joined when the call is over.
"""

from __future__ import annotations

import array
import io
import sys
import wave
from pathlib import Path
from typing import IO

from asterisk_conf.errors import RecordingError

RATE = 8000
"""Samples a second."""
CITIZEN = "-citizen.sln"
"""Ending of the file with what the citizen says: 16-bit little-endian mono, no header."""
HEARD = "-heard.sln"
"""Ending of the file with what the citizen hears, of the same kind."""

_CHUNK_SAMPLES = 1 << 16
_SAMPLE_BYTES = 2


def legs(base: Path) -> tuple[Path, Path]:
    """Return the files of what the citizen says and hears; ``base`` is the channel variable HL_RECORDING."""
    return base.with_name(base.name + CITIZEN), base.with_name(base.name + HEARD)


def join(base: Path, target: Path) -> float:
    """Write a stereo WAV (8 kHz, 16 bit) and return its seconds.

    Left is what the citizen says, right what the citizen hears. The shorter side goes on in silence. The
    target appears when it is whole; the two files stay.

    Args:
        base: the channel variable HL_RECORDING.
        target: the WAV; an older one is replaced.

    Raises:
        RecordingError: neither side exists, or a file cannot be read or written.
    """
    left, right = legs(base)
    partial = target.with_name(f".{target.name}.partial")
    if not left.exists() and not right.exists():
        raise RecordingError(f"{base.name}: nothing was recorded; look at Asterisk's log")
    samples = 0
    try:
        with _opened(left) as citizen, _opened(right) as heard, wave.open(str(partial), "wb") as wav:
            wav.setnchannels(2)
            wav.setsampwidth(_SAMPLE_BYTES)
            wav.setframerate(RATE)
            while True:
                said, listened = _read(citizen), _read(heard)
                count = max(len(said), len(listened))
                if count == 0:
                    break
                both = array.array("h", bytes(2 * count * _SAMPLE_BYTES))
                both[0 : 2 * len(said) : 2] = said
                both[1 : 2 * len(listened) + 1 : 2] = listened
                wav.writeframesraw(both.tobytes())
                samples += count
        partial.replace(target)
    except OSError as error:
        raise RecordingError(
            f"{base.name}: {error.strerror}; look at the recordings folder's disk"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return samples / RATE


def _opened(side: Path) -> IO[bytes]:
    """Open one side; one that is absent is silence."""
    return side.open("rb") if side.exists() else io.BytesIO()


def _read(file: IO[bytes]) -> array.array[int]:
    data = file.read(_CHUNK_SAMPLES * _SAMPLE_BYTES)
    samples = array.array("h")
    samples.frombytes(data[: len(data) // _SAMPLE_BYTES * _SAMPLE_BYTES])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples
