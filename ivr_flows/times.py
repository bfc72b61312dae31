"""Dates, times of day and durations, put together from recorded words.

Nearly every piece is a phrase that people say in one breath (十月, 三日, 九点, 五分), because lone words
sound broken; 二十 and 三日 make 二十三日. Which recording says what is in the manifest; the words here are
what the texts of those recordings read when they stand in a row.
"""

from __future__ import annotations

import datetime
import math

from ivr_flows.speech import PromptError, spell_each, spell_number, word_keys

YEARS = range(2026, 2028)
"""years that have a recording of their own; others are read digit by digit"""
MAX_DAYS = 999
"""longest duration, days"""


def date_prompts(day: datetime.date, *, today: datetime.date | None = None) -> tuple[str, ...]:
    """Return the keys that say a date: 二零二六年十月一日.

    The year is left out when it is that of `today`.
    """
    keys = () if today is not None and today.year == day.year else year_prompts(day.year)
    return (*keys, f"month_{day.month}", *_tens(day.day, "day"))


def year_prompts(year: int) -> tuple[str, ...]:
    """Return the keys that say a year, digit by digit: 二零二六年.

    Raises `PromptError` outside 1 to 9999.
    """
    if not datetime.MINYEAR <= year <= datetime.MAXYEAR:
        raise PromptError(f"year {year}: only {datetime.MINYEAR} to {datetime.MAXYEAR} can be said")
    if year in YEARS:
        return (f"year_{year}",)
    return (*word_keys(spell_each(str(year)).replace("幺", "一")), "year")


def weekday_prompts(day: datetime.date) -> tuple[str, ...]:
    """Return the key that says the day of the week: 星期四."""
    return (f"weekday_{day.isoweekday()}",)


def time_prompts(time: datetime.time) -> tuple[str, ...]:
    """Return the keys that say a time of day to the minute: 上午九点半, 下午两点零五分, 中午十二点.

    Before six is 凌晨, before noon 上午, the hour from noon 中午, until six 下午, then 晚上.
    """
    hour = time.hour if time.hour <= 12 else time.hour - 12
    keys = (_part_of_day(time.hour), f"hour_{hour}")
    if time.minute == 0:
        return keys
    if time.minute == 30:
        return (*keys, "half")
    if time.minute < 10:
        return (*keys, "minute_0", f"minute_{time.minute}")
    return (*keys, *_tens(time.minute, "minute"))


def duration_prompts(seconds: float) -> tuple[str, ...]:
    """Return the keys that say a duration in at most two units: 两个小时三十分钟, 三天, 四十秒钟.

    Seconds are said below one minute only; more is rounded up to the minute, from one day on to the hour.
    Raises `PromptError` when it is negative, not a number, or longer than `MAX_DAYS`.
    """
    if not 0 <= seconds <= MAX_DAYS * 86_400:
        raise PromptError(f"duration of {seconds} s: only 0 to {MAX_DAYS} days can be said")
    if seconds <= 59:
        return (*count_prompts(math.ceil(seconds)), "unit_second")
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return (*count_prompts(minutes), "unit_minute")
    if minutes < 1440:
        hours, minutes = divmod(minutes, 60)
        rest = (*count_prompts(minutes), "unit_minute") if minutes else ()
        return (*count_prompts(hours), "unit_hour", *rest)
    days, hours = divmod(math.ceil(seconds / 3600), 24)
    rest = (*count_prompts(hours), "unit_hour") if hours else ()
    return (*count_prompts(days), "unit_day", *rest)


def number_prompts(value: int) -> tuple[str, ...]:
    """Return the keys that say a whole number: 一百零二. Raises `PromptError` beyond what can be said."""
    return word_keys(spell_number(value))


def count_prompts(value: int) -> tuple[str, ...]:
    """Return the keys that say how many of something there are: as a number, but 两 for a lone 二."""
    return ("number_pair",) if value == 2 else number_prompts(value)


def _part_of_day(hour: int) -> str:
    if hour < 6:
        return "part_small_hours"
    if hour < 12:
        return "part_morning"
    if hour == 12:
        return "part_noon"
    return "part_afternoon" if hour < 18 else "part_evening"


def _tens(value: int, unit: str) -> tuple[str, ...]:
    """日 and 分: up to ten, and full tens, are one recording; 二十三日 is 二十 and 三日."""
    tens, ones = divmod(value, 10)
    if tens == 0 or ones == 0:
        return (f"{unit}_{value}",)
    return (f"tens_{tens}", f"{unit}_{ones}")
