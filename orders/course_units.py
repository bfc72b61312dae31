"""What units do in the course of an order: take it, work together, give it back, quarrel, ask for time. Pure.

Each function takes the course, the event and its time, and returns the course but for its state, which the
table gives. `OrderError`s name what has to come first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from orders import course_clocks as clocks
from orders.course_events import (
    ContactMade,
    DisputeRaised,
    DisputeRuled,
    ExtensionAsked,
    ExtensionRuled,
    JointAnswered,
    JointSet,
    OrderDispatched,
    OrderReturned,
    OrderSigned,
    ReturnRuled,
    WorkNoted,
)
from orders.course_messages import (
    ClockKind,
    Course,
    CourseState,
    Dispute,
    Extension,
    JointState,
    JointUnit,
    Return,
)
from orders.course_rules import check_joint, check_lead, is_lead
from orders.course_table import WITH_UNIT
from orders.errors import CourseRefused, IllegalTransition, ValueRefused

MAX_RETURNS = 20
_HAVE_IT = frozenset({CourseState.DISPATCHED, CourseState.SIGNED, CourseState.HANDLING})
_TO_SIGN = frozenset({CourseState.DISPATCHED, CourseState.REDO})


class UnitRole(StrEnum):
    """What part a unit has in an order."""

    LEAD = "lead"  # 主办
    JOINT = "joint"  # 协办


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTask:
    """One order as it lies in a unit's inbox."""

    unit: str  # whose
    role: UnitRole  # lead or joint
    state: str  # lead: `CourseState`; joint: `JointState`
    since: float  # when that began, epoch seconds
    open: bool  # whether the unit has something to do
    due: float | None = None  # when it has to be done, epoch seconds, None when no clock runs
    near_at: float | None = None  # from when that is near


def tasks(course: Course) -> tuple[UnitTask, ...]:
    """Return the order's place in each of its units' inboxes, the lead first."""
    busy = course.state in WITH_UNIT
    found: list[UnitTask] = []
    if course.lead:
        clock = clocks.next_clock(course) if busy else None
        found.append(
            UnitTask(
                unit=course.lead,
                role=UnitRole.LEAD,
                state=course.state.value,
                since=course.since,
                open=busy,
                due=None if clock is None else clock.due,
                near_at=None if clock is None else clock.near_at,
            )
        )
    for joint in course.joint:
        to_do = busy and joint.state is not JointState.ANSWERED
        clock = clocks.next_of_unit(course, joint.unit) if to_do else None
        found.append(
            UnitTask(
                unit=joint.unit,
                role=UnitRole.JOINT,
                state=joint.state.value,
                since=joint.since,
                open=to_do,
                due=None if clock is None else clock.due,
                near_at=None if clock is None else clock.near_at,
            )
        )
    return tuple(found)


def dispatched(course: Course, event: OrderDispatched, at: float) -> Course:
    """派单, or 改派 with a reason from a unit that has it."""
    if course.state in _HAVE_IT and not event.reason.strip():
        raise ValueRefused("dispatched to other units without a reason", shown="改派须写明理由")
    if event.rules_return:
        ruling = event.reason or f"派给“{event.lead}”，视同裁定"
        course = replace(course, returns=_all_ruled(course, event.lead, ruling))
    return _sent(course, event, at)


def joint_set(course: Course, event: JointSet, at: float) -> Course:
    """协办调整: who stays keeps what it did."""
    known = {joint.unit: joint for joint in course.joint}
    return replace(
        course,
        joint=tuple(known.get(unit) or JointUnit(unit=unit, since=at) for unit in event.joint),
        joint_rule=event.joint_rule,
        clocks=clocks.put(clocks.stopped_of_units(course.clocks, at, event.joint), event.clocks),
    )


def signed(course: Course, event: OrderSigned, at: float) -> Course:
    """签收."""
    if is_lead(course, event.unit):
        if course.state not in _TO_SIGN:
            raise IllegalTransition(course.state, "OrderSigned")
        return replace(course, clocks=clocks.stopped(course.clocks, at, {ClockKind.SIGN}))
    joint = _joint(course, event.unit)
    if joint.state is not JointState.DISPATCHED:
        raise CourseRefused("the joint unit has signed already", shown=f"“{event.unit}”已经签收过了")
    after = replace(joint, state=JointState.SIGNED, since=at)
    return _with(course, after, at, {ClockKind.SIGN})


def contacted(course: Course, event: ContactMade, at: float) -> Course:
    """首次联系."""
    check_lead(course, event.unit)
    return course


def noted(course: Course, event: WorkNoted, at: float) -> Course:
    """办理记录: only the event keeps the words."""
    if is_lead(course, event.unit):
        if course.state in _TO_SIGN:
            raise _sign_first()
        return course
    _signed_joint(course, event.unit)
    return course


def joint_answered(course: Course, event: JointAnswered, at: float) -> Course:
    """协办答复."""
    joint = _signed_joint(course, event.unit)
    after = replace(joint, state=JointState.ANSWERED, since=at, answer=event.text)
    return _with(course, after, at, set(ClockKind))


def returned(course: Course, event: OrderReturned, at: float) -> Course:
    """退单: within its time, not twice without a ruling, and not against a ruling."""
    check_lead(course, event.unit)
    if event.clock is None or event.clock.kind is not ClockKind.RETURN or event.clock.unit:
        raise ValueRefused("the clock of a return must be of kind return", shown="退单审核时限无效")
    clocks.check_new((event.clock,), frozenset(), name="clock")
    _check_not_ruled(course, event.unit)
    if any(one.accepted is None for one in course.returns):
        raise CourseRefused(
            "an earlier return was never ruled on",
            shown="这张工单此前已退单且未经裁定，不能再次退单，请提请职责争议裁定",
        )
    limit = clocks.found(course, ClockKind.RETURN)
    if limit is not None and limit.running and at > limit.due:
        raise CourseRefused(
            "the time for returning it is over", shown="已超过退单时限，不能退单，请提请职责争议裁定"
        )
    if len(course.returns) >= MAX_RETURNS:
        raise CourseRefused(
            f"returned {MAX_RETURNS} times", shown=f"已退单 {MAX_RETURNS} 次，请提请职责争议裁定"
        )
    mine = Return(unit=event.unit, reason=event.reason, at=at)
    return replace(course, returns=(*course.returns, mine), clocks=clocks.put(course.clocks, (event.clock,)))


def return_ruled(course: Course, event: ReturnRuled, at: float) -> Course:
    """退单审核."""
    if event.clocks and not event.accepted:
        raise ValueRefused("clocks with a return that was refused", shown="不同意退单时不设新的派单时限")
    newest = replace(course.returns[-1], accepted=event.accepted, ruling=event.reason)
    after = replace(course, returns=(*course.returns[:-1], newest))
    if not event.accepted:
        return after
    ended = clocks.stopped(clocks.stopped_of_units(after.clocks, at), at, {ClockKind.SIGN, ClockKind.CONTACT})
    return replace(after, lead="", joint=(), clocks=clocks.put(ended, event.clocks))


def dispute_raised(course: Course, event: DisputeRaised, at: float) -> Course:
    """提请裁定: by the lead, or by the centre when nobody has it."""
    if any(clock.kind is not ClockKind.RETURN or clock.unit for clock in event.clocks):
        raise ValueRefused("clocks of a dispute must be of kind return", shown="裁定时限无效")
    if event.unit:
        check_lead(course, event.unit)
        _check_not_disputed(course, event.unit)
    elif course.state in _HAVE_IT:
        raise CourseRefused(
            "the centre disputes what a unit has", shown="工单已在承办单位，应由主办单位提请裁定"
        )
    return replace(
        course,
        dispute=Dispute(unit=event.unit, reason=event.reason, at=at),
        clocks=clocks.put(course.clocks, event.clocks),
    )


def dispute_ruled(course: Course, event: DisputeRuled, at: float) -> Course:
    """裁定: ends the dispute and every return that nobody had ruled on."""
    if course.dispute is None:
        raise IllegalTransition(course.state, "DisputeRuled")
    dispute = replace(course.dispute, lead=event.lead, ruling=event.reason)
    ruled = _all_ruled(course, event.lead, event.reason)
    return _sent(replace(course, returns=ruled, dispute=dispute), event, at)


def extension_asked(course: Course, event: ExtensionAsked, at: float) -> Course:
    """申请延期: of a resolve clock, one at a time."""
    check_lead(course, event.unit)
    clock = clocks.found(course, ClockKind.RESOLVE)
    if clock is None or clock.stopped is not None:
        raise CourseRefused("no resolve clock to extend", shown="这张工单没有办理时限，不需要延期")
    if course.extension is not None and course.extension.granted is None:
        raise CourseRefused("an extension waits for its ruling already", shown="已有延期申请待审批")
    return replace(course, extension=Extension(days=event.days, reason=event.reason, at=at))


def extension_ruled(course: Course, event: ExtensionRuled, at: float) -> Course:
    """延期审批."""
    asked, clock = course.extension, clocks.found(course, ClockKind.RESOLVE)
    if asked is None or asked.granted is not None or clock is None:
        raise CourseRefused("no extension waits for a ruling", shown="没有待审批的延期申请")
    ruled = replace(course, extension=replace(asked, granted=event.granted, ruling=event.reason))
    if not event.granted:
        return ruled
    if event.due is None or event.due <= clock.due:
        raise ValueRefused(
            "granted without a due after the old one", shown="延期后的到期时间须晚于原到期时间"
        )
    near_at = event.due - (clock.due - clock.near_at) if event.near_at is None else event.near_at
    # a clock that stood or stopped is not new: only its end moves
    moved = replace(clock, due=event.due, near_at=near_at)
    clocks.check_new((replace(moved, paused_at=None, paused_s=0.0, stopped=None),), frozenset())
    return replace(ruled, extended=(*course.extended, asked.days), clocks=clocks.put(course.clocks, (moved,)))


def _sent(course: Course, event: OrderDispatched | DisputeRuled, at: float) -> Course:
    return replace(
        course,
        lead=event.lead,
        joint=tuple(JointUnit(unit=unit, since=at) for unit in event.joint),
        joint_rule=event.joint_rule,
        clocks=clocks.put(clocks.stopped_of_units(course.clocks, at), event.clocks),
    )


def _all_ruled(course: Course, lead: str, ruling: str) -> tuple[Return, ...]:
    """The returns, with those that nobody ruled on ruled by who gets the order: not them, it was right."""
    return tuple(
        one if one.accepted is not None else replace(one, accepted=one.unit != lead, ruling=ruling)
        for one in course.returns
    )


def _check_not_ruled(course: Course, unit: str) -> None:
    refused = any(one.unit == unit and one.accepted is False for one in course.returns)
    if refused or (course.dispute is not None and course.dispute.lead == unit):
        raise CourseRefused(
            "it was ruled that this unit has to do it", shown=f"已裁定由“{unit}”办理，不能再退单"
        )


def _check_not_disputed(course: Course, unit: str) -> None:
    if course.dispute is not None and course.dispute.lead == unit:
        raise CourseRefused("the dispute was ruled already", shown=f"职责争议已裁定由“{unit}”办理")


def _joint(course: Course, unit: str) -> JointUnit:
    check_joint(course, unit)
    return next(joint for joint in course.joint if joint.unit == unit)


def _signed_joint(course: Course, unit: str) -> JointUnit:
    joint = _joint(course, unit)
    if joint.state is JointState.DISPATCHED:
        raise _sign_first()
    return joint


def _with(course: Course, joint: JointUnit, at: float, kinds: set[ClockKind]) -> Course:
    return replace(
        course,
        joint=tuple(joint if one.unit == joint.unit else one for one in course.joint),
        clocks=clocks.stopped(course.clocks, at, kinds, joint.unit),
    )


def _sign_first() -> CourseRefused:
    return CourseRefused("the unit has not signed for it", shown="请先签收")
