"""What the machine makes of a written matter: fields of its draft, the unit, whether a category exists."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

from asr.draft_text import sentences
from asr.messages import FieldSuggestion, Line, Speaker
from asr.taxonomy import Taxonomy
from asr.text import readable
from orders.messages import Draft, FieldSuggested, FieldValue, Filler, OrderField, UnitAdvice

__all__ = ["NoReading", "Reading", "TextReading"]

CHINA = ZoneInfo("Asia/Shanghai")
UNIT_CONFIDENCE = 0.5
"""A unit that is less sure is not written into the order."""
MAX_QUOTE = 200


class Reading(Protocol):
    """Reads written matters."""

    async def read(self, text: str, *, order_id: str, phone: str, at: float) -> Sequence[FieldSuggested]:
        """Return what the machine fills in; never fails an intake."""
        ...

    def knows(self, category: str) -> bool:
        """Whether there is such a category (a path, its names parted by /)."""
        ...


class NoReading:
    """The machine reads nothing, and any category is taken."""

    async def read(self, text: str, *, order_id: str, phone: str, at: float) -> Sequence[FieldSuggested]:
        """Return nothing."""
        return ()

    def knows(self, category: str) -> bool:
        """Take it."""
        return True


class _Extractor(Protocol):
    def extract(
        self, lines: Sequence[Line], *, caller: str, now: datetime.datetime
    ) -> tuple[FieldSuggestion, ...]: ...


class TextReading:
    """Reads as the drafts of calls are read, and asks for units as the desk does."""

    def __init__(
        self,
        extractor: _Extractor,
        *,
        taxonomy: Callable[[], Taxonomy],
        advise: Callable[[Draft], Awaitable[Sequence[UnitAdvice]]],
    ) -> None:
        """`advise` says which units could do it (cti.control.advice)."""
        self._extractor = extractor
        self._taxonomy = taxonomy
        self._advise = advise

    def knows(self, category: str) -> bool:
        """Whether the taxonomy in force has it."""
        return self._taxonomy().find([part.strip() for part in category.split("/")]) is not None

    async def read(self, text: str, *, order_id: str, phone: str, at: float) -> Sequence[FieldSuggested]:
        """Return the fields that the text tells, and the unit when one is likely."""
        lines = [
            Line(speaker=Speaker.CITIZEN, text=readable(one), start=float(place), end=float(place + 1))
            for place, one in enumerate(sentences(text))
        ]
        if not lines:
            return ()
        now = datetime.datetime.fromtimestamp(at, CHINA)
        found = await asyncio.to_thread(self._extractor.extract, lines, caller=phone, now=now)
        read = [
            FieldSuggested(
                field=one.field,
                value=one.value,
                source=one.source,
                confidence=one.confidence,
                quote=one.quote[:MAX_QUOTE],
            )
            for one in found
        ]
        said: dict[str, FieldValue] = {OrderField.SUMMARY.value: _value(text)}
        said |= {one.field: _value(one.value) for one in read}
        units = await self._advise(Draft(order_id=order_id, call_id="", version=1, fields=said))
        if units and units[0].confidence >= UNIT_CONFIDENCE:
            read.append(
                FieldSuggested(
                    field=OrderField.UNIT.value,
                    value=units[0].unit,
                    source=units[0].source,
                    confidence=units[0].confidence,
                    quote=units[0].reason[:MAX_QUOTE],
                )
            )
        return read


def _value(text: str) -> FieldValue:
    return FieldValue(value=text, filler=Filler.MACHINE, source="text", confidence=1.0)
