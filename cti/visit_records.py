"""Return visits as journal and database know them: one snapshot for every move. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any

import msgspec

from cti.messages import Entry
from orders.records import Sight
from orders.visits import Result, Visit, VisitState

__all__ = [
    "KeptVisit",
    "VisitFilter",
    "VisitMove",
    "VisitPage",
    "VisitSwitch",
    "check_visit",
    "data_of",
    "kept_of",
    "move_of",
    "row_of",
]

NAMES = tuple(field.name for field in fields(Visit))
TEXT_BOUNDS = {
    "visit_id": 80, "order_id": 80, "order_number": 30, "number": 40, "by": 64, "call_id": 80,
    "recorded_by": 80, "reason": 200,
}  # fmt: skip


class KeptVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A visit as it is stored."""

    visit: Visit
    owner: str  # name of the server that moved it last
    entry_id: str  # the journal entry that told it


class VisitMove(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a visit's history. Times are epoch seconds."""

    at: float
    event: str  # planned, came_due, dialled, picked_up, noted, over, unreached, settled, cancelled …
    state: VisitState  # after it
    result: Result | None  # of the last try
    due_at: float  # not before
    call_id: str  # the newest call
    by: str  # who recorded, or cancelled
    reason: str  # with given_up and cancelled


class VisitFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which visits to list; everything left out does not matter."""

    states: Sequence[VisitState] = ()  # any of these
    result: Result | None = None  # of the last try
    solved: str = ""  # orders.messages.Solved
    satisfaction_most: int | None = None  # at most this satisfied
    wants_person: bool | None = None  # asked for a person
    order_id: str = ""
    order_number: str = ""
    since: float | None = None  # planned at or after
    until: float | None = None  # planned before
    sight: Sight | None = None  # only of orders that are open to whoever asks
    page: int = 1
    size: int = 20


class VisitPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of visits: open ones first, by the time of the next try; then the others, newest first."""

    total: int
    page: int
    size: int
    visits: Sequence[KeptVisit]


class VisitSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the campaign goes on."""

    paused: bool = False  # no robot calls are begun
    who: str = ""  # login of who said so
    changed_at: float = 0.0  # epoch seconds


class _Data(msgspec.Struct, frozen=True):
    event: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    visit: Visit
    owner: Annotated[str, msgspec.Meta(max_length=40)] = ""


def data_of(event: str, visit: Visit, owner: str) -> Mapping[str, object]:
    """Return the `data` of a VISIT entry."""
    return {"event": event, "owner": owner, "visit": msgspec.to_builtins(visit)}


def check_visit(entry: Entry) -> None:
    """Refuse a VISIT entry that cannot be stored.

    Raises:
        msgspec.ValidationError: `data` is not as `data_of` makes it.
        ValueError: the id is another one's, or a text is too long.
    """
    visit = msgspec.convert(entry.data, _Data).visit
    if visit.visit_id != entry.call_id:
        raise ValueError("a visit entry's call_id must be the id of its visit")
    for name, most in TEXT_BOUNDS.items():
        if len(getattr(visit, name)) > most:
            raise ValueError(f"{name} must have at most {most} characters")


def row_of(entry: Entry) -> dict[str, Any]:
    """Return the row of the table that an entry amounts to."""
    data = msgspec.convert(entry.data, _Data)
    row: dict[str, Any] = msgspec.to_builtins(data.visit)
    return row | {"owner": data.owner, "entry_id": entry.entry_id}


def kept_of(row: Mapping[Any, Any]) -> KeptVisit:
    """Read a row of the table."""
    visit = msgspec.convert({name: row[name] for name in NAMES}, Visit)
    return KeptVisit(visit=visit, owner=row["owner"], entry_id=row["entry_id"])


def move_of(entry: Entry) -> VisitMove:
    """Return the line of the history that an entry tells."""
    data = msgspec.convert(entry.data, _Data)
    visit = data.visit
    return VisitMove(
        at=entry.at,
        event=data.event,
        state=visit.state,
        result=visit.last_result,
        due_at=visit.due_at,
        call_id=visit.call_id,
        by=visit.recorded_by or visit.by,
        reason=visit.reason,
    )
