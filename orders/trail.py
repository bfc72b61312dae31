"""What happened to an order, said in Chinese: one sentence for each event of its trail (全程留痕). Pure.

Sentences name units, reasons and answers, and the time limits that an event sets. What stands in a citizen's
own fields (name, number, address, what they said) is not repeated: who may know it looks at the order itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

from orders import course_events as happened
from orders.course_messages import Clock, CorrectionCause, JointRule, Outcome, Solved
from orders.course_titles import CLOCKS, SUPERVISION
from orders.files import file_said
from orders.messages import (
    AttachmentAdded,
    AttachmentRemoved,
    DataErased,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    LinkKind,
    MergeUndone,
    OrderDiscarded,
    OrderEvent,
    OrderField,
    OrderLinked,
    OrderMerged,
    OrderSubmitted,
    OrderUnlinked,
    VisitRecorded,
)

__all__ = ["CAUSES", "FIELDS", "JOINT_RULES", "MARKS", "OUTCOMES", "SOLVED", "moment", "said", "source_said"]

_CHINA = timezone(timedelta(hours=8))

F = OrderField
FIELDS: Mapping[OrderField, str] = MappingProxyType(
    {
        F.TYPE: "诉求类型", F.CATEGORY: "事项分类", F.DISTRICT: "区县", F.STREET: "街道", F.PLACE: "地点",
        F.DETAIL: "详细地址", F.POINT: "坐标", F.SUBJECT: "被诉对象", F.PHONE: "联系电话",
        F.CONTACT: "联系人", F.CONTACT_BY: "联系方式", F.SECRECY: "保密要求", F.TIME: "发生时间",
        F.TIME_ISO: "发生时间（标准）", F.URGENCY: "紧急程度", F.MOOD: "情绪", F.UNIT: "承办单位",
        F.TITLE: "标题", F.SUMMARY: "诉求内容",
    }
)  # fmt: skip
"""What fields are called."""
_OPEN_FIELDS = frozenset({F.TYPE, F.CATEGORY, F.DISTRICT, F.URGENCY, F.SECRECY, F.UNIT, F.MOOD})
"""Fields whose values say nothing about the citizen."""

OUTCOMES: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.DONE: "已解决", Outcome.PARTLY: "部分解决", Outcome.EXPLAINED: "解释说明",
        Outcome.PLANNED: "列入计划", Outcome.REFUSED: "不予支持",
    }
)  # fmt: skip
JOINT_RULES: Mapping[JointRule, str] = MappingProxyType(
    {
        JointRule.FREE: "不等协办答复",
        JointRule.UNTIL_DUE: "等协办答复，协办逾期的不等",
        JointRule.ALL: "协办全部答复后才能反馈",
    }
)
SOLVED: Mapping[Solved, str] = MappingProxyType(
    {Solved.YES: "已解决", Solved.NO: "未解决", Solved.PARTLY: "部分解决"}
)
MARKS: Mapping[int, str] = MappingProxyType(
    {5: "非常满意", 4: "满意", 3: "一般", 2: "不满意", 1: "非常不满意"}
)
CAUSES: Mapping[CorrectionCause, str] = MappingProxyType(
    {
        CorrectionCause.RECORDED: "记录有误", CorrectionCause.CLASSED: "归类不当",
        CorrectionCause.CITIZEN: "市民补充更正", CorrectionCause.CHANGED: "情况变化",
        CorrectionCause.VERIFIED: "核实后更正", CorrectionCause.OTHER: "其他原因",
    }
)  # fmt: skip
"""Why an order was corrected."""
_SOURCES: Mapping[str, str] = MappingProxyType(
    {"clerk": "人工派单", "learned": "按以往派单习惯推荐", "duty": "按职责推荐", "usual": "按常见承办推荐"}
)
_LINKS: Mapping[LinkKind, str] = MappingProxyType(
    {LinkKind.RELATED: "关联工单", LinkKind.MERGED_INTO: "并入工单", LinkKind.JOINED: "并入了来电"}
)


def moment(at: float) -> str:
    """Return a time (epoch seconds) as it is in China, to the minute."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone(_CHINA):%Y-%m-%d %H:%M}"


def source_said(source: str) -> str:
    """Return from where the choice of a unit came (`OrderDispatched.source`)."""
    rule = source.removeprefix("rule:")
    return f"按派单规则 {rule}" if rule != source else _SOURCES.get(source, source)


def said(event: OrderEvent) -> str:
    """Return what happened as one Chinese sentence without its actor; "" where the event's title says all."""
    return _SAID[type(event)](event)


def _nothing(event: object) -> str:
    return ""


def _reason(event: Any) -> str:
    return str(event.reason)


def _text(event: Any) -> str:
    return f"{event.unit}：{event.text}" if event.text else str(event.unit)


def _of_unit(event: Any) -> str:
    return f"{event.unit}：{event.reason}" if event.unit else str(event.reason)


def _limits(clocks: Iterable[Clock]) -> str:
    own = [f"{CLOCKS[clock.kind]} {moment(clock.due)} 前" for clock in clocks if not clock.unit]
    return "、".join(own)


def _joined(*parts: str) -> str:
    return "；".join(part for part in parts if part)


def _units(event: Any) -> str:
    joint = f"协办 {'、'.join(event.joint)}（{JOINT_RULES[event.joint_rule]}）" if event.joint else ""
    return _joined(f"主办 {event.lead}" if hasattr(event, "lead") else "", joint)


def _dispatched(event: happened.OrderDispatched) -> str:
    limits = _limits(event.clocks)
    return _joined(
        _units(event),
        source_said(event.source),
        event.reason,
        "未经裁定的退单随之裁定" if event.rules_return else "",
        f"时限：{limits}" if limits else "",
    )


def _appealed(event: happened.AppealRaised) -> str:
    limits = _limits(event.clocks)
    return _joined(_of_unit(event), f"时限：{limits}" if limits else "")


def _ruled_dispute(event: happened.DisputeRuled) -> str:
    limits = _limits(event.clocks)
    return _joined(f"裁定由 {event.lead} 主办", event.reason, f"时限：{limits}" if limits else "")


def _joint_set(event: happened.JointSet) -> str:
    return _joined(_units(event) or "不再协办", event.reason)


def _asked(event: happened.ExtensionAsked) -> str:
    return f"{event.unit} 申请延期 {event.days} 个工作日：{event.reason}"


def _extension(event: happened.ExtensionRuled) -> str:
    until = f"，办理时限延至 {moment(event.due)}" if event.granted and event.due is not None else ""
    return f"{'同意' if event.granted else '不同意'}延期{until}：{event.reason}"


def _returned(event: happened.ReturnRuled) -> str:
    return f"{'同意退单，重新派单' if event.accepted else '不同意退单，由原单位办理'}：{event.reason}"


def _appeal(event: happened.AppealRuled) -> str:
    return f"{'申诉成立，该评价不计入考核' if event.upheld else '申诉不成立'}：{event.reason}"


def _fed_back(event: happened.FedBack) -> str:
    return f"{event.unit}（{OUTCOMES[event.outcome]}）：{event.text}"


def _reviewed(event: happened.FeedbackReviewed) -> str:
    wrong = "、".join(line.item for line in event.checklist if not line.ok)
    if event.passed:
        return _joined(f"审核通过，清单 {len(event.checklist)} 项均符合", event.reason)
    return _joined("审核不通过，退回补正", f"不符合：{wrong}" if wrong else "", event.reason)


def _rated(event: happened.OrderRated | happened.JoinedRated) -> str:
    parts = [
        f"并入的工单 {event.number}".strip() if isinstance(event, happened.JoinedRated) else "",
        f"办理结果{MARKS.get(event.result, '')}" if event.result is not None else "",
        f"服务态度{MARKS.get(event.service, '')}" if event.service is not None else "",
        SOLVED[event.solved] if event.solved is not None else "",
        "计为差评" if event.bad else "",
        f"“{event.words}”" if event.words else "",
    ]
    return _joined(*parts)


def _replied(event: happened.CitizenReplied) -> str:
    return _joined(f"并入的工单 {event.number}".strip() if event.other else "", f"“{event.words}”")


def _redone(event: happened.RedoOrdered) -> str:
    limits = _limits(event.clocks)
    return _joined(event.reason, f"新时限：{limits}" if limits else "")


def _supervised(event: happened.SupervisionSet) -> str:
    return f"{SUPERVISION[event.level]}：{event.reason}"


def _clocks(event: happened.ClocksSet) -> str:
    joint = [f"{clock.unit} {moment(clock.due)} 前" for clock in event.clocks if clock.unit]
    return _joined(_limits(event.clocks), "、".join(joint), event.reason)


def _clock(event: Any) -> str:
    whose = f"{event.unit} 的" if event.unit else ""
    until = f"，延至 {moment(event.due)}" if isinstance(event, happened.ClockResumed) and event.due else ""
    return f"{whose}{CLOCKS[event.kind]}时限{until}：{event.reason}"


def _merged(event: happened.CourseMerged) -> str:
    return _joined(f"并入工单 {event.number or event.into}", event.reason)


def _field(event: FieldEdited | FieldSuggested) -> str:
    field = next((known for known in F if known.value == event.field), None)
    if field is None:
        return event.field
    return f"{FIELDS[field]}：{event.value or '（清空）'}" if field in _OPEN_FIELDS else FIELDS[field]


def _corrected(event: happened.OrderCorrected) -> str:
    changes = "、".join(map(_change, event.changes))
    limits = _limits(event.clocks)
    return _joined(
        changes, f"{CAUSES[event.cause]}：{event.reason}", f"更正后时限：{limits}" if limits else ""
    )


def _change(change: happened.FieldChange) -> str:
    field = OrderField(change.field)
    if field not in _OPEN_FIELDS:
        return FIELDS[field]
    return f"{FIELDS[field]} {change.was or '（空）'} → {change.value or '（清空）'}"


def _visited(event: VisitRecorded) -> str:
    parts = [
        SOLVED[event.solved] if event.solved is not None else "",
        MARKS.get(event.satisfaction, "") if event.satisfaction is not None else "",
        f"“{event.words}”" if event.words else "",
    ]
    return _joined(*parts)


def _linked(event: OrderLinked) -> str:
    return f"{_LINKS[event.kind]} {event.number}".strip()


_SAID: Mapping[type[Any], Callable[[Any], str]] = MappingProxyType(
    {
        DraftOpened: _nothing,
        FieldSuggested: _field,
        FieldEdited: _field,
        OrderSubmitted: _nothing,
        OrderDiscarded: _reason,
        VisitRecorded: _visited,
        OrderLinked: _linked,
        OrderUnlinked: _nothing,
        OrderMerged: lambda event: f"并入工单 {event.number}".strip(),
        MergeUndone: _nothing,
        DataErased: lambda event: f"按规则“{event.rule}”删除到期的个人信息（依据：{event.basis}）",
        AttachmentAdded: file_said,
        AttachmentRemoved: lambda event: f"{file_said(event)}：{event.reason}",
        happened.AnsweredDirectly: lambda event: str(event.text),
        happened.OrderDispatched: _dispatched,
        happened.JointSet: _joint_set,
        happened.OrderSigned: lambda event: str(event.unit),
        happened.ContactMade: _text,
        happened.WorkNoted: _text,
        happened.ExtensionAsked: _asked,
        happened.ExtensionRuled: _extension,
        happened.OrderReturned: _of_unit,
        happened.ReturnRuled: _returned,
        happened.DisputeRaised: _of_unit,
        happened.DisputeRuled: _ruled_dispute,
        happened.JointAnswered: _text,
        happened.FedBack: _fed_back,
        happened.FeedbackReviewed: _reviewed,
        happened.VisitPlanned: _nothing,
        happened.OrderRated: _rated,
        happened.JoinedRated: _rated,
        happened.CitizenReplied: _replied,
        happened.RedoOrdered: _redone,
        happened.AppealRaised: _appealed,
        happened.AppealRuled: _appeal,
        happened.FollowedUp: _reason,
        happened.SupervisionSet: _supervised,
        happened.ClocksSet: _clocks,
        happened.ClockPaused: _clock,
        happened.ClockResumed: _clock,
        happened.OrderClosed: _reason,
        happened.OrderArchived: _nothing,
        happened.OrderWithdrawn: _reason,
        happened.CourseMerged: _merged,
        happened.OrderCorrected: _corrected,
    }
)
