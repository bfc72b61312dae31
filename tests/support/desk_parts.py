"""What the web side is given for the desk, without calls that are live."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from asr.gazetteer import Gazetteer
from cti.control.desk_parts import DeskParts
from cti.control.places import Places
from cti.messages import CorrectionView
from cti.watch_words import WatchWords
from orders.knowledge_feedback import KnowledgeFeedback
from orders.records import Sight
from orders.templates import TemplateStore


class FakeCaptions:
    """Remembers what people changed in live captions."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def corrected(self, call_id: str, line_id: str, correction: CorrectionView) -> None:
        self.told.append(("corrected", call_id, line_id, correction.text))

    def marked(self, call_id: str, line_id: str, *, on: bool) -> None:
        self.told.append(("marked", call_id, line_id, on))


async def nobody(_call_id: str, _sight: Sight | None) -> None:
    """No call is known."""


def desk_parts(engine: AsyncEngine) -> DeskParts:
    """Everything on this database; the pop knows nobody."""
    return DeskParts(
        pop=nobody,
        feedback=KnowledgeFeedback(engine),
        templates=TemplateStore(engine),
        words=WatchWords(),
        places=Places(Gazetteer()),
        captions=FakeCaptions(),
    )


class NobodyLive:
    """An order desk without live drafts, and a book of callers without a fact."""

    def find(self, _order_id: str) -> None:
        """No draft is live."""

    async def facts(self, _number: str, _within_s: float) -> dict[str, str]:
        return {}
