"""From the answer to the end of an order's course: 反馈 审核 回访 评价 重办 申诉 办结 并单. Pure.

Each function takes the course, the event and its time, and returns the course but for its state, which the
table gives. `OrderError`s name what has to come first.
"""

from __future__ import annotations

from dataclasses import replace

from orders import course_clocks as clocks
from orders.course_events import (
    AnsweredDirectly,
    AppealRaised,
    AppealRuled,
    CourseMerged,
    FedBack,
    FeedbackReviewed,
    JoinedRated,
    OrderClosed,
    OrderRated,
    OrderWithdrawn,
    RedoOrdered,
    VisitPlanned,
)
from orders.course_messages import (
    Appeal,
    Clock,
    ClockKind,
    Course,
    CourseState,
    Feedback,
    JoinedRating,
    JointRule,
    JointState,
    JointUnit,
    Rating,
    Review,
    Supervision,
)
from orders.course_rules import check_lead
from orders.errors import CourseRefused, ValueRefused

LEVELS = tuple(Supervision)
_BY_RATINGS = LEVELS.index(Supervision.RAISED)
"""As far as bad ratings alone lift the supervision."""
_UNRATED = frozenset({CourseState.REVIEWED, CourseState.VISITING})


def answered(course: Course, event: AnsweredDirectly, at: float) -> Course:
    """直办."""
    if course.lead:
        raise CourseRefused(
            "a unit has it, so the centre does not answer", shown="工单已有主办单位，不能直办"
        )
    return replace(course, feedback=Feedback(unit="", text=event.text, at=at), review=None)


def fed_back(course: Course, event: FedBack, at: float) -> Course:
    """反馈: the lead's one answer, after the joint units' when the dispatch said so."""
    check_lead(course, event.unit)
    missing = [joint.unit for joint in course.joint if _waits_for(course, joint, at)]
    if missing:
        raise CourseRefused(
            f"{len(missing)} joint units have not answered", shown=f"协办单位尚未答复：{'、'.join(missing)}"
        )
    answer = Feedback(unit=event.unit, text=event.text, at=at, outcome=event.outcome)
    ended = clocks.stopped_of_units(course.clocks, at)
    return replace(course, feedback=answer, review=None, clocks=ended)


def _waits_for(course: Course, joint: JointUnit, at: float) -> bool:
    if course.joint_rule is JointRule.FREE or joint.state is JointState.ANSWERED:
        return False
    clock = clocks.next_of_unit(course, joint.unit)
    over = clock is not None and at > clock.due
    return not (course.joint_rule is JointRule.UNTIL_DUE and over)


def reviewed(course: Course, event: FeedbackReviewed, at: float) -> Course:
    """审核: what did not pass goes back, and the lead's clock goes on as if there had been no answer."""
    review = Review(passed=event.passed, checklist=event.checklist, at=at, reason=event.reason)
    if event.passed:
        return replace(course, review=review)
    return replace(course, review=review, clocks=clocks.reopened(course.clocks, ClockKind.RESOLVE))


def visit_planned(course: Course, event: VisitPlanned, at: float) -> Course:
    """安排回访."""
    return replace(course, visit_id=event.visit_id)


def rated(course: Course, event: OrderRated, at: float) -> Course:
    """评价: the newest one of a round counts; from the second bad one on, each lifts the supervision."""
    before = course.rating
    bad = course.bad_ratings
    if before is not None and before.round == course.round and before.bad and before.counts:
        bad -= 1
    bad += event.bad
    rating = Rating(
        result=event.result,
        service=event.service,
        solved=event.solved,
        bad=event.bad,
        at=at,
        words=event.words,
        round=course.round,
        by=event.by,
    )
    earned = LEVELS[min(bad - 1, _BY_RATINGS)] if event.bad and bad >= 2 else Supervision.NONE
    level = max(course.supervision, earned, key=LEVELS.index)
    return replace(course, rating=rating, bad_ratings=bad, appeal=None, closed_at=None, supervision=level)


def joined_rated(course: Course, event: JoinedRated, at: float) -> Course:
    """并单市民评价: beside the order's own; the newest of each citizen."""
    rating = JoinedRating(
        other=event.other,
        number=event.number,
        result=event.result,
        service=event.service,
        solved=event.solved,
        bad=event.bad,
        at=at,
        words=event.words,
        round=course.round,
    )
    return replace(course, joined_ratings=(*_of_others(course, event.other), rating))


def parted(course: Course, other: str) -> Course:
    """Return the course without what the citizen of `other` said, who does not belong to it any more."""
    return replace(course, joined_ratings=_of_others(course, other))


def joined_badly(course: Course) -> bool:
    """Tell whether a citizen who joined is dissatisfied with this round's answer."""
    return any(one.bad and one.counts and one.round == course.round for one in course.joined_ratings)


def _of_others(course: Course, other: str) -> tuple[JoinedRating, ...]:
    return tuple(one for one in course.joined_ratings if one.other != other)


def redone(course: Course, event: RedoOrdered, at: float) -> Course:
    """重办: a new round for the same units, with new clocks."""
    return replace(
        course,
        round=course.round + 1,
        joint=tuple(JointUnit(unit=joint.unit, since=at) for joint in course.joint),
        extension=None,
        extended=(),
        clocks=event.clocks,
        feedback=None,
        review=None,
        visit_id="",
        closed_at=None,
    )


def appealed(course: Course, event: AppealRaised, at: float) -> Course:
    """申诉: against a bad rating that counts, once."""
    check_lead(course, event.unit)
    if course.rating is None or not (course.rating.bad and course.rating.counts):
        raise CourseRefused("no bad rating to appeal against", shown="没有可以申诉的差评")
    if course.appeal is not None:
        raise CourseRefused("this rating was appealed against already", shown="这次评价已经申诉过了")
    if any(clock.kind is not ClockKind.APPEAL or clock.unit for clock in event.clocks):
        raise ValueRefused("clocks of an appeal must be of kind appeal", shown="申诉裁定时限无效")
    return replace(
        course,
        appeal=Appeal(unit=event.unit, reason=event.reason, at=at),
        clocks=clocks.put(course.clocks, event.clocks),
    )


def appeal_ruled(course: Course, event: AppealRuled, at: float) -> Course:
    """申诉审核: upheld, the rating stays readable but does not count."""
    if course.appeal is None or course.rating is None:
        raise CourseRefused("no appeal waits for a ruling", shown="没有待审核的申诉")
    after = replace(course, appeal=replace(course.appeal, upheld=event.upheld, ruling=event.reason))
    if not event.upheld:
        return after
    turn = course.rating.round
    joined = tuple(replace(one, counts=False) if one.round == turn else one for one in course.joined_ratings)
    return replace(
        after,
        rating=replace(course.rating, counts=False),
        bad_ratings=course.bad_ratings - course.rating.bad,
        joined_ratings=joined,
    )


def closed(course: Course, event: OrderClosed, at: float) -> Course:
    """办结: a dissatisfied citizen's order is redone first; without a good rating it needs a reason."""
    dissatisfied = course.rating is not None and course.rating.bad and course.rating.counts
    if course.state is CourseState.REDO and dissatisfied:
        raise CourseRefused("it is being redone", shown="差评重办未完成，不能办结")
    dissatisfied = dissatisfied and course.state is CourseState.RATED
    if dissatisfied and course.round == 1:
        raise CourseRefused(
            "a bad rating is redone before it is closed", shown="差评工单须先重办，不能直接办结"
        )
    if (dissatisfied or course.state in _UNRATED) and not event.reason.strip():
        raise ValueRefused(
            "closed without a good rating and without a reason", shown="未获满意评价的工单办结须写明理由"
        )
    return replace(course, closed_at=at, clocks=_all_stopped(course, at))


def withdrawn(course: Course, event: OrderWithdrawn, at: float) -> Course:
    """撤单."""
    return replace(course, clocks=_all_stopped(course, at))


def merged(course: Course, event: CourseMerged, at: float) -> Course:
    """并单: nobody looks at its clocks until it is parted again."""
    return replace(course, merged_into=event.into)


def _all_stopped(course: Course, at: float) -> tuple[Clock, ...]:
    return clocks.stopped_of_units(clocks.stopped(course.clocks, at), at)
