"""What is different between two editions, line by line. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

AROUND = 3
"""unchanged lines shown before and after a changed one"""
LINES_MAX = 4000
"""lines of a difference at most; what is longer is cut"""

Sign = Literal["same", "added", "gone", "cut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """One line of a difference."""

    sign: Sign  # in both, only in the newer, only in the older, or unchanged lines left out
    old: int  # line number in the older text; 0: not there
    new: int  # line number in the newer text; 0: not there
    text: str  # the line; how many lines were left out, for `cut`


def counted(old: str, new: str) -> tuple[int, int]:
    """How many lines were added, and how many are gone."""
    lines = list(_every(old.splitlines(), new.splitlines()))
    return sum(line.sign == "added" for line in lines), sum(line.sign == "gone" for line in lines)


def difference(old: str, new: str) -> tuple[DiffLine, ...]:
    """The changed lines with those around them; nothing when the texts say the same."""
    lines = list(_every(old.splitlines(), new.splitlines()))
    near = [False] * len(lines)
    for place, line in enumerate(lines):
        if line.sign != "same":
            for beside in range(max(0, place - AROUND), min(len(lines), place + AROUND + 1)):
                near[beside] = True
    if not any(near):
        return ()
    shown: list[DiffLine] = []
    hidden = 0
    for line, keep in zip(lines, near, strict=True):
        if keep:
            if hidden:
                shown.append(DiffLine(sign="cut", old=0, new=0, text=str(hidden)))
            hidden = 0
            shown.append(line)
        else:
            hidden += 1
    if hidden:
        shown.append(DiffLine(sign="cut", old=0, new=0, text=str(hidden)))
    return tuple(shown[:LINES_MAX])


def _every(old: list[str], new: list[str]) -> Iterator[DiffLine]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for sign, a, b, c, d in matcher.get_opcodes():
        if sign == "equal":
            for step in range(b - a):
                yield DiffLine(sign="same", old=a + step + 1, new=c + step + 1, text=old[a + step])
            continue
        for place in range(a, b):
            yield DiffLine(sign="gone", old=place + 1, new=0, text=old[place])
        for place in range(c, d):
            yield DiffLine(sign="added", old=0, new=place + 1, text=new[place])
