"""Whether a move was made from the order as it is: two people may have the same order before them.

A move names the version that its page showed. When the order has moved on since, the move is refused with a
sentence that says what happened, by whom and when; notes and links of others make no move stale, nor does a
clock that is over meanwhile and what rules make of it, and a note itself is always taken.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from orders.course_events import (
    CitizenReplied,
    ContactMade,
    CourseEvent,
    FollowedUp,
    SupervisionSet,
    WorkNoted,
)
from orders.course_messages import SYSTEM, Course
from orders.course_titles import STATES, event_title, person_title
from orders.errors import CourseConflict, ValueRefused
from orders.messages import AttachmentAdded, AttachmentRemoved, OrderEvent, OrderLinked, OrderUnlinked

__all__ = ["Since", "check_seen"]

_NOTES = (WorkNoted, ContactMade)
"""Facts: true whatever happened meanwhile."""
_QUIET = (
    WorkNoted, CitizenReplied, OrderLinked, OrderUnlinked, FollowedUp, AttachmentAdded, AttachmentRemoved,
)  # fmt: skip
"""What may happen between a look and a move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """One event after the version that was seen."""

    event: OrderEvent  # what happened
    actor: str  # login, "machine" or "system"
    at: float  # epoch seconds


def check_seen(
    event: CourseEvent,
    *,
    seen: int,
    current: int,
    course: Course | None,
    since: Sequence[Since],
    zone: datetime.tzinfo,
) -> None:
    """Let a move based on version `seen` through unless the order has moved on since.

    `since` are the order's events after version `seen`, oldest first; `zone` is that of times in the text.

    Raises:
        CourseConflict: saying what happened last, by whom and when.
        ValueRefused: `seen` is a version that does not exist yet.
    """
    if not 0 <= seen <= current:
        raise ValueRefused(f"version {seen} does not exist (now {current})", shown="版本号无效，请刷新")
    moved = [one for one in since if not isinstance(one.event, _QUIET) and not _by_rule(one, event)]
    if isinstance(event, _NOTES) or not moved:
        return
    raise CourseConflict(
        type(event).__name__,
        seen=seen,
        current=current,
        by=moved[-1].actor,
        shown=_words(moved, course, zone),
        people=tuple(dict.fromkeys(one.actor for one in moved)),
    )


def _by_rule(one: Since, event: CourseEvent) -> bool:
    """Whether a rule supervised the order, and the move is not about that."""
    by_rule = isinstance(one.event, SupervisionSet) and one.actor == SYSTEM
    return by_rule and not isinstance(event, SupervisionSet)


def _words(moved: Sequence[Since], course: Course | None, zone: datetime.tzinfo) -> str:
    last = moved[-1]
    when = datetime.datetime.fromtimestamp(last.at, zone).strftime("%m月%d日 %H:%M")
    done = "、".join(dict.fromkeys(event_title(type(one.event).__name__) for one in moved))
    people = "、".join(dict.fromkeys(_who(one) for one in moved))
    state = "" if course is None else f"，现为“{STATES[course.state]}”"
    return f"您打开后，工单已被{people}操作（{done}，最后于{when}）{state}。请查看最新情况后再操作"


def _who(one: Since) -> str:
    unit = getattr(one.event, "unit", "")
    person = "系统" if one.actor == "machine" else person_title(one.actor)
    return f"“{unit}”的{person}" if isinstance(one.event, CourseEvent) and unit else person
