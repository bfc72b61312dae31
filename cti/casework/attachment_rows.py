"""Files of orders as the table keeps them, and what is asked of the table in others' transactions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.casework.citizen_tables import attachments
from orders.errors import OrderError
from orders.messages import AttachmentAdded
from orders.retention_tables import order_erasures

__all__ = [
    "NO_ORDER", "Attachment", "AttachmentRefused", "ScanState", "Waiting", "added", "check_not_erased",
    "clean_name", "of_row", "wanted",
]  # fmt: skip

NAME_MAX = 200
NO_ORDER = ""
"""In place of an order's id: the file waits for its order."""


class ScanState(StrEnum):
    """Whether a file may be given out."""

    WAITING = "waiting"  # 待查毒: in quarantine
    CLEAN = "clean"  # 已查毒
    INFECTED = "infected"  # 有病毒: never given out
    UNSCANNED = "unscanned"  # 未查毒: there is no scanner


class AttachmentRefused(OrderError):
    """A file is not taken or not given out."""


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an order."""

    attachment_id: str  # which
    order_id: str  # of which order, "" while it waits for one
    name: str  # as whoever sent it calls it
    kind: str  # by its content (orders.file_types)
    size: int  # bytes
    digest: str  # SHA-256 of its content
    who: str  # login, "api:<token>" or "citizen"
    at: float  # epoch seconds
    state: ScanState  # whether it may be given out
    scanned_at: float | None  # epoch seconds
    note: str  # what the scanner said


@dataclass(frozen=True, slots=True)
class Waiting:
    """Files that came before their order, to be added in the transaction that makes it."""

    files: tuple[Attachment, ...]  # in the order they were named

    def events(self) -> tuple[AttachmentAdded, ...]:
        """What is kept of them in the order's chain."""
        return tuple(map(added, self.files))

    async def claim(self, connection: AsyncConnection, order_id: str, at: float) -> None:
        """Give them to the order. Raises AttachmentRefused: one was used meanwhile."""
        for one in self.files:
            mine = (attachments.c.attachment_id == one.attachment_id) & (attachments.c.order_id == NO_ORDER)
            done = await connection.execute(update(attachments).where(mine).values(order_id=order_id))
            if not done.rowcount:
                raise AttachmentRefused("used meanwhile", shown=f"附件 {one.attachment_id} 已用于其他工单")
            detail = {"attachment": one.attachment_id, "kind": one.kind, "size": one.size}
            await audit.note(
                connection, at=at, who=one.who, what="attachment_added", target=order_id, detail=detail
            )


def added(kept: Attachment) -> AttachmentAdded:
    """Return the event of a file."""
    return AttachmentAdded(
        attachment_id=kept.attachment_id, name=kept.name, kind=kept.kind, size=kept.size,
        digest=kept.digest, by=kept.who,
    )  # fmt: skip


def of_row(row: Row[tuple[object, ...]]) -> Attachment:
    """Return a row of the table."""
    values = row._mapping
    return msgspec.convert({name: values[name] for name in Attachment.__struct_fields__}, Attachment)


async def wanted(engine: AsyncEngine, digest: str) -> bool:
    """Tell whether a file has this content."""
    query = select(attachments.c.attachment_id).where(attachments.c.digest == digest).limit(1)
    async with engine.connect() as connection:
        return await connection.scalar(query) is not None


async def check_not_erased(connection: AsyncConnection, order_id: str) -> None:
    """Let no file be added to an order whose personal data is gone. Raises AttachmentRefused."""
    query = select(order_erasures.c.order_id).where(order_erasures.c.order_id == order_id).limit(1)
    if await connection.scalar(query) is not None:
        raise AttachmentRefused("erased", shown="工单的个人信息已到期删除，不能再添加附件")


def clean_name(given: str) -> str:
    """Return a name without folders and what cannot be shown. Raises AttachmentRefused."""
    last = given.replace("\\", "/").rpartition("/")[2]
    name = "".join(one for one in last if one.isprintable()).strip().strip(".")
    if not name:
        raise AttachmentRefused("a file without a name", shown="附件没有文件名")
    if len(name) > NAME_MAX:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: NAME_MAX - 11]}{dot}{ending[:10]}" if dot else name[:NAME_MAX]
    return name
