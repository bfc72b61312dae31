"""The rules are data, checked when they are loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from asr.draft_rules import Cue, DraftRules, RulesError


def load(folder: Path, *, rules: str | None = None, categories: str | None = None) -> DraftRules:
    paths: list[Path | None] = []
    for name, content in (("rules.yaml", rules), ("categories.yaml", categories)):
        if content is None:
            paths.append(None)
            continue
        path = folder / name
        path.write_text(content, "utf-8")
        paths.append(path)
    return DraftRules.load(*paths)


def test_the_rules_that_come_with_the_product_are_sound() -> None:
    rules = DraftRules.load()
    assert {rule.name for rule in rules.types} == {"咨询", "求助", "投诉", "举报", "建议", "表扬"}
    assert len(rules.categories) >= 40
    assert [rule.level for rule in rules.urgency] == sorted(
        (rule.level for rule in rules.urgency), key=["特急", "紧急"].index
    )


def test_another_taxonomy_takes_its_place(tmp_path: Path) -> None:
    rules = load(
        tmp_path,
        categories="- name: 甲\n  children:\n  - {name: 乙, matter: 丙, cues: [丁丁], hints: [戊]}\n",
    )
    assert [category.path for category in rules.categories] == ["甲/乙"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("types: {吐槽: {said: [x]}}\nurgency: []", "types has the key '吐槽'; known keys are 咨询"),
        ("types: {投诉: {sed: [x]}}\nurgency: []", "types.投诉 has the key 'sed'"),
        ("types: {投诉: {said: x}}\nurgency: []", "types.投诉.said is 'x'; write a list"),
        ("types: {投诉: {said: [7]}}\nurgency: []", r"types.投诉.said\[0\] is 7; write words"),
        ("types: {投诉: {said: ['*坏']}}\nurgency: []", "put \\* only between words"),
        (
            "types: {}\nurgency: [{name: a, level: 急, all: [[x]]}]",
            r"urgency\[0\].level is '急'; write one of",
        ),
        ("types: {}\nurgency: [{name: a, level: 紧急, all: []}]", r"urgency\[0\].all is empty"),
        ("types: {}\nurgency: [{name: a, level: 紧急, all: [[]]}]", r"urgency\[0\].all is empty"),
        ("types: {}\nurgency: [{level: 紧急, all: [[x]]}]", r"urgency\[0\].name is None"),
        ("types: {}\n", "urgency is None"),
        ("[", "not YAML"),
    ],
)
def test_wrong_rules_name_file_key_value_and_remedy(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(RulesError, match=message) as caught:
        load(tmp_path, rules=content)
    assert "rules.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- {name: 甲}", "甲.children is None"),
        ("- {name: 甲, children: [{name: 乙, cues: [x]}]}", r"甲.children\[0\].matter is None"),
        (
            "- {name: 甲, children: [{name: 乙, matter: 丙, cues: [丁], matters: {戊: 己}}]}",
            r"matters has the key '戊'; known keys are 丁",
        ),
        (
            "- {name: 甲, children: [&a {name: 乙, matter: 丙, cues: [丁]}, *a]}",
            "甲/乙 stands there twice",
        ),
    ],
)
def test_a_wrong_taxonomy_names_file_key_value_and_remedy(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(RulesError, match=message) as caught:
        load(tmp_path, categories=content)
    assert "categories.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["停水了", "已经停水", "小区停水两天", "没有人管，停水了"])
def test_a_cue_that_is_said_counts(text: str) -> None:
    assert Cue("停水", 1.0).find(text) is not None


@pytest.mark.parametrize("text", ["没有停水", "没停水", "不是停水", "没有发生停水", "不会停水"])
def test_a_cue_that_is_denied_does_not_count(text: str) -> None:
    assert Cue("停水", 1.0).find(text) is None


def test_a_gap_stays_inside_its_sentence() -> None:
    assert Cue("打了*次电话", 1.0).find("打了三次电话") is not None
    assert Cue("打了*次电话", 1.0).find("打了他，我第一次电话") is None
