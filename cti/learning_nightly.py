"""The nightly round of learning: once a day, on the one server that leads, in a process of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone

from asr.errors import AsrError
from cti.errors import HotlineError
from cti.faults import fault_site
from cti.learning_orders import Round
from cti.settings import LearningSettings
from cti.tasks import end

CHINA = timezone(timedelta(hours=8))
LOOK_S = 60.0
WINDOW = timedelta(hours=2)
"""A server that begins to lead later than so long after the hour waits for the next night."""

log = logging.getLogger(__name__)

Learn = Callable[[], Awaitable[Round]]


def due(now: datetime, hour: str, last: datetime | None) -> bool:
    """Tell whether a round begins now: in the two hours behind the hour, and not twice for one hour.

    `hour`: HH:MM in China's time; `last`: when the last round began, None for never.
    """
    hours, minutes = (int(part) for part in hour.split(":"))
    local = now.astimezone(CHINA)
    begins = local.replace(hour=hours % 24, minute=minutes, second=0, microsecond=0)
    if begins > local:
        begins -= timedelta(days=1)
    return local - begins < WINDOW and (last is None or last < begins)


class NightlyLearning:
    """Looks once a minute whether it is time."""

    def __init__(
        self,
        settings: LearningSettings,
        *,
        learn: Learn,
        leads: Callable[[], bool],
        clock: Callable[[], datetime],
    ) -> None:
        """`learn` runs one round; `leads` tells whether this server is the one that does it."""
        self._settings = settings
        self._learn = learn
        self._leads = leads
        self._clock = clock
        self._last: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, unless nightly learning is switched off."""
        if self._settings.enabled:
            self._task = asyncio.create_task(self._keep_looking(), name="learning")

    async def stop(self) -> None:
        """Stop looking; a round that runs is given up."""
        await end(self._task)

    async def look(self) -> Round | None:
        """Run a round if it is time and this server leads; return what it came to."""
        now = self._clock()
        if not self._leads() or not due(now, self._settings.hour, self._last):
            return None
        self._last = now
        found = await self._learn()
        log.info(
            "learned from orders",
            extra={
                "orders": found.orders,
                "held_out": found.held_out,
                "right_before": found.right_before,
                "right_after": found.right_after,
                "replaced": found.replaced,
                "model": found.version,
            },
        )
        return found

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except (AsrError, HotlineError) as error:
                log.warning("nothing learned", extra={"reason": str(error)[:300]})
            except Exception as error:  # a night without learning must not be the last one with
                log.error("learning failed", extra={"site": fault_site(error)})
