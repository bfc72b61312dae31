"""`hotline transcribe` from outside: the hotline's own calls in, one JSON line a file out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cti.bench import hotline_speech
from tests.support.asterisk import CACHE
from tests.support.speech import found_model

pytestmark = [pytest.mark.integration]

SPEECH = Path(hotline_speech.__file__).parent
ROOT = Path(__file__).parents[2]


def hotline(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    environment |= {"HOTLINE_HOME": str(home), "HOTLINE_CACHE": str(CACHE), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "cti", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_files_are_read_with_the_citys_names_and_a_bad_one_keeps_no_other_from_it(tmp_path: Path) -> None:
    found_model()
    bad = tmp_path / "note.wav"
    bad.write_text("这不是录音", encoding="utf-8")
    files = [SPEECH / "power_cut.wav", bad, SPEECH / "rural_subsidy.wav"]
    done = hotline(
        *("transcribe", *map(str, files), "--gazetteer", str(SPEECH / "gazetteer.csv")),
        *("--rate", "8000", "--json"),
        home=tmp_path,
    )
    assert done.returncode == 1
    assert "note.wav: not a WAV file" in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["file"]).stem for line in lines] == ["power_cut", "rural_subsidy"]
    power, subsidy = ("".join(segment["text"] for segment in line["segments"]) for line in lines)
    assert "18960153382" in power
    assert "渔港新村" in power
    assert "清源县枫树镇" in subsidy
    for segment in lines[0]["segments"]:
        assert list(segment) == ["start", "end", "speaker", "text", "verbatim", "confidence"]
        assert segment["text"][-1] in "，。？"


def test_a_folder_that_is_no_model_is_named_with_the_remedy(tmp_path: Path) -> None:
    done = hotline(
        "transcribe", str(SPEECH / "power_cut.wav"), "--model", str(tmp_path / "none"), home=tmp_path
    )
    assert done.returncode == 1
    assert str(tmp_path / "none") in done.stderr
    assert "recognition.model" in done.stderr
