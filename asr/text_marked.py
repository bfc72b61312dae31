"""Text that is rewritten step by step while stretches of it stay marked.

A mark remembers what was heard where something else is written now; each rewriting moves the marks along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from asr.messages import Repair

Rewrite = Callable[[re.Match[str]], str]
"""Returns what stands in the place of a match."""
Rule = tuple[re.Pattern[str], Rewrite]
"""Every match of the pattern is rewritten."""


def rewritten(text: str, rules: Iterable[Rule]) -> str:
    """Return the text after one rule after the other."""
    for pattern, rewrite in rules:
        text = pattern.sub(rewrite, text)
    return text


@dataclass(slots=True)
class MarkedText:
    """A text and its marks, which lie from left to right and do not overlap."""

    text: str
    marks: tuple[Repair, ...] = ()

    def apply(self, rules: Iterable[Rule]) -> None:
        """Rewrite the text by one rule after the other."""
        for pattern, rewrite in rules:
            changes = [
                (found.start(), found.end(), new)
                for found in pattern.finditer(self.text)
                if (new := rewrite(found)) != found.group()
            ]
            if changes:
                self.change(changes)

    def change(self, changes: Iterable[tuple[int, int, str]]) -> None:
        """Put each text in the place of the characters from start to end; changes go from left to right.

        A mark that a change reaches into covers all of what is written there afterwards; one whose text
        is gone goes, too.
        """
        parts: list[str] = []
        spans: list[tuple[int, int, int, int]] = []  # from, to, and the same afterwards
        position = length = 0
        for start, end, new in changes:
            parts += (self.text[position:start], new)
            length += start - position
            spans.append((start, end, length, length + len(new)))
            length += len(new)
            position = end
        parts.append(self.text[position:])
        self.text = "".join(parts)
        moved = [
            replace(
                mark, start=_moved(mark.start, spans, first=True), end=_moved(mark.end, spans, first=False)
            )
            for mark in self.marks
        ]
        self.marks = tuple(mark for mark in moved if mark.start < mark.end)

    def mark(self, repair: Repair) -> None:
        """Add a mark; one that overlaps another is left out."""
        if all(repair.end <= other.start or other.end <= repair.start for other in self.marks):
            self.marks = tuple(sorted((*self.marks, repair), key=lambda each: each.start))


def _moved(place: int, spans: Iterable[tuple[int, int, int, int]], *, first: bool) -> int:
    """Return where a mark's border stands afterwards; one inside a change goes to that change's border."""
    shift = 0
    for start, end, new_start, new_end in spans:
        if place < start or (place == start and not first):
            break
        if place < end or (place == end and not first):
            return new_start if first else new_end
        shift = new_end - end
    return place + shift
