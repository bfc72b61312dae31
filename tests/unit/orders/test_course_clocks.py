"""Time limits of an order: what stops them, what lets them stand, and which is over first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orders import course_events as happened
from orders.course import advance, unmerged
from orders.course_clocks import found, next_clock
from orders.course_messages import Clock, ClockKind
from orders.errors import CourseRefused, ValueRefused
from tests.support.courses import (
    CHIEF,
    CLERK,
    DAY,
    LEAD,
    OFFICER,
    OTHER,
    clock,
    dispatched,
    fed_back,
    joint_answered,
    life,
    rated,
    return_ruled,
    returned,
    reviewed,
    signed,
)

K = ClockKind
PAUSED = happened.ClockPaused(kind=K.RESOLVE, reason="等待鉴定", by=CHIEF)


def given(*clocks: Clock) -> happened.ClocksSet:
    return happened.ClocksSet(clocks=clocks, reason="按时限规则", by="system")


def resumed(due: float) -> happened.ClockResumed:
    return happened.ClockResumed(kind=K.RESOLVE, due=due, near_at=DAY, reason="鉴定完成", by=CHIEF)


LIMITS = tuple(clock(kind, (place + 1) * DAY) for place, kind in enumerate(ClockKind))


def stopped_by(*events: happened.CourseEvent) -> set[ClockKind]:
    return {one.kind for one in life(given(*LIMITS), *events).clocks if one.stopped is not None}


def test_dispatch_stops_the_clocks_of_the_centre_and_no_others_of_the_citizens() -> None:
    assert stopped_by(dispatched()) == {K.ACCEPT, K.DISPATCH, K.SIGN, K.CONTACT, K.RETURN}


def test_the_lead_stops_its_clocks_one_by_one() -> None:
    limits = tuple(clock(kind, DAY) for kind in (K.SIGN, K.CONTACT, K.RESOLVE, K.TRACK))
    events = (
        dispatched(clocks=limits),
        signed(),
        happened.ContactMade(unit=LEAD, by=OFFICER),
        fed_back(),
        reviewed(),
        rated(bad=False),
    )
    stops = [
        {one.kind for one in life(*events[:count]).clocks if one.stopped is not None} for count in range(1, 7)
    ]
    assert stops == [
        set(), {K.SIGN}, {K.SIGN, K.CONTACT}, {K.SIGN, K.CONTACT, K.RESOLVE},
        {K.SIGN, K.CONTACT, K.RESOLVE}, {K.SIGN, K.CONTACT, K.RESOLVE, K.TRACK},
    ]  # fmt: skip


def test_the_citizens_limit_goes_on_when_the_order_is_dispatched_to_another_unit() -> None:
    first = clock(K.RESOLVE, 2 * DAY)
    course = life(dispatched(clocks=(first,)), signed(), dispatched(OTHER, reason="派错"))
    assert found(course, K.RESOLVE) == first


def test_a_joint_units_clock_stops_with_its_answer_or_when_it_leaves() -> None:
    own = clock(K.RESOLVE, DAY, unit=OTHER)
    both = dispatched(LEAD, OTHER, clocks=(own,))
    assert life(both, signed(OTHER), joint_answered()).clocks[0].stopped == 1180.0
    alone = happened.JointSet(joint=(), reason="无需协办", by=CLERK)
    assert life(both, alone).clocks[0].stopped == 1120.0


def test_a_paused_clock_is_not_over_and_ends_later_when_it_goes_on() -> None:
    limit = dispatched(clocks=(clock(K.RESOLVE, 2 * DAY),))
    course = life(limit, signed(), PAUSED)
    assert next_clock(course) is None
    after = advance(course, resumed(3 * DAY), 1180.0 + DAY)
    resolve = found(after, K.RESOLVE)
    assert resolve is not None
    assert (resolve.due, resolve.paused_s, resolve.running) == (3 * DAY, DAY, True)


def test_a_clock_is_not_paused_twice_nor_resumed_without_a_pause() -> None:
    limit = dispatched(clocks=(clock(K.RESOLVE, 2 * DAY),))
    for events, word in (((limit, PAUSED, PAUSED), "不在计时"), ((limit, resumed(9 * DAY)), "没有中止")):
        course = life(*events[:-1])
        with pytest.raises(CourseRefused) as caught:
            advance(course, events[-1], 5000.0)
        assert word in caught.value.shown


def test_a_resumed_clock_does_not_end_earlier_than_before() -> None:
    course = life(dispatched(clocks=(clock(K.RESOLVE, 2 * DAY),)), PAUSED)
    with pytest.raises(ValueRefused) as caught:
        advance(course, resumed(2 * DAY - 1), 5000.0)
    assert caught.value.shown == "“办理”恢复后的到期时间不能早于原到期时间"


def test_a_paused_clock_that_is_stopped_stood_until_then() -> None:
    course = life(dispatched(clocks=(clock(K.RESOLVE, 2 * DAY),)), signed(), PAUSED, fed_back())
    assert (course.clocks[0].paused_s, course.clocks[0].stopped) == (60.0, 1240.0)


def test_the_right_to_return_is_no_limit_until_a_ruling_is_waited_for() -> None:
    right = dispatched(clocks=(clock(K.RETURN, 5000.0), clock(K.RESOLVE, 2 * DAY)))
    first = next_clock(life(right, signed()))
    assert first is not None
    assert first.kind is K.RESOLVE
    waits = next_clock(life(right, signed(), returned(due=4000.0)))
    assert waits is not None
    assert (waits.kind, waits.due) == (K.RETURN, 4000.0)
    after = next_clock(life(right, signed(), returned(due=4000.0), return_ruled(False)))
    assert after is not None
    assert after.kind is K.RESOLVE


def test_a_merged_order_has_no_limit_and_gets_its_time_back_when_it_is_parted() -> None:
    merged = happened.CourseMerged(into="o2", reason="同一诉求", by=CLERK)
    course = life(dispatched(clocks=(clock(K.RESOLVE, 2 * DAY),)), merged)
    assert next_clock(course) is None
    parted = next_clock(unmerged(course, 1120.0 + DAY))
    assert parted is not None
    assert (parted.due, parted.paused_s) == (3 * DAY, DAY)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(clock(K.RESOLVE, DAY), near_at=2 * DAY),
        replace(clock(K.RESOLVE, DAY), started=2 * DAY),
        replace(clock(K.RESOLVE, DAY), due=float("inf")),
        replace(clock(K.RESOLVE, DAY), stopped=5.0),
        replace(clock(K.RESOLVE, DAY), paused_s=5.0),
        clock(K.RESOLVE, DAY, unit="没有协办的单位"),
    ],
)
def test_a_clock_that_cannot_be_is_refused(wrong: Clock) -> None:
    with pytest.raises(ValueRefused):
        life(given(wrong))


def test_one_limit_is_not_set_twice_in_one_breath() -> None:
    with pytest.raises(ValueRefused, match="two clocks"):
        life(given(clock(K.RESOLVE, DAY), clock(K.RESOLVE, 2 * DAY)))
