"""What is asked of a report: which days, which calls, grouped how. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from cti.errors import HotlineError
from cti.figures.facts import CallFact, Span
from cti.planning_days import CHINA, midnight

__all__ = [
    "GROUPING_TITLES",
    "KIND_TITLES",
    "SPAN_DAYS_MAX",
    "Filter",
    "Grouping",
    "Kind",
    "ReportRefused",
    "Spec",
    "daily",
    "day_of",
    "monthly",
    "special",
]

SPAN_DAYS_MAX = 400
"""Longer spans are refused."""
INTERVALS = (15, 30, 60)
INTERVAL_ROWS_MAX = 3_000

Text = Annotated[str, msgspec.Meta(max_length=64)]
Login = Annotated[str, msgspec.Meta(max_length=32)]
Number = Annotated[str, msgspec.Meta(max_length=40)]


class ReportRefused(HotlineError):
    """A report that cannot be made: `shown` is Chinese for people, `key` names what is wrong."""

    def __init__(self, key: str, shown: str) -> None:
        super().__init__(f"{key}: {shown}")
        self.key = key
        self.shown = shown

    def __reduce__(self) -> tuple[type[ReportRefused], tuple[str, str]]:
        """Refusals come out of a process of their own (`room`): they must survive the way."""
        return type(self), (self.key, self.shown)


class Kind(StrEnum):
    DAILY = "daily"
    MONTHLY = "monthly"
    SPECIAL = "special"


KIND_TITLES = {Kind.DAILY: "日报", Kind.MONTHLY: "月报", Kind.SPECIAL: "专报"}


class Grouping(StrEnum):
    """What a table has a row for."""

    INTERVAL = "interval"
    DAY = "day"
    QUEUE = "queue"
    AGENT = "agent"
    CALLED = "called"
    CATEGORY = "category"
    DISTRICT = "district"
    SATISFACTION = "satisfaction"


GROUPING_TITLES = {
    Grouping.INTERVAL: "时段",
    Grouping.DAY: "日期",
    Grouping.QUEUE: "技能队列",
    Grouping.AGENT: "坐席",
    Grouping.CALLED: "被叫号码",
    Grouping.CATEGORY: "事项分类",
    Grouping.DISTRICT: "区县",
    Grouping.SATISFACTION: "满意度",
}

DAILY_BY = (
    Grouping.INTERVAL, Grouping.QUEUE, Grouping.AGENT, Grouping.CALLED, Grouping.CATEGORY, Grouping.DISTRICT,
    Grouping.SATISFACTION,
)  # fmt: skip
MONTHLY_BY = (Grouping.DAY, *DAILY_BY[1:])


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls count; what is empty does not matter."""

    queue: Text = ""  # skill queue
    called: Number = ""  # number that was dialled
    category: Text = ""  # path of a category, or the beginning of one up to a "/"
    district: Text = ""  # 区县
    agent: Login = ""  # had a part in it
    media: Annotated[str, msgspec.Meta(max_length=8)] = ""  # voice, video or text

    @property
    def anything(self) -> bool:
        """Whether some calls do not count."""
        return self != Filter()

    def takes(self, call: CallFact) -> bool:
        """Whether a call counts."""
        return (
            (not self.queue or call.queue == self.queue)
            and (not self.called or call.called == self.called)
            and (not self.category or f"{call.category}/".startswith(f"{self.category}/"))
            and (not self.district or call.district == self.district)
            and (not self.media or call.media == self.media)
            and (
                not self.agent
                or call.agent_id == self.agent
                or any(part.agent_id == self.agent for part in call.parts)
            )
        )


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One report. `since` and `until` are epoch seconds."""

    kind: Kind
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    since: float
    until: float  # before this
    by: tuple[Grouping, ...] = DAILY_BY
    interval: int = 30  # minutes of an interval
    which: Filter = Filter()

    @property
    def span(self) -> Span:
        """What it tells of."""
        return Span(since=self.since, until=self.until)

    def check(self) -> None:
        """Refuse what cannot be meant. Raises ReportRefused."""
        if not self.since < self.until:
            raise ReportRefused("until", "结束时间须晚于开始时间")
        if self.until - self.since > SPAN_DAYS_MAX * 86400.0:
            raise ReportRefused("until", f"时间范围最长 {SPAN_DAYS_MAX} 天")
        if self.interval not in INTERVALS:
            raise ReportRefused("interval", "时段只能是 15、30 或 60 分钟")
        if len(set(self.by)) != len(self.by):
            raise ReportRefused("by", "分组重复")
        rows = (self.until - self.since) / (self.interval * 60.0)
        if Grouping.INTERVAL in self.by and rows > INTERVAL_ROWS_MAX:
            raise ReportRefused("by", "时间范围过长，不能按时段统计；请按日期统计，或缩短时间范围")


def day_of(at: float) -> date:
    """The day in China that a time lies in."""
    return datetime.fromtimestamp(at, CHINA).date()


def daily(day: date, *, interval: int = 30) -> Spec:
    """The daily report of a day, from midnight to midnight in China."""
    return Spec(
        kind=Kind.DAILY,
        title=f"{day:%Y}年{day.month}月{day.day}日 话务日报",
        since=midnight(day),
        until=midnight(day + timedelta(days=1)),
        interval=interval,
    )


def monthly(month: date) -> Spec:
    """The monthly report of the month that a day lies in."""
    first = month.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Spec(
        kind=Kind.MONTHLY,
        title=f"{first:%Y}年{first.month}月 话务月报",
        since=midnight(first),
        until=midnight(following),
        by=MONTHLY_BY,
    )


def special(
    since: float,
    until: float,
    *,
    title: str = "",
    by: Sequence[Grouping] = (),
    interval: int = 30,
    which: Filter | None = None,
) -> Spec:
    """A report of any span, of some calls. Raises ReportRefused."""
    first, last = day_of(since), day_of(max(since, until - 1))
    named = f"{first.isoformat()} 至 {last.isoformat()}" if last != first else first.isoformat()
    spec = Spec(
        kind=Kind.SPECIAL,
        title=title.strip()[:100] or f"{named} 话务专报",
        since=since,
        until=until,
        by=tuple(by) or (Grouping.DAY, Grouping.QUEUE, Grouping.AGENT),
        interval=interval,
        which=which or Filter(),
    )
    spec.check()
    return spec
