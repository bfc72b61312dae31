"""What the system does by itself after an answer: 回访 重办 办结 归档, by policy and the time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from orders.answer_policy import AnswerPolicy, VisitBy
from orders.course_answer import joined_badly
from orders.course_events import CourseEvent, OrderArchived, OrderClosed, RedoOrdered
from orders.course_messages import SYSTEM, Course, CourseState

__all__ = [
    "WHY", "Step", "Unasked", "answered_at", "closes_at", "closing", "due_step", "event_of", "looked_at",
]  # fmt: skip

S = CourseState
HOUR_S = 3600.0
DAY_S = 86_400.0


class Step(StrEnum):
    """One thing that is due."""

    VISIT = "visit"  # the citizen is to be asked
    REDO = "redo"  # a bad rating is redone
    CLOSE_RATED = "close_rated"  # the citizen was content
    CLOSE_UNRATED = "close_unrated"  # the citizen said nothing
    ARCHIVE = "archive"


class Unasked(StrEnum):
    """Why the robot does not ask; also how the id of such a visit begins."""

    NO_NUMBER = "no_number"  # nothing that could be dialled
    TEXT_ONLY = "text_only"  # wants to be written to
    CONFIDENTIAL = "confidential"  # 举报保密: a person with the right to see who it was asks
    BY_HAND = "person"  # a person planned to ask
    WANTS_PERSON = "wants_person"  # the citizen asked the robot for a person
    NOT_REACHED = "not_reached"  # was tried as often as policy says
    SILENT = "silent"  # none of these


_WHY: Mapping[Unasked, str] = {
    Unasked.NO_NUMBER: "市民未留可拨打的电话，无法回访",
    Unasked.TEXT_ONLY: "市民要求仅以文字联系，未收到评价",
    Unasked.CONFIDENTIAL: "保密工单未收到评价",
    Unasked.BY_HAND: "人工回访未收到市民评价",
    Unasked.WANTS_PERSON: "市民要求人工回访，未收到评价",
    Unasked.NOT_REACHED: "多次回访未联系上市民",
    Unasked.SILENT: "未收到市民评价",
}


WHY: Mapping[Unasked, str] = {
    Unasked.NO_NUMBER: "未留可拨打的电话",
    Unasked.TEXT_ONLY: "要求仅以文字联系",
    Unasked.CONFIDENTIAL: "保密工单",
    Unasked.BY_HAND: "已安排人工回访",
    Unasked.WANTS_PERSON: "市民要求人工",
    Unasked.NOT_REACHED: "机器人多次未接通",
    Unasked.SILENT: "机器人不回访",
}
"""Why a person asks, as lists say it."""


def closes_at(course: Course, policy: AnswerPolicy) -> float | None:
    """Return when an answered order is closed without a rating (epoch seconds); None: only by people."""
    days = policy.close.unrated_days
    return answered_at(course) + days * DAY_S if days else None


def answered_at(course: Course) -> float:
    """Return when the answer was there for the citizen: when it passed review, or was given at once."""
    if course.review is not None and course.review.passed:
        return course.review.at
    return course.since if course.feedback is None else course.feedback.at


def looked_at(policy: AnswerPolicy, now: float) -> Mapping[CourseState, float]:
    """Return the states in which something may be due, each with the latest time since when it must stand."""
    found: dict[CourseState, float] = {}
    close = policy.close
    wait = policy.visit.after_hours * HOUR_S
    if policy.visit.by is VisitBy.ROBOT:
        found |= {S.ANSWERED: now - wait, S.REVIEWED: now - wait}
    elif close.unrated_days:
        found |= {S.ANSWERED: now - close.unrated_days * DAY_S, S.REVIEWED: now - close.unrated_days * DAY_S}
    if close.unrated_days:  # the visit began after the answer, as a rule by `after_hours`
        found[S.VISITING] = now - max(0.0, close.unrated_days * DAY_S - wait - DAY_S)
    if policy.redo.times or close.rated_days:
        found[S.RATED] = now
    if policy.archive.closed_days:
        found |= dict.fromkeys((S.CLOSED, S.WITHDRAWN), now - policy.archive.closed_days * DAY_S)
    return found


def due_step(course: Course, policy: AnswerPolicy, now: float) -> Step | None:
    """Return what is due for an order now, None for nothing."""
    if course.state in (S.ANSWERED, S.REVIEWED, S.VISITING):
        to_ask = course.state is not S.VISITING and policy.visit.by is VisitBy.ROBOT
        if to_ask:
            return Step.VISIT if now >= answered_at(course) + policy.visit.after_hours * HOUR_S else None
        days = policy.close.unrated_days
        return Step.CLOSE_UNRATED if days and now >= answered_at(course) + days * DAY_S else None
    if course.state is S.RATED and course.rating is not None:
        rating = course.rating
        if (rating.bad and rating.counts) or joined_badly(course):
            waited = now >= rating.at + policy.redo.wait_minutes * 60.0
            return Step.REDO if course.round <= policy.redo.times and waited else None
        days = policy.close.rated_days
        return Step.CLOSE_RATED if days and now >= rating.at + days * DAY_S else None
    if course.state in (S.CLOSED, S.WITHDRAWN):
        days = policy.archive.closed_days
        return Step.ARCHIVE if days and now >= course.since + days * DAY_S else None
    return None


def closing(why: Unasked, policy: AnswerPolicy) -> OrderClosed:
    """Return the end of an order whose citizen said nothing, with its reason."""
    return OrderClosed(reason=f"{_WHY[why]}，满 {policy.close.unrated_days} 天自动办结", by=SYSTEM)


def event_of(step: Step, course: Course) -> CourseEvent:
    """Return the event of a step that needs nothing but the course."""
    if step is Step.REDO:
        return RedoOrdered(reason=f"市民评价为差评，第 {course.round} 次自动重办", clocks=(), by=SYSTEM)
    if step is Step.CLOSE_RATED:
        return OrderClosed(reason="", by=SYSTEM)
    if step is Step.ARCHIVE:
        return OrderArchived(by=SYSTEM)
    raise ValueError(f"step {step} needs a visit; see closing and cti.casework.answer_rounds")
