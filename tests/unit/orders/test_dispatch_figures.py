"""How right dispatches were is counted from what happened afterwards."""

from __future__ import annotations

from hypothesis import given

from orders import course_events as happened
from orders.course_events import CourseEvent
from orders.dispatch_figures import DispatchFact, Happened, facts_of, figures
from tests.support.courses import (
    LEAD,
    OTHER,
    THIRD,
    dispatched,
    dispute_ruled,
    disputed,
    lives,
    return_ruled,
    returned,
    signed,
)


def facts(*events: CourseEvent, **verdicts: bool) -> tuple[DispatchFact, ...]:
    rows = [
        Happened(event=event, event_id=f"e{place}", at=float(place)) for place, event in enumerate(events)
    ]
    return facts_of(rows, category="市容", verdicts=verdicts)


def test_a_dispatch_is_settled_once_the_unit_signed() -> None:
    (open_,) = facts(dispatched(LEAD))
    assert not open_.settled and not open_.wrong
    (done,) = facts(dispatched(LEAD), signed(LEAD))
    assert done.settled and not done.wrong


def test_a_return_that_was_accepted_makes_the_dispatch_wrong() -> None:
    first, second = facts(
        dispatched(LEAD), returned(LEAD), return_ruled(True), dispatched(OTHER), signed(OTHER)
    )
    assert (first.wrong, first.returned, first.settled) == (True, True, True)
    assert (second.wrong, second.returned, second.settled) == (False, False, True)


def test_a_return_that_was_refused_counts_as_a_return_and_not_as_wrong() -> None:
    (one,) = facts(dispatched(LEAD), signed(LEAD), returned(LEAD), return_ruled(False))
    assert (one.returned, one.wrong, one.settled) == (True, False, True)


def test_while_a_return_waits_nothing_is_settled() -> None:
    (one,) = facts(dispatched(LEAD), signed(LEAD), returned(LEAD))
    assert not one.settled


def test_a_new_dispatch_to_another_unit_makes_the_one_before_wrong() -> None:
    first, second = facts(dispatched(LEAD), dispatched(OTHER, reason="派错"))
    assert first.wrong and not second.wrong


def test_a_dispute_is_right_or_wrong_as_it_is_ruled() -> None:
    (kept,) = facts(dispatched(LEAD), signed(LEAD), disputed(LEAD), dispute_ruled(LEAD))
    assert kept.settled and not kept.wrong
    (lost,) = facts(dispatched(LEAD), signed(LEAD), disputed(LEAD), dispute_ruled(THIRD))
    assert lost.wrong


def test_a_clerks_verdict_of_a_sample_counts() -> None:
    (wrong,) = facts(dispatched(LEAD), signed(LEAD), e0=False)
    assert wrong.wrong and wrong.verdict is False
    (right,) = facts(dispatched(LEAD), e0=True)
    assert right.verdict is True and not right.wrong


def test_rules_are_counted_whoever_followed_them_and_sources_apart() -> None:
    by_rule = happened.OrderDispatched(lead=LEAD, source="rule:r1", by="system")
    by_hand = happened.OrderDispatched(lead=LEAD, source="rule:r1", by="wang")
    all_of_them = [
        *facts(by_rule, signed(LEAD), e0=True),
        *facts(by_hand, returned(LEAD), return_ruled(True)),
        *facts(dispatched(LEAD), signed(LEAD)),
    ]
    (rule,) = figures(all_of_them, "rule")
    assert (rule.key, rule.dispatched, rule.auto, rule.settled, rule.wrong) == ("r1", 2, 1, 2, 1)
    assert (rule.accuracy, rule.return_rate, rule.sample_accuracy) == (0.5, 0.5, 1.0)
    assert {one.key for one in figures(all_of_them, "source")} == {"auto:rule", "rule", "clerk"}
    (whole,) = figures(all_of_them, "all")
    assert (whole.dispatched, whole.accuracy) == (3, 0.6667)


def test_where_nothing_is_settled_there_is_no_rate() -> None:
    (one,) = figures(facts(dispatched(LEAD)), "unit")
    assert one.accuracy is None and one.sample_accuracy is None and one.return_rate == 0.0


@given(lives())
def test_whatever_happens_each_dispatch_is_counted_once_and_figures_fit_together(
    life: tuple[tuple[CourseEvent, float], ...],
) -> None:
    events = [event for event, _ in life]
    found = facts(*events)
    assert len(found) == sum(isinstance(event, happened.OrderDispatched) for event in events)
    for one in figures(found, "unit"):
        assert 0 <= one.wrong <= one.settled <= one.dispatched
        assert one.returned <= one.dispatched
