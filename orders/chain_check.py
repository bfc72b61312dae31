"""What is wrong with an order's stored events: changed, removed, inserted, put in another order. Pure.

Each event is asked whether it is what its own hash says, and whether the next one holds that hash. Where one
is not, its hash is tried with the places of the others, so that a moved event is told from a rewritten one.
What was taken off the end, or written anew from some event to the end, fits itself: seals find that
(orders.seals).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from orders import chain
from orders.chain import Link
from orders.messages import DataErased

__all__ = ["Fault", "FaultKind", "Stored", "erased_rows", "faults"]

TRIED = 200
"""Places that are tried for an event which does not fit its own."""


class FaultKind(StrEnum):
    """What happened to a stored event."""

    CHANGED = "changed"  # it is not what was written
    REMOVED = "removed"  # it is gone
    INSERTED = "inserted"  # it was not written by this program when the others were
    REORDERED = "reordered"  # it stood elsewhere
    EMPTIED = "emptied"  # its data was taken out, or changed after that, and nothing says by whom
    UNREADABLE = "unreadable"  # what it says is no event


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One row of `order_events`."""

    link: Link  # its columns but the hash
    hash: str  # as stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that does not fit."""

    seq: int  # where
    kind: FaultKind  # what


def erased_rows(rows: Sequence[Stored]) -> Mapping[int, str]:
    """Return the events of an order that were erased, and what is left of them (`chain.standing`)."""
    found: dict[int, str] = {}
    for row in rows:
        if row.link.kind != "data_erased" or not _says_itself(row, {}):
            continue
        try:
            event = chain.decode(row.link.kind, row.link.data)
        except msgspec.DecodeError:
            continue
        if isinstance(event, DataErased):
            found.update((one.seq, one.standing) for one in event.rows if one.seq < row.link.seq)
    return found


def faults(rows: Sequence[Stored]) -> tuple[Fault, ...]:
    """Return what is wrong with the events of one order, which are given by their seq; () when nothing is."""
    erased = erased_rows(rows)
    if _whole(rows, erased):
        return ()
    return tuple(_found(rows, erased))


def _whole(rows: Sequence[Stored], erased: Mapping[int, str]) -> bool:
    previous = chain.FIRST
    for seq, row in enumerate(rows, start=1):
        link = row.link
        if link.seq != seq or link.prev_hash != previous or not _says_itself(row, erased):
            return False
        if not _data_stands(link, erased):
            return False
        previous = row.hash
    return True


def _says_itself(row: Stored, erased: Mapping[int, str], seq: int = 0) -> bool:
    """Whether an event's hash is that of its columns, at its own place or at another one."""
    link = row.link if not seq else replace(row.link, seq=seq)
    if not link.data_hash and link.seq in erased:
        return True  # of before there were salts: its data is gone, and its hash cannot be made again
    return row.hash == chain.digest(link)


def _data_stands(link: Link, erased: Mapping[int, str]) -> bool:
    """Whether an event's data is what was written, or what `DataErased` says is left of it."""
    left = erased.get(link.seq)
    if left is not None:
        return not link.salt and chain.standing(link) == left
    return not link.data_hash or chain.commitment(link.salt, link.data) == link.data_hash


def _found(rows: Sequence[Stored], erased: Mapping[int, str]) -> list[Fault]:
    was = [_place_of(row, erased, len(rows)) for row in rows]
    found: list[Fault] = []
    known = [place for place in was if place is not None]
    changed = {row.link.seq for row, place in zip(rows, was, strict=True) if place is None}
    shifted = any(place is not None and place < row.link.seq for row, place in zip(rows, was, strict=True))
    for seq in sorted(changed):
        stood_elsewhere = shifted and seq in known
        found.append(Fault(seq=seq, kind=FaultKind.INSERTED if stood_elsewhere else FaultKind.CHANGED))
    twice = {place for place in known if known.count(place) > 1}
    found += [Fault(seq=seq, kind=FaultKind.INSERTED) for seq in twice - changed]
    gone = set(range(1, max([*known, *changed], default=0) + 1)) - set(known) - changed
    found += [Fault(seq=seq, kind=FaultKind.REMOVED) for seq in sorted(gone)]
    if known != sorted(known):
        pairs = zip(rows, was, strict=True)
        moved = [row.link.seq for row, place in pairs if place not in (None, row.link.seq)]
        found += [Fault(seq=seq, kind=FaultKind.REORDERED) for seq in moved]
    found += _emptied(rows, was, erased)
    found += _unlinked(rows, was, {fault.seq for fault in found})
    if not found:
        found.append(Fault(seq=rows[0].link.seq if rows else 1, kind=FaultKind.CHANGED))
    return sorted(found, key=lambda fault: fault.seq)


def _place_of(row: Stored, erased: Mapping[int, str], count: int) -> int | None:
    """Return where the event stood when it was written, None when it is not what was written."""
    if _says_itself(row, erased):
        return row.link.seq
    near = sorted(range(1, count + TRIED // 4), key=lambda seq: abs(seq - row.link.seq))[:TRIED]
    return next((seq for seq in near if _says_itself(row, {}, seq)), None)


def _emptied(rows: Sequence[Stored], was: Sequence[int | None], erased: Mapping[int, str]) -> list[Fault]:
    found: list[Fault] = []
    for row, place in zip(rows, was, strict=True):
        link = row.link
        if place is None or _data_stands(link, erased):
            continue
        salted = bool(link.salt) and link.seq not in erased
        found.append(Fault(seq=link.seq, kind=FaultKind.CHANGED if salted else FaultKind.EMPTIED))
    return found


def _unlinked(rows: Sequence[Stored], was: Sequence[int | None], told: set[int]) -> list[Fault]:
    """Events that fit themselves but not their neighbours: written anew, or put between two others."""
    found: list[Fault] = []
    hashes = {row.hash: row.link.seq for row in rows}
    previous, before = chain.FIRST, 0
    for row, place in zip(rows, was, strict=True):
        link = row.link
        if link.prev_hash != previous and before + 1 == place and not told & {link.seq, before}:
            stands = hashes.get(link.prev_hash)
            inserted = stands is not None and stands < before
            kind = FaultKind.INSERTED if inserted else FaultKind.CHANGED
            found.append(Fault(seq=max(before, 1), kind=kind))
        previous, before = row.hash, link.seq
    return found
