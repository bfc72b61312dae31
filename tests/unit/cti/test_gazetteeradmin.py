"""`hotline gazetteer`: importing, again and again, and refusing as a whole."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from cti.gazetteeradmin import DEMO_CITY, GazetteerRefused, arguments, city_file, gazetteer
from cti.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path / "home"))
    return load(instance="main", file=None)


def run(settings: Settings, *words: str) -> tuple[int, list[str]]:
    parser = argparse.ArgumentParser()
    arguments(parser)
    said: list[str] = []
    status = gazetteer(settings, parser.parse_args(words), lambda line: said.append(str(line)))
    return status, said


def own(tmp_path: Path, *rows: str) -> str:
    path = tmp_path / "own.csv"
    path.write_text("\n".join(("name,kind,parent,lon,lat,aliases", *rows)) + "\n", "utf-8")
    return str(path)


def test_divisions_and_own_names_become_the_citys_file(settings: Settings, tmp_path: Path) -> None:
    assert city_file(settings) == DEMO_CITY
    run(settings, "import", "430100", own(tmp_path, "翠竹花园,estate,文艺路街道,113,28.2,"))
    assert city_file(settings) == settings.home / "gazetteer.csv"
    _, said = run(settings, "find", "文艺录接到的翠竹花园", "--json")
    assert [json.loads(line)["name"] for line in said] == ["文艺路街道", "翠竹花园"]


def test_the_same_import_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    names = own(tmp_path, "翠竹花园,estate,文艺路街道")
    run(settings, "import", "430100", names)
    before = city_file(settings).read_bytes()
    _, said = run(settings, "import", "430100", names)
    assert city_file(settings).read_bytes() == before
    assert "新增 0，修改 0，移除 0" in said


def test_a_later_file_adds_to_what_is_there(settings: Settings, tmp_path: Path) -> None:
    run(settings, "import", own(tmp_path, "甲区,district", "翠竹花园,estate,甲区"))
    _, said = run(settings, "import", own(tmp_path, "甲区,district", "翠竹花园,estate,甲区,113,28.2,翠竹苑"))
    assert "新增 0，修改 1，移除 0" in said


def test_a_dry_run_writes_nothing(settings: Settings, tmp_path: Path) -> None:
    run(settings, "import", own(tmp_path, "甲区,district"), "--dry-run")
    assert not (settings.home / "gazetteer.csv").exists()


def test_a_wrong_row_refuses_the_whole_file(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(GazetteerRefused, match=r"own\.csv: line 3: parent of 翠竹花园 is '无街道'"):
        run(settings, "import", own(tmp_path, "甲区,district", "翠竹花园,estate,无街道"))
    assert not (settings.home / "gazetteer.csv").exists()


def test_nothing_to_import_is_said(settings: Settings) -> None:
    with pytest.raises(GazetteerRefused, match="give a city's code"):
        run(settings, "import")


def test_a_name_in_no_list_is_not_found(settings: Settings, tmp_path: Path) -> None:
    run(settings, "import", own(tmp_path, "甲区,district"))
    assert run(settings, "find", "乙区") == (1, ["没有找到"])
