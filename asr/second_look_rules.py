"""Where numbers were said in a sentence, and whether a second look at them is to be believed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from asr.digit_sounds import NUMERALS, UNITS, likeness
from asr.recogniser import HeardWord
from asr.second_look_align import aligned_signs, signs_of
from asr.second_look_swallowed import brought_back, digit_runs, with_first_one
from asr.text_number import DIGITS

MAX_PASSAGES = 3
"""So many stretches of one sentence are listened to again."""
MAX_PASSAGE_S = 16.0
"""Longer stretches are not: an ID number takes ten seconds."""

_CUE = re.compile(r"(?:电话|号码|手机|手机号|座机|联系方式|身份证|身份证号)$")
_LINK = frozenset(("是", "就是", "说", "为", "的", "号", "号码", "呢", "啊", "嗯", "呃", "那", "那个"))
_AFTER_CUE = 1.5
_CUE_SCORE = -9.0
_PAUSE_S, _PAUSE = 1.5, 1.0
_LEAST, _LEAST_SIGNS = 2.4, 3
_PHONE = re.compile(r"1[3-9][0-9]{9}|0(?:10|2[0-9])[2-9][0-9]{7}|0[3-9][0-9]{2}[2-9][0-9]{7}")
_LANDLINE_7 = re.compile(r"零[三四五六七八九][零一二三四五六七八九幺]{9}")
"""Area code and seven digits: one of eight may have been swallowed, so nobody's number is made of it."""
_COUNTED = re.compile(r"[月年点分块个天次人岁钱路]|(?<!单)元")
_ID = re.compile(r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])[0-9]{4}")
_N = "[零一二三四五六七八九幺两十百]"
_HOUSE = re.compile(
    rf"{_N}{{1,4}}(?:号楼|栋|幢|座)(?:{_N}{{1,2}}单元)?(?:{_N}{{3,4}}室?|{_N}{{1,2}}(?:楼|层|室))?"
    rf"|{_N}{{1,2}}单元{_N}{{3,4}}室?"
)
_GROUP = re.compile(r"[零一二三四五六七八九幺]{5,}")
_SURE, _AGREE = 0.7, 0.55
_TAIL = re.compile(
    r"(?<![栋幢元号楼座路弄零一二三四五六七八九幺0-9])([零一二三四五六七八九幺0-9]{3,18})[，。]?$"
)
_LARGE = re.compile(r"[十百千万]")
_ALONE = frozenset("栋幢座楼")
_EDGE_S = 0.15
_FUNCTION_WORDS = frozenset("的了是说我在")


@dataclass(frozen=True, slots=True)
class Passage:
    """Words of a sentence that may be a number."""

    first: int  # index of its first word
    last: int  # index after its last word


@dataclass(frozen=True, slots=True)
class Reading:
    """What a second look makes of some words."""

    first: int  # index of the first word that it replaces
    last: int  # index after the last one
    words: tuple[HeardWord, ...]  # what was said, word by word
    whole: bool  # a complete telephone or ID number

    @property
    def text(self) -> str:
        """What was said."""
        return "".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean of the words'."""
        return sum(word.confidence for word in self.words) / len(self.words)


def whole_number(text: str) -> bool:
    """Tell whether spoken digits are a complete telephone or ID number."""
    digits = "".join(DIGITS.get(sign, sign) for sign in text)
    return bool(_PHONE.fullmatch(digits) or _ID.fullmatch(digits))


def number_open(text: str) -> bool:
    """Tell whether a sentence ends inside a number: three digits or more, no room, not yet complete."""
    found = _TAIL.search(text)
    return found is not None and not whole_number(found[1])


def passages(words: Sequence[HeardWord], *, goes_on: bool = False) -> tuple[Passage, ...]:
    """Return the stretches that sound like numbers, the likeliest first, at most `MAX_PASSAGES`.

    `goes_on`: the sentence before ended inside a number, so this one may begin with the rest of it.
    """
    scores = [sum(likeness(sign) for sign in word.text) for word in words]
    for cue, after in _cues(words):
        scores[cue:after] = [_CUE_SCORE] * (after - cue)
        if after < len(words):
            scores[after] += _AFTER_CUE
    if goes_on and scores:
        scores[0] += _AFTER_CUE
    found: list[Passage] = []
    barred = [False] * len(words)
    while len(found) < MAX_PASSAGES:
        best = _best_stretch(words, scores, barred)
        if best is None:
            break
        for index in range(best.first, best.last):
            barred[index] = True
        if _worth_it(words[best.first : best.last]) or (goes_on and best.first == 0):
            found.append(best)
    return tuple(found)


def _cues(words: Sequence[HeardWord]) -> list[tuple[int, int]]:
    """Return where 电话是 and the like begins, and where what follows it begins."""
    found = []
    for index, word in enumerate(words):
        if _CUE.search(word.text):
            after = index + 1
            while after < len(words) and words[after].text in _LINK:
                after += 1
            found.append((index, after))
    return found


def _best_stretch(
    words: Sequence[HeardWord], scores: Sequence[float], barred: Sequence[bool]
) -> Passage | None:
    """Return the stretch with the highest sum (Kadane's way), None when it is too low."""
    best, best_sum = None, _LEAST
    begin, total = 0, 0.0
    for index, score in enumerate(scores):
        if barred[index]:
            begin, total = index + 1, 0.0
            continue
        if total > 0 and words[index].start - words[index - 1].end > _PAUSE_S:
            total -= _PAUSE
        if total <= 0:
            begin, total = index, 0.0
        total += score
        if total > best_sum and words[index].end - words[begin].start <= MAX_PASSAGE_S:
            best, best_sum = Passage(begin, index + 1), total
    return best


def _worth_it(words: Sequence[HeardWord]) -> bool:
    """Tell whether a stretch is more than a small number or one that was heard well."""
    text = "".join(word.text for word in words)
    if len(text) < _LEAST_SIGNS or not set(text) & set(NUMERALS + UNITS):
        return False
    return not whole_number(text) or min(word.confidence for word in words) < 0.8


def believed(words: Sequence[HeardWord], passage: Passage, again: Sequence[HeardWord]) -> Reading | None:
    """Return what the second look `again` makes of the passage, None when it is not to be believed.

    Both hear the same audio with times on the same clock. The two are laid side by side by sound and time
    (local alignment, Smith and Waterman 1981); what agrees is the number. A complete telephone or ID number
    may be completed by the digits right beside that part. Otherwise it must read like a house number or
    have as many digits as syllables were heard.
    """
    number = _number_heard(words, passage)
    if number is not None:
        return number if number.whole else None
    heard = signs_of(words, passage.first, passage.last)
    said = signs_of(again, 0, len(again))
    aligned = aligned_signs(heard, said)
    if aligned is None:
        return None
    _, (said_first, said_last), score = aligned
    again = with_first_one(again)
    whole = _completed(again, said[said_first].word, said[said_last - 1].word + 1)
    if whole is not None:
        first, last = whole
        chosen = _digits_only(again[first:last])
        covered = _covered(words, passage, chosen, beside=2)
        agrees = score >= 0.45 * (said_last - said_first)
        if covered is not None and agrees and not _other_words(words, passage, covered):
            return Reading(*covered, chosen, True)
    return _house(words, passage, again)


def _number_heard(words: Sequence[HeardWord], passage: Passage) -> Reading | None:
    """Return a number heard surely as digits: complete (nothing to replace, `whole` is False) or made so."""
    for first, last in digit_runs(words, passage.first, passage.last):
        run = tuple(words[first:last])
        if sum(word.confidence for word in run) / len(run) < _SURE:
            continue
        if whole_number("".join(word.text for word in run)):
            return Reading(first, last, run, False)
        restored = brought_back(run, _PHONE)
        if restored is not None:
            return Reading(first, last, restored, True)
    return None


def _other_words(words: Sequence[HeardWord], passage: Passage, covered: tuple[int, int]) -> bool:
    """Tell whether words beside the passage that are surely no digits were taken for some."""
    beside = (*range(covered[0], passage.first), *range(passage.last, covered[1]))
    return any(
        words[index].confidence >= _SURE and all(likeness(sign) < 0 for sign in words[index].text)
        for index in beside
    )


def _house(words: Sequence[HeardWord], passage: Passage, again: Sequence[HeardWord]) -> Reading | None:
    """Return a house number, or a piece of a longer number, where heard and said agree closely."""
    begin, end = words[passage.first].start - _EDGE_S, words[passage.last - 1].end + _EDGE_S
    again = [word for word in again if begin <= (word.start + word.end) / 2 <= end]
    signs = signs_of(again, 0, len(again))
    text = "".join(sign.text for sign in signs)
    found = [*_HOUSE.finditer(text), *_GROUP.finditer(text)]
    for match in sorted(found, key=lambda each: each.start() - each.end()):
        chosen = tuple(again[signs[match.start()].word : signs[match.end() - 1].word + 1])
        covered = _covered(words, passage, chosen, beside=0)
        if covered is None:
            continue
        first, last = covered
        before = "".join(word.text for word in words[first:last])
        said = match.group()
        if said == before or _COUNTED.search(before) or _CUE.search(words[first].text):
            continue
        group = set(said) <= set(DIGITS)
        as_heard = _HOUSE.search(before)
        if set(before) <= set(NUMERALS + UNITS) or (as_heard and len(as_heard.group()) >= len(said) - 1):
            continue  # a number was heard: the model of whole sentences knows better which
        if all(sign in DIGITS for sign in said) and any(likeness(sign) < 0 for sign in before):
            continue
        if said[-1] in _ALONE and said[-1] not in before:
            continue  # 三十五度 is no 三十五栋
        if group and (len(said) != len(before) or _LANDLINE_7.fullmatch(said) or _LARGE.search(before)):
            continue
        if abs(len(said) - len(before)) > max(1, len(said) // 4) or _contradicts(words[first:last], said):
            continue
        aligned = aligned_signs(signs_of(words, first, last), signs_of(chosen, 0, len(chosen)))
        sure = sum(word.confidence for word in chosen) / len(chosen) >= _SURE
        if sure and aligned is not None and aligned[2] >= _AGREE * max(len(said), len(before)):
            return Reading(first, last, chosen, False)
    return None


def _contradicts(words: Sequence[HeardWord], text: str) -> bool:
    """Tell whether a numeral that was heard surely is missing in the text."""
    place = 0
    for word in words:
        if word.confidence < 0.9:
            continue
        for sign in word.text:
            if sign in DIGITS:
                sure = "一幺" if sign in "一幺" else sign
                found = [at for each in sure if (at := text.find(each, place)) >= 0]
                if not found:
                    return True
                place = min(found) + 1
    return False


def _digits_only(words: Sequence[HeardWord]) -> tuple[HeardWord, ...]:
    return tuple(word for word in words if word.text in DIGITS)


def _completed(again: Sequence[HeardWord], first: int, last: int) -> tuple[int, int] | None:
    """Return the words from about `first` to `last` that are a complete number, None when there are none."""
    choices = sorted(
        (
            (abs(begin - first) + abs(end - last), begin, end)
            for begin in range(max(first - 3, 0), first + 4)
            for end in range(max(last - 4, begin + 1), min(last + 4, len(again)) + 1)
        ),
    )
    for _, begin, end in choices:
        if again[begin].text not in DIGITS or again[end - 1].text not in DIGITS:
            continue
        inside = again[begin:end]
        if any(word.text in UNITS or word.text == "单元" for word in inside):
            continue
        if whole_number("".join(word.text for word in _digits_only(inside))):
            return begin, end
    return None


def _covered(
    words: Sequence[HeardWord], passage: Passage, chosen: Sequence[HeardWord], *, beside: int
) -> tuple[int, int] | None:
    """Return the words in whose time the number was said, also up to so many right beside the passage."""
    start, end = chosen[0].start - 0.05, chosen[-1].end + 0.05
    inside = [
        index
        for index in range(max(passage.first - beside, 0), min(passage.last + beside, len(words)))
        if start <= (words[index].start + words[index].end) / 2 <= end
    ]
    while len(inside) > 1 and words[inside[-1]].text in _FUNCTION_WORDS:
        inside.pop()
    while len(inside) > 1 and words[inside[0]].text in _FUNCTION_WORDS:
        inside.pop(0)
    return (inside[0], inside[-1] + 1) if inside else None
