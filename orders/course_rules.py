"""What an event of an order's course may carry: lengths, numbers, and whose move it is."""

from __future__ import annotations

from collections.abc import Sequence

from orders.course_clocks import check_new
from orders.course_events import (
    CourseEvent,
    DisputeRuled,
    ExtensionAsked,
    FeedbackReviewed,
    JoinedRated,
    JointSet,
    OrderCorrected,
    OrderDispatched,
    OrderRated,
    ReturnRuled,
)
from orders.course_messages import Course
from orders.errors import CourseRefused, ValueRefused
from orders.fields import REQUIRED, TITLES, check, check_text

__all__ = ["check_carried", "check_joint", "check_lead", "is_lead", "joint_names"]

MAX_BY = 64
MAX_UNIT = 100
MAX_REASON = 500
MAX_TEXT = 4000
MAX_WORDS = 1000
MAX_JOINT = 20
MAX_CHECKLIST = 50
MAX_ITEM = 100
MAX_DAYS = 365
MAX_SHORT = 80
MAX_CHANGES = 20

_LIMITS: dict[str, tuple[int, int]] = {
    "by": (1, MAX_BY),
    "unit": (1, MAX_UNIT),
    "lead": (1, MAX_UNIT),
    "reason": (1, MAX_REASON),
    "text": (1, MAX_TEXT),
    "words": (0, MAX_WORDS),
    "source": (1, MAX_UNIT),
    "visit_id": (1, MAX_SHORT),
    "into": (1, MAX_SHORT),
    "other": (1, MAX_SHORT),
    "number": (0, 30),
}
"""Name of a text in any event -> fewest and most characters."""


def joint_names(course: Course) -> frozenset[str]:
    """Return the joint units of the course."""
    return frozenset(joint.unit for joint in course.joint)


def is_lead(course: Course, unit: str) -> bool:
    """Tell whether `unit` leads."""
    return bool(unit) and unit == course.lead


def check_lead(course: Course, unit: str) -> None:
    """Let only the lead unit through.

    Raises:
        CourseRefused: another unit does what only the lead does.
    """
    if not is_lead(course, unit):
        raise CourseRefused(
            "this move is the lead unit's, and another unit made it",
            shown=f"这张工单的主办单位是“{course.lead or '未定'}”，其他单位不能这样操作",
        )


def check_joint(course: Course, unit: str) -> None:
    """Let only a joint unit through.

    Raises:
        CourseRefused: the unit has no part in this order.
    """
    if unit not in joint_names(course):
        raise CourseRefused(
            "the unit is no joint unit of this order", shown=f"“{unit}”不是这张工单的协办单位"
        )


def check_carried(course: Course, event: CourseEvent) -> None:
    """Check the texts and numbers that `event` carries.

    Raises:
        ValueRefused: naming what is out of bounds.
    """
    fields = type(event).__dataclass_fields__
    for name, (least, most) in _LIMITS.items():
        value = getattr(event, name, None)
        if isinstance(value, str):
            optional = fields[name].default == "" or least == 0
            check_text(name, value if optional else value.strip(), 0 if optional else least, most)
    units = joint_names(course)
    if isinstance(event, JointSet | OrderDispatched | DisputeRuled):
        _check_units(course.lead if isinstance(event, JointSet) else event.lead, event.joint)
        units = frozenset(event.joint)
    if isinstance(event, ReturnRuled):
        units = frozenset()
    check_new(getattr(event, "clocks", ()), units)
    if isinstance(event, OrderRated | JoinedRated):
        _check_rating(event)
    elif isinstance(event, FeedbackReviewed):
        _check_review(event)
    elif isinstance(event, OrderCorrected):
        _check_changes(event)
    elif isinstance(event, ExtensionAsked) and not 1 <= event.days <= MAX_DAYS:
        raise ValueRefused(
            f"days is {event.days}, expected 1 to {MAX_DAYS}", shown=f"延期天数应为 1 到 {MAX_DAYS}"
        )


def _check_units(lead: str, joint: Sequence[str]) -> None:
    if len(joint) > MAX_JOINT:
        raise ValueRefused(
            f"{len(joint)} joint units, at most {MAX_JOINT}", shown=f"协办单位最多 {MAX_JOINT} 个"
        )
    for unit in joint:
        check_text("joint", unit.strip(), 1, MAX_UNIT)
    if lead in joint or len(set(joint)) != len(joint):
        raise ValueRefused(
            "a joint unit is named twice, or is the lead unit, too", shown="协办单位重复，或与主办单位相同"
        )


def _check_rating(event: OrderRated | JoinedRated) -> None:
    for name, value in (("result", event.result), ("service", event.service)):
        if value is not None and value not in range(1, 6):
            raise ValueRefused(f"{name} is {value}, expected 1 to 5", shown="满意度只能是 1 到 5")
    if event.result is None and event.service is None and event.solved is None:
        raise ValueRefused(
            "a rating without any answer; give result, service or solved", shown="请填写满意度或是否解决"
        )


def _check_changes(event: OrderCorrected) -> None:
    names = [one.field for one in event.changes]
    if not 1 <= len(names) <= MAX_CHANGES or len(set(names)) != len(names):
        raise ValueRefused(
            f"{len(names)} changes, expected 1 to {MAX_CHANGES}, each field once",
            shown="请填写需要更正的内容，每项一次",
        )
    for one in event.changes:
        field = check(one.field, one.value)
        check_text("was", one.was, 0, MAX_TEXT)
        if field in REQUIRED and not one.value.strip():
            raise ValueRefused(f"{field} is needed and would be empty", shown=f"“{TITLES[field]}”不能为空")


def _check_review(event: FeedbackReviewed) -> None:
    if not 1 <= len(event.checklist) <= MAX_CHECKLIST:
        raise ValueRefused(
            f"checklist has {len(event.checklist)} lines, expected 1 to {MAX_CHECKLIST}",
            shown="请逐项填写审核清单",
        )
    for line in event.checklist:
        check_text("checklist", line.item.strip(), 1, MAX_ITEM)
    if event.passed and not all(line.ok for line in event.checklist):
        raise ValueRefused(
            "passed, but a line of the checklist is not right", shown="审核清单有未通过的项目，不能审核通过"
        )
    if not event.passed and not event.reason.strip():
        raise ValueRefused("not passed without a reason", shown="审核不通过须写明需要补正的内容")
