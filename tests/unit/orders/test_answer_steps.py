"""What is due after an answer, for all policies: found by state and time, and possible."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orders.answer_policy import AnswerPolicy, load_answer_policy
from orders.answer_steps import Step, Unasked, closing, due_step, event_of, looked_at
from orders.course import advance, begun
from orders.course_events import CourseEvent
from orders.course_messages import Course, CourseState
from orders.course_table import TABLE
from orders.errors import OrderError
from tests.support.courses import ACCEPTED_AT, DAY, HOUR, lives

POLICY = load_answer_policy()
policies = st.builds(
    lambda times, rated, unrated, archive, after: replace(
        POLICY,
        redo=replace(POLICY.redo, times=times),
        close=replace(POLICY.close, rated_days=rated, unrated_days=unrated),
        archive=replace(POLICY.archive, closed_days=archive),
        visit=replace(POLICY.visit, after_hours=after),
    ),
    st.integers(0, 2),
    st.integers(0, 3),
    st.integers(0, 9),
    st.integers(0, 90),
    st.sampled_from((0.0, 1.0, 24.0)),
)


def course_of(life: tuple[tuple[CourseEvent, float], ...]) -> Course:
    course = begun(ACCEPTED_AT)
    for event, at in life:
        course = advance(course, event, at)
    return course


@given(lives(), policies, st.floats(0.0, 120 * DAY))
def test_what_is_due_is_found_by_the_state_and_the_time_alone(
    life: tuple[tuple[CourseEvent, float], ...], policy: AnswerPolicy, later: float
) -> None:
    course = course_of(life)
    now = course.touched_at + later
    if due_step(course, policy, now) is None:
        return
    latest = looked_at(policy, now).get(course.state)
    assert latest is not None
    assert course.since <= latest


@given(lives(), policies)
def test_what_is_due_can_be_done(life: tuple[tuple[CourseEvent, float], ...], policy: AnswerPolicy) -> None:
    course = course_of(life)
    now = course.touched_at + 200 * DAY
    step = due_step(course, policy, now)
    if step is None or step is Step.VISIT:
        return
    event = closing(Unasked.SILENT, policy) if step is Step.CLOSE_UNRATED else event_of(step, course)
    assert (course.state, type(event)) in TABLE
    try:
        after = advance(course, event, now)
    except OrderError as error:
        raise AssertionError(f"{step} in {course.state}: {error}") from None
    assert after.state in (CourseState.REDO, CourseState.CLOSED, CourseState.ARCHIVED)


@given(lives(), st.floats(0.0, 300 * DAY))
def test_nothing_follows_a_bad_rating_by_itself_once_it_was_redone(
    life: tuple[tuple[CourseEvent, float], ...], later: float
) -> None:
    course = course_of(life)
    if course.state is not CourseState.RATED or course.rating is None or course.round < 2:
        return
    if course.rating.bad and course.rating.counts:
        assert due_step(course, POLICY, course.touched_at + later) is None


def test_the_shipped_times_are_an_hour_ten_minutes_a_day_and_ninety_days() -> None:
    assert POLICY.visit.after_hours * HOUR == HOUR
    assert POLICY.redo.wait_minutes == 10
    assert (POLICY.close.rated_days, POLICY.close.unrated_days, POLICY.archive.closed_days) == (1, 7, 90)
