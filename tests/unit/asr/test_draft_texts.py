"""How much is right on texts of our own: those the rules were written beside, and those kept aside."""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path

import pytest
import yaml

from asr.draft import DraftExtractor
from asr.draft_rules import DraftRules
from asr.draft_text import LONG, sentences
from asr.gazetteer import Gazetteer
from asr.messages import Line, Speaker
from asr.text import readable

HERE = Path(__file__).parent
NOW = datetime.datetime(2026, 11, 21, 17, 30)  # noqa: DTZ001 - a wall clock in the city
EXTRACTOR = DraftExtractor(DraftRules.load(), Gazetteer(()))


def lines(text: str) -> list[Line]:
    pieces = [readable(piece) for piece in sentences(text)]
    return [Line(speaker=Speaker.CITIZEN, text=piece, start=n, end=n + 1.0) for n, piece in enumerate(pieces)]


def shares(file: str) -> dict[str, float]:
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for _, kind, urgent, when, text in yaml.safe_load((HERE / file).read_text("utf-8")):
        found = {field.field: field.value for field in EXTRACTOR.extract(lines(text), caller="", now=NOW)}
        iso = found.get("time_iso", "")
        judged = {
            "type": found.get("type") == kind,
            "urgency": (found.get("urgency", "一般") != "一般") == urgent,
        }
        if when is not None:
            judged["time"] = iso.startswith(when) if when else not iso
        asked.update(judged.keys())
        right.update(name for name, good in judged.items() if good)
    return {name: right[name] / count for name, count in asked.items()}


@pytest.mark.parametrize("file", ["draft_texts.yaml", "draft_texts_unseen.yaml"])
def test_type_urgency_and_time_are_read_right(file: str) -> None:
    found = shares(file)
    assert found["type"] >= 0.92, found
    assert found["urgency"] >= 0.97, found
    assert found["time"] >= 0.92, found


def matters(text: str) -> list[str]:
    found = EXTRACTOR.matters(lines(text), caller="13900001111", now=NOW)
    return [next(f.value for f in fields if f.field == "type") for fields in found]


def test_a_second_matter_that_is_announced_is_told_apart() -> None:
    text = (
        "我要投诉我们小区楼下烧烤店油烟扰民，没有人管。还有一个事，我想咨询一下居民医保怎么缴费，需要什么材料"
    )
    assert matters(text) == ["投诉", "咨询"]


def test_more_of_the_same_is_no_second_matter() -> None:
    text = "我要投诉我们小区楼下烧烤店油烟扰民。另外他们油烟都排到楼道里，味道特别大"
    assert matters(text) == ["投诉"]


def test_all_matters_share_the_callers_number() -> None:
    text = "我要投诉楼下烧烤店油烟扰民，没有人管。还有一个事，我想咨询一下居民医保怎么缴费"
    found = EXTRACTOR.matters(lines(text), caller="13900001111", now=NOW)
    assert [{f.field: f.value for f in fields}["phone"] for fields in found] == ["13900001111"] * 2


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("我要投诉楼下的烧烤店，天天油烟扰民", "楼下的烧烤店"),
        ("我投诉福满家物业公司乱收费", "福满家物业公司"),
        ("我举报好又来超市，卖过期食品", "好又来超市"),
        ("请问公司注册需要什么材料", None),
    ],
)
def test_who_is_complained_about(text: str, subject: str | None) -> None:
    found = {f.field: f.value for f in EXTRACTOR.extract(lines(text), caller="", now=NOW)}
    assert found.get("subject") == subject


def test_a_long_sentence_without_a_full_stop_is_cut_at_commas() -> None:
    pieces = sentences("我们小区停水了，" * 40)
    assert all(len(piece) <= LONG for piece in pieces)
    assert "".join(pieces) == "我们小区停水了，" * 40


@pytest.mark.parametrize("text", ["", "。。。", "a" * 100_000, "停水了，" * 25_000, "0" * 100_000])
def test_any_length_has_an_outcome(text: str) -> None:
    assert len(EXTRACTOR.matters(lines(text), caller="", now=NOW)) >= 1
