"""The assessment counts what happened, in lives of orders counted by hand; parts add up in any order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import course_events as happened
from orders.assessment import Slot, Tally, cells, counted, placed, score, selection, tally
from orders.assessment_definitions import FIGURES, Group, Unit
from orders.assessment_fold import marks_of
from orders.assessment_marks import Kind, Mark, Void
from orders.assessment_page import MARK, TARGET, text
from orders.assessment_policy import AssessmentPolicy, load_assessment_policy, parse_assessment_policy
from orders.course_events import CourseEvent
from orders.course_messages import ClockKind, Solved, Supervision
from orders.messages import DraftOpened, FieldEdited, MergeUndone, OrderEvent, OrderSubmitted
from orders.policy_file import PolicyError
from tests.support.courses import (
    ACCEPTED_AT,
    CLERK,
    DAY,
    HOUR,
    LEAD,
    OFFICER,
    OTHER,
    clock,
    closed,
    dispatched,
    fed_back,
    joint_answered,
    lives,
    rated,
    redo,
    return_ruled,
    returned,
    reviewed,
    signed,
)

POLICY = load_assessment_policy()
FAR = 1e12
SIGN, CONTACT, RESOLVE = ClockKind.SIGN, ClockKind.CONTACT, ClockKind.RESOLVE


def worked(begin: float, end: float) -> float:
    """All time is working time."""
    return end - begin


def order(*events: tuple[OrderEvent, float], accepted: float = ACCEPTED_AT) -> Mapping[str, Mark]:
    """The marks of an order that is accepted and then goes through `events`."""
    fields = (("type", "投诉"), ("category", "城市管理/占道"), ("summary", "摊贩占道"))
    before: list[tuple[OrderEvent, float]] = [
        (DraftOpened(order_id="o1", call_id="c1", caller=""), accepted),
        *((FieldEdited(field=name, value=value, agent="chen"), accepted) for name, value in fields),
        (OrderSubmitted(agent="chen"), accepted),
    ]
    return marks_of((*before, *events))


def figures(
    *orders: Mapping[str, Mark], unit: str = LEAD, now: float = FAR, policy: AssessmentPolicy = POLICY
) -> dict[str, tuple[float, int | None]]:
    """Key -> (above, below the line) of one unit."""
    marks = [mark for one in orders for mark in one.values()]
    found = tally(marks, since=0.0, until=FAR, now=now, worked=worked)
    return {key: (cell.top, cell.bottom) for key, cell in cells(found.get(unit, Tally()), policy).items()}


def sent(at: float, *, sign: float = HOUR, contact: float = 2 * HOUR, resolve: float = DAY) -> CourseEvent:
    return dispatched(
        clocks=(
            clock(SIGN, at + sign, started=at),
            clock(CONTACT, at + contact, started=at),
            clock(RESOLVE, at + resolve, started=at),
        )
    )


T = ACCEPTED_AT
CONTACTED = happened.ContactMade(unit=LEAD, by=OFFICER)


# ---------------------------------------------------------------- limits


def test_signed_and_contacted_in_time_is_two_of_two_responses() -> None:
    found = figures(order((sent(T), T), (signed(), T + HOUR), (CONTACTED, T + 2 * HOUR)))
    assert found["response_rate"] == (2, 2)
    assert found["sign_rate"] == (1, 1) and found["contact_rate"] == (1, 1)


def test_signed_late_and_never_contacted_counts_against_the_unit_from_the_limit_on() -> None:
    life = order((sent(T), T), (signed(), T + HOUR + 1))
    assert figures(life, now=T + HOUR - 1)["response_rate"] == (0, 0)
    assert figures(life, now=T + HOUR)["response_rate"] == (0, 1)
    assert figures(life, now=T + 2 * HOUR)["response_rate"] == (0, 2)


def test_an_answer_in_time_is_counted_on_its_day_and_a_late_one_on_the_day_of_its_limit() -> None:
    quick = order((sent(T), T), (signed(), T), (fed_back(), T + 5 * HOUR))
    slow = order((sent(T), T), (signed(), T), (fed_back(), T + DAY + 3 * HOUR))
    assert quick["resolve:1.1"].at == T + 5 * HOUR and slow["resolve:1.1"].at == T + DAY
    found = figures(quick, slow)
    assert found["on_time_rate"] == (1, 2) and found["late"] == (1, None)
    assert found["overdue_hours"] == (3.0, 1)


def test_an_answer_that_does_not_pass_review_was_no_answer() -> None:
    begun = ((sent(T), T), (signed(), T), (fed_back(), T + HOUR))
    life = order(*begun, (reviewed(passed=False), T + 2 * HOUR))
    assert life["resolve:1.1"].score == 0 and life["resolve:1.1"].at == T + DAY
    again = order(*begun, (reviewed(passed=False), T + 2 * HOUR), (fed_back(), T + DAY + HOUR))
    assert figures(again)["on_time_rate"] == (0, 1) and figures(again)["overdue_hours"] == (1.0, 1)


def test_an_extension_moves_the_limit() -> None:
    asked = happened.ExtensionAsked(unit=LEAD, days=2, reason="待材料", by=OFFICER)
    ruled = happened.ExtensionRuled(granted=True, reason="同意", due=T + 3 * DAY, by=CLERK)
    life = order((sent(T), T), (signed(), T), (asked, T), (ruled, T), (fed_back(), T + 2 * DAY))
    assert figures(life)["on_time_rate"] == (1, 1)


def test_a_clock_that_stands_still_is_counted_neither_way() -> None:
    paused = happened.ClockPaused(kind=RESOLVE, reason="等待鉴定", by=CLERK)
    life = order((sent(T), T), (signed(), T), (paused, T + HOUR))
    assert figures(life, now=T + 9 * DAY)["on_time_rate"] == (0, 0)


def test_a_joint_unit_answers_for_its_own_limits() -> None:
    limits = (clock(SIGN, T + HOUR, started=T, unit=OTHER), clock(RESOLVE, T + DAY, started=T, unit=OTHER))
    life = order(
        (dispatched(LEAD, OTHER, clocks=limits), T),
        (signed(OTHER), T + 2 * HOUR),
        (joint_answered(OTHER), T + 3 * HOUR),
    )
    assert figures(life, unit=OTHER)["joint_rate"] == (1, 1)
    assert figures(life, unit=OTHER)["sign_rate"] == (0, 1)
    assert figures(life)["sign_rate"] == (0, 0)


def test_the_centre_answers_for_dispatch_in_time() -> None:
    limit = happened.ClocksSet(
        clocks=(clock(ClockKind.DISPATCH, T + HOUR, started=T),), reason="受理", by="system"
    )
    assert figures(order((limit, T), (sent(T), T + HOUR)), unit="")["dispatch_rate"] == (1, 1)
    assert figures(order((limit, T), (sent(T), T + HOUR + 1)), unit="")["dispatch_rate"] == (0, 1)


def test_handling_time_goes_from_dispatch_to_the_answer() -> None:
    life = order((sent(T), T + HOUR), (signed(), T + HOUR), (fed_back(), T + 5 * HOUR), (reviewed(), T + DAY))
    assert figures(life)["handling_hours"] == (4.0, 1) and figures(life)["handled"] == (1, None)


# ---------------------------------------------------------------- returns


def test_a_return_that_is_accepted_frees_the_unit_of_its_limits() -> None:
    limit = clock(ClockKind.RETURN, T + 9 * DAY)
    back = replace(returned(), clock=limit)
    life = order((sent(T, resolve=2 * HOUR), T), (back, T + 3 * HOUR), (return_ruled(True), T + 4 * HOUR))
    found = figures(life)
    assert found["return_rate"] == (1, 1) and found["wrong_return_rate"] == (0, 1)
    assert found["on_time_rate"] == (0, 0)
    assert life["resolve:1.1"].void is Void.RETURN


def test_a_return_that_is_refused_is_a_wrong_one_and_the_limits_go_on() -> None:
    life = order((sent(T), T), (returned(), T + HOUR), (return_ruled(False), T + 2 * HOUR))
    found = figures(life)
    assert found["wrong_return_rate"] == (1, 1)
    assert found["sign_rate"] == (1, 1), "who returns it in time has taken note of it"
    assert found["on_time_rate"] == (0, 1)


def test_another_unit_owes_nothing_that_was_over_before_it_had_the_order() -> None:
    limit = happened.ClocksSet(clocks=(clock(RESOLVE, T + HOUR, started=T),), reason="受理", by="system")
    life = order((limit, T), (dispatched(OTHER), T + 2 * HOUR))
    assert figures(life, unit=OTHER)["on_time_rate"] == (0, 0)


def test_the_first_unit_share_counts_orders_that_the_first_unit_closed() -> None:
    through = (
        (signed(), T + HOUR),
        (fed_back(), T + HOUR),
        (reviewed(), T + HOUR),
        (rated(bad=False), T + HOUR),
    )
    first = order((sent(T), T), *through, (closed(), T + 2 * HOUR))
    second = order(
        (dispatched(OTHER), T), (returned(OTHER), T), (return_ruled(True), T), (sent(T), T), *through,
        (closed(), T + 2 * HOUR),
    )  # fmt: skip
    direct = order((happened.AnsweredDirectly(text="已答复", by=CLERK), T), (closed("咨询"), T))
    assert figures(first, second)["first_unit_rate"] == (1, 2)
    assert figures(first, second)["finished"] == (2, None)
    assert figures(direct, unit="")["first_unit_rate"] == (0, 0) and figures(direct, unit="")["finished"] == (
        1,
        None,
    )


# ---------------------------------------------------------------- ratings


ANSWERED: tuple[tuple[CourseEvent, float], ...] = (
    (sent(T), T),
    (signed(), T),
    (fed_back(), T + HOUR),
    (reviewed(), T + HOUR),
)


def rating(result: int | None, service: int | None, solved: Solved | None, *, bad: bool) -> CourseEvent:
    return happened.OrderRated(result=result, service=service, solved=solved, bad=bad, by="system")


def test_the_three_rates_of_three_ratings() -> None:
    lives_ = [
        order(*ANSWERED, (rating(5, 4, Solved.YES, bad=False), T + DAY)),
        order(*ANSWERED, (rating(3, 5, Solved.PARTLY, bad=False), T + DAY)),
        order(*ANSWERED, (rating(None, None, Solved.NO, bad=True), T + DAY)),
    ]
    found = figures(*lives_)
    assert found["solved_rate"] == (1, 3)
    assert found["satisfaction_rate"] == (3, 4)  # 5 and 4; 3 is not, 5 is
    assert found["result_rate"] == (1, 2) and found["service_rate"] == (2, 2)
    assert found["bad_rate"] == (1, 3)
    partly = parse_assessment_policy(b"weights: {solved_rate: 1}\npartly_counts: true\nsatisfied_from: 3\n")
    assert figures(*lives_, policy=partly)["solved_rate"] == (2, 3)
    assert figures(*lives_, policy=partly)["result_rate"] == (2, 2)


def test_of_several_ratings_of_a_round_the_newest_counts_and_a_redo_begins_another_round() -> None:
    life = order(
        *ANSWERED,
        (rating(4, 4, Solved.YES, bad=False), T + DAY),
        (rating(1, 4, Solved.NO, bad=True), T + DAY),
        (redo(clock(RESOLVE, T + 4 * DAY, started=T + DAY)), T + DAY),
        (signed(), T + 2 * DAY),
        (fed_back(), T + 2 * DAY),
        (reviewed(), T + 2 * DAY),
        (rating(5, 5, Solved.YES, bad=False), T + 3 * DAY),
    )
    found = figures(life)
    assert found["solved_rate"] == (1, 2) and found["redo_rate"] == (1, 2) and found["redone"] == (1, None)
    assert found["on_time_rate"] == (2, 2), "each round has its own limit"


def test_an_appeal_that_is_upheld_takes_the_rating_out() -> None:
    raised = happened.AppealRaised(unit=LEAD, reason="非本单位原因", by=OFFICER)
    ruled = happened.AppealRuled(upheld=True, reason="属实", by=CLERK)
    life = order(
        *ANSWERED, (rating(1, 1, Solved.NO, bad=True), T + DAY), (raised, T + DAY), (ruled, T + 2 * DAY)
    )
    found = figures(life)
    assert found["solved_rate"] == (0, 0) and found["bad_rate"] == (0, 0)
    assert found["appeals"] == (1, None) and found["appeal_rate"] == (1, 1)
    strict = parse_assessment_policy(b"weights: {solved_rate: 1}\nexclude: [withdrawn]\n")
    assert figures(life, policy=strict)["solved_rate"] == (0, 1)


def test_what_is_withdrawn_or_merged_counts_only_as_accepted_until_it_is_parted_again() -> None:
    gone = order((sent(T), T), (happened.OrderWithdrawn(reason="市民撤回", by=CLERK), T + 2 * HOUR))
    assert figures(gone)["sent"] == (0, None) and figures(gone)["response_rate"] == (0, 0)
    assert figures(gone, unit="")["accepted"] == (1, None)
    merged = happened.CourseMerged(into="o2", reason="同一诉求", by=CLERK)
    assert figures(order((sent(T), T), (merged, T + 2 * HOUR)))["sent"] == (0, None)
    parted = order((sent(T), T), (merged, T + 2 * HOUR), (MergeUndone(agent="chen"), T + 3 * HOUR))
    assert figures(parted)["sent"] == (1, None)


def test_a_card_is_counted_for_the_unit_that_has_the_order_and_costs_points() -> None:
    yellow = happened.SupervisionSet(level=Supervision.YELLOW, reason="临期", by="system")
    life = order((sent(T), T), (signed(), T), (yellow, T + HOUR), (fed_back(), T + 2 * HOUR))
    found = tally(life.values(), since=0.0, until=FAR, now=FAR, worked=worked)[LEAD]
    assert cells(found, POLICY)["cards"].top == 1
    assert score(found, cells(found, POLICY), POLICY) == 99.5


# ---------------------------------------------------------------- composite, places


def test_the_composite_score_is_the_weighted_mean_of_what_counts_anything() -> None:
    policy = parse_assessment_policy(b"weights: {on_time_rate: 30, solved_rate: 10, redo_rate: 60}\n")
    one = Tally()
    one.add(Slot(Kind.RESOLVE, 1, Void.NONE), 9)
    one.add(Slot(Kind.RESOLVE, 0, Void.NONE), 1)
    one.add(Slot(Kind.SOLVED, 2, Void.NONE), 1)
    one.add(Slot(Kind.SOLVED, 0, Void.NONE), 1)
    assert score(one, cells(one, policy), policy) == 80.0  # (30 × 90 + 10 × 50) ÷ 40; nobody rated
    one.add(Slot(Kind.RATED, 3, Void.NONE), 1)
    one.add(Slot(Kind.RATED, 0, Void.NONE), 3)
    assert score(one, cells(one, policy), policy) == 77.0  # (2700 + 500 + 60 × 75) ÷ 100
    assert score(Tally(), cells(Tally(), policy), policy) is None


def test_equals_share_a_place_and_the_next_one_is_left_out() -> None:
    values = [("a", 90.0), ("b", 95.0), ("c", 90.0), ("d", None), ("e", 80.0)]
    assert placed(values) == {"b": 1, "a": 2, "c": 2, "e": 4}
    assert placed(values, better=-1)["e"] == 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("weights: {nonsense: 1}", "weights.nonsense"),
        ("weights: {late: 1}", "weights.late"),
        ("weights: {solved_rate: 0}", "weights"),
        ("weights: {solved_rate: 1}\nexclude: [bad_weather]", "exclude[0]"),
        ("weights: {solved_rate: 1}\nminimun: 3", "minimun"),
    ],
)
def test_a_wrong_file_is_refused_naming_the_key(text: str, key: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_assessment_policy(text.encode())
    assert refused.value.key == key


# ---------------------------------------------------------------- laws


def lived(life: Sequence[tuple[CourseEvent, float]]) -> Mapping[str, Mark]:
    return order(*life)


@given(life=lives(), part=st.floats(0.0, 90 * DAY))
def test_what_stands_above_the_line_stands_below_it_and_the_numbers_are_those_of_the_list(
    life: tuple[tuple[CourseEvent, float], ...], part: float
) -> None:
    marks = lived(life).values()
    span = {"since": 0.0, "until": FAR, "now": ACCEPTED_AT + part}
    total = Tally()
    for one in tally(marks, worked=worked, **span).values():
        total.join(one)
    for key, figure in FIGURES.items():
        above = counted(marks, selection(figure, POLICY, top=True), **span)
        below = counted(marks, selection(figure, POLICY, top=False), **span)
        assert {mark.key for mark in above} <= {mark.key for mark in below}
        cell = cells(total, POLICY)[key]
        if figure.unit in (Unit.SHARE, Unit.COUNT):
            assert cell.top == len(above)
        if cell.bottom is not None:
            assert cell.bottom == len(below)


@given(some=st.lists(lives(), max_size=4), seed=st.integers())
def test_units_add_up_to_the_whole_in_whatever_order_orders_come(
    some: list[tuple[tuple[CourseEvent, float], ...]], seed: int
) -> None:
    marks = [mark for life in some for mark in lived(life).values()]
    by_unit = tally(marks, since=0.0, until=FAR, now=FAR, worked=worked)
    mixed = list(marks)
    random.Random(seed).shuffle(mixed)
    again = tally(mixed, since=0.0, until=FAR, now=FAR, worked=worked)
    assert {unit: (one.counts, one.ms) for unit, one in by_unit.items()} == {
        unit: (one.counts, one.ms) for unit, one in again.items()
    }
    whole = tally([replace(mark, unit="") for mark in marks], since=0.0, until=FAR, now=FAR, worked=worked)
    joined = Tally()
    for one in by_unit.values():
        joined.join(one)
    assert joined.counts == whole.get("", Tally()).counts and joined.ms == whole.get("", Tally()).ms


@given(life=lives(), days=st.lists(st.integers(1, 80), max_size=5, unique=True))
def test_days_add_up_to_the_month(life: tuple[tuple[CourseEvent, float], ...], days: list[int]) -> None:
    marks = lived(life).values()
    borders = [0.0, *(ACCEPTED_AT + day * DAY for day in sorted(days)), FAR]
    joined = Tally()
    for since, until in itertools.pairwise(borders):
        for one in tally(marks, since=since, until=until, now=FAR, worked=worked).values():
            joined.join(one)
    whole = Tally()
    for one in tally(marks, since=0.0, until=FAR, now=FAR, worked=worked).values():
        whole.join(one)
    assert joined.counts == whole.counts and joined.ms == whole.ms


def test_every_group_has_figures_and_no_two_figures_one_title() -> None:
    assert {one.group for one in FIGURES.values()} == set(Group)
    assert len({one.title for one in FIGURES.values()}) == len(FIGURES)


def test_the_handbook_says_what_the_code_does() -> None:
    assert TARGET.read_text(encoding="utf-8").partition(MARK)[2] == text(), (
        "run python -m orders.assessment_page"
    )
