"""A new policy takes over a living centre; records of an older server are understood."""

from __future__ import annotations

import msgspec

from acd.messages import (
    AgentRecord,
    AgentState,
    CallEnded,
    CallLeft,
    OfferAnswered,
    PlaceChanged,
    Tick,
    WaitingRecord,
)
from acd.policy import Policy, QueuePolicy, RelaxStep
from acd.router import Router
from tests.support.acd_desk import Desk, offers, policy

GENERAL = QueuePolicy(name="general", title="综合", needs={"general": 1}, wrap_up_s=0)
HELP = QueuePolicy(name="help", title="社保", needs={"help": 3}, wrap_up_s=0)


def replaced(desk: Desk, new: Policy) -> list[str]:
    """Put the desk under a new policy; returns offers."""
    desk.router, decisions = desk.router.under(new, desk.now)
    return offers(decisions)


def test_agents_talks_and_places_go_on_under_the_new_policy() -> None:
    desk = Desk(policy(GENERAL, HELP))
    desk.ready("li")
    desk.call("c1")
    desk.answer("c1", "li")
    desk.call("c2")
    desk.call("c3")
    assert replaced(desk, policy(GENERAL, HELP, ageing_s=5.0)) == []
    assert desk.router.talking_with("c1") == "li"
    assert (desk.place("c2"), desk.place("c3")) == (1, 2)
    assert desk.router.policy.ageing_s == 5.0


def test_a_call_that_the_new_policy_opens_is_offered_at_once() -> None:
    desk = Desk(policy(GENERAL, HELP))
    desk.ready("li", general=1)
    desk.call("h1", "help", needs={})
    desk.wait(30.0)
    step = RelaxStep(after_s=20, queues=("general",))
    opened = QueuePolicy(name="help", title="社保", needs={"help": 3}, relax=(step,))
    assert replaced(desk, policy(GENERAL, opened)) == ["h1>li"]


def test_a_call_whose_queue_is_gone_waits_in_the_default_queue() -> None:
    desk = Desk(policy(GENERAL, HELP))
    desk.call("h1", "help", needs={}, since=50.0)
    replaced(desk, policy(GENERAL))
    record = desk.router.waiting("h1")
    assert record is not None
    assert (record.queue, record.needs, record.since) == ("general", {"general": 1}, 50.0)


def test_a_ring_goes_on_under_the_new_policy() -> None:
    desk = Desk(policy(GENERAL))
    desk.ready("li")
    desk.call("c1")
    assert replaced(desk, policy(GENERAL, HELP)) == []
    desk.tell(OfferAnswered(call_id="c1", agent_id="li"))
    assert desk.router.talking_with("c1") == "li"


def test_handling_times_and_late_events_are_remembered() -> None:
    desk = Desk(policy(GENERAL))
    desk.ready("li")
    for number in range(5):
        desk.call(f"c{number}")
        desk.talk(f"c{number}", "li", 100.0)
    desk.call("rings")
    desk.call("gone")
    desk.tell(CallLeft(call_id="gone"))
    desk.call("waits")
    replaced(desk, policy(GENERAL))
    place = desk.router.place("waits")
    assert place is not None
    assert place.expected_wait_s is not None
    assert desk.tell(CallLeft(call_id="gone")) == ()


def test_a_talk_s_handling_time_counts_across_the_change() -> None:
    desk = Desk(policy(GENERAL))
    desk.ready("li")
    for number in range(5):
        desk.call(f"c{number}")
        desk.answer(f"c{number}", "li")
        replaced(desk, policy(GENERAL))
        desk.tell(CallEnded(call_id=f"c{number}", agent_id="li"), 100.0)
    desk.call("rings")
    desk.call("waits")
    assert desk.router.place("waits") == PlaceChanged(call_id="waits", place=1, expected_wait_s=100.0)


def test_a_dry_run_leaves_the_router_as_it_is() -> None:
    desk = Desk(policy(GENERAL, HELP))
    desk.ready("li", general=1)
    desk.call("h1", "help", needs={})
    before = desk.router.snapshot()
    opened = QueuePolicy(
        name="help", title="社保", needs={"help": 3}, relax=(RelaxStep(after_s=0, queues=("general",)),)
    )
    _, decisions = desk.router.under(policy(GENERAL, opened), desk.now)
    assert offers(decisions) == ["h1>li"]
    assert desk.router.snapshot() == before
    assert desk.wait(1.0) == []


def test_what_changed_before_the_new_policy_is_still_to_be_stored() -> None:
    desk = Desk(policy(GENERAL))
    desk.ready("li")
    replaced(desk, policy(GENERAL))
    assert [agent.agent_id for agent in desk.router.take_changes().agents] == ["li"]


# ---------------------------------------------------------------- records of older servers


def test_records_without_the_newer_fields_are_restored() -> None:
    agent = msgspec.json.decode(
        b'{"agent_id":"li","state":"ready","since":5.0,"skills":{"general":3},"reason":null,'
        b'"call_id":null,"queue":null,"until":null,"idle_since":5.0,"after":"ready","after_reason":null}',
        type=AgentRecord,
    )
    call = msgspec.json.decode(
        b'{"call_id":"c1","queue":"general","needs":{"general":1},"priority":0,"since":50.0,'
        b'"avoid":[],"offered_to":null}',
        type=WaitingRecord,
    )
    router = Router(policy(GENERAL))
    assert offers(router.restore([agent], [call], 100.0)) == ["c1>li"]


def test_a_reserved_agent_whose_call_back_is_gone_is_free() -> None:
    agent = AgentRecord(
        agent_id="li", state=AgentState.RESERVED, since=5.0, skills={"general": 1}, call_id="gone", until=50.0
    )
    router = Router(policy(GENERAL))
    router.restore([agent], [], 100.0)
    record = router.agent("li")
    assert record is not None
    assert record.state is AgentState.READY


def test_steps_taken_early_are_kept_across_a_restart() -> None:
    step = RelaxStep(after_s=60, queues=("general",), when_waiting_over=1)
    centre = policy(GENERAL, QueuePolicy(name="help", title="社保", needs={"help": 3}, relax=(step,)))
    desk = Desk(centre)
    desk.call("h1", "help", needs={})
    desk.call("h2", "help", needs={})
    desk.tell(CallLeft(call_id="h2"))
    successor = Desk(centre)
    successor.now = desk.now
    successor.router.restore(*desk.router.snapshot(), desk.now)
    assert successor.ready("li", general=1) == ["h1>li"]


def test_the_time_in_line_is_kept_across_a_restart() -> None:
    step = RelaxStep(after_s=20, queues=("general",))
    centre = policy(GENERAL, QueuePolicy(name="help", title="社保", needs={"help": 3}, relax=(step,)))
    desk = Desk(centre)
    desk.ready("li", general=1)
    desk.call("h1", "help", needs={})
    joined = desk.now
    desk.tell(Tick(), 15.0)
    successor = Router(centre)
    successor.restore(*desk.router.snapshot(), desk.now)
    assert successor.next_deadline() == joined + 20
