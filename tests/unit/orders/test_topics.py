"""Hot topics: what comes more often than usual, where, and how surely."""

from __future__ import annotations

import datetime as dt
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.topics import Count, Level, Topic, TopicPolicy, _poisson_tail, topics

TODAY = dt.date(2026, 11, 22)
POLICY = TopicPolicy()
WATER, NOISE = "城乡建设/供水/停水", "环境保护/噪声/施工"


def on(days_ago: int, category: str = WATER, orders: int = 1, district: str = "城东区") -> Count:
    return Count(day=TODAY - dt.timedelta(days=days_ago), category=category, district=district, orders=orders)


def usual(category: str = WATER, a_day: int = 2, district: str = "城东区") -> list[Count]:
    return [on(ago, category, a_day, district) for ago in range(7, 63)]


def the(found: tuple[Topic, ...], category: str, district: str) -> Topic:
    return next(one for one in found if (one.category, one.district) == (category, district))


def test_a_week_like_the_weeks_before_is_no_news() -> None:
    found = topics([*usual(), *(on(ago, orders=2) for ago in range(7))], TODAY, POLICY)
    topic = the(found, "城乡建设/供水", "城东区")
    assert (topic.orders, topic.usual, topic.level) == (14, 14.0, Level.USUAL)


def test_twice_the_usual_and_surely_no_chance_is_an_early_warning() -> None:
    found = topics([*usual(), *(on(ago, orders=6) for ago in range(7))], TODAY, POLICY)
    topic = the(found, "城乡建设/供水", "城东区")
    assert topic.level is Level.HIGH
    assert topic.ratio == pytest.approx(3.0)
    assert topic.chance < 1e-6


def test_the_whole_city_counts_what_comes_from_each_district() -> None:
    counts = [
        on(0, district="城东区", orders=3),
        on(1, district="城西区", orders=4),
        on(2, district="", orders=1),
    ]
    found = topics(counts, TODAY, POLICY)
    assert the(found, "城乡建设/供水", "").orders == 8
    assert the(found, "城乡建设/供水", "城西区").orders == 4


def test_a_matter_whose_weeks_always_differ_needs_more_to_be_news() -> None:
    steady = usual(NOISE)
    wild = [on(ago, WATER, 4 if ago // 7 % 2 else 0) for ago in range(7, 63)]
    week = [on(ago, category, 4) for ago in range(7) for category in (WATER, NOISE)]
    found = topics([*steady, *wild, *week], TODAY, POLICY)
    assert the(found, "环境保护/噪声", "城东区").chance < the(found, "城乡建设/供水", "城东区").chance


def test_few_orders_are_no_topic_however_rare_the_matter() -> None:
    found = topics([on(0, orders=4)], TODAY, POLICY)
    assert the(found, "城乡建设/供水", "城东区").level is Level.USUAL


def test_a_matter_is_cut_to_the_depth_of_the_policy() -> None:
    found = topics([on(0), on(0, "城乡建设/供水/水质")], TODAY, TopicPolicy(depth=2))
    assert {one.category for one in found} == {"城乡建设/供水"}
    assert {one.category for one in topics([on(0)], TODAY, TopicPolicy(depth=3))} == {WATER}


def test_what_lies_outside_of_the_compared_weeks_does_not_count() -> None:
    found = topics([on(0), on(63, orders=500), on(-1, orders=500)], TODAY, POLICY)
    assert the(found, "城乡建设/供水", "").orders == 1
    assert len(the(found, "城乡建设/供水", "").trend) == 63


@pytest.mark.parametrize("seed", range(5))
def test_of_hundreds_of_usual_matters_hardly_any_is_raised_by_chance(seed: int) -> None:
    chance = random.Random(seed)
    counts = [
        on(ago, f"类别{number}/事项", orders=sum(chance.random() < 0.3 for _ in range(5)))
        for number in range(200)
        for ago in range(63)
    ]
    raised = [one for one in topics(counts, TODAY, POLICY) if one.level is not Level.USUAL]
    assert len(raised) <= 2


def test_the_tail_of_a_poisson_is_what_tables_say() -> None:
    assert _poisson_tail(5, 2.0) == pytest.approx(1 - math.exp(-2) * (1 + 2 + 2 + 4 / 3 + 2 / 3), rel=1e-12)
    assert _poisson_tail(0, 3.0) == 1.0


@given(st.integers(0, 400), st.floats(0.5, 300.0))
def test_chances_are_between_none_and_all_and_fall_with_more_orders(orders: int, mean: float) -> None:
    chance = _poisson_tail(orders, mean)
    assert 0.0 <= _poisson_tail(orders + 1, mean) <= chance <= 1.0
