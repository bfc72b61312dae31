"""Erlang's formulas, against published values, one another, and the birth-death chain that they solve."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.erlang import ErlangA, ErlangC, erlang_b, erlang_c
from acd.errors import InvalidValue

loads = st.floats(min_value=0.01, max_value=2000, allow_nan=False)
agents = st.integers(min_value=1, max_value=2000)
patience = st.floats(min_value=1, max_value=3600)


@pytest.mark.parametrize(
    ("load", "n", "lost", "waiting"), [(10.0, 12, 0.11974, 0.44939), (100.0, 110, 0.02746, 0.23701)]
)
def test_published_values_are_reproduced(load: float, n: int, lost: float, waiting: float) -> None:
    assert erlang_b(load, n) == pytest.approx(lost, abs=5e-6)
    assert erlang_c(load, n) == pytest.approx(waiting, abs=5e-6)


def test_one_server_is_the_queue_of_the_textbooks() -> None:
    queue = ErlangC(calls_per_s=0.008, handling_s=100.0, agents=1)
    assert queue.wait_probability == pytest.approx(0.8)
    assert queue.mean_wait_s == pytest.approx(0.8 * 100 / 0.2)
    assert queue.service_level(100) == pytest.approx(1 - 0.8 * math.exp(-0.2))


@given(loads, agents)
def test_another_agent_loses_fewer_calls_and_lets_fewer_wait(load: float, n: int) -> None:
    assert erlang_b(load, n + 1) <= erlang_b(load, n)
    assert erlang_c(load, n + 1) <= erlang_c(load, n) + 1e-15


@given(loads, agents, st.floats(min_value=1.001, max_value=2))
def test_more_load_loses_more_calls_and_lets_more_wait(load: float, n: int, times: float) -> None:
    assert erlang_b(load * times, n) >= erlang_b(load, n)
    assert erlang_c(load * times, n) >= erlang_c(load, n)


@given(loads, agents)
def test_waiting_is_never_less_likely_than_being_lost(load: float, n: int) -> None:
    assert 0 <= erlang_b(load, n) <= erlang_c(load, n) <= 1


@given(loads, agents, st.floats(min_value=0, max_value=600), st.floats(min_value=0, max_value=600))
def test_a_longer_wait_is_never_exceeded_more_often(load: float, n: int, t: float, more: float) -> None:
    queue = ErlangC(calls_per_s=load / 300, handling_s=300, agents=n)
    assert queue.wait_exceeds(t + more) <= queue.wait_exceeds(t)


@given(loads, st.integers(min_value=1, max_value=50), st.floats(min_value=0.01, max_value=0.999))
def test_the_quantile_undoes_the_service_level(load: float, spare: int, share: float) -> None:
    queue = ErlangC(calls_per_s=load / 300, handling_s=300, agents=math.floor(load) + spare)
    wait = queue.wait_quantile_s(share)
    if wait > 0:
        assert queue.service_level(wait) == pytest.approx(share)
    else:
        assert queue.service_level(0) >= share - 1e-12


def chain(calls_per_s: float, handling_s: float, n: int, patience_s: float) -> tuple[float, float]:
    """P(wait) and abandonment of M/M/n+M from the balance of its states, one by one."""
    logs = [0.0]
    for k in range(1, n + int(20 * calls_per_s * patience_s) + 1000):
        leaving = min(k, n) / handling_s + max(0, k - n) / patience_s
        logs.append(logs[-1] + math.log(calls_per_s / leaving))
    top = max(logs)
    states = [math.exp(one - top) for one in logs]
    total = sum(states)
    in_line = sum((k - n) * states[k] for k in range(n, len(states))) / total
    return sum(states[n:]) / total, in_line / patience_s / calls_per_s


@pytest.mark.parametrize(
    ("calls_per_s", "handling_s", "n", "patience_s"),
    [
        (0.05, 200.0, 12, 120.0),
        (0.75, 288.0, 236, 60.0),
        (10.0, 288.0, 2000, 100.0),
        (1.0, 100.0, 50, 300.0),
        (0.001, 10.0, 1, 5.0),
        (17.0, 288.0, 5000, 60.0),
    ],
)
def test_erlang_a_agrees_with_the_balance_of_its_states(
    calls_per_s: float, handling_s: float, n: int, patience_s: float
) -> None:
    queue = ErlangA(calls_per_s=calls_per_s, handling_s=handling_s, agents=n, patience_s=patience_s)
    waiting, abandoning = chain(calls_per_s, handling_s, n, patience_s)
    assert queue.wait_probability == pytest.approx(waiting, rel=1e-9)
    assert queue.abandonment == pytest.approx(abandoning, rel=1e-9)


@given(st.integers(min_value=5, max_value=5000), st.floats(min_value=0.3, max_value=0.95))
def test_with_endless_patience_erlang_a_becomes_erlang_c(n: int, busy: float) -> None:
    patient = ErlangA(calls_per_s=n * busy / 288, handling_s=288, agents=n, patience_s=1e10)
    never = ErlangC(calls_per_s=n * busy / 288, handling_s=288, agents=n)
    assert patient.wait_probability == pytest.approx(never.wait_probability, rel=1e-4, abs=1e-12)
    assert patient.service_level(15) == pytest.approx(never.service_level(15), abs=1e-5)
    assert patient.answer_s == pytest.approx(never.mean_wait_s, rel=1e-4, abs=1e-12)


@given(st.floats(min_value=0.001, max_value=50), st.integers(min_value=1, max_value=5000), patience)
def test_erlang_a_stays_within_bounds_for_any_size_and_overload(
    calls_per_s: float, n: int, patience_s: float
) -> None:
    queue = ErlangA(calls_per_s=calls_per_s, handling_s=288, agents=n, patience_s=patience_s)
    assert 0 <= queue.abandonment <= queue.wait_probability <= 1
    assert 0 <= queue.service_level(15) <= queue.service_level(60) <= 1
    assert 0 <= queue.answer_s < math.inf
    assert 0 <= queue.occupancy <= 1
    # who is not served by n agents working without pause hangs up
    assert queue.abandonment >= 1 - n / queue.load - 1e-9


@given(st.floats(min_value=1, max_value=400), st.integers(min_value=1, max_value=400), patience)
def test_another_agent_lets_fewer_hang_up(load: float, n: int, patience_s: float) -> None:
    one, more = (
        ErlangA(calls_per_s=load / 288, handling_s=288, agents=k, patience_s=patience_s) for k in (n, n + 1)
    )
    assert more.abandonment <= one.abandonment + 1e-12
    assert more.service_level(15) >= one.service_level(15) - 1e-12


def test_without_calls_nobody_waits() -> None:
    queue = ErlangA(calls_per_s=0, handling_s=288, agents=3, patience_s=60)
    assert (queue.wait_probability, queue.abandonment, queue.service_level(15)) == (0, 0, 1)
    assert ErlangC(calls_per_s=0, handling_s=288, agents=0).mean_wait_s == 0


def test_a_line_that_grows_for_ever_is_said_to_do_so() -> None:
    queue = ErlangC(calls_per_s=1, handling_s=288, agents=288)
    assert (queue.stable, queue.service_level(15), queue.mean_wait_s) == (False, 0, math.inf)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"calls_per_s": -1}, "calls_per_s"),
        ({"calls_per_s": math.nan}, "calls_per_s"),
        ({"handling_s": 0}, "handling_s"),
        ({"agents": 0}, "agents"),
        ({"agents": 100_001}, "agents"),
        ({"patience_s": math.inf}, "patience_s"),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(values: dict[str, float], key: str) -> None:
    good = {"calls_per_s": 1, "handling_s": 288, "agents": 300, "patience_s": 60}
    with pytest.raises(InvalidValue) as told:
        ErlangA(**{**good, **values})  # type: ignore[arg-type]
    assert told.value.key == key
