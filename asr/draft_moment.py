"""What a Chinese date or time means on the calendar, as ISO 8601, counted from a given moment. Pure.

A day and a clock give a date-time with the moment's own offset, a day gives a date, a month `2026-08`, a year
alone nothing; a stretch (国庆期间, 这两个月, 三天了) gives the day on which it began. What happens again
and again has no date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from asr.text import value_of

PART = "凌晨|清晨|清早|早上|早晨|大清早|一早|上午|中午|下午|傍晚|晚上|夜里|半夜|夜间|深夜|夜晚|当晚|晚间|早"
NUMBER = "(?:[零〇一二三四五六七八九十两]+|[0-9]+)"
WEEK = "(?:星期|周|礼拜)"
HOLIDAY = "国庆|五一|元旦|春节|过年|大年|清明|端午|中秋|十一"

_AFTERNOON = frozenset({"下午", "傍晚", "晚上", "夜里", "夜间", "深夜", "夜晚", "当晚", "晚间", "半夜"})
_NIGHT = frozenset({"晚上", "夜里", "夜间", "深夜", "夜晚", "当晚", "晚间", "半夜"})
_SHOWN = {"day": 10, "month": 7, "year": 0}
"""Characters of a date that are told; a year alone is too vague to be a date."""
_EARLY_HOURS = 5
"""昨晚两点 is the small hours of the next day."""
_AHEAD_DAYS = 45
"""A date without a year that lies further ahead is the last one of its kind."""

_DAYS = {
    "大前天": -3, "前天": -2, "前日": -2, "前晚": -2, "前夜": -2, "昨天": -1, "昨日": -1, "昨晚": -1,
    "昨夜": -1, "昨儿": -1, "今天": 0, "今日": 0, "今早": 0, "今晨": 0, "今晚": 0, "今儿": 0, "明天": 1,
    "明日": 1, "明早": 1, "明晚": 1, "后天": 2,
}  # fmt: skip
_OWN_PART = {"前晚": "晚上", "前夜": "晚上", "昨晚": "晚上", "昨夜": "晚上", "今晚": "晚上", "明晚": "晚上"}
_YEARS = {"大前年": -3, "前年": -2, "去年": -1, "今年": 0, "本年": 0, "明年": 1}
_FIXED: Mapping[str, tuple[int, int]] = {"国庆": (10, 1), "十一": (10, 1), "五一": (5, 1), "元旦": (1, 1)}
_MOVING: Mapping[str, tuple[str, ...]] = {
    "春节": ("2018-02-16", "2019-02-05", "2020-01-25", "2021-02-12", "2022-02-01", "2023-01-22", "2024-02-10",
             "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26"),
    "清明": ("2018-04-05", "2019-04-05", "2020-04-04", "2021-04-04", "2022-04-05", "2023-04-05", "2024-04-04",
             "2025-04-04", "2026-04-05", "2027-04-05", "2028-04-04"),
    "端午": ("2018-06-18", "2019-06-07", "2020-06-25", "2021-06-14", "2022-06-03", "2023-06-22", "2024-06-10",
             "2025-05-31", "2026-06-19", "2027-06-09", "2028-05-28"),
    "中秋": ("2018-09-24", "2019-09-13", "2020-10-01", "2021-09-21", "2022-09-10", "2023-09-29", "2024-09-17",
             "2025-10-06", "2026-09-25", "2027-09-15", "2028-10-03"),
}  # fmt: skip
"""Days of the lunar holidays; those of other years have no date."""

_FULL = re.compile(
    rf"((?:19|20)[0-9]{{2}})(?:年|[./-])({NUMBER})(?:月份?|[./-])(?:({NUMBER})[日号]?(?![0-9]))?"
)
_YEAR = re.compile(
    rf"(大前年|前年|去年|今年|本年|明年|(?:19|20)[0-9]{{2}}年)的?(?:({NUMBER})月份?(?:({NUMBER})[日号])?|(年?底|年?初))?"
)
_LAST_MONTH = re.compile(rf"(上上|上|本|这|当)个?月份?(?:({NUMBER})[日号])?(?![前后内里])")
_MONTH_DAY = re.compile(
    rf"(?<![0-9个零〇一二三四五六七八九十两几])({NUMBER})月份?(?:({NUMBER})[日号]|(初|底|中旬|上旬|下旬))?"
)
_DAY_ONLY = re.compile(rf"(?<![0-9零〇一二三四五六七八九十两月])({NUMBER})[号日]$")
_WEEKDAY = re.compile(rf"(上上|上|这|本|下)?个?{WEEK}([一二三四五六日天末1-7])?")
_AGO = re.compile(
    rf"({NUMBER}|半|几|好几|数)(个半|个|多个|多)?(年|月|星期|礼拜|周|天|日|小时|钟头)半?(?:以前|之前|前)"
)
_LASTING = re.compile(rf"({NUMBER}|半)(个半|个多|个|多)?(年|月|星期|礼拜|周|天)")
_CLOCK = re.compile(
    rf"({PART})?的?({NUMBER})(?:点钟?|时(?!候|间|常|不|而)|[:：])(?:(半)|(一刻|三刻)|({NUMBER})分?)?"
)
_HOLIDAY = re.compile(rf"(?:(去年|今年|前年)的?)?({HOLIDAY})")


@dataclass(frozen=True, slots=True)
class _Day:
    """A day as far as it is told."""

    day: date
    shown: str  # "day", "month" or "year": how much of it
    part: str = ""  # a part of the day that its word contains


def iso_of(words: str, now: datetime) -> str:
    """Return what these words mean, "" where they have no date of their own."""
    ago = _ago(words, now)
    if ago:
        return ago
    try:
        day = _day_of(words, now.date())
        return _with_clock(words, day, now)
    except (ValueError, OverflowError):  # the 31st of February, the year 0
        return ""


def began(words: str, now: datetime) -> str:
    """Return the day on which a stretch of time up to now began (三天 → three days ago)."""
    match = _LASTING.search(words)
    return "" if match is None else _back(match[1], match[2] or "", match[3], now)


def _ago(words: str, now: datetime) -> str:
    match = _AGO.search(words)
    if match is None or match[1] in ("几", "好几", "数"):
        return ""
    if match[3] in ("小时", "钟头"):
        hours = 0.5 if match[1] == "半" else float(value_of(match[1]) or 0)
        return (now - timedelta(hours=hours)).replace(second=0, microsecond=0).isoformat()
    return _back(match[1], match[2] or "", match[3], now)


def _back(number: str, more: str, unit: str, now: datetime) -> str:
    count = 0.5 if number == "半" else float(value_of(number) or 0)
    if more == "个半":
        count += 0.5
    if not 0 < count < 200:
        return ""
    today = now.date()
    if unit == "年":
        return ""  # 七年了 tells no day
    if unit == "月":
        whole = _months_back(today, int(count))
        return (whole - timedelta(days=15 if count % 1 else 0)).isoformat()
    days = count * (7 if unit in ("星期", "礼拜", "周") else 1)
    return (today - timedelta(days=round(days))).isoformat()


def _months_back(day: date, months: int) -> date:
    total = day.year * 12 + day.month - 1 - months
    year, month = divmod(total, 12)
    return _clipped(year, month + 1, day.day)


def _clipped(year: int, month: int, day: int) -> date:
    """Return the day, or the month's last one when the month has no such day."""
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            if day <= 28:
                raise
            day -= 1


def _number(text: str | None) -> int:
    return int(value_of(text) or 0) if text else 0


def _day_of(words: str, today: date) -> _Day | None:
    full = _FULL.search(words)
    if full is not None:
        year, month, day = int(full[1]), _number(full[2]), _number(full[3])
        return _Day(date(year, month, day or 1), "day" if day else "month")
    for word, days in _DAYS.items():
        if word in words:
            return _Day(today + timedelta(days=days), "day", _OWN_PART.get(word, ""))
    holiday = _HOLIDAY.search(words)
    if holiday is not None:
        return _holiday(holiday[2], _YEARS.get(holiday[1] or ""), today)
    year_said = _YEAR.search(words)
    if year_said is not None:
        return _in_year(year_said, today)
    month_said = _LAST_MONTH.search(words)
    if month_said is not None:
        back = {"上上": 2, "上": 1}.get(month_said[1], 0)
        first = _months_back(today.replace(day=1), back)
        day = _number(month_said[2])
        return _Day(date(first.year, first.month, day or 1), "day" if day else "month")
    month_day = _MONTH_DAY.search(words)
    if month_day is not None:
        month, day = _number(month_day[1]), _number(month_day[2])
        return _Day(_nearest(month, day or 1, today), "day" if day else "month")
    weekday = _WEEKDAY.search(words)
    if weekday is not None:
        return _weekday(weekday, today)
    only = _DAY_ONLY.search(words)
    if only is not None:
        day = _number(only[1])
        this = date(today.year, today.month, day)
        return _Day(this if this <= today else _months_back(this, 1), "day")
    return None


def _nearest(month: int, day: int, today: date) -> date:
    this = date(today.year, month, day)
    return this if this <= today + timedelta(days=_AHEAD_DAYS) else date(today.year - 1, month, day)


def _in_year(match: re.Match[str], today: date) -> _Day:
    offset = _YEARS.get(match[1])
    year = int(match[1][:4]) if offset is None else today.year + offset
    month, day = _number(match[2]), _number(match[3])
    if match[4]:
        return _Day(date(year, 12 if "底" in match[4] else 1, 1), "month")
    if not month:
        return _Day(date(year, 1, 1), "year")
    return _Day(date(year, month, day or 1), "day" if day else "month")


def _holiday(name: str, offset: int | None, today: date) -> _Day | None:
    name = "春节" if name in ("过年", "大年") else name
    if name in _FIXED:
        month, day = _FIXED[name]
        this = _nearest(month, day, today) if offset is None else date(today.year + offset, month, day)
        return _Day(this, "day")
    known = [date.fromisoformat(text) for text in _MOVING[name]]
    if offset is not None:
        known = [day for day in known if day.year == today.year + offset]
    else:
        known = [day for day in known if day <= today + timedelta(days=_AHEAD_DAYS)]
        known = [day for day in known if (today - day).days < 400]
    return _Day(known[-1], "day") if known else None


def _weekday(match: re.Match[str], today: date) -> _Day | None:
    weeks = {"上上": -2, "上": -1, "下": 1}.get(match[1] or "", 0)
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)
    if match[2] is None:
        return _Day(monday, "day") if match[1] else None
    index = "一二三四五六日".find({"天": "日", "7": "日", "末": "六"}.get(match[2], match[2]))
    day = monday + timedelta(days=int(match[2]) - 1 if index < 0 else index)
    if not match[1] and day > today:  # 周三, said on a Tuesday of what has happened
        day -= timedelta(weeks=1)
    return _Day(day, "day")


def _with_clock(words: str, day: _Day | None, now: datetime) -> str:
    clock = _CLOCK.search(words)
    if clock is None:
        if day is None:
            return ""
        return day.day.isoformat()[: _SHOWN[day.shown]]
    if day is not None and day.shown != "day":
        return day.day.isoformat()[: _SHOWN[day.shown]]
    hour = _number(clock[2])
    minute = 30 if clock[3] else {"一刻": 15, "三刻": 45}.get(clock[4] or "", _number(clock[5]))
    part = clock[1] or (day.part if day is not None else "")
    base = now.date() if day is None else day.day
    if hour > 24 or minute > 59:
        return ""
    if part in _NIGHT and (hour == 12 or hour < _EARLY_HOURS):
        base, hour = base + timedelta(days=1), hour % 12
    elif (part in _AFTERNOON and hour < 12) or (part == "中午" and hour < 3):
        hour += 12
    elif part == "凌晨" and hour == 12:
        hour = 0
    moment = datetime(base.year, base.month, base.day, tzinfo=now.tzinfo) + timedelta(
        hours=hour, minutes=minute
    )
    if day is None and moment > now:
        moment -= timedelta(days=1)
    return moment.isoformat()
