"""The lines of conversations that go on: in memory, in the journal, and in Redis for whoever comes after.

A line is safe when it is on this server's disk. What another server, or this one after a restart, finds is
the union of what Redis and the database have, by line id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from cti.control.calls import Calls
from cti.messages import Entry, EntryKind, TextLine
from cti.tasks import end

log = logging.getLogger(__name__)

LINES_MAX = 2000
"""Lines of one conversation; nobody writes more in one sitting."""

KEEP_S = 86_400
"""How long Redis keeps what was written last."""

READ_S = 2.0


class TextShelf:
    """What was written, by call."""

    def __init__(
        self,
        redis: Redis,
        prefix: str,
        *,
        calls: Calls,
        durable: Callable[[Entry], Awaitable[None]],
        entries: Callable[[str], Awaitable[Iterable[Entry]]],
    ) -> None:
        """`durable` returns when an entry is on disk, `entries` reads a call's from the database."""
        self._redis = redis
        self._prefix = prefix
        self._calls = calls
        self._durable = durable
        self._entries = entries
        self._lines: dict[str, dict[str, TextLine]] = {}
        self._unsaved: dict[tuple[str, str], TextLine | None] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write to Redis behind everybody's back."""
        self._task = asyncio.create_task(self._save(), name="text-lines")

    async def stop(self) -> None:
        """Write what is left, once, and stop."""
        await end(self._task)
        await self._flush()

    def of_call(self, call_id: str) -> tuple[TextLine, ...]:
        """Everything written so far, by time."""
        lines = self._lines.get(call_id, {}).values()
        return tuple(sorted(lines, key=lambda line: line.at))

    def has(self, call_id: str, line_id: str) -> bool:
        """Whether this line is here already: sent again after a connection was lost."""
        return line_id in self._lines.get(call_id, {})

    def full(self, call_id: str) -> bool:
        """Whether the conversation has as many lines as one may have."""
        return len(self._lines.get(call_id, ())) >= LINES_MAX

    def put(self, line: TextLine, by: str) -> Entry:
        """Keep one line; `by` is "citizen", "system" or an agent's login."""
        self._lines.setdefault(line.call_id, {})[line.line_id] = line
        self._unsaved[line.call_id, line.line_id] = line
        self._wake.set()
        data = {"line_id": line.line_id, "by": by, "name": line.name, "text": line.text, "written": line.at}
        return self._calls.note(line.call_id, EntryKind.TEXT, data)

    async def safe(self, entry: Entry) -> None:
        """Return when the line of this entry is on disk."""
        await self._durable(entry)

    def forget(self, call_id: str) -> None:
        """The conversation is over; the journal has it."""
        self._lines.pop(call_id, None)
        self._unsaved[call_id, ""] = None
        self._wake.set()

    async def restore(self, call_id: str) -> None:
        """Find what was written before, here or at another server. What cannot be found is only not shown."""
        found: dict[str, TextLine] = {}
        try:
            async with asyncio.timeout(READ_S):
                for entry in await self._entries(call_id):
                    if entry.kind is EntryKind.TEXT and (line := _line_of(entry)) is not None:
                        found[line.line_id] = line
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("lines not read", extra={"call_id": call_id, "reason": type(error).__name__})
        try:
            async with asyncio.timeout(READ_S):
                kept = await cast(
                    "Awaitable[dict[bytes, bytes]]", self._redis.hgetall(f"{self._prefix}text:{call_id}")
                )
            for value in kept.values():
                line = msgspec.json.decode(value, type=TextLine)
                found[line.line_id] = line
        except (RedisError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            log.warning("kept lines not read", extra={"call_id": call_id, "reason": type(error).__name__})
        self._lines[call_id] = found | self._lines.get(call_id, {})

    async def _save(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self._flush():
                self._wake.set()
                await asyncio.sleep(0.5)

    async def _flush(self) -> bool:
        batch, self._unsaved = self._unsaved, {}
        if not batch:
            return True
        try:
            async with asyncio.timeout(READ_S), self._redis.pipeline(transaction=False) as pipe:
                for (call_id, line_id), line in batch.items():
                    key = f"{self._prefix}text:{call_id}"
                    if line is None:
                        pipe.delete(key)
                    else:
                        pipe.hset(key, line_id, msgspec.json.encode(line))
                        pipe.expire(key, KEEP_S)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError):
            self._unsaved = batch | self._unsaved
            return False
        return True


def _line_of(entry: Entry) -> TextLine | None:
    try:
        data = msgspec.convert(entry.data, _Written)
    except msgspec.ValidationError:
        return None
    by = data.by if data.by in ("citizen", "system") else "agent"
    return TextLine(
        call_id=entry.call_id, line_id=data.line_id, by=by, name=data.name, text=data.text,
        at=data.written or entry.at,
    )  # fmt: skip


class _Written(msgspec.Struct, frozen=True):
    line_id: str
    by: str
    text: str
    name: str = ""
    written: float = 0.0
