"""Tallies as rows of a sheet: units with and without those below them, scores and places. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from orders.assessment import Cell, Tally, cells, deducted, placed, score
from orders.assessment_definitions import Definition
from orders.assessment_policy import AssessmentPolicy, RankAmong
from orders.unit_table import LEVELS, Unit

__all__ = ["CENTRE_TITLE", "MonthSheet", "Row", "Rows", "digest_of", "other_rows", "row", "unit_rows"]

CENTRE_TITLE = "热线中心（直办）"
UNSET = "（未填写）"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a sheet."""

    key: str  # of the unit, category, district, channel, day
    title: str  # as it is shown
    level: str = ""  # a key of orders.unit_table.LEVELS, "" for others and for units that are no more
    parent: str = ""  # name of the unit above it
    figures: dict[str, tuple[float, int | None]]  # figure -> above the line, below the line (None: a count)
    score: float | None = None  # composite, None while nothing counts
    deducted: float = 0.0  # points that 督办 took off
    place: int | None = None  # among its like, None while it is not ranked
    ranked: int = 0  # how many are ranked there
    few: bool = False  # too few orders to be ranked


Rows = tuple[Row, ...]


class MonthSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A month of figures; frozen, it is kept as it is."""

    month: int  # YYYYMM
    made_at: float  # epoch seconds; what is decided later is not in it
    policy: AssessmentPolicy  # by which it was made
    definitions: tuple[Definition, ...]  # every figure and its formula
    total: Row  # of everything
    tables: dict[str, Rows]  # unit, unit_below, category, district, channel


def digest_of(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def row(
    key: str, title: str, tally: Tally, policy: AssessmentPolicy, *, level: str = "", parent: str = ""
) -> Row:
    """Return the row of a tally, not ranked yet."""
    found = cells(tally, policy)
    return Row(
        key=key,
        title=title,
        level=level,
        parent=parent,
        figures={name: _pair(cell) for name, cell in found.items()},
        score=score(tally, found, policy),
        deducted=deducted(tally, policy),
        few=tally.sent < policy.minimum,
    )


def _pair(cell: Cell) -> tuple[float, int | None]:
    return cell.top, cell.bottom


def unit_rows(
    tallies: Mapping[str, Tally], units: Sequence[Unit], policy: AssessmentPolicy, *, below: bool
) -> Rows:
    """Return a row for each unit that anything is counted for, ranked; the centre last, not ranked.

    With `below`, what units below it did counts for a unit, too.
    """
    known = {unit.name: unit for unit in units}
    found = dict(tallies)
    if below:
        found = {}
        for name, tally in tallies.items():
            for above in _chain(name, known):
                found.setdefault(above, Tally()).join(tally)
    rows = []
    for name in sorted(found):
        if not name:
            continue
        unit = known.get(name)
        rows.append(
            row(
                name, name, found[name], policy,
                level="" if unit is None else unit.level, parent="" if unit is None else unit.parent,
            )
        )  # fmt: skip
    ranked = _ranked(rows, policy)
    if "" in found:
        ranked.append(row("", CENTRE_TITLE, found[""], policy))
    return tuple(ranked)


def _chain(name: str, known: Mapping[str, Unit]) -> Sequence[str]:
    """A unit and those above it, as far as they are known."""
    names = [name]
    while len(names) <= len(LEVELS) + 2:
        unit = known.get(names[-1])
        if unit is None or not unit.parent or unit.parent in names:
            break
        names.append(unit.parent)
    return names


def _ranked(rows: Sequence[Row], policy: AssessmentPolicy) -> list[Row]:
    groups: dict[str, list[Row]] = {}
    for one in rows:
        groups.setdefault(one.level if policy.rank_among is RankAmong.LEVEL else "", []).append(one)
    done = []
    for group in groups.values():
        places = placed([(one.key, None if one.few else one.score) for one in group])
        done += [msgspec.structs.replace(one, place=places.get(one.key), ranked=len(places)) for one in group]
    order = list(LEVELS)
    done.sort(
        key=lambda one: (
            order.index(one.level) if one.level in order else len(order),
            one.place is None,
            one.place or 0,
            one.key,
        )
    )
    return done


def other_rows(tallies: Mapping[str, Tally], policy: AssessmentPolicy, titles: Mapping[str, str]) -> Rows:
    """Return the rows of categories, districts, channels or days, the one with the most orders first."""
    found = [row(key, titles.get(key, key) or UNSET, tally, policy) for key, tally in tallies.items()]
    return tuple(
        sorted(found, key=lambda one: (-one.figures["accepted"][0] - one.figures["sent"][0], one.key))
    )
