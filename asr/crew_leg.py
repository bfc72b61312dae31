"""One tap's queue: bounded, served by one recognition thread at a time.

A leg that falls behind gets partial results less often, then none, so that its sentences still become final;
where even that is not enough it skips to its newest audio and says so with a `TranscriptGap`. It never grows.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from asr.errors import AsrError
from asr.messages import TapAnnounced, TapEnded, TranscriptGap, TranscriptMessage
from asr.pipeline import PARTIAL_S, LegPipeline

log = logging.getLogger(__name__)

BLOCK_S = 0.06
"""Audio is worked on in blocks of at least so much."""
JOIN_S = 0.1
"""Frames that arrive further apart than this are not joined into one block, so that a gap stays one."""
TURN_S = 1.0
"""After so much audio of one leg a thread looks after the others."""
LATE_S = 0.25
"""A leg that has more waiting gets partial results less often …"""
LATE_PARTIAL_S = 0.6
"""… after so much speech, …"""
BEHIND_S = 1.0
"""… and one that has more waiting gets none, until it has caught up."""
KEPT = 0.2
"""A leg that has more waiting than it may skips all but this share, so that it is in time again at once."""
IDLE_S = 0.55
"""A leg that sends nothing for so long is looked at, so that its last sentence becomes final. More than
`SegmentRules.idle_s`, or the look would come too early."""

Publish = Callable[[list[TranscriptMessage]], None]
"""Takes messages of one leg, in order; called on recognition threads."""


class Threads(Protocol):
    """What a leg asks of those who work on it."""

    publish: Publish
    max_backlog_s: float  # audio a leg may have waiting

    def enqueue(self, leg: CrewLeg) -> None:
        """Put a leg in line for the next free thread."""

    def pipeline(self, tap: TapAnnounced, rate: int) -> LegPipeline:
        """Return what turns this leg's audio into sentences."""

    def note(
        self,
        *,
        heard_s: float = 0.0,
        speech_s: float = 0.0,
        dropped_s: float = 0.0,
        errors: int = 0,
    ) -> None:
        """Count."""

    def left(self, leg: CrewLeg) -> None:
        """The leg told its last word."""


@dataclass(slots=True)
class _Block:
    pcm: bytearray
    rate: int  # Hz; 0: no audio, look whether the leg went quiet
    arrived: float  # epoch seconds

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate if self.rate else 0.0


class CrewLeg:
    """One tap's queue: what arrived goes in on the event loop, a recognition thread takes it out."""

    def __init__(self, crew: Threads, tap: TapAnnounced) -> None:
        self.tap = tap
        self.heard_s = 0.0  # audio received
        self.dropped_s = 0.0  # skipped to catch up
        self._crew = crew
        self._lock = threading.Lock()
        self._blocks: deque[_Block] = deque()
        self._waiting_s = 0.0
        self._scheduled = False
        self._ended_at: float | None = None
        self._last_arrival = 0.0  # epoch seconds
        self._gap: tuple[float, float] | None = None  # skipped and not told yet: from, to (epoch seconds)
        self._looked_at = True  # nothing arrived since the leg was last found quiet
        self._pipeline: LegPipeline | None = None

    @property
    def waiting_s(self) -> float:
        """Seconds of audio that wait to be heard."""
        with self._lock:
            return self._waiting_s

    def audio(self, pcm: bytes, rate: int, arrived: float) -> None:
        """Queue samples; the oldest are skipped where more than the crew's limit waits."""
        seconds, dropped = len(pcm) / 2 / rate, 0.0
        with self._lock:
            last = self._blocks[-1] if self._blocks else None
            if last and last.rate == rate and last.seconds < BLOCK_S and arrived - last.arrived < JOIN_S:
                last.pcm += pcm
                last.arrived = arrived
            else:
                self._blocks.append(_Block(bytearray(pcm), rate, arrived))
            self._waiting_s += seconds
            if self._waiting_s > self._crew.max_backlog_s:
                dropped = self._skip(KEPT * self._crew.max_backlog_s)
            self.heard_s += seconds
            self.dropped_s += dropped
            self._last_arrival = arrived
            self._looked_at = False
            wake = self._wake(self._waiting_s >= BLOCK_S)
        self._crew.note(heard_s=seconds, dropped_s=dropped)
        if wake:
            self._crew.enqueue(self)

    def _skip(self, keep_s: float) -> float:
        """Forget the oldest blocks but so much; return how much was forgotten. The lock is held."""
        skipped = 0.0
        while self._waiting_s > keep_s and len(self._blocks) > 1:
            block = self._blocks.popleft()
            if self._gap is None:
                self._gap = (block.arrived - block.seconds, block.arrived)
            self._gap = (self._gap[0], block.arrived)
            self._waiting_s -= block.seconds
            skipped += block.seconds
        return skipped

    def idle(self, now: float) -> None:
        """Have a sentence ended if nothing arrives any more; `now` is epoch seconds."""
        with self._lock:
            if self._looked_at or now - self._last_arrival < IDLE_S:
                return
            self._looked_at = True
            self._blocks.append(_Block(bytearray(), 0, now))
            wake = self._wake(True)
        if wake:
            self._crew.enqueue(self)

    def ended(self, at: float) -> None:
        """There will be no more audio: the last sentence and TapEnded follow."""
        with self._lock:
            self._ended_at = at
            wake = self._wake(True)
        if wake:
            self._crew.enqueue(self)

    def work(self) -> bool:
        """Do one turn on a recognition thread; return whether the leg has to be put in line again."""
        done_s = 0.0
        while done_s < TURN_S:
            with self._lock:
                if not self._blocks:
                    if self._ended_at is None:
                        self._scheduled = False
                        return False
                    break
                block, gap, self._gap = self._blocks.popleft(), self._gap, None
                self._waiting_s -= block.seconds
                waiting_s = self._waiting_s
            done_s += block.seconds
            if gap is not None:
                self._tell_gap(*gap)
            self._hear(block, waiting_s)
        with self._lock:
            at = None if self._blocks else self._ended_at
        if at is None:
            return True
        self._finish(at)
        return False

    def _wake(self, enough: bool) -> bool:
        """Whether the leg has to be put in line now; the lock is held."""
        if self._scheduled or not enough:
            return False
        self._scheduled = True
        return True

    def _tell_gap(self, start: float, end: float) -> None:
        """End the sentence before what was skipped, then say that it was."""
        log.warning(
            "fell behind and skipped", extra={"tap": self.tap.tap_id, "seconds": round(end - start, 2)}
        )
        told = self._guarded(lambda leg: leg.close())
        told.append(
            TranscriptGap(
                call_id=self.tap.call_id,
                speaker=self.tap.speaker,
                tap_id=self.tap.tap_id,
                start=start,
                end=end,
                reason="behind",
            )
        )
        self._crew.publish(told)

    def _hear(self, block: _Block, waiting_s: float) -> None:
        if self._pipeline is None and block.rate:
            self._pipeline = self._crew.pipeline(self.tap, block.rate)
        if self._pipeline is None:
            return
        before = self._pipeline.speech_s
        self._pipeline.partial_s = LATE_PARTIAL_S if waiting_s > LATE_S else PARTIAL_S
        partials = waiting_s <= BEHIND_S
        if block.rate:
            told = self._guarded(lambda leg: leg.feed(bytes(block.pcm), block.arrived, partials=partials))
        else:
            told = self._guarded(lambda leg: leg.idle(block.arrived))
        self._crew.note(speech_s=self._pipeline.speech_s - before)
        if told:
            self._crew.publish(told)

    def _finish(self, at: float) -> None:
        told = self._guarded(lambda leg: leg.close())
        told.append(
            TapEnded(
                call_id=self.tap.call_id,
                speaker=self.tap.speaker,
                tap_id=self.tap.tap_id,
                heard_s=self.heard_s,
                dropped_s=self.dropped_s,
                at=at,
            )
        )
        self._crew.publish(told)
        self._crew.left(self)

    def _guarded(self, step: Callable[[LegPipeline], list[TranscriptMessage]]) -> list[TranscriptMessage]:
        """Run one step of the pipeline; where it fails, this speech is given up and the leg goes on."""
        if self._pipeline is None:
            return []
        try:
            return step(self._pipeline)
        except AsrError as error:
            log.error("recognition failed", extra={"tap": self.tap.tap_id, "error": str(error)})
        except Exception:
            log.exception("recognition failed", extra={"tap": self.tap.tap_id})
        self._crew.note(errors=1)
        return self._pipeline.abandon()
