"""The recognition threads of one worker process.

Each leg has a queue of its own (`asr.crew_leg`) and is worked on by one thread at a time, in the order in
which legs have something to do: who has waited longest is next, so no words come much later than others.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass

from asr.crew_leg import CrewLeg, Publish
from asr.messages import TapAnnounced
from asr.pipeline import Leg, LegPipeline
from asr.recogniser import Recognisers
from asr.text_reader import Reader


@dataclass(slots=True)
class CrewCounters:
    """What the threads have done so far."""

    heard_s: float = 0.0  # audio received
    speech_s: float = 0.0  # of these, speech
    dropped_s: float = 0.0  # of these, skipped to catch up
    decode_s: float = 0.0  # threads were busy
    errors: int = 0  # times that recognition of a leg failed


class Crew:
    """Recognition threads that share the work of all legs of a process."""

    def __init__(
        self,
        recognisers: Recognisers,
        publish: Publish,
        *,
        threads: int = 2,
        max_backlog_s: float = 15.0,
        reader: Reader | None = None,
    ) -> None:
        self.publish = publish
        self.max_backlog_s = max_backlog_s
        self._recognisers = recognisers
        self._reader = reader
        self._line: queue.SimpleQueue[CrewLeg | None] = queue.SimpleQueue()
        self._legs: set[CrewLeg] = set()
        self._changed = threading.Condition()
        self._counters = CrewCounters()
        self._threads = [
            threading.Thread(target=self._run, name=f"recognition-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def open(self, tap: TapAnnounced) -> CrewLeg:
        """Return the queue of a new leg."""
        leg = CrewLeg(self, tap)
        with self._changed:
            self._legs.add(leg)
        return leg

    def look(self, now: float) -> None:
        """Look for legs that went quiet; `now` is epoch seconds. Call it a few times a second."""
        with self._changed:
            legs = list(self._legs)
        for leg in legs:
            leg.idle(now)

    def counters(self) -> CrewCounters:
        """What has been done so far."""
        with self._changed:
            each = self._counters
            return CrewCounters(each.heard_s, each.speech_s, each.dropped_s, each.decode_s, each.errors)

    def close(self, wait_s: float) -> bool:
        """Wait until every ended leg is finished, at most `wait_s`, then stop; return whether all were."""
        with self._changed:
            finished = self._changed.wait_for(lambda: not self._legs, wait_s)
        for _ in self._threads:
            self._line.put(None)
        return finished

    # What a leg asks of its crew

    def enqueue(self, leg: CrewLeg) -> None:
        """Put a leg in line for the next free thread."""
        self._line.put(leg)

    def pipeline(self, tap: TapAnnounced, rate: int) -> LegPipeline:
        """Return what turns this leg's audio into sentences."""
        leg = Leg(call_id=tap.call_id, speaker=tap.speaker, tap_id=tap.tap_id)
        return LegPipeline(leg, rate, self._recognisers, reader=self._reader)

    def note(
        self,
        *,
        heard_s: float = 0.0,
        speech_s: float = 0.0,
        dropped_s: float = 0.0,
        decode_s: float = 0.0,
        errors: int = 0,
    ) -> None:
        """Count."""
        with self._changed:
            self._counters.heard_s += heard_s
            self._counters.speech_s += speech_s
            self._counters.dropped_s += dropped_s
            self._counters.decode_s += decode_s
            self._counters.errors += errors

    def left(self, leg: CrewLeg) -> None:
        """The leg told its last word."""
        with self._changed:
            self._legs.discard(leg)
            self._changed.notify_all()

    def _run(self) -> None:
        while (leg := self._line.get()) is not None:
            begun = time.monotonic()
            again = leg.work()
            self.note(decode_s=time.monotonic() - begun)
            if again:
                self._line.put(leg)
