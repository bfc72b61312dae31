"""What the telephones wrote down, put together: which calls were whole, and how long citizens waited."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cti.bench.errors import BenchError

INVITED, ANSWERED, OVER = "I", "A", "E"
"""Written by the citizen's telephone."""
RUNG, TALKING, HUNG_UP = "R", "T", "H"
"""Written by the agent's telephone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Percentiles of a delay, milliseconds; nan without a single call."""

    p50: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What became of the calls of one phase."""

    offered: int  # calls that citizens made
    completed: int  # answered, talked with one agent, ended by that agent
    failed: int  # the others
    failures: Mapping[str, int]  # what was missing -> calls
    per_second: float  # calls dealt with, see _per_second
    answer_ms: Delays  # INVITE sent -> 200 OK received
    agent_rings_ms: Delays  # INVITE sent -> the agent's telephone gets its INVITE
    talking_ms: Delays  # INVITE sent -> the agent's telephone knows that the talk has begun (ACK)
    overshoot_ms: Delays  # agent hung up -> the citizen's BYE
    longest_gap_s: float = 0.0  # longest time without any completion


Marks = dict[str, dict[str, float]]
"""Caller's number -> mark -> epoch seconds."""


@dataclass(slots=True)
class Notebook:
    """All marks of one phase."""

    marks: Marks = field(default_factory=dict)
    twice: int = 0  # marks made more than once: a caller rung at two agents

    def read(self, lines: Iterable[str]) -> None:
        """Take the lines of one telephone's log: mark, number, date, time, epoch seconds.

        Raises:
            BenchError: a line is something else.
        """
        for line in lines:
            words = line.split()
            if not words:
                continue
            try:
                mark, caller, at = words[0], words[1], float(words[-1])
            except (IndexError, ValueError):
                raise BenchError(f"the telephones' log has an odd line: {line[:80]!r}") from None
            call = self.marks.setdefault(caller, {})
            self.twice += mark in call
            call.setdefault(mark, at)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed (nearest rank).

    `ordered` is sorted and not empty.
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def delays(seconds: Iterable[float]) -> Delays:
    """Percentiles of some delays given in seconds."""
    ordered = sorted(seconds)
    if not ordered:
        return Delays(p50=math.nan, p95=math.nan, p99=math.nan, longest=math.nan)
    p50, p95, p99 = (round(1000 * percentile(ordered, share), 1) for share in (0.5, 0.95, 0.99))
    return Delays(p50=p50, p95=p95, p99=p99, longest=round(1000 * ordered[-1], 1))


def summary(notebook: Notebook, offered: int) -> Calls:
    """Put the marks of a phase together; `offered` calls were to be made."""
    whole: list[dict[str, float]] = []
    failures = {"never made": max(0, offered - sum(INVITED in call for call in notebook.marks.values()))}
    failures |= {"not answered": 0, "reached nobody": 0, "not ended": 0, "reached two": notebook.twice}
    for call in notebook.marks.values():
        if INVITED not in call or ANSWERED not in call:
            failures["not answered"] += 1
        elif TALKING not in call:
            failures["reached nobody"] += 1
        elif OVER not in call or HUNG_UP not in call:
            failures["not ended"] += 1
        else:
            whole.append(call)
    ends = sorted(call[OVER] for call in whole)
    return Calls(
        offered=offered,
        completed=len(whole),
        failed=offered - len(whole) + notebook.twice,
        failures={what: count for what, count in failures.items() if count},
        per_second=_per_second(whole),
        answer_ms=delays(call[ANSWERED] - call[INVITED] for call in whole),
        agent_rings_ms=delays(call[RUNG] - call[INVITED] for call in whole),
        talking_ms=delays(call[TALKING] - call[INVITED] for call in whole),
        overshoot_ms=delays(call[OVER] - call[HUNG_UP] for call in whole),
        longest_gap_s=round(max((b - a for a, b in pairwise(ends)), default=0.0), 2),
    )


def _per_second(whole: Sequence[Mapping[str, float]]) -> float:
    """How fast calls were dealt with, which is never faster than they came.

    From the first citizen's INVITE to the last call's end, without the length of the shortest call: where
    every call takes as long as any other this is the pace at which they were offered, and whatever makes
    calls wait makes it less.
    """
    if len(whole) < 2:
        return 0.0
    shortest = min(call[OVER] - call[INVITED] for call in whole)
    span = max(call[OVER] for call in whole) - min(call[INVITED] for call in whole) - shortest
    return round((len(whole) - 1) / span, 3) if span > 0 else 0.0
