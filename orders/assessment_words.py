"""What marks and their scores are called in Chinese, in lists of orders and of corrections. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from orders.assessment_marks import Kind, Mark, Void
from orders.course_answer import LEVELS
from orders.course_titles import SUPERVISION
from orders.messages import Channel

__all__ = ["CHANNELS", "KINDS", "VOIDS", "said"]

K = Kind
KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        K.ACCEPTED: "受理", K.DISPATCH: "派单时限", K.SENT: "承办", K.SIGN: "签收时限",
        K.JOINT_SIGN: "协办签收时限", K.CONTACT: "首次联系时限", K.RESOLVE: "办理时限",
        K.JOINT: "协办答复时限", K.OVERDUE: "超期答复", K.HANDLED: "答复", K.RESULT: "结果满意度",
        K.SERVICE: "服务满意度", K.SOLVED: "是否解决", K.RATED: "评价", K.REDO: "重办",
        K.RULED: "退单裁定", K.APPEAL: "申诉", K.APPEAL_RULED: "申诉裁定", K.CARD: "督办",
        K.FINISHED: "办结",
    }
)  # fmt: skip
VOIDS: Mapping[Void, str] = MappingProxyType(
    {Void.APPEAL: "申诉成立", Void.RETURN: "退单获准", Void.WITHDRAWN: "已撤单", Void.MERGED: "已并单"}
)
CHANNELS: Mapping[Channel, str] = MappingProxyType(
    {
        Channel.PHONE: "电话", Channel.VIDEO: "视频", Channel.TEXT: "文字会话", Channel.WEB: "网页表单",
        Channel.PORTAL: "政务门户", Channel.APP: "小程序、APP", Channel.MAILBOX: "市长信箱",
        Channel.TRANSFER: "其他热线转办", Channel.IMPORT: "批量导入",
    }
)  # fmt: skip

_LIMIT = ("超期", "按时")
_SCORES: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys((K.DISPATCH, K.SIGN, K.JOINT_SIGN, K.CONTACT, K.RESOLVE, K.JOINT), _LIMIT),
        K.SENT: ("未退单", "已退单"),
        K.SOLVED: ("未解决", "部分解决", "已解决"),
        K.RATED: ("非差评", "差评", "已责令重办", "差评、已责令重办"),
        K.RULED: ("退单不成立", "退单成立"),
        K.APPEAL_RULED: ("申诉不成立", "申诉成立"),
        K.FINISHED: ("非首接单位办结", "首接单位办结"),
    }
)


def said(mark: Mark | None) -> str:
    """Return what a mark says, and why it does not count."""
    if mark is None:
        return "未计入"
    void = f"（{VOIDS[mark.void]}，不计）" if mark.void else ""
    return f"{_score(mark)}{void}"


def _score(mark: Mark) -> str:
    if mark.at is None:
        return "中止，未计"
    if mark.score is None:
        return "计入"
    if mark.kind in (K.RESULT, K.SERVICE):
        return f"{mark.score} 分"
    if mark.kind is K.CARD:
        return SUPERVISION[LEVELS[mark.score]]
    words = _SCORES.get(mark.kind, ())
    return words[mark.score] if mark.score < len(words) else "计入"
