"""From the words that were heard to the sentence that is read, with what was heard beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import RecogniserError
from asr.gazetteer import Entry, Gazetteer, Kind
from asr.punctuation import punctuate
from asr.recogniser import Heard, HeardWord
from asr.repair import terms
from asr.second_look import SecondLook, SentenceAudio
from asr.text_reader import PlainReader, TextReader
from tests.support.scripted_speech import ScriptedRecognisers

CITY = Gazetteer(
    (
        Entry(name="鹤鸣区", kind=Kind.DISTRICT),
        Entry(name="临湖区", kind=Kind.DISTRICT),
        Entry(name="丹桂街道", kind=Kind.STREET, parents=("鹤鸣区",)),
        Entry(name="荷塘街道", kind=Kind.STREET, parents=("临湖区",)),
        Entry(name="金桂花苑", kind=Kind.ESTATE, parents=("丹桂街道",)),
        Entry(name="锦桂花苑", kind=Kind.ESTATE, parents=("荷塘街道",)),
    )
)


def heard(text: str) -> Heard:
    """Words separated by spaces; _ is a pause of 0.1 s, | one of 0.6 s."""
    told, at = [], 0.0
    for word in text.replace("_", " _ ").replace("|", " | ").split():
        if word in "_|":
            at += 0.1 if word == "_" else 0.6
            continue
        told.append(HeardWord(word, at, at + 0.2 * len(word), 0.8))
        at = told[-1].end
    return Heard(tuple(told))


def read(text: str) -> str:
    return TextReader(CITY).leg().final(heard(text)).text


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("你好 _ 我们 小区 停水 了 _ 到 现在 都 没有 来", "你好，我们小区停水了，到现在都没有来。"),
        ("请问 一下 _ 医保 怎么 报销", "请问一下，医保怎么报销？"),
        ("物业 收 了 钱 但是 不 修", "物业收了钱，但是不修。"),
        ("昨天 晚上 十点 停 的 电 了 | 家里 有 病人", "昨天晚上10点停的电了。家里有病人。"),
        ("嗯 _ 那个 _ 路灯 坏 了", "路灯坏了。"),
        ("我 不 知道 怎么 回事", "我不知道怎么回事。"),
        ("八栋 二 单元 六零三", "8栋2单元603室。"),
        ("我 是", "我是，"),
        ("T C L 电视", "T C L电视。"),
        ("<unk> 喂", "喂。"),
    ],
)
def test_a_sentence_is_read_as_a_person_would_write_it(said: str, written: str) -> None:
    assert read(said) == written


def test_a_misheard_name_is_written_as_listed_and_what_was_heard_is_kept() -> None:
    written = TextReader(CITY).leg().final(heard("我 住 在 丹桂 接到 _ 八栋 六零三"))
    assert written.text == "我住在丹桂街道，8栋603室。"
    (repair,) = written.repairs
    assert (written.text[repair.start : repair.end], repair.heard) == ("丹桂街道", "丹桂接到")
    assert (repair.source, repair.confidence) == ("gazetteer", 0.85)


def test_the_district_said_earlier_in_the_call_decides_between_names_that_sound_the_same() -> None:
    leg = TextReader(CITY).leg()
    leg.final(heard("我 在 临湖区"))
    assert "锦桂花苑" in leg.final(heard("在 今归 花园 旁边 的 紧贵花院")).text
    other = TextReader(CITY).leg()
    other.final(heard("我 在 鹤鸣区"))
    assert "金桂花苑" in other.final(heard("在 今归 花园 旁边 的 紧贵花院")).text


def test_without_a_district_nothing_decides_and_what_was_heard_stays() -> None:
    assert "紧贵花院" in read("旁边 的 紧贵花院")


def test_a_name_that_is_not_listed_is_not_bent_to_a_neighbour() -> None:
    assert read("我 住 在 丹枫 街道") == "我住在丹枫街道。"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("我 要 感谢 要 二三四五 热线", "我要感谢12345热线。"),
        ("我 要 反应 一下 井盖 的 问题", "我要反映一下井盖的问题。"),
        ("药物 有 不良 反应 的 问题", "药物有不良反应的问题。"),
        ("我 要 二三四五 个 人", "我要二三四五个人。"),
        ("我 接到 电话 了", "我接到电话了。"),
    ],
)
def test_the_hotlines_own_words_are_repaired_where_nothing_else_is_meant(said: str, written: str) -> None:
    assert read(said) == written


def test_an_unfinished_sentence_has_names_and_numbers_but_no_marks() -> None:
    assert TextReader(CITY).leg().partial("嗯我在丹桂接到八栋二单元") == "我在丹桂街道8栋2单元"


def test_an_engine_that_fails_on_numbers_costs_only_the_second_look() -> None:
    engine = ScriptedRecognisers(fail=True)
    with pytest.raises(RecogniserError):
        engine.take(8000).accept(b"")
    audio = SentenceAudio(8000)
    audio.begin(0.0)
    audio.add(bytes(32000))
    reader = TextReader(CITY, SecondLook(engine))
    assert reader.leg().final(heard("八度 二 单元 六 离散"), audio).text == "八度2单元6离散。"


def test_a_number_said_in_three_breaths_is_not_closed_before_it_is_whole() -> None:
    leg = TextReader(CITY).leg()
    told = [
        leg.final(heard(part)).text
        for part in ("电话 一三八", "零零 一一", "二二 三三", "一三八零零一一二二三三")
    ]
    assert told == ["电话138，", "0011，", "2233，", "13800112233。"]


def test_a_plain_reader_leaves_words_as_they_were_heard() -> None:
    leg = PlainReader().leg()
    assert (leg.partial("停水"), leg.final(heard("停 水")).text) == ("停水", "停水")


def test_the_shipped_table_of_terms_can_be_read() -> None:
    assert {rule.term.write for rule in terms().rules} >= {"12345", "反映", "街道"}


_heard = st.lists(
    st.sampled_from(
        [
            "我",
            "在",
            "丹桂",
            "接到",
            "一",
            "三八",
            "零",
            "八栋",
            "要",
            "二三四五",
            "热线",
            "_",
            "|",
            "吗",
            "嗯",
            "单元",
        ]
    ),
    max_size=25,
).map(" ".join)


@given(_heard)
def test_repairs_lie_in_the_text_from_left_to_right(said: str) -> None:
    written = TextReader(CITY).leg().final(heard(said))
    end = 0
    for repair in written.repairs:
        assert end <= repair.start < repair.end <= len(written.text)
        assert repair.heard
        end = repair.end


@given(_heard)
def test_marks_change_no_word(said: str) -> None:
    text = "".join(word.text for word in heard(said).words)
    assert "".join(sign for sign in punctuate(text) if sign not in "，。？") == text
