"""From the words that were heard to the sentence that is read: the same for live captions and for files.

In this order: numbers are listened to again, marks are put by pauses and words, names and terms are written
as they are spelled, hesitations go, numbers become digits. What was heard stays beside every repair.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from asr.errors import RecogniserError
from asr.gazetteer import Gazetteer
from asr.messages import Repair
from asr.punctuation import punctuated, spoken
from asr.recogniser import Heard, HeardWord
from asr.repair import PlaceRepair, Terms, repair_terms, terms
from asr.second_look import SecondLook, SentenceAudio
from asr.second_look_rules import Reading, number_open
from asr.text import FILLER_RULES, MAX_TEXT, NUMBER_RULES, readable, without_fillers
from asr.text_marked import MarkedText

log = logging.getLogger(__name__)

_LATIN = re.compile(r"[0-9A-Za-z]")
MOST_PARTIAL = 400
"""Characters of an unfinished sentence in which names are looked for."""


@dataclass(frozen=True, slots=True)
class Written:
    """A finished sentence as it is read."""

    text: str
    repairs: tuple[Repair, ...] = ()  # where it is not what was heard, left to right


class LegReader(Protocol):
    """Reads the sentences of one leg, in order. One thread at a time."""

    def partial(self, verbatim: str) -> str:
        """Return an unfinished sentence as it is shown."""

    def final(self, heard: Heard, audio: SentenceAudio | None = None) -> Written:
        """Return a finished sentence as it is read; with its audio numbers are listened to again."""


class Reader(Protocol):
    """Reads for many legs. Safe for many threads."""

    def leg(self) -> LegReader:
        """Return a reader for a new leg."""


@dataclass(frozen=True, slots=True)
class PlainReader:
    """Leaves words as they were heard, or as one function writes them."""

    write: Callable[[str], str] = str

    def leg(self) -> LegReader:
        """Return itself: nothing is remembered."""
        return self

    def partial(self, verbatim: str) -> str:
        """Return it as the function writes it."""
        return self.write(verbatim)

    def final(self, heard: Heard, audio: SentenceAudio | None = None) -> Written:
        """Return it as the function writes it."""
        return Written(self.write(heard.text))


@dataclass(frozen=True, slots=True)
class TextReader:
    """The hotline's reader. Safe for many threads."""

    gazetteer: Gazetteer = field(default_factory=Gazetteer)
    second_look: SecondLook | None = None  # None: numbers are read as they were heard
    terms: Terms = field(default_factory=terms)

    def leg(self) -> LegReader:
        """Return a reader that remembers the district that is said on this leg."""
        return _Leg(self, PlaceRepair(self.gazetteer))


@dataclass(slots=True)
class _Leg:
    reader: TextReader
    places: PlaceRepair
    number_open: bool = False  # the sentence before ended inside a number

    def partial(self, verbatim: str) -> str:
        if len(verbatim) > MOST_PARTIAL:
            return readable(verbatim)
        return readable(self.places.repaired(without_fillers(verbatim)))

    def final(self, heard: Heard, audio: SentenceAudio | None = None) -> Written:
        text = marked(heard.words, self._heard_again(heard, audio))
        repair_terms(text, self.reader.terms)
        self.places.repair(text)
        text.apply(FILLER_RULES)
        text.apply(NUMBER_RULES)
        self.number_open = number_open(text.text)
        return Written(text.text, text.marks)

    def _heard_again(self, heard: Heard, audio: SentenceAudio | None) -> tuple[Reading, ...]:
        look = self.reader.second_look
        if look is None or audio is None:
            return ()
        try:
            return look.look(heard, audio, goes_on=self.number_open)
        except RecogniserError as error:  # the sentence is told all the same
            log.error("numbers could not be listened to again", extra={"error": str(error)})
            return ()


def marked(words: tuple[HeardWord, ...], readings: tuple[Reading, ...]) -> MarkedText:
    """Return the words with punctuation as one text, what was heard again in its place and marked."""
    tokens, heard_again = _tokens(words, readings)
    parts: list[str] = []
    marks: list[Repair] = []
    length = 0
    for index, (token, mark) in enumerate(zip(tokens, punctuated(spoken(tokens)), strict=True)):
        if parts and _LATIN.match(parts[-1][-1:]) and _LATIN.match(token.text):
            parts.append(" ")
            length += 1
        reading = heard_again.get(index)
        if reading is not None:
            before = "".join(word.text for word in words[reading.first : reading.last])
            marks.append(
                Repair(
                    start=length,
                    end=length + len(token.text),
                    heard=before,
                    source="digits",
                    confidence=min(reading.confidence, 1.0),
                )
            )
        parts.append(token.text + mark)
        length += len(parts[-1])
    return MarkedText("".join(parts)[:MAX_TEXT], tuple(marks))


def _tokens(
    words: tuple[HeardWord, ...], readings: tuple[Reading, ...]
) -> tuple[list[HeardWord], dict[int, Reading]]:
    """Return the words with those that were heard again as one each, and which these are."""
    tokens: list[HeardWord] = []
    again: dict[int, Reading] = {}
    place = 0
    for reading in (*readings, None):
        until = reading.first if reading is not None else len(words)
        tokens += [word for word in words[place:until] if word.text[:1] not in ("<", "[")]
        if reading is not None:
            again[len(tokens)] = reading
            first, last = words[reading.first], words[reading.last - 1]
            tokens.append(HeardWord(reading.text, first.start, last.end, reading.confidence))
            place = reading.last
    return tokens, again
