"""Which clocks begin, stand still, go on and are extended when something happens to an order."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.clock_file import load_clock_rules, parse_clock_rules
from orders.clock_rules import Facts
from orders.clock_watch import counting
from orders.clocks import Timekeeper
from orders.course import advance, begun
from orders.course_clocks import found
from orders.course_events import (
    AnsweredDirectly,
    AppealRaised,
    AppealRuled,
    ClockPaused,
    ContactMade,
    CourseEvent,
    DisputeRaised,
    DisputeRuled,
    ExtensionAsked,
    ExtensionRuled,
    FedBack,
    FeedbackReviewed,
    JointAnswered,
    JointSet,
    OrderClosed,
    OrderDispatched,
    OrderRated,
    OrderReturned,
    OrderSigned,
    OrderWithdrawn,
    RedoOrdered,
    ReturnRuled,
    VisitPlanned,
    WorkNoted,
)
from orders.course_messages import Checked, Clock, ClockKind, Course, CourseState, Outcome, Solved
from orders.course_table import legal
from orders.errors import CourseRefused, OrderError
from orders.workdays_file import load_workdays

K = ClockKind
CHINA = dt.timezone(dt.timedelta(hours=8))
DAYS = load_workdays()
KEEPER = Timekeeper(load_clock_rules(), DAYS)
COMPLAINT = Facts(type="投诉", category="城乡建设/供水", urgency="一般", channel="phone")
URGENT = replace(COMPLAINT, urgency="特急")


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def clock(course: Course, kind: ClockKind, unit: str = "") -> Clock:
    one = found(course, kind, unit)
    assert one is not None
    return one


class Order:
    """An order that lives under the rules, and the events that were stored of it."""

    def __init__(self, accepted: str, facts: Facts = COMPLAINT, keeper: Timekeeper = KEEPER) -> None:
        self.keeper = keeper
        start = at(accepted)
        self.facts = replace(facts, accepted_at=start)
        self.start = start
        self.course = begun(start)
        self.stored: list[tuple[CourseEvent, float]] = []
        clocks = keeper.accepted(self.facts, start)
        if clocks is not None:
            self._store(clocks, start)

    def happens(self, event: CourseEvent, when: str | float) -> Course:
        moment = at(when) if isinstance(when, str) else when
        before = self.course
        stamped = self.keeper.stamped(event, before, self.facts, moment)
        after = self._store(stamped, moment)
        for step in self.keeper.following(stamped, before, after, self.facts):
            self._store(step, after.touched_at)
        return self.course

    def dispatched(
        self, when: str, lead: str = "u1", joint: tuple[str, ...] = (), reason: str = ""
    ) -> Course:
        event = OrderDispatched(lead=lead, joint=joint, source="clerk", by="c", reason=reason)
        return self.happens(event, when)

    def returned(self, when: str, unit: str = "u1") -> Course:
        ruling = self.keeper.ruling(self.course, self.facts, at(when))
        return self.happens(OrderReturned(unit=unit, reason="不是", clock=ruling, by="x"), when)

    def _store(self, event: CourseEvent, moment: float) -> Course:
        self.course = advance(self.course, event, moment)
        self.stored.append((event, moment))
        return self.course


def test_an_accepted_order_has_to_be_dispatched_in_time_counted_from_when_it_was_received() -> None:
    order = Order("2026-11-23T03:10", replace(URGENT, received_at=at("2026-11-23T03:05")))
    for kind in (K.ACCEPT, K.DISPATCH):
        assert clock(order.course, kind).due == at("2026-11-23T03:20")
    course = order.dispatched("2026-11-23T03:15")
    assert {one.kind for one in counting(course)} == {K.SIGN, K.CONTACT, K.RESOLVE, K.CLOSE}
    assert clock(course, K.SIGN).due == at("2026-11-23T03:30")
    assert clock(course, K.CONTACT).due == at("2026-11-23T03:45")
    assert clock(course, K.RESOLVE).due == at("2026-11-25T17:30")


def test_a_clock_names_the_rule_and_the_span_that_it_was_given() -> None:
    course = Order("2026-11-23T10:00").dispatched("2026-11-23T11:00")
    resolve = clock(course, K.RESOLVE)
    assert (resolve.rule, resolve.span) == ("general", "5 workdays")
    assert resolve.due == at("2026-11-30T17:30")
    assert resolve.near_at == at("2026-11-27T17:30")


def test_joint_units_have_clocks_of_their_own() -> None:
    order = Order("2026-11-23T10:00")
    course = order.dispatched("2026-11-23T11:00", joint=("u2",))
    assert clock(course, K.RESOLVE, "u2").due == at("2026-11-26T17:30")
    assert clock(course, K.SIGN, "u2").due == at("2026-11-24T17:30")
    course = order.happens(JointSet(joint=("u2", "u3"), reason="也要", by="c"), "2026-11-24T11:00")
    assert clock(course, K.RESOLVE, "u2").due == at("2026-11-26T17:30")
    assert clock(course, K.RESOLVE, "u3").due == at("2026-11-27T17:30")


def test_a_limit_that_no_narrower_rule_may_relax_is_kept() -> None:
    text = (
        "rules:\n"
        "  - {id: general, title: 一般, limits: {dispatch: {span: 1 day}, sign: {span: 1 day},"
        " resolve: {span: 5 workdays}, ruling: {span: 1 day}}}\n"
        "  - {id: urgent, title: 紧急, when: {urgencies: [特急]}, ceiling: true,"
        " limits: {resolve: {span: 2 workdays}}}\n"
        "  - {id: water, title: 供水, when: {categories: [城乡建设/供水], types: [投诉]},"
        " limits: {resolve: {span: 9 workdays}}}\n"
    )
    keeper = Timekeeper(parse_clock_rules(text.encode()), DAYS)
    urgent = Order("2026-11-23T10:00", URGENT, keeper).dispatched("2026-11-23T11:00")
    assert clock(urgent, K.RESOLVE).rule == "urgent"
    assert clock(urgent, K.RESOLVE).due == at("2026-11-25T17:30")
    other = Order("2026-11-23T10:00", COMPLAINT, keeper).dispatched("2026-11-23T11:00")
    assert clock(other, K.RESOLVE).rule == "water"


def test_while_a_return_waits_for_its_ruling_the_unit_loses_no_working_time() -> None:
    order = Order("2026-11-23T10:00")
    order.dispatched("2026-11-23T11:00")
    course = order.returned("2026-11-24T16:30")
    assert clock(course, K.RESOLVE).paused_at == at("2026-11-24T16:30")
    assert K.RETURN in {one.kind for one in counting(course)}
    course = order.happens(ReturnRuled(accepted=False, reason="归你", by="c"), "2026-11-25T10:00")
    resolve = clock(course, K.RESOLVE)
    assert resolve.running
    assert resolve.due == at("2026-12-01T11:00")  # two working hours later than 30 November, 17:30
    assert resolve.near_at == at("2026-11-30T11:00")


def test_another_unit_gets_its_full_time_and_the_same_unit_does_not() -> None:
    order = Order("2026-11-23T10:00")
    order.dispatched("2026-11-23T11:00")
    course = order.dispatched("2026-11-25T11:00", reason="补派")
    assert clock(course, K.RESOLVE).due == at("2026-11-30T17:30")
    course = order.dispatched("2026-11-25T12:00", lead="u9", reason="改派")
    assert clock(course, K.RESOLVE).due == at("2026-12-02T17:30")
    assert clock(course, K.SIGN).due == at("2026-11-26T17:30")


def test_an_order_that_was_taken_back_has_to_be_dispatched_again_in_time() -> None:
    order = Order("2026-11-23T10:00")
    order.dispatched("2026-11-23T11:00")
    order.returned("2026-11-24T10:00")
    course = order.happens(ReturnRuled(accepted=True, reason="确实", by="c"), "2026-11-24T11:00")
    dispatch = clock(course, K.DISPATCH)
    assert dispatch.running
    assert (dispatch.started, dispatch.due) == (at("2026-11-24T11:00"), at("2026-11-25T17:30"))
    assert clock(course, K.RESOLVE).running
    course = order.dispatched("2026-11-25T09:30", lead="u2")
    assert clock(course, K.RESOLVE).due == at("2026-12-02T17:30")


def test_a_return_that_becomes_a_dispute_stands_still_until_it_is_ruled() -> None:
    order = Order("2026-11-23T10:00")
    order.dispatched("2026-11-23T11:00")
    order.returned("2026-11-24T09:00")
    course = order.happens(DisputeRaised(reason="都说不是", by="c"), "2026-11-24T11:00")
    assert clock(course, K.RESOLVE).paused_at == at("2026-11-24T09:00")
    course = order.happens(DisputeRuled(lead="u1", reason="归你", by="c"), "2026-11-25T09:00")
    resolve = clock(course, K.RESOLVE)
    assert resolve.running
    assert resolve.due == at("2026-12-01T17:30")  # one working day later
    assert found(course, K.RETURN) is None or not clock(course, K.RETURN).running


def test_what_a_person_paused_a_ruling_does_not_start_again() -> None:
    order = Order("2026-11-23T10:00")
    order.dispatched("2026-11-23T11:00")
    assert KEEPER.may_pause(clock(order.course, K.RESOLVE), order.course, order.facts, at("2026-11-24T09:00"))
    assert not KEEPER.may_pause(
        clock(order.course, K.SIGN), order.course, order.facts, at("2026-11-24T09:00")
    )
    order.happens(ClockPaused(kind=K.RESOLVE, reason="等鉴定", by="c"), "2026-11-24T09:00")
    order.returned("2026-11-24T10:00")
    course = order.happens(ReturnRuled(accepted=False, reason="归你", by="c"), "2026-11-24T11:00")
    assert clock(course, K.RESOLVE).paused_at == at("2026-11-24T09:00")


def test_a_redo_has_new_clocks_by_the_rules_for_a_redo() -> None:
    order = Order("2026-11-23T10:00", replace(COMPLAINT, received_at=at("2026-11-23T09:00")))
    order.dispatched("2026-11-23T11:00")
    order.happens(OrderSigned(unit="u1", by="x"), "2026-11-23T11:10")
    order.happens(FedBack(unit="u1", text="好了", outcome=Outcome.DONE, by="x"), "2026-11-24T11:00")
    right = (Checked(item="答复完整", ok=True),)
    course = order.happens(FeedbackReviewed(passed=True, checklist=right, by="c"), "2026-11-24T12:00")
    assert clock(course, K.TRACK).due == at("2026-11-26T17:30")
    rating = OrderRated(result=1, service=None, solved=Solved.NO, bad=True, by="system")
    order.happens(rating, "2026-11-25T10:00")
    course = order.happens(RedoOrdered(reason="差评", clocks=(), by="system"), "2026-11-25T10:30")
    resolve = clock(course, K.RESOLVE)
    assert (resolve.rule, resolve.due) == ("redo", at("2026-11-30T17:30"))
    assert clock(course, K.CONTACT).due == at("2026-11-25T16:00")
    assert clock(course, K.SIGN).due == at("2026-11-26T17:30")


def redone() -> Order:
    """An order that was rated badly and is redone, with one joint unit."""
    order = Order("2026-11-23T10:00")
    order.dispatched("2026-11-23T11:00", joint=("u2",))
    order.happens(OrderSigned(unit="u1", by="x"), "2026-11-23T11:10")
    order.happens(FedBack(unit="u1", text="好了", outcome=Outcome.DONE, by="x"), "2026-11-24T11:00")
    right = (Checked(item="答复完整", ok=True),)
    order.happens(FeedbackReviewed(passed=True, checklist=right, by="c"), "2026-11-24T12:00")
    rating = OrderRated(result=1, service=None, solved=Solved.NO, bad=True, by="system")
    order.happens(rating, "2026-11-25T10:00")
    order.happens(RedoOrdered(reason="差评", clocks=(), by="system"), "2026-11-25T10:30")
    return order


def test_an_appeal_has_to_be_ruled_in_time_and_units_lose_none_of_theirs_meanwhile() -> None:
    order = redone()
    course = order.happens(AppealRaised(unit="u1", reason="诉求超出政策", by="x"), "2026-11-25T14:00")
    ruling = clock(course, K.APPEAL)
    assert (ruling.span, ruling.due) == ("3 workdays", at("2026-11-30T17:30"))
    assert [one.kind for one in counting(course)] == [K.APPEAL]
    assert order.course.state is CourseState.APPEALED
    course = order.happens(AppealRuled(upheld=False, reason="评价属实", by="c"), "2026-11-26T14:00")
    assert not clock(course, K.APPEAL).running
    assert clock(course, K.SIGN).due == at("2026-11-27T17:30")  # a working day later than without the appeal
    assert clock(course, K.RESOLVE).due == at("2026-12-01T17:30")
    assert clock(course, K.CONTACT).due == at("2026-11-26T16:00")
    assert clock(course, K.RESOLVE, "u2").running


def test_an_appeal_under_rules_without_that_limit_stands_without_one() -> None:
    text = (
        "rules:\n  - {id: general, title: 一般, limits: {dispatch: {span: 1 day}, sign: {span: 1 day},"
        " resolve: {span: 5 days}, ruling: {span: 1 day}}}\n"
    )
    order = redone()
    order.keeper = Timekeeper(parse_clock_rules(text.encode()), DAYS)
    course = order.happens(AppealRaised(unit="u1", reason="冤", by="x"), "2026-11-25T14:00")
    assert found(course, K.APPEAL) is None
    assert {one.kind for one in counting(course)} == {K.CLOSE}  # units have nothing to be late with


def test_an_answer_of_the_centres_own_is_tracked_from_then_on() -> None:
    order = Order("2026-11-23T10:00")
    course = order.happens(AnsweredDirectly(text="已答复", by="c"), "2026-11-23T10:05")
    assert {one.kind for one in counting(course)} == {K.TRACK, K.CLOSE}
    course = order.happens(OrderClosed(by="c", reason="已答复"), "2026-11-23T10:10")
    assert counting(course) == ()


def test_a_contact_that_counts_from_acceptance_goes_on_when_the_order_is_dispatched() -> None:
    text = (
        "rules:\n  - {id: general, title: 一般, limits: {dispatch: {span: 1 day}, sign: {span: 1 day},"
        " resolve: {span: 5 days}, contact: {span: 1 hour, starts: accepted}}}\n"
    )
    keeper = Timekeeper(parse_clock_rules(text.encode()), DAYS)
    course = Order("2026-11-23T10:00", COMPLAINT, keeper).dispatched("2026-11-23T10:30")
    contact = clock(course, K.CONTACT)
    assert contact.running
    assert (contact.started, contact.due) == (at("2026-11-23T10:00"), at("2026-11-23T11:00"))


def test_a_limit_that_counts_from_signing_begins_with_it() -> None:
    text = (
        "rules:\n  - {id: general, title: 一般, limits: {dispatch: {span: 1 day}, sign: {span: 1 day},"
        " resolve: {span: 2 workdays, starts: signed}}}\n"
    )
    order = Order("2026-11-23T10:00", COMPLAINT, Timekeeper(parse_clock_rules(text.encode()), DAYS))
    assert found(order.dispatched("2026-11-23T10:30"), K.RESOLVE) is None
    course = order.happens(OrderSigned(unit="u1", by="x"), "2026-11-24T10:30")
    assert clock(course, K.RESOLVE).due == at("2026-11-26T17:30")


def test_an_extension_is_counted_from_the_old_end_and_not_granted_twice() -> None:
    order = Order("2026-11-23T10:00")
    order.dispatched("2026-11-23T11:00")
    order.happens(OrderSigned(unit="u1", by="x"), "2026-11-23T11:10")
    order.happens(ExtensionAsked(unit="u1", days=3, reason="须开挖", by="x"), "2026-11-24T09:00")
    end, near = KEEPER.extended(order.course, 3, order.facts, at("2026-11-24T10:00"))
    granted = ExtensionRuled(granted=True, reason="同意", due=end, near_at=near, by="c")
    course = order.happens(granted, "2026-11-24T10:00")
    assert clock(course, K.RESOLVE).due == at("2026-12-03T17:30")
    assert clock(course, K.RESOLVE).near_at == at("2026-12-02T17:30")
    with pytest.raises(CourseRefused) as caught:
        KEEPER.extended(replace(course, extended=(3,)), 1, order.facts, at("2026-11-25T10:00"))
    assert "已延期 1 次" in caught.value.shown


@pytest.mark.parametrize("days", [0, -1, 6])
def test_an_extension_longer_than_the_rule_allows_is_refused_with_what_is_left(days: int) -> None:
    course = Order("2026-11-23T10:00").dispatched("2026-11-23T11:00")
    with pytest.raises(CourseRefused) as caught:
        KEEPER.extended(course, days, COMPLAINT, at("2026-11-24T10:00"))
    assert "1 到 5 个工作日" in caught.value.shown


def test_a_consultation_is_not_extended() -> None:
    facts = replace(COMPLAINT, type="咨询")
    course = Order("2026-11-23T10:00", facts).dispatched("2026-11-23T11:00")
    with pytest.raises(CourseRefused) as caught:
        KEEPER.extended(course, 1, facts, at("2026-11-24T10:00"))
    assert "不能延期" in caught.value.shown


def test_a_late_order_is_extended_from_now_on() -> None:
    course = Order("2026-11-23T10:00").dispatched("2026-11-23T11:00")
    end, _ = KEEPER.extended(course, 1, COMPLAINT, at("2026-12-07T10:00"))
    assert end == at("2026-12-08T17:30")


instants = st.integers(1_780_000_000, 1_830_000_000).map(float)
_GIVEN = st.builds(
    lambda start, near, length, span: Clock(
        kind=K.RESOLVE, started=start, near_at=start + min(near, length), due=start + length, span=span
    ),
    instants, st.integers(0, 900_000), st.integers(0, 900_000), st.sampled_from(["", "3 days", "2 workdays"]),
)  # fmt: skip


@given(_GIVEN, st.integers(0, 900_000), st.integers(0, 900_000), st.integers(0, 900_000))
def test_a_pause_never_takes_time_away_and_a_longer_one_gives_no_less(
    one: Clock, before: int, stood: int, longer: int
) -> None:
    paused = replace(one, paused_at=one.started + before)
    end, near = KEEPER.resumed(paused, one.started + before + stood)
    assert one.due <= end
    assert one.near_at <= near <= end
    assert end <= KEEPER.resumed(paused, one.started + before + stood + longer)[0]
    assert KEEPER.resumed(paused, one.started + before) == (one.due, one.near_at)


@given(_GIVEN, st.integers(0, 900_000), st.integers(0, 900_000))
def test_what_was_left_when_a_clock_was_paused_is_left_when_it_goes_on(
    one: Clock, before: int, stood: int
) -> None:
    paused_at = one.started + before
    resumed_at = paused_at + stood
    end, _ = KEEPER.resumed(replace(one, paused_at=paused_at), resumed_at)
    if paused_at >= one.due:
        assert end == one.due
    elif one.span == "2 workdays":
        assert DAYS.between(resumed_at, end) >= DAYS.between(paused_at, one.due)
        assert end == one.due or DAYS.between(resumed_at, end) == DAYS.between(paused_at, one.due)
    else:
        assert end - resumed_at == one.due - paused_at


def test_replaying_what_was_stored_needs_neither_rules_nor_calendar() -> None:
    order = Order("2026-11-23T10:00")
    order.dispatched("2026-11-23T11:00", joint=("u2",))
    order.returned("2026-11-24T16:30")
    order.happens(ReturnRuled(accepted=False, reason="归你", by="c"), "2026-11-25T10:00")
    course = begun(order.start)
    for event, moment in order.stored:
        again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(event)), type(event))
        course = advance(course, again, moment)
    assert course == order.course


# ---------------------------------------------------------------- random lives

_LINE = (Checked(item="答复", ok=True),)
_CLOCK = Clock(kind=K.RETURN, started=0, near_at=0, due=0)
_UNITS = ("u1", "u2", "u3")
_MOVES: tuple[CourseEvent, ...] = (
    *(OrderDispatched(lead=unit, source="clerk", by="c", reason="改派") for unit in _UNITS),
    OrderDispatched(lead="u1", joint=("u2", "u3"), source="clerk", by="c", reason="协办"),
    JointSet(joint=("u3",), reason="调整", by="c"),
    *(OrderSigned(unit=unit, by="x") for unit in _UNITS),
    ContactMade(unit="u1", by="x"),
    WorkNoted(unit="u1", text="做", by="x"),
    *(OrderReturned(unit=unit, reason="不是", clock=_CLOCK, by="x") for unit in _UNITS),
    ReturnRuled(accepted=True, reason="是", by="c"),
    ReturnRuled(accepted=False, reason="否", by="c"),
    *(DisputeRaised(unit=unit, reason="争", by="x") for unit in ("", *_UNITS)),
    DisputeRuled(lead="u1", reason="裁", by="c"),
    DisputeRuled(lead="u3", joint=("u2",), reason="裁", by="c"),
    *(JointAnswered(unit=unit, text="答", by="x") for unit in _UNITS),
    *(FedBack(unit=unit, text="答", outcome=Outcome.DONE, by="x") for unit in _UNITS),
    FeedbackReviewed(passed=True, checklist=_LINE, by="c"),
    FeedbackReviewed(passed=False, checklist=_LINE, by="c", reason="补"),
    AnsweredDirectly(text="答", by="c"),
    VisitPlanned(visit_id="v", by="c"),
    OrderRated(result=1, service=1, solved=Solved.NO, bad=True, by="system"),
    OrderRated(result=5, service=5, solved=Solved.YES, bad=False, by="system"),
    RedoOrdered(reason="差评", clocks=(), by="system"),
    *(AppealRaised(unit=unit, reason="冤", by="x") for unit in _UNITS),
    AppealRuled(upheld=True, reason="是", by="c"),
    AppealRuled(upheld=False, reason="否", by="c"),
    ClockPaused(kind=K.RESOLVE, reason="等", by="c"),
    OrderClosed(by="c", reason="结"),
    OrderWithdrawn(reason="撤", by="c"),
)


_NEEDED = {
    CourseState.ACCEPTED: K.DISPATCH,
    CourseState.DISPATCHED: K.RESOLVE,
    CourseState.SIGNED: K.RESOLVE,
    CourseState.HANDLING: K.RESOLVE,
    CourseState.REDO: K.RESOLVE,
    CourseState.RETURNED: K.RETURN,
    CourseState.DISPUTED: K.RETURN,
    CourseState.APPEALED: K.APPEAL,
}
_HELD = (CourseState.RETURNED, CourseState.DISPUTED, CourseState.APPEALED)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 200_000)), min_size=5, max_size=40))
def test_in_every_life_ends_only_move_away_and_somebody_always_has_a_limit(
    moves: list[tuple[int, int]],
) -> None:
    order = Order("2026-09-28T10:00")
    now = order.start
    by_hand = False
    for choice, later in moves:
        before, moment = order.course, now + later
        events = [event for event in _MOVES if type(event) in legal(before.state)]
        if not events:
            break
        event = events[choice % len(events)]
        if isinstance(event, OrderReturned):
            event = replace(event, clock=KEEPER.ruling(before, order.facts, moment))
        try:
            advance(before, KEEPER.stamped(event, before, order.facts, moment), moment)
        except OrderError:
            continue  # another unit's move, or something has to come first
        after = order.happens(event, moment)  # what the system adds is never refused
        now = moment
        by_hand |= isinstance(event, ClockPaused)
        for one in after.clocks:
            earlier = found(before, one.kind, one.unit)
            assert earlier is None or earlier.started != one.started or earlier.due <= one.due
        needed = _NEEDED.get(after.state)
        if needed is not None and not by_hand:
            assert needed in {one.kind for one in counting(after)}
        if after.state not in _HELD and not by_hand:
            assert all(one.paused_at is None for one in after.clocks)
    course = begun(order.start)
    for stored, moment in order.stored:
        course = advance(course, stored, moment)
    assert course == order.course
