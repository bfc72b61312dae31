"""What the city decides about the assessment of units: weights, what counts, who is ranked. Pure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from orders.assessment_definitions import FIGURES, Unit
from orders.assessment_marks import Void
from orders.course_messages import Supervision
from orders.policy_file import PolicyFile, parse_policy, read_policy

__all__ = [
    "SHIPPED", "AssessmentPolicy", "Deductions", "RankAmong", "load_assessment_policy",
    "parse_assessment_policy",
]  # fmt: skip

SHIPPED = Path(__file__).parent / "data" / "assessment.yaml"

Points = Annotated[float, msgspec.Meta(ge=0, le=100)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


class RankAmong(StrEnum):
    """Who is ranked with whom."""

    LEVEL = "level"  # units of one level
    ALL = "all"  # all units


class Deductions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points that each 督办 takes off the composite score."""

    yellow: Points = 0.0
    red: Points = 0.0
    raised: Points = 0.0
    leader: Points = 0.0
    most: Points = 10.0  # never more than so many

    def of(self, level: Supervision) -> float:
        """Points for one 督办 of a level."""
        points: float = getattr(self, level.value, 0.0)
        return points


class AssessmentPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it; see orders/data/assessment.yaml."""

    weights: dict[str, Points]  # key of a figure -> weight
    satisfied_from: Annotated[int, msgspec.Meta(ge=2, le=5)] = 4
    partly_counts: bool = False
    exclude: tuple[Reason, ...] = ()
    minimum: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    rank_among: RankAmong = RankAmong.LEVEL
    close_workday: Annotated[int, msgspec.Meta(ge=0, le=15)] = 3
    deductions: Deductions = Deductions()

    @property
    def excluded(self) -> frozenset[Void]:
        """Why a mark does not count."""
        return frozenset(Void(reason) for reason in self.exclude)


def load_assessment_policy(path: Path = SHIPPED) -> AssessmentPolicy:
    """Read the rules from a file. Raises PolicyError naming line, key and remedy."""
    return _read(read_policy(path))


def parse_assessment_policy(raw: bytes, *, name: str = "assessment.yaml") -> AssessmentPolicy:
    """Read the rules from a text. Raises PolicyError naming line, key and remedy."""
    return _read(parse_policy(raw, name=name))


def _read(file: PolicyFile) -> AssessmentPolicy:
    policy = file.convert(AssessmentPolicy)
    reasons = [void.value for void in Void if void]
    for place, reason in enumerate(policy.exclude):
        if reason not in reasons:
            raise file.error(f"exclude[{place}]", f"give one of {', '.join(reasons)}")
        if reason in policy.exclude[:place]:
            raise file.error(f"exclude[{place}]", "say each reason once")
    for key in policy.weights:
        one = FIGURES.get(key)
        if one is None or one.unit is not Unit.SHARE or not one.better:
            fit = ", ".join(name for name, each in FIGURES.items() if each.unit is Unit.SHARE and each.better)
            raise file.error(f"weights.{key}", f"give figures that are shares with a better side: {fit}")
    if sum(policy.weights.values()) <= 0:
        raise file.error("weights", "give at least one figure a weight above 0")
    return policy
