"""Voice activity first: which stretches of a leg's audio are speech, and when they were said. Pure.

Time is by arrival: a leg that sends no RTP delivers nothing, so counting samples would drift.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import webrtcvad

from asr.errors import AsrSettingError

RATES = (8000, 16000)
"""Sample rates of telephone audio that are taken, in Hz."""

IsSpeech = Callable[[bytes], bool]
"""Judges one frame of 16-bit little-endian mono samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRules:
    """When a stretch of speech begins and ends. Seconds, unless it says frames."""

    frame_s: float = 0.02  # length of a judged frame; webrtcvad takes 0.01, 0.02 and 0.03
    begin_frames: int = 4  # speech begins with so many voiced frames …
    window_frames: int = 6  # … among so many
    preroll_s: float = 0.3  # audio before the begin that is kept: the first consonant is quiet
    hangover_s: float = 0.5  # silence that ends speech
    long_s: float = 12.0  # after this a shorter silence ends it, so that captions become final
    short_hangover_s: float = 0.16  # that shorter silence
    max_s: float = 30.0  # after this it is cut wherever it is
    gap_s: float = 0.4  # audio that arrives so late after what came before does not belong to it
    idle_s: float = 0.5  # with no audio for so long, speech is taken as ended

    def __post_init__(self) -> None:
        """Refuse rules that could not work.

        Raises:
            AsrSettingError: naming the rule.
        """
        if round(self.frame_s * 1000) not in (10, 20, 30):
            raise AsrSettingError("frame_s", self.frame_s, "0.01, 0.02 or 0.03")
        if not 1 <= self.begin_frames <= self.window_frames:
            raise AsrSettingError("begin_frames", self.begin_frames, "1 up to window_frames")
        if not self.hangover_s >= self.short_hangover_s >= self.frame_s:
            raise AsrSettingError("short_hangover_s", self.short_hangover_s, "frame_s up to hangover_s")
        if not self.max_s > self.long_s > 0:
            raise AsrSettingError("max_s", self.max_s, "more than long_s, which is more than 0")


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak."""

    at: float  # epoch seconds of the first sample kept


@dataclass(frozen=True, slots=True)
class SpeechAudio:
    """Audio of the speech that began last, in order."""

    pcm: bytes  # 16-bit little-endian mono
    at: float  # epoch seconds of its first sample


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The speech that began last is over."""

    at: float  # epoch seconds of the end of its last sample


SegmentEvent = SpeechStarted | SpeechAudio | SpeechEnded


class ArrivalClock:
    """Gives each block of audio its place in time.

    A block cannot begin before the one before it ended, nor after it arrived. Small lateness is jitter and
    does not open a gap; a long block that arrives at once (the network or this process had stalled) is laid
    back over the time it took to say.
    """

    JITTER_S = 0.12

    def __init__(self) -> None:
        self.end: float | None = None  # epoch seconds at which the audio so far ends

    def place(self, arrived: float, seconds: float) -> float:
        """Return when the block of that length, arrived then, began (epoch seconds)."""
        begin = arrived - seconds
        if self.end is not None and begin - self.end <= self.JITTER_S:
            begin = min(self.end, arrived)
        self.end = begin + seconds
        return begin


class Segmenter:
    """Cuts one leg into speech: blocks with their arrival go in, events come out."""

    def __init__(
        self, rate: int, *, rules: SegmentRules | None = None, is_speech: IsSpeech | None = None
    ) -> None:
        """Judge audio of `rate` Hz; `is_speech` is webrtcvad in mode 2 unless given.

        Raises:
            AsrSettingError: a rate that telephones do not have.
        """
        if rate not in RATES:
            raise AsrSettingError("rate", rate, "8000 or 16000")
        self.rules = rules or SegmentRules()
        self.speaking = False
        self.speech_s = 0.0  # seconds handed out as speech so far
        if is_speech is None:
            vad = webrtcvad.Vad(2)
            self._is_speech: IsSpeech = lambda frame: bool(vad.is_speech(frame, rate))
        else:
            self._is_speech = is_speech
        self._second = 2 * rate  # bytes
        self._frame_bytes = 2 * round(rate * self.rules.frame_s)
        self._clock = ArrivalClock()
        self._rest = b""
        self._before: deque[tuple[bytes, float]] = deque(
            maxlen=max(self.rules.window_frames, round(self.rules.preroll_s / self.rules.frame_s))
        )
        self._voiced: deque[bool] = deque(maxlen=self.rules.window_frames)
        self._length = 0.0  # seconds of the speech that is going on
        self._silence = 0.0  # seconds of silence at its end
        self._out: list[SegmentEvent] = []
        self._kept = bytearray()  # frames of one coming SpeechAudio
        self._kept_at = 0.0
        self._end = 0.0  # epoch seconds of the end of the last frame

    def feed(self, pcm: bytes, arrived: float) -> list[SegmentEvent]:
        """Take a block of 16-bit samples that came at `arrived` (epoch seconds); return what follows.

        Speech may end and begin again inside one block.
        """
        before = self._clock.end
        at = self._clock.place(arrived, len(pcm) / self._second)
        if before is not None and at - before > self.rules.gap_s:
            self._cut()
        at -= len(self._rest) / self._second
        data = self._rest + pcm
        whole = len(data) - len(data) % self._frame_bytes
        for offset in range(0, whole, self._frame_bytes):
            self._frame(data[offset : offset + self._frame_bytes], at + offset / self._second)
        self._rest = data[whole:]
        return self._events()

    def idle(self, now: float) -> list[SegmentEvent]:
        """End speech if nothing has arrived for a while; `now` is epoch seconds."""
        if self._clock.end is not None and now - self._clock.end > self.rules.idle_s:
            self._cut()
        return self._events()

    def close(self) -> list[SegmentEvent]:
        """End speech that is going on: the leg is gone."""
        self._cut()
        return self._events()

    def _frame(self, frame: bytes, at: float) -> None:
        voiced = self._is_speech(frame)
        self._end = at + self.rules.frame_s
        if self.speaking:
            self._keep(frame, at)
            self._silence = 0.0 if voiced else self._silence + self.rules.frame_s
            self._maybe_end()
            return
        self._before.append((frame, at))
        self._voiced.append(voiced)
        if sum(self._voiced) >= self.rules.begin_frames:
            self._begin()

    def _begin(self) -> None:
        self.speaking, self._length, self._silence = True, 0.0, 0.0
        self._out.append(SpeechStarted(self._before[0][1] if self._before else self._end))
        for frame, at in self._before:
            self._keep(frame, at)
        self._before.clear()
        self._voiced.clear()

    def _keep(self, frame: bytes, at: float) -> None:
        expected = self._kept_at + len(self._kept) / self._second
        if self._kept and abs(at - expected) > 0.001:  # a small gap inside speech: its times must stay right
            self._flush()
        if not self._kept:
            self._kept_at = at
        self._kept += frame
        self._length += self.rules.frame_s
        self.speech_s += self.rules.frame_s

    def _maybe_end(self) -> None:
        rules = self.rules
        enough = rules.short_hangover_s if self._length > rules.long_s else rules.hangover_s
        if self._silence >= enough - rules.frame_s / 2:
            self._finish()
        elif self._length >= rules.max_s:
            self._finish()
            self._begin()  # the speaker goes on: no frame may be lost, none is heard twice

    def _finish(self) -> None:
        self._flush()
        self._out.append(SpeechEnded(self._end))
        self.speaking = False

    def _cut(self) -> None:
        if self.speaking:
            self._finish()
        self._before.clear()
        self._voiced.clear()
        self._rest = b""

    def _flush(self) -> None:
        if self._kept:
            self._out.append(SpeechAudio(bytes(self._kept), self._kept_at))
            self._kept.clear()

    def _events(self) -> list[SegmentEvent]:
        self._flush()
        events, self._out = self._out, []
        return events
