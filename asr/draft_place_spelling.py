"""Words that tell where something is, spelled right where they were heard otherwise (对眠: 对面)."""

from __future__ import annotations

import re
from functools import lru_cache

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
    return "".join(parts)


def _may_stand_for(heard: str, word: str) -> bool:
    return len(word) > 2 or _FIRM.issuperset(heard)
