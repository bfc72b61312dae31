"""The life of a call-back: what may happen when, and what follows."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd import callbacks
from acd.callback_policy import CHINA, CallbackPolicy
from acd.callbacks import LEGAL, Callback, CallbackState, IllegalCallbackMove, Origin, Result, Wish
from acd.errors import InvalidValue
from acd.phone_numbers import read_number

POLICY = CallbackPolicy()
NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=CHINA).timestamp()
NIGHT = NOON + 10.5 * 3600
MORNING = NOON + 20 * 3600
S = CallbackState


def wish(origin: Origin = Origin.CITIZEN, *, number: str = "13800000001", **more: Any) -> Wish:
    given: dict[str, Any] = {"queue": "general", "needs": {"general": 1}, "since": NOON - 60} | more
    return Wish(origin=origin, number=read_number(number), **given)


def new(origin: Origin = Origin.CITIZEN, *, now: float = NOON, **more: Any) -> Callback:
    return callbacks.wanted("cb1", wish(origin, **more), now)


def dialling(callback: Callback | None = None, now: float = NOON) -> Callback:
    held = callbacks.reserved(callback or new(), "li", now)
    return callbacks.dialled(held, "hl1-1.1", now)


MOVES: dict[str, Callable[[Callback], Callback]] = {
    "merged": lambda c: callbacks.merged(c, wish(), NOON),
    "reserved": lambda c: callbacks.reserved(c, "li", NOON),
    "unreserved": lambda c: callbacks.unreserved(c, NOON),
    "released": lambda c: callbacks.released(c, NOON),
    "dialled": lambda c: callbacks.dialled(c, "hl1-1.1", NOON),
    "reached": lambda c: callbacks.reached(c, "hl1-1.1", NOON),
    "unreached": lambda c: callbacks.unreached(c, Result.BUSY, POLICY, NOON),
    "done": lambda c: callbacks.done(c, "li", NOON),
    "by_person": lambda c: callbacks.by_person(c, "li", NOON),
    "given_up": lambda c: callbacks.given_up(c, "重复", "ban", NOON),
    "expired": lambda c: callbacks.expired(c, NOON),
    "withdrawn": lambda c: callbacks.withdrawn(c, "called_again", NOON),
}


@pytest.mark.parametrize("state", list(CallbackState))
@pytest.mark.parametrize("event", list(MOVES))
def test_every_event_happens_in_its_states_and_raises_in_all_others(event: str, state: CallbackState) -> None:
    callback = replace(new(), state=state)
    if state in LEGAL[event]:
        assert MOVES[event](callback).callback_id == "cb1"
        return
    with pytest.raises(IllegalCallbackMove, match=f"'{event}' is not legal in state '{state.value}'"):
        MOVES[event](callback)


def test_the_table_names_every_event() -> None:
    assert LEGAL.keys() == MOVES.keys()


def test_a_citizen_who_is_reached_talks_with_the_reserved_agent() -> None:
    callback = callbacks.reached(dialling(), "hl1-1.1", NOON + 5)
    assert (callback.state, callback.agent_id, callback.call_id) == (S.REACHED, "li", "hl1-1.1")
    over = callbacks.done(callback, "li", NOON + 9)
    assert (over.state, over.open, over.tries) == (S.DONE, False, 1)


@pytest.mark.parametrize(("tries", "wait_s"), [(0, 300), (1, 1800), (2, 7200)])
def test_each_try_is_waited_for_longer(tries: int, wait_s: float) -> None:
    callback = callbacks.unreached(dialling(replace(new(), tries=tries)), Result.NO_ANSWER, POLICY, NOON)
    assert callback.state is S.WAITING
    assert callback.not_before == NOON + wait_s
    assert callback.since == NOON - 60  # the place stays
    assert callback.agent_id is None


def test_after_the_last_try_it_is_given_up_with_its_reason() -> None:
    callback = callbacks.unreached(dialling(replace(new(), tries=3)), Result.BUSY, POLICY, NOON)
    assert (callback.state, callback.reason, callback.last_result) == (S.GIVEN_UP, "tries", Result.BUSY)


def test_a_number_that_does_not_exist_is_not_tried_again() -> None:
    callback = callbacks.unreached(dialling(), Result.INVALID, POLICY, NOON)
    assert (callback.state, callback.reason) == (S.GIVEN_UP, "invalid")


def test_a_failure_of_the_network_is_not_a_try_of_the_citizens() -> None:
    callback = new()
    for _ in range(POLICY.tries + 2):
        callback = callbacks.unreached(dialling(callback), Result.FAILED, POLICY, NOON)
        assert callback.not_before == NOON + POLICY.failed_wait_s
    assert callback.state is S.WAITING
    callback = callbacks.unreached(dialling(callback), Result.BUSY, POLICY, NOON)
    assert callback.not_before == NOON + 300


def test_a_network_that_fails_for_ever_ends_it_too() -> None:
    callback = new()
    while callback.open:
        callback = callbacks.unreached(dialling(callback), Result.FAILED, POLICY, NOON)
    assert (callback.failures, callback.reason) == (POLICY.failures, "tries")


def test_a_retry_in_the_night_is_put_off_until_the_morning() -> None:
    callback = callbacks.unreached(dialling(), Result.BUSY, POLICY, NIGHT)
    assert callback.not_before == MORNING


def test_an_urgent_one_is_retried_at_night() -> None:
    callback = callbacks.unreached(dialling(new(urgent=True)), Result.BUSY, POLICY, NIGHT)
    assert callback.not_before == NIGHT + 300
    assert POLICY.due_at(callback, NIGHT + 300) == NIGHT + 300


def test_who_asked_at_night_is_called_at_night_for_half_an_hour() -> None:
    callback = new(now=NIGHT)
    assert POLICY.due_at(callback, NIGHT + 1700) == NIGHT + 1700
    assert POLICY.due_at(callback, NIGHT + 1800) == MORNING


def test_who_did_not_ask_is_called_by_day_only() -> None:
    assert POLICY.due_at(new(Origin.MISSED, now=NIGHT), NIGHT) == MORNING


@pytest.mark.parametrize(
    ("hour", "wanted_hour"), [(7.99, 8.0), (8.0, 8.0), (20.99, 20.99), (21.0, 32.0), (23.5, 32.0)]
)
def test_the_calling_hours_begin_at_eight_and_end_at_twenty_one(hour: float, wanted_hour: float) -> None:
    midnight = NOON - 12 * 3600
    assert POLICY.next_hours(midnight + hour * 3600) == pytest.approx(midnight + wanted_hour * 3600)


def test_a_number_that_cannot_be_dialled_is_work_for_a_person() -> None:
    for number in ("", "10086", "+4915112345678"):
        callback = new(number=number)
        assert (callback.state, callback.diallable) == (S.BY_HAND, False)
        assert callbacks.by_person(callback, "li", NOON).state is S.DONE


def test_two_abandoned_calls_are_one_call_back_with_the_earliest_place() -> None:
    first = new(Origin.ABANDONED, call_id="c1")
    twice = callbacks.merged(first, wish(Origin.ABANDONED, call_id="c2", since=NOON + 30), NOON + 90)
    assert (twice.wishes, twice.since, twice.calls) == (2, NOON - 60, ("c1", "c2"))
    assert (twice.first_at, twice.last_at) == (NOON, NOON + 90)
    assert POLICY.place(twice) < POLICY.place(first)


def test_who_hangs_up_and_then_asks_has_asked() -> None:
    callback = callbacks.merged(new(Origin.ABANDONED), wish(Origin.CITIZEN, queue="dialect"), NOON + 9)
    assert (callback.origin, callback.automatic, callback.queue) == (Origin.CITIZEN, False, "dialect")
    assert POLICY.place(callback) == NOON - 60


def test_who_asked_and_then_hangs_up_has_still_asked() -> None:
    callback = callbacks.merged(new(), wish(Origin.ABANDONED), NOON + 9)
    assert (callback.origin, callback.asked_at) == (Origin.CITIZEN, NOON)


def test_who_asks_again_does_not_wait_for_the_retry() -> None:
    busy = callbacks.unreached(dialling(), Result.BUSY, POLICY, NOON)
    assert callbacks.merged(busy, wish(), NOON + 10).not_before is None
    assert callbacks.merged(busy, wish(Origin.ABANDONED), NOON + 10).not_before == NOON + 300


def test_who_did_not_ask_makes_way_for_citizens_on_the_line() -> None:
    missed, asked = new(Origin.MISSED), new()
    for waiting_since, stands in ((None, True), (NOON - 10, True), (NOON - 20, False)):
        assert POLICY.stands(missed, NOON, waiting_since) is stands
        assert POLICY.stands(asked, NOON, waiting_since)
    assert POLICY.stands(missed, NOON + 3600, NOON + 1800)  # it has stood longer than they


def test_an_old_wish_expires() -> None:
    callback = new()
    assert not POLICY.expires(callback, NOON + POLICY.keep_s - 1)
    assert POLICY.expires(callback, NOON + POLICY.keep_s)
    assert callbacks.expired(callback, NOON + POLICY.keep_s).reason == "expired"


def test_a_telephone_that_rings_goes_on_ringing_when_the_agent_goes() -> None:
    callback = callbacks.unreserved(dialling(), NOON)
    assert (callback.state, callback.agent_id, callback.call_id) == (S.DIALLING, None, "hl1-1.1")
    assert callbacks.reserved(callback, "wang", NOON).agent_id == "wang"


def test_an_agent_who_goes_costs_the_citizen_no_try() -> None:
    callback = callbacks.released(dialling(), NOON)
    assert (callback.state, callback.tries, callback.agent_id, callback.call_id) == (S.WAITING, 0, None, "")


@pytest.mark.parametrize(
    ("key", "value"), [("tries", 0), ("closes_s", 100.0), ("waits_s", ()), ("waits_s", (0.0,))]
)
def test_a_policy_out_of_bounds_is_refused_by_name(key: str, value: Any) -> None:
    with pytest.raises(InvalidValue, match=f"callbacks.{key}"):
        replace(POLICY, **{key: value})


EVENTS = st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.floats(1, 20_000)), max_size=40)
ORIGINS = st.sampled_from(list(Origin))


@given(EVENTS, ORIGINS, st.booleans())
def test_whatever_happens_the_place_never_gets_worse_and_a_closed_one_stays_closed(
    events: list[tuple[str, float]], origin: Origin, urgent: bool
) -> None:
    callback, now = new(origin, urgent=urgent), NOON
    for event, later in events:
        now += later
        if callback.state not in LEGAL[event]:
            with pytest.raises(IllegalCallbackMove):
                MOVES[event](callback)
            continue
        before, callback = callback, MOVES[event](callback)
        assert before.open
        assert callback.since <= before.since
        assert POLICY.place(callback) <= POLICY.place(before)
        assert callback.tries - callback.failures <= POLICY.tries
        assert (callback.agent_id is None) or callback.state in (S.RESERVED, S.DIALLING, S.REACHED, S.DONE)


@given(st.floats(0, 4e9), st.booleans())
def test_nobody_who_did_not_ask_is_called_outside_the_hours(at: float, failed: bool) -> None:
    callback = callbacks.unreached(
        dialling(new(Origin.ABANDONED, now=at), at), Result.FAILED if failed else Result.BUSY, POLICY, at
    )
    due = POLICY.due_at(callback, at)
    assert due >= at
    hour = datetime.datetime.fromtimestamp(due, CHINA).hour
    assert 8 <= hour < 21


@given(st.lists(ORIGINS, min_size=1, max_size=12))
def test_the_strongest_reason_counts_in_whatever_order_they_come(origins: list[Origin]) -> None:
    callback = new(origins[0])
    for origin in origins[1:]:
        callback = callbacks.merged(callback, wish(origin), NOON)
    assert callback.origin is min(origins, key=list(Origin).index)
    assert callback.wishes == len(origins)
