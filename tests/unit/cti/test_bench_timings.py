"""What telephones wrote down becomes figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.bench.errors import BenchError
from cti.bench.timings import Notebook, delays, percentile, summary


def noted(*lines: str) -> Notebook:
    """A notebook with these marks, written as telephones write them."""
    notebook = Notebook()
    notebook.read(f"{mark} {caller} 2026-11-21 22:00:00.0 {at}" for mark, caller, at in map(str.split, lines))
    return notebook


def whole(
    caller: str, at: float, *, answer: float = 0.01, talking: float = 0.5, over: float = 2.5
) -> list[str]:
    """All marks of a call that went well, beginning at `at`."""
    return [
        f"I {caller} {at}",
        f"A {caller} {at + answer}",
        f"R {caller} {at + talking - 0.01}",
        f"T {caller} {at + talking}",
        f"H {caller} {at + over - 0.02}",
        f"E {caller} {at + over}",
    ]


def test_calls_that_went_well_are_counted_and_timed() -> None:
    calls = summary(noted(*whole("1", 100.0), *whole("2", 100.5, answer=0.03)), 2)
    assert (calls.offered, calls.completed, calls.failed, dict(calls.failures)) == (2, 2, 0, {})
    assert (calls.answer_ms.p50, calls.answer_ms.p99) == (10.0, 30.0)
    assert calls.talking_ms.p95 == 500.0


@pytest.mark.parametrize(
    ("left_out", "named"),
    [("A", "not answered"), ("T", "reached nobody"), ("E", "not ended"), ("H", "not ended")],
)
def test_a_call_that_lacks_a_mark_has_failed_and_is_named(left_out: str, named: str) -> None:
    marks = [line for line in whole("2", 101.0) if not line.startswith(left_out)]
    calls = summary(noted(*whole("1", 100.0), *marks), 2)
    assert (calls.completed, calls.failed, dict(calls.failures)) == (1, 1, {named: 1})


def test_a_call_that_was_never_made_has_failed() -> None:
    calls = summary(noted(*whole("1", 100.0)), 3)
    assert (calls.failed, dict(calls.failures)) == (2, {"never made": 2})


def test_a_caller_who_was_put_through_to_two_agents_counts_as_failed() -> None:
    calls = summary(noted(*whole("1", 100.0), *whole("2", 101.0), "T 2 101.9"), 2)
    assert (calls.failed, dict(calls.failures)) == (1, {"reached two": 1})


def test_equal_calls_are_dealt_with_as_fast_as_they_come() -> None:
    lines = [line for n in range(11) for line in whole(str(n), 100 + n / 10)]
    assert summary(noted(*lines), 11).per_second == pytest.approx(10.0)


def test_one_late_call_makes_the_whole_slower() -> None:
    lines = [line for n in range(10) for line in whole(str(n), 100 + n / 10)]
    late = whole("10", 101.0, talking=1.5, over=3.5)
    assert summary(noted(*lines, *late), 11).per_second == pytest.approx(5.0)


@given(st.lists(st.floats(0.0, 30.0), min_size=2, max_size=40))
def test_no_call_is_dealt_with_faster_than_it_came(waits: list[float]) -> None:
    lines = [
        line
        for number, wait in enumerate(waits)
        for line in whole(str(number), 100 + number / 10, talking=0.5 + wait, over=2.5 + wait)
    ]
    assert summary(noted(*lines), len(waits)).per_second <= 10.0 + 0.001


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_enough_values_do_not_exceed(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-6


def test_without_a_call_there_is_no_delay() -> None:
    assert math.isnan(delays([]).p50)
    assert summary(Notebook(), 5).per_second == 0.0


def test_an_odd_line_is_refused() -> None:
    with pytest.raises(BenchError, match="odd line"):
        Notebook().read(["T 1390000 soon"])
