"""The real speech model and real speech, for tests that recognise; skipped where the model cannot be had."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from asr.errors import NoModel
from asr.model import FoundModel, find_model
from asr.recogniser import VoskRecognisers, load_model
from tests.support.asterisk import CACHE

CITIZENS = Path(__file__).parents[2] / "cti" / "demo" / "citizens" / "audio"
"""Synthesised speech of the demo's citizens and agents: 8 kHz WAV."""


@functools.cache
def found_model() -> FoundModel:
    """The model in the cache, fetched on the first run; the test is skipped where it cannot be had."""
    try:
        return find_model(None, CACHE)
    except NoModel as error:
        pytest.skip(f"no speech model: {error}")


@functools.cache
def loaded_model() -> VoskRecognisers:
    """The model in this process."""
    return load_model(found_model())


def error_rate(expected: str, heard: str) -> float:
    """Return the character error rate: edit distance by the length of what was said; signs do not count."""
    said, got = ("".join(sign for sign in text if sign.isalnum()) for text in (expected, heard))
    row = list(range(len(got) + 1))
    for count, sign in enumerate(said, 1):
        before, row[0] = row[0], count
        for index, other in enumerate(got, 1):
            before, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, before + (sign != other))
    return row[-1] / max(len(said), 1)
