"""How right dispatches were, computed from what happened afterwards: by rule, source, category, unit. Pure.

A dispatch is *wrong* when another unit got the order in its place (its return was accepted, it was dispatched
anew or ruled to another unit) or when a clerk said so of a sample. It is *settled* when it is wrong, or when
the unit signed for it and no return or dispute of it waits for a ruling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from orders.course_events import (
    DisputeRaised,
    DisputeRuled,
    OrderDispatched,
    OrderReturned,
    OrderSigned,
    ReturnRuled,
)
from orders.course_messages import SYSTEM
from orders.messages import OrderEvent

__all__ = ["DEFINITIONS", "DispatchFact", "DispatchFigures", "Happened", "facts_of", "figures", "source_kind"]

DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        "dispatched": "派单数：所选期间建立的工单，每派一次计一次（改派、重派也计）；争议裁定不计",
        "settled": "已定数：承办单位已签收且没有待裁的退单、争议，或已查明派错的派单",
        "wrong": "派错数：退单被同意、改派给其他单位、争议裁定给其他单位，或抽查判为错派",
        "accuracy": "派单准确率 =（已定数 − 派错数）÷ 已定数",
        "returned": "退单数：主办单位提出过退单的派单",
        "return_rate": "退单率 = 退单数 ÷ 派单数",
        "sampled": "抽查数：抽查后已给出对错的自动派单；抽查准确率 = 判对数 ÷ 抽查数",
    }
)
"""What each figure means, in Chinese."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event of an order, with the id it is stored under."""

    event: OrderEvent  # what
    event_id: str  # under which it is stored
    at: float  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchFact:
    """One dispatch, and what became of it."""

    event_id: str  # of the dispatch
    at: float  # epoch seconds
    source: str  # "clerk", "rule:<id>", "learned" …
    auto: bool  # no person did it
    unit: str  # the lead
    category: str = ""  # of the order
    signed: bool = False  # the lead signed for it
    waiting: bool = False  # a return or dispute of it waits for a ruling
    returned: bool = False  # the lead gave it back, rightly or not
    wrong: bool = False  # another unit has it instead, or a clerk said so
    verdict: bool | None = None  # of a clerk who looked at the sample, None: nobody did

    @property
    def settled(self) -> bool:
        """Whether it is known if it was right."""
        return self.wrong or (self.signed and not self.waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchFigures:
    """The figures of one group; rates are None while there is nothing to divide by."""

    key: str  # rule id, source, category or unit
    auto: int  # of the dispatches, those without a person
    dispatched: int
    settled: int
    wrong: int
    returned: int
    sampled: int  # verdicts
    sampled_right: int
    accuracy: float | None
    return_rate: float | None
    sample_accuracy: float | None


def facts_of(
    events: Iterable[Happened], *, category: str, verdicts: Mapping[str, bool] = MappingProxyType({})
) -> tuple[DispatchFact, ...]:
    """Return the dispatches of one order, oldest first; `verdicts` are those of samples, by event id."""
    facts: list[DispatchFact] = []
    open_: DispatchFact | None = None
    for one in events:
        event = one.event
        if isinstance(event, OrderDispatched):
            if open_ is not None:
                facts.append(replace(open_, wrong=open_.wrong or open_.unit != event.lead, waiting=False))
            open_ = DispatchFact(
                event_id=one.event_id, at=one.at, source=event.source, auto=event.by == SYSTEM,
                unit=event.lead, category=category,
            )  # fmt: skip
        elif open_ is not None:
            open_ = _after(open_, event)
            if isinstance(event, DisputeRuled):
                facts.append(open_)
                open_ = None
    if open_ is not None:
        facts.append(open_)
    return tuple(_judged(fact, verdicts.get(fact.event_id)) for fact in facts)


def figures(facts: Iterable[DispatchFact], by: str) -> tuple[DispatchFigures, ...]:
    """Return the figures of each group, the largest first; `by` is rule, source, category, unit or all."""
    groups: dict[str, list[DispatchFact]] = {}
    for fact in facts:
        key = _key(fact, by)
        if key is not None:
            groups.setdefault(key, []).append(fact)
    found = [_counted(key, group) for key, group in groups.items()]
    return tuple(sorted(found, key=lambda one: (-one.dispatched, one.key)))


def source_kind(source: str) -> str:
    """Return what kind of source it is: rule, learned, duty, usual or clerk."""
    kind = source.partition(":")[0]
    return kind if kind in ("rule", "learned", "duty", "usual") else "clerk"


def _after(fact: DispatchFact, event: OrderEvent) -> DispatchFact:
    match event:
        case OrderSigned(unit=unit) if unit == fact.unit:
            return replace(fact, signed=True)
        case OrderReturned(unit=unit) if unit == fact.unit:
            return replace(fact, returned=True, waiting=True)
        case ReturnRuled(accepted=accepted):
            return replace(fact, waiting=False, wrong=fact.wrong or accepted)
        case DisputeRaised():
            return replace(fact, waiting=True)
        case DisputeRuled(lead=lead):
            return replace(fact, waiting=False, wrong=fact.wrong or lead != fact.unit, signed=True)
        case _:
            return fact


def _judged(fact: DispatchFact, verdict: bool | None) -> DispatchFact:
    return fact if verdict is None else replace(fact, verdict=verdict, wrong=fact.wrong or not verdict)


def _key(fact: DispatchFact, by: str) -> str | None:
    if by == "rule":
        return fact.source.removeprefix("rule:") if fact.source.startswith("rule:") else None
    if by == "source":
        return source_kind(fact.source) if not fact.auto else f"auto:{source_kind(fact.source)}"
    if by == "category":
        return fact.category
    return fact.unit if by == "unit" else ""


def _counted(key: str, facts: Sequence[DispatchFact]) -> DispatchFigures:
    settled = sum(fact.settled for fact in facts)
    wrong = sum(fact.wrong for fact in facts)
    returned = sum(fact.returned for fact in facts)
    sampled = sum(fact.verdict is not None for fact in facts)
    right = sum(fact.verdict is True for fact in facts)
    return DispatchFigures(
        key=key,
        auto=sum(fact.auto for fact in facts),
        dispatched=len(facts),
        settled=settled,
        wrong=wrong,
        returned=returned,
        sampled=sampled,
        sampled_right=right,
        accuracy=_rate(settled - wrong, settled),
        return_rate=_rate(returned, len(facts)),
        sample_accuracy=_rate(right, sampled),
    )


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
