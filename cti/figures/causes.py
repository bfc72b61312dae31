"""Why a call was not connected as the rule asks: not by a person, or later than the rule's seconds. Pure.

Every call that broke the rule has exactly one cause: the first that holds of those below, in order. What
came before the citizen's wait (our failure, closed hours) goes before what happened in it (a missed ring),
and that before how many people were there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from cti.figures.definitions import words
from cti.figures.facts import CallFact, Facts, Rules, Span
from cti.message_base import Outcome

__all__ = ["CAUSES", "Break", "Cause", "CauseText", "breaks", "broke", "cause", "causes_shown", "counts"]

_LEFT = frozenset({Outcome.ABANDONED_WAITING, Outcome.ABANDONED_IN_FLOW})


class Cause(StrEnum):
    """Why."""

    OUR_FAILURE = "our_failure"
    SERVER_AWAY = "server_away"
    OUTSIDE_HOURS = "outside_hours"
    FLOW_CHOICE = "flow_choice"
    GAVE_UP_EARLY = "gave_up_early"
    MISSED_RING = "missed_ring"
    NOBODY_SIGNED_IN = "nobody_signed_in"
    ALL_AWAY = "all_away"
    ALL_BUSY = "all_busy"
    SLOW_ANSWER = "slow_answer"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseText:
    """A cause in Chinese."""

    title: str  # what it is called
    rule: str  # exactly when it is the cause


CAUSES: Mapping[Cause, CauseText] = MappingProxyType(
    {
        Cause.OUR_FAILURE: CauseText(title="系统故障", rule="来电因系统故障结束，或结果未能记录"),
        Cause.SERVER_AWAY: CauseText(
            title="服务器中断", rule="排队期间服务器中断：由应急队列接听，或被另一台服务器接管后续排"
        ),
        Cause.OUTSIDE_HOURS: CauseText(title="非服务时间", rule="来电时日历为非服务时间或节假日"),
        Cause.FLOW_CHOICE: CauseText(
            title="市民选择其他方式", rule="由流程办结：约定回拨、留言、转其他号码接通"
        ),
        Cause.GAVE_UP_EARLY: CauseText(title="市民很快挂断", rule="排队不足 {short_s} 秒即挂断"),
        Cause.MISSED_RING: CauseText(title="坐席漏接", rule="至少一名坐席的话机振铃而未接、拒接或不可达"),
        Cause.NOBODY_SIGNED_IN: CauseText(
            title="该技能无人签入", rule="开始排队时，没有能接此来电的坐席签入"
        ),
        Cause.ALL_AWAY: CauseText(
            title="坐席全部示忙", rule="开始排队时，能接此来电的坐席都在小休、用餐等示忙状态"
        ),
        Cause.ALL_BUSY: CauseText(title="坐席全忙", rule="开始排队时，能接此来电的坐席都在通话、振铃或整理"),
        Cause.SLOW_ANSWER: CauseText(
            title="有空闲坐席而未及时接起", rule="开始排队时有空闲坐席，仍超过 {answer_s} 秒或放弃"
        ),
        Cause.UNKNOWN: CauseText(title="原因未记录", rule="开始排队时的坐席状况没有记录"),
    }
)
"""Every cause, in the order in which they are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One call that broke the rule."""

    call: CallFact
    cause: Cause


def broke(call: CallFact, rules: Rules) -> bool:
    """Whether a call that asked for a person was not answered within the rule's seconds; False while open."""
    if not call.offered or not call.decided:
        return False
    return call.answered is None or round((call.wait_s or 0.0) * 1000) > round(rules.answer_s * 1000)


def cause(call: CallFact, rules: Rules) -> Cause | None:
    """Return why the call broke the rule; None when it did not, or is not decided."""
    if not broke(call, rules):
        return None
    if call.answered is None and call.outcome not in _LEFT and call.outcome is not Outcome.SERVED:
        return Cause.OUR_FAILURE
    if call.native or call.failures:
        return Cause.SERVER_AWAY
    if call.opening in ("closed", "holiday"):
        return Cause.OUTSIDE_HOURS
    if call.answered is None and call.outcome is Outcome.SERVED:
        return Cause.FLOW_CHOICE
    if call.answered is None and round((call.wait_s or 0.0) * 1000) < round(rules.short_s * 1000):
        return Cause.GAVE_UP_EARLY
    if call.missed:
        return Cause.MISSED_RING
    return _staffing(call)


def _staffing(call: CallFact) -> Cause:
    if call.staff_ready is None or call.staff_busy is None or call.staff_away is None:
        return Cause.UNKNOWN
    if call.staff_ready:
        return Cause.SLOW_ANSWER
    if call.staff_busy:
        return Cause.ALL_BUSY
    return Cause.ALL_AWAY if call.staff_away else Cause.NOBODY_SIGNED_IN


def breaks(facts: Facts, *, span: Span, rules: Rules) -> tuple[Break, ...]:
    """Return every call of a span that broke the rule, with its cause, newest first."""
    found = [
        Break(call=call, cause=why)
        for call in facts.calls
        if span.holds(call.started) and (why := cause(call, rules)) is not None
    ]
    found.sort(key=lambda one: (-one.call.started, one.call.call_id))
    return tuple(found)


def counts(found: Iterable[Break]) -> Mapping[Cause, int]:
    """Return how often each cause was it; all causes are named, most often first."""
    numbers = dict.fromkeys(Cause, 0)
    for one in found:
        numbers[one.cause] += 1
    return dict(sorted(numbers.items(), key=lambda each: -each[1]))


def causes_shown(rules: Rules) -> list[dict[str, str]]:
    """Return key, title and rule of every cause, as pages and files show them."""
    told = words(rules)
    return [
        {"key": why.value, "title": text.title, "rule": text.rule.format_map(told)}
        for why, text in CAUSES.items()
    ]
