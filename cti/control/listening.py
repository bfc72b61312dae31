"""What citizens say before anybody answers: their legs are tapped, and what is heard goes to who listens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from asr.messages import Speaker, TapEnded, TranscriptMessage, TranscriptPartial
from cti.call import Call
from cti.control.calls import Calls
from cti.control.taps import Taps

log = logging.getLogger(__name__)

MOST_HEARD = 1000
"""Messages that wait for one listener; more cannot come in one answer."""

SPEAKING_S = 2.0
"""After a partial result nothing more came for so long: the sentence is over, whatever became of it."""


class HeardLeg:
    """What is heard on one leg, from the moment that somebody began to listen. Implements `Hearing`."""

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        self._heard: asyncio.Queue[TranscriptMessage] = asyncio.Queue(MOST_HEARD)

    async def next(self) -> TranscriptMessage:
        """Return the next thing that was heard."""
        return await self._heard.get()

    def put(self, message: TranscriptMessage) -> None:
        """Something was heard."""
        if not self._heard.full():
            self._heard.put_nowait(message)


class Listening:
    """Taps citizens' legs on demand. Implements `Ears` of the line."""

    def __init__(
        self,
        *,
        taps: Taps,
        calls: Calls,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._taps = taps
        self._calls = calls
        self._clock = clock
        self._hearings: dict[str, list[HeardLeg]] = {}
        self._spoken: dict[str, float] = {}  # call -> when its unfinished sentence was heard last
        taps.on_ended = self._tap_ended

    @property
    def able(self) -> bool:
        """Whether a recogniser has room now."""
        return self._taps.captions

    async def tap(self, call: Call) -> bool:
        """Have the citizen's leg heard; True when it is, also by a tap of before."""
        if not self._taps.on(call.call_id) and not call.with_person:
            await self._taps.adopt(call)
        tap_id = await self._taps.tap(
            node=call.node,
            call_id=call.call_id,
            uniqueid=call.call_id,
            speaker=Speaker.CITIZEN,
            recording_started=call.recording_started,
        )
        return tap_id is not None

    async def listen(self, call: Call) -> HeardLeg | None:
        """Have the leg heard, and return what is heard from now on; None when nobody can."""
        hearing = HeardLeg(call.call_id)
        self._hearings.setdefault(call.call_id, []).append(hearing)
        try:
            heard = await self.tap(call)
        except BaseException:
            self.close(hearing)
            raise
        if not heard:
            self.close(hearing)
            return None
        return hearing

    def close(self, hearing: HeardLeg) -> None:
        """No more is wanted of this; the leg stays tapped, for whoever listens next."""
        others = self._hearings.get(hearing.call_id, [])
        if hearing in others:
            others.remove(hearing)
        if not others:
            self._hearings.pop(hearing.call_id, None)

    async def stop(self, call: Call) -> None:
        """End the tap of the citizen's leg, if there is one."""
        await self._taps.end(call)

    def speaking(self, call_id: str) -> bool:
        """Whether the citizen seems to be in the middle of a sentence."""
        return self._clock() - self._spoken.get(call_id, -SPEAKING_S) < SPEAKING_S

    def take(self, message: TranscriptMessage) -> None:
        """Something was heard on some leg, or a tap's audio has ended."""
        self._taps.heard(message)
        if message.speaker is not Speaker.CITIZEN:
            return
        if isinstance(message, TranscriptPartial) and message.text:
            self._spoken[message.call_id] = self._clock()
        elif not isinstance(message, TranscriptPartial) or not message.text:
            self._spoken.pop(message.call_id, None)
        for hearing in self._hearings.get(message.call_id, ()):
            hearing.put(message)

    def _tap_ended(self, call_id: str, tap_id: str) -> None:
        """Asterisk says that a tap is over: its worker may be gone without a word."""
        ended = TapEnded(
            call_id=call_id, speaker=Speaker.CITIZEN, tap_id=tap_id, heard_s=0.0, dropped_s=0.0, at=0.0
        )
        self._spoken.pop(call_id, None)
        for hearing in self._hearings.get(call_id, ()):
            hearing.put(ended)
