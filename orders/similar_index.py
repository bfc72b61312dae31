"""An inverted index over hashed terms that is filled, emptied and asked one order at a time.

Each order gets a slot, counted upwards; a changed order gets a new one. What is dropped stays in the posting
lists until its list has grown to twice what was alive in it: dropping costs next to nothing, and memory is
bounded all the same. Everything is kept as bytes, which Python's garbage collector need not walk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orders.similar_terms import BUCKETS, Bag, Ids, Terms

__all__ = ["Postings"]

POSTINGS_MOST = 24_000
"""Entries that one question walks through; the most telling terms come first."""
TERMS_MOST = 40
LEAST_LIMIT = 16
"""Entries of a posting list when it is cleaned for the first time."""

Slots = NDArray[np.int64]
Weights = NDArray[np.float32]

_WEIGHTS: Weights = (1.0 + np.log(np.maximum(np.arange(256), 1))).astype(np.float32)
"""Count of a term in an order -> its weight there."""


class _Field:
    """One kind of terms: how many orders have each, and which of them an order has."""

    def __init__(self) -> None:
        self.orders = np.zeros(BUCKETS, dtype=np.int32)  # that have the term
        self._ids: dict[int, bytes] = {}
        self._counts: dict[int, bytes] = {}
        self._own = np.zeros(BUCKETS, dtype=np.float32)  # only filled while a question is asked

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, slot: int) -> bool:
        return slot in self._ids

    def bag(self, slot: int) -> Bag:
        """What an order has."""
        return _bag(self._ids[slot], self._counts[slot])

    def put(self, slot: int, bag: Bag) -> None:
        """Take an order up."""
        self._ids[slot] = bag.ids.tobytes()
        self._counts[slot] = bag.counts.tobytes()
        self.orders[bag.ids] += 1

    def drop(self, slot: int) -> None:
        """Forget an order."""
        self.orders[self.bag(slot).ids] -= 1
        del self._ids[slot], self._counts[slot]

    def rarity(self, ids: Ids) -> Weights:
        """How much each term tells (inverse document frequency, smoothed as scikit-learn does)."""
        rare: Weights = np.log((1.0 + len(self)) / (1.0 + self.orders[ids])).astype(np.float32) + 1.0
        return rare

    def weigh(self, bag: Bag) -> Weights:
        """Weights of a bag's terms, made so that their squares sum up to 1."""
        weights: Weights = _WEIGHTS[bag.counts] * self.rarity(bag.ids)
        return weights / max(float(np.sqrt(np.square(weights).sum())), 1e-6)

    def cosines(self, bag: Bag, slots: Sequence[int]) -> Weights:
        """Cosine of `bag` and each slot, 0 to 1."""
        alike = np.zeros(len(slots), dtype=np.float32)
        parts = [self._ids[slot] for slot in slots]
        lengths = np.array([len(part) for part in parts], dtype=np.int64) // 4
        filled = np.flatnonzero(lengths)
        if not len(filled) or not len(bag.ids):
            return alike
        every = _bag(b"".join(parts), b"".join([self._counts[slot] for slot in slots]))
        weights = _WEIGHTS[every.counts] * self.rarity(every.ids)
        starts = np.concatenate(([0], np.cumsum(lengths[filled])[:-1]))
        self._own[bag.ids] = self.weigh(bag)
        dots = np.add.reduceat(weights * self._own[every.ids], starts)
        self._own[bag.ids] = 0.0
        alike[filled] = dots / np.sqrt(np.add.reduceat(weights * weights, starts))
        return alike


class Postings:
    """Term -> slots, and slot -> terms."""

    def __init__(self) -> None:
        self._fields = (_Field(), _Field())  # words of all, pairs of the title
        self._lists: dict[int, bytearray] = {}  # term + number of its field * BUCKETS -> slots
        self._limits: dict[int, int] = {}  # entries at which a list is cleaned of dropped slots
        self._scale = np.zeros((2, 1024), dtype=np.float32)  # by slot - base: 1 / length, 0 for dropped
        self._base = 0
        self._next = 0

    def __len__(self) -> int:
        return len(self._fields[0])

    @property
    def span(self) -> int:
        """Slots between the oldest and the newest."""
        return self._next - self._base

    def advance(self) -> int:
        """Give the room of dropped slots at the old end free; return the oldest slot in use, or the next."""
        base = self._base
        while base < self._next and base not in self._fields[0]:
            base += 1
        if base > self._base:
            self._scale[:, : self._next - base] = self._scale[:, base - self._base : self.span].copy()
            self._scale[:, self._next - base :] = 0.0
            self._base = base
        return base

    def put(self, terms: Terms) -> int:
        """Take terms up; return their slot."""
        return self._put(terms.words, terms.title)

    def renew(self, slot: int) -> int:
        """Give what has this slot the newest one."""
        words, title = (field.bag(slot) for field in self._fields)
        self.drop(slot)
        return self._put(words, title)

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        for field in self._fields:
            field.drop(slot)
        self._scale[:, slot - self._base] = 0.0

    def candidates(self, terms: Terms, most: int) -> Slots:
        """Slots that share telling terms with `terms`: the best `most` by a rough count, in no order."""
        keys: list[int] = []
        telling: list[float] = []
        for kind, (field, bag) in enumerate(zip(self._fields, (terms.words, terms.title), strict=True)):
            keys += (bag.ids + np.int64(kind * BUCKETS)).tolist()
            telling += (field.weigh(bag) * field.rarity(bag.ids)).tolist()
        order = sorted(range(len(keys)), key=lambda at: -telling[at])[:TERMS_MOST]
        parts: list[NDArray[np.int32]] = []
        shares: list[float] = []
        kinds: list[int] = []
        total = 0
        for at in order:
            entries = self._lists.get(keys[at])
            if entries is None or (total and total + len(entries) // 4 > POSTINGS_MOST):
                continue
            parts.append(np.frombuffer(bytes(entries), dtype=np.int32))
            shares.append(telling[at])
            kinds.append(int(keys[at] >= BUCKETS))
            total += len(entries) // 4
        if not parts:
            return np.zeros(0, dtype=np.int64)
        slots = np.concatenate(parts) - self._base
        lengths = [len(part) for part in parts]
        weights = np.repeat(np.array(shares, dtype=np.float32), lengths)
        rows = np.repeat(np.array(kinds), lengths)
        inside = slots >= 0
        if not inside.all():
            slots, weights, rows = slots[inside], weights[inside], rows[inside]
        rough = np.bincount(slots, weights=weights * self._scale[rows, slots], minlength=1)
        found = np.flatnonzero(rough)
        if len(found) > most:
            found = found[np.argpartition(-rough[found], most)[:most]]
        slots_found: Slots = found + self._base
        return slots_found

    def cosines(self, terms: Terms, slots: Sequence[int]) -> tuple[Weights, Weights]:
        """How alike `terms` and each slot are, 0 to 1: all their words, and their titles."""
        return self._fields[0].cosines(terms.words, slots), self._fields[1].cosines(terms.title, slots)

    def _put(self, words: Bag, title: Bag) -> int:
        slot = self._next
        self._next += 1
        if self.span > self._scale.shape[1]:
            self._scale = np.concatenate((self._scale, np.zeros_like(self._scale)), axis=1)
        entry = slot.to_bytes(4, "little")
        for kind, (field, bag) in enumerate(zip(self._fields, (words, title), strict=True)):
            field.put(slot, bag)
            weights = _WEIGHTS[bag.counts] * field.rarity(bag.ids)
            length = float(np.sqrt(np.square(weights).sum()))
            self._scale[kind, slot - self._base] = 1.0 / max(1.0, length)
            for key in (bag.ids + np.int64(kind * BUCKETS)).tolist():
                entries = self._lists.get(key)
                if entries is None:
                    self._lists[key] = bytearray(entry)
                    continue
                entries += entry
                if len(entries) >= 4 * self._limits.get(key, LEAST_LIMIT):
                    self._clean(key, entries)
        return slot

    def _clean(self, key: int, entries: bytearray) -> None:
        """Take the slots that were dropped out of a list."""
        slots = np.frombuffer(bytes(entries), dtype=np.int32)
        inside = slots >= self._base
        kept = slots[inside][self._scale[0, slots[inside] - self._base] > 0.0]
        self._lists[key] = bytearray(kept.tobytes())
        self._limits[key] = max(LEAST_LIMIT, 2 * len(kept))


def _bag(ids: bytes, counts: bytes) -> Bag:
    return Bag(np.frombuffer(ids, dtype=np.int32), np.frombuffer(counts, dtype=np.uint8))
