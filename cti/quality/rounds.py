"""The round of looking at talks that are over, on the one server that leads."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.errors import HotlineError
from cti.faults import fault_site
from cti.quality.calibrations import Calibrations
from cti.quality.documents import Documents
from cti.quality.store import ReviewStore
from cti.quality.talk_log import TalkLog
from cti.tasks import end

__all__ = ["Quality"]

EVERY_S = 60.0

log = logging.getLogger(__name__)


class Quality:
    """Everything that a server does about reviews."""

    def __init__(
        self, engine: AsyncEngine, *, leads: Callable[[], bool], clock: Callable[[], float] = time.time
    ) -> None:
        """`leads` tells whether this server is the one that looks."""
        self.documents = Documents(engine, clock=clock)
        self.reviews = ReviewStore(engine, self.documents, clock=clock)
        self.calibrations = Calibrations(engine, self.documents, clock=clock)
        self.talks = TalkLog(engine, self.documents, clock=clock)
        self._leads = leads
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look once a minute."""
        self._task = asyncio.create_task(self._keep_looking(), name="quality")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            if not self._leads():
                continue
            try:
                made = await self.talks.look()
                closed = await self.reviews.expire()
            except (SQLAlchemyError, HotlineError) as error:
                log.warning("talks not looked at", extra={"fault": fault_site(error)})
            except Exception as error:  # one bad record must not end the looking for good
                log.error("looking at talks failed", extra={"fault": fault_site(error)})
            else:
                if made or closed:
                    log.info("talks picked for review", extra={"picked": made, "closed": closed})
