"""What goes of calls, call-backs, return visits and messages with an order whose time has come.

A call may have several orders. Its sound and words go when the time for that has come for all of them, its
number when the time of everybody's personal data has, and neither while one of them is held or worked on. A
number becomes "" as if it had been withheld, so that figures do not take all erased callers for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.callbacks import CallbackState
from cti.casework.citizen_tables import notices
from cti.messages import EntryKind
from cti.tables import (
    call_events,
    callbacks,
    calls,
    transcript_corrections,
    transcript_lines,
    transcript_marks,
    visits,
)
from orders.erasure import ERASED, SHORTEST, What
from orders.lifecycle import value_of
from orders.link_tables import with_links
from orders.messages import OrderField
from orders.records import Order
from orders.retention import CALL, RetentionPolicy, due
from orders.retention_tables import order_holds
from orders.rows import order_of
from orders.tables import orders
from orders.visits import VisitState

__all__ = ["CallsOf", "erase_beside", "whole"]

_DONE = (CallbackState.DONE, CallbackState.GIVEN_UP, CallbackState.WITHDRAWN)
_VISITED = (VisitState.ANSWERED, VisitState.GIVEN_UP, VisitState.CANCELLED)
_WORDS = frozenset({"words", "note"})


@dataclass(frozen=True, slots=True)
class CallsOf:
    """What is asked of the orders of calls."""

    connection: AsyncConnection
    policy: RetentionPolicy
    now: float  # epoch seconds

    async def ripe(self, call_ids: Iterable[str], what: str) -> bool:
        """Tell whether the time for `what` has come for all orders of these calls, and none is held."""
        ids = sorted({one for one in call_ids if one})
        rows = await self.connection.execute(select(orders).where(orders.c.call_id.in_(ids)))
        found = await with_links(self.connection, map(order_of, rows))
        names = [order.draft.order_id for order in found]
        query = select(order_holds.c.order_id).where(order_holds.c.order_id.in_(names))
        held = set(await self.connection.scalars(query))
        return all(self._ripe(order, what, held=order.draft.order_id in held) for order in found)

    def _ripe(self, order: Order, what: str, *, held: bool) -> bool:
        wanted = due(self.policy, order, gone=(), held=held, now=self.now)
        return wanted is not None and what in wanted.what


async def whole(calls_of: CallsOf, order: Order, what: frozenset[str]) -> frozenset[str]:
    """Return what may go of an order now: without the call where another order of it still needs it."""
    if CALL in what and order.draft.call_id and not await calls_of.ripe([order.draft.call_id], CALL):
        return what - {CALL}
    return what


async def erase_beside(calls_of: CallsOf, order: Order, what: frozenset[str]) -> list[str]:
    """Delete what other tables hold of an order; return names of recordings' files to be deleted.

    `order` is as it was before it lost anything.
    """
    connection, order_id, call_id = calls_of.connection, order.draft.order_id, order.draft.call_id
    files: list[str] = []
    visited = await _visits(connection, order_id)
    visit_calls = sorted({one for row in visited for one in (*row["calls"], row["call_id"]) if one})
    if CALL in what:
        own = [call_id] if call_id else []
        for one in (*own, *visit_calls):
            if one in own or await calls_of.ripe([one], CALL):
                files += await _erase_sound(connection, one)
    known = _known(order, visited)
    person, words = What.PERSON in what, What.WORDS in what
    if person or words:
        await _erase_visits(connection, visited, known, person=person, words=words)
    if person:
        own_notices = (notices.c.order_id == order_id) & (notices.c.other == "")
        mine = own_notices | (notices.c.other == order_id)
        await connection.execute(update(notices).where(mine).values(number_hash=""))
        for one in (*([call_id] if call_id else []), *visit_calls):
            if await calls_of.ripe([one], What.PERSON):
                await _erase_numbers(calls_of, one, known, own=one == call_id)
    return files


# ---------------------------------------------------------------- sound and words


async def _erase_sound(connection: AsyncConnection, call_id: str) -> list[str]:
    """Delete what was said in a call; return file names of its recording and of voice messages."""
    for table in (transcript_corrections, transcript_marks, transcript_lines):
        await connection.execute(delete(table).where(table.c.call_id == call_id))
    spoken = (EntryKind.TRANSCRIPT.value, EntryKind.TEXT.value)
    mine = call_events.c.call_id == call_id
    await connection.execute(delete(call_events).where(mine, call_events.c.kind.in_(spoken)))
    left = select(call_events.c.data).where(mine, call_events.c.kind == EntryKind.MESSAGE.value)
    names = [str(data.get("file", "")) for data in await connection.scalars(left)]
    recorded = await connection.scalar(select(calls.c.recording_file).where(calls.c.call_id == call_id))
    await connection.execute(update(calls).where(calls.c.call_id == call_id).values(recording_file=None))
    return [
        name
        for name in (*names, recorded or "")
        if name and not Path(name).is_absolute() and ".." not in Path(name).parts
    ]


# ---------------------------------------------------------------- who it was


async def _erase_numbers(calls_of: CallsOf, call_id: str, known: Sequence[str], *, own: bool) -> None:
    """Take the citizen's number out of a call, its journal, and call-backs that came of it.

    `own`: the citizen called; otherwise they were called.
    """
    connection, mine = calls_of.connection, calls.c.call_id == call_id
    row = (await connection.execute(select(calls.c.caller, calls.c.called).where(mine))).one_or_none()
    caller = row.caller if own and row is not None else ""
    known = [*known, *([caller] if caller else [])]
    if row is not None:
        numbers = {name: "" for name in ("caller", "called") if getattr(row, name) in known}
        if numbers:
            await connection.execute(update(calls).where(mine).values(**numbers))
    await _scrub(connection, [call_id], known)
    if not caller:
        return
    states = [state.value for state in _DONE]
    query = select(callbacks).where(callbacks.c.number == caller, callbacks.c.state.in_(states))
    for one in (await connection.execute(query)).mappings():
        of = {*one["calls"], one["call_id"]} - {""}
        if call_id not in of or not await calls_of.ripe(of, What.PERSON):
            continue
        this = callbacks.c.callback_id == one["callback_id"]
        values = {"number": "", "diallable": False, "note": ERASED if one["note"] else ""}
        await connection.execute(update(callbacks).where(this).values(**values))
        await _scrub(connection, [one["callback_id"]], known, keys=_WORDS)


async def _visits(connection: AsyncConnection, order_id: str) -> list[Mapping[str, Any]]:
    states = [state.value for state in _VISITED]
    query = select(visits).where(visits.c.order_id == order_id, visits.c.state.in_(states))
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def _erase_visits(
    connection: AsyncConnection,
    visited: Sequence[Mapping[str, Any]],
    known: Sequence[str],
    *,
    person: bool,
    words: bool,
) -> None:
    keys = _WORDS if words else frozenset[str]()
    for row in visited:
        values: dict[str, Any] = {"answers": _scrubbed(row["answers"], known if person else (), keys)}
        if person:
            values["number"] = ""
        await connection.execute(update(visits).where(visits.c.visit_id == row["visit_id"]).values(**values))
        await _scrub(connection, [row["visit_id"]], known if person else (), keys=keys)


def _known(order: Order, visited: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is known of who it was: numbers and name."""
    draft = order.draft
    told = [order.caller, value_of(draft, OrderField.PHONE), value_of(draft, OrderField.CONTACT)]
    told += [row["number"] for row in visited]
    return [one for one in dict.fromkeys(told) if len(one) >= SHORTEST and one != ERASED]


async def _scrub(
    connection: AsyncConnection,
    ids: Sequence[str],
    known: Sequence[str],
    *,
    keys: frozenset[str] = frozenset(),
) -> None:
    """Take what is known of the citizen, and what stands under `keys`, out of the journal's copy."""
    query = select(call_events.c.entry_id, call_events.c.data).where(call_events.c.call_id.in_(ids))
    for row in (await connection.execute(query)).all():
        after = _scrubbed(row.data, known, keys)
        if after != row.data:
            mine = call_events.c.entry_id == row.entry_id
            await connection.execute(update(call_events).where(mine).values(data=after))


def _scrubbed(value: Any, known: Sequence[str], keys: frozenset[str], key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _scrubbed(one, known, keys, name) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(one, known, keys, key) for one in value]
    if not isinstance(value, str) or not value:
        return value
    if key in keys:
        return ERASED
    if value in known:
        return ""
    for one in sorted(known, key=len, reverse=True):
        if len(one) >= SHORTEST:
            value = value.replace(one, ERASED)
    return value
