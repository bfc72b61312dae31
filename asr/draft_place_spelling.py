"""Words that tell where something is, spelled right where they were heard otherwise (对眠: 对面)."""

from __future__ import annotations

import re
from functools import lru_cache

from pypinyin import lazy_pinyin

from asr.gazetteer_sound import letters

_WORDS = (
    *(
        "我住在",
        "我家住在",
        "我家在",
        "我家是",
        "就住在",
        "不对是",
        "不对应该是",
        "说错了",
        "讲错了",
        "应该是在",
    ),
    *(
        "反映过",
        "投诉过",
        "打过电话",
        "没人管",
        "没有人管",
        "交叉路口",
        "十字路口",
        "交叉口",
        "交汇处",
        "东门口",
    ),
    *("西门口", "南门口", "北门口", "大门口", "地铁口", "地铁站", "公交站", "停车场", "派出所", "人行道"),
)
"""Of three characters and more: no other words sound like them."""
_SHORT = ("门口", "对面", "旁边", "附近", "隔壁", "路口", "那边", "这边")
_FIRM = frozenset(
    "们闷焖门口扣叩寇对兑队堆面眠勉免棉缅旁庞边变便辩遍编鞭附付福符父近进尽仅劲隔格各割壁毕必碧币路陆鹿露鹭麓录"
    "卢炉芦那拿纳娜这"
)
"""Characters that may be heard for those of the short words; with others (福建) it is a word of its own."""

_NOT = re.compile("(?:^|(?<=[，。！？,.!? ]))[部补布步捕][是事](?=.{2,8}是)")


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, str], tuple[int, ...]]:
    table = {letters(word): word for word in (*_SHORT, *_WORDS)}
    return table, tuple(sorted({len(word) for word in table.values()}, reverse=True))


@lru_cache(maxsize=2_000)
def spelled(text: str) -> str:
    """Return the text with such words spelled right; it keeps its length."""
    text = _NOT.sub("不是", text)
    heard = letters(text)
    table, lengths = _table()
    parts: list[str] = []
    place = 0
    while place < len(text):
        for length in lengths:
            word = table.get(heard[place : place + length])
            if word is not None and _may_stand_for(text[place : place + length], word):
                parts.append(word)
                place += length
                break
        else:
            parts.append(text[place])
            place += 1
    return _numbers_spelled("".join(parts))


_NUMERALS = "零一二三四五六七八九十百幺"
_ARABIC = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_HEARD = {
    **dict(
        zip(
            ["ling", "yi", "yao", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu", "shi", "bai"],
            "零一幺二三四五六七八九十百",
            strict=True,
        )
    ),
    **dict(zip(["dong", "dan", "yuan", "hao", "lou"], "栋单元号楼", strict=True)),
}
_OTHERWISE = "室是时市期起其把吧"
"""Characters beside numbers that are what they are."""
_UNIT_SIGNS = dict(zip("栋单元号楼", "DUVHL", strict=True))
_ADDRESS = re.compile(
    "(?P<building>n[nm]{0,3}(?:[Dd]|[Hh][Ll]))(?P<below>(?:[nm]{1,2}(?:U[Vv]|[Uu]V))?(?:n[nm]{2,3}|m[nm]*n[nm]*n)?)"
    "|(?P<unit>n[nm]?(?:U[Vv]|[Uu]V))(?P<room>(?:n[nm]{2,3})?)|(?P<house>n[nm]{1,4}[Hh](?![Ll]))"
)


def _signs(text: str) -> tuple[str, str]:
    """Return a letter for each character (small: only sounds so), and what it then stands for."""
    signs, meant = [], []
    for character, syllable in zip(text, lazy_pinyin(list(text)), strict=True):
        exact = character in _NUMERALS or character in _ARABIC
        right = character if exact or character in _OTHERWISE else _HEARD.get(syllable, "")
        if exact or character in _UNIT_SIGNS:
            signs.append("n" if exact else _UNIT_SIGNS[character])
        elif right in _UNIT_SIGNS:
            signs.append(_UNIT_SIGNS[right].lower())
        else:
            signs.append("." if not right or right == character else "m")
        meant.append(right or character)
    return "".join(signs), "".join(meant)


def _numbers_spelled(text: str) -> str:
    """Return the text with the numbers of a building, unit and room spelled right (三实一洞: 三十一栋).

    Only where the first character is a true number and more are true than not, so that 这是三栋 stays.
    """
    signs, meant = _signs(text)
    for found in _ADDRESS.finditer(signs):
        start, end = found.span()
        wrong = sum(sign.islower() and sign != "n" for sign in found.group())
        if not wrong or (end - start) - wrong <= wrong:
            continue
        right = [_ARABIC.get(sign, sign) for sign in meant[start:end]]
        for index in range(2, len(right)):
            # 20巴栋 was said 二十八栋
            if signs[start + index] == "m" and text[start + index - 2 : start + index] in _TENS:
                right[index - 1] = "十"
        text = text[:start] + "".join(right) + text[end:]
    return text


_TENS = frozenset(f"{tens}0" for tens in range(2, 10))


def _may_stand_for(heard: str, word: str) -> bool:
    return len(word) > 2 or _FIRM.issuperset(heard)
