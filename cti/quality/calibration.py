"""校准: several reviewers score the same talk without seeing one another; how far apart they are. Pure.

Bias of a reviewer: mean of (own total - mean total of the talk). Agreement of an item: share of pairs of
reviewers whose marks are within a tenth of its points of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean

import msgspec

from cti.quality.sheets import Marks, ScoreSheet, total

__all__ = ["Bias", "ItemAgreement", "TalkAgreement", "agreement", "biases"]

NEAR = 0.1
"""Marks within this share of an item's points agree."""


class ItemAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far apart reviewers were on one item."""

    key: str
    title: str
    least: float | None  # smallest points given, None where nobody found it to apply
    most: float | None
    agreed: float | None  # share of pairs that agree, 0 to 1; None with fewer than two
    divided: bool  # some found that it applies, some did not


class TalkAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far apart reviewers were on one talk."""

    totals: Mapping[str, float]  # reviewer -> total
    mean: float
    spread: float  # largest total less smallest
    fatal_divided: tuple[str, ...]  # fatal items that some hit and some did not
    items: tuple[ItemAgreement, ...]


class Bias(msgspec.Struct, frozen=True, kw_only=True):
    """How a reviewer scores against the others."""

    reviewer: str
    talks: int
    bias: float  # points above (or below) the mean of all
    distance: float  # mean distance from it


def agreement(sheet: ScoreSheet, given: Mapping[str, Marks]) -> TalkAgreement | None:
    """Return how far apart the reviewers' marks of one talk are; None with fewer than two reviewers."""
    if len(given) < 2:
        return None
    totals = {who: total(sheet, marks) for who, marks in sorted(given.items())}
    hit = [frozenset(marks.fatal) for marks in given.values()]
    return TalkAgreement(
        totals=totals,
        mean=round(fmean(totals.values()), 1),
        spread=round(max(totals.values()) - min(totals.values()), 1),
        fatal_divided=tuple(sorted(frozenset.union(*hit) - frozenset.intersection(*hit))),
        items=tuple(
            _item(item.key, item.title, item.points, [marks.points[item.key] for marks in given.values()])
            for item in sheet.items
        ),
    )


def biases(talks: Iterable[Mapping[str, float]]) -> tuple[Bias, ...]:
    """Return how each reviewer scores against the mean, most lenient first.

    Args:
        talks: reviewer -> total, of each talk that several scored.
    """
    apart: defaultdict[str, list[float]] = defaultdict(list)
    for totals in talks:
        if len(totals) < 2:
            continue
        mean = fmean(totals.values())
        for who, points in totals.items():
            apart[who].append(points - mean)
    found = [
        Bias(
            reviewer=who,
            talks=len(points),
            bias=round(fmean(points), 2),
            distance=round(fmean(map(abs, points)), 2),
        )
        for who, points in apart.items()
    ]
    return tuple(sorted(found, key=lambda bias: (-bias.bias, bias.reviewer)))


def _item(key: str, title: str, points: float, given: Sequence[float | None]) -> ItemAgreement:
    applied = [one for one in given if one is not None]
    pairs = [abs(one - other) <= NEAR * points for one, other in combinations(applied, 2)]
    return ItemAgreement(
        key=key,
        title=title,
        least=min(applied, default=None),
        most=max(applied, default=None),
        agreed=round(sum(pairs) / len(pairs), 3) if pairs else None,
        divided=0 < len(applied) < len(given),
    )
