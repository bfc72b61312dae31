"""What advice is made of, in memory: orders, units and what was chosen, articles. For one thread."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orders.knowledge import Article, KnowledgeIndex
from orders.messages import Advice, KnowledgeAnswer, UnitAdvice
from orders.similar import SimilarIndex, SimilarItem
from orders.unit_history import UnitHistory
from orders.unit_table import Unit, UnitRule, shipped_units
from orders.units import UnitAdvisor

__all__ = ["AdviceData", "PastOrder"]

ORDERS_MOST = 100_000
SIMILAR_MOST = 10
ANSWERS_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """A submitted order, as far as advice learns from it."""

    item: SimilarItem  # what it says
    unit: str  # who took it on, before that whom an agent meant; "" nobody, or it was given back
    version: int  # grows with every change
    updated_at: float  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learned:
    """What the history was told of one order, so that it can be taken back."""

    unit: str
    category: str
    district: str
    text: str
    at: float  # epoch seconds


class AdviceData:
    """Answers from memory; everything here may take milliseconds, so it is kept off the event loop."""

    def __init__(self) -> None:
        self._similar = SimilarIndex(ORDERS_MOST)
        self._versions: dict[str, int] = {}  # of the orders that were taken in, oldest first
        self._given: dict[str, _Learned] = {}  # order -> what was learned from it
        self._units = UnitAdvisor.shipped()
        self._knowledge = KnowledgeIndex()

    def __len__(self) -> int:
        """Orders in memory."""
        return len(self._similar)

    def take(self, orders: Iterable[PastOrder]) -> int:
        """Take submitted orders in, those that are known already only when they changed; return how many."""
        taken = 0
        for order in orders:
            order_id = order.item.order_id
            if self._versions.get(order_id) == order.version:
                continue
            self._versions.pop(order_id, None)
            self._versions[order_id] = order.version
            self._similar.put(order.item)
            self._learn(order)
            taken += 1
        while len(self._versions) > ORDERS_MOST:
            oldest = next(iter(self._versions))
            del self._versions[oldest]
            self._given.pop(oldest, None)
        return taken

    def use_units(self, units: Sequence[Unit], rules: Sequence[UnitRule]) -> None:
        """Advise these units; the departments that most cities have while there are none."""
        history: UnitHistory = self._units.history
        self._units = UnitAdvisor(units or shipped_units(), rules=rules, history=history)

    def use_articles(self, articles: Iterable[Article]) -> None:
        """Answer from these articles."""
        self._knowledge = KnowledgeIndex(articles)

    def advise(self, item: SimilarItem, now: float, today: datetime.date) -> Advice:
        """Return what is shown beside a draft."""
        said = f"{item.title}。{item.text}"
        return Advice(
            units=self._units.advise(item.category, item.district, item.street, said, today=today),
            similar=self._similar.find(item, limit=SIMILAR_MOST, now=now),
            answers=self.answers(said, item.district, ANSWERS_MOST, today),
        )

    def units(
        self, category: str, district: str, street: str, said: str, today: datetime.date
    ) -> tuple[UnitAdvice, ...]:
        """Return units for a matter, best first; `said` begins with its title."""
        return self._units.advise(category, district, street, said, today=today)

    def answers(self, text: str, area: str, limit: int, today: datetime.date) -> tuple[KnowledgeAnswer, ...]:
        """Return articles that answer `text`."""
        return self._knowledge.find(text, today=today, area=area, limit=limit)

    def _learn(self, order: PastOrder) -> None:
        item, history = order.item, self._units.history
        known = self._given.get(item.order_id)
        if known is not None:
            if known.unit == order.unit:
                return
            history.take_back(
                known.unit, category=known.category, district=known.district, text=known.text, at=known.at
            )
            del self._given[item.order_id]
        if order.unit:
            text = f"{item.title}。{item.text[:100]}"
            history.note(
                order.unit, category=item.category, district=item.district, text=text, at=order.updated_at
            )
            self._given[item.order_id] = _Learned(
                unit=order.unit,
                category=item.category,
                district=item.district,
                text=text,
                at=order.updated_at,
            )
