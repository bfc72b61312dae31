"""Robot calls never take from those who call us."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.errors import ValueRefused
from orders.visit_load import LoadLimits, LoadNow, calls_to_start

QUIET = LoadNow(agents_ready=10, waiting=0, longest_wait_s=0.0, robots=0, trunk_in_use=0)

limits_of = st.builds(
    LoadLimits,
    most_at_once=st.integers(0, 50),
    agents_ready=st.integers(0, 20),
    calls_per_agent=st.floats(0.1, 5),
    longest_wait_s=st.floats(0, 60),
    most_waiting=st.integers(0, 20),
    trunk_channels=st.integers(0, 100),
    trunk_spare=st.integers(0, 100),
)
now_of = st.builds(
    LoadNow,
    agents_ready=st.integers(0, 40),
    waiting=st.integers(0, 30),
    longest_wait_s=st.floats(0, 300),
    robots=st.integers(0, 60),
    trunk_in_use=st.integers(0, 120),
)


def test_on_a_quiet_day_as_many_as_are_allowed_run() -> None:
    assert calls_to_start(QUIET, LoadLimits(most_at_once=4)) == 4
    assert calls_to_start(replace(QUIET, robots=3), LoadLimits(most_at_once=4)) == 1


def test_none_is_started_while_a_citizen_waits() -> None:
    assert calls_to_start(replace(QUIET, waiting=1, longest_wait_s=0.5), LoadLimits()) == 0


def test_none_is_started_while_a_citizen_waits_longer_than_the_limit() -> None:
    limits = LoadLimits(most_waiting=5, longest_wait_s=10)
    assert calls_to_start(replace(QUIET, waiting=1, longest_wait_s=10.0), limits) == 4
    assert calls_to_start(replace(QUIET, waiting=1, longest_wait_s=10.1), limits) == 0


def test_none_is_started_with_too_few_agents_ready() -> None:
    assert calls_to_start(replace(QUIET, agents_ready=1), LoadLimits(agents_ready=2)) == 0


def test_each_robot_has_an_agent_to_hand_over_to() -> None:
    assert calls_to_start(replace(QUIET, agents_ready=3, robots=2), LoadLimits(most_at_once=10)) == 1


def test_lines_stay_free_for_those_who_call() -> None:
    limits = LoadLimits(most_at_once=10, trunk_channels=30, trunk_spare=5)
    assert calls_to_start(replace(QUIET, trunk_in_use=23), limits) == 2
    assert calls_to_start(replace(QUIET, trunk_in_use=25), limits) == 0


def test_a_limit_out_of_bounds_is_refused_by_name() -> None:
    with pytest.raises(ValueRefused, match=r"load\.trunk_spare = -1: give 0 to"):
        LoadLimits(trunk_spare=-1)


@given(now_of, limits_of)
def test_whatever_the_load_inbound_calls_come_first(now: LoadNow, limits: LoadLimits) -> None:
    started = calls_to_start(now, limits)
    assert started >= 0
    if started == 0:
        return
    assert now.agents_ready >= limits.agents_ready
    assert now.waiting <= limits.most_waiting
    assert not now.waiting or now.longest_wait_s <= limits.longest_wait_s
    assert now.robots + started <= limits.most_at_once
    if limits.agents_ready:
        assert now.robots + started <= now.agents_ready * limits.calls_per_agent
    if limits.trunk_channels:
        assert now.trunk_in_use + started <= limits.trunk_channels - limits.trunk_spare


@given(now_of, limits_of, st.integers(0, 5), st.floats(0, 60), st.integers(0, 10), st.integers(0, 5))
def test_more_load_never_starts_more(
    now: LoadNow, limits: LoadLimits, waiting: int, wait_s: float, channels: int, fewer: int
) -> None:
    busier = replace(
        now,
        waiting=now.waiting + waiting,
        longest_wait_s=now.longest_wait_s + wait_s,
        trunk_in_use=now.trunk_in_use + channels,
        agents_ready=max(0, now.agents_ready - fewer),
    )
    assert calls_to_start(busier, limits) <= calls_to_start(now, limits)
