"""How numbers sound, and what the recogniser takes them for: 八八三零 is heard as 爸爸森林.

Syllables are compared without tones, with the pairs merged that telephone and accent blur (see
asr/gazetteer_sound.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from asr.gazetteer_sound import sound

NUMERALS = "零〇一二三四五六七八九幺两十百0123456789"
UNITS = "栋幢单元号楼室座层弄组"

_NEAR: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "lin": frozenset(("lian", "li", "min", "yin", "lun", "len")),
        "yi": frozenset(("li", "ji", "qi", "yin", "ye", "yan")),
        "yao": frozenset(("you", "hao", "rao", "lao", "yue", "jiao")),
        "er": frozenset(("e", "ai", "an", "de", "a", "ou")),
        "lian": frozenset(("lia", "lan", "yan")),
        "san": frozenset(("sen", "fen", "zan", "can", "sa", "an", "fan", "son", "sai")),
        "si": frozenset(("zi", "ci", "xi", "se")),
        "wu": frozenset(("hu", "fu", "mu", "bu", "lu", "u")),
        "liu": frozenset(("lu", "le", "liao", "you", "lou", "lui", "li")),
        "qi": frozenset(("ji", "xi", "ti", "qu", "yi", "qin", "ci")),
        "ba": frozenset(("bai", "pa", "ma", "ta", "bu", "bei", "fa", "la", "ban")),
        "jiu": frozenset(("ju", "zou", "qiu", "you", "ze", "jie", "diu", "xiu")),
    }
)
"""Syllable of a digit -> syllables that were heard in its place."""
_SOUNDS = frozenset(_NEAR) | {"si"}
_UNIT_SOUNDS = frozenset(("dong", "dan", "yuan", "hao", "lou", "zuo", "zu"))
_PARTS = re.compile(r"([bpmfdtlgkhjqxzcsrwy]?)(.*)")

SURE, SAME, NEARLY, UNIT, OTHER = 1.0, 0.6, 0.25, 0.6, -0.8


@lru_cache(maxsize=20_000)
def likeness(sign: str) -> float:
    """Return how much a character speaks for a number: 1 for a numeral, negative for other words."""
    if sign in NUMERALS:
        return SURE
    if sign in UNITS:
        return UNIT
    syllable = sound(sign)[0]
    if syllable in _SOUNDS:
        return SAME
    if syllable in _UNIT_SOUNDS:
        return NEARLY
    return NEARLY if any(syllable in near for near in _NEAR.values()) else OTHER


@lru_cache(maxsize=60_000)
def similarity(heard: str, said: str) -> float:
    """Return how well two characters agree by sound, 0 to 1; `said` is a numeral or a unit."""
    one, other = sound(heard)[0], sound("一" if said == "幺" and heard == "一" else said)[0]
    if one == other:
        return 1.0
    if one in _NEAR.get(other, ()):
        return 0.7
    (initial, final), (other_initial, other_final) = _split(one), _split(other)
    if initial == other_initial and initial:
        return 0.4
    return 0.4 if final == other_final else 0.0


def _split(syllable: str) -> tuple[str, str]:
    found = _PARTS.fullmatch(syllable)
    return ("", syllable) if found is None else (found[1], found[2])
