"""What was understood and when, beside what was said: delays of words, and the character error rate. Pure.

When a word ended is not taken from the worker that is measured (its clock runs by arrival, so it would hide
its own lateness) but from the clip: each clip is recognised once, alone and without haste, which gives its
words and their ends; the benchmark knows when it sent the frame that holds each end. The words of a leg's
finals are aligned with these (longest common blocks); words heard otherwise have no partner and no delay,
and their share is told.

A word is shown by the first message of its sentence that contains it: a partial whose text is that of the
final's words up to it, or more of them; where the recogniser thought again, a partial that contains the
word's characters at the place where the alignment with the final's text puts them; otherwise the final
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from cti.bench.timings import percentile


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word that was sent."""

    text: str  # as the recogniser spells it
    due: float  # epoch seconds at which its last sample was sent


@dataclass(slots=True)
class Sentence:
    """One sentence of a leg as its messages came."""

    partials: list[tuple[float, str]] = field(default_factory=list)  # received (epoch seconds), text
    words: tuple[str, ...] = ()  # of the final
    final_at: float | None = None  # received (epoch seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordDelays:
    """Delays of the words of some legs, in seconds."""

    partial_s: tuple[float, ...]  # until a word was first shown
    final_s: tuple[float, ...]  # until it was final
    sentence_s: tuple[float, ...]  # the same of the last words of sentences only
    sent: int  # words that were sent
    revised: int  # of those found, shown by no partial that agrees with the final

    @property
    def found(self) -> float:
        """Share of the words sent that a final has at their place."""
        return len(self.partial_s) / self.sent if self.sent else 0.0


def letters(text: str) -> str:
    """The characters that count: neither signs nor spaces."""
    return "".join(sign for sign in text if sign.isalnum())


def delays(
    legs: Iterable[tuple[Sequence[TimedWord], Sequence[Sentence]]], readable: Callable[[str], str]
) -> WordDelays:
    """Return the delays of all legs; `readable` makes a partial's text of words, as that side does."""
    partial_s: list[float] = []
    final_s: list[float] = []
    sentence_s: list[float] = []
    sent = revised = 0
    for due, sentences in legs:
        sent += len(due)
        heard: list[tuple[str, float, float, bool]] = []  # word, shown, final, the last of its sentence
        for sentence in sentences:
            if sentence.final_at is not None:
                shown, late = _shown(sentence, sentence.final_at, readable)
                revised += late
                last = len(sentence.words) - 1
                heard += [
                    (word, when, sentence.final_at, index == last)
                    for index, (word, when) in enumerate(zip(sentence.words, shown, strict=True))
                ]
        matcher = SequenceMatcher(None, [word.text for word in due], [each[0] for each in heard], False)
        for i, j, size in matcher.get_matching_blocks():
            for (_, shown_at, final_at, last), word in zip(
                heard[j : j + size], due[i : i + size], strict=True
            ):
                partial_s.append(shown_at - word.due)
                final_s.append(final_at - word.due)
                if last:
                    sentence_s.append(final_at - word.due)
    return WordDelays(
        partial_s=tuple(partial_s),
        final_s=tuple(final_s),
        sentence_s=tuple(sentence_s),
        sent=sent,
        revised=revised,
    )


def _shown(sentence: Sentence, final_at: float, readable: Callable[[str], str]) -> tuple[list[float], int]:
    """Return when each word of the final was shown first, and how many only by the final itself."""
    words = sentence.words
    upto = {letters(readable("".join(words[: count + 1]))): count + 1 for count in range(len(words))}
    verbatim = letters("".join(words))
    ends, at = [], 0
    for word in words:
        ends.append((at, at + len(letters(word))))
        at = ends[-1][1]
    shown: list[float | None] = [None] * len(words)
    for received, text in sentence.partials:
        told = letters(text)
        count = upto.get(told, 0)
        covered = _covered(verbatim, told) if not count else frozenset[int]()
        for index, (begin, end) in enumerate(ends):
            if shown[index] is None and (
                index < count or (end > begin and all(place in covered for place in range(begin, end)))
            ):
                shown[index] = received
    return [final_at if each is None else each for each in shown], sum(each is None for each in shown)


def _covered(final: str, partial: str) -> frozenset[int]:
    blocks = SequenceMatcher(None, final, partial, autojunk=False).get_matching_blocks()
    return frozenset(block.a + k for block in blocks for k in range(block.size))


def edits(said: str, heard: str) -> int:
    """Characters to insert, delete or replace to turn one into the other (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for count, sign in enumerate(said, 1):
        before, row[0] = row[0], count
        for index, other in enumerate(heard, 1):
            before, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, before + (sign != other))
    return row[-1]


def error_rate(legs: Iterable[tuple[str, str]]) -> float:
    """Character error rate over all legs, each said and heard; signs do not count."""
    pairs = [(letters(said), letters(heard)) for said, heard in legs]
    return sum(edits(said, heard) for said, heard in pairs) / max(sum(len(said) for said, _ in pairs), 1)


def quantiles(seconds: Iterable[float]) -> Mapping[str, float | None]:
    """Milliseconds at the median, the 95th and the 99th percentile; None without a value."""
    ordered = sorted(seconds)
    return {
        f"p{round(100 * share)}": round(1000 * percentile(ordered, share), 1) if ordered else None
        for share in (0.5, 0.95, 0.99)
    }
