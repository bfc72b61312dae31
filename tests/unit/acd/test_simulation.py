"""The simulator: the world around the router, played by the rules that it states."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.demand import DAY_S, INTERVALS, day_shape, whole
from acd.erlang import ErlangA, ErlangC
from acd.errors import InvalidValue
from acd.messages import AgentState
from acd.policy import Policy, parse_policy
from acd.sim_demand import Draws, Habits, arrivals, calls_of
from acd.sim_ideal import IdealQueue, estimate, waits
from acd.sim_results import figures, lowest_connection_rate, report
from acd.sim_staff import all_day, by_interval, read_roster
from acd.simulation import Run, Shift, SimCall, Told, simulate

POLICY = """
skills:
  - {{name: general, title: 综合}}
queues:
  - {{name: general, title: 综合, needs: {{general: 1}}, ring_limit_s: 15, wrap_up_s: {wrap_up}}}
default_queue: general
choice: longest_idle
"""


def policy(wrap_up: float = 0) -> Policy:
    return parse_policy(POLICY.format(wrap_up=wrap_up).encode())


def call(number: int, at: float, **more: float) -> SimCall:
    return SimCall(call_id=f"c{number}", at=at, queue="general", **{"talk_s": 100.0, **more})


def agents(number: int, until: float = math.inf) -> list[Shift]:
    return [Shift(agent_id=f"a{one}", at=0.0, until=until, skills={"general": 3}) for one in range(number)]


def stories(run: Run) -> list[tuple[float | None, float | None]]:
    return [(told.answered, told.left) for told in run.calls]


# ---------------------------------------------------------------- the rules


def test_a_call_rings_is_answered_and_keeps_its_agent_until_the_wrap_up_is_over() -> None:
    calls = [call(1, 10.0, ring_s=3.0), call(2, 20.0, ring_s=3.0)]
    run = simulate(policy(wrap_up=60), calls, agents(1))
    assert stories(run) == [(13.0, None), (13.0 + 100 + 60 + 3, None)]
    busy = [(spell.state, spell.since, spell.until) for spell in run.spells][1:4]
    assert busy == [
        (AgentState.RINGING, 10.0, 13.0),
        (AgentState.TALKING, 13.0, 113.0),
        (AgentState.WRAP_UP, 113.0, 173.0),
    ]


def test_a_wrap_up_may_end_before_the_limit() -> None:
    run = simulate(policy(wrap_up=60), [call(1, 0.0, wrap_up_s=20.0), call(2, 1.0)], agents(1))
    assert stories(run) == [(0.0, None), (120.0, None)]


def test_an_impatient_caller_hangs_up_also_while_a_phone_rings() -> None:
    calls = [call(1, 0.0, patience_s=2.0, ring_s=3.0), call(2, 1.0, ring_s=3.0)]
    run = simulate(policy(), calls, agents(1))
    assert stories(run) == [(None, 2.0), (5.0, None)]


def test_a_ring_longer_than_the_limit_is_missed_and_rung_again() -> None:
    run = simulate(policy(), [call(1, 0.0, ring_s=20.0, patience_s=100.0)], agents(2))
    (told,) = run.calls
    assert told.rings > 2
    assert (told.answered, told.left) == (None, 100.0)


def test_who_goes_off_duty_finishes_the_call_and_takes_no_other() -> None:
    shifts = [*agents(1, until=50.0), Shift(agent_id="b", at=300.0, until=900.0, skills={"general": 3})]
    run = simulate(policy(wrap_up=60), [call(1, 0.0), call(2, 10.0)], shifts)
    assert stories(run) == [(0.0, None), (300.0, None)]
    assert [told.agent_id for told in run.calls] == ["a0", "b"]


def test_who_comes_back_while_still_writing_up_takes_the_next_call_afterwards() -> None:
    shifts = [
        Shift(agent_id="a", at=0.0, until=50.0, skills={"general": 3}),
        Shift(agent_id="a", at=120.0, until=900.0, skills={"general": 3}),
    ]
    run = simulate(policy(wrap_up=60), [call(1, 0.0), call(2, 10.0)], shifts)
    assert stories(run) == [(0.0, None), (160.0, None)]


def test_callers_whom_nobody_ever_answers_are_told_as_such() -> None:
    run = simulate(policy(), [call(1, 0.0)], [])
    assert stories(run) == [(None, None)]
    assert figures(run.calls, 15.0).unanswered == 1


def test_a_call_id_that_comes_twice_is_refused() -> None:
    with pytest.raises(InvalidValue, match="call_id"):
        simulate(policy(), [call(1, 0.0), call(1, 5.0)], agents(1))


calls_strategy = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=600),
        st.floats(min_value=1, max_value=300),
        st.floats(min_value=0, max_value=14),
        st.one_of(st.none(), st.floats(min_value=0, max_value=200)),
    ),
    min_size=1,
    max_size=40,
)


@given(calls_strategy, st.integers(min_value=1, max_value=5), st.sampled_from([0, 30]))
@settings(max_examples=60, deadline=None)
def test_every_call_ends_once_and_no_agent_has_two(
    drawn: list[tuple[float, float, float, float | None]], number: int, wrap_up: int
) -> None:
    calls = [
        SimCall(call_id=f"c{i}", at=at, queue="general", talk_s=talk, ring_s=ring, patience_s=patience)
        for i, (at, talk, ring, patience) in enumerate(drawn)
    ]
    run = simulate(policy(wrap_up), calls, agents(number))
    assert len(run.calls) == len(calls)
    assert all((told.answered is None) != (told.left is None) for told in run.calls)
    for told in run.calls:
        patience = told.call.patience_s
        assert told.waited_s is not None
        assert patience is None or told.waited_s <= patience + 1e-6
    talks: dict[str | None, list[tuple[float, float]]] = {}
    for told in run.calls:
        if told.answered is not None:
            talks.setdefault(told.agent_id, []).append((told.answered, told.answered + told.call.talk_s))
    for spans in talks.values():
        spans.sort()
        assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(spans))


# ---------------------------------------------------------------- against theory


def poisson(calls_per_s: float, handling_s: float, number: int, patience_s: float | None) -> list[SimCall]:
    chance = random.Random(5)
    at, calls = 0.0, []
    for one in range(number):
        at += chance.expovariate(calls_per_s)
        patience = None if patience_s is None else chance.expovariate(1 / patience_s)
        talk = chance.expovariate(1 / handling_s)
        calls.append(SimCall(call_id=f"c{one}", at=at, queue="general", talk_s=talk, patience_s=patience))
    return calls


def test_where_nobody_hangs_up_every_wait_is_the_textbook_queues() -> None:
    calls = poisson(10 / 288, 288.0, 4000, None)
    run = simulate(policy(), calls, agents(12))
    ideal = waits([one.at for one in calls], [one.talk_s for one in calls], 12)
    assert [told.waited_s for told in run.calls] == pytest.approx(ideal, abs=1e-6)
    assert max(ideal) > 100


def test_where_callers_hang_up_shares_are_those_of_erlang_a() -> None:
    run = simulate(policy(), poisson(20 / 288, 288.0, 20_000, 60.0), agents(20))
    exact = ErlangA(calls_per_s=20 / 288, handling_s=288.0, agents=20, patience_s=60.0)
    told = figures(run.calls, 15.0)
    assert told.service_level == pytest.approx(exact.service_level(15.0), abs=0.03)
    assert told.abandoned / told.calls == pytest.approx(exact.abandonment, abs=0.015)
    assert told.answer_s == pytest.approx(exact.answer_s, rel=0.12)


def test_the_textbook_queue_waits_as_long_as_erlang_c_says() -> None:
    queue = IdealQueue(calls_per_s=10 / 288, handling_s=288.0, agents=12, seed=1)
    queue.batch(10_000)
    served = [queue.batch(20_000) for _ in range(60)]
    exact = ErlangC(calls_per_s=10 / 288, handling_s=288.0, agents=12)
    controls = [(one.gap_s * 10 / 288 - 1, one.handling_s / 288 - 1) for one in served]
    waited = estimate([one.waited for one in served], controls)
    wait = estimate([one.wait_s for one in served], controls)
    assert abs(waited.mean - exact.wait_probability) <= 2 * waited.half_width
    assert abs(wait.mean - exact.mean_wait_s) <= 2 * wait.half_width
    assert wait.half_width < 0.04 * wait.mean


def test_controls_take_out_what_they_explain_and_leave_the_mean() -> None:
    chance = np.random.default_rng(3)
    control = chance.normal(size=400)
    values = 7.0 + 2.0 * control + 0.01 * chance.normal(size=400)
    plain, controlled = estimate(values.tolist()), estimate(values.tolist(), [(one,) for one in control])
    assert controlled.mean == pytest.approx(7.0, abs=0.01)
    assert controlled.half_width < plain.half_width / 50


# ---------------------------------------------------------------- demand, staff, results


def a_day(seed: int, patience_s: float | None = 120.0) -> list[SimCall]:
    draws = Draws(seed)
    times = arrivals(draws, 2000, day_shape(), 1)
    return calls_of(times, whole("general", "综合", 288.0, patience_s), policy(60), Habits(), draws)


def test_the_same_seed_is_the_same_day_and_another_is_not() -> None:
    assert a_day(1) == a_day(1)
    assert a_day(1) != a_day(2)


def test_patience_does_not_change_who_calls_when() -> None:
    assert [(one.at, one.talk_s) for one in a_day(1, 60.0)] == [
        (one.at, one.talk_s) for one in a_day(1, None)
    ]


def test_calls_come_when_the_shape_says() -> None:
    calls = a_day(1)
    assert len(calls) == pytest.approx(2000, abs=150)
    busy = sum(10 * 3600 <= one.at < 11 * 3600 for one in calls)
    assert busy / len(calls) == pytest.approx(0.1, abs=0.025)
    handling = sum(one.talk_s for one in calls) / len(calls) + 60  # the wrap-up is the policy's
    assert handling == pytest.approx(288.0, rel=0.08)


@pytest.mark.parametrize(
    ("habits", "key"),
    [(Habits(ring_s=15.0), "ring"), (Habits(wrap_up_s=61.0), "wrap-up"), (Habits(ring_s=-1.0), "ring")],
)
def test_habits_that_the_policy_forbids_are_refused(habits: Habits, key: str) -> None:
    with pytest.raises(InvalidValue) as told:
        calls_of(np.zeros(1), whole("general", "综合", 288.0, None), policy(60), habits, Draws(1))
    assert told.value.key == key


def test_a_handling_time_shorter_than_the_wrap_up_is_refused() -> None:
    with pytest.raises(InvalidValue, match="aht"):
        calls_of(np.zeros(1), whole("general", "综合", 50.0, None), policy(60), Habits(), Draws(1))


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InvalidValue, match="seed"):
        Draws(-1)


@given(st.lists(st.integers(min_value=0, max_value=20), min_size=INTERVALS, max_size=INTERVALS))
@settings(max_examples=30, deadline=None)
def test_in_every_half_hour_as_many_are_on_duty_as_asked_for(numbers: list[int]) -> None:
    shifts = by_interval(numbers, {"general": 3}, days=2)
    for interval, number in enumerate(numbers * 2):
        at = interval * 1800.0 + 900.0
        assert sum(shift.at <= at < shift.until for shift in shifts) == number


def test_too_many_agents_are_refused() -> None:
    with pytest.raises(InvalidValue, match="agents"):
        all_day(5001, {"general": 3}, 1)


def test_a_roster_says_who_is_there_when(tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("agents,skills,from,until\n2,general=4 enterprise,08:30,24:00\n", encoding="utf-8")
    shifts = read_roster(file, ["general", "enterprise"], days=2)
    assert len(shifts) == 4
    assert (shifts[0].at, shifts[0].until, shifts[0].skills) == (
        30600.0,
        86400.0,
        {"general": 4, "enterprise": 3},
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("0,general,08:00,16:00", "roster.csv:2: agents = '0'"),
        ("5001,general,08:00,16:00", "roster.csv:2: agents = '5001'"),
        ("2,magic,08:00,16:00", "roster.csv:2: skills = 'magic'"),
        ("2,general=6,08:00,16:00", "roster.csv:2: skills = 'general=6'"),
        ("2,,08:00,16:00", "roster.csv:2: skills = ''"),
        ("2,general,16:00,08:00", "roster.csv:2: until = '08:00'"),
        ("2,general,8:00,16:00", "roster.csv:2: from = '8:00'"),
        ("2,general,08:00,24:30", "roster.csv:2: until = '24:30'"),
    ],
)
def test_a_roster_with_an_error_is_refused_with_line_key_and_value(
    tmp_path: Path, row: str, told: str
) -> None:
    file = tmp_path / "roster.csv"
    file.write_text(f"agents,skills,from,until\n{row}\n", encoding="utf-8")
    with pytest.raises(InvalidValue) as refused:
        read_roster(file, ["general"], days=1)
    assert told in str(refused.value)


def told(number: int, at: float, wait: float | None, *, answered: bool = True) -> Told:
    end = None if wait is None else at + wait
    return Told(call=call(number, at), answered=end if answered else None, left=None if answered else end)


def test_figures_count_every_call_once() -> None:
    calls = [told(1, 0, 5.0), told(2, 0, 15.0), told(3, 0, 40.0), told(4, 0, 3.0, answered=False)]
    some = figures(calls, 15.0)
    assert (some.calls, some.answered, some.abandoned) == (4, 3, 1)
    assert some.service_level == 0.5  # of all calls, hang-ups included
    assert some.connection_rate == 0.75
    assert (some.answer_s, some.wait_s) == (20.0, 63 / 4)
    assert (some.p50_s, some.p95_s, some.longest_s) == (15.0, 40.0, 40.0)


def test_no_calls_have_no_shares() -> None:
    some = figures([], 15.0)
    assert (some.service_level, some.connection_rate, some.answer_s) == (None, None, None)


def test_the_worst_24_hours_are_found_wherever_they_begin() -> None:
    hours = [(hour, not 20 <= hour < 32) for hour in range(72)]  # nobody answers from 20:00 to 08:00
    calls = [told(hour, hour * 3600.0, 1.0, answered=good) for hour, good in hours]
    lowest = lowest_connection_rate(calls, 0.0, 3 * DAY_S)
    assert lowest is not None
    assert lowest.connection_rate == 0.5
    assert lowest.until == 31 * 3600.0 + 1800.0  # the first window with all twelve
    assert lowest_connection_rate(calls, 0.0, DAY_S - 1800.0) is None


def test_agents_time_is_shared_out_to_half_hours() -> None:
    run = simulate(policy(wrap_up=60), [call(1, 1700.0, ring_s=3.0, talk_s=237.0)], agents(2), end=3600.0)
    some = report(run.calls, run.spells, queues=["general"], start=0.0, end=3600.0, within_s=15.0)
    first, second = some.slots
    assert [first.agents, second.agents] == pytest.approx([2.0, 2.0])
    assert first.occupancy == pytest.approx(100 / 3600)
    assert second.occupancy == pytest.approx(200 / 3600)
    assert (first.figures.calls, second.figures.calls) == (1, 0)
