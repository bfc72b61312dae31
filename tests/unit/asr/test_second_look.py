"""Numbers that were heard as words are listened to again, and believed only where both agree by sound."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from asr.recogniser import Heard, HeardWord, Recogniser
from asr.second_look import KEPT_S, SecondLook, SentenceAudio
from asr.second_look_rules import Passage, believed, passages, whole_number

SYLLABLE_S = 0.2


def words(text: str, *, confidence: float = 0.6, start: float = 0.0) -> tuple[HeardWord, ...]:
    """Words separated by spaces, every syllable of the same length."""
    told = []
    for word in text.split():
        length = SYLLABLE_S * (1 if word == "单元" else len(word))
        told.append(HeardWord(word, start, start + length, confidence))
        start += length
    return tuple(told)


def paired(heard: str, said: str) -> tuple[tuple[HeardWord, ...], tuple[HeardWord, ...]]:
    """Both over the same time: as many syllables each."""
    first = words(heard)
    again = []
    start = 0.0
    for word in said.split():
        length = SYLLABLE_S * len(word)
        again.append(HeardWord(word, start, start + length, 1.0))
        start += length
    told = []
    start = 0.0
    for each in first:
        length = SYLLABLE_S * len(each.text)
        told.append(HeardWord(each.text, start, start + length, 0.6))
        start += length
    return tuple(told), tuple(again)


def read(heard: str, said: str) -> str | None:
    first, again = paired(heard, said)
    reading = believed(first, Passage(0, len(first)), again)
    return None if reading is None else reading.text


def found(text: str) -> list[str]:
    heard = words(text)
    return ["".join(word.text for word in heard[each.first : each.last]) for each in passages(heard)]


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("我 的 电话 是 一五九 爸爸 森林 而 七六 四", "一五九爸爸森林而七六四"),
        ("手机号 要 武陵区 其二 咱 就 零 四 六", "要武陵区其二咱就零四六"),
        ("我 住 在 八度 二 单元 六 离散", "八度二单元六离散"),
    ],
)
def test_words_that_sound_like_a_number_are_listened_to_again(sentence: str, passage: str) -> None:
    assert passage in found(sentence)


@pytest.mark.parametrize(
    "sentence", ["请问 一下 怎么 报销", "小区 停水 了 没有 人 管", "家长 的 车 停 在 门口", ""]
)
def test_other_words_are_not(sentence: str) -> None:
    assert found(sentence) == []


def test_the_rest_of_a_number_that_the_sentence_before_began_is_listened_to_again() -> None:
    rest = words("灵灵 要 要")
    assert passages(rest) == ()
    assert passages(rest, goes_on=True) == (Passage(0, 3),)


def test_a_phone_number_that_was_heard_surely_is_left_alone() -> None:
    assert passages(words("一 三 七 二 零 六 八 五 四 九 一", confidence=0.95)) == ()


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("一五九 爸爸 森林 而 七六 四", "一 五 九 八 八 三 零 二 七 六 四"),
        ("要 武陵区 其二 咱 就 零 四 六", "幺 五 零 七 七 二 三 九 零 四 六"),
        ("八度 二 单元 六 离散", "八 栋 二 单元 六 零 三"),
        ("自动 一起 林皓", "四 栋 一 七 零 二"),
    ],
)
def test_a_number_that_agrees_by_sound_is_believed(heard: str, said: str) -> None:
    assert read(heard, said) == said.replace(" ", "")


def test_a_swallowed_one_before_ten_digits_of_a_mobile_number_is_put_back() -> None:
    assert read("七五九 爸爸 森林 而 七六 四", "七 五 九 八 八 三 零 二 七 六 四") == "一五九八八三零二七六四"


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("小区 门口 的 路灯 一直 不 亮", "六 七 八 九 零 一 二 三 四 五 六"),
        ("十一月 三十号", "十 一 一 三 十 号"),
        ("一万二 千 八", "一 八 二 七 八"),
        ("三十五 度", "三 十 五 栋"),
    ],
)
def test_what_does_not_agree_or_counts_something_else_is_not_believed(heard: str, said: str) -> None:
    assert read(heard, said) is None


def test_an_area_code_with_only_seven_digits_is_nobodys_number() -> None:
    assert read("零 五 五 六 七 八 二 零 三 四 一", "零 五 五 六 七 八 二 零 三 四 一") is None
    assert not whole_number("零五五六七八二零三四一")


@pytest.mark.parametrize(
    ("digits", "whole"),
    [
        ("幺三七二零六八五四九幺", True),
        ("零五五一六五七八二零三四", True),
        ("零二零八三一二三四五六", True),
        ("一二三七二零六八五四九", False),
        ("一三七二零六八五四九", False),
    ],
)
def test_a_number_is_whole_when_it_has_its_digits(digits: str, whole: bool) -> None:
    assert whole_number(digits) is whole


def test_the_audio_of_a_sentence_is_bounded_and_keeps_its_clock() -> None:
    audio = SentenceAudio(8000)
    audio.begin(3.0)
    for second in range(60):
        audio.add(bytes([second, 0]) * 8000)
    assert audio.pcm is not None
    assert len(audio.pcm) == KEPT_S * 16000
    pcm, start = audio.between(50.5, 51.0)
    assert (pcm, start) == (bytes([47, 0]) * 4000, 50.5)
    assert audio.between(3.0, 43.5) == (bytes([40, 0]) * 4000, 43.0)


@dataclass(slots=True)
class _Digits:
    """Says the same, whatever it is given, and remembers how much audio that was."""

    said: tuple[HeardWord, ...]
    given: list[int] = field(default_factory=list)
    out: int = 0

    def take(self, rate: int) -> Recogniser:
        self.out += 1
        return self

    def give_back(self, recogniser: Recogniser) -> None:
        self.out -= 1

    def forget(self) -> None:
        raise AssertionError("nothing failed")

    def accept(self, pcm: bytes) -> Heard | None:
        self.given.append(len(pcm))
        return None

    def partial(self) -> str:
        return ""

    def finish(self) -> Heard:
        return Heard(self.said)


def test_only_the_stretch_with_the_number_is_heard_again_and_told_on_the_sentences_clock() -> None:
    heard = words("我 想 投诉 一下 物业 公司 不 修 路灯 电话 是 一五九 爸爸 森林 而 七六 四")
    number = heard[-6:]
    said, at = [], number[0].start
    for sign in "一五九八八三零二七六四":
        said.append(HeardWord(sign, at, at + SYLLABLE_S, 1.0))
        at += SYLLABLE_S
    from_number = number[0].start - 0.4
    digits = _Digits(
        tuple(HeardWord(w.text, w.start - from_number, w.end - from_number, w.confidence) for w in said)
    )
    audio = SentenceAudio(8000)
    audio.begin(0.0)
    audio.add(bytes(16000 * 10))
    (reading,) = SecondLook(digits).look(Heard(heard), audio)
    assert (reading.text, reading.whole) == ("一五九八八三零二七六四", True)
    assert heard[reading.first].text == "一五九"
    assert digits.given == [round(2 * 8000 * (number[-1].end + 0.8 - from_number))]
    assert digits.out == 0


def test_a_sentence_without_numbers_costs_nothing() -> None:
    digits = _Digits(())
    audio = SentenceAudio(8000)
    audio.begin(0.0)
    assert SecondLook(digits).look(Heard(words("小区 停水 了 没有 人 管")), audio) == ()
    assert digits.given == []


def dictated(
    text: str, *, long: dict[int, float] | None = None, pause_after: int = -1
) -> tuple[HeardWord, ...]:
    """Digits as a recogniser that is sure hears them; some take longer, after one comes a pause."""
    told = []
    start = 0.0
    for index, digit in enumerate(text):
        length = (long or {}).get(index, SYLLABLE_S)
        told.append(HeardWord(digit, start, start + length, 1.0))
        start += length + (0.2 if index == pause_after else 0.0)
    return tuple(told)


def test_a_number_that_was_heard_whole_stands_whatever_the_second_look_makes_of_it() -> None:
    heard = (*dictated("幺八六五五零九三二七七"), HeardWord("找", 2.2, 2.4, 1.0))
    again = dictated("幺八六五五零九二七七九")
    assert believed(heard, Passage(0, len(heard)), again) is None


def test_the_second_of_two_fives_that_ran_together_is_brought_back() -> None:
    heard = dictated("零五一六五七八二零三四", long={1: 0.36})
    reading = believed(heard, Passage(0, len(heard)), heard)
    assert reading is not None
    assert (reading.text, reading.whole) == ("零五五一六五七八二零三四", True)
    assert reading.words[2].confidence < 0.6


@pytest.mark.parametrize(
    "heard",
    [
        dictated("零五一六五七八二零三四"),  # nothing took longer
        dictated("零五一六五七八二零三四", long={1: 0.36}, pause_after=1),  # drawn out before a pause
        dictated("零五一六五七八二零三四", long={1: 0.36, 4: 0.36}),  # either of two
        dictated("零五一六五七八二零三四", long={5: 0.36}),  # 七七 does not run together
        dictated("六五七八二零三四五", long={3: 0.36}),  # no telephone number lacks one digit
    ],
)
def test_no_digit_is_invented(heard: tuple[HeardWord, ...]) -> None:
    assert believed(heard, Passage(0, len(heard)), heard) is None


def test_a_word_that_was_surely_no_digit_is_not_taken_for_the_last_one() -> None:
    heard = (
        *words("要 爸 六 五 零九九 十 二 提 起"),
        HeardWord("找", 2.2, 2.4, 1.0),
    )
    again = (*dictated("幺八六五零九二七七九"), HeardWord("九", 2.2, 2.4, 0.9))
    assert believed(heard, Passage(0, 9), again) is None
    unsure = (*heard[:-1], HeardWord("找", 2.2, 2.4, 0.4))
    reading = believed(unsure, Passage(0, 9), again)
    assert reading is not None and reading.whole
