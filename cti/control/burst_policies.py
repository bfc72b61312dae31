"""The waves' policy in force; an edited file is taken up while serving, or refused whole."""

from __future__ import annotations

import logging
from pathlib import Path

from cti.filewatch import FileWatch
from cti.metrics import Metrics
from cti.tasks import aside
from orders.burst_policy import BurstPolicyError, load_burst_policy
from orders.bursts import BurstPolicy

__all__ = ["BurstPolicies"]

log = logging.getLogger(__name__)

PART = "bursts"


class BurstPolicies:
    """Reads the policy file, and reads it again when it has changed."""

    def __init__(self, file: Path, metrics: Metrics) -> None:
        """Raises BurstPolicyError: the file cannot be used at all."""
        self._file = file
        self._metrics = metrics
        self._watch = FileWatch(lambda: (file,))
        self.policy: BurstPolicy = load_burst_policy(file)

    async def look(self) -> None:
        """See whether the file changed, and take it up if nothing is wrong with it."""
        if not await aside(self._watch.look):
            return
        try:
            self.policy = await aside(lambda: load_burst_policy(self._file))
        except BurstPolicyError as error:
            log.error("bursts policy refused, the one before stays in force", extra={"problem": str(error)})
            self._metrics.reloads.labels(part=PART, result="refused").inc()
            self._metrics.refused.labels(part=PART).set(1)
        else:
            log.info("bursts policy taken up")
            self._metrics.reloads.labels(part=PART, result="taken").inc()
            self._metrics.refused.labels(part=PART).set(0)
        self._watch.judge()
