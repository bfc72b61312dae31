"""The rules by which a draft is read: types, urgency and matters, from files that an administrator edits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path

from asr.draft_file import (
    RulesError,
    as_list,
    as_mapping,
    as_text,
    as_words,
    read_document,
)
from asr.gazetteer import sound

__all__ = [
    "Category",
    "Cue",
    "DraftRules",
    "MoodRule",
    "NotNow",
    "RulesError",
    "TypeRule",
    "UrgencyRule",
    "as_cues",
    "as_list",
    "as_mapping",
    "as_text",
    "as_words",
    "cues_in",
    "mask",
    "read_document",
]

TYPES = ("咨询", "求助", "投诉", "举报", "建议", "表扬")
LEVELS = ("特急", "紧急")
"""Levels a rule may set, the most urgent first; without a rule an order is 一般."""

OPENS = 2.5
"""Weight of words with which a call is opened; they count in its first two sentences only."""
_WEIGHTS: Mapping[str, float] = {"said": 4.0, "opens": OPENS, "likely": 1.5, "hint": 0.6}
_LONG_ENOUGH = 3
_GAP = "[^，。！？,.!?]{0,8}?"
_DENIED = re.compile(
    r"(?:没有|没|不是|不会|不要|未|无|别|防止|避免|不算|谈不上)(?:人|发生|出现|说|在|再|要|什么)?$"
)
_HINT = 0.35
MOODS = ("平静", "焦急", "不满", "愤怒")
"""Moods from calm to angry; 平静 needs no cue."""


@lru_cache(maxsize=4_000)
def sounds_of(text: str) -> str:
    """Return how a text sounds, each syllable between bars, so that one can be sought in another."""
    return "".join(f"|{syllable}" for syllable in sound(text)) + "|"


@dataclass(frozen=True)
class Cue:
    """A piece of what citizens say, and how much it counts."""

    words: str  # as written in the file; * is a gap
    weight: float  # how much it counts

    @cached_property
    def first(self) -> str:
        """What stands before the first gap: a text without it can hold the cue by its sound only."""
        return self.words.partition("*")[0]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The cue as a regular expression."""
        return gapped(self.words)

    @cached_property
    def sounds(self) -> str:
        """How the cue sounds, "" for short cues and those with a gap, which are compared as written only."""
        return "" if "*" in self.words or len(self.words) < _LONG_ENOUGH else sounds_of(self.words)

    def find(self, text: str) -> tuple[int, int] | None:
        """Return begin and end of the first place in the text where the cue is said and not denied.

        A cue of three characters or more is also found when it was heard with others of the same sound.
        """
        return next(self.places(text), None)

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield begin and end of every place in the text where the cue is said and not denied."""
        for start, end in self._places(text):
            if _DENIED.search(text[max(0, start - 5) : start]) is None:
                yield start, end

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        if "*" in self.words or self.words in text:
            for match in self.pattern.finditer(text):
                yield match.span()
        elif self.sounds:
            whole = sounds_of(text)
            position = whole.find(self.sounds)
            if position >= 0:
                start = whole.count("|", 0, position)
                yield start, start + len(self.words)


@dataclass(frozen=True, kw_only=True, eq=False)
class TypeRule:
    """How one type (诉求类型) is told."""

    name: str  # one of TYPES
    cues: tuple[Cue, ...]  # what speaks for it
    unless: tuple[str, ...] = ()  # phrases in which cues do not count


@dataclass(frozen=True, kw_only=True, eq=False)
class UrgencyRule:
    """What makes an order urgent."""

    name: str  # named beside the value
    level: str  # one of LEVELS
    groups: tuple[tuple[Cue, ...], ...]  # one cue of each group must be said
    unless: tuple[str, ...] = ()  # phrases in which cues do not count

    @cached_property
    def cues(self) -> tuple[Cue, ...]:
        """The cues of all groups."""
        return tuple(cue for group in self.groups for cue in group)


@dataclass(frozen=True, kw_only=True, eq=False)
class NotNow:
    """What shows that an urgent matter is over, was long ago, is only feared or announced."""

    before: tuple[str, ...] = ()  # said before the cue in its clause: 去年, 如果, 担心
    after: tuple[str, ...] = ()  # said right behind the cue: 过, 通知, 怎么办
    clause: tuple[str, ...] = ()  # said anywhere in its clause: 赔偿, 什么时候停
    over: tuple[str, ...] = ()  # said in the same sentence or one of the next two: 已经来水
    still: tuple[str, ...] = ()  # said in the cue's sentence it is now after all: 到现在, 没有通知


@dataclass(frozen=True, kw_only=True, eq=False)
class MoodRule:
    """How one mood is told."""

    name: str  # one of MOODS
    cues: tuple[Cue, ...]  # what speaks for it
    unless: tuple[str, ...] = ()  # phrases in which cues do not count


@dataclass(frozen=True, kw_only=True, eq=False)
class Category:
    """One matter of the taxonomy."""

    level1: str  # e.g. 城乡建设
    level2: str  # e.g. 供水
    matter: str  # how a title calls it
    cues: tuple[Cue, ...]  # what speaks for it
    matters: Mapping[str, str]  # how a title calls it when this cue was said

    unless: tuple[str, ...] = ()  # phrases in which cues do not count

    @property
    def path(self) -> str:
        """The order's value: both levels with a slash between."""
        return f"{self.level1}/{self.level2}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRules:
    """Everything an administrator can change about how drafts are read."""

    types: tuple[TypeRule, ...]
    urgency: tuple[UrgencyRule, ...]  # the most urgent level first
    categories: tuple[Category, ...]
    not_now: NotNow = field(default_factory=NotNow)  # when an urgent matter does not count
    moods: tuple[MoodRule, ...] = ()  # the strongest mood first
    further: tuple[str, ...] = ()  # how a further matter is begun: 还有一个事, 另外

    @classmethod
    def load(cls, rules: Path | None = None, categories: Path | None = None) -> DraftRules:
        """Read the rules and the taxonomy; without a path the ones that come with the product.

        Raises:
            RulesError: a file cannot be read or something in it is not as described at its top.
        """
        data = files("asr") / "data"
        name, document = read_document(rules or data / "rules.yaml")
        top = as_mapping(name, "the file", document, ("types", "urgency", "not_now", "moods", "further"))
        types, urgency = _rules(name, top)
        return cls(
            types=types,
            urgency=urgency,
            not_now=_not_now(name, top.get("not_now")),
            moods=tuple(_moods(name, top.get("moods"))),
            further=as_words(name, "further", top.get("further")),
            categories=_categories(*read_document(categories or data / "categories.yaml")),
        )


def mask(text: str, phrases: Sequence[str]) -> str:
    """Return the text with the phrases blotted out, so that nothing inside them counts.

    In a phrase, * is a gap as in a cue.
    """
    for phrase in phrases:
        if phrase in text:
            text = text.replace(phrase, "□" * len(phrase))
        elif "*" in phrase and phrase.partition("*")[0] in text:
            text = gapped(phrase).sub(_blot, text)
    return text


def _blot(match: re.Match[str]) -> str:
    return "□" * len(match.group())


@lru_cache(maxsize=4_000)
def gapped(words: str) -> re.Pattern[str]:
    """Return a cue as a regular expression, its * as up to eight characters of the same clause."""
    return re.compile(_GAP.join(re.escape(part) for part in words.split("*")))


@lru_cache(maxsize=60_000)
def cues_in(rule: TypeRule | UrgencyRule | MoodRule | Category, text: str) -> Mapping[Cue, tuple[int, int]]:
    """Return which cues of a rule are said in a sentence, and where.

    Remembered, because a draft reads the earlier sentences of its call again and again.
    """
    masked = mask(text, rule.unless)
    sounds = ""
    found: dict[Cue, tuple[int, int]] = {}
    for cue in rule.cues:
        if cue.first not in masked:
            if not cue.sounds:
                continue
            sounds = sounds or sounds_of(masked)
            if cue.sounds not in sounds:
                continue
        span = cue.find(masked)
        if span is not None:
            found[cue] = span
    return found


# ---------------------------------------------------------------- reading the files


def as_cues(name: str, key: str, value: object, weight: float) -> tuple[Cue, ...]:
    """Return a list of cues of one weight. Raises RulesError naming the key."""
    cues = tuple(Cue(words, weight) for words in as_words(name, key, value))
    for index, cue in enumerate(cues):
        if len(cue.words.replace("*", "")) < 1 or cue.words.startswith("*") or cue.words.endswith("*"):
            raise RulesError(f"{name}: {key}[{index}] is {cue.words!r}; put * only between words")
    return cues


def _rules(name: str, top: Mapping[str, object]) -> tuple[tuple[TypeRule, ...], tuple[UrgencyRule, ...]]:
    types = as_mapping(name, "types", top.get("types"), TYPES)
    urgency = as_list(name, "urgency", top.get("urgency"))
    rules = tuple(_urgency_rule(name, f"urgency[{index}]", item) for index, item in enumerate(urgency))
    ordered = tuple(rule for level in LEVELS for rule in rules if rule.level == level)
    return tuple(_type_rule(name, kind, item) for kind, item in types.items()), ordered


def _type_rule(name: str, kind: str, item: object) -> TypeRule:
    found = as_mapping(name, f"types.{kind}", item, (*_WEIGHTS, "unless"))
    cues = [
        cue
        for strength, weight in _WEIGHTS.items()
        for cue in as_cues(name, f"types.{kind}.{strength}", found.get(strength), weight)
    ]
    return TypeRule(
        name=kind, cues=tuple(cues), unless=as_words(name, f"types.{kind}.unless", found.get("unless"))
    )


def _not_now(name: str, item: object) -> NotNow:
    kinds = ("before", "after", "clause", "over", "still")
    found = as_mapping(name, "not_now", item or {}, kinds)
    return NotNow(**{kind: as_words(name, f"not_now.{kind}", found.get(kind)) for kind in kinds})


def _moods(name: str, item: object) -> Iterator[MoodRule]:
    moods = as_mapping(name, "moods", item or {}, MOODS)
    for mood in reversed(MOODS):
        if mood in moods:
            found = as_mapping(name, f"moods.{mood}", moods[mood], ("cues", "unless"))
            yield MoodRule(
                name=mood,
                cues=as_cues(name, f"moods.{mood}.cues", found.get("cues"), 1.0),
                unless=as_words(name, f"moods.{mood}.unless", found.get("unless")),
            )


def _urgency_rule(name: str, key: str, item: object) -> UrgencyRule:
    found = as_mapping(name, key, item, ("name", "level", "all", "unless"))
    level = found.get("level")
    if level not in LEVELS:
        raise RulesError(f"{name}: {key}.level is {level!r}; write one of {', '.join(LEVELS)}")
    groups = tuple(
        as_cues(name, f"{key}.all[{index}]", group, 1.0)
        for index, group in enumerate(as_list(name, f"{key}.all", found.get("all")))
    )
    if not groups or not all(groups):
        raise RulesError(f"{name}: {key}.all is empty; write at least one group with one cue")
    return UrgencyRule(
        name=as_text(name, f"{key}.name", found.get("name")),
        level=str(level),
        groups=groups,
        unless=as_words(name, f"{key}.unless", found.get("unless")),
    )


def _categories(name: str, document: object) -> tuple[Category, ...]:
    found = tuple(_children(name, as_list(name, "the file", document)))
    paths: set[str] = set()
    for category in found:
        if category.path in paths:
            raise RulesError(f"{name}: {category.path} stands there twice; keep one")
        paths.add(category.path)
    return found


def _children(name: str, document: Sequence[object]) -> Iterator[Category]:
    for index, item in enumerate(document):
        top = as_mapping(name, f"[{index}]", item, ("name", "children"))
        level1 = as_text(name, f"[{index}].name", top.get("name"))
        for number, child in enumerate(as_list(name, f"{level1}.children", top.get("children"))):
            key = f"{level1}.children[{number}]"
            found = as_mapping(name, key, child, ("name", "matter", "cues", "hints", "matters"))
            words = as_words(name, f"{key}.cues", found.get("cues"))
            hints = as_cues(name, f"{key}.hints", found.get("hints"), _HINT)
            said = (*words, *(hint.words for hint in hints))
            matters = _matters(name, f"{key}.matters", found.get("matters"), said)
            yield Category(
                level1=level1,
                level2=as_text(name, f"{key}.name", found.get("name")),
                matter=as_text(name, f"{key}.matter", found.get("matter")),
                cues=(*(Cue(word, _length_weight(word)) for word in words), *hints),
                matters=matters,
            )


def _matters(name: str, key: str, value: object, cues: tuple[str, ...]) -> Mapping[str, str]:
    found = as_mapping(name, key, value or {}, cues)
    return {cue: as_text(name, f"{key}.{cue}", matter) for cue, matter in found.items()}


def _length_weight(words: str) -> float:
    """A longer cue says more: 1 character 0.4, 2 characters 1, 3 characters 1.5, 4 or more 2."""
    return {1: 0.4, 2: 1.0, 3: 1.5}.get(len(words.replace("*", "")), 2.0)
