"""The last agent or the case owner first, but not for long; and seats kept for a scarce skill."""

from __future__ import annotations

import pytest

from acd.messages import (
    AgentBecameNotReady,
    AgentSignedOut,
    CallEnded,
    NotReadyReason,
    OfferMissed,
)
from acd.policy import QueuePolicy
from tests.support.acd_desk import Desk, offers, policy

GENERAL = QueuePolicy(
    name="general", title="综合", needs={"general": 1}, wrap_up_s=0, prefer_s=10, reserve={"sign": 1}
)
SIGN = QueuePolicy(name="sign", title="手语", needs={"sign": 1}, wrap_up_s=0)


@pytest.fixture
def desk() -> Desk:
    return Desk(policy(GENERAL, SIGN))


def talks(desk: Desk, agent_id: str) -> None:
    """The agent is in a talk."""
    desk.ready(agent_id)
    desk.call(f"with {agent_id}")
    desk.answer(f"with {agent_id}", agent_id)


def test_a_ready_preferred_agent_is_rung_before_a_better_one(desk: Desk) -> None:
    desk.ready("li", general=1)
    desk.ready("wang", general=5)
    assert desk.call("c1", prefer=("li",)) == ["c1>li"]


def test_only_the_preferred_agent_is_offered_the_call_while_the_time_limit_runs(desk: Desk) -> None:
    talks(desk, "li")
    desk.ready("wang")
    assert desk.call("c1", prefer=("li",)) == []
    assert offers(desk.tell(CallEnded(call_id="with li", agent_id="li"), 5.0)) == ["c1>li"]


def test_after_the_time_limit_anybody_may_take_it(desk: Desk) -> None:
    talks(desk, "li")
    desk.ready("wang")
    desk.call("c1", prefer=("li",))
    assert desk.wait(9.0) == []
    assert desk.wait(1.0) == ["c1>wang"]


def test_a_preferred_agent_who_is_not_there_costs_no_time(desk: Desk) -> None:
    desk.ready("wang")
    assert desk.call("c1", prefer=("li",)) == ["c1>wang"]


def test_a_preferred_agent_without_the_needed_skills_costs_no_time(desk: Desk) -> None:
    desk.ready("li", general=5)
    desk.ready("wang", sign=1)
    assert desk.call("c1", "sign", prefer=("li",)) == ["c1>wang"]


@pytest.mark.parametrize("leaves", ["signs out", "asks for a break"])
def test_the_preference_is_given_up_as_the_last_preferred_agent_leaves(desk: Desk, leaves: str) -> None:
    talks(desk, "li")
    desk.ready("wang")
    desk.call("c1", prefer=("li",))
    if leaves == "signs out":
        decisions = desk.tell(AgentSignedOut(agent_id="li"))
    else:
        decisions = desk.tell(AgentBecameNotReady(agent_id="li", reason=NotReadyReason.MEAL))
    assert offers(decisions) == ["c1>wang"]


def test_of_two_preferred_agents_the_one_who_becomes_ready_takes_it(desk: Desk) -> None:
    talks(desk, "li")
    talks(desk, "zhao")
    assert desk.call("c1", prefer=("li", "zhao")) == []
    assert offers(desk.tell(CallEnded(call_id="with zhao", agent_id="zhao"))) == ["c1>zhao"]


def test_a_preferred_agent_who_signs_in_meanwhile_is_rung(desk: Desk) -> None:
    talks(desk, "li")
    desk.call("c1", prefer=("li", "sun"))
    assert desk.ready("sun") == ["c1>sun"]


def test_a_preferred_agent_who_misses_the_call_is_preferred_no_more(desk: Desk) -> None:
    desk.ready("li")
    desk.ready("wang")
    desk.call("c1", prefer=("li",))
    assert offers(desk.tell(OfferMissed(call_id="c1", agent_id="li"))) == ["c1>wang"]


def test_a_preferring_call_is_passed_by_others_and_keeps_its_place(desk: Desk) -> None:
    talks(desk, "li")
    desk.call("c1", prefer=("li",))
    desk.call("c2")
    assert desk.place("c1") == 1
    assert desk.ready("wang") == ["c2>wang"]


# ---------------------------------------------------------------- reserved seats


def test_a_call_that_does_not_need_the_scarce_skill_leaves_the_last_seat_alone(desk: Desk) -> None:
    desk.ready("li", general=5, sign=3)
    assert desk.call("c1") == []
    assert desk.call("s1", "sign") == ["s1>li"]


def test_another_ready_seat_with_the_scarce_skill_lets_the_call_move(desk: Desk) -> None:
    desk.ready("li", general=5, sign=3)
    desk.call("c1")
    assert desk.ready("wang", sign=1) == ["c1>li"]


def test_the_second_seat_itself_takes_the_call_that_was_held_back(desk: Desk) -> None:
    desk.ready("li", sign=3)
    desk.call("c1")
    assert desk.ready("wang", general=1, sign=1) == ["c1>wang"]


def test_who_has_no_scarce_skill_takes_the_call_as_ever(desk: Desk) -> None:
    desk.ready("li", general=5, sign=3)
    desk.call("c1")
    assert desk.ready("wang", general=1) == ["c1>wang"]


def test_a_call_that_needs_the_scarce_skill_takes_the_last_seat_in_any_queue(desk: Desk) -> None:
    desk.ready("li", general=5, sign=3)
    assert desk.call("c1", needs={"general": 1, "sign": 1}) == ["c1>li"]


def test_preference_does_not_touch_the_last_seat(desk: Desk) -> None:
    desk.ready("li", general=5, sign=3)
    assert desk.call("c1", prefer=("li",)) == []
    assert desk.wait(60.0) == []
