"""Every figure of the assessment by its key: what is counted above and below the line, and how it is told.

Formulas are in Chinese and stand beside the figures; what is computed is made of the same rows (`kinds`,
`hit`), so that a figure, its formula and the list of orders behind it cannot part. `docs/assessment.md` is
made of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from orders.assessment_marks import Kind

__all__ = ["FIGURES", "GROUP_TITLES", "THREE", "Definition", "Group", "Hit", "Unit", "filled"]

K = Kind


class Unit(StrEnum):
    """How a value is read."""

    COUNT = "count"  # a number of things
    SHARE = "share"  # 0 to 1, shown in per cent
    WORK_HOURS = "work_hours"  # hours of working time
    HOURS = "hours"  # hours by the clock


class Group(StrEnum):
    """Where a figure stands."""

    THREE = "three"
    TIME = "time"
    QUALITY = "quality"
    LOAD = "load"


GROUP_TITLES: Mapping[Group, str] = MappingProxyType(
    {Group.THREE: "三率", Group.TIME: "时效", Group.QUALITY: "质量", Group.LOAD: "工作量"}
)


class Hit(StrEnum):
    """Which marks stand above the line."""

    ALL = "all"  # every one
    YES = "yes"  # score 1
    NO = "no"  # score 0
    SATISFIED = "satisfied"  # score of `satisfied_from` or more
    SOLVED = "solved"  # 2; with `partly_counts` also 1
    BAD = "bad"  # a bad rating
    REDONE = "redone"  # a rating that was redone


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One figure."""

    key: str  # what programs call it
    title: str  # what people call it
    group: Group  # where it stands
    unit: Unit  # how it is read
    kinds: tuple[Kind, ...]  # marks below the line; of counts and means: those that are counted
    hit: Hit  # which of them stand above the line
    formula: str  # the same in Chinese; "{…}" are settings
    top: str = ""  # what the number above the line is called
    bottom: str = ""  # what the number below the line is called
    note: str = ""  # what else must be known
    better: int = 0  # 1: higher is better, -1: lower is better, 0: neither
    scored: bool = False  # marks without a score do not stand below the line


def _share(
    key: str, title: str, group: Group, kinds: tuple[Kind, ...], hit: Hit, top: str, bottom: str,
    note: str = "", better: int = 1, scored: bool = False,
) -> Definition:  # fmt: skip
    return Definition(
        key=key, title=title, group=group, unit=Unit.SHARE, kinds=kinds, hit=hit, top=top, bottom=bottom,
        formula=f"{top} ÷ {bottom}", note=note, better=better, scored=scored,
    )  # fmt: skip


def _count(
    key: str, title: str, group: Group, kinds: tuple[Kind, ...], formula: str, note: str = "",
    better: int = 0, hit: Hit = Hit.ALL,
) -> Definition:  # fmt: skip
    return Definition(
        key=key, title=title, group=group, unit=Unit.COUNT, kinds=kinds, hit=hit, formula=formula, top=title,
        note=note, better=better,
    )  # fmt: skip


_DECIDED = "以办结该环节或时限届满、先到者为准计入当月"
_ALL = (
    # ------------------------------------------------------------ 三率
    _share("response_rate", "响应率", Group.THREE, (K.SIGN, K.CONTACT), Hit.YES,
           "按时签收数 ＋ 按时首次联系数", "应签收数 ＋ 应首次联系数", "主办单位；" + _DECIDED),
    _share("solved_rate", "解决率", Group.THREE, (K.SOLVED,), Hit.SOLVED,
           "市民答“已解决”{partly}的评价数", "市民回答了是否解决的评价数",
           "每轮办理取最后一次评价，按评价时间计入；申诉成立的按规则剔除"),
    _share("satisfaction_rate", "满意率", Group.THREE, (K.RESULT, K.SERVICE), Hit.SATISFIED,
           "结果 {satisfied_from} 分及以上数 ＋ 服务 {satisfied_from} 分及以上数", "结果评分数 ＋ 服务评分数",
           "每轮办理取最后一次评价，按评价时间计入；申诉成立的按规则剔除"),
    # ------------------------------------------------------------ 时效
    _share("on_time_rate", "按时办结率", Group.TIME, (K.RESOLVE,), Hit.YES, "在办理时限内答复数", "应答复数",
           "主办单位；审核不通过的答复不算；延期获准的按新时限；" + _DECIDED),
    _share("sign_rate", "签收及时率", Group.TIME, (K.SIGN, K.JOINT_SIGN), Hit.YES, "按时签收数", "应签收数",
           "主办和协办；时限内退单的视为已签收"),
    _share("contact_rate", "首次联系及时率", Group.TIME, (K.CONTACT,), Hit.YES, "按时首次联系数",
           "应首次联系数", "时限内已答复的视为已联系"),
    _share("joint_rate", "协办按时答复率", Group.TIME, (K.JOINT,), Hit.YES, "协办按时答复数", "协办应答复数",
           "只计规定了协办时限的；主办先行反馈的不再计"),
    _share("dispatch_rate", "派单及时率", Group.TIME, (K.DISPATCH,), Hit.YES, "按时派单或直办数", "应派单数",
           "考核热线中心，不计入承办单位"),
    _count("late", "超期数", Group.TIME, (K.RESOLVE,), "应答复数 － 在办理时限内答复数", better=-1,
           hit=Hit.NO),
    Definition(key="handling_hours", title="平均办理时长", group=Group.TIME, unit=Unit.WORK_HOURS,
               kinds=(K.HANDLED,), hit=Hit.ALL, better=-1, top="办理用时之和（工作小时）",
               bottom="审核通过的答复数",
               formula="办理用时之和（工作小时） ÷ 审核通过的答复数",
               note="从派单（重办从责令重办）到答复，按工作日历只计工作时间"),
    Definition(key="overdue_hours", title="平均超期时长", group=Group.TIME, unit=Unit.HOURS,
               kinds=(K.OVERDUE,), hit=Hit.ALL, better=-1, top="超期时间之和（小时）", bottom="超期后答复数",
               formula="超期时间之和（小时） ÷ 超期后答复数",
               note="自然时间，按答复时间计入；尚未答复的不计"),
    # ------------------------------------------------------------ 质量
    _share("result_rate", "结果满意率", Group.QUALITY, (K.RESULT,), Hit.SATISFIED,
           "结果 {satisfied_from} 分及以上数", "结果评分数"),
    _share("service_rate", "服务满意率", Group.QUALITY, (K.SERVICE,), Hit.SATISFIED,
           "服务 {satisfied_from} 分及以上数", "服务评分数"),
    _share("bad_rate", "差评率", Group.QUALITY, (K.RATED,), Hit.BAD, "差评数", "评价数", better=-1),
    _share("redo_rate", "重办率", Group.QUALITY, (K.RATED,), Hit.REDONE, "评价后责令重办数", "评价数",
           "按评价时间计入；此后责令重办的计为更正", better=-1),
    _share("return_rate", "退单率", Group.QUALITY, (K.SENT,), Hit.YES, "派出后被退回数", "承办数",
           "按派单时间计入", better=-1),
    _share("wrong_return_rate", "不当退单率", Group.QUALITY, (K.RULED,), Hit.NO, "裁定退单不成立数",
           "已裁定的退单数", "按裁定时间计入", better=-1),
    _count("appeals", "申诉数", Group.QUALITY, (K.APPEAL,), "对差评提出申诉的次数"),
    _share("appeal_rate", "申诉成立率", Group.QUALITY, (K.APPEAL_RULED,), Hit.YES, "申诉成立数",
           "已裁定的申诉数", better=0),
    _share("first_unit_rate", "首接单位办结占比", Group.QUALITY, (K.FINISHED,), Hit.YES,
           "由首次派给的单位办结数", "派给过单位的办结数", "中心直办的不计", scored=True),
    # ------------------------------------------------------------ 工作量
    _count("accepted", "受理量", Group.LOAD, (K.ACCEPTED,), "受理的工单数，按受理时间计入",
           "含以后撤单、并单的；不属于某个单位"),
    _count("sent", "承办量", Group.LOAD, (K.SENT,), "派给该单位主办的次数，按派单时间计入",
           "改派后重新派回的另计一次"),
    _count("handled", "答复量", Group.LOAD, (K.HANDLED,), "审核通过的答复数，含重办", better=1),
    _count("finished", "办结量", Group.LOAD, (K.FINISHED,), "办结（销号）的工单数，按办结时间计入",
           "办结后重新打开的，从原月份更正"),
    _count("redone", "重办量", Group.LOAD, (K.REDO,), "责令重办的次数", better=-1),
    _count("cards", "督办次数", Group.LOAD, (K.CARD,), "督办升级的次数：黄牌、红牌、提级办理、领导包案",
           better=-1),
)  # fmt: skip

FIGURES: Mapping[str, Definition] = MappingProxyType({one.key: one for one in _ALL})
"""All figures, in the order in which they are shown."""

THREE = ("response_rate", "solved_rate", "satisfaction_rate")
"""The three rates (三率)."""


def filled(key: str, *, satisfied_from: int, partly_counts: bool) -> Definition:
    """Return a definition with the settings in its words. Raises KeyError for an unknown key."""
    one = FIGURES[key]
    told = {"satisfied_from": str(satisfied_from), "partly": "或“部分解决”" if partly_counts else ""}
    return replace(
        one,
        formula=one.formula.format_map(told),
        top=one.top.format_map(told),
        bottom=one.bottom.format_map(told),
    )
