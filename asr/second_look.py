"""A second look: what sounds like a number in a finished sentence is heard again, as nothing but numbers.

The recogniser that hears whole sentences takes 八八三零 for 爸爸森林, because that is what people say more
often. One that knows only digits and the words of house numbers does not; but it hears digits in everything.
So it is asked only where the first one's words sound like numbers, and believed only where the two agree by
sound (`second_look_rules`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asr.errors import RecogniserError
from asr.recogniser import Heard, HeardWord, Recognisers
from asr.second_look_rules import Passage, Reading, believed, passages

BEFORE_S, AFTER_S = 0.4, 0.8
"""Audio on both sides of a stretch that is heard, too: its ends may have sounded like other words."""
KEPT_S = 20.0
"""So much of a sentence's audio is kept for a second look, the newest."""


@dataclass(slots=True)
class SentenceAudio:
    """The newest audio of a sentence, never more than `KEPT_S`."""

    rate: int  # Hz
    start: float = 0.0  # seconds, on the clock of the words' times, of its first sample
    pcm: bytearray | None = None  # 16-bit samples

    def begin(self, start: float) -> None:
        """A new sentence begins at `start`."""
        self.start, self.pcm = start, bytearray()

    def add(self, pcm: bytes) -> None:
        """Take what comes next; the oldest is forgotten where there is too much."""
        if self.pcm is None:
            self.pcm = bytearray()
        self.pcm += pcm
        surplus = len(self.pcm) - 2 * round(KEPT_S * self.rate)
        if surplus > 0:
            del self.pcm[:surplus]
            self.start += surplus / 2 / self.rate

    def between(self, start: float, end: float) -> tuple[bytes, float]:
        """Return the samples from `start` to `end` as far as they are kept, and when they begin."""
        first = max(round((start - self.start) * self.rate), 0)
        last = max(round((end - self.start) * self.rate), first)
        return bytes((self.pcm or b"")[2 * first : 2 * last]), self.start + first / self.rate


class SecondLook:
    """Hears numbers again. Safe for many threads."""

    def __init__(self, digits: Recognisers) -> None:
        """Use recognisers that know nothing but numbers (see `asr.graph_digits`)."""
        self._digits = digits

    def look(self, heard: Heard, audio: SentenceAudio, *, goes_on: bool = False) -> tuple[Reading, ...]:
        """Return what is to be read otherwise in a sentence, from left to right.

        `goes_on`: the sentence before ended inside a number.

        Raises:
            RecogniserError: the engine failed.
        """
        found = []
        for passage in passages(heard.words, goes_on=goes_on):
            again = self._hear(heard.words, passage, audio)
            reading = believed(heard.words, passage, again) if again else None
            if reading is not None:
                found.append(reading)
        taken: list[Reading] = []
        for reading in sorted(found, key=lambda each: not each.whole):
            if all(reading.last <= other.first or other.last <= reading.first for other in taken):
                taken.append(reading)
        return tuple(sorted(taken, key=lambda each: each.first))

    def _hear(
        self, words: Sequence[HeardWord], passage: Passage, audio: SentenceAudio
    ) -> tuple[HeardWord, ...]:
        pcm, start = audio.between(
            words[passage.first].start - BEFORE_S, words[passage.last - 1].end + AFTER_S
        )
        if not pcm:
            return ()
        recogniser = self._digits.take(audio.rate)
        try:
            told = recogniser.accept(pcm)
            rest = recogniser.finish()
        except RecogniserError:
            self._digits.forget()
            raise
        self._digits.give_back(recogniser)
        return tuple(
            HeardWord(word.text, word.start + start, word.end + start, word.confidence)
            for word in ((told.words if told else ()) + rest.words)
        )
