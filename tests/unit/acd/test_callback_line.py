"""A citizen who is called back keeps the place, as if the line had been held."""

from __future__ import annotations

import pytest

from acd.errors import DuplicateCall, IllegalAgentMove, IllegalCallMove, InvalidValue, UnknownCall
from acd.messages import (
    AgentBecameNotReady,
    AgentChanged,
    AgentSignedOut,
    AgentState,
    BecameCallback,
    CallbackFailed,
    CallbackReached,
    CallLeft,
    NotReadyReason,
    Offer,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    Tick,
)
from tests.support.acd_desk import Desk, offers


@pytest.fixture
def desk() -> Desk:
    return Desk()


def reserved(desk: Desk) -> Desk:
    """Li is reserved for the call-back c1; c2 waits behind it."""
    desk.call("c1")
    desk.call("c2")
    desk.tell(BecameCallback(call_id="c1"))
    desk.ready("li")
    return desk


def test_who_asks_for_a_call_back_keeps_the_place(desk: Desk) -> None:
    desk.call("c1")
    desk.call("c2")
    desk.tell(BecameCallback(call_id="c1"))
    assert (desk.place("c1"), desk.place("c2")) == (1, 2)


def test_when_the_turn_comes_an_agent_is_reserved_for_as_long_as_dialling_may_take(desk: Desk) -> None:
    desk.call("c1")
    desk.tell(BecameCallback(call_id="c1"))
    desk.ready("li")
    record = desk.router.agent("li")
    assert record is not None
    assert (record.state, record.call_id, record.until) == (AgentState.RESERVED, "c1", desk.now + 45)


def test_the_offer_says_that_the_citizen_is_to_be_dialled_first(desk: Desk) -> None:
    desk.ready("li")
    assert desk.call("c1", callback=True) == ["c1>li"]
    record = desk.router.waiting("c1")
    assert record is not None
    assert (record.callback, record.offered_to) == (True, "li")


def test_the_reached_citizen_rings_at_the_reserved_agent_under_the_new_call(desk: Desk) -> None:
    reserved(desk)
    decisions = desk.tell(CallbackReached(call_id="c1", agent_id="li", new_call_id="n1"))
    assert decisions == (
        AgentChanged(
            agent_id="li", state=AgentState.RINGING, call_id="n1", since=desk.now, until=desk.now + 15
        ),
        Offer(call_id="n1", agent_id="li", ring_until=desk.now + 15),
    )
    assert desk.router.waiting("c1") is None
    desk.answer("n1", "li")
    assert desk.router.talking_with("n1") == "li"


def test_a_reached_citizen_whom_the_agent_misses_is_first_in_line_again(desk: Desk) -> None:
    reserved(desk)
    desk.tell(CallbackReached(call_id="c1", agent_id="li", new_call_id="n1"))
    desk.tell(OfferMissed(call_id="n1", agent_id="li"))
    assert (desk.place("n1"), desk.place("c2")) == (1, 2)


def test_a_citizen_who_is_not_reached_frees_the_agent_for_the_next(desk: Desk) -> None:
    reserved(desk)
    failed = CallbackFailed(call_id="c1", agent_id="li", again_at=desk.now + 300)
    assert offers(desk.tell(failed)) == ["c2>li"]
    assert desk.place("c1") == 1


def test_the_time_spent_idle_counts_on_when_the_citizen_is_not_reached(desk: Desk) -> None:
    desk.ready("li")
    before = desk.router.agent("li")
    desk.call("c1", callback=True)
    desk.tell(CallbackFailed(call_id="c1", agent_id="li", again_at=None))
    after = desk.router.agent("li")
    assert before is not None
    assert after is not None
    assert (after.state, after.idle_since) == (AgentState.READY, before.idle_since)


def test_the_next_try_is_not_before_its_time(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1", callback=True)
    desk.tell(CallbackFailed(call_id="c1", agent_id="li", again_at=desk.now + 301))
    assert desk.wait(299.0) == []
    assert desk.wait(1.0) == ["c1>li"]


def test_a_call_back_that_is_given_up_is_gone(desk: Desk) -> None:
    reserved(desk)
    desk.tell(CallbackFailed(call_id="c1", agent_id="li", again_at=None))
    assert desk.router.waiting("c1") is None
    assert desk.tell(CallLeft(call_id="c1")) == ()


def test_a_ring_stops_when_the_citizen_asks_for_a_call_back_meanwhile(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    decisions = desk.tell(BecameCallback(call_id="c1"))
    assert decisions[0] == OfferWithdrawn(call_id="c1", agent_id="li", reason="caller_gone")
    assert [one.callback for one in decisions if isinstance(one, Offer)] == [True]
    assert desk.state("li") is AgentState.RESERVED


def test_a_reservation_that_nobody_ends_is_over_by_the_clock_and_tried_again_later(desk: Desk) -> None:
    reserved(desk)
    decisions = desk.tell(Tick(), 47.0)
    assert OfferWithdrawn(call_id="c1", agent_id="li", reason="ring_limit") in decisions
    assert offers(decisions) == ["c2>li"]
    assert desk.ready("wang") == []
    assert desk.wait(45.0) == ["c1>wang"]


def test_a_citizen_reached_after_the_reservation_is_over_waits_at_the_old_place(desk: Desk) -> None:
    reserved(desk)
    desk.wait(47.0)
    desk.tell(CallbackReached(call_id="c1", agent_id="li", new_call_id="n1"))
    assert desk.place("n1") == 1
    assert desk.ready("wang") == ["n1>wang"]


def test_a_citizen_reached_as_the_call_back_is_given_up_is_not_waited_for(desk: Desk) -> None:
    reserved(desk)
    desk.tell(CallLeft(call_id="c1"))
    late = desk.tell(CallbackReached(call_id="c1", agent_id="li", new_call_id="n1"))
    assert late == (OfferWithdrawn(call_id="c1", agent_id="li", reason="caller_gone"),)


def test_the_same_citizen_calling_again_takes_the_call_back_out_and_frees_the_agent(desk: Desk) -> None:
    reserved(desk)
    assert offers(desk.tell(CallLeft(call_id="c1"))) == ["c2>li"]


def test_a_reserved_agent_who_leaves_gives_the_call_back_to_the_next(desk: Desk) -> None:
    reserved(desk)
    desk.tell(AgentSignedOut(agent_id="li"))
    assert desk.place("c1") == 1
    assert desk.ready("wang") == ["c1>wang"]


def test_a_reserved_agent_may_refuse(desk: Desk) -> None:
    reserved(desk)
    desk.tell(OfferMissed(call_id="c1", agent_id="li", reason=NotReadyReason.REFUSED))
    assert desk.state("li") is AgentState.NOT_READY
    assert desk.ready("wang") == ["c1>wang"]


def test_a_break_asked_for_while_reserved_begins_when_the_citizen_is_not_reached(desk: Desk) -> None:
    reserved(desk)
    desk.tell(AgentBecameNotReady(agent_id="li", reason=NotReadyReason.MEAL))
    desk.tell(CallbackFailed(call_id="c1", agent_id="li", again_at=None))
    assert desk.state("li") is AgentState.NOT_READY


def test_a_reserved_agent_has_nobody_to_answer(desk: Desk) -> None:
    reserved(desk)
    with pytest.raises(IllegalAgentMove, match="answer is not legal in state 'reserved'"):
        desk.tell(OfferAnswered(call_id="c1", agent_id="li"))


def test_what_cannot_be_is_refused_and_changes_nothing(desk: Desk) -> None:
    reserved(desk)
    before = desk.router.snapshot()
    with pytest.raises(UnknownCall):
        desk.tell(BecameCallback(call_id="none"))
    with pytest.raises(IllegalCallMove, match="waiting for a call-back"):
        desk.tell(BecameCallback(call_id="c1"))
    with pytest.raises(DuplicateCall):
        desk.tell(CallbackReached(call_id="c1", agent_id="li", new_call_id="c2"))
    with pytest.raises(IllegalCallMove):
        desk.tell(CallbackReached(call_id="c1", agent_id="wang", new_call_id="n1"))
    with pytest.raises(InvalidValue, match="again_at"):
        desk.tell(CallbackFailed(call_id="c1", agent_id="li", again_at=float("nan")))
    assert desk.router.snapshot() == before


def test_a_reservation_outlives_a_restart(desk: Desk) -> None:
    reserved(desk)
    successor = Desk()
    successor.now = desk.now
    assert successor.router.restore(*desk.router.snapshot(), desk.now) != ()
    decisions = successor.tell(CallbackReached(call_id="c1", agent_id="li", new_call_id="n1"))
    assert offers(decisions) == ["n1>li"]
