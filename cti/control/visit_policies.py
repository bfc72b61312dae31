"""The visits' policy in force; an edited file is taken up while serving, or refused whole."""

from __future__ import annotations

import logging
from pathlib import Path

from cti.filewatch import FileWatch
from cti.metrics import Metrics
from cti.tasks import aside
from orders.visit_policy import VisitPolicy, VisitPolicyError, load_visit_policy

__all__ = ["VisitPolicies"]

log = logging.getLogger(__name__)

PART = "visits"


class VisitPolicies:
    """Reads the policy file, and reads it again when it has changed."""

    def __init__(self, file: Path, *, most_at_once: int, metrics: Metrics) -> None:
        """Raises VisitPolicyError: the file cannot be used at all."""
        self._file = file
        self._most = most_at_once
        self._metrics = metrics
        self._watch = FileWatch(lambda: (file,))
        self.policy: VisitPolicy = load_visit_policy(file, most_at_once=most_at_once)

    async def look(self) -> None:
        """See whether the file changed, and take it up if nothing is wrong with it."""
        if not await aside(self._watch.look):
            return
        try:
            self.policy = await aside(lambda: load_visit_policy(self._file, most_at_once=self._most))
        except VisitPolicyError as error:
            log.error("visits policy refused, the one before stays in force", extra={"problem": str(error)})
            self._metrics.reloads.labels(part=PART, result="refused").inc()
            self._metrics.refused.labels(part=PART).set(1)
        else:
            log.info("visits policy taken up")
            self._metrics.reloads.labels(part=PART, result="taken").inc()
            self._metrics.refused.labels(part=PART).set(0)
        self._watch.judge()
