"""A past day as its records tell it: calls, and what agents' states say of presence and handling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from acd.messages import AgentState
from acd.simulation import Spell

__all__ = [
    "AFTER_S",
    "LEAD_S",
    "AgentNote",
    "Handling",
    "History",
    "PastCall",
    "PastDay",
    "history",
    "mean_handling",
]

LEAD_S = 0.1
"""Who stopped taking calls is told so this much earlier, so that the end of a wrap-up brings no call."""

AFTER_S = 6 * 3600.0
"""Who was there at the end of the day is there for so long after it, until the last calls are over."""

TAKING = frozenset(
    {AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP, AgentState.RESERVED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """One call of the day; times on any one clock."""

    call_id: str
    queue: str
    queued: float  # began to wait for a person
    answered: float | None  # by a person
    ended: float | None  # over; for those never answered, when the caller left
    rings: int = 0  # phones that rang


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentNote:
    """An agent entered a state; in the order of time."""

    at: float
    agent_id: str
    state: AgentState
    call_id: str = ""  # with ringing, talking, wrap-up


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDay:
    """What is known of a day."""

    start: float
    end: float
    calls: Sequence[PastCall]  # that began to wait between start and end
    notes: Sequence[AgentNote]  # from before the start (who was there then) until after the end
    skills: Mapping[str, Mapping[str, int]]  # agent -> skill -> level


@dataclass(slots=True)
class Handling:
    """How long one call took its agent."""

    ring_s: float | None = None
    talk_s: float | None = None
    wrap_up_s: float | None = None


@dataclass(slots=True)
class History:
    """The notes, put together."""

    spells: list[Spell] = field(default_factory=list)
    presence: list[tuple[str, float, float]] = field(default_factory=list)
    handling: dict[str, Handling] = field(default_factory=dict)
    moved: int = 0  # talks that a second agent took over


def history(day: PastDay) -> History:
    """Put the notes of a day together.

    An agent is there from entering a state that takes calls until entering one that does not. Who was busy
    when the day began is there from the next state on.
    """
    found = History()
    by_agent: dict[str, list[AgentNote]] = {}
    for note in day.notes:
        by_agent.setdefault(note.agent_id, []).append(note)
    for agent_id, notes in by_agent.items():
        since: float | None = None  # takes calls since then
        for number, note in enumerate(notes):
            begin = note.at
            end = notes[number + 1].at if number + 1 < len(notes) else day.end
            if note.state is not AgentState.OFFLINE and end > day.start:
                found.spells.append(Spell(note.state, max(day.start, begin), end))
            _take_handling(found, note, end - begin, last=number + 1 == len(notes))
            if note.state not in TAKING:
                if since is not None and begin > day.start:
                    found.presence.append((agent_id, since, max(since, begin - LEAD_S)))
                since = None
            elif since is None and (
                begin >= day.start or (note.state is AgentState.READY and end > day.start)
            ):
                since = max(day.start, begin)
        if since is not None:
            found.presence.append((agent_id, since, day.end + AFTER_S))
    return found


def _take_handling(found: History, note: AgentNote, seconds: float, *, last: bool) -> None:
    """Note how long a state with a call lasted; the last state of an agent has no known end."""
    if not note.call_id or last:
        return
    one = found.handling.setdefault(note.call_id, Handling())
    if note.state is AgentState.RINGING and one.talk_s is None:
        one.ring_s = seconds
    elif note.state is AgentState.TALKING:
        if one.talk_s is None:
            one.talk_s = seconds
        else:
            found.moved += 1
    elif note.state is AgentState.WRAP_UP and one.wrap_up_s is None:
        one.wrap_up_s = seconds


def mean_handling(day: PastDay, history: History, queue: str | None) -> Handling:
    """Means over the answered calls of a queue, of all with None; None where nothing is known."""
    some = [
        history.handling[call.call_id]
        for call in day.calls
        if call.answered is not None
        and call.call_id in history.handling
        and (queue is None or call.queue == queue)
    ]

    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return fmean(known) if known else None

    return Handling(
        ring_s=mean(one.ring_s for one in some),
        talk_s=mean(one.talk_s for one in some),
        wrap_up_s=mean(one.wrap_up_s for one in some),
    )
