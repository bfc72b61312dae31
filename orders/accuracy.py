"""How right the machine's fields were, told by what agents submitted. Pure: events in, counts out.

For each submitted order and field, M is the machine's last value before an agent first touched the field (or
before the order was submitted), S what was submitted:

- right: M = S, neither empty. The agent left it, accepted it, or typed the very same.
- corrected: M and S differ, neither empty.
- missed: M is empty, S is not: the agent filled it.
- not needed: S is empty, M is not: the agent cleared it.
- both empty: nothing to judge, not counted.

    precision 准确率 = right / (right + corrected + not_needed)      of what the machine filled
    recall 填充率    = right / (right + corrected + missed)          of what was needed

A corrected or missed field is `second` as well when what was submitted is the machine's second thought, which
it offered beside what the agent had typed: it heard right, but late. What it says in agreement with the agent
is no event, so only a second thought that the agent took over is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from orders.fields import looks_like_phone
from orders.lifecycle import CALLER_ID
from orders.messages import DraftOpened, FieldEdited, FieldSuggested, OrderEvent, OrderField, OrderSubmitted

__all__ = ["Accuracy", "Counts", "Judgement", "Outcome", "family", "judge", "summed"]


class Outcome(StrEnum):
    """What became of the machine's value."""

    RIGHT = "right"  # 准确
    CORRECTED = "corrected"  # 被改
    MISSED = "missed"  # 漏填
    NOT_NEEDED = "not_needed"  # 多填


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One field of one submitted order."""

    field: OrderField  # which
    outcome: Outcome  # how right
    source: str  # who said the machine's value, as `family` calls it; "" for missed
    second: bool = False  # corrected or missed, and the machine's second thought was submitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Judgements added up."""

    right: int = 0
    corrected: int = 0
    missed: int = 0
    not_needed: int = 0
    second: int = 0  # of corrected and missed

    @property
    def filled(self) -> int:
        """Fields that the machine filled."""
        return self.right + self.corrected + self.not_needed

    @property
    def precision(self) -> float | None:
        """Share of what the machine filled that stood, None where it filled nothing."""
        return self.right / self.filled if self.filled else None

    @property
    def recall(self) -> float | None:
        """Share of what was needed that the machine filled rightly, None where nothing was needed."""
        needed = self.right + self.corrected + self.missed
        return self.right / needed if needed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Counts of many orders."""

    orders: int  # submitted orders that were judged
    fields: Mapping[OrderField, Counts] = field(default_factory=dict)  # those with anything to judge
    sources: Mapping[tuple[OrderField, str], Counts] = field(default_factory=dict)  # by source of the value


@dataclass(slots=True)
class _Story:
    """What happened to one field so far."""

    machine: str = ""  # the machine's value now
    source: str = ""  # where that came from
    touched: bool = False  # an agent did
    value: str = ""  # what stands
    afterwards: set[str] = field(default_factory=set)  # what the machine said once an agent had touched it


def judge(events: Iterable[OrderEvent]) -> tuple[Judgement, ...]:
    """Judge the fields of one order by its events, in their order; () for one that was not submitted."""
    stories: dict[OrderField, _Story] = {}
    for event in events:
        if isinstance(event, DraftOpened) and looks_like_phone(event.caller):
            stories[OrderField.PHONE] = _Story(machine=event.caller, source=CALLER_ID, value=event.caller)
        elif isinstance(event, FieldSuggested):
            _suggested(stories.setdefault(OrderField(event.field), _Story()), event)
        elif isinstance(event, FieldEdited):
            story = stories.setdefault(OrderField(event.field), _Story())
            story.touched = True
            story.value = event.value
        elif isinstance(event, OrderSubmitted):
            judged = (_judged(name, stories[name]) for name in OrderField if name in stories)
            return tuple(one for one in judged if one is not None)
    return ()


def _suggested(story: _Story, event: FieldSuggested) -> None:
    if story.touched:
        story.afterwards.add(event.value)
        return
    story.machine = story.value = event.value
    story.source = event.source


def _judged(name: OrderField, story: _Story) -> Judgement | None:
    machine, submitted = _plain(name, story.machine), _plain(name, story.value)
    if not machine and not submitted:
        return None
    if machine == submitted:
        return Judgement(field=name, outcome=Outcome.RIGHT, source=family(story.source))
    if not submitted:
        return Judgement(field=name, outcome=Outcome.NOT_NEEDED, source=family(story.source))
    second = any(_plain(name, said) == submitted for said in story.afterwards)
    if not machine:
        return Judgement(field=name, outcome=Outcome.MISSED, source="", second=second)
    return Judgement(field=name, outcome=Outcome.CORRECTED, source=family(story.source), second=second)


_SPACES = re.compile(r"\s+")
_DIALLED = re.compile(r"[\s-]")


def _plain(name: OrderField, value: str) -> str:
    """The value without what makes no difference: spaces around and in rows, dashes in a number."""
    if name is OrderField.PHONE:
        return _DIALLED.sub("", value)
    return _SPACES.sub(" ", value.strip())


def family(source: str) -> str:
    """Return what values of one kind are counted under: a rule's group, a gazetteer's way, a model's version.

    "rule:urgency/停水" is counted under "rule:urgency", "model:3" and "gazetteer/sound" under themselves.
    """
    return source.split("/")[0] if source.startswith("rule:") else source


def summed(orders: Iterable[Iterable[OrderEvent]]) -> Accuracy:
    """Judge many orders, each given by its events, and add up."""
    count = 0
    fields: dict[OrderField, Counts] = {}
    sources: dict[tuple[OrderField, str], Counts] = {}
    for events in orders:
        judged = judge(events)
        count += bool(judged)
        for one in judged:
            fields[one.field] = _with(fields.get(one.field, Counts()), one)
            if one.source:
                key = (one.field, one.source)
                sources[key] = _with(sources.get(key, Counts()), one)
    ordered = {name: fields[name] for name in OrderField if name in fields}
    return Accuracy(orders=count, fields=ordered, sources=dict(sorted(sources.items())))


def _with(counts: Counts, one: Judgement) -> Counts:
    match one.outcome:
        case Outcome.RIGHT:
            return replace(counts, right=counts.right + 1)
        case Outcome.CORRECTED:
            return replace(counts, corrected=counts.corrected + 1, second=counts.second + one.second)
        case Outcome.NOT_NEEDED:
            return replace(counts, not_needed=counts.not_needed + 1)
        case Outcome.MISSED:
            return replace(counts, missed=counts.missed + 1, second=counts.second + one.second)
