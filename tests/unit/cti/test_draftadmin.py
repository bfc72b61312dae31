"""`hotline draft`: every line in order, bad ones named, similar ones found in the same file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr.classify import Classifier
from asr.taxonomy import Taxonomy
from cti import draftargs
from cti.draftadmin import DraftFailed, draft

GAZETTEER = "name,kind,parent\n城东区,district,\n新华街道,street,城东区\n阳光花园,estate,新华街道\n"
WATER = "阳光花园从昨天晚上十点停水到现在，没有人来修，电话幺三七二零六八五四九幺"


def run(
    folder: Path, *rows: str, more: tuple[str, ...] = (), known: Callable[[], Classifier] = Classifier
) -> tuple[int, list[dict[str, Any]]]:
    (folder / "names.csv").write_text(GAZETTEER, "utf-8")
    (folder / "in.jsonl").write_text("\n".join(rows), "utf-8")
    parser = argparse.ArgumentParser()
    draftargs.arguments(parser)
    names = () if "--gazetteer" in more else ("--gazetteer", str(folder / "names.csv"))
    options = parser.parse_args(
        ["--jsonl", str(folder / "in.jsonl"), "--now", "2026-11-21T17:30:00+08:00", *names, *more]
    )
    told: list[object] = []
    status = draft(
        options, city=lambda: folder / "names.csv", known=known, say=told.append, tell=lambda _: None
    )
    return status, [json.loads(str(line)) for line in told]


def row(key: str, text: str, **more: str) -> str:
    return json.dumps({"id": key, "text": text, **more}, ensure_ascii=False)


def test_categories_are_the_desks_where_no_taxonomy_is_given(tmp_path: Path) -> None:
    desk = Classifier(Taxonomy.of([("row 1", ("自来水",), ("停水",)), ("row 2", ("工资",), ("欠薪",))]))
    (tmp_path / "names2.csv").write_text("level1,level2\n水务,停水\n薪酬,欠薪\n", "utf-8")

    _, (own,) = run(tmp_path, row("a", WATER), known=lambda: desk)
    _, (given,) = run(
        tmp_path, row("a", WATER), more=("--taxonomy", str(tmp_path / "names2.csv")), known=lambda: desk
    )

    assert own["level1"]["value"] == "自来水"
    assert given["level1"]["value"] == "水务"


def test_a_line_has_every_field_with_value_source_and_confidence(tmp_path: Path) -> None:
    status, (line,) = run(tmp_path, row("a", WATER, caller="13900001111"))
    assert status == 0
    wanted = {
        "type": "求助",
        "level1": "城乡建设",
        "district": "城东区",
        "street": "新华街道",
        "place": "阳光花园",
        "phone": "13720685491",
        "time_text": "昨天晚上10点",
        "time_iso": "2026-11-20T22:00:00+08:00",
        "urgent": True,
    }
    assert {name: line[name]["value"] for name in wanted} == wanted
    for name in (
        "type",
        "level1",
        "level2",
        "level3",
        "detail",
        "subject",
        "contact_name",
        "title",
        "summary",
    ):
        assert {"value", "source", "confidence"} <= line[name].keys()
    assert line["id"] == "a" and line["units"] and line["similar"] == [] and line["others"] == []


def test_a_bad_line_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    status, lines = run(tmp_path, row("a", WATER), "no json", '{"id": "b"}', row("c", ""))
    assert status == 1
    assert [line["id"] for line in lines] == ["a", None, "b", "c"]
    assert "error" in lines[1] and "neither text nor segments" in lines[2]["error"]
    assert lines[3]["type"]["value"] == ""


def test_a_transcript_tells_the_seconds_of_its_fields(tmp_path: Path) -> None:
    segments = [
        {"start": 1.0, "end": 3.5, "speaker": "citizen", "text": "阳光花园停水了", "confidence": 0.9},
        {"start": 4.0, "end": 5.0, "speaker": "agent", "text": "城西区吗"},
    ]
    _, (line,) = run(tmp_path, json.dumps({"file": "x.wav", "segments": segments}, ensure_ascii=False))
    assert (line["id"], line["place"]["value"], line["place"]["audio"]) == ("x.wav", "阳光花园", [1.0, 3.5])


def test_lines_about_the_same_matter_name_one_another(tmp_path: Path) -> None:
    rows = [row("a", WATER), row("b", "请问医保怎么缴费"), row("c", "阳光花园停水了，从昨晚停水到现在没人修")]
    _, lines = run(tmp_path, *rows)
    assert [one["value"] for one in lines[0]["similar"]][:1] == ["c"]
    assert [one["value"] for one in lines[2]["similar"]][:1] == ["a"]


def test_without_any_names_the_rest_is_still_drafted(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("name,kind,parent\n", "utf-8")
    status, (line,) = run(tmp_path, row("a", WATER), more=("--gazetteer", str(empty)))
    assert (status, line["type"]["value"], line["district"]["value"]) == (0, "求助", "")


def test_a_taxonomy_that_lists_a_name_twice_is_refused_with_its_place(tmp_path: Path) -> None:
    twice = tmp_path / "twice.csv"
    twice.write_text("level1,level2,level3\n甲,乙,丙\n甲,乙,丙\n", "utf-8")
    with pytest.raises(DraftFailed, match="already stands"):
        run(tmp_path, row("a", WATER), more=("--taxonomy", str(twice)))
