"""How erasure is written into an order's chain, in the transaction of whoever erases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.casework.citizen_tables import attachments
from cti.messages import EntryKind
from cti.planning_days import CHINA
from cti.tables import call_events
from orders import chain
from orders.chain_check import Stored, faults
from orders.erasure import ERASED
from orders.messages import AttachmentRemoved, DataErased, OrderEvent
from orders.rebuilt import rebuilt
from orders.records import Order
from orders.rows import stored_of
from orders.store_steps import project
from orders.tables import order_events, orders

__all__ = ["NotErased", "appended", "files_gone", "replaced", "sound"]


class NotErased(Exception):
    """An order's chain does not hold: nothing of it is changed before that is looked into."""


async def sound(connection: AsyncConnection, order: Order) -> list[Stored]:
    """Return an order's stored events. Raises NotErased."""
    order_id = order.draft.order_id
    query = select(order_events).where(order_events.c.order_id == order_id).order_by(order_events.c.seq)
    rows = [stored_of(row) for row in await connection.execute(query)]
    if faults(rows) or len(rows) != order.draft.version:
        raise NotErased(order_id)
    return rows


async def appended(
    connection: AsyncConnection, rows: Sequence[Stored], event: OrderEvent, now: float
) -> Stored:
    """Write one more event of the order that has these, and return it as it stands."""
    order_id, seq = rows[-1].link.order_id, len(rows) + 1
    link = chain.salted(
        chain.Link(
            order_id=order_id,
            seq=seq,
            event_id=f"erase:{order_id}:{seq}",
            at=float(now),
            kind=chain.kind_of(event),
            data=chain.encode(event),
            actor=chain.actor_of(event),
            prev_hash=rows[-1].hash,
        )
    )
    row = Stored(link=link, hash=chain.digest(link))
    await connection.execute(insert(order_events).values(**asdict(link), hash=row.hash))
    return row


async def files_gone(
    connection: AsyncConnection, rows: list[Stored], *, rule: str, by: str, now: float
) -> list[str]:
    """Take all files from an order, an event each, which `rows` are given; return their contents' digests."""
    mine = attachments.c.order_id == rows[0].link.order_id
    query = select(attachments).where(mine).order_by(attachments.c.at, attachments.c.attachment_id)
    digests: list[str] = []
    for row in (await connection.execute(query)).all():
        event = AttachmentRemoved(
            attachment_id=row.attachment_id, name=ERASED, kind=row.kind, size=row.size, digest=row.digest,
            reason=f"到期删除：{rule}"[:200], by=by,
        )  # fmt: skip
        rows.append(await appended(connection, rows, event, now))
        digests.append(row.digest)
    await connection.execute(delete(attachments).where(mine))
    return digests


async def replaced(
    connection: AsyncConnection,
    before: Order,
    rows: Sequence[Stored],
    event: DataErased,
    data: Mapping[int, str],
    now: float,
) -> None:
    """Put `data` in the place of what stood in events, write the event that says so, make the rows anew."""
    order_id = before.draft.order_id
    mine = order_events.c.order_id == order_id
    for seq, text in data.items():
        changed = update(order_events).where(mine, order_events.c.seq == seq)
        await connection.execute(changed.values(data=text, salt=""))
    await appended(connection, rows, event, now)
    query = select(order_events).where(mine).order_by(order_events.c.seq)
    after = rebuilt([stored_of(row) for row in await connection.execute(query)])
    await project(connection, before, after, now=now, zone=CHINA)
    await connection.execute(update(orders).where(orders.c.id == order_id).values(caller=after.caller))
    if before.draft.call_id:
        await _forget_copies(connection, before.draft.call_id, order_id)


async def _forget_copies(connection: AsyncConnection, call_id: str, order_id: str) -> None:
    """Delete the journal's copies of what stood in the order."""
    kind = EntryKind.ORDER.value
    query = select(call_events.c.entry_id, call_events.c.data).where(
        call_events.c.call_id == call_id, call_events.c.kind == kind
    )
    own = [row.entry_id for row in await connection.execute(query) if _tells_of(row.data, order_id)]
    await connection.execute(delete(call_events).where(call_events.c.entry_id.in_(own)))


def _tells_of(data: Mapping[str, Any], order_id: str) -> bool:
    others = data.get("others") or ()
    told = [data.get("order_id"), *(one.get("order_id") for one in others)]
    return order_id in told or None in told
