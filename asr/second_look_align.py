"""Two recognisers' words of the same audio, laid side by side by sound and time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asr.digit_sounds import similarity
from asr.recogniser import HeardWord

_TIME_OFF_S = 0.45
_GAP = 0.35


@dataclass(frozen=True, slots=True)
class Sign:
    """One character of what was heard or said."""

    text: str
    at: float  # seconds, its middle
    word: int  # index of its word


def signs_of(words: Sequence[HeardWord], first: int, last: int) -> list[Sign]:
    """Return the characters of some words, each with its share of the word's time."""
    found = []
    for index in range(first, last):
        word = words[index]
        step = (word.end - word.start) / max(len(word.text), 1)
        found += [
            Sign(sign, word.start + (place + 0.5) * step, index) for place, sign in enumerate(word.text)
        ]
    return found


def aligned_signs(
    heard: Sequence[Sign], said: Sequence[Sign]
) -> tuple[tuple[int, int], tuple[int, int], float] | None:
    """Return the stretches of both that agree best by sound and time (from, to), and how well.

    Local alignment (Smith and Waterman 1981); None where nothing agrees.
    """
    width = len(said) + 1
    rows = [[0.0] * width]
    starts = [[(0, column) for column in range(width)]]
    best, place, begun = 0.0, (0, 0), (0, 0)
    for row, left in enumerate(heard, 1):
        line, origin = [0.0] * width, [(row, column) for column in range(width)]
        for column, right in enumerate(said, 1):
            near = abs(left.at - right.at) <= _TIME_OFF_S
            match = 2 * similarity(left.text, right.text) - 0.7 if near else -2.0
            ways = (
                (rows[-1][column - 1] + match, starts[-1][column - 1]),
                (rows[-1][column] - _GAP, starts[-1][column]),
                (line[column - 1] - _GAP, origin[column - 1]),
            )
            value, start = max(ways, key=lambda way: way[0])
            if value > 0:
                line[column], origin[column] = value, start
                if value > best:
                    best, place, begun = value, (row, column), start
        rows.append(line)
        starts.append(origin)
    if best <= 0:
        return None
    return (begun[0], place[0]), (begun[1], place[1]), best
