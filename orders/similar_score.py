"""How surely two orders speak of the same matter, and why, in Chinese. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Evidence", "ago", "reason_of", "score_of"]

DAY_S = 86_400.0
HALF_LIFE_S = 30 * DAY_S
"""A matter of a month ago counts half of what time can add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What two orders have in common."""

    alike: float  # 0 to 1: cosine over rare words, numbers and names
    same_place: str = ""  # "地点", "街道", "区县": the closest that both name alike
    other_place: str = ""  # the same for what they name differently
    shared_names: int = 0  # names of places that both name
    other_names: bool = False  # both titles name places, none in common
    same_caller: bool = False
    same_category: bool = False
    words: tuple[str, ...] = ()  # most telling words in common, at most three
    age_s: float = 0.0  # how long ago the other was opened


def score_of(evidence: Evidence) -> float:
    """Return 0 to 1; about that share of orders with this score are the same matter.

    A logistic curve over the evidence with round numbers, set by hand on labelled messages.
    """
    points = -5.0 + 15.0 * evidence.alike
    if evidence.same_place == "地点":
        points += 1.2
    elif evidence.same_place == "街道":
        points += 0.4
    if evidence.other_place == "地点":
        points -= 1.2
    elif evidence.other_place:
        points -= 2.0
    if evidence.other_names:
        points -= 1.2
    elif evidence.shared_names:
        points += 0.4
    if evidence.same_caller:
        points += 1.0
    if evidence.same_category:
        points += 0.3
    points += 0.6 * (0.5 ** (max(0.0, evidence.age_s) / HALF_LIFE_S)) - 0.3
    return 1.0 / (1.0 + math.exp(-points))


def reason_of(evidence: Evidence) -> str:
    """Return a sentence such as “同一地点；都提到停水、水泵；2小时前”."""
    parts: list[str] = []
    if evidence.same_caller:
        parts.append("同一来电号码")
    if evidence.same_place:
        parts.append(f"同一{evidence.same_place}")
    if evidence.words:
        parts.append("都提到" + "、".join(evidence.words))
    elif evidence.same_category:
        parts.append("同一事项分类")
    parts.append(ago(evidence.age_s))
    return "；".join(parts)


def ago(seconds: float) -> str:
    """Say how long ago something was."""
    seconds = abs(seconds)
    if seconds < 60:
        return "刚刚"
    if seconds < 3600:
        return f"{int(seconds // 60)}分钟前"
    if seconds < DAY_S:
        return f"{int(seconds // 3600)}小时前"
    if seconds < 60 * DAY_S:
        return f"{int(seconds // DAY_S)}天前"
    return f"{int(seconds // (30 * DAY_S))}个月前"
