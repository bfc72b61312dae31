"""Rules of time limits said in Chinese."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from orders.clock_rules import ClockRule, Limit, LimitRule, Pause, Starts, When

__all__ = ["LIMITS", "STARTS", "explain", "orders_said"]

S = Starts
LIMITS: Mapping[Limit, str] = MappingProxyType(
    {
        Limit.ACCEPT: "受理", Limit.DISPATCH: "派单", Limit.SIGN: "签收", Limit.CONTACT: "首次联系",
        Limit.RESOLVE: "办理", Limit.JOINT: "协办答复", Limit.TRACK: "跟踪回访", Limit.CLOSE: "销号",
        Limit.RETURN: "提出退单", Limit.RULING: "裁定退单或争议", Limit.APPEAL: "裁定申诉",
    }
)  # fmt: skip
STARTS: Mapping[Starts, str] = MappingProxyType(
    {
        S.RECEIVED: "收到诉求", S.ACCEPTED: "受理", S.DISPATCHED: "派单", S.SIGNED: "签收",
        S.REVIEWED: "反馈审核通过", S.RETURNED: "退单或提请裁定", S.APPEALED: "申诉",
    }
)  # fmt: skip
_PAUSES: Mapping[Pause, str] = MappingProxyType(
    {Pause.RETURN: "退单待裁", Pause.DISPUTE: "职责争议", Pause.APPEAL: "申诉", Pause.HAND: "经批准中止"}
)
_CHANNELS: Mapping[str, str] = MappingProxyType(
    {"phone": "电话", "video": "视频", "text": "文字", "web": "网页", "api": "接口"}
)


def explain(rule: ClockRule) -> str:
    """Say in Chinese for which orders a rule is and what it sets, a line for each limit."""
    head = [f"规则“{rule.title}”：{orders_said(rule.when)}"]
    if rule.since != dt.date.min:
        head.append(f"{rule.since.isoformat()} 起施行")
    if rule.until != dt.date.max:
        head.append(f"施行至 {rule.until.isoformat()}")
    if rule.ceiling:
        head.append("其他更具体的规则不得比它宽松")
    lines = [f"{LIMITS[limit]}：{_said(rule.limits[limit])}" for limit in Limit if limit in rule.limits]
    return "\n".join(["；".join(head) + "。", *(f"· {line}。" for line in lines)])


def orders_said(when: When) -> str:
    """Say in Chinese for which orders a rule is."""
    asked = [
        ("诉求类型为", when.types),
        ("事项属于", when.categories),
        ("紧急程度为", when.urgencies),
        ("主办单位为", when.units),
        ("受理渠道为", {_CHANNELS.get(name, name) for name in when.channels}),
    ]
    parts = [f"{title}{'、'.join(sorted(names))}" for title, names in asked if names]
    if when.redo is not None:
        parts.append("差评重办" if when.redo else "首次办理")
    return f"适用于{'，且'.join(parts)}的工单" if parts else "适用于所有工单"


def _said(limit: LimitRule) -> str:
    words = f"{STARTS[limit.starts]}后 {limit.span.title}内"
    if limit.span.unit == "day":
        words += f"（当日不计，最后一日{'下班时' if limit.span.working else ' 24 时'}到期）"
    words += f"，{limit.near.title}起提醒"
    if limit.pauses:
        words += f"；{'、'.join(_PAUSES[pause] for pause in Pause if pause in limit.pauses)}期间不计时"
    if limit.restarts:
        words += "；改派其他单位时重新计时"
    if limit.extend_times:
        words += f"；可延期 {limit.extend_times} 次，共不超过 {limit.extend_days} 个工作日"
    return words
