"""Asking a colleague in, and handing the call over."""

from __future__ import annotations

import pytest

from acd.errors import IllegalAgentMove, UnknownCall
from acd.messages import (
    AgentSignedOut,
    AgentState,
    CallEnded,
    ConsultAnswered,
    ConsultEnded,
    ConsultRequested,
    NotReadyReason,
    OfferWithdrawn,
    TalkMoved,
    TalkRestored,
    Tick,
)
from tests.support.acd_desk import Desk, offers


@pytest.fixture
def desk() -> Desk:
    """Li talks on c1; wang is ready."""
    desk = Desk()
    desk.ready("li")
    desk.call("c1")
    desk.answer("c1", "li")
    desk.ready("wang")
    return desk


def asked(desk: Desk) -> None:
    desk.tell(ConsultRequested(call_id="c1", agent_id="wang"))


def joined(desk: Desk) -> None:
    asked(desk)
    desk.tell(ConsultAnswered(call_id="c1", agent_id="wang"))


def test_the_colleague_rings_and_gets_no_other_call(desk: Desk) -> None:
    asked(desk)
    record = desk.router.agent("wang")
    assert record is not None
    assert (record.state, record.call_id, record.consulting) == (AgentState.RINGING, "c1", True)
    assert record.until == desk.now + 15
    assert desk.call("c2") == []


def test_the_call_stays_with_its_agent_while_three_talk(desk: Desk) -> None:
    joined(desk)
    assert desk.state("wang") is AgentState.TALKING
    assert desk.router.talking_with("c1") == "li"


def test_no_wrap_up_follows_a_consultation(desk: Desk) -> None:
    joined(desk)
    desk.call("c2")
    assert offers(desk.tell(ConsultEnded(call_id="c1", agent_id="wang"))) == ["c2>wang"]


def test_a_consultation_called_off_costs_no_idle_time(desk: Desk) -> None:
    before = desk.router.agent("wang")
    asked(desk)
    desk.tell(ConsultEnded(call_id="c1", agent_id="wang"))
    after = desk.router.agent("wang")
    assert before is not None
    assert after is not None
    assert (after.state, after.idle_since) == (AgentState.READY, before.idle_since)


def test_a_colleague_who_misses_the_ring_is_not_ready(desk: Desk) -> None:
    asked(desk)
    desk.tell(ConsultEnded(call_id="c1", agent_id="wang", missed=True))
    record = desk.router.agent("wang")
    assert record is not None
    assert (record.state, record.reason) == (AgentState.NOT_READY, NotReadyReason.MISSED_RING)


def test_a_colleague_s_ring_ends_by_the_clock(desk: Desk) -> None:
    asked(desk)
    decisions = desk.tell(Tick(), 17.0)
    assert decisions[0] == OfferWithdrawn(call_id="c1", agent_id="wang", reason="ring_limit")
    assert desk.state("wang") is AgentState.NOT_READY
    late = desk.tell(ConsultAnswered(call_id="c1", agent_id="wang"))
    assert late == (OfferWithdrawn(call_id="c1", agent_id="wang", reason="ring_limit"),)


def test_an_attended_transfer_wraps_the_first_agent_up_and_gives_the_call_to_the_colleague(
    desk: Desk,
) -> None:
    joined(desk)
    desk.tell(TalkMoved(call_id="c1", agent_id="wang"))
    assert desk.state("li") is AgentState.WRAP_UP
    assert desk.router.talking_with("c1") == "wang"
    desk.tell(CallEnded(call_id="c1", agent_id="wang"))
    assert desk.state("wang") is AgentState.WRAP_UP


def test_a_transfer_told_after_the_first_agent_s_leg_ended_still_holds(desk: Desk) -> None:
    joined(desk)
    desk.tell(CallEnded(call_id="c1", agent_id="li"))
    desk.tell(TalkMoved(call_id="c1", agent_id="wang"))
    assert desk.router.talking_with("c1") == "wang"


def test_a_consulted_agent_found_on_an_ended_call_is_set_free(desk: Desk) -> None:
    joined(desk)
    desk.tell(CallEnded(call_id="c1", agent_id="li"))
    desk.tell(CallEnded(call_id="c1", agent_id="wang"))
    assert desk.state("wang") is AgentState.READY


def test_a_conference_of_three_that_is_found_changes_nothing(desk: Desk) -> None:
    joined(desk)
    assert desk.tell(TalkRestored(call_id="c1", agent_id="wang")) == ()
    assert desk.router.talking_with("c1") == "li"


def test_a_colleague_who_signs_out_while_ringing_stops_to_ring(desk: Desk) -> None:
    asked(desk)
    decisions = desk.tell(AgentSignedOut(agent_id="wang"))
    assert decisions[0] == OfferWithdrawn(call_id="c1", agent_id="wang", reason="agent_left")


def test_both_legs_may_report_the_end_of_a_consultation(desk: Desk) -> None:
    joined(desk)
    desk.tell(ConsultEnded(call_id="c1", agent_id="wang"))
    assert desk.tell(ConsultEnded(call_id="c1", agent_id="wang")) == ()


def test_only_a_ready_colleague_can_be_asked(desk: Desk) -> None:
    asked(desk)
    with pytest.raises(IllegalAgentMove, match="ConsultRequested is not legal in state 'ringing'"):
        asked(desk)


def test_only_about_a_talk_can_be_consulted(desk: Desk) -> None:
    with pytest.raises(UnknownCall, match="none: ConsultRequested"):
        desk.tell(ConsultRequested(call_id="none", agent_id="wang"))
    with pytest.raises(UnknownCall, match="c1: TalkMoved"):
        desk.tell(TalkMoved(call_id="c1", agent_id="wang"))


def test_a_consultation_outlives_a_restart(desk: Desk) -> None:
    joined(desk)
    successor = Desk()
    successor.now = desk.now
    successor.router.restore(*desk.router.snapshot(), desk.now)
    assert successor.router.talking_with("c1") == "li"
    successor.tell(TalkMoved(call_id="c1", agent_id="wang"))
    assert successor.router.talking_with("c1") == "wang"
