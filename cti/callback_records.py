"""Call-backs as journal and database know them: one snapshot for every move. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any

import msgspec

from acd.callbacks import Callback, CallbackState, Origin
from cti.messages import Entry

__all__ = [
    "CallbackFilter",
    "CallbackMove",
    "CallbackPage",
    "KeptCallback",
    "check_callback",
    "data_of",
    "kept_of",
    "move_of",
    "row_of",
]

NOTE_MAX = 1000
REASON_MAX = 200
TEXT_BOUNDS = {
    "callback_id": 80, "number": 40, "queue": 64, "agent_id": 32, "call_id": 80, "note": NOTE_MAX, "by": 32,
    "reason": REASON_MAX,
}  # fmt: skip
NAMES = tuple(field.name for field in fields(Callback))


class KeptCallback(msgspec.Struct, frozen=True, kw_only=True):
    """A call-back as it is stored."""

    callback: Callback
    owner: str  # name of the server that has it
    entry_id: str  # the journal entry that told it


class CallbackMove(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a call-back's history. Times are epoch seconds."""

    at: float
    event: str  # wanted, merged, reserved, dialled, reached, unreached, done, given_up, withdrawn …
    state: CallbackState  # after it
    agent_id: str | None  # who is reserved or talks
    by: str  # login of the person who did it, "" for the machine
    result: str  # with unreached: acd.callbacks.Result
    not_before: float | None  # next try
    reason: str  # with given_up and withdrawn


class CallbackFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which call-backs to list; everything left out does not matter."""

    numbers: Sequence[str] = ()  # any of these spellings
    number_part: str = ""  # a part of the number
    states: Sequence[CallbackState] = ()  # any of these
    due_by: float | None = None  # waiting, and to be tried before this time
    origin: Origin | None = None
    queue: str = ""
    agent: str = ""  # reserved or talked
    since: float | None = None  # newest wish at or after
    until: float | None = None  # newest wish before
    due_first: float | None = None  # those that may be tried by this time come before those that wait
    page: int = 1
    size: int = 20


class CallbackPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of call-backs, in the order of their places while open, else newest first."""

    total: int
    page: int
    size: int
    callbacks: Sequence[KeptCallback]


class _Data(msgspec.Struct, frozen=True):
    event: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    callback: Callback
    owner: Annotated[str, msgspec.Meta(max_length=40)] = ""


def data_of(event: str, callback: Callback, owner: str) -> Mapping[str, object]:
    """Return the `data` of a CALLBACK entry."""
    return {"event": event, "owner": owner, "callback": msgspec.to_builtins(callback)}


def check_callback(entry: Entry) -> None:
    """Refuse a CALLBACK entry that cannot be stored.

    Raises:
        msgspec.ValidationError: `data` is not as `data_of` makes it.
        ValueError: the id is another one's, or a text is too long.
    """
    callback = msgspec.convert(entry.data, _Data).callback
    if callback.callback_id != entry.call_id:
        raise ValueError("a callback entry's call_id must be the id of its call-back")
    for name, most in TEXT_BOUNDS.items():
        if len(getattr(callback, name) or "") > most:
            raise ValueError(f"{name} must have at most {most} characters")


def row_of(entry: Entry) -> dict[str, Any]:
    """Return the row of the table that an entry amounts to."""
    data = msgspec.convert(entry.data, _Data)
    row: dict[str, Any] = msgspec.to_builtins(data.callback)
    return row | {"owner": data.owner, "entry_id": entry.entry_id}


def kept_of(row: Mapping[Any, Any]) -> KeptCallback:
    """Read a row of the table."""
    callback = msgspec.convert({name: row[name] for name in NAMES}, Callback)
    return KeptCallback(callback=callback, owner=row["owner"], entry_id=row["entry_id"])


def move_of(entry: Entry) -> CallbackMove:
    """Return the line of the history that an entry tells."""
    data = msgspec.convert(entry.data, _Data)
    callback = data.callback
    heard = callback.last_result if data.event == "unreached" else None
    return CallbackMove(
        at=entry.at,
        event=data.event,
        state=callback.state,
        agent_id=callback.agent_id,
        by=callback.by,
        result=heard.value if heard else "",
        not_before=callback.not_before,
        reason=callback.reason,
    )
