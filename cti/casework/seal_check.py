"""What is wrong with the seals, and what is not there any more of what was sealed. Only reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.assessment_seals import Beside, is_beside
from cti.casework.findings import Finding, FindingKind
from orders.seal_tables import order_seals, sealed_orders
from orders.seals import FIRST, Head, Seal, SealUnreadable, seal_hash, unpacked
from orders.tables import order_events, orders

__all__ = ["SealCount", "seal_columns", "seal_findings"]

GAP_MOST = 100
"""So many seals that are gone one after another are named."""
HEADS_AT_ONCE = 400


@dataclass(slots=True)
class SealCount:
    """What was looked at."""

    seals: int = 0  # seals
    heads: int = 0  # of theirs
    hash: str = ""  # of the newest


def seal_columns(row: Any) -> Seal:
    """Return a row of `order_seals` without its heads."""
    return Seal(**{name: row._mapping[name] for name in Seal.__dataclass_fields__})


async def seal_findings(engine: AsyncEngine, count: SealCount, anchor: str) -> AsyncIterator[Finding]:
    """Yield what does not fit, and count; a seal with the hash `anchor` ("": any) has to be there."""
    previous, expected, events, anchored = FIRST, 1, 0, not anchor
    beside = Beside(engine)
    while True:
        query = select(order_seals).where(order_seals.c.id >= expected).order_by(order_seals.c.id).limit(1)
        async with engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            break
        seal = seal_columns(row)
        for gone in range(expected, min(seal.id, expected + GAP_MOST)):
            yield Finding(kind=FindingKind.SEAL_REMOVED, seal=gone)
        if seal.id == expected and seal.prev_hash != previous:
            yield Finding(kind=FindingKind.SEAL_CHANGED, seal=max(seal.id - 1, 1))
        heads = _heads_of(seal, row.heads)
        if seal.id != expected or heads is None:
            beside.lose()
        if heads is None:
            yield Finding(kind=FindingKind.SEAL_CHANGED, seal=seal.id)
        else:
            async for one in _still_there(engine, seal, [head for head in heads if not is_beside(head)]):
                yield one
            async for one in beside.compare(seal, [head for head in heads if is_beside(head)]):
                yield one
            count.heads += len(heads)
        anchored = anchored or seal.hash == anchor
        previous, expected, events = seal.hash, seal.id + 1, events + seal.events
        count.seals += 1
        count.hash = seal.hash
    async with engine.connect() as connection:
        noted = await connection.scalar(select(func.coalesce(func.sum(sealed_orders.c.seq), 0)))
    if noted is not None and noted > events:  # more was sealed than the seals that are there say
        yield Finding(kind=FindingKind.SEAL_REMOVED, seal=expected)
    if not anchored:
        yield Finding(kind=FindingKind.ANCHOR_LOST)


def _heads_of(seal: Seal, data: bytes) -> tuple[Head, ...] | None:
    """Return a seal's heads, None when it is not what was written."""
    try:
        digest, heads = unpacked(data)
    except SealUnreadable:
        return None
    whole = digest == seal.digest and len(heads) == seal.orders and seal.hash == seal_hash(seal)
    return heads if whole else None


async def _still_there(engine: AsyncEngine, seal: Seal, heads: Sequence[Head]) -> AsyncIterator[Finding]:
    event = order_events.c
    for some in _portions(heads):
        wanted = tuple_(event.order_id, event.seq).in_([(head.order_id, head.seq) for head in some])
        query = select(event.order_id, event.seq, event.hash, orders.c.number).outerjoin(
            orders, orders.c.id == event.order_id
        )
        async with engine.connect() as connection:
            found = {(row.order_id, row.seq): row for row in await connection.execute(query.where(wanted))}
        for head in some:
            row = found.get((head.order_id, head.seq))
            if row is None:
                kind, number = FindingKind.SEALED_LOST, ""
            elif row.hash != head.hash:
                kind, number = FindingKind.SEALED_DIFFERS, row.number or ""
            else:
                continue
            yield Finding(kind=kind, order_id=head.order_id, number=number, seq=head.seq, seal=seal.id)


def _portions(heads: Sequence[Head]) -> Iterator[Sequence[Head]]:
    for first in range(0, len(heads), HEADS_AT_ONCE):
        yield heads[first : first + HEADS_AT_ONCE]
