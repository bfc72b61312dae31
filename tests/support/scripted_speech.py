"""Stand-ins for the engine: what it 'hears' is written into the samples."""

from __future__ import annotations

import math
import threading
from array import array
from dataclasses import dataclass, field

from asr.errors import RecogniserError
from asr.recogniser import Heard, HeardWord, Recogniser

RATE = 8000
SECOND = 2 * RATE


@dataclass(slots=True)
class ScriptedRecogniser:
    """Understands 话 for each second of audio; ends a sentence by itself after `sentence_s`."""

    number: int
    sentence_s: float = 1e9
    fail: bool = False
    forgets: bool = False
    fed: int = 0
    begun: int = 0

    def accept(self, pcm: bytes) -> Heard | None:
        if self.fail:
            raise RecogniserError("the engine refused")
        self.fed += len(pcm)
        if (self.fed - self.begun) / SECOND < self.sentence_s:
            return None
        return self._said()

    def partial(self) -> str:
        return "话" * ((self.fed - self.begun) // SECOND)

    def finish(self) -> Heard:
        heard = Heard(()) if self.forgets else self._said()
        self.fed = self.begun = 0
        return heard

    def _said(self) -> Heard:
        first = self.begun // SECOND
        count = self.fed // SECOND - first
        self.begun = self.fed
        return Heard(tuple(HeardWord("话", first + i, first + i + 0.5, 0.8) for i in range(count)))


@dataclass(slots=True)
class ScriptedRecognisers:
    """Counts what it gives out."""

    sentence_s: float = 1e9
    fail: bool = False
    forgets: bool = False  # nothing is left of the partial results in the end
    taken: int = 0
    returned: int = 0
    forgotten: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, rate: int) -> ScriptedRecogniser:
        with self.lock:
            self.taken += 1
            return ScriptedRecogniser(self.taken, self.sentence_s, self.fail, self.forgets)

    def give_back(self, recogniser: Recogniser) -> None:
        with self.lock:
            self.returned += 1

    def forget(self) -> None:
        with self.lock:
            self.forgotten += 1


def buzz(seconds: float, rate: int = RATE) -> bytes:
    """Return a vowel-like sound that a voice activity detector takes for speech from begin to end."""
    samples = array("h")
    for index in range(round(seconds * rate)):
        time = index / rate
        loud = 0.75 + 0.25 * math.sin(2 * math.pi * 4 * time)
        value = sum(math.sin(2 * math.pi * 140 * n * time) / n for n in range(1, 12))
        samples.append(round(7000 * loud * value))
    return samples.tobytes()
