"""What citizens mean, from texts as a recogniser writes them: blanks, fillers, no punctuation, negations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows import understand
from ivr_flows.schema_talk import Intent, Meaning

ANY_WORDS = st.text(max_size=400) | st.text(
    alphabet="不没有未满意解决了是对人工转非常很一二三四五十分还好的 ，打选0123456789", max_size=40
)


@pytest.mark.parametrize(
    ("text", "solved"),
    [
        ("解决 了", True),
        ("嗯 解决 好 了", True),
        ("已经 解决 了 谢谢", True),
        ("办好了办好了", True),
        ("没什么问题了都解决了", True),
        ("对 对 对", True),
        ("不是没有解决", True),
        ("没有 解决", False),
        ("没解决", False),
        ("还 没 解决 呢", False),
        ("问题 还 没有 得到 解决", False),
        ("根本就没有解决", False),
        ("没有完全解决", False),
        ("没给我解决", False),
        ("解决不了", False),
        ("解决了一半还有没解决的", False),
        ("没办好", False),
        ("没人管", False),
        ("没有人来处理", False),
        ("还是老样子", False),
        ("没有呢 还没有", False),
        ("解决了没有", None),
        ("你们什么时候解决", None),
        ("今天天气不错", None),
        ("", None),
    ],
)
def test_a_matter_is_solved_or_not_or_nobody_can_say(text: str, solved: bool | None) -> None:
    assert understand.solved(text) is solved


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("非常 满意", 5),
        ("非常 的 满意", 5),
        ("很满意", 5),
        ("十分满意", 5),
        ("打 五 分", 5),
        ("满意", 4),
        ("嗯 满意 满意", 4),
        ("挺满意的", 4),
        ("还算满意", 4),
        ("没有不满意的地方", 4),
        ("我给四分吧", 4),
        ("一般", 3),
        ("一般般吧", 3),
        ("还行", 3),
        ("基本满意", 3),
        ("给 个 三 分", 3),
        ("我选三", 3),
        ("不 满意", 2),
        ("不太满意", 2),
        ("不是很满意", 2),
        ("不怎么满意", 2),
        ("不满", 2),
        ("满意 不对 不满意", 2),
        ("非常 不 满意", 1),
        ("很不满意", 1),
        ("一点都不满意", 1),
        ("太差了", 1),
        ("是满意还是不满意", None),
        ("六分", None),
        ("你说什么", None),
        ("", None),
    ],
)
def test_satisfaction_is_one_of_five_or_unclear(text: str, score: int | None) -> None:
    assert understand.satisfaction(text) == score


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("是", True),
        ("对对对", True),
        ("好的好的", True),
        ("没错", True),
        ("没问题", True),
        ("是的我确认", True),
        ("不是", False),
        ("不要", False),
        ("不用了", False),
        ("不可以", False),
        ("没有", False),
        ("是还是不是", None),
        ("你是谁", None),
        ("嗯", None),
    ],
)
def test_yes_and_no_and_neither(text: str, yes: bool | None) -> None:
    assert understand.yes_or_no(text) is yes


@pytest.mark.parametrize("text", ["转人工", "我要找 人工 服务", "请转接线员", "找个人跟我说"])
def test_whoever_asks_for_a_person_is_heard(text: str) -> None:
    assert understand.wants_person(text)


@pytest.mark.parametrize(
    "text", ["不用转人工", "不要人工", "没有人工吗", "我昨天给你们客服打过电话一直没有人回复我"]
)
def test_who_only_speaks_of_persons_asks_for_none(text: str) -> None:
    assert not understand.wants_person(text)


@pytest.mark.parametrize("text", ["请 在 提示音 后 留言", "您拨打的电话暂时无人接听", "对方正在通话中"])
def test_an_answering_machine_is_no_citizen(text: str) -> None:
    assert understand.is_machine(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("二", 2), ("选二", 2), ("第二个", 2), ("按三号键", 3), ("5", 5),
     ("一般", None), ("一个问题", None), ("十二", None)],
)  # fmt: skip
def test_a_number_counts_only_when_nothing_else_is_said(text: str, number: int | None) -> None:
    assert understand.number(text, 1, 5) == number


WATER = Intent(next="a", phrases=("积水",))
DEEP_WATER = Intent(next="b", phrases=("积水很深", "进水"))
YES = Intent(next="c", means=Meaning.YES)
INTENTS = {"water": WATER, "deep": DEEP_WATER, "fine": YES}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("门口 积水 了", "water"),
        ("这里 积水 很深", "deep"),
        ("没有 积水", None),
        ("没有积水是家里进水", "deep"),
        ("是的", "fine"),
        ("路灯不亮", None),
    ],
)
def test_the_longest_phrase_that_is_not_denied_wins(text: str, intent: str | None) -> None:
    chosen = understand.choose(text, INTENTS)
    assert (chosen and chosen[0]) == intent


def test_of_two_phrases_the_one_said_last_wins_because_people_correct_themselves() -> None:
    intents = {"one": Intent(next="a", phrases=("社保",)), "two": Intent(next="b", phrases=("医保",))}
    assert understand.choose("社保 不 我说 医保", intents) == ("two", "two")


@given(ANY_WORDS)
def test_no_words_at_all_confuse_it(text: str) -> None:
    understand.choose(text, INTENTS | {"n": Intent(next="d", means=Meaning.NUMBER, most=99)})
    assert understand.wants_person(text) in (True, False)
    assert understand.solved(text) in (True, False, None)
    score = understand.satisfaction(text)
    assert score is None or 1 <= score <= 5
    value = understand.number(text, 0, 99)
    assert value is None or 0 <= value <= 99


@pytest.mark.parametrize(
    "word", ["选", "我选", "没有", "不是", "满意", "非常", "解决", "对", "一", "不太", "好的", "人工"]
)
def test_somebody_who_repeats_a_word_for_ever_is_understood_or_not_but_at_once(word: str) -> None:
    """Rules that go back and forth over a text would never end here."""
    text = word * 300
    understand.choose(text, INTENTS)
    understand.wants_person(text)
    understand.satisfaction(text)
    assert understand.number(text, 1, 5) is None
