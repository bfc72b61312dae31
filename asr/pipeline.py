"""One leg, from its audio to its sentences: the same for live taps and for files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from asr.messages import Speaker, TranscriptFinal, TranscriptMessage, TranscriptPartial, Word
from asr.recogniser import Heard, Recogniser, Recognisers
from asr.second_look import SentenceAudio
from asr.segment import Segmenter, SegmentEvent, SegmentRules, SpeechAudio, SpeechStarted
from asr.text_reader import PlainReader, Reader

PARTIAL_S = 0.06
"""A partial result is asked for after so much new speech. The engine works on 0.3 s at a time, so it has
something new only then; asking often, which costs little, tells it at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Whose words a pipeline hears."""

    call_id: str
    speaker: Speaker
    tap_id: str


class Timeline:
    """Turns seconds of speech fed to the recogniser into epoch seconds."""

    def __init__(self) -> None:
        self._fed: list[float] = []  # where a piece begins, in seconds fed
        self._at: list[float] = []  # and when that was
        self.seconds = 0.0  # fed so far

    def add(self, at: float, seconds: float) -> None:
        """The next `seconds` that are fed were said from `at` on."""
        if not self._at or abs(self.epoch(self.seconds) - at) > 0.001:
            self._fed.append(self.seconds)
            self._at.append(at)
        self.seconds += seconds

    def epoch(self, fed: float) -> float:
        """Return when the sample after `fed` seconds was said; at least one piece must have been added."""
        index = max(bisect_right(self._fed, fed) - 1, 0)
        return self._at[index] + fed - self._fed[index]


class LegPipeline:
    """Cuts one leg into speech and has it recognised. One thread at a time, and never an event loop's."""

    def __init__(
        self,
        leg: Leg,
        rate: int,
        recognisers: Recognisers,
        *,
        reader: Reader | None = None,
        rules: SegmentRules | None = None,
    ) -> None:
        """Hear `leg`, whose audio has `rate` Hz; without a `reader` words stay as they are heard.

        Raises:
            AsrSettingError: a rate that telephones do not have.
        """
        self.leg = leg
        self.rate = rate
        self._recognisers = recognisers
        self._reader = (reader or PlainReader()).leg()
        self._audio = SentenceAudio(rate)
        self._segmenter = Segmenter(rate, rules=rules)
        self._recogniser: Recogniser | None = None
        self._timeline = Timeline()
        self._sentence = 0
        self._shown = ""  # the partial that was told last of this sentence
        self._sentence_from = 0.0  # seconds fed when this sentence began
        self._since_partial = 0.0
        self.partial_s = (
            PARTIAL_S  # new speech after which a partial result is made; whoever is late asks less
        )

    @property
    def speech_s(self) -> float:
        """Seconds that were speech so far."""
        return self._segmenter.speech_s

    def feed(self, pcm: bytes, arrived: float, *, partials: bool = True) -> list[TranscriptMessage]:
        """Take 16-bit samples that came at `arrived` (epoch seconds); return what was understood by then.

        Raises:
            RecogniserError: the engine failed; call `abandon` and go on.
        """
        return self._follow(self._segmenter.feed(pcm, arrived), partials)

    def idle(self, now: float) -> list[TranscriptMessage]:
        """Return the last sentence if nothing has arrived for a while; `now` is epoch seconds.

        Raises:
            RecogniserError: the engine failed; call `abandon` and go on.
        """
        return self._follow(self._segmenter.idle(now), partials=False)

    def close(self) -> list[TranscriptMessage]:
        """Return the last sentence: the leg is gone.

        Raises:
            RecogniserError: the engine failed; call `abandon`.
        """
        return self._follow(self._segmenter.close(), partials=False)

    def abandon(self) -> list[TranscriptMessage]:
        """Throw the recogniser away after an error; the rest of this speech is not heard."""
        if self._recogniser is not None:
            self._recognisers.forget()
            self._recogniser = None
        return self._withdraw()

    def _follow(self, events: Iterable[SegmentEvent], partials: bool) -> list[TranscriptMessage]:
        told: list[TranscriptMessage] = []
        for event in events:
            if isinstance(event, SpeechStarted):
                self._recogniser = self._recognisers.take(self.rate)
                self._timeline = Timeline()
                self._audio.begin(0.0)
                self._sentence_from = self._since_partial = 0.0
            elif self._recogniser is None:  # abandoned
                continue
            elif isinstance(event, SpeechAudio):
                told += self._hear(self._recogniser, event)
            else:
                told += self._final(self._recogniser.finish())
                self._recognisers.give_back(self._recogniser)
                self._recogniser = None
        if partials and self._recogniser is not None and self._since_partial >= self.partial_s:
            told += self._partial(self._recogniser)
        return told

    def _hear(self, recogniser: Recogniser, audio: SpeechAudio) -> list[TranscriptMessage]:
        seconds = len(audio.pcm) / 2 / self.rate
        self._timeline.add(audio.at, seconds)
        self._since_partial += seconds
        self._audio.add(audio.pcm)
        heard = recogniser.accept(audio.pcm)
        if heard is None:
            return []
        told = self._final(heard)
        self._sentence_from = self._timeline.seconds
        self._audio.begin(self._timeline.seconds)
        self._since_partial = 0.0
        return told

    def _partial(self, recogniser: Recogniser) -> list[TranscriptMessage]:
        self._since_partial = 0.0
        verbatim = recogniser.partial()
        if not verbatim or verbatim == self._shown:
            return []
        self._shown = verbatim
        return [self._told(self._reader.partial(verbatim), self._sentence_from, self._timeline.seconds)]

    def _told(self, text: str, fed_from: float, fed_to: float) -> TranscriptPartial:
        return TranscriptPartial(
            call_id=self.leg.call_id,
            speaker=self.leg.speaker,
            segment=self._sentence,
            tap_id=self.leg.tap_id,
            text=text,
            start=self._timeline.epoch(fed_from),
            end=self._timeline.epoch(fed_to),
        )

    def _withdraw(self) -> list[TranscriptMessage]:
        """Take back a partial that did not become a sentence."""
        if not self._shown:
            return []
        self._shown = ""
        return [self._told("", self._sentence_from, self._timeline.seconds)]

    def _final(self, heard: Heard) -> list[TranscriptMessage]:
        verbatim = heard.text
        if not verbatim:
            return self._withdraw()
        epoch = self._timeline.epoch
        words = tuple(
            Word(text=word.text, start=epoch(word.start), end=epoch(word.end), confidence=word.confidence)
            for word in heard.words
        )
        written = self._reader.final(heard, self._audio)
        final = TranscriptFinal(
            call_id=self.leg.call_id,
            speaker=self.leg.speaker,
            segment=self._sentence,
            tap_id=self.leg.tap_id,
            text=written.text,
            verbatim=verbatim,
            start=words[0].start,
            end=words[-1].end,
            confidence=heard.confidence,
            words=words,
            repairs=written.repairs,
        )
        self._sentence += 1
        self._shown = ""
        return [final]
