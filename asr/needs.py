"""What a waiting citizen's words ask of the router, by rules that an administrator edits. Pure.

A result only ever adds: queues beside the call's own, priority, urgency. What to do with it is for the
router's side to decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from asr.draft_rules import (
    DraftRules,
    RulesError,
    UrgencyRule,
    as_cues,
    as_list,
    as_mapping,
    as_text,
    as_words,
    cues_in,
    read_document,
)

MOST_SENTENCES = 60
"""Sentences that are read, the newest; who waits longer has said it by then."""

MOST_TEXT = 600
"""Characters of a sentence that are read."""

MOST_PRIORITY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What was asked for so far."""

    queues: tuple[str, ...] = ()  # further queues whose agents know the matter
    priority: int = 0  # points to be added
    urgent: bool = False  # before everybody who is not
    rules: tuple[str, ...] = ()  # names of the rules that said so


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What one rule gives."""

    queue: str = ""
    priority: int = 0
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """When a citizen is taken to speak what the recogniser does not know."""

    queue: str  # whose agents may
    characters: int  # after so many
    below: float  # mean confidence, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedRules:
    """All rules, and what each gives."""

    rules: tuple[tuple[UrgencyRule, Worth], ...]
    unclear: Unclear | None = None
    source: str = field(default="", compare=False)

    @classmethod
    def load(cls, path: Path | None = None, *, draft: DraftRules | None = None) -> NeedRules:
        """Read the rules; without a path the ones that come with the product.

        `draft` holds the rules of urgency, by default the shipped ones.

        Raises:
            RulesError: the file cannot be read, or something in it is not as described at its top.
        """
        name, document = read_document(path or files("asr") / "data" / "needs.yaml")
        top = as_mapping(name, "the file", document, ("urgency", "needs", "unclear"))
        levels = _levels(name, top.get("urgency"))
        urgency = (draft or DraftRules.load()).urgency
        rules = [(rule, levels[rule.level]) for rule in urgency if rule.level in levels]
        needs = as_list(name, "needs", top.get("needs"))
        rules += [_rule(name, f"needs[{index}]", item) for index, item in enumerate(needs)]
        return cls(rules=tuple(rules), unclear=_unclear(name, top.get("unclear")), source=name)

    def read(self, sentences: Sequence[tuple[str, float]]) -> Needs:
        """Return what these sentences (text, confidence 0 to 1) of a citizen ask for."""
        read = [(text[:MOST_TEXT], sure) for text, sure in sentences[-MOST_SENTENCES:]]
        found = [
            (rule.name, worth) for rule, worth in self.rules if _applies(rule, [text for text, _ in read])
        ]
        if self.unclear is not None and _is_unclear(self.unclear, read):
            found.append(("unclear", Worth(queue=self.unclear.queue)))
        return Needs(
            queues=tuple(dict.fromkeys(worth.queue for _, worth in found if worth.queue)),
            priority=max((worth.priority for _, worth in found), default=0),
            urgent=any(worth.urgent for _, worth in found),
            rules=tuple(dict.fromkeys(name for name, _ in found)),
        )


def _applies(rule: UrgencyRule, texts: Sequence[str]) -> bool:
    """Whether one sentence, or two that follow one another, hold a cue of every group."""
    hits = [cues_in(rule, text) for text in texts]
    pairs = zip(hits, [*hits[1:], {}], strict=False)
    return any(
        all(any(cue in one or cue in two for cue in group) for group in rule.groups) for one, two in pairs
    )


def _is_unclear(unclear: Unclear, sentences: Sequence[tuple[str, float]]) -> bool:
    length = sum(len(text) for text, _ in sentences)
    if length < unclear.characters:
        return False
    return sum(len(text) * sure for text, sure in sentences) / length < unclear.below


# ---------------------------------------------------------------- reading the file


def _levels(name: str, value: object) -> Mapping[str, Worth]:
    levels = as_mapping(name, "urgency", value, ("特急", "紧急"))
    return {level: _worth(name, f"urgency.{level}", item, ()) for level, item in levels.items()}


def _rule(name: str, key: str, item: object) -> tuple[UrgencyRule, Worth]:
    worth = _worth(name, key, item, ("name", "all", "unless"))
    found = as_mapping(name, key, item, ("name", "all", "unless", "queue", "priority", "urgent"))
    groups = tuple(
        as_cues(name, f"{key}.all[{index}]", group, 1.0)
        for index, group in enumerate(as_list(name, f"{key}.all", found.get("all")))
    )
    if not groups or not all(groups):
        raise RulesError(f"{name}: {key}.all is empty; write at least one group with one cue")
    rule = UrgencyRule(
        name=as_text(name, f"{key}.name", found.get("name")),
        level="",
        groups=groups,
        unless=as_words(name, f"{key}.unless", found.get("unless")),
    )
    return rule, worth


def _worth(name: str, key: str, item: object, beside: tuple[str, ...]) -> Worth:
    found = as_mapping(name, key, item, (*beside, "queue", "priority", "urgent"))
    queue, priority, urgent = found.get("queue", ""), found.get("priority", 0), found.get("urgent", False)
    if queue != "":
        queue = as_text(name, f"{key}.queue", queue)
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= MOST_PRIORITY:
        raise RulesError(
            f"{name}: {key}.priority is {priority!r}; write a whole number, 0 to {MOST_PRIORITY}"
        )
    if not isinstance(urgent, bool):
        raise RulesError(f"{name}: {key}.urgent is {urgent!r}; write true or false")
    if not (queue or priority or urgent):
        raise RulesError(f"{name}: {key} gives nothing; write a queue, a priority or urgent: true")
    return Worth(queue=str(queue), priority=priority, urgent=urgent)


def _unclear(name: str, value: object) -> Unclear | None:
    if value is None:
        return None
    found = as_mapping(name, "unclear", value, ("queue", "characters", "below"))
    characters, below = found.get("characters"), found.get("below")
    if isinstance(characters, bool) or not isinstance(characters, int) or not 1 <= characters <= 1000:
        raise RulesError(f"{name}: unclear.characters is {characters!r}; write a whole number, 1 to 1000")
    if isinstance(below, bool) or not isinstance(below, int | float) or not 0 <= below <= 1:
        raise RulesError(f"{name}: unclear.below is {below!r}; write a number from 0 to 1")
    return Unclear(
        queue=as_text(name, "unclear.queue", found.get("queue")), characters=characters, below=float(below)
    )
