"""Ends the time of the access log: the leading server removes lines that are older than policy says."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from cti.casework.accesses import AccessLog
from cti.faults import fault_site
from cti.tasks import end

__all__ = ["AccessRounds"]

log = logging.getLogger(__name__)

EVERY_S = 3600.0
DAY_S = 86400.0


class AccessRounds:
    """Runs beside the server."""

    def __init__(
        self,
        accesses: AccessLog,
        *,
        keep_days: Callable[[], int],
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accesses = accesses
        self._keep_days = keep_days
        self._leads = leads
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="access-log")

    async def stop(self) -> None:
        """Stop."""
        await end(self._task)

    async def tidy(self) -> int:
        """Remove what is too old; return how many lines."""
        before, gone = self._clock() - self._keep_days() * DAY_S, 0
        while removed := await self._accesses.tidy(before):
            gone += removed
        return gone

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            if not self._leads():
                continue
            try:
                await self.tidy()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("access log not tidied", extra={"fault": fault_site(error)})
