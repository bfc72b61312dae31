"""What of the assessment is sealed beside orders: frozen months, and the corrections of them.

In a seal they stand among the heads of orders: `assessment:202610` with the version of the month and the hash
of what was frozen, `assessment-changes` with the newest line of `mark_changes` and the hash of all lines that
came since the seal before. The words of reasons are not in the hash: they go when the law wants them to.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.findings import Finding, FindingKind
from cti.tables import audit
from orders.assessment_sheet import digest_of
from orders.assessment_tables import assessment_months, mark_changes
from orders.seal_tables import sealed_orders
from orders.seals import Head, Seal

__all__ = ["FROZEN", "Beside", "is_beside", "month_findings", "unsealed_beside"]

FROZEN = "assessment_frozen"
"""What the trail calls it when a month is frozen."""
SETTLED_S = 3600.0
"""Lines that were written so long ago are sealed: nobody is still writing one before them."""
MONTHS_MOST = 500
AT_ONCE = 500
_MONTH = "assessment:"
_CHANGES = "assessment-changes"
_FROZEN = tuple(
    assessment_months.c[name] for name in ("month", "version", "made_at", "made_by", "reason", "digest")
)
_LINE = tuple(
    mark_changes.c[name]
    for name in (
        "id", "order_id", "key", "event", "by", "at", "written", "month_old", "month_new", "old", "new"
    )
)  # fmt: skip


def is_beside(head: Head) -> bool:
    """Whether a head of a seal is none of an order."""
    return head.order_id == _CHANGES or head.order_id.startswith(_MONTH)


async def unsealed_beside(connection: AsyncConnection, now: float) -> tuple[list[Head], int]:
    """Return heads of what was frozen or corrected since it was last sealed, and of how many things."""
    rows = await connection.execute(
        select(sealed_orders).where(
            (sealed_orders.c.order_id == _CHANGES) | sealed_orders.c.order_id.startswith(_MONTH)
        )
    )
    sealed = {row.order_id: row.seq for row in rows}
    query = select(*_FROZEN).order_by(assessment_months.c.month, assessment_months.c.version)
    heads = [
        Head(order_id=f"{_MONTH}{row.month}", seq=row.version, hash=_frozen_hash(row))
        for row in await connection.execute(query)
        if row.version > sealed.get(f"{_MONTH}{row.month}", 0)
    ][:MONTHS_MOST]
    events = len(heads)
    since = sealed.get(_CHANGES, 0)
    settled = select(func.max(mark_changes.c.id)).where(
        mark_changes.c.id > since, mark_changes.c.written <= now - SETTLED_S
    )
    upto = await connection.scalar(settled)
    if upto is not None:
        heads.append(Head(order_id=_CHANGES, seq=upto, hash=await _lines_hash(connection, since, upto)))
        events += upto - since
    return heads, events


async def month_findings(engine: AsyncEngine) -> AsyncIterator[Finding]:
    """Yield every frozen month whose figures are not those of its digest, or of the trail's line about it."""
    query = select(assessment_months).order_by(assessment_months.c.month, assessment_months.c.version)
    async with engine.connect() as connection:
        lines = await connection.execute(select(audit.c.target, audit.c.detail).where(audit.c.what == FROZEN))
        noted = {row.target: row.detail.get("digest") for row in lines}
        async for row in await connection.stream(query):
            digest = digest_of(row.data.encode())
            if digest != row.digest or noted.get(f"{row.month}-{row.version}") != digest:
                yield Finding(kind=FindingKind.MONTH_CHANGED, month=row.month, version=row.version)


class Beside:
    """Compares with seals, taken in turn, what they hold beside orders. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._since: int | None = 0  # the newest line of corrections that was sealed before; None: not known

    def lose(self) -> None:
        """A seal is gone or unreadable: what the next one says of corrections begins nobody knows where."""
        self._since = None

    async def compare(self, seal: Seal, heads: Sequence[Head]) -> AsyncIterator[Finding]:
        """Yield what is not what this seal says."""
        for head in heads:
            if head.order_id == _CHANGES:
                since, self._since = self._since, head.seq
                if since is None:
                    continue
                async with self._engine.connect() as connection:
                    if await _lines_hash(connection, since, head.seq) != head.hash:
                        yield Finding(kind=FindingKind.CORRECTIONS_DIFFER, table="mark_changes", seal=seal.id)
                continue
            month = int(head.order_id.removeprefix(_MONTH))
            query = select(*_FROZEN).where(
                assessment_months.c.month == month, assessment_months.c.version == head.seq
            )
            async with self._engine.connect() as connection:
                row = (await connection.execute(query)).one_or_none()
            if row is None or _frozen_hash(row) != head.hash:
                kind = FindingKind.MONTH_LOST if row is None else FindingKind.MONTH_DIFFERS
                yield Finding(kind=kind, seal=seal.id, month=month, version=head.seq)


def _frozen_hash(row: Sequence[object]) -> str:
    return hashlib.sha256(msgspec.json.encode(tuple(row))).hexdigest()


async def _lines_hash(connection: AsyncConnection, since: int, upto: int) -> str:
    """SHA-256 over the lines after `since` up to `upto`, each as a JSON list and a newline."""
    found = hashlib.sha256()
    query = select(*_LINE).where(mark_changes.c.id > since, mark_changes.c.id <= upto)
    lines = await connection.stream(query.order_by(mark_changes.c.id))
    async for part in lines.partitions(AT_ONCE):
        for row in part:
            found.update(msgspec.json.encode(tuple(row)) + b"\n")
    return found.hexdigest()
