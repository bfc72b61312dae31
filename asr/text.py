"""Spoken Chinese made readable: numbers into digits where people write digits, fillers dropped.

Only passages that are surely numbers are touched: telephone numbers, house numbers, clock times, dates and
runs of three or more digits said one by one. Quantities (三个月, 十二个人) and words that merely contain a
numeral (一直, 一下, 第一中学, 乱七八糟) stay as they were said. Every function may be applied twice: the
second time changes nothing.
"""

from __future__ import annotations

import re

import cn2an

DIGITS = {"零": "0", "〇": "0", "幺": "1", "一": "1", "二": "2", "两": "2", "三": "3", "四": "4"} | {
    "五": "5",
    "六": "6",
    "七": "7",
    "八": "8",
    "九": "9",
}
"""How each digit is said; 幺 is 1 in telephone and house numbers."""

_D = "零〇一二三四五六七八九幺"
_NUMBER = f"(?:[{_D}两十百]+|[0-9]+)"
_INSIDE = f"0-9{_D}两十百"

MAX_TEXT = 100_000
"""Longer texts are cut before any pattern runs over them."""

# ---------------------------------------------------------------- fillers

_FILLERS = re.compile(
    r"嗯+|呃+|诶+|噢+|哦+|唉+|(?:^|(?<=[，。！？、,.!? ]))(?:啊|哎呀|哎|额|呀)+(?=[，。！？、,.!? ]|$)"
)
_STUTTER = re.compile(r"([我他她你这那就在有])\1+(?!\1)")
_REPEATED = re.compile(r"(那个|这个|就是|就是说|然后|我们|他们|因为|所以)(?:[，, ]?\1)+")
_HESITATION = re.compile(r"(?:^|(?<=[，。！？、,.!? ]))(?:那个|这个|就是说|就是|怎么说呢)[，, ]+")
_COMMAS = re.compile(r"[，、, ]{2,}")
_LEADING = re.compile(r"^[，。、,. ]+")


def without_fillers(text: str) -> str:
    """Return the text without hesitations (嗯, 呃, 那个…) and stutters (我我我)."""
    text = _FILLERS.sub("", text[:MAX_TEXT])
    text = _STUTTER.sub(r"\1", text)
    text = _REPEATED.sub(r"\1", text)
    text = _HESITATION.sub("", text)
    return _LEADING.sub("", _COMMAS.sub("，", text))


# ---------------------------------------------------------------- numbers

_IDIOMS = frozenset({"七七八八", "三三两两"})
_RUN = re.compile(f"[{_D}]{{3,}}+(?![十百千万亿])")
_ADDRESS = re.compile(
    rf"(?<![第{_INSIDE}])({_NUMBER})(?=号楼|号院|栋|幢|单元|号(?!称|召|外|角|令|码|脉)|弄|室|组(?!织|成|长)|座(?!位|谈)|排(?!队|放|水|污|查|除|队))"
)
_FLOOR = re.compile(rf"(?<=[住在到栋幢元楼号，, ])({_NUMBER})(?=楼|层)")
_ROOM = re.compile(rf"(?<=单元)({_NUMBER})(?![十百千万亿个月天年次点])")
_MONTH = re.compile(rf"(?<![个第{_INSIDE}])({_NUMBER})(?=月(?:份|底|初|中旬|[{_D}两十0-9]|[，。,. ]|$))")
_DAY = re.compile(rf"(?<=月)({_NUMBER})(?=号|日)")
_PART = "凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜|夜间|今早|今晚|昨晚"
_NOT_TIME = "建议|意见|要求|问题|原因|诉求|小|希望|情况"
_AFTER_PART = "|".join(f"(?<={part})" for part in _PART.split("|"))
_CLOCK = re.compile(
    rf"(?:{_AFTER_PART}|(?<=[到至从])(?!一点))({_NUMBER})(?=点(?!{_NOT_TIME}))"
    rf"|(?<![{_INSIDE}])({_NUMBER})(?=点(?:钟|半|多钟|左右|[{_D}两十0-9]+分))"
    rf"|(?<![{_INSIDE}])([三四五六七八九]|十[一二]?|二十[一二三四]?)(?=点(?:到|至|多?以?[前后]|[，。,. ]|$))"
)
_MINUTE = re.compile(rf"(?<=点)({_NUMBER})(?=分)")


def value_of(number: str) -> str | None:
    """Return a spoken whole number in digits (八十六 → 86, 六零三 → 603), None when it is not one."""
    if number.isascii():
        return number if number.isdigit() else None
    if all(character in DIGITS for character in number):
        return "".join(DIGITS[character] for character in number)
    try:
        return str(int(cn2an.cn2an(number.replace("幺", "一").replace("两", "二"), "smart")))
    except (ValueError, KeyError):  # cn2an looks up what is no number, such as 一十零
        return None


def _digits(match: re.Match[str]) -> str:
    number = next(group for group in match.groups() if group is not None) if match.groups() else match.group()
    return value_of(number) or number


def house_numbers(text: str) -> str:
    """Return the text with house numbers in digits: 八栋二单元六零三 → 8栋2单元603."""
    text = _ADDRESS.sub(_digits, text)
    text = _ROOM.sub(_digits, text)
    return _FLOOR.sub(_digits, text)


def clock_times(text: str) -> str:
    """Return the text with clock times and dates in digits: 晚上十点半 → 晚上10点半, 三月五号 → 3月5号."""
    text = _MONTH.sub(_digits, text)
    text = _DAY.sub(_digits, text)
    text = _CLOCK.sub(_digits, text)
    return _MINUTE.sub(_digits, text)


def digit_runs(text: str) -> str:
    """Return the text with three or more digits said one by one written as digits; idioms are kept."""
    return _RUN.sub(lambda run: run.group() if run.group() in _IDIOMS else _digits(run), text)


_SPLIT = re.compile(r"(?<=[0-9])[，、, ]+(?=[0-9])")
_LONG = re.compile(r"[0-9]+(?:[，、, ]+[0-9]+)+")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def _joined(match: re.Match[str]) -> str:
    """Join groups of digits when together they are a telephone number."""
    whole = _SPLIT.sub("", match.group())
    return whole if _MOBILE.fullmatch(whole) else match.group()


def numbers(text: str) -> str:
    """Return the text with telephone numbers, house numbers, times and dates in digits."""
    text = clock_times(text[:MAX_TEXT])
    text = house_numbers(text)
    return _LONG.sub(_joined, digit_runs(text))


def readable(verbatim: str) -> str:
    """Return what was heard as a person would write it down: without fillers, numbers in digits.

    Texts longer than `MAX_TEXT` characters are cut.
    """
    return numbers(without_fillers(verbatim))
