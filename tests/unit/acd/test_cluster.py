"""One line over several servers: who leads, who follows, and what becomes of callers when a leader goes."""

from __future__ import annotations

from itertools import pairwise

from acd.cluster import Mode
from acd.cluster_codec import decode_down
from acd.cluster_messages import State
from acd.messages import AgentState, CallLeft, NotReadyReason
from tests.support.line import Line


def line(*names: str) -> Line:
    """A line of servers that have found each other; the first leads."""
    made = Line()
    made.start(*names)
    made.passes(1.0)
    return made


def modes(made: Line) -> dict[str, Mode]:
    return {name: seat.member.mode for name, seat in made.seats.items()}


def test_the_first_to_take_the_lease_leads_and_the_others_follow() -> None:
    assert modes(line("a", "b", "c")) == {"a": Mode.LEADER, "b": Mode.FOLLOWER, "c": Mode.FOLLOWER}


def test_a_caller_at_a_follower_is_rung_through_to_an_agent_of_another_server() -> None:
    made = line("a", "b", "c")
    made.agent("li", "c")
    call = made.calls("b")
    made.exchange()
    assert made.phones["li"] == call
    made.answers("li")
    made.exchange()
    for seat in made.seats.values():
        assert seat.member.talking_with(call) == "li"
        agent = seat.member.agent("li")
        assert agent is not None and agent.state is AgentState.TALKING


def test_a_followers_own_events_are_seen_there_at_once() -> None:
    made = line("a", "b")
    call = made.calls("b")
    member = made.seats["b"].member
    assert member.waiting(call) is not None
    assert made.seats["a"].member.waiting(call) is None
    made.hangs_up(call)
    assert member.waiting(call) is None
    made.exchange()
    assert made.seats["a"].member.waiting(call) is None


def test_the_wallboard_is_the_same_everywhere() -> None:
    made = line("a", "b")
    made.agent("li", "a", ready=False)
    for _ in range(3):
        made.calls("b")
    made.passes(1.5)
    assert made.seats["a"].member.queue_states() == made.seats["b"].member.queue_states()
    general = next(one for one in made.seats["b"].member.queue_states() if one.queue == "general")
    assert general.waiting == 3


def test_a_standby_takes_over_within_three_seconds_and_nobody_loses_the_place() -> None:
    made = line("a", "b", "c")
    made.agent("li", "c", ready=False)
    calls = []
    for name in ("b", "a", "c", "a", "b"):
        calls.append(made.calls(name))
        made.passes(0.1)
    made.kill("a")
    for call in (calls[1], calls[3]):
        made.returns(call, "b")
    made.passes(3.0)
    leader = made.leader()
    assert leader is not None and leader.name in ("b", "c")
    made.patience = False
    made.asks_for_calls("li")
    for _ in calls:
        made.exchange()
        made.ends("li")
        made.exchange()
        made.writes_up("li")
        made.exchange()
    assert made.order == calls
    assert made.faults == []


def test_talks_and_rings_go_on_when_the_leader_dies() -> None:
    made = line("a", "b", "c")
    for agent in ("li", "wang"):
        made.agent(agent, "b")
    talking = made.calls("c")
    made.exchange()
    made.answers("li")
    ringing = made.calls("c")
    made.exchange()
    assert made.phones == {"li": talking, "wang": ringing}
    made.kill("a")
    made.passes(3.0)
    assert made.phones == {"li": talking, "wang": ringing}
    leader = made.leader()
    assert leader is not None
    assert leader.member.talking_with(talking) == "li"
    made.answers("wang")
    made.exchange()
    assert leader.member.talking_with(ringing) == "wang"
    assert made.faults == []


def test_what_was_told_while_nobody_led_is_not_lost() -> None:
    made = line("a", "b", "c")
    made.agent("li", "b")
    made.agent("wang", "c")
    talking = made.calls("b")
    made.exchange()
    made.answers("li")
    made.exchange()
    made.kill("a")
    made.ends("li")  # told to nobody
    made.writes_up("li")
    waiting = made.calls("c")
    made.passes(3.0)
    leader = made.leader()
    assert leader is not None
    assert leader.member.talking_with(talking) is None
    assert waiting in made.phones.values()


def test_an_agent_whose_server_died_is_ready_again_with_the_page_at_another_one() -> None:
    made = line("a", "b")
    made.agent("li", "b")
    made.exchange()
    made.kill("b")
    made.passes(3.0)
    member = made.seats["a"].member
    lost = member.agent("li")
    assert lost is not None and lost.reason is NotReadyReason.LOST
    made.agent("li", "a")
    back = member.agent("li")
    assert back is not None and back.state is AgentState.READY


def test_a_page_that_moves_while_its_server_lives_takes_the_agent_along() -> None:
    made = line("a", "b", "c")
    made.agent("li", "b")
    call = made.calls("c")
    made.exchange()
    made.answers("li")
    made.exchange()
    made.agent("li", "a")
    made.exchange()
    assert made.seats["a"].member.has_agent("li") and not made.seats["b"].member.has_agent("li")
    made.kill("b")
    made.passes(3.0)
    agent = made.seats["c"].member.agent("li")
    assert agent is not None
    assert (agent.state, agent.call_id, agent.after) == (AgentState.TALKING, call, AgentState.READY)


def test_a_leader_that_was_stopped_never_decides_again_under_its_old_epoch() -> None:
    made = line("a", "b", "c")
    made.agent("li", "b")
    made.exchange()
    old = made.seats["a"]
    own = made.calls("a")
    made.exchange()
    assert made.phones["li"] == own
    made.misses("li")
    made.exchange()
    old.runs = False
    made.passes(3.0)
    made.asks_for_calls("li")
    other = made.calls("b")
    made.exchange()
    assert made.phones["li"] == other
    old.runs = True
    made.agent("zhao", "a")  # its own agent and its own call, in the first moment after it woke
    assert old.member.mode is not Mode.LEADER
    assert made.phones["zhao"] is None
    made.passes(2.0)
    assert sorted(modes(made).values()) == [Mode.FOLLOWER, Mode.FOLLOWER, Mode.LEADER]
    assert made.phones["zhao"] == own
    assert made.faults == []


def test_words_of_an_older_epoch_are_refused() -> None:
    made = line("a", "b", "c")
    old = made.seats["a"].member
    made.seats["a"].runs = False
    made.passes(3.0)
    made.agent("li", "b")
    made.exchange()
    forged = State(
        leader=old.name, epoch=made.leases[0][0], seq=9, agents=(), waiting=(), queues=(),
        taken={made.seats["b"].member.name: 9, made.seats["c"].member.name: 9}, owners={},
    )  # fmt: skip
    for name in ("b", "c"):
        assert made.seats[name].member.take_down(forged) == []
        assert made.seats[name].member.agent("li") is not None
    assert decode_down(made.down[0]).epoch == made.leases[0][0]


def test_without_redis_each_server_routes_its_own_and_all_are_one_line_again_afterwards() -> None:
    made = line("a", "b", "c")
    for name in made.seats:
        made.agent(f"agent-{name}", name)
    foreign = made.calls("a")
    made.exchange()
    (rung,) = (agent for agent, call in made.phones.items() if call == foreign)
    for seat in made.seats.values():
        seat.online = False
    made.passes(5.0)
    assert set(modes(made).values()) == {Mode.ISLAND}
    own = {name: made.calls(name) for name in made.seats if f"agent-{name}" != rung}
    for name, call in own.items():
        assert made.phones[f"agent-{name}"] == call
    for seat in made.seats.values():
        seat.online = True
    made.passes(3.0)
    assert sorted(modes(made).values()) == [Mode.FOLLOWER, Mode.FOLLOWER, Mode.LEADER]
    leader = made.leader()
    assert leader is not None
    for name, call in own.items():
        waiting = leader.member.waiting(call)
        assert waiting is not None and waiting.offered_to == f"agent-{name}"
    assert made.faults == []


def test_who_missed_a_word_of_the_leader_asks_for_the_whole() -> None:
    made = line("a", "b", "c")
    made.agent("li", "c")
    made.exchange()
    made.agent("wang", "c", ready=False)
    made.send(made.seats["c"])
    made.read(made.seats["a"])
    made.send(made.seats["a"])
    made.seats["b"].read_down = len(made.down)  # the stream was trimmed under a slow reader
    made.agent("zhao", "c", ready=False)
    made.passes(2.0)
    assert made.seats["b"].member.view() == made.seats["c"].member.view()
    assert made.seats["b"].member.agent("wang") is not None


def test_a_member_that_comes_later_is_told_everything() -> None:
    made = line("a", "b")
    made.agent("li", "a", ready=False)
    call = made.calls("b")
    made.exchange()
    made.start("c")
    made.passes(1.0)
    member = made.seats["c"].member
    assert member.waiting(call) is not None and member.agent("li") is not None


def test_a_caller_who_is_taken_over_while_the_first_server_lives_is_in_line_once() -> None:
    made = line("a", "b", "c")
    call, behind = made.calls("b"), made.calls("b")
    made.exchange()
    made.returns(call, "c")
    made.exchange()
    made.tell(made.seats["b"], CallLeft(call_id=call))  # as the first server lets go of it
    made.exchange()
    waiting = made.seats["a"].member.waiting(call)
    assert waiting is not None and waiting.since == made.citizens[call].since
    made.agent("li", "a")
    made.exchange()
    assert made.phones["li"] == call
    assert made.seats["a"].member.waiting(behind) is not None


def test_every_lease_has_a_higher_epoch_than_the_one_before() -> None:
    made = line("a", "b", "c")
    for _ in range(3):
        leader = made.leader()
        assert leader is not None
        made.kill(leader.name)
        made.start(leader.name)
        made.passes(3.0)
    assert all(one < two for (one, _), (two, _) in pairwise(made.leases))


def test_a_server_that_stops_in_good_order_is_not_waited_for() -> None:
    made = line("a", "b")
    made.seats["a"].member.leave()
    made.send(made.seats["a"])
    made.seats["a"].alive = False
    made.token = None
    made.beats.pop(made.seats["a"].member.name)
    made.passes(0.6)
    assert made.seats["b"].member.mode is Mode.LEADER


def test_another_policy_changes_nothing_for_those_who_wait_ring_and_talk() -> None:
    made = line("a", "b")
    for agent in ("li", "wang"):
        made.agent(agent, "b")
    calls = [made.calls("b") for _ in range(3)]
    made.exchange()
    made.answers("li")
    made.exchange()
    before = made.seats["b"].member.view()
    for seat in made.seats.values():
        made._take(seat, seat.member.use_policy(made.policy))
    made.exchange()
    for seat in made.seats.values():
        assert seat.member.view() == before
    made.answers("wang")
    made.exchange()
    leader = made.leader()
    assert leader is not None
    assert [leader.member.talking_with(call) for call in calls] == ["li", "wang", None]
    assert made.faults == []


def test_nobody_is_rung_before_the_agents_own_server_has_agreed() -> None:
    made = line("a", "b", "c")
    made.agent("li", "c")
    made.exchange()
    made.seats["c"].online = False  # alive, but it hears nothing
    call = made.calls("b")
    made.exchange()
    assert made.phones["li"] is None
    waiting = made.seats["a"].member.waiting(call)
    assert waiting is not None and waiting.offered_to == "li"
    made.agent("wang", "b")
    made.passes(3.0)  # until the server counts as gone
    assert made.phones == {"li": None, "wang": call}
    assert made.faults == []


def test_a_server_that_lost_redis_alone_rings_its_agents_and_nobody_else_does() -> None:
    made = line("a", "b", "c")
    made.agent("li", "c")
    made.exchange()
    made.seats["c"].online = False
    other = made.calls("b")
    made.passes(4.0)
    own = made.calls("c")
    assert made.seats["c"].member.mode is Mode.ISLAND
    assert made.phones["li"] == own
    made.answers("li")
    made.seats["c"].online = True
    made.passes(2.0)
    leader = made.leader()
    assert leader is not None
    assert leader.member.talking_with(own) == "li"
    assert leader.member.waiting(other) is not None
    assert made.faults == []


def test_the_end_of_a_dead_servers_talk_is_not_lost_while_nobody_leads() -> None:
    made = line("a", "b", "c")
    made.agent("li", "c")
    call = made.calls("a")
    made.exchange()
    made.answers("li")
    made.exchange()
    made.kill("a")
    made.ends("li")  # told at b, which has neither the call nor the agent
    made.passes(3.0)
    leader = made.leader()
    assert leader is not None
    assert leader.member.talking_with(call) is None
    agent = leader.member.agent("li")
    assert agent is not None and agent.state is AgentState.WRAP_UP


def test_the_late_words_of_a_dead_server_do_not_take_a_ringing_caller_from_the_leader() -> None:
    made = line("a", "b", "c")
    made.patience = True
    first = made.calls("b")
    made.send(made.seats["b"])  # told, and not read by the leader yet
    made.kill("b")
    made.returns(first, "a")
    made.calls("a")
    made.agent("li", "a")
    made.passes(1.0)
    assert made.phones["li"] == first
    assert made.faults == []
