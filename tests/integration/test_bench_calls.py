"""`hotline bench calls` with a few real calls: both sides complete them all, and nothing is left behind."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from cti.bench import Recording, run
from tests.support.asterisk import CACHE

pytestmark = pytest.mark.integration


@pytest.fixture
def shared_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of the test's own with the cache that other runs have filled."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache").symlink_to(CACHE)
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))


@pytest.mark.usefixtures("shared_cache")
def test_a_short_run_completes_every_call_on_both_sides() -> None:
    before = set(Path(tempfile.gettempdir()).glob("hlbench-*"))
    said: list[object] = []
    options = {"rate": 4.0, "seconds": 2.0, "rounds": 1, "recording": Recording.BOTH}
    assert run("calls", options, as_object=True, say=said.append) == 0
    told = json.loads(str(said[0]))
    phases = {phase["side"]: phase for phase in told["details"]["phases"]}
    assert len(said) == 1
    assert set(phases) == {"plain", "hotline"}
    for phase in phases.values():
        assert (phase["calls"]["offered"], phase["calls"]["completed"]) == (8, 8)
        assert phase["calls"]["talking_ms"]["p50"] >= phase["calls"]["answer_ms"]["p50"]
    assert {"asterisk", "plain asterisk", "serve", "valkey", "sipp agents", "sipp citizens"} <= set(
        phases["hotline"]["processes"]
    )
    assert told["details"]["failed"] == 0
    assert told["aim_met"] is False  # the aim is about 50 calls a second
    assert set(Path(tempfile.gettempdir()).glob("hlbench-*")) <= before
