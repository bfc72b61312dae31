"""Which unit (承办单位) could handle a matter: three suggestions with reasons. Pure.

Three kinds of knowledge: rules of the city (category and area -> unit), what people chose before, and what
units are for (duties as words and categories). A rule in force comes first; the other two are mixed, the
more by what was chosen the more often something was chosen.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orders.messages import UnitAdvice
from orders.unit_history import UnitHistory
from orders.unit_table import Unit, UnitRule, shipped_units

__all__ = ["UnitAdvisor"]

ADVICE_MOST = 3
TEXT_MAX = 800
HEAD = 60
"""The beginning of a text, with its title, says more than the rest."""
LEAST = 0.05
CHOICES_HALF = 8.0
"""After so many choices of a category they count as much as duties do."""
WORDS_HALF = 1000.0
"""After so many choices in all, their words count half of what they can."""
RULE_CONFIDENCE = 0.9
WIDER = 0.2
"""A rule is so much less sure where a narrower one says something else."""
USUAL = ("城管", "城市管理", "住建", "住房和城乡建设", "市场监管", "市场监督管理")
"""Parts of names of units that most matters of a city go to."""
PLACE_LEVELS = frozenset({"county", "township"})

_GOVERNS = re.compile(r"政府|街道办|办事处")
_PATH = re.compile(r"[/>＞→·\\|]+|\s+-\s+")


@dataclass(slots=True)
class _Points:
    value: float = 0.0
    words: list[str] = field(default_factory=list)
    category: str = ""


class UnitAdvisor:
    """Advises from a table of units, rules, and a history that grows."""

    def __init__(
        self, units: Iterable[Unit], *, rules: Iterable[UnitRule] = (), history: UnitHistory | None = None
    ) -> None:
        """Use these units; `history` is shared with whoever notes choices in it."""
        self._units = {unit.name: unit for unit in units}
        self._rules = tuple(rules)
        self.history = history if history is not None else UnitHistory()
        owners: dict[str, list[str]] = {}
        for unit in self._units.values():
            for word in {*unit.words, *unit.also}:
                owners.setdefault(word, []).append(unit.name)
        self._words = [(word, tuple(names)) for word, names in owners.items()]

    @classmethod
    def shipped(cls, *, history: UnitHistory | None = None) -> UnitAdvisor:
        """An advisor that knows the departments that most cities have."""
        return cls(shipped_units(), history=history)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all units."""
        return tuple(self._units)

    def advise(
        self, category: str, district: str, street: str, text: str, *, today: datetime.date | None = None
    ) -> tuple[UnitAdvice, ...]:
        """Return at most three units, best first; () when nothing speaks for any.

        `category` may be a path (城乡建设/住房保障/物业管理); `text` begins with the title.
        Rules are those in force `today`; without it, those without dates.
        """
        path = tuple(part.strip() for part in _PATH.split(category) if part.strip())
        found: dict[str, UnitAdvice] = {}
        ruled = self._ruled(path, district, street, today)
        for narrow, rule in ruled:
            where = rule.street or rule.district
            reason = f"派单规则：{where}{rule.category}"
            confidence = RULE_CONFIDENCE + (0.05 if where else 0.0) - (WIDER if narrow < ruled[0][0] else 0.0)
            found.setdefault(
                rule.unit,
                UnitAdvice(
                    unit=rule.unit, reason=reason, source=f"rule:{rule.rule_id}", confidence=confidence
                ),
            )
        for advice in self._mixed(path, district, street, text):
            found.setdefault(advice.unit, advice)
        if found or path:
            for advice in self._usual(district, street):
                found.setdefault(advice.unit, advice)
        return tuple(found.values())[:ADVICE_MOST]

    def _ruled(
        self, path: Sequence[str], district: str, street: str, today: datetime.date | None
    ) -> list[tuple[int, UnitRule]]:
        """Rules in force that fit, each with how narrow it is, the narrowest first."""
        day = today.isoformat() if today is not None else ""
        fitting: list[tuple[int, UnitRule]] = []
        for rule in self._rules:
            parts = [part.strip() for part in _PATH.split(rule.category) if part.strip()]
            if not parts or not all(part in path for part in parts):
                continue
            if (rule.district and rule.district != district) or (rule.street and rule.street != street):
                continue
            if not _in_force(rule, day):
                continue
            depth = path.index(parts[-1])
            fitting.append((4 * depth + 2 * bool(rule.street) + bool(rule.district), rule))
        fitting.sort(key=lambda one: -one[0])
        return fitting

    def _mixed(self, path: Sequence[str], district: str, street: str, text: str) -> list[UnitAdvice]:
        points = self._by_duty(path, district, street, text[:TEXT_MAX])
        total = sum(one.value for one in points.values())
        duty = {unit: one.value / (total + 1.0) for unit, one in points.items()}
        chosen, choices = self.history.chosen("/".join(path), district) if path else ({}, 0.0)
        worded = self.history.by_words(text[:TEXT_MAX])
        by_choice = choices / (choices + CHOICES_HALF)
        learnt = self.history.choices
        by_word = 0.7 * learnt / (learnt + WORDS_HALF) if worded else 0.0
        shares: dict[str, float] = {}
        for unit in {*duty, *chosen, *worded}:
            value = (1 - by_word) * duty.get(unit, 0.0) + by_word * worded.get(unit, 0.0)
            shares[unit] = (1 - 0.6 * by_choice) * value + 0.6 * by_choice * chosen.get(unit, 0.0)
        best = sorted(shares.items(), key=lambda one: (-one[1], one[0]))
        advice: list[UnitAdvice] = []
        for unit, share in best:
            if share <= 0.0 or len(advice) == ADVICE_MOST:
                break
            name = self._filled(unit, district, street)
            if name and (share >= LEAST or unit in points):
                learned = (
                    share >= LEAST
                    and share - (1 - by_word) * (1 - 0.6 * by_choice) * duty.get(unit, 0.0) > share / 2
                )
                advice.append(
                    UnitAdvice(
                        unit=name,
                        reason=_why(points.get(unit), path, district, learned=learned),
                        source="learned" if learned else "duty",
                        confidence=round(min(0.95, share), 3),
                    )
                )
        return advice

    def _usual(self, district: str, street: str) -> Iterator[UnitAdvice]:
        """Units that may be asked where little speaks for any: those of the place, then the usual ones."""
        for unit in self._units.values():
            name, place = self._filled(unit.name, district, street), ""
            if "{" in unit.name:
                place = street if "{street}" in unit.name else district
            elif unit.level in PLACE_LEVELS and _GOVERNS.search(unit.name):
                place = next((area for area in (street, district) if area and area in unit.areas), "")
            if name and place:
                yield _unsure(name, f"属地：{place}", 0.04)
        often = self.history.often()
        usual = [name for name in often if name in self._units]
        for known in USUAL:
            usual += [unit.name for unit in self._units.values() if known in unit.name and not unit.areas]
        for name in usual:
            if filled := self._filled(name, district, street):
                yield _unsure(
                    filled, "以往承办较多，供参考" if name in often else "常见承办单位，供参考", 0.02
                )

    def _by_duty(self, path: Sequence[str], district: str, street: str, text: str) -> Mapping[str, _Points]:
        points: dict[str, _Points] = {}
        head = text[:HEAD]
        hits = [(word, names) for word, names in self._words if word in text]
        inside = " ".join(word for word, _ in hits)
        for word, names in hits:
            if inside.count(word) > 1 and any(
                word != other and word in other and text.count(word) <= text.count(other) for other, _ in hits
            ):
                continue  # only as a part of a longer word
            value = min(4, len(word)) / 2.0 / len(names) ** 0.5 * (2.0 if word in head else 1.0)
            for name in names:
                one = points.setdefault(name, _Points())
                one.value += value
                one.words.append(word)
        for unit in self._units.values():
            for depth, part in enumerate(path):
                if any(part == own or (len(own) > 1 and own in part) for own in unit.categories):
                    one = points.setdefault(unit.name, _Points())
                    one.value += 2.0 + 1.5 * depth
                    one.category = part
        for name, one in list(points.items()):
            unit = self._units[name]
            if unit.areas:
                if street and street in unit.areas:
                    one.value *= 1.6
                elif district and district in unit.areas:
                    one.value *= 1.4
                elif district or street:
                    del points[name]
        return points

    def _filled(self, unit: str, district: str, street: str) -> str:
        """The unit's name with its area put in, "" when the area is not known."""
        if "{district}" in unit:
            return unit.replace("{district}", district) if district else ""
        if "{street}" in unit:
            if not street:
                return ""
            office = street + "办事处" if street.endswith("街道") else street + "人民政府"
            return unit.replace("{street}", office)
        return unit


def _unsure(unit: str, reason: str, confidence: float) -> UnitAdvice:
    return UnitAdvice(unit=unit, reason=reason, source="usual", confidence=confidence)


def _in_force(rule: UnitRule, day: str) -> bool:
    """Whether a rule counts on this day (ISO); on no day, "", only rules without a beginning do."""
    if rule.since and (not day or day < rule.since):
        return False
    return not (rule.until and day > rule.until)


def _why(points: _Points | None, path: Sequence[str], district: str, *, learned: bool) -> str:
    parts: list[str] = []
    if learned:
        parts.append(f"{district}同类诉求以往多派给该单位" if path else "以往类似内容多派给该单位")
    if points is not None and points.category:
        parts.append(f"职责包含“{points.category}”")
    if points is not None and points.words:
        words = sorted(dict.fromkeys(points.words), key=lambda word: -len(word))[:3]
        parts.append("提到" + "、".join(words))
    return "；".join(parts)
