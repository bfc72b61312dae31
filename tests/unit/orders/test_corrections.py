"""Correcting an accepted order: its fields, its time limits, what is told of it, what is erased of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders import chain, clock_corrections
from orders.chain import Link, salted
from orders.chain_check import Stored
from orders.clock_file import load_clock_rules
from orders.clock_rules import Facts
from orders.clocks import Timekeeper
from orders.course import advance, begun
from orders.course_clocks import found
from orders.course_events import (
    ClockPaused,
    ClocksSet,
    CourseEvent,
    ExtensionAsked,
    ExtensionRuled,
    FieldChange,
    OrderCorrected,
    OrderDispatched,
    OrderSigned,
)
from orders.course_messages import Clock, ClockKind, CorrectionCause, Course
from orders.erasure import ERASED, What, erasing
from orders.errors import CourseRefused, IllegalTransition, OrderError, ValueRefused
from orders.lifecycle import apply, replay, value_of
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderField, OrderSubmitted
from orders.trail import said
from orders.workdays_file import load_workdays
from tests.support.courses import ANSWERED, closed, life, rated

K = ClockKind
F = OrderField
CHINA = dt.timezone(dt.timedelta(hours=8))
DAYS = load_workdays()
KEEPER = Timekeeper(load_clock_rules(), DAYS)
PLAIN = Facts(type="投诉", category="城乡建设/供水", urgency="一般", channel="phone")
URGENT = replace(PLAIN, urgency="紧急")
URGENCIES = ("一般", "紧急", "特急", "")
TYPES = ("投诉", "求助", "咨询")


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


MONDAY = at("2026-11-23T10:00")


def correction(*clocks: Clock, reason: str = "燃气泄漏", **fields: str) -> OrderCorrected:
    changes = tuple(FieldChange(field=name, value=value) for name, value in fields.items())
    return OrderCorrected(
        changes=changes or (FieldChange(field="urgency", value="紧急"),),
        cause=CorrectionCause.CHANGED,
        reason=reason,
        by="wang",
        clocks=clocks,
    )


def clock(course: Course, kind: ClockKind, unit: str = "") -> Clock:
    one = found(course, kind, unit)
    assert one is not None
    return one


class Timed:
    """An order under the shipped rules."""

    def __init__(self, facts: Facts = PLAIN) -> None:
        self.facts = replace(facts, received_at=MONDAY, accepted_at=MONDAY)
        self.course = begun(MONDAY)
        set_ = KEEPER.accepted(self.facts, MONDAY)
        assert set_ is not None
        self.course = advance(self.course, set_, MONDAY)

    def happens(self, event: CourseEvent, when: str) -> Course:
        before, moment = self.course, at(when)
        self.course = advance(before, KEEPER.stamped(event, before, self.facts, moment), moment)
        for step in KEEPER.following(event, before, self.course, self.facts):
            self.course = advance(self.course, step, moment)
        return self.course

    def handled(self) -> Course:
        self.happens(OrderDispatched(lead="燃气集团", source="clerk", by="c"), "2026-11-23T10:30")
        return self.happens(OrderSigned(unit="燃气集团", by="x"), "2026-11-23T11:00")

    def corrected(self, now: Facts, when: str | float) -> Course:
        moment = at(when) if isinstance(when, str) else when
        now = replace(now, received_at=MONDAY, accepted_at=MONDAY)
        clocks = clock_corrections.corrected(KEEPER, self.course, self.facts, now, moment)
        self.facts = now
        self.course = advance(self.course, correction(*clocks), moment)
        return self.course


# ---------------------------------------------------------------- time limits


def test_a_matter_that_becomes_urgent_has_the_urgent_limit_counted_from_its_beginning() -> None:
    order = Timed()
    before = clock(order.handled(), K.RESOLVE)
    after = clock(order.corrected(URGENT, "2026-11-23T15:00"), K.RESOLVE)
    assert (after.rule, after.span) == ("urgent", "2 workdays")
    assert after.started == before.started
    assert after.due == DAYS.add_days(before.started, 2)


def test_where_the_new_limit_would_be_over_it_is_counted_from_the_correction_on() -> None:
    order = Timed()
    before = clock(order.course, K.DISPATCH)
    after = clock(order.corrected(URGENT, "2026-11-23T14:00"), K.DISPATCH)
    assert after.due == at("2026-11-23T14:15") < before.due
    assert after.started == before.started


def test_such_a_limit_ends_no_later_than_it_did() -> None:
    order = Timed()
    old = clock(order.course, K.DISPATCH).due
    assert clock(order.corrected(URGENT, old - 60.0), K.DISPATCH).due == old


def test_a_limit_that_is_over_stays_over() -> None:
    order = Timed(URGENT)
    before = clock(order.course, K.DISPATCH)
    after = order.corrected(PLAIN, "2026-11-23T10:20")
    assert clock(after, K.DISPATCH) == before
    later = replace(before, due=before.due + 3600.0)
    with pytest.raises(CourseRefused, match="over"):
        advance(order.course, correction(later), at("2026-11-23T10:30"))


def test_a_correction_makes_nobody_late() -> None:
    order = Timed()
    one = clock(order.course, K.DISPATCH)
    early = replace(one, due=one.started + 60.0, near_at=one.started)
    with pytest.raises(ValueRefused):
        advance(order.course, correction(early), one.started + 3600.0)


def test_who_was_wrongly_taken_for_urgent_has_the_usual_time() -> None:
    order = Timed(URGENT)
    before = clock(order.handled(), K.RESOLVE)
    after = clock(order.corrected(PLAIN, "2026-11-23T15:00"), K.RESOLVE)
    assert after.due == DAYS.add_days(before.started, 5) > before.due


def test_an_extension_that_was_granted_is_kept() -> None:
    order = Timed()
    order.handled()
    plain = clock(order.course, K.RESOLVE)
    order.happens(ExtensionAsked(unit="燃气集团", days=1, reason="开挖", by="x"), "2026-11-23T13:00")
    due, near = KEEPER.extended(order.course, 1, order.facts, at("2026-11-23T13:10"))
    order.happens(
        ExtensionRuled(granted=True, reason="可", due=due, near_at=near, by="c"), "2026-11-23T13:10"
    )
    after = clock(order.corrected(URGENT, "2026-11-23T15:00"), K.RESOLVE)
    own = DAYS.add_days(plain.started, 2)
    assert DAYS.between(own, after.due) == DAYS.between(plain.due, due) > 0


def test_what_a_person_set_stays_as_it_was_set() -> None:
    order = Timed()
    order.handled()
    resolve = clock(order.course, K.RESOLVE)
    by_hand = replace(resolve, due=at("2026-11-30T12:00"), near_at=MONDAY + 7200.0, rule="", span="")
    order.happens(ClocksSet(clocks=(by_hand,), reason="市长批示", by="zhang"), "2026-11-23T12:00")
    assert clock(order.corrected(URGENT, "2026-11-23T15:00"), K.RESOLVE).due == by_hand.due


def test_a_limit_that_stands_goes_on_standing() -> None:
    order = Timed()
    order.handled()
    order.happens(ClockPaused(kind=K.RESOLVE, reason="等材料", by="c"), "2026-11-23T14:00")
    after = clock(order.corrected(URGENT, "2026-11-24T10:00"), K.RESOLVE)
    assert after.paused_at == at("2026-11-23T14:00")
    assert after.rule == "urgent"


def test_where_the_rules_say_the_same_no_limit_moves() -> None:
    order = Timed()
    before = order.handled().clocks
    assert order.corrected(replace(PLAIN, category="城市管理/占道"), "2026-11-24T10:00").clocks == before


def test_a_closed_order_has_no_limits_to_set() -> None:
    course = life(*ANSWERED, rated(bad=False), closed())
    assert clock_corrections.corrected(KEEPER, course, PLAIN, URGENT, course.touched_at) == ()
    assert advance(course, correction(), course.touched_at).state is course.state


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(TYPES), st.sampled_from(URGENCIES), st.integers(1, 400_000)),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_however_often_it_is_corrected_beginnings_stay_and_what_is_over_stays_over(
    corrections: list[tuple[str, str, int]], handled: bool
) -> None:
    order = Timed()
    if handled:
        order.handled()
    now = order.course.touched_at
    for kind, urgency, later in corrections:
        before, now = order.course, now + later
        order.corrected(replace(PLAIN, type=kind, urgency=urgency), now)
        for old, new in zip(before.clocks, order.course.clocks, strict=True):
            assert (new.kind, new.started, new.stopped) == (old.kind, old.started, old.stopped)
            assert new.due == old.due if old.due < now or old.stopped is not None else new.due >= now
            assert new.started <= new.near_at <= new.due


# ---------------------------------------------------------------- the order


def accepted() -> list[tuple[OrderEvent, float]]:
    filled = {"type": "投诉", "category": "城市管理/占道", "summary": "流动摊贩占道", "phone": "13812345678"}
    return [
        (DraftOpened(order_id="o1", call_id="c1", caller="13800005267"), 1.0),
        *((FieldEdited(field=name, value=value, agent="chen"), 2.0) for name, value in filled.items()),
        (OrderSubmitted(agent="chen"), 3.0),
    ]


def test_a_correction_puts_a_persons_values_into_the_order() -> None:
    event = correction(category="城乡建设/燃气", urgency="特急")
    draft = replay([*accepted(), (event, 9.0)])
    assert draft is not None
    standing = draft.fields["category"]
    assert (standing.value, standing.source, standing.at) == ("城乡建设/燃气", "agent:wang", 9.0)
    assert value_of(draft, F.URGENCY) == "特急"
    assert value_of(draft, F.SUMMARY) == "流动摊贩占道"


def test_a_draft_is_edited_and_not_corrected() -> None:
    with pytest.raises(IllegalTransition):
        apply(replay(accepted()[:-1]), correction(), 9.0)


@pytest.mark.parametrize(
    "fields",
    [{"category": ""}, {"urgency": "火急"}, {"colour": "红"}, {"title": "长" * 101}],
    ids=["a needed one empty", "no choice", "no field", "too long"],
)
def test_what_may_not_stand_on_an_order_does_not_come_there_by_a_correction(fields: dict[str, str]) -> None:
    with pytest.raises(OrderError) as caught:
        apply(replay(accepted()), correction(**fields), 9.0)
    assert caught.value.shown


def test_a_correction_without_words_is_refused() -> None:
    with pytest.raises(ValueRefused):
        apply(replay(accepted()), correction(reason=" "), 9.0)


def test_the_trail_says_what_was_and_what_is_but_nothing_of_the_citizen() -> None:
    changes = (
        FieldChange(field="category", was="城市管理/占道", value="城乡建设/燃气"),
        FieldChange(field="phone", was="13812345678", value="13900001111"),
    )
    sentence = said(replace(correction(), changes=changes))
    assert sentence == "事项分类 城市管理/占道 → 城乡建设/燃气、联系电话；情况变化：燃气泄漏"


def test_what_was_corrected_is_erased_as_what_was_taken_down() -> None:
    change = FieldChange(field="phone", was="13812345678", value="13900001111")
    events = [*accepted(), (replace(correction(reason="改为13900001111"), changes=(change,)), 9.0)]
    rows, before = [], chain.FIRST
    for seq, (event, when) in enumerate(events, 1):
        row = salted(
            Link(
                order_id="o1", seq=seq, event_id=f"e{seq}", at=when, kind=chain.kind_of(event),
                data=chain.encode(event), actor="x", prev_hash=before,
            )
        )  # fmt: skip
        before = chain.digest(row)
        rows.append(Stored(link=row, hash=before))
    _, data = erasing(rows, [What.PERSON], rule="r", basis="b", by="system")
    left = chain.decode("order_corrected", data[len(rows)])
    assert isinstance(left, OrderCorrected)
    assert (left.changes[0].was, left.changes[0].value) == (ERASED, ERASED)
    assert "13900001111" not in left.reason
