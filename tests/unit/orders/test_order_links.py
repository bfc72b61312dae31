"""Two orders of one matter: related, merged into one, and parted again."""

from __future__ import annotations

import pytest

from orders import chain
from orders.errors import IllegalTransition, ValueRefused
from orders.lifecycle import apply, replay
from orders.messages import (
    Draft,
    DraftOpened,
    FieldEdited,
    LinkKind,
    MergeUndone,
    OrderEvent,
    OrderLinked,
    OrderMerged,
    OrderState,
    OrderSubmitted,
    OrderUnlinked,
)
from orders.order_links import MAX_LINKS, link_to, merged_into

OPENED = DraftOpened(order_id="o1", call_id="c1", caller="13800005267")
FILLED: tuple[OrderEvent, ...] = (
    OPENED,
    FieldEdited(field="type", value="投诉", agent="chen"),
    FieldEdited(field="category", value="生态环境/噪声", agent="chen"),
    FieldEdited(field="summary", value="夜间施工", agent="chen"),
)
MERGED = OrderMerged(into="o2", agent="chen", number="20261122000001")


def made(*events: OrderEvent) -> Draft:
    draft = replay((event, float(at)) for at, event in enumerate(events, start=1))
    assert draft is not None
    return draft


def test_a_draft_that_is_merged_is_closed_and_says_into_which_order() -> None:
    draft = made(OPENED, MERGED)
    assert (draft.state, merged_into(draft), draft.version) == (OrderState.MERGED, "o2", 2)
    link = link_to(draft, "o2")
    assert link is not None
    assert (link.kind, link.agent, link.number, link.at) == (
        LinkKind.MERGED_INTO, "chen", "20261122000001", 2.0,
    )  # fmt: skip


def test_a_merger_that_is_undone_leaves_the_draft_as_it_was() -> None:
    before, after = made(*FILLED), made(*FILLED, MERGED, MergeUndone(agent="chen"))
    assert (after.state, after.links, after.fields) == (OrderState.DRAFT, (), before.fields)


def test_nobody_edits_or_submits_what_was_merged() -> None:
    draft = made(*FILLED, MERGED)
    for event in (FieldEdited(field="title", value="x", agent="chen"), OrderSubmitted(agent="chen"), MERGED):
        with pytest.raises(IllegalTransition):
            apply(draft, event, 9.0)


def test_an_accepted_order_is_not_merged_but_takes_a_citizen_up() -> None:
    accepted = made(*FILLED, OrderSubmitted(agent="chen"))
    with pytest.raises(IllegalTransition):
        apply(accepted, MERGED, 9.0)
    joined = OrderLinked(
        other="o9", kind=LinkKind.JOINED, agent="wang", caller="13900000001", contact="王女士"
    )
    taken = apply(accepted, joined, 9.0)
    link = link_to(taken, "o9")
    assert link is not None
    assert (link.kind, link.caller, link.contact) == (LinkKind.JOINED, "13900000001", "王女士")
    assert taken.state is OrderState.ACCEPTED
    assert apply(taken, OrderUnlinked(other="o9", agent="wang"), 10.0).links == ()


def test_the_same_relation_again_changes_nothing() -> None:
    related = OrderLinked(other="o2", kind=LinkKind.RELATED, agent="chen")
    draft = made(OPENED, related)
    assert apply(draft, related, 9.0) is draft
    assert apply(draft, OrderUnlinked(other="o7", agent="chen"), 9.0) is draft


def test_an_order_is_not_linked_to_itself_nor_to_too_many() -> None:
    draft = made(OPENED)
    with pytest.raises(ValueRefused):
        apply(draft, OrderLinked(other="o1", kind=LinkKind.RELATED, agent="chen"), 2.0)
    for place in range(MAX_LINKS):
        draft = apply(draft, OrderLinked(other=f"x{place}", kind=LinkKind.RELATED, agent="chen"), 2.0)
    with pytest.raises(ValueRefused):
        apply(draft, OrderLinked(other="one more", kind=LinkKind.RELATED, agent="chen"), 2.0)


@pytest.mark.parametrize(
    "event",
    [
        OrderLinked(other="o2", kind=LinkKind.JOINED, agent="chen", caller="13900000001"),
        OrderUnlinked(other="o2", agent="chen"),
        MERGED,
        MergeUndone(agent="chen"),
    ],
)
def test_what_is_written_into_the_chain_is_read_back(event: OrderEvent) -> None:
    assert chain.decode(chain.kind_of(event), chain.encode(event)) == event
    assert chain.actor_of(event) == "chen"
