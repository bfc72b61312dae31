"""What a return visit answers, on the order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orders import chain
from orders.errors import IllegalTransition, ValueRefused
from orders.lifecycle import apply, replay
from orders.messages import (
    Draft,
    DraftOpened,
    FieldEdited,
    OrderEvent,
    OrderState,
    OrderSubmitted,
    Solved,
    VisitRecorded,
)

BEFORE: tuple[OrderEvent, ...] = (
    DraftOpened(order_id="o1", call_id="c1", caller="13800005267"),
    FieldEdited(field="type", value="投诉", agent="1001"),
    FieldEdited(field="category", value="噪音", agent="1001"),
    FieldEdited(field="summary", value="夜间施工", agent="1001"),
)
ASKED = VisitRecorded(
    visit_id="v1-o1",
    call_id="c9",
    by="robot",
    solved=Solved.NO,
    words="没有解决",
    audio_from=4.1,
    audio_to=5.0,
)


def accepted() -> Draft:
    draft = replay((event, 1.0) for event in (*BEFORE, OrderSubmitted(agent="1001")))
    assert draft is not None
    return draft


def test_an_accepted_order_shows_what_was_answered_where_and_to_whom() -> None:
    draft = apply(accepted(), ASKED, 9.0)
    visit = draft.visit
    assert visit is not None
    assert (visit.solved, visit.satisfaction, visit.by, visit.call_id) == (Solved.NO, None, "robot", "c9")
    assert (visit.words, visit.audio_from, visit.audio_to, visit.at) == ("没有解决", 4.1, 5.0, 9.0)
    assert draft.state is OrderState.ACCEPTED


def test_the_newest_answer_of_a_visit_counts_and_the_same_again_changes_nothing() -> None:
    draft = apply(accepted(), ASKED, 9.0)
    assert apply(draft, ASKED, 10.0) is draft
    later = apply(draft, replace(ASKED, satisfaction=2), 11.0)
    assert later.visit is not None
    assert (later.visit.satisfaction, later.version) == (2, draft.version + 1)


def test_what_an_agent_recorded_of_a_visit_is_not_changed_by_the_robot() -> None:
    draft = apply(accepted(), replace(ASKED, by="agent:1002", solved=Solved.PARTLY), 9.0)
    assert apply(draft, replace(ASKED, satisfaction=1), 10.0) is draft
    again = apply(draft, replace(ASKED, visit_id="v2-o1", solved=Solved.YES), 20.0)
    assert again.visit is not None
    assert again.visit.solved is Solved.YES


def test_an_order_that_is_not_accepted_cannot_be_visited() -> None:
    with pytest.raises(IllegalTransition, match="VisitRecorded is not legal for an order in state draft"):
        apply(replay((event, 1.0) for event in BEFORE), ASKED, 9.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"visit_id": ""},
        {"by": "somebody"},
        {"by": "agent:"},
        {"satisfaction": 6},
        {"satisfaction": 0},
        {"words": "词" * 1001},
        {"audio_from": float("nan")},
        {"solved": None, "words": ""},
    ],
)
def test_a_wrong_record_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueRefused):
        apply(accepted(), replace(ASKED, **wrong), 9.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("by", "actor"), [("robot", "machine"), ("agent:1002", "1002")])
def test_the_record_is_written_down_and_read_back(by: str, actor: str) -> None:
    event = replace(ASKED, by=by, satisfaction=1)
    assert chain.kind_of(event) == "visit_recorded"
    assert chain.decode("visit_recorded", chain.encode(event)) == event
    assert chain.actor_of(event) == actor
