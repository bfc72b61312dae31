"""Files looked at again: scanned until it can be told what they are, forgotten when no order came."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.casework.attachment_rows import NO_ORDER, Attachment, ScanState, of_row, wanted
from cti.casework.attachment_shelf import AttachmentShelf
from cti.casework.citizen_tables import attachments
from cti.casework.scanning import Scanner, Verdict
from cti.database import writing

__all__ = ["WAITING_S", "AttachmentScans"]

AT_ONCE = 20
WAITING_S = 86_400.0
"""So long a file waits for its order."""


class AttachmentScans:
    """Scans and tidies. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self, engine: AsyncEngine, shelf: AttachmentShelf, scanner: Scanner, clock: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._shelf = shelf
        self._scanner = scanner
        self._clock = clock

    @property
    def on(self) -> bool:
        """Whether there is a scanner."""
        return self._scanner.scans

    async def scanned(self, kept: Attachment) -> Attachment:
        """Scan a file; what could not be scanned stays in quarantine."""
        verdict = await self._scanner.scan(self._shelf.place(kept.digest))
        if verdict is Verdict.UNKNOWN:
            return kept
        now, state = self._clock(), ScanState(verdict.value)
        async with writing(self._engine) as connection:
            await connection.execute(
                update(attachments)
                .where(attachments.c.attachment_id == kept.attachment_id)
                .values(state=state.value, scanned_at=now)
            )
            if state is ScanState.INFECTED:
                detail = {"attachment": kept.attachment_id, "digest": kept.digest}
                await audit.note(
                    connection,
                    at=now,
                    who="system",
                    what="attachment_infected",
                    target=kept.order_id,
                    detail=detail,
                )
        return msgspec.structs.replace(kept, state=state, scanned_at=now)

    async def look(self) -> int:
        """Scan what waits; how many could be told."""
        query = select(attachments).where(attachments.c.state == ScanState.WAITING.value)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(attachments.c.at).limit(AT_ONCE))).all()
        told = [await self.scanned(of_row(row)) for row in rows]
        return sum(one.state is not ScanState.WAITING for one in told)

    async def tidy(self) -> int:
        """Forget files that waited for their orders too long; how many."""
        late = (attachments.c.order_id == NO_ORDER) & (attachments.c.at < self._clock() - WAITING_S)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(select(attachments).where(late).limit(AT_ONCE))).all()
        for kept in map(of_row, rows):
            async with writing(self._engine) as connection:
                mine = attachments.c.attachment_id == kept.attachment_id
                await connection.execute(delete(attachments).where(mine, attachments.c.order_id == NO_ORDER))
            await self._shelf.drop(kept.digest, partial(wanted, self._engine, kept.digest))
        return len(rows)
