"""One turn of listening: when the citizen has begun to speak, and when they have said it. Pure.

Times are seconds on one steady clock.
"""

from __future__ import annotations

import math

from asr.messages import TranscriptFinal, TranscriptPartial
from ivr_flows.messages import Heard

BARGE_IN = 2
"""Characters of a sentence that is still being spoken which interrupt the prompt; fewer may be a cough."""

SHORT = 4
"""An answer of so many characters is taken at once …"""
SHORT_PAUSE_S = 0.2
LONG_PAUSE_S = 0.8
"""… after a longer one another sentence may follow. The recogniser has waited for 0.5 s of silence before."""

LAG_S = 0.8
"""The recogniser tells the first word so long after it was begun."""

STALLED_S = 3.0
"""A sentence of which nothing more comes for so long has ended: its recogniser is gone."""

MOST_TEXT = 500
"""Characters of one answer that are kept."""


class Turn:
    """What was said in answer to one question."""

    def __init__(self, *, wait_s: float, most_s: float) -> None:
        """`wait_s`: for the first word after the prompts; `most_s`: from then on in all."""
        self._wait_s = wait_s
        self._most_s = most_s
        self._asked: float | None = None  # when the prompts were over
        self._finals: dict[tuple[str, int], TranscriptFinal] = {}
        self._partial: TranscriptPartial | None = None
        self._last = 0.0  # when something was heard last

    @property
    def speaks(self) -> bool:
        """Whether enough was said to interrupt a prompt."""
        finals = sum(len(final.text) for final in self._finals.values())
        return finals + (len(self._partial.text) if self._partial else 0) >= BARGE_IN

    @property
    def end_of_words(self) -> float | None:
        """When the last word ended, as the recogniser says it (epoch seconds); None without words."""
        ends = [final.end for final in self._finals.values()]
        return max(ends, default=None)

    def asked(self, now: float) -> None:
        """The prompts are over, or were interrupted."""
        self._asked = now

    def take(self, message: TranscriptPartial | TranscriptFinal, now: float) -> None:
        """Something was heard."""
        place = (message.tap_id, message.segment)
        if place in self._finals:
            return
        if isinstance(message, TranscriptPartial):
            self._partial = message if message.text else None
        else:
            self._partial = None
            if message.text:
                self._finals[place] = message
        self._last = now

    def due(self) -> float:
        """When the turn is over unless something comes before; infinity while the question is asked."""
        if self._asked is None:
            return math.inf
        limit = self._asked + self._most_s
        if self._partial is not None:
            return min(limit, self._last + STALLED_S)
        if self._finals:
            short = len(self._text()) <= SHORT
            return min(limit, max(self._last, self._asked) + (SHORT_PAUSE_S if short else LONG_PAUSE_S))
        return min(limit, self._asked + self._wait_s + LAG_S)

    def heard(self) -> Heard:
        """All that was said; a sentence that was cut off counts half."""
        parts = [(final.text, final.confidence) for final in self._finals.values()]
        if self._partial is not None:
            parts.append((self._partial.text, 0.5))
        length = sum(len(text) for text, _ in parts)
        if length == 0:
            return Heard()
        confidence = sum(len(text) * sure for text, sure in parts) / length
        text = "".join(text for text, _ in parts)[:MOST_TEXT]
        return Heard(text=text, confidence=round(min(1.0, max(0.0, confidence)), 3))

    def _text(self) -> str:
        return "".join(final.text for final in self._finals.values()).rstrip("，。？！")
