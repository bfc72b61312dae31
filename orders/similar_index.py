"""An inverted index over hashed terms that is filled, emptied and asked one order at a time.

Each order gets a slot, counted upwards; a changed order gets a new one. What is dropped stays in the posting
lists until its list has grown to twice what was alive in it: dropping costs next to nothing, and memory is
bounded all the same. Everything is kept as bytes, which Python's garbage collector need not walk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from orders.similar_terms import BUCKETS, Bag, Ids, Terms

__all__ = ["Postings"]

POSTINGS_MOST = 24_000
"""Entries that one question walks through; the most telling terms come first."""
TERMS_MOST = 40
LEADING_MOST = 10
"""Orders that tell what else is said of the matter."""
LEADING_LEAST = 0.5
"""Below it (cosine of words and of titles, together 0 to 2) an order tells nothing of the matter."""
LEADING_SHARE = np.float32(0.375)
"""How much likeness to these counts, beside likeness to the question."""
LEAST_LIMIT = 16
"""Entries of a posting list when it is cleaned for the first time."""

Slots = NDArray[np.int64]
Weights = NDArray[np.float32]

_WEIGHTS: Weights = (1.0 + np.log(np.maximum(np.arange(256), 1))).astype(np.float32)
"""Count of a term in an order -> its weight there."""


@dataclass(frozen=True, slots=True)
class Block:
    """The weighed terms of several orders, one after another."""

    ids: Ids
    weights: Weights
    lengths: NDArray[np.int64]  # terms of each order
    own: Weights  # by bucket, all zero: room to look weights up in

    def cosines(self, ids: Ids, weights: Weights) -> Weights:
        """Cosine of terms whose squares sum up to 1 and each order, 0 to 1."""
        self.own[ids] = weights
        alike = self.sums(self.weights * self.own[self.ids])
        self.own[ids] = 0.0
        return alike

    def middle(self, shares: Weights) -> Weights:
        """Cosine of each order and all of them mixed by `shares`."""
        each = np.repeat(shares, self.lengths)
        some = each > 0.0
        ids = self.ids[some]
        np.add.at(self.own, ids, self.weights[some] * each[some])
        alike = self.sums(self.weights * self.own[self.ids])
        self.own[ids] = 0.0
        return alike

    def sums(self, values: Weights) -> Weights:
        """Add up what belongs to each order."""
        added = np.zeros(len(self.lengths), dtype=np.float32)
        filled = np.flatnonzero(self.lengths)
        if len(filled):
            starts = np.concatenate(([0], np.cumsum(self.lengths[filled])[:-1]))
            added[filled] = np.add.reduceat(values, starts)
        return added


class _Field:
    """One kind of terms: how many orders have each, and which of them an order has."""

    def __init__(self) -> None:
        self.orders = np.zeros(BUCKETS, dtype=np.int32)  # that have the term
        self._logs = np.zeros(BUCKETS, dtype=np.float32)  # logarithm of one more than that
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
        self._count(bag.ids, 1)

    def drop(self, slot: int) -> None:
        """Forget an order."""
        self._count(self.bag(slot).ids, -1)
        del self._ids[slot], self._counts[slot]

    def rarity(self, ids: Ids) -> Weights:
        """How much each term tells (inverse document frequency, smoothed as scikit-learn does)."""
        rare: Weights = np.float32(1.0 + math.log(1.0 + len(self))) - self._logs[ids]
        return rare

    def weigh(self, bag: Bag) -> Weights:
        """Weights of a bag's terms, made so that their squares sum up to 1."""
        weights: Weights = _WEIGHTS[bag.counts] * self.rarity(bag.ids)
        return weights / max(float(np.sqrt(np.square(weights).sum())), 1e-6)

    def block(self, slots: Sequence[int]) -> Block:
        """What each slot has, weighed; a slot's squares sum up to 1."""
        ids = [self._ids[slot] for slot in slots]
        lengths = np.array([len(part) for part in ids], dtype=np.int64) // 4
        every = _bag(b"".join(ids), b"".join([self._counts[slot] for slot in slots]))
        weights = _WEIGHTS[every.counts] * self.rarity(every.ids)
        block = Block(every.ids, weights, lengths, self._own)
        norms = np.sqrt(block.sums(weights * weights))
        return replace(block, weights=weights / np.repeat(norms, lengths))

    def _count(self, ids: Ids, change: int) -> None:
        orders = self.orders[ids] + np.int32(change)
        self.orders[ids] = orders
        self._logs[ids] = np.log1p(orders)


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
        """How alike `terms` and each slot are, 0 to 1: all their words, and their titles.

        Those that are most alike tell more of the matter than one order does: how alike each slot and
        these are counts, too (pseudo-relevance feedback among the slots).
        """
        fields = list(zip(self._fields, (terms.words, terms.title), strict=True))
        blocks = [field.block(slots) for field, _ in fields]
        alike = [
            block.cosines(bag.ids, field.weigh(bag))
            for block, (field, bag) in zip(blocks, fields, strict=True)
        ]
        shares = _leading(alike[0] + alike[1])
        if shares is None:
            return alike[0], alike[1]
        # a leading one is as like itself as the question is: else it would speak for itself
        mixed = [
            one + LEADING_SHARE * (block.middle(shares) - shares * (block.lengths > 0) + shares * one - one)
            for one, block in zip(alike, blocks, strict=True)
        ]
        return mixed[0], mixed[1]

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


def _leading(alike: Weights) -> Weights | None:
    """Shares of those most alike, which sum up to 1; None when none is alike enough."""
    shares: Weights = np.zeros_like(alike)
    first = np.argsort(-alike, kind="stable")[:LEADING_MOST]
    shares[first] = np.where(alike[first] > LEADING_LEAST, alike[first], np.float32(0.0))
    total = np.float32(shares.sum())
    return shares / total if total > 0.0 else None


def _bag(ids: bytes, counts: bytes) -> Bag:
    return Bag(np.frombuffer(ids, dtype=np.int32), np.frombuffer(counts, dtype=np.uint8))
