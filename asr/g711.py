"""Telephone samples in one byte: A-law and µ-law to and from 16 bits (ITU-T G.711)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]


class Law(StrEnum):
    """How one byte stands for a sample."""

    A = "A-law"
    MU = "µ-law"


def _a_law() -> Pcm:
    code = np.arange(256) ^ 0x55  # even bits are sent inverted
    exponent, mantissa = (code >> 4) & 7, (code & 15) << 4
    size = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int16)


def _mu_law() -> Pcm:
    code = ~np.arange(256) & 0xFF
    size = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


_VALUES: Mapping[Law, Pcm] = MappingProxyType({Law.A: _a_law(), Law.MU: _mu_law()})


def decode(data: bytes, law: Law) -> Pcm:
    """Return the 16-bit samples that the bytes stand for."""
    return _VALUES[law][np.frombuffer(data, np.uint8)]


def encode(samples: Pcm, law: Law) -> bytes:
    """Return one byte for each 16-bit sample, the one that stands for the nearest value."""
    values = _VALUES[law].astype(np.int32)
    order = np.argsort(values, kind="stable")
    middles = (values[order][1:] + values[order][:-1]) / 2
    return bytes(order[np.searchsorted(middles, samples)].astype(np.uint8))
