"""Deletes what has to go (到期删除): planned, applied by hand, or each night by the leading server.

Each order is one transaction: its events lose personal data, an event in its chain says so, and its row, its
search text and its relations are made anew. The journal's copy of those events goes with them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sqlalchemy import delete, insert, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.casework.attachment_rows import wanted as content_wanted
from cti.casework.attachment_shelf import AttachmentShelf
from cti.casework.retention_calls import CallsOf, erase_beside, whole
from cti.casework.retention_chain import NotErased, files_gone, replaced, sound
from cti.casework.retention_joined import JoinedCitizen, Planned, joined_citizens, planned_of
from cti.database import writing
from cti.tasks import aside
from orders.course_table import ENDED
from orders.erasure import What, erasing
from orders.erasure_joined import JOINED, erasing_joined
from orders.link_tables import with_links
from orders.messages import OrderState
from orders.records import Order
from orders.retention import CALL, Due, RetentionPolicy, due
from orders.retention_tables import order_erasures, order_holds
from orders.rows import order_of
from orders.store_steps import locked
from orders.tables import orders

__all__ = ["Keeper", "NotErased", "Planned"]

log = logging.getLogger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True)
class _Candidate:
    order: Order
    due: Due


class Keeper:
    """Plans and carries out deletions. SQLAlchemy's errors pass through."""

    def __init__(
        self,
        engine: AsyncEngine,
        policy: RetentionPolicy,
        *,
        recordings: Path,
        attachments: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`recordings` is the folder that recordings' names are relative to, `attachments` that of files."""
        self._engine = engine
        self._policy = policy
        self._recordings = recordings
        self._shelf = AttachmentShelf(attachments)
        self._clock = clock

    async def plan(self) -> AsyncIterator[Planned]:
        """Yield what has to go now; nothing is changed."""
        going: dict[str, str] = {}
        async for one in self._candidates():
            if What.PERSON in one.due.what:
                going[one.order.draft.order_id] = one.due.rule.id
            yield _planned(one)
        for citizen in await self._joined(going):
            planned = await self._planned(citizen)
            if planned is not None:
                yield planned

    async def apply(self, by: str) -> AsyncIterator[Planned]:
        """Delete what has to go now, and yield what went; `by` is a login or "system".

        An order whose chain does not hold is left as it is, and logged.
        """
        async for one in self._candidates():
            try:
                gone = await self._erase(one, by)
            except NotErased:
                log.warning(
                    "not erased: its chain does not hold", extra={"order_id": one.order.draft.order_id}
                )
                continue
            if gone is not None:
                yield _planned(gone)
        for citizen in await self._joined({}):
            try:
                done = await self._erase_joined(citizen, by)
            except NotErased:
                log.warning("not erased: its chain does not hold", extra={"order_id": citizen.order_id})
                continue
            planned = await self._planned(citizen) if done else None
            if planned is not None:
                yield planned

    async def hold(self, order_id: str, *, by: str, reason: str) -> bool:
        """Keep everything of an order; False: there is no such order, or it is held already."""
        async with writing(self._engine) as connection:
            there = await connection.scalar(select(orders.c.id).where(orders.c.id == order_id))
            if there is None or await self._held(connection, order_id):
                return False
            at = self._clock()
            await connection.execute(
                insert(order_holds).values(order_id=order_id, by=by, at=at, reason=reason)
            )
            detail = {"reason": reason}
            await audit.note(connection, at=at, who=by, what="order_held", target=order_id, detail=detail)
            return True

    async def release(self, order_id: str, *, by: str, reason: str) -> bool:
        """Let the rules hold for an order again; False: it was not held."""
        async with writing(self._engine) as connection:
            done = await connection.execute(delete(order_holds).where(order_holds.c.order_id == order_id))
            if not done.rowcount:
                return False
            detail = {"reason": reason}
            await audit.note(
                connection, at=self._clock(), who=by, what="order_released", target=order_id, detail=detail
            )
            return True

    # ------------------------------------------------------------ which

    async def _candidates(self) -> AsyncIterator[_Candidate]:
        soonest, now = self._policy.soonest_s, self._clock()
        if soonest is None:
            return
        ended = or_(
            orders.c.state.in_((OrderState.DISCARDED.value, OrderState.MERGED.value)),
            orders.c.course_state.in_([state.value for state in ENDED]),
        )
        last = (float("-inf"), "")
        while True:
            query = select(orders).where(ended, orders.c.created_at <= now - soonest)
            if last[1]:
                query = query.where(tuple_(orders.c.created_at, orders.c.id) > last)
            query = query.order_by(orders.c.created_at, orders.c.id).limit(BATCH)
            async with self._engine.connect() as connection:
                found = await with_links(connection, map(order_of, await connection.execute(query)))
                ids = [order.draft.order_id for order in found]
                gone = await _gone(connection, ids)
                held = await self._held_of(connection, ids)
                ripe: list[_Candidate] = []
                for order in found:
                    order_id = order.draft.order_id
                    wanted = due(
                        self._policy, order, gone=gone.get(order_id, ()), held=order_id in held, now=now
                    )
                    possible = await self._possible(connection, order, wanted, now)
                    if possible is not None:
                        ripe.append(_Candidate(order, possible))
            for one in ripe:
                yield one
            if len(found) < BATCH:
                return
            last = (found[-1].created_at, found[-1].draft.order_id)

    async def _possible(
        self, connection: AsyncConnection, order: Order, wanted: Due | None, now: float
    ) -> Due | None:
        """What may go now: sound and words of a call only when no other order of it needs them."""
        if wanted is None:
            return None
        what = await whole(CallsOf(connection, self._policy, now), order, wanted.what)
        return replace(wanted, what=what) if what else None

    async def _held(self, connection: AsyncConnection, order_id: str) -> bool:
        return bool(await self._held_of(connection, [order_id]))

    async def _held_of(self, connection: AsyncConnection, ids: Iterable[str]) -> set[str]:
        query = select(order_holds.c.order_id).where(order_holds.c.order_id.in_(list(ids)))
        return set(await connection.scalars(query))

    # ------------------------------------------------------------ one order

    async def _erase(self, one: _Candidate, by: str) -> _Candidate | None:
        order_id, now = one.order.draft.order_id, self._clock()
        files: list[str] = []
        contents: list[str] = []
        async with writing(self._engine) as connection:
            order = await locked(connection, order_id)
            held = await self._held(connection, order_id)
            gone = (await _gone(connection, [order_id])).get(order_id, ())
            wanted = None if order is None else due(self._policy, order, gone=gone, held=held, now=now)
            if order is not None:
                wanted = await self._possible(connection, order, wanted, now)
            if order is None or wanted is None:
                return None  # held, opened again or erased meanwhile
            own = [What(name) for name in sorted(wanted.what - {CALL})]
            if own:
                contents = await self._erase_events(connection, order, own, wanted, by=by, now=now)
            files = await erase_beside(CallsOf(connection, self._policy, now), order, wanted.what)
            rows = [
                {"order_id": order_id, "what": what, "rule": wanted.rule.id, "by": by, "at": now}
                for what in sorted(wanted.what)
            ]
            await connection.execute(insert(order_erasures), rows)
            await audit.note(
                connection,
                at=now,
                who=by,
                what="data_erased",
                target=order_id,
                detail={"rule": wanted.rule.id, "what": sorted(wanted.what), "basis": wanted.rule.basis},
            )
        for name in files:  # after the database has it: a file without a name is never played
            await aside((self._recordings / name).unlink, missing_ok=True)
        for digest in contents:
            await self._shelf.drop(digest, partial(content_wanted, self._engine, digest))
        return _Candidate(order, wanted)

    async def _erase_events(
        self, connection: AsyncConnection, order: Order, what: list[What], wanted: Due, *, by: str, now: float
    ) -> list[str]:
        """Erase the order's own events; return contents of files that do not belong to it any more."""
        rows = await sound(connection, order)
        rule, contents = wanted.rule, list[str]()
        if What.PERSON in what:
            contents = await files_gone(connection, rows, rule=rule.title, by=by, now=now)
        event, data = erasing(rows, what, rule=rule.id, basis=rule.basis, by=by)
        await replaced(connection, order, rows, event, data, now)
        return contents

    # ------------------------------------------------------------ citizens who joined other orders

    async def _joined(self, going: Mapping[str, str]) -> tuple[JoinedCitizen, ...]:
        async with self._engine.connect() as connection:
            return await joined_citizens(connection, self._policy, going)

    async def _planned(self, one: JoinedCitizen) -> Planned | None:
        async with self._engine.connect() as connection:
            return await planned_of(connection, self._policy, one)

    async def _erase_joined(self, one: JoinedCitizen, by: str) -> bool:
        now = self._clock()
        async with writing(self._engine) as connection:
            order = await locked(connection, one.order_id)
            if order is None or await self._held(connection, one.order_id):
                return False
            rows = await sound(connection, order)
            made = erasing_joined(rows, one.other, rule=one.rule, basis=one.basis, by=by)
            if made is None:
                return False
            await replaced(connection, order, rows, *made, now)
            await audit.note(
                connection,
                at=now,
                who=by,
                what="data_erased",
                target=one.order_id,
                detail={"rule": one.rule, "what": [JOINED], "basis": one.basis, "other": one.other},
            )
        return True


async def _gone(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, set[str]]:
    query = select(order_erasures.c.order_id, order_erasures.c.what).where(
        order_erasures.c.order_id.in_(list(ids))
    )
    found: dict[str, set[str]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.order_id, set()).add(row.what)
    return found


def _planned(one: _Candidate) -> Planned:
    rule = one.due.rule
    return Planned(
        order_id=one.order.draft.order_id,
        number=one.order.number,
        rule=rule.id,
        title=rule.title,
        what=tuple(sorted(one.due.what)),
        ended_at=one.due.ended_at,
    )
