"""Everything that a server does about categories: guess with what is in force, learn at night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cti.learning import folder_of
from cti.learning_nightly import NightlyLearning
from cti.learning_round import Task, in_a_process
from cti.learning_watch import LiveClassifier
from cti.metrics import Metrics
from cti.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningParts:
    """What others hold of it."""

    classifier: LiveClassifier  # guesses the categories of drafts
    nightly: NightlyLearning  # learns on the server that leads

    def start(self) -> None:
        """Begin to look at files and the clock."""
        self.classifier.start()
        self.nightly.start()

    async def stop(self) -> None:
        """Stop looking."""
        await self.nightly.stop()
        await self.classifier.stop()


def compose(settings: Settings, metrics: Metrics, *, leads: Callable[[], bool]) -> LearningParts:
    """Put them together; `leads` tells whether this server is the one that learns."""
    given, folder = settings.learning, folder_of(settings)
    alone = len(settings.servers) < 2
    return LearningParts(
        classifier=LiveClassifier(folder, metrics),
        nightly=NightlyLearning(
            given,
            learn=in_a_process(
                Task(settings.database, str(folder), least=given.least_orders, keep=given.keep)
            ),
            leads=lambda: alone or leads(),
            clock=lambda: datetime.now(UTC),
        ),
    )
