"""Courses of orders for tests: events with what does not matter filled in, and random lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from orders import course_events as happened
from orders.course import advance, begun
from orders.course_events import CourseEvent
from orders.course_messages import (
    SYSTEM,
    Checked,
    Clock,
    ClockKind,
    CorrectionCause,
    Course,
    JointRule,
    Outcome,
    Solved,
    Supervision,
)
from orders.course_table import legal
from orders.errors import OrderError

HOUR = 3600.0
DAY = 86400.0
ACCEPTED_AT = 1000.0

LEAD, OTHER, THIRD = "区城管局", "区住建局", "阳光街道办"
UNITS = (LEAD, OTHER, THIRD)
CLERK, OFFICER, CHIEF = "wang", "li", "zhang"


def clock(
    kind: ClockKind, due: float, *, started: float = ACCEPTED_AT, unit: str = "", near: float = 0.8
) -> Clock:
    return Clock(kind=kind, started=started, due=due, near_at=started + near * (due - started), unit=unit)


def dispatched(
    lead: str = LEAD,
    *joint: str,
    clocks: tuple[Clock, ...] = (),
    rule: JointRule = JointRule.FREE,
    reason: str = "",
) -> happened.OrderDispatched:
    return happened.OrderDispatched(
        lead=lead, joint=joint, joint_rule=rule, source="clerk", clocks=clocks, reason=reason, by=CLERK
    )


def signed(unit: str = LEAD) -> happened.OrderSigned:
    return happened.OrderSigned(unit=unit, by=OFFICER)


def noted(unit: str = LEAD) -> happened.WorkNoted:
    return happened.WorkNoted(unit=unit, text="已到现场查看", by=OFFICER)


def returned(unit: str = LEAD, *, due: float = 9 * DAY) -> happened.OrderReturned:
    limit = clock(ClockKind.RETURN, due)
    return happened.OrderReturned(unit=unit, reason="不属本单位职责", clock=limit, by=OFFICER)


def return_ruled(accepted: bool) -> happened.ReturnRuled:
    return happened.ReturnRuled(accepted=accepted, reason="按职责清单", by=CHIEF)


def disputed(unit: str = LEAD) -> happened.DisputeRaised:
    return happened.DisputeRaised(unit=unit, reason="职责交叉", by=OFFICER)


def dispute_ruled(lead: str = LEAD, *joint: str) -> happened.DisputeRuled:
    return happened.DisputeRuled(lead=lead, joint=joint, reason="编办裁定", by=CHIEF)


def joint_answered(unit: str = OTHER) -> happened.JointAnswered:
    return happened.JointAnswered(unit=unit, text="已修复路面", by=OFFICER)


def fed_back(unit: str = LEAD) -> happened.FedBack:
    return happened.FedBack(unit=unit, text="已清理并回复市民", outcome=Outcome.DONE, by=OFFICER)


def reviewed(passed: bool = True) -> happened.FeedbackReviewed:
    return happened.FeedbackReviewed(
        passed=passed,
        checklist=(Checked(item="已联系市民", ok=True), Checked(item="答复针对诉求", ok=passed)),
        reason="" if passed else "请补充现场照片",
        by=CLERK,
    )


def rated(*, bad: bool) -> happened.OrderRated:
    return happened.OrderRated(
        result=1 if bad else 5, service=4, solved=Solved.NO if bad else Solved.YES, bad=bad, by="system"
    )


def redo(*clocks: Clock) -> happened.RedoOrdered:
    return happened.RedoOrdered(reason="市民不满意", clocks=clocks, by="system")


def closed(reason: str = "") -> happened.OrderClosed:
    return happened.OrderClosed(by=CLERK, reason=reason)


def life(*events: CourseEvent, at: float = ACCEPTED_AT) -> Course:
    """The course after these events, a minute apart, the first a minute after acceptance at `at`."""
    course = begun(at)
    for place, event in enumerate(events, start=1):
        course = advance(course, event, at + 60.0 * place)
    return course


ANSWERED = (dispatched(), signed(), fed_back(), reviewed())
"""From acceptance to an answer that passed review."""


# ---------------------------------------------------------------- random lives

_units = st.sampled_from(UNITS)
_people = st.sampled_from((CLERK, OFFICER, CHIEF, SYSTEM))
_reasons = st.sampled_from(("按规定", "市民要求", "𠮷巷积水", ""))
_given = st.sampled_from(("按规定", "市民要求", "𠮷巷积水"))
_kinds = st.sampled_from(ClockKind)
_joint = st.lists(_units, max_size=2, unique=True).map(tuple)
_times = st.floats(0.0, 30 * DAY)


@st.composite
def clocks(draw: st.DrawFn, kinds: st.SearchStrategy[ClockKind] = _kinds) -> Clock:
    started, near_at, due = sorted(draw(st.tuples(_times, _times, _times)))
    unit = draw(st.sampled_from(("",) * 15 + UNITS))
    return Clock(kind=draw(kinds), started=started, near_at=near_at, due=due, unit=unit)


_clocks = st.lists(clocks(), max_size=4, unique_by=lambda one: (one.kind, one.unit)).map(tuple)
_return_clock = clocks(st.just(ClockKind.RETURN))

_changes = st.builds(
    happened.FieldChange,
    field=st.sampled_from(("type", "category", "urgency", "district", "summary", "phone")),
    value=st.sampled_from(("投诉", "紧急", "城乡建设/供水", "𠮷巷积水", "")),
)

_Built = st.SearchStrategy[CourseEvent]


def _dispatch(cls: Callable[..., CourseEvent], **more: st.SearchStrategy[object]) -> _Built:
    return st.builds(
        cls,
        lead=_units,
        joint=_joint,
        joint_rule=st.sampled_from(JointRule),
        clocks=_clocks,
        reason=_given,
        by=_people,
        **more,
    )


EVENTS: Mapping[type[CourseEvent], _Built] = {
    happened.AnsweredDirectly: st.builds(happened.AnsweredDirectly, text=_given, by=_people),
    happened.OrderDispatched: _dispatch(
        happened.OrderDispatched,
        source=st.sampled_from(("clerk", "rule:r1", "learned")),
        rules_return=st.booleans(),
    ),
    happened.JointSet: st.builds(
        happened.JointSet,
        joint=_joint,
        joint_rule=st.sampled_from(JointRule),
        clocks=_clocks,
        reason=_given,
        by=_people,
    ),
    happened.OrderSigned: st.builds(happened.OrderSigned, unit=_units, by=_people),
    happened.ContactMade: st.builds(happened.ContactMade, unit=_units, text=_reasons, by=_people),
    happened.WorkNoted: st.builds(happened.WorkNoted, unit=_units, text=_given, by=_people),
    happened.ExtensionAsked: st.builds(
        happened.ExtensionAsked, unit=_units, days=st.integers(0, 20), reason=_given, by=_people
    ),
    happened.ExtensionRuled: st.builds(
        happened.ExtensionRuled,
        granted=st.booleans(),
        due=st.none() | st.floats(0.0, 90 * DAY),
        reason=_given,
        by=_people,
    ),
    happened.OrderReturned: st.builds(
        happened.OrderReturned, unit=_units, reason=_reasons, clock=_return_clock, by=_people
    ),
    happened.ReturnRuled: st.builds(
        happened.ReturnRuled, accepted=st.booleans(), reason=_given, clocks=_clocks, by=_people
    ),
    happened.DisputeRaised: st.builds(
        happened.DisputeRaised,
        unit=st.sampled_from(("", *UNITS)),
        reason=_given,
        clocks=st.lists(_return_clock, max_size=1).map(tuple),
        by=_people,
    ),
    happened.DisputeRuled: _dispatch(happened.DisputeRuled),
    happened.JointAnswered: st.builds(happened.JointAnswered, unit=_units, text=_given, by=_people),
    happened.FedBack: st.builds(
        happened.FedBack, unit=_units, text=_given, outcome=st.sampled_from(Outcome), by=_people
    ),
    happened.FeedbackReviewed: st.builds(
        happened.FeedbackReviewed,
        passed=st.booleans(),
        checklist=st.lists(
            st.builds(Checked, item=st.just("答复针对诉求"), ok=st.integers(0, 5).map(bool)), max_size=3
        ).map(tuple),
        reason=_reasons,
        by=_people,
    ),
    happened.VisitPlanned: st.builds(happened.VisitPlanned, visit_id=st.just("v1"), by=_people),
    happened.OrderRated: st.builds(
        happened.OrderRated,
        result=st.none() | st.integers(0, 6),
        service=st.none() | st.integers(1, 5),
        solved=st.none() | st.sampled_from(Solved),
        bad=st.booleans(),
        words=_reasons,
        by=_people,
    ),
    happened.JoinedRated: st.builds(
        happened.JoinedRated,
        other=st.sampled_from(("o8", "o9")),
        number=st.just("20261122000008"),
        result=st.none() | st.integers(0, 6),
        service=st.none() | st.integers(1, 5),
        solved=st.none() | st.sampled_from(Solved),
        bad=st.booleans(),
        words=_reasons,
        by=_people,
    ),
    happened.CitizenReplied: st.builds(
        happened.CitizenReplied, words=_given, other=st.sampled_from(("", "o9")), by=_people
    ),
    happened.RedoOrdered: st.builds(happened.RedoOrdered, reason=_given, clocks=_clocks, by=_people),
    happened.AppealRaised: st.builds(
        happened.AppealRaised,
        unit=_units,
        reason=_given,
        clocks=st.lists(clocks(st.just(ClockKind.APPEAL)), max_size=1).map(tuple),
        by=_people,
    ),
    happened.AppealRuled: st.builds(happened.AppealRuled, upheld=st.booleans(), reason=_given, by=_people),
    happened.FollowedUp: st.builds(happened.FollowedUp, reason=_given, by=_people),
    happened.SupervisionSet: st.builds(
        happened.SupervisionSet, level=st.sampled_from(Supervision), reason=_given, by=_people
    ),
    happened.ClocksSet: st.builds(happened.ClocksSet, clocks=_clocks, reason=_given, by=_people),
    happened.ClockPaused: st.builds(
        happened.ClockPaused, kind=_kinds, unit=st.sampled_from(("", *UNITS)), reason=_given, by=_people
    ),
    happened.ClockResumed: st.builds(
        happened.ClockResumed,
        kind=_kinds,
        unit=st.sampled_from(("", *UNITS)),
        due=st.floats(0.0, 90 * DAY),
        near_at=_times,
        reason=_given,
        by=_people,
    ),
    happened.OrderClosed: st.builds(happened.OrderClosed, reason=_reasons, by=_people),
    happened.OrderArchived: st.builds(happened.OrderArchived, by=_people),
    happened.OrderWithdrawn: st.builds(happened.OrderWithdrawn, reason=_given, by=_people),
    happened.CourseMerged: st.builds(
        happened.CourseMerged, into=st.just("another order"), reason=_given, by=_people
    ),
    happened.OrderCorrected: st.builds(
        happened.OrderCorrected,
        changes=st.lists(_changes, min_size=1, max_size=3, unique_by=lambda one: one.field).map(tuple),
        cause=st.sampled_from(CorrectionCause),
        reason=_given,
        clocks=_clocks,
        by=_people,
    ),
}
"""Class of event -> random ones, some of which are refused for what they carry."""


_OFTEN: Mapping[type[CourseEvent], int] = {
    happened.OrderWithdrawn: 1,
    happened.CourseMerged: 1,
    happened.OrderArchived: 1,
    happened.AnsweredDirectly: 2,
    happened.OrderClosed: 4,
    happened.OrderDispatched: 3,
    happened.VisitPlanned: 3,
    happened.FollowedUp: 2,
    happened.SupervisionSet: 2,
    happened.ClocksSet: 4,
    happened.ClockPaused: 6,
    happened.OrderCorrected: 6,
}
"""How often an event is tried; what ends a life seldom, so that lives are long."""


@st.composite
def moves(draw: st.DrawFn, course: Course) -> CourseEvent:
    """A random event, mostly one that this course lets through."""
    possible = [cls for cls in legal(course.state) for _ in range(_OFTEN.get(cls, 12))]
    any_time = draw(st.integers(0, 19)) == 19 or not possible
    cls: type[CourseEvent] = draw(st.sampled_from(tuple(EVENTS) if any_time else possible))
    event: CourseEvent = draw(EVENTS[cls])
    if isinstance(event, happened.ClockPaused | happened.ClockResumed) and course.clocks:
        one = draw(st.sampled_from(course.clocks))
        return replace(event, kind=one.kind, unit=one.unit)
    if isinstance(event, happened.OrderCorrected) and course.clocks and draw(st.booleans()):
        one = draw(st.sampled_from(course.clocks))
        now = max(one.started, course.touched_at)
        due = draw(st.sampled_from((one.due, one.near_at, one.due + HOUR, now)))
        moved = replace(one, due=due, near_at=one.started, paused_at=None, paused_s=0.0, stopped=None)
        return replace(event, clocks=(moved,))
    unit = getattr(event, "unit", None)
    if unit and draw(st.integers(0, 3)):
        more: dict[str, Any] = {"unit": course.lead or unit}
        return replace(event, **more)
    return event


@st.composite
def lives(draw: st.DrawFn, *, steps: int = 25) -> tuple[tuple[CourseEvent, float], ...]:
    """Events of one life that the rules let through, with their times."""
    course, now = begun(ACCEPTED_AT), ACCEPTED_AT
    kept: list[tuple[CourseEvent, float]] = []
    for _ in range(steps):
        event = draw(moves(course))
        now += draw(st.sampled_from((0.0, 60.0, HOUR, DAY)))
        try:
            course = advance(course, event, now)
        except OrderError:
            continue
        kept.append((event, now))
    return tuple(kept)
