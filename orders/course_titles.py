"""What states and events of an order are called in Chinese, as the desk and its refusals say them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from orders.course_messages import SYSTEM, ClockKind, CourseState, JointState, Supervision

S = CourseState
C = ClockKind
J = JointState
V = Supervision

STATES: Mapping[CourseState, str] = MappingProxyType(
    {
        S.ACCEPTED: "已受理", S.ANSWERED: "已直办", S.DISPATCHED: "已派单", S.SIGNED: "已签收",
        S.HANDLING: "办理中", S.RETURNED: "退单待裁", S.DISPUTED: "职责争议", S.FED_BACK: "已反馈",
        S.REVIEWED: "审核通过", S.VISITING: "回访中", S.RATED: "已评价", S.REDO: "差评重办",
        S.APPEALED: "申诉中", S.CLOSED: "已办结", S.ARCHIVED: "已归档", S.MERGED: "已并单",
        S.WITHDRAWN: "已撤单",
    }
)  # fmt: skip

CLOCKS: Mapping[ClockKind, str] = MappingProxyType(
    {
        C.ACCEPT: "受理", C.DISPATCH: "派单", C.SIGN: "签收", C.CONTACT: "首次联系", C.RESOLVE: "办理",
        C.TRACK: "跟踪", C.CLOSE: "办结", C.RETURN: "退单", C.APPEAL: "申诉裁定",
    }
)  # fmt: skip

JOINT_STATES: Mapping[JointState, str] = MappingProxyType(
    {J.DISPATCHED: "待签收", J.SIGNED: "已签收", J.ANSWERED: "已答复"}
)

SUPERVISION: Mapping[Supervision, str] = MappingProxyType(
    {V.NONE: "未督办", V.YELLOW: "黄牌", V.RED: "红牌", V.RAISED: "提级办理", V.LEADER: "领导包案"}
)

_ORDER_STATES: Mapping[str, str] = MappingProxyType(
    {"none": "未建立", "draft": "草稿", "accepted": "已受理", "discarded": "已作废", "merged": "已并单"}
)

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "DraftOpened": "建立", "FieldSuggested": "识别填写", "FieldEdited": "修改内容",
        "OrderSubmitted": "提交", "OrderDiscarded": "作废", "VisitRecorded": "登记回访",
        "OrderLinked": "关联", "OrderUnlinked": "取消关联", "OrderMerged": "并单", "MergeUndone": "撤销并单",
        "DataErased": "到期删除个人信息", "AttachmentAdded": "添加附件", "AttachmentRemoved": "移除附件",
        "AnsweredDirectly": "直办", "OrderDispatched": "派单", "JointSet": "调整协办", "OrderSigned": "签收",
        "ContactMade": "登记首次联系", "WorkNoted": "登记办理情况", "ExtensionAsked": "申请延期",
        "ExtensionRuled": "审批延期", "OrderReturned": "退单", "ReturnRuled": "审核退单",
        "DisputeRaised": "提请职责争议裁定", "DisputeRuled": "裁定职责争议", "JointAnswered": "协办答复",
        "FedBack": "反馈", "FeedbackReviewed": "审核反馈", "VisitPlanned": "安排回访", "OrderRated": "评价",
        "JoinedRated": "并单市民评价", "CitizenReplied": "市民回复",
        "RedoOrdered": "重办", "AppealRaised": "申诉", "AppealRuled": "审核申诉", "FollowedUp": "跟进",
        "SupervisionSet": "督办", "ClocksSet": "设定时限", "ClockPaused": "中止时限",
        "ClockResumed": "恢复时限", "OrderClosed": "办结",
        "OrderArchived": "归档", "OrderWithdrawn": "撤单", "CourseMerged": "并单", "OrderCorrected": "更正",
        "Rebuilt": "按记录重新核对",
    }
)  # fmt: skip
"""Name of the event's class -> what people call it."""


def event_title(name: str) -> str:
    """Return what people call the event of the class `name`."""
    return EVENTS.get(name, name)


def person_title(by: str) -> str:
    """Return who did it, fit to be shown."""
    return "系统" if by == SYSTEM else by


def refusal(state: str, event: str) -> str:
    """Return the sentence for an event that is not legal in a state (of the order or of its course)."""
    course = {known.value: title for known, title in STATES.items()}
    title = course.get(state) or _ORDER_STATES.get(state, state)
    return f"工单现为“{title}”，不能{event_title(event)}"
