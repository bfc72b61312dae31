"""Which legs are to be heard, which tap each has, and when another try is due. Pure: events and a clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from asr.messages import Speaker, TranscriptFinal, TranscriptGap, TranscriptMessage, TranscriptPartial

CONNECT_S = 5.0
"""A tap whose channel Asterisk has not told of by then has come to nothing."""

SETTLE_S = 0.2
"""A lost tap is made again only so much later: when the leg itself hangs up, its tap goes first."""

FIRST_DELAY_S, LAST_DELAY_S = 0.3, 3.0
"""Pause after a try that failed, and the longest that it grows to."""


@dataclass(slots=True)
class TapLeg:
    """One leg that is to be heard for as long as it exists."""

    call_id: str
    node: str  # Asterisk node it is on
    uniqueid: str  # of its channel
    speaker: Speaker  # whose it is
    recording_started: float  # epoch seconds, zero of the recording
    tap_id: str = ""  # the tap it has, "" for none
    worker_id: str = ""  # the worker that hears it, "" when a server of before chose it
    asked: float = 0.0  # when the tap was asked for
    there: bool = False  # Asterisk has told of the tap's channel
    due: float = 0.0  # without a tap: when to try again
    delay: float = FIRST_DELAY_S  # pause after the next failure
    lost_tap: str = ""  # the tap that was lost and not made good yet
    lost_at: float = 0.0  # epoch seconds at which nobody listened any more


class TapBook:
    """The legs of this server's calls."""

    def __init__(self) -> None:
        self._legs: dict[str, TapLeg] = {}  # by the leg's unique id
        self._taps: dict[str, TapLeg] = {}  # by the tap's id
        self._unfinished: dict[str, float] = {}  # tap -> until when its open sentence was heard

    def __iter__(self) -> Iterator[TapLeg]:
        return iter(tuple(self._legs.values()))

    def leg(self, uniqueid: str) -> TapLeg | None:
        """Return the leg of this channel, if it is to be heard."""
        return self._legs.get(uniqueid)

    def tap(self, tap_id: str) -> TapLeg | None:
        """Return the leg that has this tap."""
        return self._taps.get(tap_id)

    def want(self, leg: TapLeg) -> TapLeg:
        """Have a leg heard from now on; the one that is known already stays as it is."""
        return self._legs.setdefault(leg.uniqueid, leg)

    def placed(self, leg: TapLeg, tap_id: str, worker_id: str, now: float, *, there: bool = False) -> None:
        """A tap has been asked for."""
        if leg.tap_id:
            self._taps.pop(leg.tap_id, None)
        leg.tap_id, leg.worker_id, leg.asked, leg.there = tap_id, worker_id, now, there
        self._taps[tap_id] = leg

    def came(self, tap_id: str, now: float) -> TranscriptGap | None:
        """Asterisk has a tap's channel; return the gap that ends with it, if there was one."""
        leg = self._taps.get(tap_id)
        if leg is None or leg.there:
            return None
        leg.there, leg.delay = True, FIRST_DELAY_S
        if not leg.lost_tap:
            return None
        gap = TranscriptGap(
            call_id=leg.call_id,
            speaker=leg.speaker,
            tap_id=leg.lost_tap,
            start=leg.lost_at,
            end=max(leg.lost_at, now),
            reason="worker_lost",
        )
        leg.lost_tap = ""
        return gap

    def failed(self, leg: TapLeg, now: float) -> None:
        """A try came to nothing; the next one is due later and later."""
        self._taps.pop(leg.tap_id, None)
        leg.tap_id, leg.there = "", False
        leg.due = now + leg.delay
        leg.delay = min(2 * leg.delay, LAST_DELAY_S)

    def lost(self, tap_id: str, now: float) -> TapLeg | None:
        """A tap is over. If its leg goes on, it is due for another; return the leg."""
        leg = self._taps.pop(tap_id, None)
        heard_until = self._unfinished.pop(tap_id, None)
        if leg is None:
            return None
        if leg.there and not leg.lost_tap:
            leg.lost_tap = tap_id
            leg.lost_at = now if heard_until is None else min(now, heard_until)
        leg.tap_id, leg.there = "", False
        leg.due = now + SETTLE_S
        return leg

    def drop(self, uniqueid: str) -> TapLeg | None:
        """A leg is gone, or is to be heard no more; return it."""
        leg = self._legs.pop(uniqueid, None)
        if leg is not None and leg.tap_id:
            self._taps.pop(leg.tap_id, None)
            self._unfinished.pop(leg.tap_id, None)
        return leg

    def heard(self, message: TranscriptMessage) -> None:
        """Something was heard on a tap: what of an open sentence was understood is no part of a gap."""
        if message.tap_id not in self._taps:
            return
        if isinstance(message, TranscriptPartial) and message.text:
            self._unfinished[message.tap_id] = message.end
        elif isinstance(message, TranscriptPartial | TranscriptFinal):
            self._unfinished.pop(message.tap_id, None)

    def due(self, now: float) -> tuple[TapLeg, ...]:
        """Return the legs without a tap whose next try is due, the ones that never came among them."""
        for leg in self._legs.values():
            if leg.tap_id and not leg.there and now > leg.asked + CONNECT_S:
                self.failed(leg, now)
                leg.due = now
        return tuple(leg for leg in self._legs.values() if not leg.tap_id and leg.due <= now)

    def deaf(self, workers: Collection[str]) -> tuple[TapLeg, ...]:
        """Return the legs whose worker is none of the living ones: it hangs, or its host is gone."""
        return tuple(
            leg for leg in self._legs.values() if leg.there and leg.worker_id and leg.worker_id not in workers
        )

    def compare(self, node: str, channels: Collection[str], asked: float, now: float) -> tuple[TapLeg, ...]:
        """Hold the book against a node's channels (unique ids) as they were at `asked`; return the lost."""
        gone: list[TapLeg] = []
        for leg in self:
            if leg.node != node:
                continue
            if leg.uniqueid not in channels and leg.asked < asked:
                self.drop(leg.uniqueid)
            elif leg.there and leg.asked < asked and leg.tap_id not in channels:
                self.lost(leg.tap_id, now)
                gone.append(leg)
        return tuple(gone)
