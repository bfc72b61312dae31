"""Hot topics (热点) and early warning: which matters come more often than usual, where, and how surely. Pure.

Orders are counted by day, category (cut to a depth) and district. A window of days is compared with the same
weekdays of the weeks before. How surely more came than usual is the chance that so many would come without a
reason: Poisson where past weeks spread no more than that, else normal with their spread. Because hundreds of
cells are looked at together, chances are judged by the share of false alarms (Benjamini and Hochberg, 1995,
J. R. Statist. Soc. B 57, 289-300), not each by itself.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import msgspec

__all__ = ["Count", "Level", "Topic", "TopicPolicy", "cut", "topics"]

LEAST_USUAL = 0.5
"""What never came is expected so often in a window: one call alone is no news."""
ALL = ""
"""In `district`: the whole city."""


class Level(StrEnum):
    """How far above the usual."""

    USUAL = "usual"  # 正常
    RISING = "rising"  # 上升
    HIGH = "high"  # 预警


class TopicPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a topic is rising, and when it is an early warning."""

    days: Annotated[int, msgspec.Meta(ge=1, le=31)] = 7  # the window
    weeks: Annotated[int, msgspec.Meta(ge=2, le=26)] = 8  # with how many weeks before it is compared
    depth: Annotated[int, msgspec.Meta(ge=1, le=6)] = 2  # levels of the category that count as one matter
    false_alarms: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = (
        0.05  # share of what is shown that may be chance
    )
    rising_ratio: Annotated[float, msgspec.Meta(ge=1, le=100)] = 1.5  # at least so many times the usual
    high_ratio: Annotated[float, msgspec.Meta(ge=1, le=100)] = 2.0
    least: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 5  # fewer orders are no topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Orders of one day, category and district."""

    day: dt.date  # in China's time
    category: str  # path with "/"
    district: str  # 区县, "" unknown
    orders: int  # how many came


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One matter in one district, or in the whole city."""

    category: str  # levels that count as one matter
    district: str  # 区县; "" for the whole city
    orders: int  # in the window
    usual: float  # expected in such a window
    chance: float  # that so many come without a reason
    trend: tuple[int, ...]  # orders of each day, oldest first, over window and the weeks before
    level: Level = Level.USUAL  # judged together with all others

    @property
    def ratio(self) -> float:
        """So many times the usual."""
        return self.orders / max(self.usual, LEAST_USUAL)


def cut(category: str, depth: int) -> str:
    """Return the first levels of a category's path."""
    return "/".join(category.split("/")[:depth])


def topics(counts: Iterable[Count], today: dt.date, policy: TopicPolicy) -> tuple[Topic, ...]:
    """Return every matter of the window that ends with `today`, the surest first.

    Each is counted for its district and for the whole city.
    """
    length = policy.days + 7 * policy.weeks
    first = today - dt.timedelta(days=length - 1)
    days: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * length)
    for count in counts:
        place = (count.day - first).days
        if not 0 <= place < length or not count.category:
            continue
        matter = cut(count.category, policy.depth)
        for district in {ALL, count.district}:
            days[matter, district][place] += count.orders
    found = [_topic(matter, district, series, policy) for (matter, district), series in days.items()]
    found = [one for one in found if one.orders > 0]
    levels = _judged(found, policy)
    ranked = sorted(found, key=lambda one: (one.chance, -one.orders, one.category, one.district))
    return tuple(replace(one, level=levels[one.category, one.district]) for one in ranked)


def _topic(matter: str, district: str, series: Sequence[int], policy: TopicPolicy) -> Topic:
    window = sum(series[-policy.days :])
    before = _windows(series, policy)
    usual = sum(before) / len(before)
    spread = sum((one - usual) ** 2 for one in before) / max(1, len(before) - 1)
    return Topic(
        category=matter,
        district=district,
        orders=window,
        usual=usual,
        chance=_chance(window, max(usual, LEAST_USUAL), spread),
        trend=tuple(series),
    )


def _windows(series: Sequence[int], policy: TopicPolicy) -> list[int]:
    """Orders in windows of the same weekdays, one for each week before that a whole window fits into."""
    ends = range(len(series) - 7 * math.ceil(policy.days / 7), policy.days - 1, -7)
    return [sum(series[end - policy.days : end]) for end in ends]


def _chance(orders: int, usual: float, spread: float) -> float:
    if spread <= usual:
        return _poisson_tail(orders, usual)
    return 0.5 * math.erfc((orders - 0.5 - usual) / math.sqrt(2.0 * spread))


def _poisson_tail(orders: int, usual: float) -> float:
    """P(X >= orders) for a Poisson with this mean, summed from the larger terms down."""
    if orders <= 0:
        return 1.0
    if orders <= usual:
        below = math.fsum(math.exp(_log_term(k, usual)) for k in range(orders))
        return max(0.0, 1.0 - below)
    term = math.exp(_log_term(orders, usual))
    tail, k = 0.0, orders
    while term > tail * 1e-16 and k < orders + 10_000:
        tail += term
        k += 1
        term *= usual / k
    return min(1.0, tail)


def _log_term(k: int, mean: float) -> float:
    return k * math.log(mean) - mean - math.lgamma(k + 1)


def _judged(found: Sequence[Topic], policy: TopicPolicy) -> Mapping[tuple[str, str], Level]:
    """Levels of all topics: of those below the line of Benjamini and Hochberg, by the ratio to the usual."""
    ordered = sorted(found, key=lambda one: one.chance)
    line = 0.0
    for rank, one in enumerate(ordered, 1):
        bound = policy.false_alarms * rank / len(ordered)
        if one.chance <= bound:
            line = one.chance
    levels: dict[tuple[str, str], Level] = {}
    for one in found:
        level = Level.USUAL
        if line > 0.0 and one.chance <= line and one.orders >= policy.least:
            if one.ratio >= policy.high_ratio:
                level = Level.HIGH
            elif one.ratio >= policy.rising_ratio:
                level = Level.RISING
        levels[one.category, one.district] = level
    return levels
