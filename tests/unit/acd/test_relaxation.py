"""What opens to a call with time: lower levels, other queues, another centre; and what comes first."""

from __future__ import annotations

import pytest

from acd.messages import CallChanged, CallLeft, Offer, OfferMissed, SentAway, Tick
from acd.policy import Choice, QueuePolicy, RelaxStep
from tests.support.acd_desk import Desk, offers, policy

GENERAL = QueuePolicy(name="general", title="综合", needs={"general": 1}, wrap_up_s=0)
HELP = QueuePolicy(
    name="help",
    title="社保",
    needs={"help": 4},
    wrap_up_s=0,
    relax=(
        RelaxStep(after_s=10, needs={"help": 3}),
        RelaxStep(after_s=20, queues=("general",)),
        RelaxStep(after_s=120, centre="95588"),
    ),
)


@pytest.fixture
def desk() -> Desk:
    return Desk(policy(GENERAL, HELP))


def test_a_lower_level_is_accepted_after_ten_seconds(desk: Desk) -> None:
    desk.ready("li", help=3)
    assert desk.call("c1", "help", needs={}) == []
    assert desk.wait(9.0) == []
    assert desk.wait(1.0) == ["c1>li"]


def test_another_queue_s_agents_take_the_call_at_its_own_place(desk: Desk) -> None:
    desk.call("c1", "help", needs={})
    desk.wait(20.0)
    desk.call("g1")
    assert desk.ready("li", general=1) == ["c1>li"]


def test_the_strictly_fitting_agent_is_rung_before_a_relaxed_one_who_idles_longer(desk: Desk) -> None:
    desk.call("c1", "help", needs={})
    desk.wait(25.0)
    assert desk.ready("li", general=1) == ["c1>li"]
    desk.ready("sun", general=5)
    desk.ready("wang", help=4)
    assert offers(desk.tell(OfferMissed(call_id="c1", agent_id="li"))) == ["c1>wang"]


def test_a_step_is_told_with_the_offer(desk: Desk) -> None:
    desk.ready("li", help=3)
    desk.call("c1", "help", needs={})
    (offer,) = [one for one in desk.tell(Tick(), 11.0) if isinstance(one, Offer)]
    assert offer.step == 1


def test_the_clock_says_when_the_next_step_is_due(desk: Desk) -> None:
    desk.call("c1", "help", needs={})
    assert desk.router.next_deadline() == desk.now + 10
    desk.wait(10.0)
    assert desk.router.next_deadline() == desk.now + 10


def test_only_the_named_levels_are_lowered_and_no_need_is_added(desk: Desk) -> None:
    desk.ready("wang", help=3)
    desk.ready("li", help=3, general=2)
    assert desk.call("c1", "help", needs={"help": 4, "general": 2}) == []
    assert desk.wait(10.0) == ["c1>li"]


def test_the_last_step_sends_the_call_to_another_centre(desk: Desk) -> None:
    desk.call("c1", "help", needs={})
    assert SentAway(call_id="c1", number="95588") in desk.tell(Tick(), 120.0)
    assert desk.router.waiting("c1") is None
    assert desk.tell(CallLeft(call_id="c1")) == ()


def test_a_call_back_is_never_sent_to_another_centre(desk: Desk) -> None:
    desk.call("c1", "help", needs={}, callback=True)
    desk.wait(500.0)
    assert desk.router.waiting("c1") is not None


def test_a_call_that_rings_as_its_last_step_comes_is_sent_away_only_when_nobody_is_ready(desk: Desk) -> None:
    desk.call("c1", "help", needs={})
    desk.wait(119.0)
    desk.ready("li", help=5)
    assert desk.wait(1.0) == []
    missed = desk.tell(OfferMissed(call_id="c1", agent_id="li"))
    assert SentAway(call_id="c1", number="95588") in missed


def test_a_long_line_opens_a_step_at_once_and_the_first_caller_goes_first() -> None:
    step = RelaxStep(after_s=60, queues=("general",), when_waiting_over=2)
    help_ = QueuePolicy(name="help", title="社保", needs={"help": 1}, relax=(step,))
    desk = Desk(policy(GENERAL, help_))
    desk.ready("li", general=1)
    assert desk.call("h1", "help") == []
    assert desk.call("h2", "help") == []
    assert desk.call("h3", "help") == ["h1>li"]


def test_a_long_expected_wait_opens_a_step_at_once() -> None:
    step = RelaxStep(after_s=600, queues=("general",), when_expected_over_s=150)
    help_ = QueuePolicy(name="help", title="社保", needs={"help": 1}, wrap_up_s=0, relax=(step,))
    desk = Desk(policy(GENERAL, help_))
    desk.ready("wang", help=1)
    for number in range(5):
        desk.call(f"c{number}", "help")
        desk.talk(f"c{number}", "wang", 100.0)
    desk.call("rings", "help")
    desk.ready("li", general=1)
    assert desk.call("h1", "help") == []
    assert desk.call("h2", "help") == ["h1>li"]


def test_a_line_that_is_too_long_sends_only_the_newcomer_to_another_centre() -> None:
    away = RelaxStep(after_s=600, centre="95588", when_waiting_over=2)
    desk = Desk(policy(QueuePolicy(name="general", title="综合", needs={"general": 1}, relax=(away,))))
    desk.call("c1")
    desk.call("c2")
    desk.call("c3")
    assert desk.router.waiting("c3") is None
    assert (desk.place("c1"), desk.place("c2")) == (1, 2)


def test_a_call_in_several_queues_keeps_one_place(desk: Desk) -> None:
    desk.call("g0", since=50.0)
    desk.call("c1", "help", needs={}, also=("general",), since=60.0)
    desk.call("g1", since=70.0)
    assert (desk.place("c1"), desk.place("g1")) == (1, 2)
    assert desk.ready("li", general=1) == ["g0>li"]
    assert desk.ready("wang", general=1) == ["c1>wang"]
    assert desk.ready("zhao", help=5) == []


def test_needs_that_become_clearer_keep_the_place(desk: Desk) -> None:
    desk.call("c1", since=50.0)
    desk.call("h1", "help", needs={}, since=60.0)
    desk.tell(CallChanged(call_id="c1", queue="help", needs={"help": 5}))
    assert (desk.place("c1"), desk.place("h1")) == (1, 2)


def test_a_new_queue_without_needs_brings_its_usual_ones(desk: Desk) -> None:
    desk.call("c1", needs={})
    desk.tell(CallChanged(call_id="c1", queue="help"))
    record = desk.router.waiting("c1")
    assert record is not None
    assert record.needs == {"help": 4}


def test_a_call_gains_further_queues_without_leaving_its_own(desk: Desk) -> None:
    desk.ready("li", general=1)
    desk.call("c1", "help", needs={})
    assert offers(desk.tell(CallChanged(call_id="c1", also=("general",)))) == ["c1>li"]
    record = desk.router.waiting("c1")
    assert record is not None
    assert (record.queue, record.also) == ("help", ("general",))


def test_a_ring_goes_on_while_needs_become_clearer(desk: Desk) -> None:
    desk.ready("li", general=1)
    desk.call("c1")
    assert desk.tell(CallChanged(call_id="c1", queue="help")) == ()
    assert desk.state("li") == "ringing"


def test_urgent_calls_go_before_everybody(desk: Desk) -> None:
    desk.call("long", since=1.0, priority=100)
    desk.call("urgent", urgent=True)
    assert desk.ready("li", general=1) == ["urgent>li"]


def test_words_of_danger_make_a_waiting_call_urgent(desk: Desk) -> None:
    desk.call("long", since=1.0)
    desk.call("danger")
    desk.tell(CallChanged(call_id="danger", urgent=True))
    assert desk.ready("li", general=1) == ["danger>li"]


def test_priority_is_worth_waiting_time_so_nobody_waits_for_ever() -> None:
    desk = Desk(policy(GENERAL, ageing_s=30.0))
    desk.call("old", since=50.0)
    desk.call("important", priority=1, since=79.0)
    desk.call("more important", priority=2, since=120.0)
    assert desk.ready("li", general=1) == ["important>li"]
    assert desk.ready("wang", general=1) == ["old>wang"]


def test_the_least_occupied_agent_is_rung() -> None:
    desk = Desk(
        policy(
            QueuePolicy(
                name="general",
                title="综合",
                needs={"general": 1},
                wrap_up_s=0,
                choice=Choice.LEAST_OCCUPIED,
            )
        )
    )
    desk.ready("li")
    desk.call("c1")
    desk.ready("wang")
    desk.call("c2")
    desk.talk("c1", "li", 10.0)
    desk.talk("c2", "wang", 60.0)
    desk.call("c3")
    assert desk.state("li") == "ringing"
