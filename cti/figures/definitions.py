"""Every figure by its key: title, unit, formula, source. What stands here is what wall, desk and reports say.

Formulas are in Chinese, because they are shown as they stand beside the figures. `docs/figures.md` is made of
this table, and `engine` computes exactly these keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from cti.figures.facts import Rules

__all__ = ["FIGURES", "GROUP_TITLES", "Definition", "Group", "Unit", "filled", "shown", "words"]


class Unit(StrEnum):
    """How a value is read."""

    COUNT = "count"  # a number of things
    SHARE = "share"  # 0 to 1, shown in per cent
    SECONDS = "seconds"  # a time
    SCORE = "score"  # 1 to 5


class Group(StrEnum):
    """Where a figure stands."""

    CALLS = "calls"
    RATES = "rates"
    WAITS = "waits"
    HANDLING = "handling"
    SATISFACTION = "satisfaction"
    AGENTS = "agents"
    CALLBACKS = "callbacks"


GROUP_TITLES: Mapping[Group, str] = MappingProxyType(
    {
        Group.CALLS: "来电量",
        Group.RATES: "接通与服务水平",
        Group.WAITS: "等待",
        Group.HANDLING: "处理",
        Group.SATISFACTION: "满意度与一次解决",
        Group.AGENTS: "坐席工时",
        Group.CALLBACKS: "回拨",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One figure."""

    key: str  # what programs call it
    title: str  # what people call it
    group: Group  # where it stands
    unit: Unit  # how it is read
    formula: str  # exactly what is counted above and below the line; "{…}" are settings
    note: str = ""  # what else must be known
    source: str = ""  # whose definition it is; "" ours
    better: int = 0  # 1: higher is better, -1: lower is better, 0: neither


def _one(
    key: str,
    title: str,
    group: Group,
    unit: Unit,
    formula: str,
    note: str = "",
    source: str = "",
    better: int = 0,
) -> Definition:
    return Definition(
        key=key, title=title, group=group, unit=unit, formula=formula, note=note, source=source, better=better
    )


_APP_QUEUE = "Asterisk apps/app_queue.c，QueueStatus/“queue show”"
_GBT = "GB/T 33358-2016《政府热线服务规范》"
_C, _R, _W = Group.CALLS, Group.RATES, Group.WAITS
_H, _S, _A, _B = Group.HANDLING, Group.SATISFACTION, Group.AGENTS, Group.CALLBACKS

_ALL = (
    # ------------------------------------------------------------ calls
    _one("calls_in", "呼入量", _C, Unit.COUNT, "市民打入的电话、视频和文字会话，按开始时间计入",
         "不含回拨和机器人回访"),
    _one("left_in_flow", "语音内结束", _C, Unit.COUNT, "呼入中未请求人工、在语音流程内结束的来电",
         "包括在流程内办结的（留言、转其他号码）和挂断的"),
    _one("offered", "请求人工量", _C, Unit.COUNT,
         "呼入中请求了人工、且结果已定的来电＝接通＋放弃＋其他方式办结＋系统故障",
         "仍在排队的来电暂不计入，见“仍在排队”"),
    _one("in_line", "仍在排队", _C, Unit.COUNT, "呼入中已请求人工、尚无人接听、市民仍在线的来电"),
    _one("answered", "接通量", _C, Unit.COUNT, "请求人工的来电中，有坐席接听的", better=1),
    _one("abandoned", "放弃量", _C, Unit.COUNT, "请求人工的来电中，市民在坐席接听前挂断的", better=-1),
    _one("abandoned_short", "短时放弃量", _C, Unit.COUNT, "放弃的来电中，排队不足 {short_s} 秒即挂断的",
         "包含在放弃量内", better=-1),
    _one("served_otherwise", "其他方式办结", _C, Unit.COUNT,
         "请求人工、未经坐席接听，但由流程办结的来电：约定回拨、留言、转其他号码接通",
         "不计入接通，也不计入放弃"),
    _one("failed", "系统故障未接通", _C, Unit.COUNT, "请求人工的来电中，因系统故障未接通、或结果未能记录的",
         better=-1),
    _one("native", "应急队列接听", _C, Unit.COUNT, "接通的来电中，服务器不在时由 Asterisk 自带队列接给坐席的",
         "包含在接通量内"),
    # ------------------------------------------------------------ rates
    _one("answer_rate", "接通率", _R, Unit.SHARE, "接通量 ÷ 请求人工量", "短时放弃、其他方式办结都留在分母内",
         better=1),
    _one("connection_rate", "24 小时接通率（国标）", _R, Unit.SHARE,
         "连续 24 小时内：接通量 ÷ 请求人工量；要求 ≥ {connected}",
         "取截至统计时段末的 24 小时（统计时段不足 24 小时的取已有部分）", _GBT, better=1),
    _one("answer_rate_without_short", "接通率（不计短时放弃）", _R, Unit.SHARE,
         "接通量 ÷（请求人工量 － 短时放弃量）", better=1),
    _one("answered_in_time", "及时接听量", _R, Unit.COUNT,
         "接通的来电中，排队（含振铃）不超过 {answer_s} 秒的",
         "国标要求电话在 15 秒内接听", _GBT, better=1),
    _one("service_level", "及时接听率", _R, Unit.SHARE, "及时接听量 ÷ 请求人工量", "标准为 {answer_s} 秒",
         better=1),
    _one("service_level_perf", "服务水平 ServicelevelPerf", _R, Unit.SHARE, "及时接听量 ÷ 接通量",
         "Asterisk 的第一种算法：放弃的来电完全不计", _APP_QUEUE, better=1),
    _one("service_level_perf2", "服务水平 ServicelevelPerf2", _R, Unit.SHARE,
         "（及时接听量 ＋ 在 {answer_s} 秒内放弃的来电）÷（接通量 ＋ 放弃量）",
         "Asterisk 的第二种算法：很快就挂断的来电算作达标", _APP_QUEUE, better=1),
    _one("abandon_rate", "放弃率", _R, Unit.SHARE, "放弃量 ÷ 请求人工量", better=-1),
    _one("rule_breaks", "未达标来电", _R, Unit.COUNT, "请求人工量 － 及时接听量",
         "未接通，或超过 {answer_s} 秒才接通的每一个来电；逐个列出原因", better=-1),
    # ------------------------------------------------------------ waits
    _one("speed_of_answer", "平均应答速度（ASA）", _W, Unit.SECONDS,
         "接通来电的排队时长之和 ÷ 接通量；从开始排队到坐席接听，含振铃", better=-1),
    _one("average_wait", "平均等待", _W, Unit.SECONDS,
         "请求人工的来电的排队时长之和 ÷ 请求人工量；放弃的计到挂断为止",
         "没有排队时刻的故障来电不计", better=-1),
    _one("longest_wait", "最长等待", _W, Unit.SECONDS, "请求人工、结果已定的来电中最长的排队时长", better=-1),
    _one("average_abandon", "平均放弃等待", _W, Unit.SECONDS, "放弃来电的排队时长之和 ÷ 放弃量"),
    # ------------------------------------------------------------ handling
    _one("handled", "处理量", _H, Unit.COUNT, "有坐席与市民通话的呼入、回拨和回访转人工",
         "按坐席统计时为受理人次：一个来电先后由两人受理，各计一次", better=1),
    _one("average_talk", "平均通话时长", _H, Unit.SECONDS,
         "通话时长之和 ÷ 处理量；市民与坐席接通的全部时间，含保持和咨询"),
    _one("average_hold", "平均保持时长", _H, Unit.SECONDS,
         "保持时长之和 ÷ 处理量", "包含在通话时长内", better=-1),
    _one("average_consult", "平均咨询时长", _H, Unit.SECONDS,
         "坐席与第三人单独通话的时长之和 ÷ 处理量", "包含在通话时长内"),
    _one("average_wrap_up", "平均整理时长", _H, Unit.SECONDS, "话后整理时长之和 ÷ 处理量", better=-1),
    _one("handling_time", "平均处理时长（AHT）", _H, Unit.SECONDS,
         "（通话时长 ＋ 话后整理时长）之和 ÷ 处理量", better=-1),
    _one("transferred", "转接来电", _H, Unit.COUNT, "处理的来电中，至少发生一次转接、三方或移交的"),
    _one("transfer_rate", "转接率", _H, Unit.SHARE, "转接来电 ÷ 处理量"),
    _one("rings", "振铃次数", _H, Unit.COUNT, "坐席话机振铃的次数，含接听、漏接，不含市民先挂断的"),
    _one("missed_rings", "漏接次数（RONA）", _H, Unit.COUNT,
         "坐席话机振铃而未接、拒接或话机不可达的次数", better=-1),
    _one("missed_rate", "漏接率", _H, Unit.SHARE, "漏接次数 ÷ 振铃次数", better=-1),
    _one("orders", "工单量", _H, Unit.COUNT, "这些来电已提交的工单"),
    # ------------------------------------------------------------ satisfaction
    _one("rated", "参评量", _S, Unit.COUNT, "处理的来电中，市民按键评价了的", better=1),
    _one("rated_share", "参评率", _S, Unit.SHARE, "参评量 ÷ 处理量", better=1),
    _one("satisfaction_rate", "满意率", _S, Unit.SHARE, "评价 {satisfied_from} 分及以上 ÷ 参评量", better=1),
    _one("satisfaction_average", "平均满意度", _S, Unit.SCORE, "评分（1～5）之和 ÷ 参评量", better=1),
    _one("repeat_calls", "重复来电", _S, Unit.COUNT,
         "接通的来电中，同一号码、同一事项分类在此前 {repeat_days} 天内已有接通来电的", better=-1),
    _one("first_call_resolution", "一次解决率（间接）", _S, Unit.SHARE,
         "1 － 重复来电 ÷ 有号码且工单已定事项分类的接通来电",
         "由重复来电反推：换号码再打、不再来电的都看不到，不等于市民认可的解决", better=1),
    # ------------------------------------------------------------ agents
    _one("agents", "在岗坐席", _A, Unit.COUNT, "时段内签入过的坐席人数"),
    _one("signed_in_s", "签入时长", _A, Unit.SECONDS, "签入到签出的时间之和"),
    _one("ready_s", "示闲时长", _A, Unit.SECONDS, "等待来电的时间之和"),
    _one("ringing_s", "振铃时长", _A, Unit.SECONDS, "话机振铃和为回拨预占的时间之和"),
    _one("talking_s", "坐席通话时长", _A, Unit.SECONDS, "坐席在通话中的时间之和，含咨询同事"),
    _one("wrap_up_s", "坐席整理时长", _A, Unit.SECONDS, "话后整理的时间之和"),
    _one("not_ready_s", "示忙时长", _A, Unit.SECONDS,
         "签入而示忙的时间之和，含小休、用餐、培训、漏接后未恢复等"),
    _one("occupancy", "占用率", _A, Unit.SHARE, "（振铃 ＋ 通话 ＋ 整理）÷（示闲 ＋ 振铃 ＋ 通话 ＋ 整理）",
         "接受来电的时间中，忙于来电的份额；与 hotline simulate、replay 同一算法"),
    _one("utilisation", "工时利用率", _A, Unit.SHARE, "（通话 ＋ 整理）÷ 签入时长", "示忙计入分母", better=1),
    # ------------------------------------------------------------ call-backs
    _one("callbacks_wanted", "新增回拨", _B, Unit.COUNT, "时段内产生的回拨任务：市民约定、留言、漏接和放弃"),
    _one("callbacks_done", "回拨完成", _B, Unit.COUNT, "其中坐席与市民已通话的", better=1),
    _one("callbacks_open", "回拨待办", _B, Unit.COUNT, "其中尚未完成、也未放弃的"),
    _one("callbacks_given_up", "回拨未成", _B, Unit.COUNT, "其中多次未能接通或被放弃的", better=-1),
    _one("callbacks_withdrawn", "回拨撤销", _B, Unit.COUNT, "其中市民再次来电等原因不再需要的"),
)  # fmt: skip

FIGURES: Mapping[str, Definition] = MappingProxyType({one.key: one for one in _ALL})
"""All figures, in the order in which they are shown."""


def words(rules: Rules) -> Mapping[str, str]:
    """Return what stands for the settings in formulas."""
    return {
        "answer_s": f"{rules.answer_s:g}",
        "short_s": f"{rules.short_s:g}",
        "connected": f"{rules.connected:.0%}",
        "repeat_days": str(rules.repeat_days),
        "satisfied_from": str(rules.satisfied_from),
    }


def filled(key: str, rules: Rules) -> Definition:
    """Return a definition with the settings in its formula and note. Raises KeyError for an unknown key."""
    one, told = FIGURES[key], words(rules)
    return replace(one, formula=one.formula.format_map(told), note=one.note.format_map(told))


def shown(rules: Rules) -> Sequence[Definition]:
    """Return all definitions, in their order, as pages and files show them."""
    return [filled(key, rules) for key in FIGURES]
