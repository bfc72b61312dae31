"""What calls amount to, whether they were simulated or happened: service level, waits, connection rate."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from acd.demand import DAY_S, INTERVAL_S
from acd.messages import AgentState
from acd.simulation import Spell, Told

__all__ = ["Figures", "Lowest", "Report", "Slot", "figures", "lowest_connection_rate", "report"]

BUSY = frozenset({AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP, AgentState.RESERVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Some calls, summed up. Shares are of `calls`, None without any; waits are seconds, None without any."""

    calls: int  # that asked for a person
    answered: int  # by a person
    abandoned: int  # hung up before
    sent_away: int  # to another centre
    unanswered: int  # neither: still in line at the end
    service_level: float | None  # answered within the goal's seconds
    connection_rate: float | None  # answered at all (接通率, GB/T 33358)
    answer_s: float | None  # average speed of answer: mean wait of those answered
    wait_s: float | None  # mean time in line of all, those who hung up included
    p50_s: float | None  # wait of those answered, nearest rank
    p95_s: float | None
    p99_s: float | None
    longest_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One half hour; calls belong to the one in which they began to wait."""

    start: float  # seconds
    figures: Figures
    agents: float  # signed in and taking calls, mean
    occupancy: (
        float | None
    )  # share of their time with a ringing phone, in talk or in wrap-up; None: no agents


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowest:
    """The worst 24 hours."""

    connection_rate: float  # of the calls in them
    until: float  # their end, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A day or several."""

    total: Figures
    occupancy: float | None  # as in `Slot`
    lowest: Lowest | None  # None when less than 24 hours were seen
    queues: Mapping[str, Figures]  # by queue, in the order of the policy
    slots: tuple[Slot, ...]


def figures(calls: Iterable[Told], within_s: float) -> Figures:
    """Sum up some calls; `within_s` is the goal's."""
    total = abandoned = sent_away = unanswered = within = 0
    waits: list[float] = []
    in_line = 0.0
    for told in calls:
        total += 1
        waited = told.waited_s
        in_line += waited or 0.0
        if told.answered is not None and waited is not None:
            waits.append(waited)
            within += waited <= within_s
        elif told.sent_away:
            sent_away += 1
        elif told.left is not None:
            abandoned += 1
        else:
            unanswered += 1
    waits.sort()
    return Figures(
        calls=total,
        answered=len(waits),
        abandoned=abandoned,
        sent_away=sent_away,
        unanswered=unanswered,
        service_level=within / total if total else None,
        connection_rate=len(waits) / total if total else None,
        answer_s=sum(waits) / len(waits) if waits else None,
        wait_s=in_line / total if total else None,
        p50_s=_rank(waits, 0.5),
        p95_s=_rank(waits, 0.95),
        p99_s=_rank(waits, 0.99),
        longest_s=waits[-1] if waits else None,
    )


def _rank(ordered: Sequence[float], share: float) -> float | None:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def lowest_connection_rate(
    calls: Sequence[Told], start: float, end: float, window_s: float = DAY_S
) -> Lowest | None:
    """The lowest connection rate of any 24 hours that end on a half hour; the earliest of equal ones.

    `calls` are in the order of coming; None when the time from `start` to `end` is shorter than the window,
    or no window has a call.
    """
    times = [told.call.at for told in calls]
    answered = [0, *accumulate(told.answered is not None for told in calls)]
    lowest: Lowest | None = None
    until = start + window_s
    while until <= end:
        first, last = bisect_left(times, until - window_s), bisect_left(times, until)
        if last > first:
            rate = (answered[last] - answered[first]) / (last - first)
            if lowest is None or rate < lowest.connection_rate:
                lowest = Lowest(connection_rate=rate, until=until)
        until += INTERVAL_S
    return lowest


def report(
    calls: Sequence[Told],
    spells: Iterable[Spell],
    *,
    queues: Sequence[str],
    start: float,
    end: float,
    within_s: float,
) -> Report:
    """Sum up calls that came, and agents' time, from `start` to `end` (whole half hours)."""
    count = max(1, round((end - start) / INTERVAL_S))
    staffed, busy = [0.0] * count, [0.0] * count
    for spell in spells:
        _spread(spell, start, count, staffed, busy)
    slots: list[list[Told]] = [[] for _ in range(count)]
    by_queue: dict[str, list[Told]] = {queue: [] for queue in queues}
    for told in calls:
        slots[min(count - 1, max(0, int((told.call.at - start) // INTERVAL_S)))].append(told)
        by_queue.setdefault(told.call.queue, []).append(told)
    return Report(
        total=figures(calls, within_s),
        occupancy=sum(busy) / sum(staffed) if sum(staffed) > 0 else None,
        lowest=lowest_connection_rate(calls, start, end),
        queues={queue: figures(some, within_s) for queue, some in by_queue.items() if some},
        slots=tuple(
            Slot(
                start=start + i * INTERVAL_S,
                figures=figures(some, within_s),
                agents=staffed[i] / INTERVAL_S,
                occupancy=busy[i] / staffed[i] if staffed[i] > 0 else None,
            )
            for i, some in enumerate(slots)
        ),
    )


def _spread(spell: Spell, start: float, count: int, staffed: list[float], busy: list[float]) -> None:
    """Add a spell to the half hours that it touches; who is not ready takes no calls and is not counted."""
    if spell.state in (AgentState.NOT_READY, AgentState.OFFLINE):
        return
    first = max(0, int((spell.since - start) // INTERVAL_S))
    for i in range(first, count):
        since, until = start + i * INTERVAL_S, start + (i + 1) * INTERVAL_S
        if spell.until <= since:
            break
        seconds = min(spell.until, until) - max(spell.since, since)
        if seconds > 0:
            staffed[i] += seconds
            if spell.state in BUSY:
                busy[i] += seconds
