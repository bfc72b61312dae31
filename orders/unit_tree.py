"""Whether units stand below one another as levels allow: province, city, county, township, village. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Place", "tree_problems"]

_RANK = {"province": 0, "city": 1, "county": 2, "township": 3, "village": 4, "company": 5}
"""A company may stand below any unit, and only companies below it."""
DEPTH_MOST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one unit stands in its file."""

    line: int  # of the file
    level: str  # a key of `orders.unit_table.LEVELS`
    title: str  # the level in Chinese
    parent: str  # name of the unit above it, "" for none


def tree_problems(places: Mapping[str, Place]) -> Iterator[str]:
    """Yield what is wrong with the tree of units (name -> place), in Chinese, one sentence for each unit."""
    for name, place in places.items():
        if not place.parent:
            continue
        above = places.get(place.parent)
        if above is None:
            yield f"第 {place.line} 行：单位“{name}”的上级“{place.parent[:100]}”不在文件中"
        elif _in_circle(name, places):
            yield f"第 {place.line} 行：单位“{name}”的上级关系成环"
        elif _RANK[place.level] < _RANK[above.level]:
            higher = f"单位“{name}”（{place.title}）的级别高于上级“{place.parent}”（{above.title}）"
            yield f"第 {place.line} 行：{higher}"
        elif _depth(name, places) > DEPTH_MOST:
            yield f"第 {place.line} 行：单位“{name}”之上超过 {DEPTH_MOST} 层"


def _in_circle(name: str, places: Mapping[str, Place]) -> bool:
    seen: set[str] = set()
    above = places[name].parent
    while above in places and above not in seen:
        if above == name:
            return True
        seen.add(above)
        above = places[above].parent
    return False


def _depth(name: str, places: Mapping[str, Place]) -> int:
    steps, above = 0, places[name].parent
    while above in places and steps <= DEPTH_MOST:
        steps, above = steps + 1, places[above].parent
    return steps
