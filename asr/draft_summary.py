"""The title in the hotline's style, and the matter in the citizen's own words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from asr.draft_lines import Said
from asr.draft_phone import without_number
from asr.text import numbers

MAX_SUMMARY = 300
MAX_TITLE = 60

_HELLO = "喂|你好啊?|您好啊?|早上好|下午好|晚上好|同志你?好?"
_OPENING = re.compile(f"^(?:[，。！？、,.!? ]|{_HELLO})+")
_EMPTY = re.compile(
    rf"(?:{_HELLO}|请问一?下?|那个|12345|热线|对+|是的?|对的|好的?|行|可以|知道了|明白了?|嗯"
    r"|(?:好的?|行)?谢谢(?:你们|您|你)?(?:了|啊)?|再见|拜拜|不用了?|没有了?|没了|麻烦(?:你们|您|你)?了?)+"
)
"""A clause that says nothing of the matter; only whole ones are dropped (没有人受伤 must stay)."""
_THANKS = re.compile("(?:[，。！？、,.!? ]|谢谢(?:你们|您|你)?(?:了|啊)?|再见|拜拜)+$")
_CLAUSE = re.compile("[^，。！？,.!?]+[，。！？,.!?]*")
_PERSONAL = re.compile(
    "(?:我的?|联系)?(?:电话|手机|号码|手机号|电话号码|联系电话)(?:号码?)?(?:是|就是|为)"
    "[^。！？]*?[0-9零一二三四五六七八九幺，、,]{7,}"
    "|(?:我|免贵|本人)姓.(?=[，。！？,.!?]|$)"
    "|(?:就)?打?(?:这个|现在这个|本机)(?:电话|号码|号)就?(?:行|可以|是)?"
    "|电话就是这个号码|(?<![0-9])1[3-9][0-9]{9}(?![0-9])"
)
_LEFT = re.compile(
    "(?:我的?)?(?:联系)?(?:电话|手机号?|号码|联系方式)(?:号码?)?(?:是|为|[:：])?(?=[，。！？,.!? ]|$)"
)
"""What is left of a clause that held a number."""
_ENDS = ("。", "！", "？", "!", "?", ".")
_COMMAS = re.compile("[，、, ]+(?=[，。！？])|(?<=[，。！？])[，。、, ]+")


def cleaned(said: Said) -> str:
    """Return what a sentence says of the matter: without greeting, name and number, digits in figures."""
    text = numbers(said.text)
    bare = without_number(_PERSONAL.sub("", text))
    text = bare if bare == text else _LEFT.sub("", bare)
    text = _OPENING.sub("", text)
    text = "".join(
        clause for clause in _CLAUSE.findall(text) if _EMPTY.fullmatch(clause.rstrip("，。！？,.!? ")) is None
    )
    text = _THANKS.sub("", text)
    return _COMMAS.sub("", text).strip("，、, ")


def summary_of(lines: Sequence[Said], important: Sequence[Said]) -> tuple[str, tuple[Said, ...]]:
    """Return at most 300 characters of what the citizen said, in their order, and the sentences used.

    When there is more, sentences that filled another field (`important`) go first, then the longer ones.
    """
    sentences = [(said, cleaned(said)) for said in lines]
    sentences = [(said, text) for said, text in sentences if len(text) >= 4]
    if not sentences:
        return "", ()
    wanted = {said.number for said in important}
    ranked = sorted(sentences, key=lambda pair: (pair[0].number not in wanted, -len(pair[1]), pair[0].number))
    kept: list[tuple[Said, str]] = []
    room = MAX_SUMMARY
    for said, text in ranked:
        if len(text) + 1 <= room:
            kept.append((said, text))
            room -= len(text) + 1
    if not kept:
        said, text = ranked[0]
        kept = [(said, text[: MAX_SUMMARY - 1])]
    kept.sort(key=lambda pair: pair[0].number)
    parts = [text if text.endswith(_ENDS) else f"{text}，" for _, text in kept]
    whole = "".join(parts).rstrip("，")
    return whole if whole.endswith(_ENDS) else f"{whole}。", tuple(said for said, _ in kept)


def title_of(kind: str, place: str, matter: str) -> str:
    """Return the title as hotlines write it: 关于<where><what>的<type>, at most 60 characters."""
    room = MAX_TITLE - len(f"关于{matter}的{kind}")
    return f"关于{place[: max(0, room)]}{matter}的{kind}"
