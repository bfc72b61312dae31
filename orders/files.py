"""Files of orders (附件) as events of the order's chain: what belongs to it, and what it was. Pure.

The chain holds each file's name, kind, size and the SHA-256 of its content, so that a row that is gone and a
content that was swapped are found (`cti.casework.file_check`). Where the content lies is no matter of the
chain. Files from before there were these events are in no chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from orders.course_messages import CourseState
from orders.errors import ValueRefused
from orders.fields import check_text
from orders.messages import AttachmentAdded, AttachmentRemoved, Draft, OrderEvent, OrderState

__all__ = ["check_event", "file_said", "files_of", "open_to_files", "size_said"]

MAX_ID = 32
MAX_NAME = 200
MAX_KIND = 12
MAX_LOGIN = 64
MAX_REASON = 200
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OVER = frozenset({CourseState.ARCHIVED, CourseState.WITHDRAWN, CourseState.MERGED})


def open_to_files(draft: Draft) -> bool:
    """Tell whether a file may be added: not to what was given up, merged, withdrawn or archived."""
    if draft.state in (OrderState.DISCARDED, OrderState.MERGED):
        return False
    return draft.course is None or draft.course.state not in _OVER


def check_event(event: AttachmentAdded | AttachmentRemoved) -> None:
    """Check what an event carries. Raises ValueRefused."""
    check_text("attachment_id", event.attachment_id, 1, MAX_ID)
    check_text("name", event.name, 1, MAX_NAME)
    check_text("kind", event.kind, 1, MAX_KIND)
    check_text("by", event.by, 1, MAX_LOGIN)
    if event.size < 0:
        raise ValueRefused(f"size is {event.size}, expected bytes", shown="附件大小无效")
    if not _DIGEST.fullmatch(event.digest):
        raise ValueRefused("digest is no SHA-256 in hexadecimal", shown="附件校验值无效")
    if isinstance(event, AttachmentRemoved):
        check_text("reason", event.reason.strip(), 1, MAX_REASON)


def files_of(events: Iterable[OrderEvent]) -> dict[str, AttachmentAdded]:
    """Return the files that belong to an order after these events, by id, in the order they were added."""
    found: dict[str, AttachmentAdded] = {}
    for event in events:
        if isinstance(event, AttachmentAdded):
            found[event.attachment_id] = event
        elif isinstance(event, AttachmentRemoved):
            found.pop(event.attachment_id, None)
    return found


def size_said(size: int) -> str:
    """Return a size as people read it: 108 字节, 12.3 KB, 4.0 MB."""
    if size < 1000:
        return f"{size} 字节"
    return f"{size / 1000:.1f} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def file_said(event: AttachmentAdded | AttachmentRemoved) -> str:
    """Return a file in words: 现场.png（PNG，12.3 KB）."""
    return f"{event.name}（{event.kind.upper()}，{size_said(event.size)}）"
