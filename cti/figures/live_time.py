"""Agents' time of the last day, kept added up in slots, so that a look costs only what is new. Pure.

What is added up is whole milliseconds: a state that is told late is put in between by taking away what was
there and adding its parts, and the sums stay exactly those of `cti.figures.tally` over all of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import TypeVar

from acd.messages import AgentState
from cti.figures.facts import Span
from cti.figures.fold import AgentNoted
from cti.figures.source import BEFORE_S, days
from cti.figures.tally import Tally, milliseconds

__all__ = ["KEPT_S", "SLOT_S", "LiveTime"]

SLOT_S = 600
"""Sums are kept of so many seconds; they begin at full ten minutes, so midnight is between two of them."""
KEPT_S = 86400.0
"""What ended longer ago is forgotten."""

K = TypeVar("K")

Noted = tuple[float, str, AgentState, str]
"""When, entry, state, call: sorts as the agent went through them."""
Stretch = tuple[str, AgentState, float, float]
"""Agent, state, from, until."""


class LiveTime:
    """What agents did, up to now."""

    def __init__(self) -> None:
        self._noted: dict[str, list[Noted]] = {}
        self._time: dict[int, dict[AgentState, int]] = {}  # slot -> state -> ms, of stretches up to a day
        self._who: dict[int, dict[str, int]] = {}  # slot -> agent -> ms signed in
        self._long: set[Stretch] = set()  # longer than a day: whether they count depends on when they began
        self._wraps: dict[str, dict[str, dict[tuple[float, str], float]]] = {}  # call, agent, from -> until

    def add(self, noted: AgentNoted) -> str:
        """Take one note, in whatever order they come; return the call whose wrap-up it changed, or ""."""
        of_agent = self._noted.setdefault(noted.agent_id, [])
        place = bisect_left(of_agent, (noted.at, noted.entry_id))
        if place < len(of_agent) and of_agent[place][1] == noted.entry_id:
            return ""  # known
        new: Noted = (noted.at, noted.entry_id, noted.state, noted.call_id)
        changed = ""
        following = of_agent[place] if place < len(of_agent) else None
        if place:
            before = of_agent[place - 1]
            if following is not None:
                self._count(noted.agent_id, before, following[0], -1)
            self._count(noted.agent_id, before, noted.at, +1)
            if before[2] is AgentState.WRAP_UP:
                changed = before[3]
        if following is not None:
            self._count(noted.agent_id, new, following[0], +1)
            if noted.state is AgentState.WRAP_UP:
                changed = noted.call_id
        of_agent.insert(place, new)
        return changed

    def forget(self, now: float) -> None:
        """Drop what no look from now on needs."""
        since = now - KEPT_S
        for login, of_agent in list(self._noted.items()):
            gone = 0
            while gone < len(of_agent) and (
                of_agent[gone][0] < since - BEFORE_S
                or (gone + 1 < len(of_agent) and of_agent[gone + 1][0] <= since)
            ):
                self._forget_wrap(login, of_agent[gone])
                gone += 1
            if gone == len(of_agent):
                del self._noted[login]
            elif gone:
                del of_agent[:gone]
        for sums in (self._time, self._who):
            for slot in [slot for slot in sums if (slot + 1) * SLOT_S <= since]:
                sums.pop(slot)
        self._long = {one for one in self._long if one[3] > since}

    def wraps(self, call_id: str, before: float) -> Mapping[str, float]:
        """Seconds that each agent wrote up a call, by login; only what was over before a time."""
        found: dict[str, float] = {}
        for login, stretches in sorted(self._wraps.get(call_id, {}).items()):
            for (since, _), until in sorted(stretches.items()):
                if until < before:
                    found[login] = found.get(login, 0.0) + until - since
        return found

    def count(self, into: Tally, span: Span) -> None:
        """Add the time of a span within the last day to a tally; a state that lasts counts to its end."""
        first, last = int(span.since // SLOT_S), int(span.until // SLOT_S)
        if first == last:
            self._count_directly(into, span)
        else:
            self._count_directly(into, Span(since=span.since, until=float((first + 1) * SLOT_S)))
            self._count_directly(into, Span(since=float(last * SLOT_S), until=span.until))
            for slot in range(first + 1, last):
                for state, length in self._time.get(slot, {}).items():
                    into.time_ms[state] = into.time_ms.get(state, 0) + length
                into.who.update(self._who.get(slot, ()))
        self._count_unslotted(into, span)

    # ------------------------------------------------------------ inside

    def _count(self, login: str, one: Noted, until: float, sign: int) -> None:
        since, entry_id, state, call_id = one
        if state is AgentState.WRAP_UP and call_id:
            of_call = self._wraps.setdefault(call_id, {}).setdefault(login, {})
            if sign > 0:
                of_call[since, entry_id] = until
            else:
                of_call.pop((since, entry_id), None)
        if state is AgentState.OFFLINE:
            return
        if until - since > BEFORE_S:
            (self._long.add if sign > 0 else self._long.discard)((login, state, since, until))
            return
        for slot in range(int(since // SLOT_S), int(until // SLOT_S) + 1):
            begun, over = max(since, float(slot * SLOT_S)), min(until, float((slot + 1) * SLOT_S))
            length = sign * (milliseconds(over) - milliseconds(begun))
            if length:
                _add(self._time.setdefault(slot, {}), state, length)
                _add(self._who.setdefault(slot, {}), login, length)

    def _forget_wrap(self, login: str, one: Noted) -> None:
        since, entry_id, _, call_id = one
        of_call = self._wraps.get(call_id)
        if of_call is not None and login in of_call:
            of_call[login].pop((since, entry_id), None)
            if not of_call[login]:
                del of_call[login]
            if not of_call:
                del self._wraps[call_id]

    def _count_directly(self, into: Tally, span: Span) -> None:
        """Stretches that are over and no longer than a day, as far as they lie in a short span."""
        lowest, highest = milliseconds(span.since), milliseconds(span.until)
        for login, of_agent in self._noted.items():
            place = max(0, bisect_left(of_agent, (span.since,)) - 1)
            while place + 1 < len(of_agent) and of_agent[place][0] < span.until:
                one, after = of_agent[place], of_agent[place + 1]
                place += 1
                if one[2] is AgentState.OFFLINE or after[0] - one[0] > BEFORE_S:
                    continue
                length = min(milliseconds(after[0]), highest) - max(milliseconds(one[0]), lowest)
                if length > 0:
                    into.who.add(login)
                    into.time_ms[one[2]] = into.time_ms.get(one[2], 0) + length

    def _unslotted(self, now: float) -> Iterator[Stretch]:
        yield from self._long
        for login, of_agent in self._noted.items():
            since, _, state, _ = of_agent[-1]
            if state is not AgentState.OFFLINE and since < now:
                yield login, state, since, now

    def _count_unslotted(self, into: Tally, span: Span) -> None:
        """What lasts, or lasted longer than a day: known only when it began within a day before a piece."""
        pieces = days(Span(since=span.until - KEPT_S, until=span.until))
        for login, state, since, until in self._unslotted(span.until):
            for piece in pieces:
                if since < piece.since - BEFORE_S:
                    continue
                begun, over = max(since, piece.since, span.since), min(until, piece.until, span.until)
                length = milliseconds(over) - milliseconds(begun)
                if length > 0:
                    into.who.add(login)
                    into.time_ms[state] = into.time_ms.get(state, 0) + length


def _add(sums: dict[K, int], key: K, length: int) -> None:
    total = sums.get(key, 0) + length
    if total:
        sums[key] = total
    else:
        sums.pop(key, None)
