"""What citizens say is given a category of any taxonomy, before anything was learned."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.classify import MAX_HEAD, MAX_TAIL, Classifier, shortened
from asr.draft_rules import RulesError
from asr.examples import read_matters
from asr.taxonomy import Taxonomy


@cache
def shipped() -> Classifier:
    return Classifier()


@cache
def foreign() -> Classifier:
    """Another city's names, which our matters have to be linked with."""
    rows = [
        ("市政公用", "水电气暖", "自来水供应"),
        ("市政公用", "水电气暖", "冬季采暖"),
        ("市政公用", "道路桥梁", "路灯照明"),
        ("人社事务", "劳动监察", "农民工欠薪"),
        ("人社事务", "社会保险", "职工养老"),
        ("卫生计生", "医政", "医患纠纷"),
        ("教育文体", "考试招生", "中高考"),
        ("教育文体", "校外培训", "退费"),
        ("环保", "噪音污染", ""),
        ("工商质监", "消费维权", "预付卡"),
        ("公安交管", "户政", "身份证"),
        ("公安交管", "交通秩序", "违停"),
    ]  # fmt: skip
    return Classifier(
        Taxonomy.of((f"row {n}", [name for name in row if name], ()) for n, row in enumerate(rows))
    )


def best(classifier: Classifier, text: str) -> tuple[str, ...]:
    found = classifier.guess(text)
    return found[0].path if found else ()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("我们楼从早上起水龙头就放不出水来，是不是停水了啊", ("城乡建设", "供水", "停水")),
        ("那个我想问一下，我这个月的退休金怎么还没打到卡上", ("人力社保", "养老保险", "养老金发放")),
        ("老板跑了，我们十来个民工的血汗钱一分没拿到", ("人力社保", "拖欠工资", "农民工工资")),
        ("路边那个井盖不见了，黑灯瞎火的容易出事", ("城乡建设", "市政设施", "井盖")),
        ("孩子幼儿园一直摇不上号，公立的学位太少了", ("教育", "入学招生", "幼儿园")),
        ("健身房关门跑路，卡里的钱退不了", ("市场监管", "消费纠纷", "预付卡")),
    ],
)
def test_spoken_matters_are_given_three_levels(text: str, path: tuple[str, ...]) -> None:
    assert best(shipped(), text) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("小区停水两天了，一滴水都没有", ("市政公用", "水电气暖", "自来水供应")),
        ("家里暖气不热，老人冻得受不了", ("市政公用", "水电气暖", "冬季采暖")),
        ("包工头欠我们农民工的工钱不给", ("人社事务", "劳动监察", "农民工欠薪")),
        ("楼下广场舞的音响吵得睡不着", ("环保", "噪音污染")),
        ("身份证到期了在哪里换", ("公安交管", "户政", "身份证")),
        ("培训班退费一直拖着不给", ("教育文体", "校外培训", "退费")),
    ],
)
def test_the_same_matters_are_found_below_another_citys_names(text: str, path: tuple[str, ...]) -> None:
    assert best(foreign(), text) == path


def test_a_word_that_was_misheard_still_counts() -> None:
    assert best(shipped(), "我们的农民公被拖歉工资了")[0] == "人力社保"


def test_a_guess_says_which_words_speak_for_it_and_how_a_title_calls_it() -> None:
    found = shipped().guess("楼道里有很重的煤气味，怀疑漏气")[0]

    assert found.quote in ("煤气味", "漏气")
    assert found.source == f"rule:category/{found.quote}"
    assert found.matter == "燃气泄漏"


def test_levels_grow_less_sure_the_deeper_they_are_and_guesses_the_later_they_come() -> None:
    found = shipped().guess("物业乱收停车费，电梯坏了也不修，我要投诉")

    assert len(found) >= 2
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)
    assert len({one.path[0] for one in found}) == len(found)
    for one in found:
        assert len(one.levels) == len(one.path)
        assert list(one.levels) == sorted(one.levels, reverse=True)
        assert one.levels[0] == one.confidence


def test_nothing_is_guessed_of_words_that_say_nothing() -> None:
    assert shipped().guess("") == ()
    assert shipped().guess("12345 ……") == ()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_borne_and_chances_are_chances(text: str) -> None:
    for one in shipped().guess(text):
        assert 0 < one.confidence <= 1
        assert shipped().taxonomy.find(one.path) is not None


def test_of_a_long_text_only_beginning_and_end_are_read() -> None:
    assert len(shortened("水" * 100_000)) == MAX_HEAD + MAX_TAIL + 1
    assert best(shipped(), "小区停水了" + "啊" * 100_000)[:2] == ("城乡建设", "供水")


def test_a_matter_with_a_wrong_cue_is_refused_naming_it() -> None:
    with pytest.raises(RulesError, match=r"停水.cues has '\*水'"):
        list(read_matters("m.yaml", "- {name: 停水, cues: '*水'}"))


def test_a_taxonomy_without_a_familiar_name_still_gives_only_its_own() -> None:
    odd = Classifier(Taxonomy.of([("row 1", ("Ⅰ", "Ⅱ"), ()), ("row 2", ("Ⅲ", "Ⅳ"), ())]))

    assert {one.path[0] for one in odd.guess("小区停水了")} <= {"Ⅰ", "Ⅲ"}
