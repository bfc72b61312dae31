"""Figures that only the wall shows: of this moment, and counts beside calls, each with its definition.

What the wall shows of the past is defined in `cti.figures.definitions`, as in reports; here stands the rest,
so that nothing on the wall is without a formula. `docs/figures.md` and the wall's list (指标口径) are made of
both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cti.figures.definitions import Unit

__all__ = ["BOARD", "LIVE", "BoardFigure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFigure:
    """One figure and what it means."""

    key: str  # "live.…" can be asked for by alert rules, "board.…" is only shown
    title: str  # what people call it
    unit: Unit  # how it is read
    formula: str  # exactly what is counted
    note: str = ""  # what else must be known
    by_queue: bool = False  # "<key>:<queue>" is the same of one queue, for alert rules
    by_district: bool = False  # "<key>:<区县>" is the same of one district, for alert rules


def _one(
    key: str,
    title: str,
    formula: str,
    note: str = "",
    *,
    unit: Unit = Unit.COUNT,
    by_queue: bool = False,
    by_district: bool = False,
) -> BoardFigure:
    return BoardFigure(
        key=key,
        title=title,
        unit=unit,
        formula=formula,
        note=note,
        by_queue=by_queue,
        by_district=by_district,
    )


_ABLE = "按技能统计时为具备该队列所需技能和等级的坐席，一人可在几个技能中出现"

_LIVE = (
    _one("live.waiting", "正在排队", "此刻在线等待人工的市民人数（含正在振铃的来电），所有服务器合计",
         by_queue=True),
    _one("live.longest_wait_s", "最长正在等待", "此刻等待最久的一位市民已等待的秒数；没有人等待时为 0",
         unit=Unit.SECONDS, by_queue=True),
    _one("live.agents_signed_in", "签入坐席", "此刻签入的坐席人数，等于以下各状态之和"),
    _one("live.agents_ready", "示闲坐席", "此刻可以接听来电的坐席人数", _ABLE, by_queue=True),
    _one("live.agents_ringing", "振铃坐席", "话机正在振铃的坐席人数"),
    _one("live.agents_talking", "通话坐席", "正在通话的坐席人数（含保持、咨询）", _ABLE),
    _one("live.agents_wrap_up", "整理坐席", "正在话后整理的坐席人数"),
    _one("live.agents_reserved", "预占坐席", "为一次回拨留住、市民的电话正在拨打的坐席人数", "没有时不显示"),
    _one("live.agents_not_ready", "示忙坐席", "签入而示忙的坐席人数"),
    _one("live.callbacks_open", "待回拨", "尚未完成、也未放弃的回拨任务，不限产生时间"),
    _one("live.visits_waiting", "待拨回访", "已到拨打时间、还没有拨打的机器人回访，不限计划时间"),
    _one("live.urgent_open", "紧急工单在办", "紧急程度为“紧急”或“特急”、已受理而未办结的工单，不限受理时间",
         "告警规则可只看一个区县", by_district=True),
    _one("live.topics_high", "热点预警",
         "近 7 天工单数达到预警的事项，按区县和全市分别计；与热点页面同一算法，每 10 分钟计算一次",
         "告警规则用它时逐个事项告警：触发值为该事项的工单数，每个事项每天只告警一次"),
    _one("live.bursts", "集中诉求", "尚未平息、未被忽略的集中诉求（同一事项、同一地点、多位市民）"),
    _one("live.broken", "故障部件",
         "平台部件中不正常的个数：缓存、数据库、各 Asterisk 节点、实时转写、被拒绝的新配置"),
    _one("live.behind_s", "数据延迟",
         "本页所连服务器的通话记录写入数据库落后的秒数，或统计数字已经多久没有重算，取较大者；不含其他服务器",
         unit=Unit.SECONDS),
)  # fmt: skip

_OPEN = "不限产生日期"
_ENDED = "今日零时以后进入此状态的"
_TODAY = "今日零时以后进入此状态、此刻仍在此状态的回访；此前已计划而今日未变的不计"

_BOARD = (
    _one("board.agent_longest", "最久", "处于该状态最久的一位坐席进入该状态至今的时长", unit=Unit.SECONDS),
    _one("board.reasons", "示忙原因", "示忙坐席按所选（或系统记下的）原因分别计数，合计等于示忙坐席"),
    _one("board.break_wait", "未达标来电的等待", "从开始排队到接听的时长；未接听的到挂断为止",
         unit=Unit.SECONDS),
    _one("board.interval_offered", "每半小时来电",
         "今日该半小时内开始、请求人工、且结果已定的来电；接通与未接通之和", "合计等于今日请求人工量"),
    _one("board.interval_answered", "每半小时接通", "其中有坐席接听的；其余为未接通", "合计等于今日接通量"),
    _one("board.forecast", "预测来电",
         "过去 8 周同一星期几、同一半小时的请求人工量之平均；没有记录的日子不计，不足两日则没有预测"),
    _one("board.topics", "热点事项", "今日受理的工单按事项分类计数，不含草稿和作废，取最多的 10 类"),
    _one("board.topic_usual", "常日",
         "过去 4 周同一星期几、截至同一时刻的该类工单数之平均；没有工单的日子不计"),
    _one("board.districts", "各区工单", "今日受理的工单按区县计数，不含草稿、作废和未填写区县的"),
    _one("board.callbacks.waiting", "回拨：待拨", "排在队中或未到约定时间的回拨任务", _OPEN),
    _one("board.callbacks.reserved", "回拨：已留坐席", "已为其留住一名坐席的回拨任务", _OPEN),
    _one("board.callbacks.dialling", "回拨：正在拨", "正在拨打市民电话的回拨任务", _OPEN),
    _one("board.callbacks.reached", "回拨：市民已接", "市民已接听、正等坐席的回拨任务", _OPEN),
    _one("board.callbacks.by_hand", "回拨：需人工拨", "不能自动拨打、等待人工处理的回拨任务", _OPEN),
    _one("board.callbacks.done", "回拨：今日完成", f"{_ENDED}回拨任务：市民与坐席已通话"),
    _one("board.callbacks.given_up", "回拨：今日未成", f"{_ENDED}回拨任务：多次未能接通或被放弃"),
    _one("board.callbacks.withdrawn", "回拨：今日撤销", f"{_ENDED}回拨任务：市民再次来电等，不再需要"),
    _one("board.visits.planned", "回访：已计划", "未到时间，等待首次或再次拨打的", _TODAY),
    _one("board.visits.due", "回访：待拨", "已到时间，等待空闲机器人线路的", _TODAY),
    _one("board.visits.dialling", "回访：正在拨", "正在拨打市民电话的", _TODAY),
    _one("board.visits.talking", "回访：访问中", "市民已接听、正在访问的", _TODAY),
    _one("board.visits.answered", "回访：已答复", "市民已向机器人或人工作答的", _TODAY),
    _one("board.visits.given_up", "回访：未访到", "多次未能访到而结束的", _TODAY),
    _one("board.visits.cancelled", "回访：已取消", "在市民作答之前由人取消的", _TODAY),
    _one("board.health", "平台部件", "各部件此刻是否正常：● 正常，▲ 异常；异常的个数即“故障部件”"),
)  # fmt: skip

LIVE: Mapping[str, BoardFigure] = MappingProxyType({one.key: one for one in _LIVE})
"""Figures of this moment; alert rules may ask for them."""
BOARD: Mapping[str, BoardFigure] = MappingProxyType({one.key: one for one in (*_LIVE, *_BOARD)})
"""Everything that only the wall shows, in the order in which it is told."""
