"""Calls of the last day, kept counted in slots: only slots in which a call changed are counted again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cti.figures.causes import Break, breaks
from cti.figures.facts import CallFact, Facts, Rules, Span
from cti.figures.live_time import KEPT_S, SLOT_S
from cti.figures.tally import Tally

__all__ = ["Counted", "LiveCalls"]


HALF_S = 3 * SLOT_S
"""Sums of half hours are kept, too: most of a day changes no more."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The calls of a stretch of time; all of them count as of the last 24 hours."""

    whole: Tally = field(default_factory=Tally)
    queues: dict[str, Tally] = field(default_factory=dict)
    breaks: tuple[Break, ...] = ()  # newest first


class LiveCalls:
    """The calls that began within the last day."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._slots: dict[int, dict[str, CallFact]] = {}
        self._slot_of: dict[str, int] = {}
        self._counted: dict[int, Counted] = {}  # slot -> its sums
        self._halves: dict[int, Counted] = {}  # half hour -> its sums

    def get(self, call_id: str) -> CallFact | None:
        """The call as it was put last."""
        slot = self._slot_of.get(call_id)
        return None if slot is None else self._slots[slot][call_id]

    def put(self, call: CallFact) -> None:
        """Put a call in, or as it is now."""
        slot = int(call.started // SLOT_S)
        known = self._slot_of.get(call.call_id)
        if known is not None and self._slots[known][call.call_id] == call:
            return
        if known is not None and known != slot:
            del self._slots[known][call.call_id]
            self._changed(known)
        self._slot_of[call.call_id] = slot
        self._slots.setdefault(slot, {})[call.call_id] = call
        self._changed(slot)

    def forget(self, now: float) -> None:
        """Drop calls that began before the last day."""
        for slot in [slot for slot in self._slots if (slot + 1) * SLOT_S <= now - KEPT_S]:
            for call_id in self._slots.pop(slot):
                del self._slot_of[call_id]
            self._changed(slot)

    def counted(self, span: Span) -> Iterator[tuple[float, Counted]]:
        """Give what began in a span within the last day, by half hours (their beginnings), newest first."""
        first, last = int(span.since // HALF_S), int(span.until // HALF_S)
        for half in range(last, first - 1, -1):
            since, until = float(half * HALF_S), float((half + 1) * HALF_S)
            if span.since <= since and until <= span.until:
                if half not in self._halves:
                    self._halves[half] = self._of_slots(half, Span(since=since, until=until))
                yield since, self._halves[half]
            elif since < span.until:
                part = Span(since=max(since, span.since), until=min(until, span.until))
                yield since, self._of_slots(half, part)

    def _changed(self, slot: int) -> None:
        self._counted.pop(slot, None)
        self._halves.pop(slot // 3, None)

    def _of_slots(self, half: int, span: Span) -> Counted:
        """The sums of the part of a half hour that lies in the span."""
        found: list[Counted] = []
        for slot in (3 * half + 2, 3 * half + 1, 3 * half):
            since, until = float(slot * SLOT_S), float((slot + 1) * SLOT_S)
            if slot not in self._slots or until <= span.since or since >= span.until:
                continue
            if span.since <= since and until <= span.until:
                if slot not in self._counted:
                    self._counted[slot] = self._count(slot, Span(since=since, until=until))
                found.append(self._counted[slot])
            else:
                part = Span(since=max(since, span.since), until=min(until, span.until))
                found.append(self._count(slot, part))
        whole = Counted(breaks=tuple(each for one in found for each in one.breaks))
        for one in found:
            whole.whole.add(one.whole)
            for queue, tally in one.queues.items():
                whole.queues.setdefault(queue, Tally()).add(tally)
        return whole

    def _count(self, slot: int, span: Span) -> Counted:
        calls = [call for call in self._slots[slot].values() if span.holds(call.started)]
        found = Counted(breaks=breaks(Facts(calls=calls), span=span, rules=self._rules))
        for call in calls:
            found.queues.setdefault(call.queue, Tally()).add_call(call, self._rules, lately=True)
        for tally in found.queues.values():
            found.whole.add(tally)
        return found
