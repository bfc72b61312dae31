"""An expected wait says how far it can be trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.messages import AgentSignedIn, CallEnded, CallQueued, OfferAnswered
from acd.policy import parse_policy
from acd.router import Router
from acd.wait_errors import ENOUGH, SAMPLES, WaitErrors

POLICY = b"""
skills: [{name: general, title: General}]
queues: [{name: general, title: General, needs: {general: 1}, wrap_up_s: 0}]
default_queue: general
"""


def seen(errors: WaitErrors, waits: list[float], *, expected: float = 100.0) -> None:
    for number, wait in enumerate(waits):
        errors.began(f"c{number}", "general", expected, 0.0)
        errors.offered(f"c{number}", wait)


def test_without_experience_nothing_is_said_about_the_error_and_nothing_is_announced() -> None:
    estimate = WaitErrors().estimate("general", 100.0)
    assert estimate is not None
    assert (estimate.expected_s, estimate.low_s, estimate.helps) == (100.0, None, False)


def test_without_an_expectation_there_is_no_estimate() -> None:
    assert WaitErrors().estimate("general", None) is None


def test_waits_that_were_twice_as_long_as_expected_correct_the_next_expectation() -> None:
    errors = WaitErrors()
    seen(errors, [200.0] * ENOUGH)
    estimate = errors.estimate("general", 60.0)
    assert estimate is not None
    assert (estimate.expected_s, estimate.low_s, estimate.high_s) == (120.0, 120.0, 120.0)
    assert estimate.helps


def test_eighty_percent_of_the_waits_seen_lie_between_low_and_high() -> None:
    errors = WaitErrors()
    seen(errors, [float(wait) for wait in range(1, 101)])
    estimate = errors.estimate("general", 100.0)
    assert estimate is not None
    assert (estimate.low_s, estimate.high_s) == (10.0, 90.0)


def test_an_estimate_that_may_be_far_off_is_not_announced() -> None:
    errors = WaitErrors()
    seen(errors, [20.0, 400.0] * ENOUGH)
    estimate = errors.estimate("general", 200.0)
    assert estimate is not None
    assert not estimate.helps


def test_a_wait_of_a_few_seconds_is_not_announced() -> None:
    errors = WaitErrors()
    seen(errors, [100.0] * ENOUGH)
    estimate = errors.estimate("general", 10.0)
    assert estimate is not None
    assert not estimate.helps


def test_who_gave_up_sooner_than_expected_tells_nothing_and_who_gave_up_later_does() -> None:
    errors = WaitErrors()
    for number in range(ENOUGH):
        errors.began(f"a{number}", "general", 100.0, 0.0)
        errors.left(f"a{number}", 50.0)
    early = errors.estimate("general", 100.0)
    assert early is not None
    assert early.low_s is None
    for number in range(ENOUGH):
        errors.began(f"b{number}", "general", 100.0, 0.0)
        errors.left(f"b{number}", 300.0)
    late = errors.estimate("general", 100.0)
    assert late is not None
    assert late.expected_s == 300.0


def test_a_call_that_rings_and_comes_back_is_judged_by_its_first_expectation() -> None:
    errors = WaitErrors()
    for number in range(ENOUGH):
        errors.began(f"c{number}", "general", 100.0, 0.0)
        errors.began(f"c{number}", "general", 10.0, 90.0)
        errors.offered(f"c{number}", 100.0)
    estimate = errors.estimate("general", 100.0)
    assert estimate is not None
    assert estimate.expected_s == pytest.approx(100.0)


@given(st.lists(st.floats(0, 10_000), min_size=ENOUGH, max_size=2 * SAMPLES), st.floats(5, 3600))
def test_low_expected_and_high_never_change_their_order(waits: list[float], expected: float) -> None:
    errors = WaitErrors()
    seen(errors, waits)
    estimate = errors.estimate("general", expected)
    assert estimate is not None
    assert estimate.low_s is not None
    assert estimate.high_s is not None
    assert 0 <= estimate.low_s <= estimate.expected_s <= estimate.high_s


def test_the_router_tells_an_expected_wait_with_its_error_and_learns_from_what_came() -> None:
    centre = Router(parse_policy(POLICY))
    now = 0.0
    centre.handle(AgentSignedIn(agent_id="li", skills={"general": 3}, auto_ready=True), now)
    for number in range(2 * ENOUGH + 6):  # everybody talks for a minute; somebody always waits
        centre.handle(CallQueued(call_id=f"c{number}", queue="general", needs={"general": 1}, since=now), now)
        talking = centre.agent("li")
        assert talking is not None
        if talking.call_id != f"c{number}":
            now += 60.0
            centre.handle(CallEnded(call_id=f"c{number - 1}", agent_id="li"), now)
        centre.handle(OfferAnswered(call_id=f"c{number}", agent_id="li"), now)
    centre.handle(CallQueued(call_id="next", queue="general", needs={"general": 1}, since=now), now)
    place = centre.place("next")
    assert place is not None
    assert place.expected_wait_s == pytest.approx(60.0)
    assert place.low_s == pytest.approx(60.0)
    assert place.high_s == pytest.approx(60.0)
    assert place.helps
    successor, _ = centre.under(centre.policy, now)
    assert successor.place("next") == place
