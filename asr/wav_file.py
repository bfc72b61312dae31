"""WAV files of every kind that telephone systems and recorders write, brought to what the recogniser takes.

The container is read here and not with the standard library's module, which knows no A-law, µ-law or float.
Chunks: "Multimedia Programming Interface and Data Specifications 1.0" (1991); the extensible format names its
kind in the first two bytes of its sub-format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from asr import g711
from asr.errors import AudioFileError
from asr.segment import RATES

MAX_S = 6 * 3600
"""Longer files are refused."""
MAX_BYTES = 4_000_000_000
"""Larger files are refused before they are read."""
LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000
WIDE_FROM = 12_000
"""Audio of at least so many Hz is heard at 16 kHz, other audio at 8 kHz."""

_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_LOOKED_AT = 1 << 20
_NOISE_LEVEL = 0.25
_SMOOTHER = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A WAV file's audio, one entry for each channel."""

    rate: int  # Hz
    channels: tuple[bytes, ...]  # 16-bit little-endian samples; of two, the citizen is the first

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.channels[0]) / 2 / self.rate


@dataclass(frozen=True, slots=True)
class _Format:
    kind: int
    channels: int
    rate: int
    bits: int

    def __str__(self) -> str:
        kind = {_PCM: "PCM", _FLOAT: "float", _A_LAW: "A-law", _MU_LAW: "µ-law"}.get(
            self.kind, f"format {self.kind}"
        )
        return f"{self.channels} channels of {self.bits} bits {kind} at {self.rate} Hz"


def read_wav(path: Path, rate: int | None = None) -> Recording:
    """Read a WAV file: PCM of 8 to 32 bits, float, A-law or µ-law, mono or stereo, 4 to 192 kHz.

    `rate` is the one at which the audio is wanted, 8000 or 16000 Hz; None: 8 and 16 kHz stay as they are,
    any other is brought to the nearer one.

    Raises:
        AudioFileError: naming the file, what it is and what it should be.
    """
    if rate is not None and rate not in RATES:
        raise AudioFileError(f"rate {rate}: expected 8000 or 16000")
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise AudioFileError(f"{path}: {error.strerror}") from error
    if size > MAX_BYTES:
        raise AudioFileError(f"{path}: {size} bytes; expected at most {MAX_BYTES}, cut the file")
    shape, data = _parse(path, content)
    if len(data) > MAX_S * shape.rate * shape.channels * shape.bits // 8:
        raise AudioFileError(f"{path}: longer than {MAX_S // 3600} hours; cut the file")
    whole = len(data) // (shape.channels * shape.bits // 8) * shape.channels
    samples = _samples(data[: whole * shape.bits // 8], shape).reshape(-1, shape.channels)
    wanted = rate or (shape.rate if shape.rate in RATES else RATES[shape.rate >= WIDE_FROM])
    channels = tuple(
        resampled(np.ascontiguousarray(samples[:, number]), shape.rate, wanted)
        for number in range(shape.channels)
    )
    for channel in channels:
        if _swapped(channel):
            raise AudioFileError(
                f"{path}: the two bytes of each sample are swapped (big-endian); save the file again as WAV"
            )
    return Recording(rate=wanted, channels=tuple(channel.tobytes() for channel in channels))


def resampled(samples: g711.Pcm, rate: int, wanted: int) -> g711.Pcm:
    """Return 16-bit samples of `rate` Hz as ones of `wanted` Hz."""
    if rate == wanted or not len(samples):
        return samples
    return np.asarray(soxr.resample(samples, rate, wanted, "HQ"), np.int16)


def _parse(path: Path, content: bytes) -> tuple[_Format, memoryview]:
    """Return what the samples are and the samples themselves; as far as the file goes."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise AudioFileError(f"{path}: not a WAV file; save the recording as WAV")
    shape: _Format | None = None
    for name, chunk in _chunks(memoryview(content)):
        if name == b"fmt " and len(chunk) >= 16:
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
            if kind == _EXTENSIBLE and len(chunk) >= 26:
                kind = struct.unpack_from("<H", chunk, 24)[0]
            shape = _Format(kind, channels, rate, bits)
        elif name == b"data" and shape is not None:
            _check(path, shape)
            return shape, chunk
    raise AudioFileError(f"{path}: not a whole WAV file, it has no samples; copy it again")


def _chunks(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    offset = 12
    while offset + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, offset)
        yield name, content[offset + 8 : offset + 8 + length]
        offset += 8 + length + length % 2


def _check(path: Path, shape: _Format) -> None:
    widths = {_PCM: (8, 16, 24, 32), _FLOAT: (32,), _A_LAW: (8,), _MU_LAW: (8,)}.get(shape.kind, ())
    if (
        shape.bits not in widths
        or shape.channels not in (1, 2)
        or not LOWEST_RATE <= shape.rate <= HIGHEST_RATE
    ):
        raise AudioFileError(
            f"{path}: {shape}; expected 1 or 2 channels of 8 to 32 bits PCM, 32 bits float, A-law or µ-law "
            f"at {LOWEST_RATE} to {HIGHEST_RATE} Hz"
        )


def _samples(data: memoryview, shape: _Format) -> g711.Pcm:
    """Return all channels' samples, interleaved, in 16 bits."""
    if shape.kind in (_A_LAW, _MU_LAW):
        return g711.decode(bytes(data), g711.Law.A if shape.kind == _A_LAW else g711.Law.MU)
    if shape.kind == _FLOAT:
        values = np.nan_to_num(np.frombuffer(data, "<f4"), nan=0.0, posinf=1.0, neginf=-1.0)
        scaled: g711.Pcm = np.rint(np.clip(values, -1, 1) * 32767).astype(np.int16)
        return scaled
    if shape.bits == 16:
        return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
    raw = np.frombuffer(data, np.uint8)
    if shape.bits == 8:  # the only unsigned one
        return (raw.astype(np.int16) - 128) << 8
    return _highest_bytes(raw, shape.bits // 8)


def _highest_bytes(raw: npt.NDArray[np.uint8], width: int) -> g711.Pcm:
    return (
        np.ascontiguousarray(raw.reshape(-1, width)[:, -2:]).view("<i2").ravel().astype(np.int16, copy=False)
    )


def _swapped(samples: g711.Pcm) -> bool:
    """Tell whether samples are noise as they are and smooth with their bytes swapped."""
    begin = samples[:_LOOKED_AT].astype(np.float32)
    swapped = samples[:_LOOKED_AT].byteswap().astype(np.float32)
    if len(begin) < 2:
        return False
    rough, smooth = float(np.abs(np.diff(begin)).mean()), float(np.abs(np.diff(swapped)).mean())
    return rough > _NOISE_LEVEL * 32768 and rough > _SMOOTHER * max(smooth, 1.0)
