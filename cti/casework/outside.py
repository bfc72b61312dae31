"""How an order is told to the system that brought it, and to its citizen. No personal data."""

from __future__ import annotations

import msgspec

from cti.casework.intake_store import Taken
from orders.course_messages import Course, CourseState
from orders.course_titles import STATES
from orders.lifecycle import value_of
from orders.messages import OrderField, OrderState
from orders.records import Order

__all__ = ["RATEABLE", "answer_view", "outside_view"]

_DRAFTS = {
    OrderState.DRAFT: "待受理",
    OrderState.DISCARDED: "不予受理",
    OrderState.MERGED: "已并入其他工单办理",
    OrderState.ACCEPTED: "已受理",
}
_WITH_UNITS = frozenset(
    {
        CourseState.DISPATCHED, CourseState.SIGNED, CourseState.HANDLING, CourseState.RETURNED,
        CourseState.DISPUTED, CourseState.FED_BACK,
    }
)  # fmt: skip
"""What happens between centre and units is theirs: the outside is told 办理中."""
_STAGES = {
    CourseState.ANSWERED: "已答复",
    CourseState.REVIEWED: "已答复",
    CourseState.VISITING: "已答复",
    CourseState.REDO: "重新办理中",
    CourseState.APPEALED: STATES[CourseState.RATED],
}
"""What the outside is told in other words."""
RATEABLE = frozenset(
    {
        CourseState.ANSWERED, CourseState.REVIEWED, CourseState.VISITING, CourseState.RATED,
        CourseState.CLOSED,
    }
)  # fmt: skip
"""Where the citizen's rating counts."""


def outside_view(order: Order, taken: Taken | None, serving: Order | None = None) -> dict[str, object]:
    """Return an order's numbers, where it is, and the answer once it passed review.

    `serving` is the order that answers for one that was merged: its stage and answer are this citizen's, too,
    the rating is their own.
    """
    if serving is not None:
        return _served(order, taken, serving)
    draft, course = order.draft, order.draft.course
    return {
        "order_id": draft.order_id,
        "receipt": "" if taken is None else taken.receipt,
        "external_id": None if taken is None else taken.external_id,
        "number": order.number,
        "channel": draft.channel.value,
        "state": draft.state.value,
        "course": None if course is None else _outside_state(course).value,
        "stage": _stage(order),
        "received_at": order.created_at,
        "accepted_at": order.closed_at if draft.state is OrderState.ACCEPTED else None,
        "updated_at": order.updated_at,
        "title": value_of(draft, OrderField.TITLE),
        "reason": order.reason,
        "unit": "" if course is None else course.lead,
        "served_by": "",
        "answer": answer_view(course),
        "rateable": course is not None and course.state in RATEABLE,
        "rating": None if course is None or course.rating is None else _rating(course),
    }


def _served(order: Order, taken: Taken | None, serving: Order) -> dict[str, object]:
    course, stage = serving.draft.course, _stage(serving)
    return {
        **outside_view(order, taken),
        "course": None if course is None else _outside_state(course).value,
        "stage": f"已并入同类工单，{stage}",
        "updated_at": max(order.updated_at, serving.updated_at),
        "unit": "" if course is None else course.lead,
        "served_by": serving.number,
        "answer": answer_view(course),
        "rateable": course is not None and course.state in RATEABLE,
        "rating": None if course is None else _joined_rating(course, order.draft.order_id),
    }


def _joined_rating(course: Course, other: str) -> dict[str, object] | None:
    rating = next((one for one in course.joined_ratings if one.other == other), None)
    if rating is None:
        return None
    return {"result": rating.result, "service": rating.service, "solved": rating.solved, "at": rating.at}


def answer_view(course: Course | None) -> dict[str, object] | None:
    """Return the answer that the citizen may read: one that passed review, or the centre's own."""
    if course is None or course.feedback is None:
        return None
    passed = course.review is not None and course.review.passed
    if course.feedback.unit and not passed:
        return None
    feedback = course.feedback
    return {
        "text": feedback.text,
        "unit": feedback.unit,
        "outcome": feedback.outcome.value,
        "at": feedback.at,
    }


def _outside_state(course: Course) -> CourseState:
    return CourseState.HANDLING if course.state in _WITH_UNITS else course.state


def _stage(order: Order) -> str:
    course = order.draft.course
    if course is None or order.draft.state is not OrderState.ACCEPTED:
        return _DRAFTS[order.draft.state]
    return _STAGES.get(course.state) or STATES[_outside_state(course)]


def _rating(course: Course) -> dict[str, object]:
    rating = course.rating
    told: dict[str, object] = msgspec.to_builtins(rating)
    return {name: told[name] for name in ("result", "service", "solved", "at")}
