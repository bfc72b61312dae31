"""How right the machine's fields were, told by what agents submitted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.accuracy import Counts, Judgement, Outcome, family, judge, summed
from orders.messages import (
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    OrderDiscarded,
    OrderEvent,
    OrderField,
    OrderSubmitted,
)

OPENED = DraftOpened(order_id="o1", call_id="c1", caller="")
SUBMITTED = OrderSubmitted(agent="li")


def says(field: str, value: str, source: str = "rule:street/x") -> FieldSuggested:
    return FieldSuggested(field=field, value=value, source=source, confidence=0.8)


def types(field: str, value: str) -> FieldEdited:
    return FieldEdited(field=field, value=value, agent="li")


def judged(*events: OrderEvent) -> Judgement:
    """The only judgement of an order of these events that is submitted."""
    (only,) = judge([OPENED, *events, SUBMITTED])
    return only


def test_what_nobody_changed_was_right() -> None:
    assert judged(says("street", "五一街道")).outcome is Outcome.RIGHT


def test_what_the_agent_accepted_was_right() -> None:
    assert judged(says("street", "五一街道"), types("street", "五一街道")).outcome is Outcome.RIGHT


def test_what_the_agent_changed_was_corrected() -> None:
    assert judged(says("street", "五一街道"), types("street", "六一街道")).outcome is Outcome.CORRECTED


def test_what_the_agent_filled_was_missed() -> None:
    found = judged(types("street", "六一街道"))
    assert (found.outcome, found.source) == (Outcome.MISSED, "")


def test_what_the_agent_cleared_was_not_needed() -> None:
    assert judged(says("subject", "某某公司"), types("subject", "")).outcome is Outcome.NOT_NEEDED


def test_what_the_machine_withdrew_itself_is_not_counted() -> None:
    assert judge([OPENED, says("street", "五一街道"), says("street", ""), SUBMITTED]) == ()


def test_the_machines_last_value_before_the_agent_counts() -> None:
    found = judged(
        says("place", "八十八号", "gazetteer/sound"),
        says("place", "八十六号", "gazetteer/exact"),
        types("place", "八十六号"),
        says("place", "八十八号"),
    )
    assert (found.outcome, found.source) == (Outcome.RIGHT, "gazetteer/exact")


@pytest.mark.parametrize(
    ("before", "outcome"),
    [(["江北路"], Outcome.CORRECTED), ([], Outcome.MISSED)],
    ids=["corrected", "missed"],
)
def test_a_second_thought_that_is_taken_over_is_seen(before: list[str], outcome: Outcome) -> None:
    first = [says("place", value) for value in before]
    found = judged(*first, types("place", "江"), says("place", "江南路"), types("place", "江南路"))
    assert (found.outcome, found.second) == (outcome, True)


def test_a_draft_that_was_not_submitted_is_not_judged() -> None:
    assert judge([OPENED, says("street", "五一街道")]) == ()
    assert judge([OPENED, says("street", "五一街道"), OrderDiscarded(agent="li", reason="拨错")]) == ()


def test_the_calling_number_counts_as_the_machines() -> None:
    opened = DraftOpened(order_id="o1", call_id="c1", caller="13800138000")
    (kept,) = judge([opened, SUBMITTED])
    assert (kept.field, kept.outcome, kept.source) == (OrderField.PHONE, Outcome.RIGHT, "caller_id")
    (changed,) = judge([opened, types("phone", "13900139000"), SUBMITTED])
    assert changed.outcome is Outcome.CORRECTED


def test_spaces_make_no_difference() -> None:
    assert judged(says("phone", "138 0013-8000"), types("phone", "13800138000")).outcome is Outcome.RIGHT
    assert judged(says("title", " 垃圾  无人清理"), types("title", "垃圾 无人清理")).outcome is Outcome.RIGHT


@pytest.mark.parametrize(
    ("source", "counted"),
    [
        ("rule:urgency/停水", "rule:urgency"),
        ("gazetteer/sound", "gazetteer/sound"),
        ("model:3", "model:3"),
        ("caller_id", "caller_id"),
    ],
)
def test_values_are_counted_by_rule_group_and_model_version(source: str, counted: str) -> None:
    assert family(source) == counted


def test_counts_add_up_over_orders_by_field_and_source() -> None:
    right: list[OrderEvent] = [OPENED, says("category", "城乡建设", "model:3"), SUBMITTED]
    wrong: list[OrderEvent] = [
        OPENED,
        says("category", "环境", "model:3"),
        types("category", "城乡建设"),
        SUBMITTED,
    ]
    missed: list[OrderEvent] = [OPENED, types("category", "城乡建设"), SUBMITTED]
    found = summed([right, wrong, missed, [OPENED]])
    assert found.orders == 3
    assert found.fields == {OrderField.CATEGORY: Counts(right=1, corrected=1, missed=1)}
    assert found.sources == {(OrderField.CATEGORY, "model:3"): Counts(right=1, corrected=1)}


def test_shares_follow_their_formulas() -> None:
    counts = Counts(right=6, corrected=2, missed=4, not_needed=1)
    assert counts.precision == pytest.approx(6 / 9)
    assert counts.recall == pytest.approx(6 / 12)
    assert (Counts(missed=1).precision, Counts(not_needed=1).recall) == (None, None)


EVENTS = st.lists(
    st.one_of(
        st.builds(says, st.sampled_from(["street", "place"]), st.sampled_from(["", "甲", "乙"])),
        st.builds(types, st.sampled_from(["street", "place"]), st.sampled_from(["", "甲", "乙"])),
    ),
    max_size=12,
)


@given(EVENTS)
def test_every_field_that_holds_anything_when_submitted_is_judged_once(events: list[OrderEvent]) -> None:
    standing: dict[str, str] = {}
    touched: set[str] = set()
    for event in events:
        if isinstance(event, FieldEdited):
            touched.add(event.field)
        if isinstance(event, FieldEdited) or (
            isinstance(event, FieldSuggested) and event.field not in touched
        ):
            standing[event.field] = event.value
    found = judge([OPENED, *events, SUBMITTED])
    names = [one.field.value for one in found]
    assert len(set(names)) == len(names)
    for name, value in standing.items():
        if value:
            assert name in names
