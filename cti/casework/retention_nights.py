"""Each night the leading server deletes what has to go, where that is switched on (retention.enabled)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.citizen_parts import folder_of
from cti.casework.retention import Keeper
from cti.faults import fault_site
from cti.settings import Settings
from cti.tasks import end
from orders.retention import RetentionPolicy

__all__ = ["KeeperBy", "RetentionNights", "keeper_for", "keeper_of"]

KeeperBy = Callable[[RetentionPolicy], Keeper]
"""Returns who deletes by these rules."""

log = logging.getLogger(__name__)

LOOK_S = 300.0
NIGHT_FROM, NIGHT_TO = 2, 5
"""Hours of China between which it is done, after the night's seal."""
CHINA = ZoneInfo("Asia/Shanghai")


def keeper_for(settings: Settings, engine: AsyncEngine) -> KeeperBy | None:
    """Return who makes the one that deletes each night, None where that is switched off."""
    return partial(keeper_of, settings, engine) if settings.retention.enabled else None


def keeper_of(settings: Settings, engine: AsyncEngine, rules: RetentionPolicy) -> Keeper:
    """Return who deletes by these rules."""
    files = folder_of(settings.orders, settings.home)
    return Keeper(engine, rules, recordings=settings.recordings, attachments=files)


class RetentionNights:
    """Looks every five minutes whether it is night, and does each night's work once."""

    def __init__(
        self,
        keeper: Callable[[], Keeper] | None,
        *,
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`keeper` returns who deletes by the rules in force, asked once a night; None: nobody does.

        `leads`: this server does what is done once.
        """
        self._keeper = keeper
        self._leads = leads
        self._clock = clock
        self._done: date | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._keeper is not None:
            self._task = asyncio.create_task(self._run(), name="retention")

    async def stop(self) -> None:
        """Stop; the order that is under way is finished or undone by the database."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("retention not applied", extra={"reason": type(error).__name__})
            except Exception as error:  # a night that fails must not be the last one
                log.error("retention not applied", extra={"site": fault_site(error)})
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Do the night's work if it is time. SQLAlchemy's errors pass through."""
        now = datetime.fromtimestamp(self._clock(), CHINA)
        night = NIGHT_FROM <= now.hour < NIGHT_TO
        if self._keeper is None or not night or self._done == now.date() or not self._leads():
            return
        gone: Counter[str] = Counter()
        async for one in self._keeper().apply("system"):
            gone.update(one.what)
            if not self._leads():  # the next leader goes on
                return
        self._done = now.date()
        log.info("retention applied", extra={f"erased_{what}": count for what, count in gone.items()})
