"""The calls that recognition and drafts are measured on fit together: text, audio, names and gold fields."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from asr.gazetteer import load_entries
from asr.text import numbers
from asr.wav_file import read_wav
from cti.bench import hotline_speech
from cti.bench.hotline_speech.render import alaw_wav, narrow, sentences

FOLDER = Path(hotline_speech.__file__).parent
CALLS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "calls.yaml").read_text("utf-8"))["calls"]


def citizen(call: dict[str, Any]) -> str:
    return "".join(text for text, _ in sentences(call))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: str(call["id"]))
def test_every_call_has_audio_about_as_long_as_its_text(call: dict[str, Any]) -> None:
    recording = read_wav(FOLDER / f"{call['id']}.wav")
    assert (recording.rate, len(recording.channels)) == (8000, 1)
    assert 0.15 < recording.seconds / len(citizen(call)) < 0.4


@pytest.mark.parametrize("call", CALLS, ids=lambda call: str(call["id"]))
def test_what_is_expected_was_said(call: dict[str, Any]) -> None:
    expect, said = call["expect"], numbers(citizen(call))
    phone = str(expect["phone"])
    assert phone == call["caller"] or phone.replace("-", "") in said.replace("，", "")
    assert expect["type"] in ("咨询", "求助", "投诉", "举报", "建议", "表扬")
    if expect.get("detail"):
        assert expect["detail"] in said or "，" in said


def test_every_listed_place_that_is_expected_lies_where_it_is_expected() -> None:
    with (FOLDER / "gazetteer.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    for call in CALLS:
        expect = call["expect"]
        if expect.get("street"):
            assert rows[expect["street"]]["parent"] == expect["district"]
        if expect.get("street") and expect.get("place") in rows:
            assert rows[expect["place"]]["parent"] == expect["street"]


def test_the_names_can_be_loaded_as_a_citys() -> None:
    assert len(load_entries(FOLDER / "gazetteer.csv")) > 290


def test_the_audio_is_small_enough_for_the_project() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.wav")) < 4_000_000


def test_a_telephone_line_carries_no_hum_and_no_hiss(tmp_path: Path) -> None:
    seconds = np.arange(24000) / 24000
    for hertz, carried in ((60, False), (1000, True), (3900, False)):
        heard = narrow((0.5 * np.sin(2 * np.pi * hertz * seconds)).astype(np.float32), 24000)
        assert (float(np.abs(heard[800:-800]).max()) > 0.1) is carried
    path = tmp_path / "a.wav"
    path.write_bytes(alaw_wav(np.zeros(801, np.float32)))
    assert read_wav(path).seconds == 801 / 8000
