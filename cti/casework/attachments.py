"""Files of orders (附件): taken by content and size, scanned, and given out only when nothing was found.

The content lies under its own digest in a folder that all servers see; the table says whose order it belongs
to, and the order's chain of events what was added and removed, written in the same transaction. A file that
could not be scanned yet is in quarantine, and is scanned again until it can be told. A file may come before
its order: it waits for a day, belongs to who sent it, and is in the chain as soon as it has an order.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.casework.attachment_rows import (
    NO_ORDER,
    Attachment,
    AttachmentRefused,
    ScanState,
    Waiting,
    added,
    check_not_erased,
    clean_name,
    of_row,
    wanted,
)
from cti.casework.attachment_scans import AttachmentScans
from cti.casework.attachment_shelf import AttachmentShelf, Received, TooLarge
from cti.casework.citizen_tables import attachments
from cti.casework.scanning import Scanner
from cti.database import writing
from cti.faults import fault_site
from cti.tasks import end
from orders.fields import check_storable, check_text
from orders.file_types import kind_of
from orders.files import open_to_files
from orders.messages import AttachmentRemoved, OrderEvent
from orders.records import Order
from orders.store import OrderStore

__all__ = ["Attachment", "AttachmentRefused", "Attachments", "ScanState"]

log = logging.getLogger(__name__)

AGAIN_S = 60.0
MEGABYTE = 1_000_000
REASON_MAX = 200
WAITING_MOST = 200
"""Files of one sender that wait for their orders."""


class Attachments:
    """Keeps files. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self,
        engine: AsyncEngine,
        store: OrderStore,
        folder: Path,
        scanner: Scanner,
        *,
        kinds: frozenset[str],
        most_mb: float,
        most_files: int,
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`kinds` are taken, each file up to `most_mb` megabytes, `most_files` of one order."""
        self.folder = folder
        self._engine = engine
        self._store = store
        self._shelf = AttachmentShelf(folder)
        self.scans = AttachmentScans(engine, self._shelf, scanner, clock)
        self._kinds = kinds
        self._most = int(most_mb * MEGABYTE)
        self._most_files = most_files
        self._leads = leads
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to scan again what could not be scanned."""
        self._task = asyncio.create_task(self._run(), name="attachments")

    async def stop(self) -> None:
        """Stop."""
        await end(self._task)

    # ------------------------------------------------------------ taking and removing

    async def put(self, order_id: str, name: str, parts: AsyncIterator[bytes], *, who: str) -> Attachment:
        """Take a file of an order in pieces, keep it with its event in the order's chain, and scan it.

        Raises:
            AttachmentRefused: too large, of another kind, too many, without content or name, or the order
                is over.
            UnknownOrder: there is no such order.
        """
        own = attachments.c.order_id == order_id
        self._check_open(await self._store.get(order_id), await self._count(own))
        async with self._received(parts) as (received, kind):
            kept = self._new(order_id, clean_name(name), kind, received, who)

            async def add(connection: AsyncConnection, order: Order) -> Sequence[OrderEvent]:
                count = select(func.count()).select_from(attachments).where(own)
                self._check_open(order, await connection.scalar(count) or 0)
                await check_not_erased(connection, order_id)
                await self._insert(connection, kept)
                return [added(kept)]

            await self._store.react(order_id, add, at=kept.at)
            await self._shelf.keep(received)  # again: somebody may have dropped the same content meanwhile
        return await self.scans.scanned(kept) if self.scans.on else kept

    async def put_waiting(self, name: str, parts: AsyncIterator[bytes], *, who: str) -> Attachment:
        """Take a file whose order is made afterwards, by the same sender within a day, and scan it.

        Raises:
            AttachmentRefused: as `put`, or too many wait already.
        """
        mine = (attachments.c.order_id == NO_ORDER) & (attachments.c.who == who)
        if await self._count(mine) >= WAITING_MOST:
            raise AttachmentRefused(
                "too many files wait", shown=f"已有 {WAITING_MOST} 个附件尚未用于登记，请先登记或一天后再上传"
            )
        async with self._received(parts) as (received, kind):
            kept = self._new(NO_ORDER, clean_name(name), kind, received, who)
            async with writing(self._engine) as connection:
                await self._insert(connection, kept)
            await self._shelf.keep(received)
        return await self.scans.scanned(kept) if self.scans.on else kept

    async def remove(self, order_id: str, attachment_id: str, *, by: str, reason: str) -> None:
        """Take a file from an order, with a reason; its content goes, its event stays.

        Raises:
            AttachmentRefused: there is no such file.
            ValueRefused: without a reason.
        """
        reason = reason.strip()
        check_text("reason", reason, 1, REASON_MAX)
        check_storable("attachment_id", attachment_id)
        mine = (attachments.c.attachment_id == attachment_id) & (attachments.c.order_id == order_id)
        digests: list[str] = []

        async def take_away(connection: AsyncConnection, _: Order) -> Sequence[OrderEvent]:
            row = (await connection.execute(select(attachments).where(mine))).one_or_none()
            if row is None:
                raise AttachmentRefused("no such file", shown="找不到这个附件")
            kept = of_row(row)
            digests[:] = [kept.digest]
            await connection.execute(delete(attachments).where(mine))
            detail = {"attachment": attachment_id, "reason": reason}
            await audit.note(
                connection,
                at=self._clock(),
                who=by,
                what="attachment_removed",
                target=order_id,
                detail=detail,
            )
            return [
                AttachmentRemoved(
                    attachment_id=kept.attachment_id, name=kept.name, kind=kept.kind, size=kept.size,
                    digest=kept.digest, reason=reason, by=by,
                )
            ]  # fmt: skip

        await self._store.react(order_id, take_away)
        for digest in digests:
            await self._shelf.drop(digest, partial(wanted, self._engine, digest))

    async def waiting(self, ids: Sequence[str], *, who: str) -> Waiting:
        """Return files that wait for an order, to be added to it in the transaction that makes it.

        Raises:
            AttachmentRefused: one is unknown, another sender's, used or infected, or they are too many.
        """
        if len(ids) > self._most_files:
            raise AttachmentRefused("too many files", shown=f"每张工单最多 {self._most_files} 个附件")
        if len(set(ids)) != len(ids):
            raise AttachmentRefused("a file is named twice", shown="附件重复")
        for one in ids:
            check_storable("attachment_id", one)
        query = select(attachments).where(
            attachments.c.attachment_id.in_(ids), attachments.c.order_id == NO_ORDER, attachments.c.who == who
        )
        async with self._engine.connect() as connection:
            found = {row.attachment_id: of_row(row) for row in await connection.execute(query)}
        for one in ids:
            if one not in found:
                raise AttachmentRefused(
                    "no such file", shown=f"附件 {one[:32]} 不存在、已用于其他工单，或已过期"
                )
            if found[one].state is ScanState.INFECTED:
                raise AttachmentRefused("infected", shown=f"附件 {one[:32]} 含有病毒，不能使用")
        return Waiting(tuple(found[one] for one in ids))

    # ------------------------------------------------------------ asking

    async def of_order(self, order_id: str) -> tuple[Attachment, ...]:
        """Return an order's files, oldest first."""
        query = select(attachments).where(attachments.c.order_id == order_id)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(attachments.c.at, attachments.c.attachment_id))
            return tuple(map(of_row, rows))

    async def open(self, order_id: str, attachment_id: str) -> tuple[Attachment, Path]:
        """Return a file of an order that may be given out, and where it lies.

        Raises:
            AttachmentRefused: there is none, it is in quarantine, or something was found in it.
        """
        check_storable("attachment_id", attachment_id)
        query = select(attachments).where(
            attachments.c.attachment_id == attachment_id, attachments.c.order_id == order_id
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise AttachmentRefused("no such file", shown="找不到这个附件")
        kept = of_row(row)
        if kept.state is ScanState.WAITING:
            raise AttachmentRefused("in quarantine", shown="附件正在查毒，请稍后再试")
        if kept.state is ScanState.INFECTED:
            raise AttachmentRefused("infected", shown="附件含有病毒，已隔离")
        return kept, self._shelf.place(kept.digest)

    # ------------------------------------------------------------ inside

    async def _count(self, which: ColumnElement[bool]) -> int:
        async with self._engine.connect() as connection:
            return await connection.scalar(select(func.count()).select_from(attachments).where(which)) or 0

    def _check_open(self, order: Order, files: int) -> None:
        if not open_to_files(order.draft):
            raise AttachmentRefused("the order is over", shown="工单已结束归档，不能再添加附件")
        if files >= self._most_files:
            raise AttachmentRefused("too many files", shown=f"每张工单最多 {self._most_files} 个附件")

    @asynccontextmanager
    async def _received(self, parts: AsyncIterator[bytes]) -> AsyncIterator[tuple[Received, str]]:
        try:
            async with self._shelf.receiving(parts, most=self._most) as received:
                kind = kind_of(received.head, whole=received.size == len(received.head))
                if kind not in self._kinds:
                    raise AttachmentRefused(
                        "content of another kind", shown="不支持这种文件：请上传图片、PDF、音视频或办公文档"
                    )
                await self._shelf.keep(received)
                yield received, kind
        except TooLarge:
            most = f"{self._most / MEGABYTE:g}"
            raise AttachmentRefused("too large", shown=f"附件不能超过 {most} MB") from None

    def _new(self, order_id: str, name: str, kind: str, received: Received, who: str) -> Attachment:
        return Attachment(
            attachment_id=secrets.token_hex(16),
            order_id=order_id,
            name=name,
            kind=kind,
            size=received.size,
            digest=received.digest,
            who=who,
            at=self._clock(),
            state=ScanState.WAITING if self.scans.on else ScanState.UNSCANNED,
            scanned_at=None,
            note="",
        )

    async def _insert(self, connection: AsyncConnection, kept: Attachment) -> None:
        await connection.execute(insert(attachments).values(**msgspec.to_builtins(kept)))
        detail = {"attachment": kept.attachment_id, "kind": kept.kind, "size": kept.size}
        await audit.note(
            connection, at=kept.at, who=kept.who, what="attachment_added", target=kept.order_id, detail=detail
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_S)
            if not self._leads():
                continue
            try:
                if self.scans.on:
                    await self.scans.look()
                await self.scans.tidy()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("files wait for the database", extra={"reason": type(error).__name__})
            except Exception as error:  # one file must not end the round of all others
                log.error("scanning files failed", extra={"site": fault_site(error)})
