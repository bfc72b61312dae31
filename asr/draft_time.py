"""When it happened, in the citizen's words, with the date where it can be told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asr.draft_lines import Said
from asr.text import clock_times

_PART = "(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜|夜间|深夜)"
_NUM = "(?:[一二三四五六七八九十两]+|[0-9]+)"
_CLOCK = f"{_NUM}点(?!建议|意见|要求|问题|原因|诉求|希望|情况)(?:钟|半|一刻|{_NUM}分)?多?"
_WEEKDAY = "[一二三四五六日天1-6]"
_WEEK = "(?:星期|周|礼拜)"
_DAY = (
    rf"(?:大前天|前天|昨天|昨晚|昨夜|今天|今早|今晚|当天|上上?个?{_WEEK}{_WEEKDAY}?|这个?{_WEEK}{_WEEKDAY}"
    rf"|{_WEEK}{_WEEKDAY}|(?:{_NUM}|上个|本|这个)月(?:{_NUM}[号日]|份|初|底|中旬)?"
    r"|前几天|这几天|前两天|这两天|前段时间|最近|近期|去年|今年|前年|上半年|下半年)"
)
_EVERY = rf"(?:每天|天天|每晚|每周{_WEEKDAY}?|每个?(?:星期|月)|经常|平时|周末)"
_RANGE = rf"(?:{_CLOCK}(?:到|至)(?:第二天|次日)?{_PART}?{_CLOCK})"
_AFTER = "(?:以后|之后|以前|之前|左右|前后|过后)?"
_MOMENT = rf"(?:{_PART}?的?(?:{_RANGE}|{_CLOCK})|{_PART})"
_LENGTH = (
    rf"(?:(?:好几|几|{_NUM}|半)(?:个多?)?(?:年|月|星期|礼拜|周|天|小时|钟头)多?(?:了|没有|没|不|一直|以来)"
    r"|(?:大半|半)(?:年|个月|天))"
)
_PATTERNS: tuple[tuple[str, float, re.Pattern[str]], ...] = (
    ("moment", 0.9, re.compile(rf"(?:{_DAY}|{_EVERY})的?{_MOMENT}{_AFTER}")),
    ("clock", 0.7, re.compile(rf"{_PART}?(?:{_RANGE}|{_CLOCK}){_AFTER}")),
    ("just_now", 0.85, re.compile("刚刚?才|刚刚|刚才|就刚才")),
    ("day", 0.8, re.compile(rf"{_DAY}|{_EVERY}")),
    ("length", 0.7, re.compile(_LENGTH)),
    ("part_of_day", 0.4, re.compile(_PART)),
)
_LENGTH_TAIL = re.compile("(?:了|没有|没|不|一直|以来)$")
_NOT_A_TIME = re.compile(rf"(?:^|[^到从])一点(?!钟|半|{_NUM}分)|[有差快慢早晚]一点|几点")
_DISTANT = frozenset({"去年", "今年", "前年", "最近", "近期", "平时", "经常", "天天", "今天"})
_DAYS = {"大前天": -3, "前天": -2, "昨天": -1, "昨晚": -1, "昨夜": -1, "今天": 0, "今早": 0, "今晚": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """When it happened."""

    value: str  # the words, and the date in brackets where it is certain
    source: str  # rule:time/…
    confidence: float  # 0 to 1
    said: Said  # the sentence


def find_time(lines: Sequence[Said], now: datetime) -> When | None:
    """Return the best time the citizen named: a moment before a day, a day before a duration."""
    best: tuple[float, When] | None = None
    for said in lines:
        text = clock_times(said.text)
        for name, weight, pattern in _PATTERNS:
            for match in pattern.finditer(text):
                words = match.group()
                if _NOT_A_TIME.search(words) or (name == "clock" and "点" not in words):
                    continue
                if name == "length":
                    words = _LENGTH_TAIL.sub("", words)
                score = weight + (0.05 if said.asked_time else 0.0) - (0.15 if words in _DISTANT else 0.0)
                if best is not None and score <= best[0] + 1e-9:
                    continue
                value = words + _date(words, now)
                best = (
                    score,
                    When(
                        value=value,
                        source=f"rule:time/{name}",
                        confidence=round(min(0.97, score) * said.confidence, 3),
                        said=said,
                    ),
                )
    return None if best is None else best[1]


def _date(words: str, now: datetime) -> str:
    """Return the day in brackets that words like 昨天 mean at `now`, "" where it cannot be told."""
    for word, days in _DAYS.items():
        if words.startswith(word):
            return f"（{_day(now + timedelta(days=days))}）"
    if words.startswith(("刚才", "刚刚", "刚刚才", "就刚才")):
        return f"（{_day(now)}{now:%H:%M}前）"
    weekday = re.match(rf"(上|这)个?(?:星期|周|礼拜)({_WEEKDAY})", words)
    if weekday is not None:
        index = "一二三四五六日".find(weekday[2].replace("天", "日"))
        index = int(weekday[2]) - 1 if index < 0 else index
        monday = now - timedelta(days=now.weekday() + (7 if weekday[1] == "上" else 0))
        return f"（{_day(monday + timedelta(days=index))}）"
    for word, years in (("去年", -1), ("前年", -2), ("今年", 0)):
        if words.startswith(word):
            return f"（{now.year + years}年）"
    return ""


def _day(moment: datetime) -> str:
    return f"{moment.month}月{moment.day}日"
