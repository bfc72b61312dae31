"""What the wallboard, the alerts and the watch for waves of calls tell."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cti.message_base import View

__all__ = [
    "AlertView",
    "BurstView",
    "IntervalView",
    "QueueBoardView",
    "RuleBreakView",
    "TopicView",
    "WallboardView",
]


class QueueBoardView(msgspec.Struct, frozen=True, kw_only=True):
    """One skill queue on the wall."""

    queue: str  # name
    title: str  # Chinese name
    waiting: int  # citizens in line now
    longest_wait_s: float  # of those
    agents: Mapping[str, int] = {}  # acd.messages.AgentState -> agents with this skill
    figures: Mapping[str, float | None] = {}  # key of cti.figures.definitions -> value today


class IntervalView(msgspec.Struct, frozen=True, kw_only=True):
    """One interval of today, against what was forecast."""

    start: float  # begins
    offered: int  # calls that asked for a person
    answered: int  # of those
    forecast: float | None = None  # calls expected, None without a forecast


class RuleBreakView(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the last 24 hours that was not connected as the rule asks, and why."""

    call_id: str  # which
    started: float  # began
    queue: str  # skill queue
    waited_s: float  # in line
    cause: str  # key of cti.figures.causes
    cause_title: str  # in Chinese


class TopicView(msgspec.Struct, frozen=True, kw_only=True):
    """A hot topic or a district, by orders of today."""

    key: str  # category path or name of a district
    title: str  # in Chinese
    count: int  # orders today
    usual: float | None = None  # on such days until now


class WallboardView(View, frozen=True):
    """Everything on the wall; to pages that watch "wallboard", at most once a second."""

    at: float  # when this was true
    figures: Mapping[str, float | None] = {}  # "live.", "today." or "rolling." + key; None: nothing to count
    queues: tuple[QueueBoardView, ...] = ()
    agents: Mapping[str, int] = {}  # acd.messages.AgentState -> agents
    agents_since: Mapping[str, float] = {}  # the same -> since when the one is in it who is longest
    reasons: Mapping[str, int] = {}  # acd.messages.NotReadyReason -> agents who are not ready for it
    intervals: tuple[IntervalView, ...] = ()  # of today, oldest first
    breaks: tuple[RuleBreakView, ...] = ()  # newest first, at most 50
    breaks_total: int = 0  # all of the rolling 24 hours
    causes: Mapping[str, int] = {}  # cti.figures.causes.Cause -> breaks of the rolling 24 hours
    topics: tuple[TopicView, ...] = ()  # most first, at most 10
    districts: tuple[TopicView, ...] = ()  # every district with orders today
    urgent_open: int = 0  # urgent orders that are not closed
    callbacks: Mapping[str, int] = {}  # acd.callbacks.CallbackState -> call-backs
    visits: Mapping[str, int] = {}  # orders.visits.VisitState -> return visits of today
    health: Mapping[str, bool] = {}  # part of the platform -> works
    behind_s: float = 0.0  # how far the figures from the database are behind
    past_at: float = 0.0  # when figures of the past were made, 0 not yet


class AlertView(View, frozen=True):
    """A figure is beyond its threshold, or is back; to supervisors and administrators."""

    alert_id: str  # which
    rule: str  # key of the alert rule
    title: str  # in Chinese
    level: str  # "info", "warning" or "critical"
    figure: str  # key of the figure
    value: float  # as it is
    threshold: float  # as the rule says
    since: float  # began
    until: float | None = None  # over
    acknowledged_by: str = ""  # login of who took note of it
    sound: bool = False  # the page sounds it


class BurstView(View, frozen=True):
    """Several callers within minutes speak of the same matter and place; to supervisors."""

    burst_id: str  # which
    title: str  # matter and place, in Chinese
    category: str  # path of the category
    district: str  # 区县
    place: str  # where, as said most often
    orders: tuple[str, ...]  # ids of the orders or drafts, oldest first
    callers: int  # different callers
    since: float  # first of them
    last: float  # newest of them
    state: str = "open"  # "open", "noticed" (to agents), "announced" (to callers), "dismissed", "over"
