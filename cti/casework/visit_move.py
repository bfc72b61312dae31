"""Planning a return visit by a person (人工回访): each has an id of its own, which says what it is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from cti.ports import Person
from orders.answer_steps import Unasked
from orders.course_events import VisitPlanned
from orders.course_messages import Course
from orders.errors import ValueRefused

__all__ = ["visit_planned"]


def visit_planned(given: Mapping[str, Any], person: Person, course: Course) -> VisitPlanned:
    """Return the event; without `visit_id` the visit is a person's, and is given an id that says so.

    Raises:
        ValueRefused: `visit_id` is no text.
    """
    named = given.get("visit_id") or ""
    if not isinstance(named, str):
        raise ValueRefused("visit_id is no text", shown="回访编号有误")
    own = f"{Unasked.BY_HAND.value}-{course.round}-{uuid.uuid4().hex}"
    return VisitPlanned(visit_id=named.strip() or own, by=person.login)
