"""Numbers come out as Chinese says them, and a manifest that cannot be read aloud is refused by name."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows import speech
from ivr_flows.speech import (
    MAX_NUMBER,
    NUMBER_WORDS,
    PromptError,
    digits_prompts,
    load_manifest,
    position_prompts,
    spell_digits,
    spell_each,
    spell_number,
    wait_prompts,
    word_keys,
)

UNITS = {"十": 10, "百": 100, "千": 1000}
DIGITS = {word: value for value, word in enumerate("零一二三四五六七八九")} | {"两": 2}


def understood(words: str) -> int:
    """Read a spoken number back, independently of how it was made."""
    total = section = 0
    digit = 1 if words.startswith("十") else 0
    for word in words:
        if word == "万":
            total, section, digit = (section + digit) * 10_000, 0, 0
        elif word in UNITS:
            section, digit = section + digit * UNITS[word], 0
        else:
            digit = DIGITS[word]
    return total + section + digit


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "零"),
        (2, "二"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (102, "一百零二"),
        (110, "一百一十"),
        (200, "两百"),
        (222, "两百二十二"),
        (1002, "一千零二"),
        (1020, "一千零二十"),
        (2200, "两千二百"),
        (10_010, "一万零一十"),
        (20_002, "两万零二"),
        (105_000, "十万五千"),
        (22_222, "两万两千二百二十二"),
    ],
)
def test_a_number_is_said_as_people_say_it(value: int, words: str) -> None:
    assert spell_number(value) == words


@given(st.integers(min_value=0, max_value=MAX_NUMBER))
def test_every_number_is_understood_as_itself(value: int) -> None:
    assert understood(spell_number(value)) == value


@given(st.integers(min_value=0, max_value=MAX_NUMBER))
def test_every_number_can_be_said_with_recorded_words(value: int) -> None:
    manifest = load_manifest()
    assert set(word_keys(spell_number(value))) <= manifest.prompts.keys()


@given(st.integers(min_value=0, max_value=MAX_NUMBER))
def test_a_zero_is_never_said_twice_in_a_row_nor_at_the_end(value: int) -> None:
    words = spell_number(value)
    assert "零零" not in words
    assert value == 0 or not words.endswith("零")


@pytest.mark.parametrize("value", [-1, MAX_NUMBER + 1])
def test_a_number_beyond_the_recorded_words_is_refused(value: int) -> None:
    with pytest.raises(PromptError, match=str(value)):
        spell_number(value)


def test_a_telephone_number_is_read_digit_by_digit_with_yao_for_one() -> None:
    assert spell_each("13800001207") == "幺三八零零零零幺二零七"


@pytest.mark.parametrize("digits", ["", "12a", "1" * 25, "１２"])
def test_only_a_bounded_run_of_digits_is_read_out(digits: str) -> None:
    with pytest.raises(PromptError, match="digits of length"):
        digits_prompts(digits)


def test_the_digits_of_a_text_become_words_by_their_length() -> None:
    assert spell_digits("12345热线，请按1，24小时，尾号07") == "幺二三四五热线，请按一，二十四小时，尾号零七"


def test_a_word_that_is_no_number_is_refused() -> None:
    with pytest.raises(PromptError, match="亿"):
        word_keys("一亿")


def test_nobody_ahead_means_that_the_citizen_is_next() -> None:
    assert position_prompts(0) == ("position_next",)


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (2, "您前面还有两位市民在等候。"),
        (20, "您前面还有二十位市民在等候。"),
        (21, "您前面还有超过二十位市民在等候。"),
        (100, "您前面还有超过五十位市民在等候。"),
        (10_000, "您前面还有超过一百位市民在等候。"),
    ],
)
def test_the_place_in_line_is_told_exactly_and_beyond_twenty_roughly(ahead: int, text: str) -> None:
    (key,) = position_prompts(ahead)
    assert load_manifest().prompts[key].text == text


@given(st.integers(min_value=0))
def test_every_place_in_line_has_its_sentence(ahead: int) -> None:
    assert set(position_prompts(ahead)) <= load_manifest().prompts.keys()


def test_a_place_before_the_first_is_refused() -> None:
    with pytest.raises(PromptError, match="-1 citizens"):
        position_prompts(-1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59.9, "预计等待不到一分钟。"),
        (60, "预计等待一分钟。"),
        (181, "预计等待四分钟。"),
        (601, "预计等待十五分钟。"),
        (1800, "预计等待三十分钟。"),
        (1800.1, "预计等待时间较长。"),
        (math.inf, "预计等待时间较长。"),
    ],
)
def test_a_wait_is_rounded_up_and_beyond_half_an_hour_not_counted(seconds: float, text: str) -> None:
    (key,) = wait_prompts(seconds)
    assert load_manifest().prompts[key].text == text


@given(st.floats(min_value=0))
def test_every_wait_has_its_sentence(seconds: float) -> None:
    assert set(wait_prompts(seconds)) <= load_manifest().prompts.keys()


@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_a_wait_that_is_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(PromptError, match="wait of"):
        wait_prompts(seconds)


def test_seat_and_call_back_numbers_stand_in_their_sentences() -> None:
    assert speech.seat_prompts("17") == ("agent_prefix", "digit_1", "number_7", "agent_suffix")
    assert speech.callback_number_prompts("10") == ("callback_number_prefix", "digit_1", "number_0")


def manifest(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "manifest.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_prompt_may_name_its_own_voice_and_spelling(tmp_path: Path) -> None:
    path = manifest(
        tmp_path, "voice: a\nprompts: {hi: {text: 拨打110。, voice: b, say: 拨打幺幺零。}, wait: {text: 好}}"
    )
    loaded = load_manifest(path)
    assert (loaded.voice_of("hi"), loaded.voice_of("wait")) == ("b", "a")
    assert loaded.prompts["hi"].spelling == "拨打幺幺零。"
    assert (loaded.prompts["hi"].fragment, loaded.prompts["wait"].fragment) == (False, True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "holds list"),
        ("voice: [", "not YAML"),
        ("voice: a\nprompts: {}", "prompts"),
        ("voice: a\nspeed: 2\nprompts: {hi: {text: 好}}", "speed is not known"),
        ("voice: a\nprompts: {hi: {text: 好, txt: 好}}", r"prompts\.hi\.txt is not known"),
        ("voice: a\nprompts: {hi: {text: ''}}", r"prompts\.hi"),
        ("voice: a\nprompts: {hi: {voice: b}}", r"prompts\.hi.*text"),
        ("voice: a\nprompts: {Hi There: {text: 好}}", "prompts"),
        ("voice: a\nprompts: {hi: {text: 好}, hi: {text: 不好}}", "'hi' is there twice"),
        ("voice: a\nprompts: {hi: {text: 打开APP}}", r"prompts\.hi: 'A' in '打开APP' cannot be read aloud"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_by_key(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(PromptError, match=complaint):
        load_manifest(manifest(tmp_path, text))


def test_a_manifest_of_endless_size_is_refused_unread(tmp_path: Path) -> None:
    path = manifest(tmp_path, "#" * (speech.MAX_MANIFEST_BYTES + 1))
    with pytest.raises(PromptError, match="at most"):
        load_manifest(path)


def test_every_number_word_is_recorded_under_its_own_key() -> None:
    prompts = load_manifest().prompts
    assert {prompts[key].text for key in NUMBER_WORDS.values()} == NUMBER_WORDS.keys()
