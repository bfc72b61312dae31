"""What pages are told of accepted orders while they are moved; nothing of it says who the citizen is."""

from __future__ import annotations

import msgspec

from cti.message_base import View

__all__ = ["ClockCrossed", "InboxChanged", "MoveView", "OrderMoved"]


class MoveView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an order."""

    kind: str  # name of the event's class in snake case: order_dispatched …
    title: str  # in Chinese: 派单 …
    at: float  # when


class OrderMoved(View, frozen=True):
    """An order went on; to pages that watch "orders", and "unit:<name>" of its units and those above them."""

    order_id: str  # which
    number: str  # 工单编号
    version: int  # as it is now; a page that shows this one or a later one knows it already
    state: str  # orders.course_messages.CourseState
    round: int  # 1, and one more for each redo (重办)
    lead: str  # 主办单位, "" while there is none
    joint: tuple[str, ...]  # 协办单位
    due_at: float | None = None  # when its next clock is over, None when none runs
    near_at: float | None = None  # from when that is near
    due_kind: str = ""  # orders.course_messages.ClockKind of that clock
    supervision: str = "none"  # orders.course_messages.Supervision
    moves: tuple[MoveView, ...] = ()  # what is new, oldest first, at most 12
    at: float = 0.0  # when the last of it happened


class ClockCrossed(View, frozen=True):
    """A time limit of an order is nearly over, over, or gravely late; to who is told of its moves."""

    order_id: str  # which
    number: str  # 工单编号
    lead: str  # 主办单位, "" while there is none
    unit: str  # the joint unit whose clock it is, "" for the order's own
    kind: str  # orders.course_messages.ClockKind
    title: str  # of that clock, in Chinese: 办理 …
    level: str  # "near", "late" or "grave"
    due_at: float  # end of the clock
    at: float  # when this was so first


class InboxChanged(View, frozen=True):
    """How many orders somebody has to do something about: on beginning to watch, then when it changes."""

    unit: str  # whose inbox; "" for all orders that are under way, to pages that watch "orders"
    open: int  # all of them
    near: int  # nearly over, or over
    late: int  # over
    at: float  # when this was counted
