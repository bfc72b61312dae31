"""Digits that ran together with their neighbours, brought back. Pure.

五五, 一一, 二二 and 幺幺 have no consonant between the two, so they run together into one long syllable, and
both recognisers write one digit: 零五五一 becomes 零五一. A telephone number is then one digit short. Where
exactly one such digit took much longer than the others, though no pause follows that would have drawn it
out, and the number is complete with it said twice, it was said twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from statistics import median

from asr.recogniser import HeardWord
from asr.text_number import DIGITS

_RUN_TOGETHER = frozenset("五一二幺")
"""Digits that begin with a vowel."""
_LONGER = 1.45
"""Times as long as the middle one of the digits."""
_PAUSE_S = 0.025
"""Before a pause every syllable is drawn out."""
_SHORT = re.compile(r"1[3-9][0-9]{8}|0(?:10|2[0-9])[2-9][0-9]{6}|0[3-9][0-9]{9}")
"""A mobile number of ten digits, a landline number that lacks one of its eleven or twelve."""
_FIRST_TWO = frozenset(("七", "期", "室", "十"))
_TEN_OF_MOBILE = re.compile(r"[3-9][0-9]{9}(?![0-9])")
_CONFIDENCE = 0.5
"""Of the digit that is brought back."""


def with_first_one(again: Sequence[HeardWord]) -> Sequence[HeardWord]:
    """Return the words with 一 where 七 or 期 stands before ten digits of a mobile number: 是一五九 run."""
    for index, word in enumerate(again):
        if word.text not in _FIRST_TWO or (index and again[index - 1].text in DIGITS):
            continue
        digits = "".join(DIGITS.get(each.text, ".") for each in again[index + 1 : index + 12])
        if _TEN_OF_MOBILE.match(digits) and again[index + 1].start - word.end < 0.3:
            first = HeardWord("一", word.start, word.end, word.confidence)
            return (*again[:index], first, *again[index + 1 :])
    return again


def digit_runs(words: Sequence[HeardWord], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield where words from `first` to before `last` are nothing but digits: from, and to before."""
    begin = first
    for index in range(first, last + 1):
        if index < last and all(sign in DIGITS for sign in words[index].text):
            continue
        if begin < index:
            yield begin, index
        begin = index + 1


def brought_back(digits: Sequence[HeardWord], whole: re.Pattern[str]) -> tuple[HeardWord, ...] | None:
    """Return the words of a number with the digit that was swallowed, None where none is known to be.

    `digits` are words of one digit each, one after another; `whole` matches complete numbers (0 to 9).
    """
    if not _SHORT.fullmatch(_written(digits)):
        return None
    usual = median(word.end - word.start for word in digits)
    long = [
        index
        for index, word in enumerate(digits[:-1])
        if word.text in _RUN_TOGETHER
        and word.end - word.start >= _LONGER * usual
        and digits[index + 1].start - word.end < _PAUSE_S
    ]
    if len(long) != 1:
        return None
    index = long[0]
    word = digits[index]
    middle = (word.start + word.end) / 2
    twice = (
        HeardWord(word.text, word.start, middle, word.confidence),
        HeardWord(word.text, middle, word.end, _CONFIDENCE),
    )
    found = (*digits[:index], *twice, *digits[index + 1 :])
    return found if whole.fullmatch(_written(found)) else None


def _written(digits: Sequence[HeardWord]) -> str:
    return "".join(DIGITS.get(word.text, ".") for word in digits)
