"""Giving journal entries to the database: again and again while it is away, never stopped by one entry."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from cti.calls import EntryRefused
from cti.faults import fault_site
from cti.messages import Entry
from cti.spool import Line, Spool

__all__ = ["Delivery", "DeliveryLimits", "Sink"]

log = logging.getLogger(__name__)

Sink = Callable[[Sequence[Entry]], Awaitable[None]]
"""Takes entries, each once however often it is given; raises EntryRefused for one it will never take."""

AWAY = (OSError, TimeoutError, SQLAlchemyError)
"""What a sink raises while its database is away: no entry's fault."""

_decode = msgspec.json.Decoder(Entry).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLimits:
    """How patiently entries are given; seconds."""

    batch: int = 500  # entries at once
    gather_s: float = 0.05  # news wait so long for more, because a transaction costs more than an entry
    retry_first_s: float = 0.1  # first pause while the sink fails, doubled up to
    retry_most_s: float = 5.0
    attempts: int = 5  # times an entry may fail in a way nobody foresaw before it is set aside


class Delivery:
    """Gives lines of the spool to the sink, in order."""

    def __init__(
        self, spool: Spool, sink: Sink, *, limits: DeliveryLimits, clock: Callable[[], float]
    ) -> None:
        self._spool = spool
        self._sink = sink
        self._limits = limits
        self._clock = clock
        self.failing = False
        """The sink did not take the last entries it was given."""
        self.rejected = 0
        """Entries set aside so far."""

    async def give(self, lines: Sequence[Line]) -> None:
        """Return when every line is taken or set aside."""
        waiting = [pair for line in lines if (pair := await self._read(line)) is not None]
        at_once = self._limits.batch
        pause = self._limits.retry_first_s
        attempts = 0  # of the first one waiting, alone
        while waiting:
            batch = waiting[:at_once]
            try:
                await self._sink([entry for _, entry in batch])
            except EntryRefused as refused:
                waiting = await self._without(waiting, refused)
            except AWAY as error:
                pause = await self._rest(error, pause)
            except Exception as error:
                # No outage that we know, maybe one entry's fault: give them one by one to find out whose.
                attempts = attempts + 1 if at_once == 1 else 0
                at_once = 1
                if attempts < self._limits.attempts:
                    pause = await self._rest(error, pause)
                    continue
                await self._set_aside(waiting[0][0], f"the sink failed: {fault_site(error)}")
                waiting = waiting[1:]
                attempts = 0
            else:
                waiting = waiting[len(batch) :]
                pause = self._limits.retry_first_s
                attempts = 0
                self.failing = False

    async def _read(self, line: Line) -> tuple[Line, Entry] | None:
        if line.torn:
            log.warning("torn last line of a segment passed over: it was never said to be on disk")
            return None
        if line.payload is None:
            await self._set_aside(line, "damaged line")
            return None
        try:
            return line, _decode(line.payload)
        except (msgspec.DecodeError, UnicodeError):
            await self._set_aside(line, "not a journal entry")
            return None

    async def _without(
        self, waiting: Sequence[tuple[Line, Entry]], refused: EntryRefused
    ) -> list[tuple[Line, Entry]]:
        rest = []
        for line, entry in waiting:
            if entry.entry_id == refused.entry_id:
                await self._set_aside(line, refused.reason)
            else:
                rest.append((line, entry))
        if len(rest) == len(
            waiting
        ):  # a sink that refuses what it was not given: only the first can be meant
            await self._set_aside(waiting[0][0], refused.reason)
            return list(waiting[1:])
        return rest

    async def _rest(self, error: Exception, pause: float) -> float:
        if not self.failing:
            log.warning("the database takes no entries, trying again", extra={"fault": fault_site(error)})
        self.failing = True
        await asyncio.sleep(pause)
        return min(pause * 2, self._limits.retry_most_s)

    async def _set_aside(self, line: Line, reason: str) -> None:
        await asyncio.to_thread(self._spool.set_aside, line.raw, at=self._clock(), reason=reason)
        self.rejected += 1
        log.error("journal entry set aside", extra={"reason": reason})
