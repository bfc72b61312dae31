"""The category classifier of drafts, taken up anew when taxonomy or model change on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from asr.classify import Classifier
from asr.errors import AsrError
from asr.messages import CategoryGuess
from asr.taxonomy import Taxonomy
from cti.errors import HotlineError
from cti.faults import fault_site
from cti.filewatch import FileWatch
from cti.learning import TAXONOMIES, ModelShelf, classifier_of
from cti.metrics import Metrics
from cti.tasks import aside, end

LOOK_S = 2.0

log = logging.getLogger(__name__)


class LiveClassifier:
    """Guesses categories with what is in force; a taxonomy or model that cannot be used changes nothing."""

    def __init__(self, home: Path, metrics: Metrics) -> None:
        """Read taxonomy and model of an instance; without the shipped taxonomy when the own one is broken."""
        self._home = home
        self._metrics = metrics
        self._watch = FileWatch(self._files)
        self._task: asyncio.Task[None] | None = None
        try:
            self._classifier = classifier_of(home)
        except (AsrError, HotlineError) as error:
            self._refused(error)
            self._classifier = Classifier()

    def guess(self, text: str, *, limit: int = 3) -> tuple[CategoryGuess, ...]:
        """Return the likeliest categories, best first (asr.classify.Classifier.guess)."""
        return self._classifier.guess(text, limit=limit)

    @property
    def taxonomy(self) -> Taxonomy:
        """The names of categories in force."""
        return self._classifier.taxonomy

    @property
    def version(self) -> str:
        """Version of the learned model in use, "" when there is none."""
        learned = self._classifier.learned
        return "" if learned is None else learned.about.version

    def start(self) -> None:
        """Begin to look at the files."""
        self._task = asyncio.create_task(self._keep_looking(), name="classifier")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    async def look(self) -> None:
        """Look once; what changed is read aside and used from the next guess on."""
        if not await aside(self._watch.look):
            return
        self._watch.judge()
        try:
            self._classifier = await aside(classifier_of, self._home)
        except (AsrError, HotlineError) as error:
            self._refused(error)
            return
        self._metrics.refused.labels(part="categories").set(0)
        self._metrics.reloads.labels(part="categories", result="taken").inc()
        log.info("categories taken up", extra={"model": self.version or "none"})

    def _files(self) -> Iterable[Path]:
        return (*(self._home / name for name in TAXONOMIES), ModelShelf(self._home).pointer)

    def _refused(self, error: Exception) -> None:
        self._metrics.refused.labels(part="categories").set(1)
        self._metrics.reloads.labels(part="categories", result="refused").inc()
        log.warning("taxonomy or learned model refused", extra={"reason": str(error)[:300]})

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception as error:  # a look that fails must not be the last one
                log.error("looking at categories failed", extra={"site": fault_site(error)})
