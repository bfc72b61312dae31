"""What supervisors did, from the journal into the audit trail: with the entry, and exactly once."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cti import audit
from cti.messages import Entry

__all__ = ["check_supervision", "put_supervision"]

TEXT_MAX = 500


class _Act(msgspec.Struct):
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]  # login
    act: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,30}$")]  # listen, barge, end, move …
    agent_id: Annotated[str, msgspec.Meta(max_length=64)] = ""  # whom
    reason: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] = ""  # why


def check_supervision(entry: Entry) -> None:
    """Refuse an entry that cannot be audited. Raises msgspec.ValidationError."""
    msgspec.convert(entry.data, _Act)


async def put_supervision(connection: AsyncConnection, entry: Entry) -> None:
    """Add the line that the entry amounts to: who, whom, when, why, and what the act was about."""
    act = msgspec.convert(entry.data, _Act)
    detail = {key: value for key, value in entry.data.items() if key not in ("by", "act")}
    await audit.note(
        connection,
        at=entry.at,
        who=act.by,
        what=f"supervise_{act.act}",
        target=entry.call_id or act.agent_id,
        detail=detail,
    )
