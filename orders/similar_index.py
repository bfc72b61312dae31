"""An inverted index over hashed terms that is filled, emptied and asked one order at a time.

Each order gets a slot, counted upwards; a changed order gets a new one. What is dropped stays in the posting
lists until its list is next looked at for growth, so that dropping costs nothing and memory is still bounded.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from orders.similar_terms import BUCKETS, Ids, Terms, Weights

__all__ = ["Postings"]

POSTINGS_MOST = 80_000
"""Entries that one question walks through; the rarest terms come first."""
TERMS_MOST = 64
LEAST_LIMIT = 16


class Postings:
    """Term -> slots, and slot -> terms."""

    def __init__(self) -> None:
        self._lists: dict[int, array[int]] = {}
        self._limits: dict[int, int] = {}  # length at which a list is cleaned of dropped slots
        self._vectors: dict[int, tuple[Ids, NDArray[np.float16]]] = {}
        self._counts = np.zeros(BUCKETS, dtype=np.int32)  # orders that have the term
        self._scale = np.zeros(1024, dtype=np.float32)  # slot - base -> 1 / length of its vector, 0 dropped
        self._scratch = np.zeros(BUCKETS, dtype=np.float32)
        self._base = 0
        self._next = 0

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def span(self) -> int:
        """Slots between the oldest and the newest."""
        return self._next - self._base

    def advance(self) -> int:
        """Give the room of dropped slots at the old end free; return the oldest slot in use, or the next."""
        base = self._base
        while base < self._next and base not in self._vectors:
            base += 1
        if base > self._base:
            self._scale[: self._next - base] = self._scale[base - self._base : self.span].copy()
            self._scale[self._next - base :] = 0.0
            self._base = base
        return base

    def put(self, terms: Terms) -> int:
        """Take terms up; return their slot."""
        return self._put(terms.ids, terms.weights.astype(np.float16))

    def renew(self, slot: int) -> int:
        """Give what has this slot the newest one."""
        ids, weights = self._vectors[slot]
        self.drop(slot)
        return self._put(ids, weights)

    def _put(self, ids: Ids, weights: NDArray[np.float16]) -> int:
        slot = self._next
        self._next += 1
        if self.span > len(self._scale):
            self._scale = np.concatenate((self._scale, np.zeros_like(self._scale)))
        self._scale[slot - self._base] = 1.0 / max(
            1e-6, float(np.sqrt(np.square(weights, dtype=np.float32).sum()))
        )
        self._vectors[slot] = (ids, weights)
        self._counts[ids] += 1
        lists, limits, alive = self._lists, self._limits, self._vectors
        for term in ids.tolist():
            entries = lists.get(term)
            if entries is None:
                lists[term] = array("i", (slot,))
                continue
            entries.append(slot)
            if len(entries) >= limits.get(term, LEAST_LIMIT):
                kept = array("i", [one for one in entries if one in alive])
                lists[term] = kept
                limits[term] = max(LEAST_LIMIT, 2 * len(kept))
        return slot

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        ids, _ = self._vectors.pop(slot)
        self._counts[ids] -= 1
        self._scale[slot - self._base] = 0.0

    def rarity(self, ids: Ids) -> Weights:
        """How much each term tells: the less orders have it, the more (BM25's inverse frequency)."""
        counts = self._counts[ids]
        rare: Weights = np.log1p((len(self) - counts + 0.5) / (counts + 0.5)).astype(np.float32)
        return rare

    def candidates(self, terms: Terms, most: int) -> NDArray[np.int64]:
        """Slots that share telling terms with `terms`, best first by a rough count."""
        rare = self.rarity(terms.ids)
        telling = terms.weights * rare * rare
        parts: list[NDArray[np.int32]] = []
        shares: list[float] = []
        total = 0
        for at in np.argsort(-telling)[:TERMS_MOST].tolist():
            entries = self._lists.get(int(terms.ids[at]))
            if entries is None:
                continue
            if total + len(entries) > POSTINGS_MOST and parts:
                continue
            parts.append(np.frombuffer(entries, dtype=np.int32))
            shares.append(float(telling[at]))
            total += len(entries)
        if not parts:
            return np.zeros(0, dtype=np.int64)
        slots = np.concatenate(parts) - self._base
        lengths = [len(part) for part in parts]
        del parts  # a list whose memory is looked at cannot grow
        weights = np.repeat(np.array(shares), lengths)
        inside = slots >= 0
        if not inside.all():
            slots, weights = slots[inside], weights[inside]
        rough = np.bincount(slots, weights=weights, minlength=self.span) * self._scale[: self.span]
        best = np.argpartition(-rough, most)[:most] if len(rough) > most else np.arange(len(rough))
        best = best[rough[best] > 0.0]
        return best[np.argsort(-rough[best])] + self._base

    def cosines(self, terms: Terms, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """How alike `terms` and each slot are, 0 to 1."""
        if not len(slots):
            return np.zeros(0, dtype=np.float32)
        vectors = [self._vectors[slot] for slot in slots.tolist()]
        ids = np.concatenate([vector[0] for vector in vectors])
        weights = np.concatenate([vector[1] for vector in vectors]).astype(np.float32) * self.rarity(ids)
        starts = np.cumsum([0, *(len(vector[0]) for vector in vectors[:-1])])
        own = terms.weights * self.rarity(terms.ids)
        self._scratch[terms.ids] = own
        dots = np.add.reduceat(weights * self._scratch[ids], starts)
        self._scratch[terms.ids] = 0.0
        lengths = np.sqrt(np.add.reduceat(weights * weights, starts)) * np.sqrt(np.square(own).sum())
        alike: NDArray[np.float32] = dots / np.maximum(lengths, 1e-6)
        return alike
