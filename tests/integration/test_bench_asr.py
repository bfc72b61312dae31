"""`hotline bench asr` at its smallest: one call through the real workers, and through plain Vosk."""

from __future__ import annotations

from pathlib import Path

import pytest

from asr.model import SMALL_CN
from cti.bench.asr_audio import load_clips
from cti.bench.asr_clips import Ends, word_ends
from cti.bench.asr_sides import Plain, Side, Workers
from cti.bench.asr_trial import try_calls
from tests.support.asterisk import CACHE
from tests.support.loopback import LoopbackBlock
from tests.support.speech import found_model

pytestmark = [pytest.mark.integration]

SECONDS = 10.0


@pytest.fixture(scope="module")
def ends() -> Ends:
    """When each word of the clips ends: heard once for both sides, it takes longest."""
    return word_ends(found_model(), load_clips())


@pytest.mark.parametrize("side_name", ["hotline", "plain"])
async def test_the_words_of_a_call_are_found_and_timed(
    side_name: str, ends: Ends, valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    clips = load_clips()
    side: Side = (
        Workers(tmp_path, CACHE, valkey_url, loopback.address())
        if side_name == "hotline"
        else Plain(CACHE / "models" / SMALL_CN.name, loopback.address())
    )
    await side.start()
    try:
        trial = await try_calls(side, 1, SECONDS, clips, ends)
    finally:
        await side.stop()
    assert trial.words_found > 0.7
    assert (trial.dropped_s, trial.unfinished) == (0.0, 0)
    partial, final = trial.partial_ms["p50"], trial.final_ms["p50"]
    assert partial is not None
    assert final is not None
    assert 0 < partial < final
    assert trial.memory_mb > 100
    assert trial.cores > 0
    assert len(trial.texts) == 2
