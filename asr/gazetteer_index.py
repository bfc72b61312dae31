"""Names by how they sound: which of them begin at a place in a line, some syllables blurred."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asr.gazetteer_file import Kind
from asr.gazetteer_sound import blurred
from asr.gazetteer_stand import Name

_BURST = 4
"""Names below one beginning, before they are told apart by their next syllable."""
_LONG = 4
_VERY_LONG = 6


def may_blur(name: Name) -> int:
    """Return how many syllables of a name may be blurred."""
    length = len(name.key)
    if length >= _VERY_LONG:
        return 2
    if length >= _LONG:
        return 1
    return 1 if length == 3 and name.entry.kind is Kind.DISTRICT else 0


@dataclass(slots=True)
class SoundIndex:
    """A tree of beginnings: a beginning with few names holds them, another one leads to longer ones."""

    _names: dict[str, list[Name]] = field(default_factory=lambda: defaultdict(list))
    _longer: dict[str, str] = field(default_factory=dict)  # beginning -> letters that may follow
    _blurs: dict[str, str] = field(default_factory=dict)  # letter -> letters of names that it may be
    _alphabet: frozenset[str] = frozenset()

    def add(self, name: Name) -> None:
        """Put a name in; `close` when all are in."""
        self._names[name.key[:2]].append(name)

    def close(self) -> None:
        """Arrange the names, to be called once."""
        for pair in list(self._names):
            self._burst(pair, self._names[pair])
        firsts: dict[str, set[str]] = defaultdict(set)
        for pair in self._names:
            firsts[pair[0]].add(pair[1])
        self._longer |= {first: "".join(sorted(seconds)) for first, seconds in firsts.items()}
        self._longer[""] = "".join(sorted(firsts))
        self._alphabet = frozenset(letter for letters in self._longer.values() for letter in letters)

    def _burst(self, beginning: str, names: list[Name]) -> None:
        depth = len(beginning)
        below: dict[str, list[Name]] = defaultdict(list)
        for name in names:
            if len(name.key) > depth:
                below[name.key[depth]].append(name)
        if sum(map(len, below.values())) <= _BURST:
            return
        self._names[beginning] = [name for name in names if len(name.key) == depth]
        self._longer[beginning] = "".join(sorted(below))
        for letter, some in below.items():
            self._names[beginning + letter] = some
            self._burst(beginning + letter, some)

    def at(self, heard: str, start: int) -> Iterator[tuple[Name, tuple[int, ...]]]:
        """Yield the names that may begin at `start` of the letters of a line, with their blurred places."""
        ahead: list[tuple[str, tuple[int, ...]]] = [("", ())]
        names, longer, end = self._names, self._longer, len(heard)
        while ahead:
            beginning, wrong = ahead.pop()
            for name in names.get(beginning, ()):
                all_wrong = self._compare(name, heard, start, len(beginning), wrong)
                if all_wrong is not None:
                    yield name, all_wrong
            following = longer.get(beginning)
            place = start + len(beginning)
            if following is None or place >= end:
                continue
            letter = heard[place]
            if letter in following:
                ahead.append((beginning + letter, wrong))
            if len(wrong) < 2:
                others = self._blurs.get(letter)
                if others is None:
                    others = self._blurs_of(letter)
                ahead += [
                    (beginning + other, (*wrong, len(beginning))) for other in others if other in following
                ]

    def _blurs_of(self, letter: str) -> str:
        found = "".join(other for other in self._alphabet if other != letter and blurred(letter, other))
        self._blurs[letter] = found
        return found

    @staticmethod
    def _compare(
        name: Name, heard: str, start: int, depth: int, wrong: tuple[int, ...]
    ) -> tuple[int, ...] | None:
        """Return where the name differs from what was heard, None when it differs too much."""
        key = name.key
        if not wrong and heard.startswith(key, start):
            return ()
        most = may_blur(name)
        if len(wrong) > most or start + len(key) > len(heard):
            return None
        for index in range(depth, len(key)):
            if key[index] != heard[start + index]:
                if len(wrong) == most or not blurred(heard[start + index], key[index]):
                    return None
                wrong = (*wrong, index)
        return wrong


def index_of(names: Iterable[Name]) -> SoundIndex:
    """Return an index of the names."""
    index = SoundIndex()
    for name in names:
        index.add(name)
    index.close()
    return index
