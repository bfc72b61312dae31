"""Figures of the assessment (考核) out of marks. Pure: the same marks give the same figures in any order.

What is added up are whole numbers and milliseconds, so that units add up to the city and days to the month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orders.assessment_definitions import FIGURES, Definition, Hit, Unit, filled
from orders.assessment_marks import Kind, Mark, Void
from orders.assessment_policy import AssessmentPolicy
from orders.course_answer import LEVELS

__all__ = [
    "Cell", "Selection", "Slot", "Tally", "cells", "counted", "definitions", "placed", "score", "selection",
    "tally",
]  # fmt: skip

HOUR_MS = 3_600_000.0
MAX_SCORE = 5


@dataclass(frozen=True, slots=True)
class Slot:
    """Marks that no figure tells apart."""

    kind: Kind
    score: int | None
    void: Void


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure's value and what it is made of."""

    top: float  # above the line: marks, or hours
    bottom: int | None  # below the line: marks; None for a count

    @property
    def value(self) -> float | None:
        """The figure; None where there is nothing to divide by."""
        if self.bottom is None:
            return self.top
        return self.top / self.bottom if self.bottom else None


class Tally:
    """Marks added up: how many of each slot, and how long they took."""

    __slots__ = ("counts", "ms")

    def __init__(self) -> None:
        self.counts: dict[Slot, int] = {}
        self.ms: dict[Slot, int] = {}

    def add(self, slot: Slot, count: int = 1, ms: int = 0) -> None:
        """Count marks of a slot; `ms` is how long they took together, milliseconds."""
        self.counts[slot] = self.counts.get(slot, 0) + count
        if ms:
            self.ms[slot] = self.ms.get(slot, 0) + ms

    def join(self, other: Tally) -> None:
        """Add another one up with this."""
        for slot, count in other.counts.items():
            self.add(slot, count, other.ms.get(slot, 0))

    @property
    def sent(self) -> int:
        """Orders that were given to the unit, whatever became of them."""
        return sum(count for slot, count in self.counts.items() if slot.kind is Kind.SENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which marks a number counts; what is None is not asked about."""

    kinds: tuple[Kind, ...]  # of these kinds
    scores: frozenset[int] | None  # with one of these scores
    scored: bool  # without a score they do not count
    excluded: frozenset[Void]  # void for one of these reasons they do not count

    def takes(self, slot: Slot | Mark) -> bool:
        """Whether a mark counts, once it is decided."""
        return (
            slot.kind in self.kinds
            and (self.scores is None or slot.score in self.scores)
            and not (self.scored and slot.score is None)
            and slot.void not in self.excluded
        )


def definitions(policy: AssessmentPolicy) -> Sequence[Definition]:
    """Return all figures with the settings in their words, in their order."""
    return [
        filled(key, satisfied_from=policy.satisfied_from, partly_counts=policy.partly_counts)
        for key in FIGURES
    ]


def selection(one: Definition, policy: AssessmentPolicy, *, top: bool) -> Selection:
    """Return which marks stand above the line of a figure (`top`), or below it.

    Of a count there is nothing below the line; of a mean the same marks stand above and below.
    """
    scores = _scores(one.hit, policy) if top else None
    excluded = frozenset() if one.kinds == (Kind.ACCEPTED,) else policy.excluded
    return Selection(kinds=one.kinds, scores=scores, scored=one.scored, excluded=excluded)


def _scores(hit: Hit, policy: AssessmentPolicy) -> frozenset[int] | None:
    match hit:
        case Hit.ALL:
            return None
        case Hit.YES:
            return frozenset({1})
        case Hit.NO:
            return frozenset({0})
        case Hit.SATISFIED:
            return frozenset(range(policy.satisfied_from, MAX_SCORE + 1))
        case Hit.SOLVED:
            return frozenset({1, 2} if policy.partly_counts else {2})
        case Hit.BAD:
            return frozenset({1, 3})
        case Hit.REDONE:
            return frozenset({2, 3})


def counted(marks: Iterable[Mark], which: Selection, *, since: float, until: float, now: float) -> list[Mark]:
    """Return the marks that a number of the span `[since, until)` counts, as they are known at `now`."""
    return [
        mark for mark in marks if mark.at is not None and since <= mark.at < until and mark.decided(now)
        and which.takes(mark)
    ]  # fmt: skip


def tally(
    marks: Iterable[Mark],
    *,
    since: float,
    until: float,
    now: float,
    worked: Callable[[float, float], float],
) -> Mapping[str, Tally]:
    """Add up the marks of the span `[since, until)` that are decided at `now`, by unit.

    `worked(from, to)` gives seconds of working time.
    """
    found: dict[str, Tally] = {}
    for mark in marks:
        if mark.at is not None and since <= mark.at < until and mark.decided(now):
            slot = Slot(mark.kind, mark.score, mark.void)
            found.setdefault(mark.unit, Tally()).add(slot, 1, took_ms(mark, worked))
    return found


def took_ms(mark: Mark, worked: Callable[[float, float], float]) -> int:
    """How long a mark took, milliseconds; 0 when nobody asks."""
    if mark.since is None or mark.until is None:
        return 0
    if mark.kind is Kind.HANDLED:
        return round(worked(mark.since, mark.until) * 1000.0)
    return round((mark.until - mark.since) * 1000.0)


def cells(one: Tally, policy: AssessmentPolicy) -> Mapping[str, Cell]:
    """Return every figure of `assessment_definitions.FIGURES`."""
    return {key: _cell(one, each, policy) for key, each in FIGURES.items()}


def _cell(one: Tally, figure: Definition, policy: AssessmentPolicy) -> Cell:
    above = selection(figure, policy, top=True)
    if figure.unit in (Unit.WORK_HOURS, Unit.HOURS):
        slots = [slot for slot in one.counts if above.takes(slot)]
        hours = sum(one.ms.get(slot, 0) for slot in slots) / HOUR_MS
        return Cell(hours, sum(one.counts[slot] for slot in slots))
    top = sum(count for slot, count in one.counts.items() if above.takes(slot))
    if figure.unit is Unit.COUNT:
        return Cell(top, None)
    below = selection(figure, policy, top=False)
    return Cell(top, sum(count for slot, count in one.counts.items() if below.takes(slot)))


def score(one: Tally, found: Mapping[str, Cell], policy: AssessmentPolicy) -> float | None:
    """Return the composite score, 0 to 100; None while no figure with a weight has anything to count.

    Σ(weight × points) ÷ Σ(weights of figures that count something) − deductions, not below 0; points are
    100 × the share, or 100 × (1 − the share) where less is better.
    """
    weights = points = 0.0
    for key, weight in policy.weights.items():
        value = found[key].value
        if value is not None and weight:
            weights += weight
            points += weight * 100.0 * (value if FIGURES[key].better > 0 else 1.0 - value)
    if not weights:
        return None
    return round(max(0.0, points / weights - deducted(one, policy)), 2)


def deducted(one: Tally, policy: AssessmentPolicy) -> float:
    """Points that 督办 takes off."""
    which = selection(FIGURES["cards"], policy, top=True)
    total = sum(
        count * policy.deductions.of(LEVELS[slot.score or 0])
        for slot, count in one.counts.items()
        if which.takes(slot)
    )
    return min(total, policy.deductions.most)


def placed(values: Sequence[tuple[str, float | None]], *, better: int = 1) -> Mapping[str, int]:
    """Return the place of each key whose value is known, the best first; equals share theirs (1, 2, 2, 4)."""
    return dict(_placed(values, better))


def _placed(values: Sequence[tuple[str, float | None]], better: int) -> Iterator[tuple[str, int]]:
    known = [(value, key) for key, value in values if value is not None]
    known.sort(key=lambda one: (-one[0] if better >= 0 else one[0], one[1]))
    place, last = 0, None
    for number, (value, key) in enumerate(known, start=1):
        if value != last:
            place, last = number, value
        yield key, place
