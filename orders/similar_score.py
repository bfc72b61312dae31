"""How surely two orders speak of the same matter, and why, in Chinese. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Evidence", "ago", "kind_of", "reason_of", "score_of"]

DAY_S = 86_400.0
PLACES = frozenset({"小区", "道路", "地点"})
"""Kinds of places that decide whether two orders can be the same matter."""
STEEP = 0.9
"""Up to this likeness (0 to 2) every bit makes the same matter much surer; beyond it was sure already."""
HALF_LIFE_S = 30 * DAY_S
"""A matter of a month ago counts half of what time can add."""


_ESTATE = re.compile(r"(?:小区|花园|家园|公寓|新村|[苑园城府湾庭居里郡邸])$")
_ROAD = re.compile(r"(?:大道|高架|[路街巷弄桥])$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What two orders have in common."""

    text: float  # 0 to 1: cosine over all words
    title: float  # 0 to 1: cosine over the titles' pairs of characters
    same_place: str = ""  # "小区", "道路", "地点", "街道", "区县": the closest that both name alike
    other_place: str = ""  # the same for what they name differently
    shared_name: bool = False  # a name of a place in the title of one is in the other, too
    other_names: bool = False  # both titles name places, none in common
    same_caller: bool = False
    same_category: bool = False
    apart_s: float = 0.0  # how long one was opened after the other


def score_of(evidence: Evidence) -> float:
    """Return 0 to 1; about that share of orders with this score are the same matter.

    A logistic curve over the evidence with round numbers, set by hand on labelled messages.
    """
    alike = evidence.text + evidence.title
    points = -5.5 + 10.0 * min(alike, STEEP) + 3.5 * max(0.0, alike - STEEP)
    if evidence.same_place in PLACES:
        points += 1.0
    elif evidence.same_place == "街道":
        points += 0.3
    if evidence.other_place in PLACES:
        points -= 3.0
    elif evidence.other_place:
        points -= 2.0
    if evidence.other_names:
        points -= 1.0
    elif evidence.shared_name:
        points += 0.5
    if evidence.same_caller:
        points += 1.0
    if evidence.same_category:
        points += 0.2
    points += 0.3 * (0.5 ** (max(0.0, evidence.apart_s) / HALF_LIFE_S)) - 0.15
    return 1.0 / (1.0 + math.exp(-points))


def reason_of(evidence: Evidence, words: Sequence[str], age_s: float) -> str:
    """Return a sentence such as “同一地点；都提到停水、水泵；2小时前”.

    `words` are the most telling that both say, `age_s` is how long ago the other was opened.
    """
    parts: list[str] = []
    if evidence.same_caller:
        parts.append("同一来电号码")
    if evidence.same_place:
        parts.append(f"同一{evidence.same_place}")
    if words:
        parts.append("都提到" + "、".join(words))
    elif evidence.same_category:
        parts.append("同一事项分类")
    parts.append(ago(age_s))
    return "；".join(parts)


def kind_of(place: str) -> str:
    """Say what a place is: 小区, 道路 or 地点."""
    return "道路" if _ROAD.search(place) else "小区" if _ESTATE.search(place) else "地点"


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
