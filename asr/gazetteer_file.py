"""The names of a file as a whole: each once, with what it lies in; parents, given by name, become entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asr.gazetteer_rows import Entry, GazetteerError, Kind, Row, read_rows

__all__ = ["Entry", "GazetteerError", "Kind", "Row", "Tree", "load_entries", "merge", "paths", "tree_of"]

MAX_PROBLEMS = 20
"""Problems that one message tells; the others are counted."""
_RANK: Mapping[Kind, int] = {Kind.DISTRICT: 0, Kind.STREET: 1, Kind.COMMUNITY: 2}
_SMALLEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Entries, and for each the numbers of those it lies in."""

    entries: tuple[Entry, ...]
    above: tuple[tuple[int, ...], ...]  # as many as entries; () where it is not known


def load_entries(path: Path) -> tuple[Entry, ...]:
    """Return the names in a file, each once.

    Rows for the same name, kind and parents are one entry; a parent's name that fits several entries stands
    for all of them, so that nothing is inferred from it.

    Raises:
        GazetteerError: `gazetteer_rows.read_rows` refuses the file, a parent is in no list, or something lies
            in itself.
    """
    return tree_of(read_rows(path)).entries


def tree_of(rows: Sequence[Row], *, strict: bool = False) -> Tree:
    """Return the rows as entries with what they lie in.

    `strict`: a row that says again what another row of the same file said, and a parent that fits several
    entries, are refused, too.

    Raises:
        GazetteerError: telling every problem on a line of its own, at most 20.
    """
    problems: list[str] = []
    rows = _without_city(rows)
    by_name: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        by_name[row.entry.name].append(number)
    above = [
        tuple(
            dict.fromkeys(
                found
                for parent in row.entry.parents
                for found in _parents(rows, by_name, number, parent, problems, strict=strict)
            )
        )
        for number, row in enumerate(rows)
    ]
    problems += _cycles(rows, above)
    keep = _distinct(rows, above, problems, strict=strict)
    if problems:
        more = len(problems) - MAX_PROBLEMS
        told = problems[:MAX_PROBLEMS] + ([f"and {more} more problems"] if more > 0 else [])
        raise GazetteerError("\n".join(told))
    position = {old: new for new, old in enumerate(dict.fromkeys(keep))}
    merged: dict[int, Entry] = {}
    for number, row in enumerate(rows):
        first = keep[number]
        merged[first] = merge(merged[first], row.entry) if first in merged else row.entry
    return Tree(
        entries=tuple(merged[old] for old in position),
        above=tuple(
            tuple(dict.fromkeys(position[keep[parent]] for parent in above[old])) for old in position
        ),
    )


def merge(old: Entry, new: Entry) -> Entry:
    """Return one entry of two for the same place: the newer point and the aliases of both."""
    return replace(
        old,
        aliases=tuple(dict.fromkeys((*old.aliases, *new.aliases))),
        lon=old.lon if new.lon is None else new.lon,
        lat=old.lat if new.lat is None else new.lat,
    )


def paths(tree: Tree) -> tuple[Entry, ...]:
    """Return the entries with parents written so that each stands for one entry only."""
    count: dict[str, int] = defaultdict(int)
    for entry in tree.entries:
        count[entry.name] += 1

    def path(number: int) -> str:
        name = tree.entries[number].name
        up = tree.above[number]
        return name if count[name] == 1 or not up else f"{path(up[0])}/{name}"

    return tuple(
        replace(entry, parents=tuple(path(up) for up in ups))
        for entry, ups in zip(tree.entries, tree.above, strict=True)
    )


def _without_city(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows without the city as a parent: it is all that lies in it, and not listed itself."""
    listed = {row.entry.name for row in rows}
    cities = {
        parent
        for row in rows
        for parent in row.entry.parents
        if parent.endswith(("市", "州", "盟", "地区")) and parent not in listed
    }
    if len(cities) != 1:
        return rows
    city = cities.pop()
    return [
        replace(
            row, entry=replace(row.entry, parents=tuple(name for name in row.entry.parents if name != city))
        )
        if city in row.entry.parents
        else row
        for row in rows
    ]


def _rank(entry: Entry) -> int:
    return _RANK.get(entry.kind, _SMALLEST)


def _parents(
    rows: Sequence[Row],
    by_name: Mapping[str, Sequence[int]],
    number: int,
    parent: str,
    problems: list[str],
    *,
    strict: bool,
) -> Sequence[int]:
    """Return the entries that the name of a parent may mean, wider ones before those of the same kind."""
    row = rows[number]
    *wider, name = parent.split("/")
    named = [other for other in by_name.get(name, ()) if other != number]
    if wider:
        named = [other for other in named if _lies_in(rows, by_name, other, wider)]
    if not named:
        at_fault = "lies in itself" if name == row.entry.name else "which is in no list"
        problems.append(
            f"{row.where}: parent of {row.entry.name} is {parent!r}, {at_fault}; add it or mend the name"
        )
        return ()
    found = [other for other in named if _rank(rows[other].entry) < _rank(row.entry)] or named
    own = [other for other in found if _source(rows[other]) == _source(row)]
    found = own or found  # who writes a list means its own names first
    distinct = {(rows[other].entry.kind, rows[other].entry.parents) for other in found}
    if strict and len(distinct) > 1:
        ways = sorted({"/".join((*rows[other].entry.parents[:1], name)) for other in found})
        problems.append(
            f"{row.where}: parent of {row.entry.name} is {parent!r}, of which there are several; "
            f"write one of {', '.join(ways[:5])}"
        )
    return found


def _source(row: Row) -> str:
    """Return the file, or the list of divisions, that a row stands in."""
    return row.where.rpartition(": ")[0]


def _lies_in(
    rows: Sequence[Row], by_name: Mapping[str, Sequence[int]], number: int, wider: Sequence[str]
) -> bool:
    """Tell whether the entry's parents are called as the last of `wider`, theirs as the one before …"""
    *further, last = wider
    for parent in rows[number].entry.parents:
        *path, name = parent.split("/")
        if name != last:
            continue
        if not further or path == further:
            return True
        if any(_lies_in(rows, by_name, up, further) for up in by_name.get(last, ()) if up != number):
            return True
    return False


def _cycles(rows: Sequence[Row], above: Sequence[Sequence[int]]) -> list[str]:
    """Return a problem for every entry that lies in itself."""
    state = [0] * len(rows)  # 0 new, 1 on the way, 2 done
    problems: list[str] = []
    for first in range(len(rows)):
        ahead = [(first, False)]
        while ahead:
            number, back = ahead.pop()
            if back:
                state[number] = 2
                continue
            if state[number]:
                continue
            state[number] = 1
            ahead.append((number, True))
            for parent in above[number]:
                if state[parent] == 1:
                    entry = rows[number].entry
                    problems.append(
                        f"{rows[number].where}: {entry.name} lies in {rows[parent].entry.name}, "
                        "which lies in itself; mend the parents"
                    )
                elif not state[parent]:
                    ahead.append((parent, False))
    return problems


def _distinct(
    rows: Sequence[Row], above: Sequence[tuple[int, ...]], problems: list[str], *, strict: bool
) -> list[int]:
    """Return for every row the first that stands for the same entry."""
    known: dict[tuple[Kind, str, tuple[str, ...]], int] = {}
    keep: list[int] = []
    for number, row in enumerate(rows):
        where = tuple(
            sorted({f"{rows[up].entry.name}<{'|'.join(rows[up].entry.parents)}" for up in above[number]})
        )
        first = known.setdefault((row.entry.kind, row.entry.name, where), number)
        keep.append(first)
        same_file = _source(rows[first]) == _source(row)
        if strict and first != number and same_file:
            problems.append(
                f"{row.where}: {row.entry.name} ({row.entry.kind}) stands already in {rows[first].where}; "
                "remove one, or give it another parent"
            )
    return keep
