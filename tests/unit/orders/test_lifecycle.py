"""The order's life: what may happen when, and that an agent's words are never lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.errors import (
    FieldTooLong,
    IllegalTransition,
    MissingFields,
    OrderError,
    StaleVersion,
    UnknownField,
    ValueRefused,
)
from orders.fields import CHOICES, LIMITS, REQUIRED
from orders.lifecycle import apply, check_seen, replay, value_of, warnings
from orders.messages import (
    Draft,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    Filler,
    OrderDiscarded,
    OrderEvent,
    OrderField,
    OrderState,
    OrderSubmitted,
)

OPENED = DraftOpened(order_id="o1", call_id="c1", caller="13800005267")


def opened() -> Draft:
    return apply(None, OPENED, 1.0)


def after(*events: OrderEvent) -> Draft:
    draft = opened()
    for at, event in enumerate(events, start=2):
        draft = apply(draft, event, float(at))
    return draft


def machine(field: str, value: str, confidence: float = 0.8) -> FieldSuggested:
    return FieldSuggested(field=field, value=value, source="rule:test", confidence=confidence)


def typed(field: str, value: str, agent: str = "1001") -> FieldEdited:
    return FieldEdited(field=field, value=value, agent=agent)


COMPLETE = (typed("type", "求助"), typed("category", "城乡建设/供水"), typed("summary", "小区停水"))


def test_a_new_draft_has_the_callers_number_as_the_machines_guess() -> None:
    phone = opened().fields["phone"]
    assert (phone.value, phone.filler, phone.source) == ("13800005267", Filler.MACHINE, "caller_id")


def test_a_hidden_caller_gives_a_draft_without_a_number() -> None:
    assert apply(None, DraftOpened(order_id="o", call_id="c", caller="anonymous"), 1.0).fields == {}


def test_the_machine_fills_an_empty_field_with_provenance() -> None:
    event = FieldSuggested(
        field="street",
        value="新华街道",
        source="gazetteer",
        confidence=0.9,
        audio_from=3.0,
        audio_to=5.5,
        quote="新华接到",
    )
    street = after(event).fields["street"]
    assert (street.audio_from, street.audio_to, street.quote) == (3.0, 5.5, "新华接到")


def test_the_machine_replaces_its_own_value() -> None:
    assert (
        value_of(after(machine("place", "八号"), machine("place", "八十六号")), OrderField.PLACE)
        == "八十六号"
    )


def test_the_machine_withdraws_its_own_value_with_an_empty_one() -> None:
    assert "place" not in after(machine("place", "八号"), machine("place", "")).fields


def test_the_machines_second_thought_stands_beside_the_agents_value() -> None:
    place = after(typed("place", "阳光花园3栋"), machine("place", "阳光花园3号")).fields["place"]
    assert (place.value, place.suggestion) == ("阳光花园3栋", "阳光花园3号")


def test_a_machine_that_comes_round_to_the_agents_value_has_no_second_thought() -> None:
    draft = after(typed("place", "3栋"), machine("place", "3号"), machine("place", "3栋"))
    assert draft.fields["place"].suggestion is None


def test_a_field_that_the_agent_cleared_stays_empty() -> None:
    place = after(machine("place", "3号"), typed("place", ""), machine("place", "4号")).fields["place"]
    assert (place.value, place.filler) == ("", Filler.AGENT)


def test_saying_the_same_again_changes_nothing() -> None:
    draft = after(machine("place", "3号"))
    assert apply(draft, machine("place", "3号"), 99.0) is draft


def test_confirming_the_machines_value_makes_it_the_agents() -> None:
    assert after(machine("place", "3号"), typed("place", "3号")).fields["place"].filler is Filler.AGENT


def test_a_complete_draft_is_accepted_on_submission() -> None:
    assert after(*COMPLETE, OrderSubmitted(agent="1001")).state is OrderState.ACCEPTED


def test_how_the_citizen_wishes_to_be_reached_still_counts_on_an_accepted_order() -> None:
    order = after(*COMPLETE, OrderSubmitted(agent="1001"), machine("contact_by", "仅文字"))
    assert (order.state, order.fields["contact_by"].value) == (OrderState.ACCEPTED, "仅文字")


def test_nothing_else_that_a_machine_suggests_changes_an_accepted_order() -> None:
    order = after(*COMPLETE, OrderSubmitted(agent="1001"))
    with pytest.raises(IllegalTransition):
        apply(order, machine("place", "3号"), 9.0)


def test_values_from_the_machine_count_as_filled_when_an_agent_submits() -> None:
    draft = after(machine("type", "求助"), machine("category", "供水"), machine("summary", "停水"))
    assert apply(draft, OrderSubmitted(agent="1001"), 9.0).state is OrderState.ACCEPTED


def test_submitting_lists_what_is_missing_in_chinese() -> None:
    with pytest.raises(MissingFields) as caught:
        after(typed("type", "求助"), typed("summary", " "), OrderSubmitted(agent="1001"))
    assert caught.value.titles == ("事项分类", "诉求内容")
    assert caught.value.shown == "提交前请填写：事项分类、诉求内容"


@pytest.mark.parametrize(
    "ending", [OrderSubmitted(agent="1001"), OrderDiscarded(agent="1001", reason="拨错")]
)
@pytest.mark.parametrize(
    "event",
    [
        machine("place", "x"),
        typed("place", "x"),
        OrderSubmitted(agent="1001"),
        OrderDiscarded(agent="1001", reason="拨错"),
        OPENED,
    ],
)
def test_nothing_happens_to_an_order_that_is_no_longer_a_draft(ending: OrderEvent, event: OrderEvent) -> None:
    draft = after(*COMPLETE, ending)
    with pytest.raises(IllegalTransition) as caught:
        apply(draft, event, 99.0)
    assert draft.state in str(caught.value)
    assert type(event).__name__ in str(caught.value)


def test_nothing_but_opening_happens_without_a_draft() -> None:
    with pytest.raises(IllegalTransition, match="FieldEdited is not legal for an order in state none"):
        apply(None, typed("place", "x"), 1.0)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(UnknownField, match="colour"):
        after(typed("colour", "红"))


@pytest.mark.parametrize("field", sorted(set(OrderField) - set(CHOICES)))
def test_every_field_takes_its_limit_and_not_one_character_more(field: OrderField) -> None:
    assert value_of(after(typed(field, "字" * LIMITS[field])), field)
    with pytest.raises(FieldTooLong, match=f"{field.value} has {LIMITS[field] + 1} characters"):
        after(typed(field, "字" * (LIMITS[field] + 1)))


def test_a_type_outside_the_list_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueRefused) as caught:
        after(typed("type", "某某隐私"))
    assert "隐私" not in str(caught.value)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_no_database_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        after(typed("place", text))


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(ValueRefused, match="confidence"):
        after(machine("place", "x", confidence))


def test_an_order_is_not_discarded_without_a_reason() -> None:
    with pytest.raises(ValueRefused, match="reason"):
        after(OrderDiscarded(agent="1001", reason="  "))


@pytest.mark.parametrize("phone", ["13800005267", "0510-88886666", "051088886666", "88886666", "4008001234"])
def test_a_telephone_number_raises_no_warning(phone: str) -> None:
    assert warnings(after(typed("phone", phone))) == ()


@pytest.mark.parametrize("phone", ["1380000526", "12800005267", "没有电话"])
def test_what_does_not_look_like_a_number_is_kept_with_a_warning(phone: str) -> None:
    draft = after(typed("phone", phone))
    assert value_of(draft, OrderField.PHONE) == phone
    assert len(warnings(draft)) == 1


def test_edits_of_different_fields_by_two_agents_merge() -> None:
    check_seen(typed("place", "3栋"), seen=1, current=2, later=[typed("contact", "王", agent="1002")])


def test_an_edit_of_a_field_that_another_agent_changed_since_is_stale() -> None:
    with pytest.raises(StaleVersion) as caught:
        check_seen(typed("place", "3栋"), seen=1, current=2, later=[typed("place", "5栋", agent="1002")])
    assert "地点" in caught.value.shown


def test_the_machine_and_ones_own_edits_never_make_an_edit_stale() -> None:
    check_seen(
        typed("place", "3栋"), seen=1, current=3, later=[machine("place", "5栋"), typed("place", "4栋")]
    )


def test_a_version_that_does_not_exist_yet_is_refused() -> None:
    with pytest.raises(ValueRefused, match="version 7"):
        check_seen(typed("place", "3栋"), seen=7, current=3, later=[])


# ---------------------------------------------------------------- for every sequence of events

_fields = st.sampled_from([field.value for field in OrderField] + ["nonsense"])
_values = st.sampled_from(["", "求助", "咨询", "紧急", "3栋", "阳光花园", "13800005267", "长" * 500])
_agents = st.sampled_from(["1001", "1002"])
_events: st.SearchStrategy[OrderEvent] = st.one_of(
    st.builds(FieldEdited, field=_fields, value=_values, agent=_agents),
    st.builds(
        FieldSuggested,
        field=_fields,
        value=_values,
        source=st.just("rule:test"),
        confidence=st.floats(0, 1),
    ),
    st.builds(OrderSubmitted, agent=_agents),
    st.builds(OrderDiscarded, agent=_agents, reason=st.sampled_from(["拨错", ""])),
    st.just(OPENED),
)


def survivors(events: Sequence[OrderEvent]) -> tuple[Draft, list[tuple[OrderEvent, float]]]:
    """Apply all events but those that are refused; return the draft and the events that changed it."""
    draft = opened()
    kept: list[tuple[OrderEvent, float]] = [(OPENED, 1.0)]
    for at, event in enumerate(events, start=2):
        try:
            following = apply(draft, event, float(at))
        except OrderError:
            continue
        if following is not draft:
            kept.append((event, float(at)))
        draft = following
    return draft, kept


@given(st.lists(_events, max_size=40))
def test_replaying_the_events_gives_the_same_draft(events: list[OrderEvent]) -> None:
    draft, kept = survivors(events)
    assert replay(kept) == draft


@given(st.lists(_events, max_size=40))
def test_the_version_counts_the_events_that_changed_something(events: list[OrderEvent]) -> None:
    draft, kept = survivors(events)
    assert draft.version == len(kept)


@given(st.lists(_events, max_size=40))
def test_the_last_thing_an_agent_typed_stands_in_its_field(events: list[OrderEvent]) -> None:
    draft, kept = survivors(events)
    last = {event.field: event for event, _ in kept if isinstance(event, FieldEdited)}
    for name, event in last.items():
        assert draft.fields[name].value == event.value
        assert draft.fields[name].source == f"agent:{event.agent}"


@given(st.lists(_events, max_size=40))
def test_no_accepted_order_lacks_a_required_field(events: list[OrderEvent]) -> None:
    draft, _ = survivors(events)
    if draft.state is OrderState.ACCEPTED:
        assert all(value_of(draft, field) for field in REQUIRED)
