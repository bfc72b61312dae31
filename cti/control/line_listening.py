"""A question that is answered by voice or key."""

from __future__ import annotations

import asyncio

from asr.messages import TapEnded, TranscriptGap
from cti.control.line_leg import Leg
from cti.control.line_ports import LineDeps
from cti.control.listening import HeardLeg
from cti.control.turn import Turn
from ivr_flows.messages import Event, Failed, Heard, Listen

EARLIER_S = 0.2
"""Words that ended so long before the question belong to what was said before it."""


async def listen(leg: Leg, deps: LineDeps, action: Listen) -> Event:
    """Ask and listen; a key among `keys` answers, too. Raises AgiHangup.

    `Failed` at once where nobody can listen: the flow then asks for keys alone.
    """
    if action.flush:
        leg.keys.clear()
    hearing = await leg.while_here(deps.ears.listen(leg.call)) if deps.ears.able else None
    if hearing is None:
        return Failed(reason="no recogniser has room")
    try:
        return await _Question(leg, deps, action, hearing).answer()
    finally:
        deps.ears.close(hearing)


class _Question:
    """One question while it is open."""

    def __init__(self, leg: Leg, deps: LineDeps, action: Listen, hearing: HeardLeg) -> None:
        self._leg = leg
        self._deps = deps
        self._action = action
        self._hearing = hearing
        self._turn = Turn(wait_s=action.wait_s, most_s=action.most_s)
        self._news = asyncio.Event()
        self._since = leg.now() - EARLIER_S
        self._deaf = False

    async def answer(self) -> Heard:
        """Ask it, and return what was answered."""
        follows = asyncio.create_task(self._follow(), name=f"listen-{self._leg.call_id}")
        keys = self._action.keys
        try:
            await self._leg.say(self._action.prompts, stops=bool(keys), until=lambda: self._turn.speaks)
            self._turn.asked(self._leg.clock())
            while True:
                if keys and (key := self._leg.keys.take_one_of(keys)) is not None:
                    return Heard(key=key)
                left = self._turn.due() - self._leg.clock()
                if left <= 0 or self._deaf:
                    return self._heard()
                self._news.clear()
                await self._leg.pause(left, self._news, keys=bool(keys))
        finally:
            follows.cancel()

    async def _follow(self) -> None:
        while True:
            message = await self._hearing.next()
            if isinstance(message, TapEnded):
                self._deaf = True
            elif isinstance(message, TranscriptGap):
                continue  # what was not heard answers nothing; the question's own time limit goes on
            elif message.end > self._since:
                self._turn.take(message, self._leg.clock())
                if self._turn.speaks:
                    self._leg.stop()
            self._news.set()

    def _heard(self) -> Heard:
        ended = self._turn.end_of_words
        if ended is not None:
            self._deps.calls.metrics.listen_lag.observe(max(0.0, self._leg.now() - ended))
        return self._turn.heard()
