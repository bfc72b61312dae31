"""Calls to expect: the mean of the same weekdays of before, or nothing where too little is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.demand import INTERVALS
from acd.errors import InvalidValue
from acd.forecast import expected

DAY = st.lists(st.integers(0, 500), min_size=INTERVALS, max_size=INTERVALS)


def flat(calls: int) -> list[int]:
    return [calls] * INTERVALS


def test_the_mean_of_the_same_weekdays_is_expected() -> None:
    assert expected([flat(10), flat(20)]) == (15.0,) * INTERVALS


@pytest.mark.parametrize("days", [[], [flat(10)], [flat(10), flat(0), flat(0)]])
def test_one_day_with_records_says_nothing_about_the_next(days: list[list[int]]) -> None:
    assert expected(days) is None


def test_only_the_newest_weeks_count() -> None:
    assert expected([flat(10)] * 8 + [flat(1000)]) == (10.0,) * INTERVALS


def test_a_day_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidValue):
        expected([[1, 2, 3], flat(1)])


@given(st.lists(DAY, min_size=2, max_size=8).filter(lambda days: sum(map(any, days)) >= 2))
def test_what_is_expected_lies_between_the_least_and_the_most_that_came(days: list[list[int]]) -> None:
    known = [day for day in days if any(day)]

    for interval, calls in enumerate(expected(days) or ()):
        of = [day[interval] for day in known]
        assert min(of) - 1e-9 <= calls <= max(of) + 1e-9
