"""Orders that may speak of the same matter (诉求查重): by what is said, where, when and by whom. Pure.

index = SimilarIndex()
index.put(SimilarItem(order_id="…", title="…", text="…", at=…))
index.find(SimilarItem(…), limit=10, now=…)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from orders.messages import SimilarOrder
from orders.similar_index import Postings
from orders.similar_score import Evidence, kind_of, reason_of, score_of
from orders.similar_terms import Terms, telling_words, terms_of

__all__ = ["SimilarIndex", "SimilarItem"]

CANDIDATES = 128
"""Orders that are compared word by word for one question."""
LOOKED_AT = 40
"""So many more than are asked for, the most alike, are looked at for place, time and caller, too."""
CALLERS_KEPT = 16
"""Newest orders of one caller that are candidates whatever they say."""
LEAST_SCORE = 0.05
"""Below it an order is not worth an agent's look."""
LIMIT_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarItem:
    """What of an order counts when it is compared with others."""

    order_id: str  # which
    number: str = ""  # 工单编号
    title: str = ""  # its title
    text: str = ""  # what was said
    at: float = 0.0  # opened, epoch seconds
    district: str = ""  # 区县
    street: str = ""  # 街道
    place: str = ""  # estate, road or landmark
    category: str = ""  # 事项分类
    caller: str = ""  # calling number


class SimilarIndex:
    """Orders in memory, the newest `capacity` of them."""

    def __init__(self, capacity: int = 100_000) -> None:
        """Keep at most `capacity` orders; one more drops the one that was put first."""
        self._capacity = max(1, capacity)
        self._postings = Postings()
        self._slots: dict[str, int] = {}
        self._kept: dict[int, SimilarItem] = {}  # without their texts
        self._names: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}  # of the title, of all
        self._callers: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def put(self, item: SimilarItem) -> None:
        """Take an order up, or take it up anew with what it says now."""
        self.drop(item.order_id)
        terms = _terms(item)
        slot = self._postings.put(terms)
        self._kept[slot] = replace(item, text="")
        self._names[slot] = (tuple(terms.title_names), tuple(terms.names))
        self._slots[item.order_id] = slot
        if item.caller:
            self._callers.setdefault(item.caller, []).append(slot)
        self._make_room()

    def drop(self, order_id: str) -> None:
        """Forget an order; nothing where it is not here."""
        slot = self._slots.pop(order_id, None)
        if slot is None:
            return
        kept = self._kept.pop(slot)
        self._postings.drop(slot)
        del self._names[slot]
        if kept.caller:
            slots = self._callers[kept.caller]
            slots.remove(slot)
            if not slots:
                del self._callers[kept.caller]

    def find(
        self, item: SimilarItem, *, limit: int = 10, now: float, least: float = LEAST_SCORE
    ) -> tuple[SimilarOrder, ...]:
        """Return the orders that are most surely the same matter, best first, the item itself excluded.

        `now` (epoch seconds) is what “2小时前” counts from; how near two orders are in time counts from
        the item's own `at`, or from `now` when it has none. Orders with a score below `least` are left out.
        """
        limit = min(max(0, limit), LIMIT_MOST)
        asked = _Asked(item)
        found = self._postings.candidates(asked.terms, max(CANDIDATES, 2 * limit)).tolist()
        of_caller = self._callers.get(item.caller, ())[-CALLERS_KEPT:]
        slots = list({*found, *of_caller} - {self._slots.get(item.order_id)})
        texts, titles = self._postings.cosines(asked.terms, slots)
        closest = np.argsort(-(texts + titles), kind="stable")[: limit + LOOKED_AT].tolist()
        moment = item.at or now
        scored: list[tuple[float, int, Evidence]] = []
        for at in closest:
            slot, other = slots[at], self._kept[slots[at]]
            evidence = asked.beside(
                other, self._names[slot], float(texts[at]), float(titles[at]), abs(moment - other.at)
            )
            score = score_of(evidence)
            if score >= least:
                scored.append((score, slot, evidence))
        scored.sort(key=lambda one: (-one[0], -one[1]))
        return tuple(
            asked.found(self._kept[slot], round(score, 3), evidence, now)
            for score, slot, evidence in scored[:limit]
        )

    def _make_room(self) -> None:
        """Keep the number of orders, and of slots that the counters span, within bounds."""
        while len(self._slots) > self._capacity:
            self.drop(self._kept[self._postings.advance()].order_id)
        if self._postings.span <= 2 * self._capacity + 1024:
            return
        oldest = self._postings.advance()
        if self._postings.span <= 2 * self._capacity + 1024:
            return
        slot = self._postings.renew(oldest)
        kept = self._kept[slot] = self._kept.pop(oldest)
        self._names[slot] = self._names.pop(oldest)
        self._slots[kept.order_id] = slot
        if kept.caller:
            slots = self._callers[kept.caller]
            slots[slots.index(oldest)] = slot


def _terms(item: SimilarItem) -> Terms:
    return terms_of(item.title, item.text, (item.place,))


class _Asked:
    """An order that others are compared with."""

    def __init__(self, item: SimilarItem) -> None:
        self.item = item
        self.terms = _terms(item)
        self.said = f"{item.title}。{item.text}"
        self._kind = kind_of(item.place)

    def beside(
        self, other: SimilarItem, names: tuple[tuple[str, ...], tuple[str, ...]], text: float, title: float,
        apart_s: float,
    ) -> Evidence:  # fmt: skip
        """Say what it has in common with another order; `names` are those of its title and of all of it."""
        item, (of_title, of_all) = self.item, names
        same = different = ""
        if item.place and other.place:
            if item.place in other.place or other.place in item.place:
                same = self._kind
            elif other.place not in self.said and kind_of(other.place) == self._kind:
                different = self._kind
        for name, mine, theirs in (
            ("街道", item.street, other.street),
            ("区县", item.district, other.district),
        ):
            if mine and theirs:
                if mine in theirs or theirs in mine:
                    same = same or name
                elif theirs not in self.said:
                    different = different or name
        mine_names = self.terms.title_names
        crossing = not mine_names.isdisjoint(of_all) or not self.terms.names.isdisjoint(of_title)
        return Evidence(
            text=text,
            title=title,
            same_place=same,
            other_place=different,
            shared_name=crossing,
            other_names=bool(mine_names and of_title) and not crossing,
            same_caller=bool(item.caller) and item.caller == other.caller,
            same_category=bool(item.category) and item.category == other.category,
            apart_s=apart_s,
        )

    def found(self, other: SimilarItem, score: float, evidence: Evidence, now: float) -> SimilarOrder:
        """Say in Chinese why the other was found."""
        words = telling_words(self.said, other.title, most=3)
        return SimilarOrder(
            order_id=other.order_id,
            number=other.number,
            title=other.title,
            at=other.at,
            score=score,
            reason=reason_of(evidence, words, max(0.0, now - other.at)),
            district=other.district,
        )
