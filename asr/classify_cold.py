"""What a text is about, judged only by the matters' names, cues and example sentences."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr.examples import Matter
from asr.gazetteer import sound

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

GAP = "[^，。！？,.!?]{0,8}?"
LONGEST = 12
_SOUND_FROM = 3  # characters; shorter cues sound like too much else
_SOUND_WORTH = 0.7
_CUE_WORTH: Mapping[int, float] = {1: 0.3, 2: 1.0, 3: 1.5, 4: 1.9}
_LONG_CUE_WORTH = 2.2
_HINT_WORTH = 0.35
EARLY, EARLY_CHARACTERS = 1.0, 30.0
"""What is said at the beginning counts so much more."""
BESIDE, AROUND = 0.4, 0.15
"""How much of what speaks for a matter counts for others of the same level 2, of the same level 1."""
OFTEN = 0.8
_NOT_WORDS = re.compile(r"[^\u4e00-\u9fffA-Za-z]+")


def plain(text: str) -> str:
    """Return only the characters of words, a blank for everything else between."""
    return _NOT_WORDS.sub(" ", text).strip()


def _often(times: int) -> float:
    return 1.0 + OFTEN * math.log(times)


def grams(text: str, sizes: Sequence[int]) -> Iterator[str]:
    """Yield the pieces of these sizes; none goes over a blank."""
    for run in text.split(" "):
        for size in sizes:
            for start in range(len(run) - size + 1):
                yield run[start : start + size]


@dataclass(frozen=True, slots=True)
class Heard:
    """A cue that was found."""

    words: str  # the cue as it is written
    start: int  # first character in the text
    end: int  # behind the last
    worth: float  # how much it counts


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the matters."""

    scores: Floats  # one a matter, natural logarithms up to a constant
    cues: Mapping[int, tuple[Heard, ...]]  # by matter


class ColdModel:
    """Scores matters; keeps nothing of any call, so one serves all."""

    def __init__(self, matters: Sequence[Matter], *, cue_worth: float = 2.2, gram_worth: float = 1.0) -> None:
        """`cue_worth`, `gram_worth`: how much cues and pieces of the examples count."""
        self.matters = tuple(matters)
        self._cue_worth = cue_worth
        self._gram_worth = gram_worth
        self._cues: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._begin: dict[str, list[str]] = defaultdict(list)  # cues by their first two characters
        self._single: list[str] = []
        self._sounds: dict[tuple[str, str], list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        self._gaps: list[tuple[str, str, re.Pattern[str]]] = []
        self._twos = self._groups(2)
        self._ones = self._groups(1)
        self._read_cues()
        self._read_grams()

    def _groups(self, level: int) -> Ints:
        """Return for every matter a number that those below the same name have in common."""
        numbers: dict[tuple[str, ...], int] = {}
        return np.array(
            [numbers.setdefault(matter.path[:level], len(numbers)) for matter in self.matters],
            dtype=np.int32,
        )

    def _read_cues(self) -> None:
        for number, matter in enumerate(self.matters):
            names = tuple(word for word in (matter.path[-1],) if len(word) > 1 and matter.leaf)
            for word in dict.fromkeys((*matter.cues, *names)):
                size = len(word.replace("*", ""))
                self._cues[word].append((number, _CUE_WORTH.get(size, _LONG_CUE_WORTH)))
            for word in matter.sure:
                self._cues[word].append((number, _LONG_CUE_WORTH))
            for word in matter.hints:
                self._cues[word].append((number, _HINT_WORTH))
        for word in self._cues:
            if "*" in word:
                parts = word.split("*")
                self._gaps.append((word, parts[0], re.compile(GAP.join(map(re.escape, parts)))))
                continue
            if len(word) == 1:
                self._single.append(word)
                continue
            self._begin[word[:2]].append(word)
            if len(word) >= _SOUND_FROM:
                key = sound(word)
                self._sounds[key[0], key[1]].append((key, word))

    def _read_grams(self) -> None:
        """Weigh pieces of two and three characters as multinomial naive Bayes does (add-alpha smoothing)."""
        alpha = 0.02
        counts: dict[str, dict[int, float]] = defaultdict(dict)
        for number, matter in enumerate(self.matters):
            own = Counter[str]()
            words = (matter.path[-1], *matter.aliases, matter.title, *matter.cues, *matter.sure)
            for word in words:
                own.update(grams(plain(word.replace("*", " ")), (2, 3)))
            for sentence in matter.says:
                own.update(grams(plain(sentence), (2, 3)))
            for piece, count in own.items():
                counts[piece][number] = min(count, 3)
        most = 1 + len(self.matters)
        self._gram_at: dict[str, tuple[Ints, Floats]] = {}
        for piece, by in counts.items():
            rows = np.fromiter(by, dtype=np.int32)
            seen: Floats = np.fromiter(by.values(), dtype=np.float64)
            spread = math.log(most / len(rows)) / math.log(most) / len(rows) ** 0.2
            gain: Floats = np.log((seen + alpha) / alpha) * spread
            self._gram_at[piece] = (rows, gain)

    def cues_in(self, text: str) -> list[Heard]:
        """Return the cues that stand in the text, or sound as if they did; the longer ones first."""
        found: list[Heard] = []
        seen: set[str] = set()
        for start in range(len(text)):
            for word in self._begin.get(text[start : start + 2], ()):
                if text.startswith(word, start) and word not in seen:
                    seen.add(word)
                    found.append(Heard(word, start, start + len(word), _often(text.count(word))))
        for word in self._single:
            start = text.find(word)
            if start >= 0:
                found.append(Heard(word, start, start + 1, _often(text.count(word))))
        syllables = sound(text)
        for start, pair in enumerate(itertools.pairwise(syllables)):
            for key, word in self._sounds.get(pair, ()):
                if word not in seen and syllables[start : start + len(key)] == key:
                    seen.add(word)
                    found.append(Heard(word, start, start + len(key), _SOUND_WORTH))
        for word, first, pattern in self._gaps:
            if first in text and (match := pattern.search(text)) is not None:
                found.append(Heard(word, *match.span(), 1.0))
        found.sort(key=lambda heard: heard.start - heard.end)
        return found

    def evidence(self, text: str) -> Evidence:
        """Weigh a text. Its length is the caller's to bound."""
        scores = np.zeros(len(self.matters))
        cues: dict[int, list[Heard]] = defaultdict(list)
        covered: list[Heard] = []
        for heard in self.cues_in(text):
            inside = any(one.start <= heard.start and heard.end <= one.end for one in covered)
            covered.append(heard)
            holders = self._cues[heard.words]
            shared = 1.0 / math.sqrt(len(holders))
            early = 1.0 + EARLY * math.exp(-heard.start / EARLY_CHARACTERS)
            for number, worth in holders:
                counts = heard.worth * worth * shared * early * (0.3 if inside else 1.0)
                scores[number] += counts * self._cue_worth
                cues[number].append(Heard(heard.words, heard.start, heard.end, counts))
        scores += self._gram_worth * self._gram_scores(plain(text))
        return Evidence(self._gathered(scores), {number: tuple(found) for number, found in cues.items()})

    def _gathered(self, scores: Floats) -> Floats:
        """Let what speaks for a matter speak a little for those beside it, too."""
        twos = np.bincount(self._twos, scores, len(self.matters))
        ones = np.bincount(self._ones, scores, len(self.matters))
        two, one = twos[self._twos], ones[self._ones]
        result: Floats = scores + BESIDE * (two - scores) + AROUND * (one - two)
        return result

    def _gram_scores(self, text: str) -> Floats:
        found = [
            self._gram_at[piece] for piece in dict.fromkeys(grams(text, (2, 3))) if piece in self._gram_at
        ]
        if not found:
            return np.zeros(len(self.matters))
        rows = np.concatenate([rows for rows, _ in found])
        gains = np.concatenate([gains for _, gains in found])
        return np.bincount(rows, gains, len(self.matters)).astype(np.float64) * 0.25
