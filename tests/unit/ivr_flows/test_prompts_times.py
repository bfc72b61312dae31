"""Dates, times of day and durations come out as Chinese says them, from recordings that exist."""

from __future__ import annotations

import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows import times
from ivr_flows.speech import AUDIO, PromptError, load_manifest

TEXTS = {key: prompt.text for key, prompt in load_manifest().prompts.items()}
MAX_AUDIO_BYTES = 5_400_000
"""recordings live in version control, where every one of them stays for ever"""


def said(keys: tuple[str, ...]) -> str:
    return "".join(TEXTS[key] for key in keys)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ((2026, 10, 1), "二零二六年十月一日"),
        ((2027, 2, 10), "二零二七年二月十日"),
        ((2026, 12, 31), "二零二六年十二月三十一日"),
        ((2031, 1, 20), "二零三一年一月二十日"),
        ((1999, 5, 15), "一九九九年五月十五日"),
        ((2026, 8, 22), "二零二六年八月二十二日"),
    ],
)
def test_a_date_is_said_with_its_year_digit_by_digit(day: tuple[int, int, int], words: str) -> None:
    assert said(times.date_prompts(datetime.date(*day))) == words


def test_the_year_is_left_out_when_it_is_this_one() -> None:
    day = datetime.date(2026, 11, 22)
    assert said(times.date_prompts(day, today=datetime.date(2026, 1, 1))) == "十一月二十二日"
    assert said(times.date_prompts(day, today=datetime.date(2027, 1, 1))).startswith("二零二六年")


@given(st.dates())
def test_every_date_can_be_said(day: datetime.date) -> None:
    assert set(times.date_prompts(day)) | set(times.weekday_prompts(day)) <= TEXTS.keys()


@pytest.mark.parametrize("year", [0, 10_000, -5])
def test_a_year_beyond_the_calendar_is_refused(year: int) -> None:
    with pytest.raises(PromptError, match=f"year {year}"):
        times.year_prompts(year)


@pytest.mark.parametrize(("day", "words"), [(1, "星期四"), (4, "星期日"), (5, "星期一")])
def test_the_day_of_the_week_is_named(day: int, words: str) -> None:
    assert said(times.weekday_prompts(datetime.date(2026, 10, day))) == words


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (0, 0, "凌晨零点"),
        (5, 59, "凌晨五点五十九分"),
        (6, 0, "上午六点"),
        (9, 30, "上午九点半"),
        (12, 0, "中午十二点"),
        (12, 5, "中午十二点零五分"),
        (14, 5, "下午两点零五分"),
        (17, 10, "下午五点十分"),
        (18, 15, "晚上六点十五分"),
        (23, 40, "晚上十一点四十分"),
    ],
)
def test_a_time_of_day_is_said_in_twelve_hours_with_its_part_of_the_day(
    hour: int, minute: int, words: str
) -> None:
    assert said(times.time_prompts(datetime.time(hour, minute))) == words


@given(st.times())
def test_every_time_of_day_can_be_said(time: datetime.time) -> None:
    assert set(times.time_prompts(time)) <= TEXTS.keys()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "零秒钟"),
        (40.2, "四十一秒钟"),
        (59.5, "一分钟"),
        (61, "两分钟"),
        (3600, "一个小时"),
        (9000, "两个小时三十分钟"),
        (86_399, "一天"),
        (86_400 * 3, "三天"),
        (86_400 * 2 + 7200, "两天两个小时"),
    ],
)
def test_a_duration_is_said_in_at_most_two_units_and_rounded_up(seconds: float, words: str) -> None:
    assert said(times.duration_prompts(seconds)) == words


@given(st.floats(min_value=0, max_value=times.MAX_DAYS * 86_400))
def test_every_duration_can_be_said(seconds: float) -> None:
    assert set(times.duration_prompts(seconds)) <= TEXTS.keys()


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan, 1e9])
def test_a_duration_without_sense_is_refused(seconds: float) -> None:
    with pytest.raises(PromptError, match="duration of"):
        times.duration_prompts(seconds)


def test_two_of_something_is_a_pair_but_the_number_is_two() -> None:
    assert (said(times.count_prompts(2)), said(times.number_prompts(2))) == ("两", "二")


def test_all_recordings_together_stay_small_enough_for_version_control() -> None:
    assert sum(path.stat().st_size for path in AUDIO.glob("*.wav")) <= MAX_AUDIO_BYTES
