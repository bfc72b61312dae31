"""What became of a call between its agents, folded from its journal entries. Pure.

`cti.call_records.fold` tells when a call began, who answered and how it ended; this tells how long each agent
had it, who let it ring, and how many agents were there when it began to wait. Both are one row of `calls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from acd.messages import AgentState, Media
from cti.figures.facts import CallKind
from cti.messages import CallState, Entry, EntryKind

__all__ = [
    "HANDLING_KINDS",
    "AgentNoted",
    "Handling",
    "PartRow",
    "agent_noted",
    "agent_of_row",
    "check",
    "handling",
]

HANDLING_KINDS = (EntryKind.CALL_STATE, EntryKind.CALL_LEG, EntryKind.TRANSFER, EntryKind.NOTE)
"""Kinds of entries that this is folded from."""
TRANSFERRED = frozenset({"completed", "joined", "transfer"})
"""Results of TRANSFER entries that changed who talks with the citizen."""
BROUGHT_BACK = "brought_back"
"""Kind of the NOTE entry of a citizen whom a server fetched from Asterisk's own queue."""

_WITH_PERSON = frozenset({CallState.TALKING, CallState.HELD, CallState.CONSULTING})
_ANSWERED = "answered"

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class PartRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One agent's share of a call, as it stands in the column `parts`."""

    agent_id: str
    talk_s: float = 0.0
    hold_s: float = 0.0
    consult_s: float = 0.0
    rings: int = 0
    missed: int = 0


class Handling(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `calls` that figures need beside those of `cti.call_records.CallRecord`."""

    kind: CallKind = CallKind.INBOUND
    media: str = Media.VOICE.value
    talk_s: float | None = None
    hold_s: float | None = None
    consult_s: float | None = None
    ring_s: float | None = None
    missed: int = 0
    transfers: int = 0
    native: bool = False
    failures: int = 0
    opening: str = ""
    staff_ready: int | None = None
    staff_busy: int | None = None
    staff_away: int | None = None
    parts: tuple[PartRow, ...] = ()


class _Told(msgspec.Struct, frozen=True):
    """Data of a CALL_STATE entry, as far as it matters here."""

    state: CallState
    agent_id: str | None = None
    agent_gone: bool = False  # others go on without the agent
    visit_id: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    callback_id: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    media: Media | None = None
    opening: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    staff: tuple[Count, Count, Count] | None = None  # ready, busy, away
    taken_over: bool = False  # another server had lost it


class _Leg(msgspec.Struct, frozen=True):
    agent_id: str
    result: str
    ring_s: float = 0.0


class _Result(msgspec.Struct, frozen=True):
    result: str = ""


class _Note(msgspec.Struct, frozen=True):
    kind: str = ""


@dataclass(slots=True)
class _Part:
    talk_s: float = 0.0
    hold_s: float = 0.0
    consult_s: float = 0.0
    rings: int = 0
    missed: int = 0


def check(entry: Entry) -> None:
    """Refuse a CALL_STATE entry that cannot be folded. Raises msgspec.ValidationError."""
    if entry.kind is EntryKind.CALL_STATE:
        msgspec.convert(entry.data, _Told)


def handling(entries: Sequence[Entry]) -> Handling:
    """Return what the entries of one call, in the order of their ids, amount to."""
    folded = _Fold()
    for entry in entries:
        if entry.kind is EntryKind.CALL_STATE:
            folded.state(msgspec.convert(entry.data, _Told), entry.at)
        elif entry.kind is EntryKind.CALL_LEG:
            folded.leg(msgspec.convert(entry.data, _Leg))
        elif entry.kind is EntryKind.TRANSFER:
            folded.transfers += msgspec.convert(entry.data, _Result).result in TRANSFERRED
        elif entry.kind is EntryKind.NOTE:
            folded.failures += msgspec.convert(entry.data, _Note).kind == BROUGHT_BACK
    return folded.done()


class _Fold:
    """The fold so far."""

    def __init__(self) -> None:
        self._last: _Told | None = None
        self._last_at = 0.0
        self._kind = CallKind.INBOUND
        self._media = Media.VOICE
        self._talked = False
        self._total = _Part()
        self._parts: dict[str, _Part] = {}
        self._ring_s: float | None = None
        self._native = False
        self._opening = ""
        self._staff: tuple[int, int, int] | None = None
        self.transfers = 0
        self.failures = 0

    def state(self, told: _Told, at: float) -> None:
        """A CALL_STATE entry: what was before has lasted until now."""
        self._lasted(at)
        if told.visit_id:
            self._kind = CallKind.VISIT
        elif told.callback_id:
            self._kind = CallKind.CALLBACK
        self._media = told.media or self._media
        self._opening = told.opening or self._opening
        self._staff = told.staff if self._staff is None else self._staff
        self.failures += told.taken_over
        if told.state in _WITH_PERSON:
            before = self._last.state if self._last is not None else None
            if not self._talked and before is not CallState.RINGING:
                self._native = True
            self._talked = True
        self._last, self._last_at = told, at

    def leg(self, leg: _Leg) -> None:
        """A ring that is over."""
        part = self._parts.setdefault(leg.agent_id, _Part())
        part.rings += 1
        if leg.result == _ANSWERED:
            self._ring_s = leg.ring_s if self._ring_s is None else self._ring_s
        else:
            part.missed += 1
            self._total.missed += 1

    def done(self) -> Handling:
        """What it amounts to."""
        total, staff = self._total, self._staff or (None, None, None)
        return Handling(
            kind=self._kind,
            media=self._media.value,
            talk_s=total.talk_s if self._talked else None,
            hold_s=total.hold_s if self._talked else None,
            consult_s=total.consult_s if self._talked else None,
            ring_s=self._ring_s,
            missed=total.missed,
            transfers=self.transfers,
            native=self._native,
            failures=self.failures,
            opening=self._opening,
            staff_ready=staff[0],
            staff_busy=staff[1],
            staff_away=staff[2],
            parts=tuple(
                PartRow(
                    agent_id=login,
                    talk_s=part.talk_s,
                    hold_s=part.hold_s,
                    consult_s=part.consult_s,
                    rings=part.rings,
                    missed=part.missed,
                )
                for login, part in sorted(self._parts.items())
            ),
        )

    def _lasted(self, at: float) -> None:
        last = self._last
        if last is None or last.state not in _WITH_PERSON or last.agent_gone:
            return
        length = max(0.0, at - self._last_at)  # clocks of two servers may differ
        sharing = [self._total]
        if last.agent_id:
            sharing.append(self._parts.setdefault(last.agent_id, _Part()))
        for part in sharing:
            part.talk_s += length
            part.hold_s += length if last.state is CallState.HELD else 0.0
            part.consult_s += length if last.state is CallState.CONSULTING else 0.0


# ---------------------------------------------------------------- agents


class AgentNoted(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's state from a moment on, as an AGENT_STATE entry tells it."""

    entry_id: str
    agent_id: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    at: float
    state: AgentState
    reason: Annotated[str, msgspec.Meta(max_length=32)] = ""
    call_id: str = ""


def agent_noted(entry: Entry) -> AgentNoted | None:
    """Return what an AGENT_STATE entry tells; None for one that cannot be read."""
    told = {**entry.data, "entry_id": entry.entry_id, "at": entry.at, "call_id": entry.call_id}
    told["reason"] = told.get("reason") or ""
    try:
        return msgspec.convert(told, AgentNoted)
    except msgspec.ValidationError:
        return None


_STATES = {state.value: state for state in AgentState}


def agent_of_row(row: Sequence[Any]) -> AgentNoted:
    """Return a row of `agent_states`: entry, agent, time, state, reason, call."""
    return AgentNoted(
        entry_id=row[0],
        agent_id=row[1],
        at=row[2],
        state=_STATES[row[3]],
        reason=row[4],
        call_id=row[5],
    )
