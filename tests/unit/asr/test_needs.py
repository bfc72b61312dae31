"""What waiting citizens' words ask of the router."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.draft_rules import RulesError
from asr.needs import NeedRules, Needs

RULES = NeedRules.load()


def heard(*texts: str, confidence: float = 0.9) -> Needs:
    return RULES.read([(text, confidence) for text in texts])


@pytest.mark.parametrize(
    ("text", "queue"),
    [
        ("你好，我想办个体户的营业执照，要去哪里办", "enterprise"),
        ("我想咨询一下养老保险怎么转", "social_security"),
        ("公积金怎么提取", "housing_fund"),
        ("我是聋哑人的家属", "sign_video"),
        ("我不会说普通话", "dialect"),
    ],
)
def test_a_matter_adds_the_seats_that_know_it(text: str, queue: str) -> None:
    assert heard(text).queues == (queue,)


@pytest.mark.parametrize("text", ["家里着火了", "人行道上有一个井盖没有了，孩子差点掉下去", "有人要跳楼"])
def test_danger_is_urgent(text: str) -> None:
    assert heard(text).urgent


@pytest.mark.parametrize("text", ["没有着火", "我想了解火灾隐患怎么举报", "路灯不亮", "你好"])
def test_what_is_no_danger_is_not_urgent(text: str) -> None:
    assert not heard(text).urgent


def test_what_is_pressing_goes_forward_but_not_before_all() -> None:
    needs = heard("我们小区停水了")
    assert (needs.priority, needs.urgent) == (2, False)


def test_another_firm_than_the_citizens_own_is_no_enterprise_matter() -> None:
    assert heard("我给供热公司打了三次电话，物业公司也不管").queues == ()


def test_a_matter_may_be_said_in_two_sentences() -> None:
    assert heard("厨房里的燃气", "好像泄漏了").urgent
    assert not heard("厨房里的燃气", "是上个月装的", "昨天水管漏了").urgent


def test_who_is_not_understood_may_speak_dialect() -> None:
    needs = heard("这些字都是听错了的不知道在说什么东西啊", "真的一个字也没有听对过", confidence=0.3)
    assert needs.queues == ("dialect",)
    assert heard("这些字", confidence=0.3) == Needs()


@given(st.lists(st.text(max_size=40), max_size=6), st.lists(st.text(max_size=40), max_size=3))
def test_more_words_never_ask_for_less(earlier: list[str], later: list[str]) -> None:
    before, after = heard(*earlier), heard(*earlier, *later)
    assert set(before.queues) <= set(after.queues)
    assert before.priority <= after.priority
    assert before.urgent <= after.urgent


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("needs: [{name: a, queue: b}]", "urgency"),
        ("urgency: {}\nneeds: [{name: a, all: [[b]]}]", "gives nothing"),
        ("urgency: {}\nneeds: [{name: a, queue: b, all: []}]", "needs[0].all"),
        ("urgency: {}\nneeds: [{name: a, priority: 99, all: [[b]]}]", "needs[0].priority"),
        ("urgency: {}\nneeds: [{name: a, urgent: 1, all: [[b]]}]", "needs[0].urgent"),
        ("urgency: {大: {urgent: true}}\nneeds: []", "大"),
        ("urgency: {}\nneeds: []\nunclear: {queue: a, characters: 0, below: 0.5}", "unclear.characters"),
        ("urgency: {}\nneeds: []\nunclear: {queue: a, characters: 9, below: 7}", "unclear.below"),
        ("needs: [", "not YAML"),
    ],
)
def test_a_wrong_file_is_refused_naming_the_key(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "needs.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RulesError) as refused:
        NeedRules.load(file)
    assert named in str(refused.value)
    assert str(file) in str(refused.value)
