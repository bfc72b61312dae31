"""A grammar of how people talk, and sentences drawn from it. Pure: the same seed draws the same sentences.

The files in `data/domain/` are written in it: `@name` begins a set of phrases, one a line, which others use
as `{name}`; `(a|b|)` chooses one of its parts; `3|` before a line makes it three times as likely.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from asr.errors import AsrError

MAX_DEPTH = 12
"""Phrases inside phrases; deeper ones are a circle."""

_TOKEN = re.compile(r"\{[a-z_0-9]+\}|[(|)]|[^{}(|)]+")
_WEIGHT = re.compile(r"(\d{1,3})\|")


class PhraseError(AsrError):
    """A file of phrases is not written as it should be; the text names file and line."""


Slot = Callable[[random.Random], str]
"""Draws what stands for a name of the grammar."""

_Text = str


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: tuple[_Row, ...]


_Row = tuple["_Text | _Slot | _Choice", ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Sets of phrases by name."""

    rows: Mapping[str, tuple[_Row, ...]]
    sums: Mapping[str, tuple[int, ...]]  # the rows' weights, added up

    def draw(self, name: str, slots: Mapping[str, Slot], chance: random.Random) -> str:
        """Return a sentence of the set `name`; `slots` stand for the names that no set has.

        Raises:
            PhraseError: a name is neither a set nor a slot, or sets contain themselves.
        """
        said: list[str] = []
        self._say(name, slots, chance, said, 0)
        return "".join(said)

    def _say(
        self, name: str, slots: Mapping[str, Slot], chance: random.Random, said: list[str], depth: int
    ) -> None:
        if (slot := slots.get(name)) is not None:
            said.append(slot(chance))
        elif (rows := self.rows.get(name)) is None:
            raise PhraseError(f"{{{name}}} is neither a set of phrases nor a slot: mend the name")
        elif depth > MAX_DEPTH:
            raise PhraseError(f"@{name} contains itself: break the circle")
        else:
            row = chance.choices(rows, cum_weights=self.sums[name])[0]
            self._row(row, slots, chance, said, depth)

    def _row(
        self, row: _Row, slots: Mapping[str, Slot], chance: random.Random, said: list[str], depth: int
    ) -> None:
        for part in row:
            if isinstance(part, str):
                said.append(part)
            elif isinstance(part, _Slot):
                self._say(part.name, slots, chance, said, depth + 1)
            else:
                self._row(part.ways[int(chance.random() * len(part.ways))], slots, chance, said, depth)


def parse(name: str, text: str) -> Phrases:
    """Return the sets of phrases in a text; `name` is the file's, for messages.

    Raises:
        PhraseError: a line is not as described at the top of this module.
    """
    rows: dict[str, list[_Row]] = {}
    weights: dict[str, list[int]] = {}
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            current = line[1:].replace(" ", ".")
            if current in rows:
                raise PhraseError(f"{name}: line {number}: @{current} is there twice: join both")
            rows[current], weights[current] = [], []
            continue
        if not current:
            raise PhraseError(f"{name}: line {number} stands before the first @name: begin with one")
        heavy = _WEIGHT.match(line)
        rows[current].append(_parse_row(f"{name}: line {number}", line[heavy.end() :] if heavy else line))
        weights[current].append(int(heavy[1]) if heavy else 1)
    if empty := [key for key, found in rows.items() if not found]:
        raise PhraseError(f"{name}: @{empty[0]} has no phrase: write one or remove it")
    sums = {key: tuple(_running(each)) for key, each in weights.items()}
    return Phrases(rows={key: tuple(found) for key, found in rows.items()}, sums=sums)


def joined(several: Sequence[Phrases]) -> Phrases:
    """Return the sets of several files as one."""
    rows: dict[str, tuple[_Row, ...]] = {}
    sums: dict[str, tuple[int, ...]] = {}
    for each in several:
        rows.update(each.rows)
        sums.update(each.sums)
    return Phrases(rows=rows, sums=sums)


def _running(weights: Sequence[int]) -> list[int]:
    total, sums = 0, []
    for weight in weights:
        total += weight
        sums.append(total)
    return sums


def _parse_row(where: str, line: str) -> _Row:
    if "".join(_TOKEN.findall(line)) != line:
        raise PhraseError(f"{where}: a brace is not closed: write {{name}}")
    open_ways: list[list[list[_Text | _Slot | _Choice]]] = [[[]]]
    for part in _TOKEN.findall(line):
        if part == "(":
            open_ways.append([[]])
        elif part == "|":
            if len(open_ways) == 1:
                raise PhraseError(f"{where}: | outside brackets: put the choice in ( )")
            open_ways[-1].append([])
        elif part == ")":
            if len(open_ways) == 1:
                raise PhraseError(f"{where}: a bracket is closed that was not opened")
            ways = open_ways.pop()
            open_ways[-1][-1].append(_Choice(tuple(tuple(way) for way in ways)))
        else:
            open_ways[-1][-1].append(_Slot(part[1:-1]) if part[0] == "{" else part)
    if len(open_ways) > 1:
        raise PhraseError(f"{where}: a bracket is not closed")
    return tuple(open_ways[0][0])
