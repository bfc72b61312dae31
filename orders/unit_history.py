"""What people chose: units of submitted orders by category, district, words; older ones count less. Pure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TypeVar

from orders.similar_terms import words_of

__all__ = ["UnitHistory"]

Key = TypeVar("Key", bound=Hashable)

HALF_LIFE_S = 60 * 86_400.0
WORDS_MOST = 200_000
"""Pairs of word and unit that are remembered; then nothing new is learned of words."""
WORDS_OF_ORDER = 60
FORGET = 0.05
"""A weight below it is forgotten when weights are brought up to date."""
PRIOR_CHOICES = 4.0
"""So many choices of one category and district weigh as much as those of the category everywhere."""
PRIOR_WORDS = 4.0
"""So many orders with a word weigh as much as knowing nothing of it."""
PRIOR_UNIT = 0.5
"""Share of all orders that is thought to be spread evenly over the units."""
SOBERED = 0.6
"""Words of one text are not independent: what each tells counts less than it would alone."""


class UnitHistory:
    """Weights of choices, brought up to date by one growing factor instead of touching each of them."""

    def __init__(self) -> None:
        self._at = 0.0  # weights are those of this moment
        self._by_area: dict[tuple[str, str], dict[str, float]] = {}
        self._by_category: dict[str, dict[str, float]] = {}
        self._by_word: dict[str, dict[str, float]] = {}
        self._by_unit: dict[str, float] = {}
        self._pairs = 0

    def __len__(self) -> int:
        """Units that were ever chosen."""
        return len(self._by_unit)

    @property
    def choices(self) -> float:
        """How many choices are remembered, older ones counting less."""
        return sum(self._by_unit.values())

    def often(self, most: int = 3) -> tuple[str, ...]:
        """Return the units that were chosen most, the most first."""
        return tuple(sorted(self._by_unit, key=lambda unit: (-self._by_unit[unit], unit))[:most])

    def note(self, unit: str, *, category: str, district: str, text: str, at: float) -> None:
        """Somebody submitted an order of this category, district and text (title first) to `unit`."""
        if not unit:
            return
        weight = self._weight(at)
        _add(self._by_unit, unit, weight)
        if category:
            _add(self._by_area.setdefault((category, district), {}), unit, weight)
            _add(self._by_category.setdefault(category, {}), unit, weight)
        for word in _words(text):
            units = self._by_word.get(word)
            if units is None:
                if self._pairs >= WORDS_MOST:
                    continue
                units = self._by_word[word] = {}
            if unit not in units:
                if self._pairs >= WORDS_MOST:
                    continue
                self._pairs += 1
            _add(units, unit, weight)

    def take_back(self, unit: str, *, category: str, district: str, text: str, at: float) -> None:
        """Forget a choice that was noted with the same values: the unit gave the order back."""
        if unit not in self._by_unit:
            return
        weight = self._weight(at)
        _take(self._by_unit, unit, weight)
        if category:
            _take(self._by_area.get((category, district), {}), unit, weight)
            _take(self._by_category.get(category, {}), unit, weight)
        for word in _words(text):
            _take(self._by_word.get(word, {}), unit, weight)

    def chosen(self, category: str, district: str) -> tuple[Mapping[str, float], float]:
        """Return unit -> share of what was chosen for this category and district, and how many choices."""
        everywhere = self._by_category.get(category, {})
        here = self._by_area.get((category, district), {}) if district else {}
        total_all, total_here = sum(everywhere.values()), sum(here.values())
        if total_all <= 0.0:
            return {}, 0.0
        near = total_here / (total_here + PRIOR_CHOICES)
        shares = {
            unit: near * here.get(unit, 0.0) / max(total_here, 1e-9) + (1 - near) * weight / total_all
            for unit, weight in everywhere.items()
        }
        return shares, total_all

    def by_words(self, text: str) -> Mapping[str, float]:
        """Return unit -> share by the words of a text (naive Bayes; an unknown word favours none)."""
        total = sum(self._by_unit.values())
        if total <= 0.0:
            return {}
        whole = total * (1.0 + PRIOR_UNIT)
        each = PRIOR_UNIT * total / len(self._by_unit)
        prior = {unit: (weight + each) / whole for unit, weight in self._by_unit.items()}
        logs = {unit: math.log(share) for unit, share in prior.items()}
        seen = 0
        for word in _words(text):
            units = self._by_word.get(word)
            if units is None:
                continue
            seen += 1
            times = sum(units.values())
            for unit, share in prior.items():
                likely = (units.get(unit, 0.0) + PRIOR_WORDS * share) / (times + PRIOR_WORDS)
                logs[unit] += SOBERED * math.log(likely / share)
        if not seen:
            return {}
        top = max(logs.values())
        raised = {unit: math.exp(value - top) for unit, value in logs.items()}
        summed = sum(raised.values())
        return {unit: value / summed for unit, value in raised.items()}

    def _weight(self, at: float) -> float:
        if not self._by_unit:
            self._at = at
        if at - self._at > 8 * HALF_LIFE_S:
            self._settle(at)
        return float(2.0 ** max(-20.0, (at - self._at) / HALF_LIFE_S))

    def _settle(self, at: float) -> None:
        """Make `at` the moment of all weights, and forget what has become small."""
        factor = 2.0 ** ((self._at - at) / HALF_LIFE_S)
        self._at = at
        self._by_area = _faded(self._by_area, factor)
        self._by_category = _faded(self._by_category, factor)
        self._by_word = _faded(self._by_word, factor)
        self._by_unit = {unit: weight * factor for unit, weight in self._by_unit.items()}
        self._pairs = sum(map(len, self._by_word.values()))


def _faded(table: Mapping[Key, Mapping[str, float]], factor: float) -> dict[Key, dict[str, float]]:
    faded = {
        key: {unit: weight * factor for unit, weight in units.items() if weight * factor >= FORGET}
        for key, units in table.items()
    }
    return {key: units for key, units in faded.items() if units}


def _words(text: str) -> set[str]:
    return {word for word in words_of(text)[:WORDS_OF_ORDER] if len(word) >= 2 and not word.isascii()}


def _take(units: dict[str, float], unit: str, weight: float) -> None:
    if unit in units:
        left = units[unit] - weight
        if left > FORGET * weight:
            units[unit] = left
        else:
            del units[unit]


def _add(units: dict[str, float], unit: str, weight: float) -> None:
    units[unit] = units.get(unit, 0.0) + weight
