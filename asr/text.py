"""Spoken Chinese made readable: numbers into digits where people write digits, fillers dropped.

Only passages that are surely numbers are touched: telephone and ID numbers, number plates, house numbers,
clock times, dates, money, measures and runs of three or more digits said one by one. Counted things (三个月,
十二个人) and words that merely contain a numeral (一直, 一下, 第一中学, 乱七八糟) stay as they were said.
Every function may be applied twice: the second time changes nothing.
"""

from __future__ import annotations

import re

from asr.text_marked import Rule, rewritten
from asr.text_number import DIGITS, value_of

__all__ = [
    "DIGITS",
    "FILLER_RULES",
    "MAX_TEXT",
    "NUMBER_RULES",
    "clock_times",
    "digit_runs",
    "house_numbers",
    "numbers",
    "readable",
    "value_of",
    "without_fillers",
]

MAX_TEXT = 100_000
"""Longer texts are cut before any pattern runs over them."""

# ---------------------------------------------------------------- fillers

_BREAK = "，。！？、,.!? "
FILLER_RULES: tuple[Rule, ...] = (
    (
        re.compile(rf"嗯+|呃+|诶+|噢+|哦+|唉+|(?:^|(?<=[{_BREAK}]))(?:啊|哎呀|哎|额|呀)+(?=[{_BREAK}]|$)"),
        lambda _: "",
    ),
    (re.compile(r"([我他她你这那就在有])\1+(?!\1)"), lambda found: found[1]),
    (
        re.compile(r"(那个|这个|就是|就是说|然后|我们|他们|因为|所以)(?:[，, ]?\1)+"),
        lambda found: found[1],
    ),
    (re.compile(rf"(?:^|(?<=[{_BREAK}]))(?:那个|这个|就是说|就是|怎么说呢)[，, ]+"), lambda _: ""),
    (re.compile(r"[，、, ]{2,}"), lambda _: "，"),
    (re.compile(r"^[，。、,. ]+"), lambda _: ""),
)
"""Hesitations (嗯, 呃, 那个…) and stutters (我我我) go."""


def without_fillers(text: str) -> str:
    """Return the text without hesitations and stutters."""
    return rewritten(text[:MAX_TEXT], FILLER_RULES)


# ---------------------------------------------------------------- numbers

_D = "零〇一二三四五六七八九幺"
_INSIDE = f"0-9{_D}两十百千万"
_NUMBER = f"(?:[{_D}两十百]+|[0-9]+)"
_AMOUNT = f"[{_D}两十百千]+"
_IDIOMS = frozenset({"七七八八", "三三两两"})

_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"([{_PROVINCE}])([A-Za-z])[ ，,·.]*([0-9A-Za-z{_D}，, ]{{4,9}}[0-9A-Za-z{_D}])(?![0-9{_D}])"
)

_PART = "凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜|夜间|今早|今晚|昨晚"
_NOT_TIME = "建议|意见|要求|问题|原因|诉求|小|希望|情况"
_AFTER_PART = "|".join(f"(?<={part})" for part in _PART.split("|"))
_CLOCK = re.compile(
    rf"(?:{_AFTER_PART}|(?<=[到至从])(?!一点))({_NUMBER})(?=点(?!{_NOT_TIME}))"
    rf"|(?<![{_INSIDE}])({_NUMBER})(?=点(?:钟|半|多钟|左右|[{_D}两十0-9]+分))"
    rf"|(?<![{_INSIDE}])([三四五六七八九]|十[一二]?|二十[一二三四]?)(?=点(?:到|至|多?以?[前后]|[，。,. ]|$))"
)
_TENS = "[二三四五]?十[一二三四五六七八九]?"
_MINUTE = re.compile(rf"(?<=[0-9]点)({_NUMBER})(?=分)|(?<=[0-9]点)({_TENS}|零[{_D}])(?![{_INSIDE}个块条])")
_MONTH = re.compile(rf"(?<![个第{_INSIDE}])({_NUMBER})(?=月(?:份|底|初|中旬|[{_D}两十0-9]|[，。,. ]|$))")
_DAY = re.compile(rf"(?<=月)({_NUMBER})(?=号|日)")

_ADDRESS = re.compile(
    rf"(?<![第{_INSIDE}])({_NUMBER})(?=号楼|号院|栋|幢|单元|号(?!称|召|外|角|令|码|脉|召)|弄|室"
    r"|组(?!织|成|长|合|建)|座(?!位|谈)|排(?!队|放|水|污|查|除|队|风|气))"
)
_FLOOR = re.compile(rf"(?<=[住在到栋幢元楼号，, ])({_NUMBER})(?=楼|层)")
_ROOM = re.compile(rf"(?<=单元)({_NUMBER})(?![十百千万亿个月天年次点])")
_ROOM_NAME = re.compile(
    r"(?:(?<=单元)|(?<=[0-9][栋幢座])|(?<=[0-9]号楼))([1-9][0-9]{2,3})(?![0-9室号房户楼层栋幢单弄米平年元块])"
)

_MONEY_END = r"多?(?:块钱|元(?!旦|宵|素|件))"
_PIECES = "[砖板牌石地瓦玻木钢铁布肉糖田]"
_MONEY = re.compile(
    rf"(?<![第{_INSIDE}.])({_AMOUNT}(?:万{_AMOUNT})?)(?={_MONEY_END})"
    rf"|(?<![第{_INSIDE}.])({_AMOUNT})(?=万多?(?:{_MONEY_END}|块))"
    rf"|(?<![第{_INSIDE}.])([{_D}两十百千万]{{2,}})(?=多?块(?!{_PIECES}))"
)
_UNIT = (
    "度(?!过)|平方米|平米|平方|公里|千米|米(?!饭|粉|线)|厘米|毫米|公斤|千克|斤(?!斤)|吨|升|分贝|岁|亩|伏|千瓦"
    "|立方|%"
)
_MEASURE = re.compile(rf"(?<![第{_INSIDE}.几])([{_D}两十百千]{{2,}})(?=多?(?:{_UNIT}))")
_DECIMAL = re.compile(rf"(?<![{_INSIDE}.点])([{_D}十百]+)点([{_D}]+)(?=多?(?:{_UNIT}|万|元|块|倍|个百分点))")
_PERCENT = re.compile(rf"百分之([{_D}两十百]+(?:点[{_D}]+)?)")

_RUN = re.compile(f"[{_D}]{{3,}}+(?![十百千万亿个天次岁月])")
_ID_END = re.compile(r"(?<![0-9])([1-9](?:[，、, ]?[0-9]){16})[，, ]?(?:叉|[艾爱]克斯|[xX])")
_LONG = re.compile(r"(?<![0-9])[0-9]++(?:[，、, ]++[0-9]++)+")
_SPLIT = re.compile(r"[，、, ]+")
_WHOLE = re.compile(
    r"1[3-9][0-9]{9}|0(?:10|2[0-9]|[3-9][0-9]{2})[2-9][0-9]{6,7}"
    r"|[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])[0-9]{3}[0-9X]"
)


def _digits(found: re.Match[str]) -> str:
    number = next((group for group in found.groups() if group is not None), found.group())
    return value_of(number) or number


def _moment(found: re.Match[str]) -> str:
    """Write an hour, month or day in digits; 三四点 is about then, and stays as it was said."""
    number = next((group for group in found.groups() if group is not None), found.group())
    about = len(number) > 1 and number[0] not in "零〇" and all(sign in DIGITS for sign in number)
    return number if about else _digits(found)


def _run(found: re.Match[str]) -> str:
    return found.group() if found.group() in _IDIOMS else _digits(found)


def _joined(found: re.Match[str]) -> str:
    """Join groups of digits when together they are a telephone or ID number."""
    whole = _SPLIT.sub("", found.group())
    return whole if _WHOLE.fullmatch(whole) else found.group()


def _plate(found: re.Match[str]) -> str:
    number = "".join(value_of(sign) or sign for sign in _SPLIT.sub("", found[3])).upper()
    if len(number) not in (5, 6) or sum(sign.isdigit() for sign in number) < 3:
        return found.group()
    return f"{found[1]}{found[2].upper()}·{number}"


def _decimal(found: re.Match[str]) -> str:
    whole, part = value_of(found[1]), value_of(found[2])
    return found.group() if whole is None or part is None else f"{whole}.{part}"


def _percent(found: re.Match[str]) -> str:
    whole, _, part = found[1].partition("点")
    numbers = [value_of(each) for each in (whole, part) if each]
    return found.group() if None in numbers else ".".join(str(number) for number in numbers) + "%"


CLOCK_RULES: tuple[Rule, ...] = (
    (_MONTH, _moment),
    (_DAY, _moment),
    (_CLOCK, _moment),
    (_MINUTE, _digits),
)
"""Clock times and dates."""
HOUSE_RULES: tuple[Rule, ...] = ((_ADDRESS, _digits), (_ROOM, _digits), (_FLOOR, _digits))
"""House numbers."""
NUMBER_RULES: tuple[Rule, ...] = (
    (_PLATE, _plate),
    (_PERCENT, _percent),
    (_DECIMAL, _decimal),
    *CLOCK_RULES,
    *HOUSE_RULES,
    (_MONEY, _digits),
    (_MEASURE, _digits),
    (_RUN, _run),
    (_ID_END, lambda found: f"{_SPLIT.sub('', found[1])}X"),
    (_LONG, _joined),
    (_ROOM_NAME, lambda found: f"{found[1]}室"),
)
"""Numbers of every kind, in digits; the order matters: what is surer comes first."""


def house_numbers(text: str) -> str:
    """Return the text with house numbers in digits: 八栋二单元六零三 → 8栋2单元603."""
    return rewritten(text[:MAX_TEXT], HOUSE_RULES)


def clock_times(text: str) -> str:
    """Return the text with clock times and dates in digits: 晚上十点半 → 晚上10点半, 三月五号 → 3月5号."""
    return rewritten(text[:MAX_TEXT], CLOCK_RULES)


def digit_runs(text: str) -> str:
    """Return the text with three or more digits said one by one written as digits; idioms are kept."""
    return rewritten(text[:MAX_TEXT], ((_RUN, _run),))


def numbers(text: str) -> str:
    """Return the text with numbers of the kinds named above in digits."""
    return rewritten(text[:MAX_TEXT], NUMBER_RULES)


def readable(verbatim: str) -> str:
    """Return what was heard as a person would write it down: without fillers, numbers in digits.

    Texts longer than `MAX_TEXT` characters are cut.
    """
    return numbers(without_fillers(verbatim))
