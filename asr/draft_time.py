"""When it happened: the citizen's words, and the date where it can be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from asr.draft_lines import Said
from asr.draft_moment import HOLIDAY, NUMBER, PART, WEEK, began, iso_of
from asr.text import clock_times

_PART = f"(?:{PART})"
_MINUTES = f"(?:钟?半|钟|一刻|三刻|{NUMBER}分|[0-9]{{2}}(?![0-9]))?"
_CLOCK = (
    rf"(?:{NUMBER}点(?!建议|意见|要求|问题|原因|诉求|希望|情况|都|也|儿|事){_MINUTES}多?钟?"
    rf"|[0-2]?[0-9][:：][0-5][0-9])"
)
_WEEKDAY = f"{WEEK}[一二三四五六日天末1-6]"
_YEAR = "(?:19|20)[0-9]{2}"
_MONTH_DAY = rf"{NUMBER}月份?(?:{NUMBER}[号日]|初|底|中旬|上旬|下旬)?"
_DATE = (
    rf"(?:{_YEAR}年(?:{_MONTH_DAY}|初|底)?|{_YEAR}[./-][0-9]{{1,2}}[./-][0-9]{{1,2}}日?"
    rf"|(?:去年|今年|前年)的?(?:{_MONTH_DAY}|年?底|年?初|{WEEK}[一二三四五六日天])?|上上?个?月份?(?:{NUMBER}[号日]|初|底|中旬)?|(?:本|这个)月(?:{NUMBER}[号日]|初|底|中旬)?"
    rf"|(?<![个几0-9零一二三四五六七八九十两]){_MONTH_DAY})"
)
_DAY = (
    r"(?:大前天|前天|昨天|昨日|昨晚|昨夜|前晚|今天|今日|今早|今晨|今晚|明天|后天|当天"
    rf"|上上?个?{WEEK}[一二三四五六日天末1-6]?|这个?{_WEEKDAY}|本周[一二三四五六日天末]?|(?<!每){_WEEKDAY}(?!到|至|、|休)"
    rf"|(?:去年|今年|前年)?的?(?:{HOLIDAY})(?:节|期间|假期|长假|前后|那天|的时候|当天)+"
    rf"|(?:去年|今年|前年)?的?(?:国庆|元旦|春节|过年|清明|端午|中秋)(?!路|街|小区|新村|村|里|苑)"
    rf"|(?<![0-9月第零〇一二三四五六七八九十]){NUMBER}[号日](?={_PART}|{_CLOCK})|{_DATE}"
    r"|前几天|这几天|前两天|这两天|前些天|前段时间|前阵子|最近|近期|近日|近几个月|近来|上半年|下半年|大前年)"
)
_EVERY = (
    rf"(?:每天|天天|每日|每晚|每到?{_WEEKDAY}|每周[一二三四五六日]?|每个?(?:星期|月|年)"
    r"|经常|平时|周末|常年|长期)"
)
_RANGE = rf"(?:{_CLOCK}(?:到|至|[-~—])(?:第二天|次日)?{_PART}?{_CLOCK})"
_AFTER = "(?:以后|之后|以前|之前|左右|前后|过后|许)?"
_MOMENT = rf"(?:{_PART}?的?(?:{_RANGE}|{_CLOCK})|{_PART})"
_UNIT = "(?:年|月|星期|礼拜|周|天|小时|钟头)"
_COUNTED = "(?:(?:个半|个多|个)月|(?:个半|个多|个|多)?(?:年|星期|礼拜|周|天|小时|钟头))"
_LENGTH = (
    rf"(?:(?:这|近|最近|连续|持续|已经|已有|快|有|都)?(?:好几|几|{NUMBER}|半){_COUNTED}多?(?:了|没有|没|不|一直|以来|仍|还)"
    rf"|(?:这|近|最近|连续|持续|大半|已|已有|已逾|整整)(?:{NUMBER}|半|几){_COUNTED}|(?:大半|半)(?:年|个月|天))"
)
_AGO = rf"(?:{NUMBER}|半|几|好几|数)(?:个半|多个|个|多)?{_UNIT}半?(?:以前|之前|前)"
_PATTERNS: tuple[tuple[str, float, re.Pattern[str]], ...] = (
    ("moment", 0.9, re.compile(rf"(?:{_DAY}|{_EVERY})的?{_MOMENT}{_AFTER}")),
    ("clock", 0.7, re.compile(rf"{_PART}?(?:{_RANGE}|{_CLOCK}){_AFTER}")),
    ("just_now", 0.85, re.compile("刚刚?才|刚刚|刚才|就刚才")),
    ("ago", 0.85, re.compile(_AGO)),
    ("day", 0.8, re.compile(rf"{_DAY}|{_EVERY}")),
    ("length", 0.7, re.compile(_LENGTH)),
    ("part_of_day", 0.4, re.compile(_PART)),
)
_SPOKEN_YEAR = re.compile("([12二一][零〇九90][零〇一二三四五六七八九0-9]{2})(?=年)")
_YEAR_DIGITS = str.maketrans("零〇一二三四五六七八九", "00123456789")
_LENGTH_TAIL = re.compile("(?:了|没有|没|不|一直|以来|仍|还)$")
_LENGTH_HEAD = re.compile("^(?:已经|已有|有|都|快)")
_NOT_A_TIME = re.compile(rf"(?:^|[^到从])一点(?!钟|半|{NUMBER}分)|[有差快慢早晚]一点|几点|^早$")
_NOT_A_MONTH = re.compile("^[0-9一二三四五六七八九十]+月$")
_DISTANT = frozenset(
    {"去年", "今年", "前年", "最近", "近期", "平时", "经常", "天天", "今天", "每年", "常年", "长期", "近来"}
)
_VAGUE = (
    "最近",
    "近期",
    "前几天",
    "这几天",
    "前两天",
    "这两天",
    "前段时间",
    "前阵子",
    "前些天",
    "近日",
    "近来",
    "近几个月",
)
_EVERY_TIME = re.compile(f"^{_EVERY}")
_BACKGROUND = re.compile(
    "买的?房|购房|购买|入住|搬[来进到]|出生|毕业|交房|签[订了]|签合同|贷款|退休|参军|入伍|结婚|建成|办了?张|成立|开业|装修好|毕业于|就读"
    "|打过电话|打了电话|反映过|投诉过|工单"
)
_HABIT = re.compile("每|天天|经常|总是|老是|一直|就开始|还在|才[停能]|上班|下班|营业")
"""With these a clock time alone is of every day."""
_CLAUSE = re.compile("[^，。！？；,.!?;]+")
_AHEAD = ("明天", "后天", "下个", "下周", "明年")


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """When it happened."""

    words: str  # as the citizen said it, numbers of clock and calendar in digits
    iso: str  # ISO 8601, "" where it cannot be told
    source: str  # rule:time/…
    confidence: float  # 0 to 1
    said: Said  # the sentence


def find_time(lines: Sequence[Said], now: datetime) -> When | None:
    """Return the best time the citizen named: a moment before a day, a day before a duration."""
    best: tuple[float, str, str, Said] | None = None
    for said in lines:
        asked = 0.05 if said.asked_time else 0.0
        for name, words, score in times_in(said.text):
            if best is None or score + asked > best[0] + 1e-9:
                best = (score + asked, name, words, said)
    if best is None:
        return None
    score, name, words, said = best
    return When(
        words=words,
        iso=_iso(name, words, now),
        source=f"rule:time/{name}",
        confidence=round(min(0.97, max(0.2, score)) * said.confidence, 3),
        said=said,
    )


@lru_cache(maxsize=8_000)
def times_in(sentence: str) -> tuple[tuple[str, str, float], ...]:
    """Return kind, words and worth of every time in a sentence."""
    text = clock_times(_SPOKEN_YEAR.sub(lambda year: year[1].translate(_YEAR_DIGITS), sentence))
    return tuple(_found(text))


def _found(text: str) -> Iterator[tuple[str, str, float]]:
    for clause in _CLAUSE.finditer(text):
        background = 0.3 if _BACKGROUND.search(clause.group()) else 0.0
        for name, weight, pattern in _PATTERNS:
            for match in pattern.finditer(clause.group()):
                words = match.group()
                if _NOT_A_TIME.search(words) or _NOT_A_MONTH.fullmatch(words):
                    continue
                habit = name == "clock" and _HABIT.search(clause.group()) is not None
                if name == "length":
                    words = _LENGTH_HEAD.sub("", _LENGTH_TAIL.sub("", words))
                score = weight - background - (0.15 if words in _DISTANT else 0.0)
                if words.startswith(_AHEAD):
                    score -= 0.1
                yield "habit" if habit else name, words, score


def _iso(name: str, words: str, now: datetime) -> str:
    if name == "just_now":
        return now.replace(second=0, microsecond=0).isoformat()
    if _EVERY_TIME.search(words) or words.startswith(_VAGUE) or name in ("part_of_day", "habit"):
        return ""
    return began(words, now) if name == "length" else iso_of(words, now)
