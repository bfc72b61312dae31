"""Text conversations: several at once, beside no voice call."""

from __future__ import annotations

import pytest

from acd.errors import InvalidValue
from acd.messages import (
    AgentSignedIn,
    AgentSignedOut,
    AgentState,
    CallEnded,
    Media,
    OfferMissed,
    OfferWithdrawn,
    Tick,
)
from acd.policy import QueuePolicy
from tests.support.acd_desk import Desk, offers, policy

GENERAL = QueuePolicy(name="general", title="综合", needs={"general": 1}, wrap_up_s=0)
BESIDE = QueuePolicy(name="beside", title="旁路", needs={"general": 1}, wrap_up_s=0, text_blocks_voice=False)


@pytest.fixture
def desk() -> Desk:
    return Desk(policy(GENERAL, BESIDE))


def texting(desk: Desk, agent_id: str) -> tuple[str, ...]:
    record = desk.router.agent(agent_id)
    return record.texting if record else ()


def test_an_agent_takes_as_many_texts_as_the_number_says(desk: Desk) -> None:
    desk.ready_for_texts("li", 2)
    assert desk.call("t1", media=Media.TEXT) == ["t1>li"]
    assert desk.call("t2", media=Media.TEXT) == ["t2>li"]
    assert desk.call("t3", media=Media.TEXT) == []
    assert texting(desk, "li") == ("t1", "t2")
    assert desk.state("li") is AgentState.READY


def test_several_waiting_texts_come_at_once(desk: Desk) -> None:
    desk.call("t1", media=Media.TEXT)
    desk.call("t2", media=Media.TEXT)
    assert desk.ready_for_texts("li", 5) == ["t1>li", "t2>li"]


def test_who_takes_no_texts_is_offered_none(desk: Desk) -> None:
    desk.ready("li")
    assert desk.call("t1", media=Media.TEXT) == []


def test_the_end_of_a_text_brings_the_next_without_wrap_up(desk: Desk) -> None:
    desk.ready_for_texts("li", 1)
    desk.call("t1", media=Media.TEXT)
    desk.answer("t1", "li")
    desk.call("t2", media=Media.TEXT)
    assert offers(desk.tell(CallEnded(call_id="t1", agent_id="li"))) == ["t2>li"]


def test_voice_waits_until_the_texts_are_over(desk: Desk) -> None:
    desk.ready_for_texts("li", 2)
    desk.call("t1", media=Media.TEXT)
    desk.answer("t1", "li")
    assert desk.call("v1") == []
    assert offers(desk.tell(CallEnded(call_id="t1", agent_id="li"))) == ["v1>li"]


def test_a_queue_may_ring_somebody_who_is_in_a_text(desk: Desk) -> None:
    desk.ready_for_texts("li", 2)
    desk.call("t1", media=Media.TEXT)
    assert desk.call("v1", "beside", needs={"general": 1}) == ["v1>li"]
    assert texting(desk, "li") == ("t1",)


def test_no_text_comes_during_a_voice_call(desk: Desk) -> None:
    desk.ready_for_texts("li", 2)
    desk.call("v1")
    assert desk.call("t1", media=Media.TEXT) == []
    desk.answer("v1", "li")
    assert offers(desk.tell(CallEnded(call_id="v1", agent_id="li"))) == ["t1>li"]


def test_video_is_taken_like_voice(desk: Desk) -> None:
    desk.ready("li")
    assert desk.call("v1", media=Media.VIDEO) == ["v1>li"]
    assert desk.call("v2", media=Media.VIDEO) == []


def test_the_agent_with_the_fewest_texts_gets_the_next(desk: Desk) -> None:
    desk.ready_for_texts("li", 3, general=5)
    desk.call("t1", media=Media.TEXT)
    desk.ready_for_texts("wang", 3, general=1)
    assert desk.call("t2", media=Media.TEXT) == ["t2>wang"]


def test_a_missed_text_makes_not_ready_and_goes_to_the_next(desk: Desk) -> None:
    desk.ready_for_texts("li", 1)
    desk.call("t1", media=Media.TEXT)
    desk.ready_for_texts("wang", 1)
    assert offers(desk.tell(OfferMissed(call_id="t1", agent_id="li"))) == ["t1>wang"]
    assert desk.state("li") is AgentState.NOT_READY


def test_a_text_that_nobody_takes_up_is_missed_by_the_clock(desk: Desk) -> None:
    desk.ready_for_texts("li", 1)
    desk.call("t1", media=Media.TEXT)
    assert desk.router.next_deadline() == desk.now + 17
    decisions = desk.tell(Tick(), 17.0)
    assert OfferWithdrawn(call_id="t1", agent_id="li", reason="ring_limit") in decisions
    assert texting(desk, "li") == ()


def test_texts_are_over_for_the_router_when_their_agent_signs_out(desk: Desk) -> None:
    desk.ready_for_texts("li", 1)
    desk.call("t1", media=Media.TEXT)
    desk.answer("t1", "li")
    desk.tell(AgentSignedOut(agent_id="li"))
    assert desk.router.talking_with("t1") is None
    assert desk.tell(CallEnded(call_id="t1", agent_id="li")) == ()
    desk.ready_for_texts("wang", 1)
    assert desk.call("t1", media=Media.TEXT, reason="returned") == ["t1>wang"]


def test_text_conversations_outlive_a_restart(desk: Desk) -> None:
    desk.ready_for_texts("li", 2)
    desk.call("t1", media=Media.TEXT)
    desk.answer("t1", "li")
    desk.call("t2", media=Media.TEXT)
    successor = Desk(policy(GENERAL, BESIDE))
    successor.now = desk.now
    assert successor.router.restore(*desk.router.snapshot(), desk.now) == ()
    assert successor.router.talking_with("t1") == "li"
    successor.answer("t2", "li")
    assert successor.router.talking_with("t2") == "li"


def test_the_number_of_texts_is_bounded(desk: Desk) -> None:
    with pytest.raises(InvalidValue, match="texts = 51"):
        desk.tell(AgentSignedIn(agent_id="li", skills={}, texts=51))
