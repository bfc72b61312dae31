"""Correcting an accepted order (更正): who may, what is filled in, what else is not true any more after it.

Whoever of the centre may, while the order is under way; once it is closed, only who rules. Agents correct
what they took down themselves until somebody has it in hand. Units say in a note what they found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec

from cti.message_base import Role
from cti.ports import Person
from orders.course_events import FieldChange, OrderCorrected
from orders.course_messages import CorrectionCause, Course, CourseState
from orders.errors import CourseRefused, ValueRefused
from orders.lifecycle import value_of
from orders.messages import OrderField
from orders.privacy import Secrecy, secrecy_named
from orders.records import Order

__all__ = ["CORRECTABLE", "CorrectionForbidden", "checked", "given", "may_correct"]

F = OrderField
CORRECTABLE: tuple[OrderField, ...] = (
    F.TYPE, F.CATEGORY, F.URGENCY, F.DISTRICT, F.STREET, F.PLACE, F.DETAIL, F.POINT, F.SUBJECT, F.TIME,
    F.TIME_ISO, F.CONTACT, F.PHONE, F.CONTACT_BY, F.SECRECY, F.TITLE, F.SUMMARY,
)  # fmt: skip
"""What can be corrected: the unit is dispatched to, and the mood was that of the call."""
_RULING = frozenset({Role.SUPERVISOR, Role.ADMIN})
_IN_NO_HAND = frozenset({CourseState.ACCEPTED, CourseState.ANSWERED})
_FOLLOWS: Mapping[OrderField, frozenset[OrderField]] = {
    F.POINT: frozenset({F.DISTRICT, F.STREET, F.PLACE}),
    F.TIME_ISO: frozenset({F.TIME}),
}
"""What was read out of other fields, and is not true any more when they change."""
_RANK = tuple(Secrecy)
_MOST = 4000


class CorrectionForbidden(CourseRefused):
    """This person does not correct this order, or not like this."""


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    changes: Annotated[
        dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[str, msgspec.Meta(max_length=_MOST)]],
        msgspec.Meta(min_length=1, max_length=len(CORRECTABLE)),
    ]
    cause: CorrectionCause
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


def given(values: Mapping[str, Any], person: Person, course: Course) -> OrderCorrected:
    """Return the event that what a person filled in becomes: `changes` are fields with their new values.

    Raises:
        ValueRefused: it does not fit, or a field is not corrected like this.
    """
    try:
        wanted = msgspec.convert(values, _Given)
    except msgspec.ValidationError as error:
        raise ValueRefused(f"correct: {error}", shown="请填写需要更正的内容、更正原因和说明") from None
    for name in wanted.changes:
        if name not in CORRECTABLE:
            raise ValueRefused(
                f"{name!r} is not corrected; {', '.join(CORRECTABLE)} are", shown="这一项不能更正"
            )
    changes = tuple(
        FieldChange(field=one.value, value=wanted.changes[one].strip())
        for one in CORRECTABLE
        if one in wanted.changes
    )
    return OrderCorrected(changes=changes, cause=wanted.cause, reason=wanted.reason, by=person.login)


def may_correct(order: Order, person: Person) -> bool:
    """Whether this person may correct this order as it stands; `orders.course_table` knows the states."""
    course = order.draft.course
    if course is None:
        return False
    if person.role is Role.AGENT:
        in_no_hand = course.state in _IN_NO_HAND and not course.lead and not course.returns
        return in_no_hand and order.agent == person.login
    return course.state is not CourseState.CLOSED or person.role in _RULING


def checked(order: Order, event: OrderCorrected, person: Person) -> OrderCorrected:
    """Return the correction of this order, with what else is not true any more after it.

    Raises:
        CorrectionForbidden: the person may not.
    """
    if not may_correct(order, person):
        raise CorrectionForbidden("this person does not correct this order now", shown=_why(order, person))
    _check_secrecy(order, event.changes, person)
    named = {one.field for one in event.changes}
    changed = {F(one.field) for one in event.changes if value_of(order.draft, F(one.field)) != one.value}
    untrue = (
        FieldChange(field=field.value, value="")
        for field, others in _FOLLOWS.items()
        if field not in named and changed & others and value_of(order.draft, field)
    )
    return replace(event, changes=(*event.changes, *untrue))


def _check_secrecy(order: Order, changes: Iterable[FieldChange], person: Person) -> None:
    """Anybody who corrects raises 保密要求; lowering it needs the right to confidential orders."""
    for one in changes:
        if one.field == F.SECRECY and not person.confidential:
            was, wanted = secrecy_named(value_of(order.draft, F.SECRECY)), secrecy_named(one.value)
            if _RANK.index(wanted) < _RANK.index(was):
                raise CorrectionForbidden("lowers the secrecy", shown="您没有降低保密要求的权限")


def _why(order: Order, person: Person) -> str:
    if person.role is not Role.AGENT:
        return "工单已办结，只有班长可以更正"
    if order.agent != person.login:
        return "这张工单由其他坐席受理，如需更正请联系派单员或班长"
    return "工单已派单，如需更正请联系派单员或班长"
