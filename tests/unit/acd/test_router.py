"""The router, one sentence per test."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from acd.errors import (
    DuplicateCall,
    IllegalCallMove,
    InvalidValue,
    RouterError,
    UnknownAgent,
    UnknownCall,
)
from acd.late import LATE_ON_CALL
from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentChanged,
    AgentRecord,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    Event,
    NotReadyReason,
    Offer,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    PlaceChanged,
    QueueState,
    TalkRestored,
    Tick,
    WaitingRecord,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.policy import Choice, Policy, QueuePolicy, load_policy
from tests.support.acd_desk import Desk, offers


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ---------------------------------------------------------------- who gets which call


def test_a_call_is_offered_to_a_ready_agent_with_the_time_the_ring_may_take(desk: Desk) -> None:
    desk.ready("li")
    since = desk.now + 1
    decisions = desk.tell(CallQueued(call_id="c1", queue="general", needs={"general": 1}, since=since))
    assert decisions == (
        AgentChanged(
            agent_id="li", state=AgentState.RINGING, call_id="c1", since=desk.now, until=desk.now + 15
        ),
        Offer(call_id="c1", agent_id="li", ring_until=desk.now + 15),
    )


def test_the_best_skilled_agent_is_rung_before_the_longest_idle(desk: Desk) -> None:
    desk.ready("li", general=2)
    desk.ready("wang", general=4)
    assert desk.call("c1") == ["c1>wang"]


def test_among_equally_skilled_agents_the_longest_idle_is_rung(desk: Desk) -> None:
    desk.ready("wang", general=3)
    desk.ready("li", general=3)
    assert desk.call("c1") == ["c1>wang"]


def test_a_queue_may_choose_by_idle_time_alone() -> None:
    general = QueuePolicy(name="general", title="综合", needs={"general": 1}, choice=Choice.LONGEST_IDLE)
    shipped = load_policy()
    desk = Desk(Policy(skills=shipped.skills, queues=(general,), default_queue="general"))
    desk.ready("li", general=2)
    desk.ready("wang", general=4)
    assert desk.call("c1") == ["c1>li"]


def test_an_agent_needs_all_skills_at_the_needed_level(desk: Desk) -> None:
    desk.ready("li", general=5)
    desk.ready("wang", general=3, dialect=2)
    desk.ready("zhao", general=3, dialect=3)
    assert desk.call("c1", needs={"general": 1, "dialect": 3}) == ["c1>zhao"]
    assert desk.call("c2", needs={"general": 1, "dialect": 3}) == []


def test_a_call_that_names_no_needs_has_those_of_its_queue(desk: Desk) -> None:
    desk.ready("li", general=3)
    assert desk.call("c1", "enterprise", needs={}) == []
    assert desk.ready("wang", enterprise=1) == ["c1>wang"]


def test_who_waits_longest_goes_first(desk: Desk) -> None:
    desk.call("late", since=90.0)
    desk.call("early", since=80.0)
    assert desk.ready("li") == ["early>li"]


def test_higher_priority_goes_before_longer_waiting(desk: Desk) -> None:
    desk.call("long", since=10.0)
    desk.call("urgent", priority=5, since=90.0)
    assert desk.ready("li") == ["urgent>li"]


def test_a_head_of_line_whom_nobody_can_serve_blocks_nobody_behind(desk: Desk) -> None:
    desk.call("company", "enterprise", priority=9)
    desk.call("citizen")
    assert desk.ready("li", general=1) == ["citizen>li"]


def test_new_skills_count_from_the_next_decision_on(desk: Desk) -> None:
    desk.ready("li", general=3)
    desk.call("c1", "dialect")
    assert offers(desk.tell(AgentSkillsChanged(agent_id="li", skills={"dialect": 1}))) == ["c1>li"]


def test_a_skill_taken_away_lets_the_ringing_call_go_on_but_brings_no_other(desk: Desk) -> None:
    desk.ready("li", general=3)
    desk.call("c1")
    desk.tell(AgentSkillsChanged(agent_id="li", skills={"dialect": 1}))
    desk.call("c2")
    assert desk.talk("c1", "li", 30.0) == []
    assert desk.state("li") is AgentState.READY


# ---------------------------------------------------------------- rings that fail


def test_a_missed_ring_makes_the_agent_not_ready_and_the_caller_first_in_line_again(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.call("c2")
    decisions = desk.tell(OfferMissed(call_id="c1", agent_id="li"))
    assert decisions == (
        AgentChanged(
            agent_id="li",
            state=AgentState.NOT_READY,
            reason=NotReadyReason.MISSED_RING,
            since=desk.now,
        ),
        PlaceChanged(call_id="c1", place=1),
    )
    assert desk.place("c2") == 2
    assert desk.ready("wang") == ["c1>wang"]


def test_a_refused_ring_goes_to_the_next_agent_at_once(desk: Desk) -> None:
    desk.ready("li")
    desk.ready("wang")
    desk.call("c1")
    refused = OfferMissed(call_id="c1", agent_id="li", reason=NotReadyReason.REFUSED)
    assert offers(desk.tell(refused)) == ["c1>wang"]
    record = desk.router.agent("li")
    assert record is not None
    assert record.reason is NotReadyReason.REFUSED


def test_who_missed_a_call_gets_another_one_while_somebody_else_could_take_it(desk: Desk) -> None:
    desk.ready("wang")
    desk.call("c0")
    desk.answer("c0", "wang")
    desk.ready("li")
    desk.call("c1")
    desk.call("c2")
    desk.tell(OfferMissed(call_id="c1", agent_id="li"))
    assert offers(desk.tell(AgentBecameReady(agent_id="li"))) == ["c2>li"]
    assert offers(desk.tell(AgentBecameReady(agent_id="wang"))) == []
    desk.tell(CallEnded(call_id="c0", agent_id="wang"))
    assert offers(desk.tell(WrapUpFinished(agent_id="wang"))) == ["c1>wang"]


def test_who_missed_a_call_gets_it_again_when_nobody_else_is_there(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.call("c2")
    desk.tell(OfferMissed(call_id="c1", agent_id="li"))
    assert offers(desk.tell(AgentBecameReady(agent_id="li"))) == ["c1>li"]


def test_who_missed_a_call_gets_it_again_rather_than_nothing(desk: Desk) -> None:
    desk.ready("wang")
    desk.call("c0")
    desk.answer("c0", "wang")
    desk.ready("li")
    desk.call("c1")
    desk.tell(OfferMissed(call_id="c1", agent_id="li"))
    assert offers(desk.tell(AgentBecameReady(agent_id="li"))) == ["c1>li"]


def test_of_two_ready_agents_the_one_who_did_not_miss_the_call_is_rung(desk: Desk) -> None:
    desk.ready("li", general=5)
    desk.ready("wang", general=1)
    assert desk.call("c1", avoid=frozenset({"li"})) == ["c1>wang"]


def test_a_ring_that_the_telephone_side_forgets_ends_by_the_clock(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    assert desk.tell(Tick(), 15.5) == ()
    assert desk.router.next_deadline() == 119.0
    decisions = desk.tell(Tick(), 2.0)
    assert decisions[0] == OfferWithdrawn(call_id="c1", agent_id="li", reason="ring_limit")
    assert desk.state("li") is AgentState.NOT_READY
    assert desk.place("c1") == 1


def test_a_ringing_agent_who_signs_out_gives_the_call_back_to_the_line(desk: Desk) -> None:
    desk.ready("li")
    desk.ready("wang")
    desk.call("c1")
    decisions = desk.tell(AgentSignedOut(agent_id="li"))
    assert decisions[0] == OfferWithdrawn(call_id="c1", agent_id="li", reason="agent_left")
    assert offers(decisions) == ["c1>wang"]


def test_a_caller_who_hangs_up_frees_the_agent_for_the_next_one(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.call("c2")
    decisions = desk.tell(CallLeft(call_id="c1"))
    assert decisions[0] == OfferWithdrawn(call_id="c1", agent_id="li", reason="caller_gone")
    assert offers(decisions) == ["c2>li"]


# ---------------------------------------------------------------- after the talk


def test_after_the_talk_comes_the_wrap_up_and_then_the_next_call(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.answer("c1", "li")
    ended = desk.tell(CallEnded(call_id="c1", agent_id="li"))
    wrap_up = AgentChanged(
        agent_id="li", state=AgentState.WRAP_UP, call_id="c1", since=desk.now, until=desk.now + 60
    )
    assert ended == (wrap_up,)
    assert desk.router.next_deadline() == desk.now + 60
    desk.call("c2")
    assert offers(desk.tell(Tick(), 58.0)) == []
    assert offers(desk.tell(Tick(), 1.0)) == ["c2>li"]


def test_a_wrap_up_finished_early_brings_the_next_call_at_once(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.call("c2")
    assert desk.talk("c1", "li", 20.0) == ["c2>li"]


def test_an_extended_wrap_up_ends_later(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.answer("c1", "li")
    desk.tell(CallEnded(call_id="c1", agent_id="li"))
    desk.tell(WrapUpExtended(agent_id="li", seconds=30.0), 0.0)
    desk.tell(Tick(), 60.0)
    assert desk.state("li") is AgentState.WRAP_UP
    desk.tell(Tick(), 30.0)
    assert desk.state("li") is AgentState.READY


def test_a_wrap_up_cannot_be_extended_for_ever(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.answer("c1", "li")
    desk.tell(CallEnded(call_id="c1", agent_id="li"))
    for _ in range(5):
        desk.tell(WrapUpExtended(agent_id="li", seconds=3600.0), 0.0)
    assert desk.router.next_deadline() == desk.now + 60 + 600


def test_a_break_asked_for_while_talking_begins_after_the_wrap_up(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.call("c2")
    desk.answer("c1", "li")
    assert desk.tell(AgentBecameNotReady(agent_id="li", reason=NotReadyReason.MEAL)) == ()
    desk.tell(CallEnded(call_id="c1", agent_id="li"))
    assert offers(desk.tell(WrapUpFinished(agent_id="li"))) == []
    assert desk.state("li") is AgentState.NOT_READY


# ---------------------------------------------------------------- late events


def test_an_answer_as_the_citizen_hangs_up_stops_the_phone_again(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.tell(CallLeft(call_id="c1"))
    late = desk.tell(OfferAnswered(call_id="c1", agent_id="li"))
    assert late == (OfferWithdrawn(call_id="c1", agent_id="li", reason="caller_gone"),)
    assert desk.state("li") is AgentState.READY


def test_an_answer_after_the_ring_limit_leaves_the_call_with_the_next_agent(desk: Desk) -> None:
    desk.ready("li")
    desk.ready("wang")
    desk.call("c1")
    assert offers(desk.tell(Tick(), 30.0)) == ["c1>wang"]
    late = desk.tell(OfferAnswered(call_id="c1", agent_id="li"))
    assert late == (OfferWithdrawn(call_id="c1", agent_id="li", reason="ring_limit"),)


def test_a_miss_reported_by_both_sides_counts_once(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.tell(Tick(), 30.0)
    assert desk.tell(OfferMissed(call_id="c1", agent_id="li")) == ()


def test_a_hang_up_in_the_moment_of_the_answer_ends_the_talk(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.answer("c1", "li")
    desk.tell(CallLeft(call_id="c1"))
    assert desk.state("li") is AgentState.WRAP_UP
    assert desk.tell(CallEnded(call_id="c1", agent_id="li")) == ()


def test_a_wrap_up_finished_too_late_says_the_state_as_it_is(desk: Desk) -> None:
    desk.ready("li")
    (told,) = desk.tell(WrapUpFinished(agent_id="li"))
    assert isinstance(told, AgentChanged)
    assert told.state is AgentState.READY


def test_pressing_ready_twice_keeps_the_place_among_the_idle(desk: Desk) -> None:
    desk.ready("li")
    desk.ready("wang")
    desk.tell(AgentBecameReady(agent_id="li"))
    assert desk.call("c1") == ["c1>li"]


def test_every_tolerated_late_event_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in LATE_ON_CALL.values())


# ---------------------------------------------------------------- what cannot be


def test_a_call_is_queued_once(desk: Desk) -> None:
    desk.call("c1")
    with pytest.raises(DuplicateCall, match="CallQueued is not legal in state 'waiting'"):
        desk.call("c1")


def test_a_talking_call_cannot_be_queued(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.answer("c1", "li")
    with pytest.raises(DuplicateCall, match="CallQueued is not legal in state 'talking'"):
        desk.call("c1")


@pytest.mark.parametrize(
    "event",
    [
        AgentBecameReady(agent_id="nobody"),
        AgentSignedOut(agent_id="nobody"),
        AgentBecameNotReady(agent_id="nobody", reason=NotReadyReason.REST),
        AgentSkillsChanged(agent_id="nobody", skills={}),
        WrapUpFinished(agent_id="nobody"),
        WrapUpExtended(agent_id="nobody", seconds=5),
    ],
)
def test_an_agent_who_is_not_signed_in_is_unknown(desk: Desk, event: Event) -> None:
    with pytest.raises(UnknownAgent, match=f"nobody: {type(event).__name__} in state 'offline'"):
        desk.tell(event)


@pytest.mark.parametrize(
    "event",
    [
        CallLeft(call_id="none"),
        CallEnded(call_id="none", agent_id="li"),
        OfferAnswered(call_id="none", agent_id="li"),
        OfferMissed(call_id="none", agent_id="li"),
    ],
)
def test_a_call_that_was_never_queued_is_unknown(desk: Desk, event: Event) -> None:
    desk.ready("li")
    with pytest.raises(UnknownCall, match=f"none: {type(event).__name__}"):
        desk.tell(event)


def test_somebody_who_was_not_offered_the_call_cannot_answer_it(desk: Desk) -> None:
    desk.ready("li")
    desk.ready("wang")
    desk.call("c1")
    with pytest.raises(IllegalCallMove, match="OfferAnswered is not legal in state 'ringing'"):
        desk.answer("c1", "wang")


def test_a_talk_of_two_is_not_ended_by_a_third(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.answer("c1", "li")
    with pytest.raises(IllegalCallMove, match="CallEnded is not legal in state 'talking'"):
        desk.tell(CallEnded(call_id="c1", agent_id="wang"))


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (CallQueued(call_id="c", queue="nowhere", needs={}, since=1), "queue"),
        (CallQueued(call_id="c", queue="general", needs={"magic": 1}, since=1), r"needs\.magic"),
        (CallQueued(call_id="c", queue="general", needs={"general": 6}, since=1), r"needs\.general"),
        (CallQueued(call_id="c", queue="general", needs={}, since=float("nan")), "since"),
        (CallQueued(call_id="c", queue="general", needs={}, since=1, priority=9999), "priority"),
        (CallQueued(call_id="", queue="general", needs={}, since=1), "call_id"),
        (CallQueued(call_id="c" * 500, queue="general", needs={}, since=1), "call_id"),
        (AgentSignedIn(agent_id="", skills={}), "agent_id"),
        (AgentSignedIn(agent_id="wang", skills={"general": 0}), r"skills\.general"),
        (WrapUpExtended(agent_id="li", seconds=float("nan")), "seconds"),
        (OfferMissed(call_id="c", agent_id="li", reason=NotReadyReason.MEAL), "reason"),
    ],
)
def test_a_value_out_of_bounds_is_named_with_its_key(desk: Desk, event: Event, key: str) -> None:
    desk.ready("li")
    before = desk.router.snapshot()
    with pytest.raises(InvalidValue, match=f"^{key} = "):
        desk.tell(event)
    assert desk.router.snapshot() == before


# ---------------------------------------------------------------- place and expected wait


def test_places_count_within_the_queue(desk: Desk) -> None:
    desk.call("c1")
    desk.call("d1", "dialect")
    desk.call("c2", needs={"general": 3})
    assert (desk.place("c1"), desk.place("d1"), desk.place("c2")) == (1, 1, 2)


def test_a_caller_who_moves_up_is_told_at_the_next_tick(desk: Desk) -> None:
    for name in ("c1", "c2", "c3"):
        desk.call(name)
    desk.tell(Tick())
    desk.tell(CallLeft(call_id="c1"))
    assert desk.tell(Tick(), 5.0) == (
        PlaceChanged(call_id="c2", place=1),
        PlaceChanged(call_id="c3", place=2),
    )
    assert desk.tell(Tick(), 5.0) == ()


def test_there_is_no_expected_wait_before_five_calls_were_handled(desk: Desk) -> None:
    desk.ready("li")
    for number in range(4):
        desk.call(f"c{number}")
        desk.talk(f"c{number}", "li", 100.0)
    desk.call("rings")
    desk.call("waits")
    place = desk.router.place("waits")
    assert place == PlaceChanged(call_id="waits", place=1, expected_wait_s=None)


def test_the_expected_wait_is_place_times_handling_time_by_serving_agents(desk: Desk) -> None:
    desk.ready("li")
    for number in range(5):
        desk.call(f"c{number}")
        desk.talk(f"c{number}", "li", 100.0)
    desk.ready("wang")
    for name in ("rings1", "rings2", "waits1", "waits2"):
        desk.call(name)
    place = desk.router.place("waits2")
    assert place is not None
    assert place.expected_wait_s == pytest.approx(2 * 100.0 / 2, abs=1.1)


def test_a_queue_without_anybody_serving_has_no_expected_wait(desk: Desk) -> None:
    desk.ready("li")
    for number in range(5):
        desk.call(f"c{number}")
        desk.talk(f"c{number}", "li", 100.0)
    desk.tell(AgentSignedOut(agent_id="li"))
    desk.call("waits")
    assert desk.router.place("waits") == PlaceChanged(call_id="waits", place=1)


def test_the_wallboard_sees_each_queue(desk: Desk) -> None:
    desk.ready("li")
    desk.ready("wang", general=1, dialect=1)
    desk.call("c1", since=50.0)
    desk.call("e1", "enterprise", since=60.0)
    states = {state.queue: state for state in desk.router.queue_states()}
    assert states["general"] == QueueState(
        queue="general", waiting=1, oldest_since=50.0, agents_ready=1, agents_busy=1
    )
    assert states["enterprise"] == QueueState(
        queue="enterprise", waiting=1, oldest_since=60.0, agents_ready=0, agents_busy=0
    )
    assert states["dialect"].agents_ready == 1


# ---------------------------------------------------------------- restarts


def restored(desk: Desk, agents: list[AgentRecord], waiting: list[WaitingRecord]) -> list[str]:
    return offers(desk.router.restore(agents, waiting, desk.now))


def waiting_call(
    call_id: str,
    queue: str = "general",
    needs: Mapping[str, int] | None = None,
    offered_to: str | None = None,
) -> WaitingRecord:
    return WaitingRecord(
        call_id=call_id,
        queue=queue,
        needs=needs or {"general": 1},
        priority=0,
        since=50.0,
        offered_to=offered_to,
    )


def test_a_talk_found_after_a_restart_ends_like_any_other(desk: Desk) -> None:
    desk.ready("li")
    desk.tell(TalkRestored(call_id="native", agent_id="li"))
    assert desk.tell(TalkRestored(call_id="native", agent_id="li")) == ()
    desk.tell(CallEnded(call_id="native", agent_id="li"))
    assert desk.state("li") is AgentState.WRAP_UP


def test_a_waiting_call_found_talking_stops_ringing_elsewhere(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.ready("wang")
    decisions = desk.tell(TalkRestored(call_id="c1", agent_id="wang"))
    assert OfferWithdrawn(call_id="c1", agent_id="li", reason="caller_gone") in decisions
    assert desk.router.waiting("c1") is None
    assert (desk.state("li"), desk.state("wang")) == (AgentState.READY, AgentState.TALKING)


def test_who_is_found_in_another_talk_gives_the_ringing_call_back(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    desk.tell(TalkRestored(call_id="native", agent_id="li"))
    assert desk.place("c1") == 1


def test_a_call_offered_to_somebody_who_does_not_ring_is_in_line_again(desk: Desk) -> None:
    offers_ = restored(
        desk,
        [AgentRecord(agent_id="li", state=AgentState.NOT_READY, since=1.0, skills={"general": 1})],
        [waiting_call("c1", offered_to="li")],
    )
    assert offers_ == []
    assert desk.place("c1") == 1


def test_who_rings_for_a_call_that_is_gone_is_free_for_the_next(desk: Desk) -> None:
    ringing = AgentRecord(
        agent_id="li",
        state=AgentState.RINGING,
        since=1.0,
        skills={"general": 1},
        call_id="gone",
        queue="general",
        until=16.0,
    )
    assert restored(desk, [ringing], [waiting_call("c1")]) == ["c1>li"]


def test_a_ring_that_outlived_the_server_still_ends_by_the_clock(desk: Desk) -> None:
    desk.ready("li")
    desk.call("c1")
    successor = Desk()
    successor.router.restore(*desk.router.snapshot(), desk.now)
    successor.now = desk.now
    decisions = successor.tell(Tick(), 30.0)
    assert decisions[0] == OfferWithdrawn(call_id="c1", agent_id="li", reason="ring_limit")


def test_a_call_in_a_queue_that_is_no_more_waits_in_the_default_queue(desk: Desk) -> None:
    restored(desk, [], [waiting_call("c1", "abolished", {"abolished": 2})])
    record = desk.router.waiting("c1")
    assert record is not None
    assert (record.queue, record.needs, record.since) == ("general", {"general": 1}, 50.0)


def test_a_call_that_is_both_waiting_and_talking_is_talking(desk: Desk) -> None:
    talking = AgentRecord(agent_id="li", state=AgentState.TALKING, since=1.0, call_id="c1")
    restored(desk, [talking], [waiting_call("c1")])
    assert desk.router.waiting("c1") is None
    assert desk.router.talking_with("c1") == "li"
    assert desk.router.take_changes().gone_calls == ("c1",)


def test_only_an_empty_router_takes_records_over(desk: Desk) -> None:
    desk.ready("li")
    with pytest.raises(RouterError, match="only an empty router"):
        restored(desk, [], [waiting_call("c1")])


def test_a_line_with_rare_needs_is_forgotten_when_nobody_waits_in_it(desk: Desk) -> None:
    desk.ready("li", general=3, dialect=3)
    desk.call("c1", needs={"general": 2, "dialect": 3})
    desk.tell(CallLeft(call_id="c1"))
    desk.tell(Tick(), 601.0)
    desk.tell(Tick(), 601.0)
    assert desk.call("c2", needs={"general": 2, "dialect": 3}) == ["c2>li"]
    assert desk.talk("c2", "li", 5.0) == []
    assert desk.call("c3") == ["c3>li"]
