"""Notes which transcripts are ready: their calls are over, and no more sentence came for a while.

The last sentences of a call are written down some seconds after its end, and nothing tells that one was the
last. So the leading server looks again and again for calls that ended a minute ago or more and have
sentences, and notes each once, in the transaction that looks whether it was noted before.
"""

from __future__ import annotations

from sqlalchemy import exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import writing
from cti.system_tables import hook_events, webhooks
from cti.tables import calls, transcript_lines

__all__ = ["READY", "SETTLED_S", "note_transcripts"]

READY = "transcript.ready"
"""Kind of the event."""
SETTLED_S = 60.0
"""So long after its end a call's sentences are all there."""
BACK_S = 86_400.0
"""Calls that ended before that are not looked at any more."""
AT_ONCE = 500


async def note_transcripts(engine: AsyncEngine, now: float) -> int:
    """Note transcripts that have become ready; how many. Nothing where no webhook wants to know.

    SQLAlchemy's errors pass through.
    """
    kind = READY
    async with engine.connect() as connection:
        wanted = await connection.scalars(select(webhooks.c.kinds).where(webhooks.c.active))
        if not any(kind in kinds for kinds in wanted):
            return 0
        noted = select(hook_events.c.ref).where(
            hook_events.c.kind == kind, hook_events.c.at > now - BACK_S - SETTLED_S
        )
        said = exists().where(transcript_lines.c.call_id == calls.c.call_id)
        query = (
            select(calls.c.call_id)
            .where(calls.c.started > now - 2 * BACK_S, calls.c.ended > now - BACK_S)
            .where(calls.c.ended <= now - SETTLED_S, said, calls.c.call_id.not_in(noted))
            .order_by(calls.c.ended)
            .limit(AT_ONCE)
        )
        found = (await connection.scalars(query)).all()
    if not found:
        return 0
    async with writing(engine) as connection:
        again = set(await connection.scalars(noted.where(hook_events.c.ref.in_(found))))
        postgresql = connection.dialect.name == "postgresql"
        transaction = await connection.scalar(select(func.txid_current())) if postgresql else 0
        rows = [
            {"tx": transaction, "kind": kind, "ref": call_id, "at": now}
            for call_id in found
            if call_id not in again
        ]
        if rows:
            await connection.execute(insert(hook_events), rows)
    return len(rows)
