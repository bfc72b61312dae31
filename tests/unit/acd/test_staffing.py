"""How many agents a day needs: the figures of the service standard, rounding, bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.demand import (
    INTERVALS,
    Topic,
    busy_hour_share,
    clock,
    day_shape,
    read_intervals,
    read_topics,
    whole,
)
from acd.erlang import ErlangA, ErlangC
from acd.errors import InvalidValue
from acd.staffing import Goal, agents_needed, agents_needed_patience, people, plan

STANDARD = Goal(share=0.95, within_s=15.0)
TITLES = {"general": "综合", "enterprise": "企业服务专席"}


def test_beijing_of_2020_needs_236_agents_in_the_busy_hour() -> None:
    calls_per_s = 27_000 * 0.1 / 3600
    assert calls_per_s * 288 == pytest.approx(216.0)
    assert agents_needed(calls_per_s, 288.0, STANDARD) == 236
    below = ErlangC(calls_per_s=calls_per_s, handling_s=288.0, agents=235)
    assert below.service_level(15) == pytest.approx(0.94883, abs=1e-5)  # 94.9 % are not 95 %
    plenty = ErlangC(calls_per_s=calls_per_s, handling_s=288.0, agents=236)
    assert plenty.service_level(15) == pytest.approx(0.95732, abs=1e-5)


def test_the_days_plan_has_the_same_236_in_its_busiest_half_hours() -> None:
    made = plan(27_000, day_shape(0.1), whole("general", "综合", 288.0, None), STANDARD, 0.3)
    assert made.pooled.seats == 236
    assert made.pooled.people == 338  # 236 / 0.7 = 337.1
    assert [clock(i) for i, one in enumerate(made.pooled.intervals) if one.agents == 236] == [
        "10:00",
        "10:30",
    ]
    assert sum(one.calls for one in made.pooled.intervals) == pytest.approx(27_000)


@given(st.floats(min_value=0.0001, max_value=3), st.floats(min_value=30, max_value=900))
@settings(max_examples=50, deadline=None)
def test_agents_reach_the_goal_and_one_fewer_does_not(calls_per_s: float, handling_s: float) -> None:
    agents = agents_needed(calls_per_s, handling_s, STANDARD)

    def reached(n: int) -> bool:
        return ErlangC(calls_per_s=calls_per_s, handling_s=handling_s, agents=n).service_level(15) >= 0.95

    assert reached(agents)
    assert not reached(agents - 1)


@given(st.floats(min_value=0.001, max_value=3), st.floats(min_value=10, max_value=900))
@settings(max_examples=30, deadline=None)
def test_with_patience_agents_reach_the_goal_and_one_fewer_does_not(
    calls_per_s: float, patience_s: float
) -> None:
    agents = agents_needed_patience(calls_per_s, 288.0, patience_s, STANDARD)

    def reached(n: int) -> bool:
        queue = ErlangA(calls_per_s=calls_per_s, handling_s=288.0, agents=n, patience_s=patience_s)
        return queue.service_level(15) >= 0.95

    assert reached(agents)
    assert agents == 1 or not reached(agents - 1)


def test_without_calls_nobody_is_needed() -> None:
    assert agents_needed(0.0, 288.0, STANDARD) == 0
    assert agents_needed_patience(0.0, 288.0, 60.0, STANDARD) == 0


@pytest.mark.parametrize(
    ("agents", "shrinkage", "paid"), [(7, 0.3, 10), (236, 0.3, 338), (1, 0.0, 1), (0, 0.3, 0)]
)
def test_people_are_rounded_up_but_not_by_rounding_errors(agents: int, shrinkage: float, paid: int) -> None:
    assert people(agents, shrinkage) == paid


def test_topics_with_agents_of_their_own_need_more_than_a_pool() -> None:
    topics = (
        Topic(queue="general", title="综合", share=0.8, handling_s=280.0, patience_s=90.0),
        Topic(queue="enterprise", title="企业服务专席", share=0.2, handling_s=320.0, patience_s=None),
    )
    made = plan(27_000, day_shape(), topics, STANDARD)
    assert made.pooled.handling_s == pytest.approx(288.0)
    assert made.pooled.patience_s == pytest.approx(90 / 0.8)  # hang-up rates are averaged
    assert all(made.apart(i) > made.pooled.intervals[i].agents for i in range(INTERVALS))
    assert made.topics[1].patient_seats is None


@given(st.floats(min_value=0.05, max_value=0.3))
@settings(max_examples=20, deadline=None)
def test_the_days_shape_has_the_busy_hour_that_was_asked_for(share: float) -> None:
    shape = day_shape(share)
    assert busy_hour_share(shape) == pytest.approx(share, abs=1e-9)
    assert sum(shape) == pytest.approx(1.0)


@pytest.mark.parametrize("share", [0.04, 0.51, float("nan")])
def test_a_busy_hour_that_no_day_has_is_refused(share: float) -> None:
    with pytest.raises(InvalidValue, match="busy-hour-share"):
        day_shape(share)


@pytest.mark.parametrize(
    "goal", [Goal(share=1.0), Goal(share=0.0), Goal(within_s=-1.0), Goal(share=float("nan"))]
)
def test_a_goal_that_nobody_can_reach_is_refused(goal: Goal) -> None:
    with pytest.raises(InvalidValue, match="service-level"):
        agents_needed(1.0, 288.0, goal)


def test_more_agents_than_a_country_has_are_refused() -> None:
    with pytest.raises(InvalidValue, match="calls-per-day"):
        agents_needed(1000.0, 288.0, STANDARD)


# ---------------------------------------------------------------- files


def test_a_day_from_a_file_keeps_its_calls(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    rows = "".join(f"{clock(i)},{10 + i}\n" for i in range(INTERVALS))
    file.write_text(f"start,calls\n{rows}", encoding="utf-8-sig")
    shape, calls = read_intervals(file)
    assert calls == sum(range(10, 10 + INTERVALS))
    assert shape[1] * calls == pytest.approx(11)


def test_topics_from_a_file_share_the_calls(tmp_path: Path) -> None:
    file = tmp_path / "skills.csv"
    file.write_text("queue,share,aht,patience\ngeneral,30,,\nenterprise,10,360,120\n", encoding="utf-8")
    topics = read_topics(file, titles=TITLES, handling_s=288.0, patience_s=None)
    assert [(one.share, one.handling_s, one.patience_s) for one in topics] == [
        (0.75, 288.0, None),
        (0.25, 360.0, 120.0),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("queue,share\nnowhere,1\n", "skills.csv:2: queue = 'nowhere': name one of: general, enterprise"),
        ("queue,share\ngeneral,1\ngeneral,1\n", "skills.csv:3: queue = 'general'"),
        ("queue,share\ngeneral,-1\n", "skills.csv:2: share = '-1'"),
        ("queue,share\ngeneral,nan\n", "skills.csv:2: share = 'nan'"),
        ("queue,share,aht\ngeneral,1,0\n", "skills.csv:2: aht = '0'"),
        ("queue,share\ngeneral\n", "skills.csv:2: row"),
        ("queue,share\ngeneral,0\n", "skills.csv: share"),
        ("queue,share,level\ngeneral,1,3\n", "skills.csv:1: column = 'level'"),
        ("queue\ngeneral\n", "add the column share"),
        ("queue,share\n", "skills.csv: rows"),
    ],
)
def test_a_skill_file_with_an_error_is_refused_with_line_key_and_value(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "skills.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidValue) as refused:
        read_topics(file, titles=TITLES, handling_s=288.0, patience_s=None)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("09:30", "09:45"), "day.csv:21: start = '09:45': give 09:30 here"),
        (("23:30,1\n", ""), "day.csv: rows = 47"),
        (("12:00,1", "12:00,x"), "day.csv:26: calls = 'x'"),
    ],
)
def test_a_day_file_with_an_error_is_refused_with_line_key_and_value(
    tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    file = tmp_path / "day.csv"
    rows = "".join(f"{clock(i)},1\n" for i in range(INTERVALS))
    file.write_text("start,calls\n" + rows.replace(*change), encoding="utf-8")
    with pytest.raises(InvalidValue) as refused:
        read_intervals(file)
    assert told in str(refused.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="file"):
        read_intervals(tmp_path / "absent.csv")
    (tmp_path / "bad.csv").write_bytes(b"start,calls\n\xff\xfe\n")
    with pytest.raises(InvalidValue, match="UTF-8"):
        read_intervals(tmp_path / "bad.csv")
