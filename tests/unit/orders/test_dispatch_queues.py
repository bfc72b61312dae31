"""Which orders wait for a clerk: as the course says it, and as a database is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, func, insert, select

from orders import course_events as happened
from orders.course import advance, begun
from orders.course_messages import ClockKind, Course
from orders.course_tables import order_units
from orders.dispatch_queues import ClerkQueue, People, queues_of, waiting
from orders.messages import Draft, OrderState
from orders.records import Order
from orders.rows import columns_of
from orders.tables import metadata, orders
from tests.support.courses import (
    ACCEPTED_AT,
    ANSWERED,
    CHIEF,
    DAY,
    LEAD,
    OFFICER,
    clock,
    dispatched,
    fed_back,
    life,
    lives,
    rated,
    redo,
    returned,
    reviewed,
    signed,
)

Q = ClerkQueue
BY_COURSE = frozenset(ClerkQueue) - {Q.SAMPLE, Q.GONE}
DIRECT = happened.AnsweredDirectly(text="请拨打 12329", by="wang")
VISIT = happened.VisitPlanned(visit_id="confidential-1-o1", by="system")
APPEAL = happened.AppealRaised(unit=LEAD, reason="诉求超出政策", by=OFFICER)
AGAIN = (redo(), signed(), fed_back(), reviewed())


LIMITED = dispatched(clocks=(clock(ClockKind.RESOLVE, DAY),))
SEEN = (
    (DIRECT, rated(bad=True), redo()),
    (*ANSWERED, rated(bad=True), redo()),
    (*ANSWERED, rated(bad=True), redo(), APPEAL),
    (*ANSWERED, VISIT),
    (*ANSWERED, rated(bad=True), *AGAIN, rated(bad=True)),
    (LIMITED, signed(), happened.ExtensionAsked(unit=LEAD, days=2, reason="等件", by=OFFICER)),
)
"""Courses that random lives seldom come to."""


def of(*events: happened.CourseEvent, redo_times: int = 1, robot_asks: bool = False) -> set[ClerkQueue]:
    return set(queues_of(life(*events), redo_times=redo_times, robot_asks=robot_asks))


def test_the_redo_of_the_centres_own_answer_waits_for_its_dispatch() -> None:
    assert of(DIRECT, rated(bad=True), redo()) == {Q.TO_DISPATCH}
    assert of(DIRECT, rated(bad=True), redo(), dispatched()) == set()
    assert of(DIRECT, rated(bad=True), redo(), DIRECT) == set()


def test_the_redo_of_a_units_answer_waits_for_that_unit() -> None:
    assert of(*ANSWERED, rated(bad=True), redo()) == set()


@pytest.mark.parametrize("before", [(rated(bad=True),), (rated(bad=True), redo())], ids=["rated", "redo"])
def test_an_appeal_waits_for_its_ruling(before: tuple[happened.CourseEvent, ...]) -> None:
    ruled = happened.AppealRuled(upheld=False, reason="评价属实", by=CHIEF)
    assert of(*ANSWERED, *before, APPEAL) == {Q.APPEALED}
    assert of(*ANSWERED, *before, APPEAL, ruled) == set()


def test_a_citizen_whom_no_robot_calls_waits_for_a_person() -> None:
    assert of(*ANSWERED, VISIT) == {Q.TO_VISIT}
    assert of(*ANSWERED, VISIT, robot_asks=True) == set()
    assert of(*ANSWERED, VISIT, rated(bad=False)) == set()


def test_who_is_dissatisfied_again_after_the_last_redo_waits_for_a_decision() -> None:
    twice = (*ANSWERED, rated(bad=True), *AGAIN, rated(bad=True))
    assert of(*twice) == {Q.TO_DECIDE}
    assert of(*twice, redo_times=2) == set()  # it is redone by itself once more
    assert of(*ANSWERED, rated(bad=True), *AGAIN, rated(bad=False)) == set()
    assert of(*ANSWERED, rated(bad=True), redo_times=0) == {Q.TO_DECIDE}


def test_a_return_and_an_answer_wait_each_in_its_queue() -> None:
    assert of() == {Q.TO_DISPATCH}
    assert of(dispatched(), returned()) == {Q.RETURNED}
    assert of(dispatched(), signed(), fed_back()) == {Q.TO_REVIEW}


def stored(connection: Connection, courses: Mapping[str, Course]) -> None:
    """Write these courses as the store projects them."""
    rows = []
    for order_id, course in courses.items():
        draft = Draft(order_id=order_id, call_id="", version=1, state=OrderState.ACCEPTED, course=course)
        order = Order(
            draft=draft, caller="", agent="", created_at=1.0, updated_at=1.0, number=order_id,
            closed_at=ACCEPTED_AT, reason="",
        )  # fmt: skip
        rows.append({"id": order_id, "call_id": "", "caller": "", "created_at": 1.0, **columns_of(order)})
    connection.execute(insert(orders), rows)


def found(connection: Connection, people: People) -> dict[str, set[ClerkQueue]]:
    """The queues of each order, as a database answers."""
    known: dict[str, set[ClerkQueue]] = {row.id: set() for row in connection.execute(select(orders.c.id))}
    for queue in BY_COURSE:
        for row in connection.execute(waiting(queue, people, "sqlite")):
            known[row.id].add(queue)
    return known


def ended(events: Iterable[tuple[happened.CourseEvent, float]]) -> Course:
    course = begun(ACCEPTED_AT)
    for event, at in events:
        course = advance(course, event, at)
    return course


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(lives(steps=12), min_size=1, max_size=3),
    st.sets(st.integers(0, 9)),
    st.integers(0, 2),
)
def test_the_database_finds_in_each_queue_what_the_course_says_and_counts_it(
    drawn: list[tuple[tuple[happened.CourseEvent, float], ...]], asked: set[int], redo_times: int
) -> None:
    known = [life(*events) for events in SEEN]
    courses = {f"o{place}": course for place, course in enumerate([*known, *map(ended, drawn)])}
    engine = create_engine("sqlite://")
    metadata.create_all(engine, tables=[orders, order_units])
    robot = orders.c.id.in_([f"o{place}" for place in asked]) if asked else None
    people = People(redo_times=redo_times, robot_asks=robot)
    with engine.connect() as connection:
        stored(connection, courses)
        says = {
            order_id: set(queues_of(course, redo_times=redo_times, robot_asks=int(order_id[1:]) in asked))
            for order_id, course in courses.items()
        }
        assert found(connection, people) == says
        counts = Counter(queue for queues in says.values() for queue in queues)
        for queue in BY_COURSE:
            rows = waiting(queue, people, "sqlite").subquery()
            assert connection.scalar(select(func.count()).select_from(rows)) == counts[queue]
    engine.dispose()
