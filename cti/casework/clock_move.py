"""Setting the end of a time limit by hand (人工设定时限): what a person fills in becomes an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec

from cti.ports import Person
from orders.course_clocks import found
from orders.course_events import ClocksSet
from orders.course_messages import ClockKind, Course
from orders.course_titles import CLOCKS
from orders.errors import CourseRefused, ValueRefused

__all__ = ["clock_set"]

LONGEST_S = 3 * 366 * 86400.0


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    kind: ClockKind
    due: float
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    unit: str = ""


def clock_set(given: Mapping[str, Any], person: Person, course: Course) -> ClocksSet:
    """Return the event that moves the end of a running time limit; it is near as long before as it was.

    Raises:
        ValueRefused: what is filled in does not fit, or the end lies before the beginning.
        CourseRefused: there is no such limit, or it does not run.
    """
    try:
        wanted = msgspec.convert(given, _Given)
    except msgspec.ValidationError as error:
        raise ValueRefused(f"set_clock: {error}", shown="请选择时限，填写新的到期时间和理由") from None
    clock, title = found(course, wanted.kind, wanted.unit), CLOCKS[wanted.kind]
    if clock is None or not clock.running:
        raise CourseRefused(
            f"no running {wanted.kind} clock to set", shown=f"“{title}”时限不在计时，不能设定到期时间"
        )
    if not clock.started < wanted.due <= clock.started + LONGEST_S:
        raise ValueRefused(
            f"due = {wanted.due}: give a time after {clock.started}, within three years",
            shown=f"“{title}”时限的到期时间须在开始计时之后三年内",
        )
    near_at = max(clock.started, wanted.due - (clock.due - clock.near_at))
    moved = replace(clock, due=wanted.due, near_at=near_at, rule="", span="", paused_s=0.0)
    return ClocksSet(clocks=(moved,), reason=wanted.reason, by=person.login)
