"""Whether files (附件) are what the chain of their order says: rows of the table, contents in the folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cti.casework.attachment_shelf import AttachmentShelf, digest_of
from cti.casework.findings import Finding, FindingKind
from cti.tasks import aside
from orders import chain
from orders.chain_check import Stored
from orders.messages import AttachmentAdded, AttachmentRemoved

__all__ = ["Added", "Contents", "compare_files", "files_of_chain"]

TOLD_EVERY = 100
_COLUMNS = ("name", "kind", "size", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A file that belongs to an order by its events."""

    order_id: str  # whose
    number: str  # 工单编号
    seq: int  # of the event that added it
    file: AttachmentAdded  # what was added


def files_of_chain(order_id: str, number: str, rows: Sequence[Stored]) -> tuple[Added, ...]:
    """Return the files that belong to an order by its stored events; unreadable ones are passed over."""
    found: dict[str, Added] = {}
    for row in rows:
        if row.link.kind not in ("attachment_added", "attachment_removed"):
            continue
        try:
            event = chain.decode(row.link.kind, row.link.data)
        except msgspec.DecodeError:
            continue
        if isinstance(event, AttachmentAdded):
            seq = row.link.seq
            found[event.attachment_id] = Added(order_id=order_id, number=number, seq=seq, file=event)
        elif isinstance(event, AttachmentRemoved):
            found.pop(event.attachment_id, None)
    return tuple(found.values())


def compare_files(
    order_id: str, number: str, rows: Sequence[Stored], kept: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Yield where the table says something else of an order's files than its stored events."""
    there = {row["attachment_id"]: row for row in kept}
    known = {one.file.attachment_id: one for one in files_of_chain(order_id, number, rows)}
    for file_id, one in known.items():
        row = there.get(file_id)
        if row is None:
            kind, columns = FindingKind.FILE_REMOVED, ""
        else:
            columns = "、".join(name for name in _COLUMNS if row[name] != getattr(one.file, name))
            columns += "" if row["who"] == one.file.by else "、who" if columns else "who"
            kind = FindingKind.FILE_CHANGED
            if not columns:
                continue
        yield Finding(kind=kind, order_id=order_id, number=number, seq=one.seq, column=columns, file=file_id)
    for file_id in there.keys() - known.keys():
        yield Finding(kind=FindingKind.FILE_ADDED, order_id=order_id, number=number, file=file_id)


class Contents:
    """Reads files' contents and compares them with what was sent."""

    def __init__(self, folder: Path | None) -> None:
        """Contents lie in `folder`; None: nothing is read."""
        self.read = 0
        self._shelf = None if folder is None else AttachmentShelf(folder)
        self._told = 0

    def due(self) -> bool:
        """Tell, after each hundred files, that it is time to tell how far it is."""
        if self.read - self._told < TOLD_EVERY:
            return False
        self._told = self.read
        return True

    async def compare(self, one: Added) -> Finding | None:
        """Return what is wrong with the content of a file, None when nothing is."""
        if self._shelf is None:
            return None
        self.read += 1
        digest = await aside(digest_of, self._shelf.place(one.file.digest))
        if digest == one.file.digest:
            return None
        kind = FindingKind.FILE_LOST if digest is None else FindingKind.FILE_SWAPPED
        return Finding(
            kind=kind, order_id=one.order_id, number=one.number, seq=one.seq, file=one.file.attachment_id
        )
