"""`hotline bench answer` finds where the agent's tone begins in what the citizen hears."""

from __future__ import annotations

import numpy
import pytest

from cti.bench.answer import RATE, onset
from cti.bench.browser import HERTZ


def sound(*pieces: tuple[float, float], noise: float = 0.0) -> bytes:
    """Pieces of a tone, each as hertz (0: silence) and seconds, with noise over all."""
    parts = [
        8000 * numpy.sin(2 * numpy.pi * hertz * numpy.arange(round(s * RATE)) / RATE) for hertz, s in pieces
    ]
    whole = numpy.concatenate(parts)
    whole += noise * numpy.random.default_rng(1).standard_normal(len(whole))
    return bytes(whole.astype("<i2").tobytes())


@pytest.mark.parametrize("before", [0.0, 0.25, 3.07])
def test_the_tone_begins_where_it_begins_to_the_hundredth_of_a_second(before: float) -> None:
    found = onset(sound((0, before), (HERTZ, 1.0), noise=50.0))
    assert found == pytest.approx(before, abs=0.0101)


def test_ringing_and_music_before_it_are_not_the_tone() -> None:
    assert onset(sound((450, 1.0), (700, 0.5), (HERTZ, 0.5))) == pytest.approx(1.5, abs=0.0101)


def test_a_click_at_its_pitch_is_not_the_tone_and_silence_has_none() -> None:
    assert onset(sound((0, 0.3), (HERTZ, 0.05), (0, 0.3))) is None
    assert onset(sound((0, 1.0), noise=50.0)) is None
