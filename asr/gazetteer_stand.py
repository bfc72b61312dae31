"""Whether a name that fits by sound may be meant where it stands in the line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import rjieba

from asr.gazetteer_file import Entry, Kind
from asr.gazetteer_forms import distinctive
from asr.gazetteer_words import leads_into_name


class How(StrEnum):
    """How a name was found."""

    EXACT = "exact"  # the very characters
    SOUND = "sound"  # other characters, the same (merged) syllables
    NEAR = "near"  # the same but for a consonant or vowel of one syllable, in long names of two


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A name found in a line."""

    entry: Entry  # whose name
    start: int  # first character in the line
    end: int  # after the last character
    text: str  # the name or alias, spelled as in the list
    heard: str  # the characters that stood in the line
    how: How  # how sure
    others: tuple[Entry, ...] = ()  # further entries that fit as well
    derived: bool = False  # a way to say the name that is not listed itself (新华街道办)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name or alias, one of the ways in which it sounds, and whose it is."""

    text: str
    key: str  # letters, see `gazetteer_sound.ways`
    entry: Entry
    number: int  # the entry's
    derived: bool  # made by `gazetteer_forms.forms`


_TELLS_APART = frozenset("新老大小东西南北")
_DIRECTIONS = (
    *("城东", "城西", "河西", "河东", "城南", "城北", "以东", "以西", "以南", "以北"),
    *("路东", "路西", "路南", "路北", "往东", "往西", "往南", "往北", "最大", "多大", "很大"),
)
_CUES = (
    *("在", "住", "是", "到", "的", "于", "区", "道", "镇", "县", "路", "市", "家", "们", "那", "这"),
    *("和", "跟", "与", "去", "从", "至", "乡", "往", "向", "址", "点", "了", "叫"),
)
_PUNCTUATION = re.compile(r"[，。！？、；：（）“”【】《》,.!?;:()\[\]\"'\s]")
_SHORT_AFTER = re.compile(
    r"$|[，。！？、；：（）“”【】《》,.!?;:()\[\]\"'\s]|[的这那有没停是和与跟附边里上下一了出对办到就也还很都人老全多旁门][^路街]?"
)
_EXTENDS = re.compile(
    r"[^的那这附对旁门里有在停，。！？、,.\s0-9一二三四五六七八九十]{0,2}(?:街道|大道|路|街|巷|小区|花园|家园|公寓|新村|社区|小学|中学"
    r"|学校|幼儿园|医院|公园|广场|大厦|菜市场|市场|派出所|地铁|站|桥|山|湖|河|村|镇|苑|府|城|园|华庭|山庄|别墅|国际)"
)


def may_differ(heard: str, name: Name, wrong: Sequence[int], *, listed: bool) -> bool:
    """Tell whether a name may be meant although the syllables at `wrong` are blurred.

    `listed`: it is a street of the district that was said; those are few, and all listed.
    """
    core = len(distinctive(name.text))
    if name.entry.kind is Kind.DISTRICT and len(name.text) == 3:
        return heard[2] == name.text[2] and heard[:2] != name.text[:2] and heard[:2] not in _DIRECTIONS
    if wrong[-1] >= core:  # 南湖公演 is 南湖公园, but 南湖公寓 is not
        return (
            len(wrong) == 1 and core >= 2 and heard[:core] == name.text[:core] and distinctive(heard) == heard
        )
    if listed:
        return True
    same = sum(a == b for a, b in zip(heard[:core], name.text, strict=False))
    if same == 0 or 2 * same < len(wrong) * 2:
        return False
    # what was heard is itself a word before the right ending: it is rather a name of its own (清华小区)
    own = heard[core:] == name.text[core:] and rjieba.cut(heard[:core]) == [heard[:core]]
    return not own


def is_another_name(line: str, start: int, name: Name) -> bool:
    """Tell whether the name is a part of a longer one (新和平小区 is not 和平小区, A3区 is not in 1A3区)."""
    end = start + len(name.text)
    if name.text[0].isascii() and start and line[start - 1].isascii() and line[start - 1].isalnum():
        return True
    if name.text[-1].isascii() and end < len(line) and line[end].isascii() and line[end].isalnum():
        return True
    if start == 0 or name.entry.kind in (Kind.DISTRICT, Kind.STREET, Kind.ORGANISATION):
        return False
    return line[start - 1] in _TELLS_APART and not line[:start].endswith(_DIRECTIONS)


def extended(line: str, end: int) -> bool:
    """Tell whether what follows makes another name of it (望城坡 + 小学)."""
    return _EXTENDS.match(line, end) is not None


def standing(taken: Sequence[Match], line: str) -> tuple[Match, ...]:
    """Return the matches that stand where people say places; the others are chance."""
    return tuple(match for match in taken if _stands(match, line, taken))


def _continues_name(match: Match, line: str, taken: Sequence[Match]) -> bool:
    """Tell whether the words before make a longer name of a place's name (建业 + 保利公寓)."""
    if match.entry.kind in (Kind.DISTRICT, Kind.STREET, Kind.ORGANISATION):
        return False
    first = max((other.end for other in taken if other.end <= match.start), default=0)
    return leads_into_name(line[first : match.start])


def _carries(match: Match) -> bool:
    """Tell whether a match is sure enough to vouch for the name before it."""
    return match.how is How.EXACT or match.end - match.start > 3


def _stands(match: Match, line: str, taken: Sequence[Match]) -> bool:
    length = match.end - match.start
    if _continues_name(match, line, taken):
        return False
    if match.derived and match.entry.kind is not Kind.DISTRICT and extended(line, match.end):
        return False
    if length > 3 or (match.how is How.EXACT and length == 3):
        return True
    others = [other for other in taken if other is not match and _carries(other)]
    beside = any(match.start - 1 <= other.end <= match.start for other in others)
    leads = any(match.end <= other.start <= match.end + 1 for other in others)
    before = line[: match.start]
    cued = match.start == 0 or before.endswith(_CUES) or _PUNCTUATION.match(before[-1]) is not None
    if length == 2:
        return (cued or beside) and (leads or _SHORT_AFTER.match(line, match.end) is not None)
    return cued or beside or leads
