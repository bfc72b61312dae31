"""Spelling: a text as the pieces that the model's lexicon has.

The lexicon of a Vosk model is fixed, and many words of a city are not in it (most of its estates, 住建局).
They are written as the cheapest row of pieces that are: every piece costs what the model's language half
takes for it without context, so few and frequent pieces win (the usual unigram segmentation). A rare
character that no piece has (骧, 溁) is written as the most frequent one of its sound and tone: the name is
heard, and the repair by sound against the gazetteer writes it as it should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pypinyin import Style, pinyin

MAX_PIECE = 8
"""Longest piece that is looked for, in characters."""
MAX_SENTENCE = 120
"""Characters of one sentence; longer stretches without a mark are cut there."""
FOREIGN = 20.0
"""What a character costs more that is written as another one of its sound."""
SPOKEN_DIGITS = frozenset("零一二三四五六七八九幺两")

_MARKS = re.compile(r"[，。！？；：、,.!?;:…“”‘’\"'（）()《》〈〉【】\[\]\s]+")
_NOTHING = re.compile(r"[-—–·・_~～*＊#]+")
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_NUMBER = re.compile(r"\d+(?:\.\d+)?%?")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of a model with their numbers in its symbol table and their costs (natural logarithm)."""

    numbers: Mapping[str, int]  # word -> its number
    costs: Mapping[str, float]  # word -> minus the logarithm of its share
    _known: dict[str, tuple[int, ...] | None] = field(default_factory=dict, repr=False, compare=False)
    _sounds: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Note the most frequent single character of each sound."""
        single = sorted((word for word in self.numbers if len(word) == 1), key=self.costs.__getitem__)
        for character in single:
            for (sound,) in pinyin(character, style=Style.TONE3, errors="ignore"):
                self._sounds.setdefault(sound, character)

    def by_sound(self, character: str) -> str | None:
        """Return the most frequent single piece that sounds as a character, None where there is none."""
        for (sound,) in pinyin(character, style=Style.TONE3, errors="ignore"):
            return self._sounds.get(sound)
        return None

    def spell(self, text: str) -> tuple[int, ...] | None:
        """Return the cheapest pieces' numbers; None: a character is in none and sounds like none.

        `text` has no marks; see `clauses`. Digits of phone numbers stay single: 幺三八 is three pieces.
        """
        if text not in self._known:
            if len(self._known) > 500_000:
                self._known.clear()
            self._known[text] = self._cheapest(text)
        return self._known[text]

    def _cheapest(self, text: str) -> tuple[int, ...] | None:
        best = [0.0] + [float("inf")] * len(text)
        back = [0] * (len(text) + 1)
        single = _in_numbers(text)
        for end in range(1, len(text) + 1):
            for begin in range(max(end - MAX_PIECE, 0), end):
                piece = text[begin:end]
                if end - begin > 1 and any(single[begin:end]):
                    continue
                cost = best[begin] + self.costs.get(piece, float("inf"))
                if cost < best[end]:
                    best[end], back[end] = cost, begin
            if best[end] == float("inf") and (other := self.by_sound(text[end - 1])) is not None:
                best[end], back[end] = best[end - 1] + self.costs[other] + FOREIGN, end - 1
        if best[-1] == float("inf"):
            return None
        pieces: list[int] = []
        end = len(text)
        while end:
            piece = text[back[end] : end]
            if piece not in self.numbers:
                piece = self.by_sound(piece) or piece
            pieces.append(self.numbers[piece])
            end = back[end]
        return tuple(reversed(pieces))


def _in_numbers(text: str) -> list[bool]:
    """Tell for every character whether it is in a row of three or more digits said one by one."""
    marks = [False] * len(text)
    begin = 0
    for index, character in enumerate(text + " "):
        if character in SPOKEN_DIGITS:
            continue
        if index - begin >= 3:
            marks[begin:index] = [True] * (index - begin)
        begin = index + 1
    return marks


def clauses(text: str) -> Iterator[str]:
    """Yield the stretches of a text between marks, as they are spoken: digits become characters."""
    for part in _MARKS.split(_NUMBER.sub(lambda match: spoken_number(match[0]), _NOTHING.sub("", text))):
        for begin in range(0, len(part), MAX_SENTENCE):
            yield part[begin : begin + MAX_SENTENCE]


def spoken_number(digits: str) -> str:
    """Return digits as they are said: 603 is 六百零三 up to four places, longer ones digit by digit.

    A year (four digits that begin with 19 or 20) and what begins with 0 is said digit by digit, 1 in a phone
    number 幺, a point 点, a trailing percent sign 百分之 before the rest.
    """
    if digits.endswith("%"):
        return "百分之" + spoken_number(digits[:-1])
    whole, _, rest = digits.partition(".")
    if rest:
        return spoken_number(whole) + "点" + _one_by_one(rest)
    if len(digits) > 4:
        return _one_by_one(digits).replace("一", "幺")
    if digits[0] == "0" or (len(digits) == 4 and digits[:2] in ("19", "20")):
        return _one_by_one(digits)
    return counted(int(digits))


def counted(number: int) -> str:
    """Return a number from 0 to 9999 as one counts: 105 is 一百零五, 12 is 十二."""
    if number == 0:
        return "零"
    said, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            said += ("零" if gap and said else "") + _DIGITS[str(digit)] + name
        gap = digit == 0
    return said.removeprefix("一") if said.startswith("一十") else said


def _one_by_one(digits: str) -> str:
    return "".join(_DIGITS[digit] for digit in digits)


def lexicon(table: Sequence[str], costs: Mapping[int, float]) -> Lexicon:
    """Return the lexicon of a symbol table (lines `word number`), only words that may follow any other."""
    numbers: dict[str, int] = {}
    for line in table:
        word, _, number = line.rstrip("\n").replace("\t", " ").rpartition(" ")
        if word and word[0] not in "<[#!" and int(number) in costs:
            numbers[word] = int(number)
    return Lexicon(numbers=numbers, costs={word: costs[number] for word, number in numbers.items()})
