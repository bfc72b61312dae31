"""Figures against hand counts, and sums that add up whatever the calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.messages import AgentState
from cti.figures import engine
from cti.figures.causes import Cause, breaks, cause, counts
from cti.figures.facts import AgentFact, CallbackFact, CallFact, CallKind, Facts, Part, Rules, Span
from cti.message_base import Outcome

DAY = Span(since=0.0, until=86400.0)
RULES = Rules()


def answered(name: str, waited: float = 5.0, *, talk: float = 60.0, at: float = 100.0) -> CallFact:
    return CallFact(
        call_id=name, started=at, queued=at, answered=at + waited, ended=at + waited + talk, waited_s=waited,
        talk_s=talk, outcome=Outcome.ANSWERED, agent_id="an", queue="general", rings=1,
    )  # fmt: skip


def left(name: str, after: float, outcome: Outcome = Outcome.ABANDONED_WAITING) -> CallFact:
    return CallFact(
        call_id=name, started=100.0, queued=100.0, ended=100.0 + after, outcome=outcome, queue="general"
    )


HAND = Facts.of(
    [
        answered("in time", 15.0),
        answered("late", 15.5, talk=40.0),
        left("short", 3.0),
        left("in time but gone", 10.0),
        left("long", 40.0),
        left("called back", 20.0, Outcome.SERVED),
        left("ours", 1.0, Outcome.FAILED),
        CallFact(call_id="flow", started=9.0, ended=12.0, outcome=Outcome.ABANDONED_IN_FLOW),
        CallFact(call_id="waits", started=9.0, queued=9.0),
        replace(answered("visit"), kind=CallKind.VISIT),
    ]
)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("calls_in", 9), ("left_in_flow", 1), ("in_line", 1), ("offered", 7), ("answered", 2),
        ("abandoned", 3),
        ("abandoned_short", 1), ("served_otherwise", 1), ("failed", 1), ("answered_in_time", 1),
        ("rule_breaks", 6), ("answer_rate", 2 / 7), ("connection_rate", 2 / 7),
        ("answer_rate_without_short", 2 / 6), ("service_level", 1 / 7), ("service_level_perf", 1 / 2),
        ("service_level_perf2", 3 / 5), ("abandon_rate", 3 / 7), ("speed_of_answer", 30.5 / 2),
        ("average_wait", 104.5 / 7), ("longest_wait", 40.0), ("handled", 3), ("average_talk", 160 / 3),
        ("average_abandon", 53 / 3),
    ],
)  # fmt: skip
def test_ten_calls_counted_by_hand(key: str, value: float) -> None:
    told = engine.figures(HAND, span=DAY)[key]
    assert told == pytest.approx(value, abs=1e-12)


def test_a_call_over_midnight_belongs_to_the_day_on_which_it_began() -> None:
    late = answered("late", at=86390.0)
    following = Span(since=86400.0, until=2 * 86400.0)
    assert engine.figures(Facts.of([late]), span=DAY)["answered"] == 1
    assert engine.figures(Facts.of([late]), span=following)["answered"] == 0


def test_the_connection_rate_is_that_of_the_last_24_hours_of_the_span() -> None:
    facts = Facts.of([replace(left("first day", 60.0), started=50.0), answered("second", at=90000.0)])
    figures = engine.figures(facts, span=Span(since=0.0, until=2 * 86400.0))
    assert (figures["answer_rate"], figures["connection_rate"]) == (0.5, 1.0)
    assert engine.rolling(facts, 86400.0)["connection_rate"] == 0.0


def test_time_in_states_makes_occupancy_and_utilisation() -> None:
    def stretch(state: AgentState, since: float, until: float | None) -> AgentFact:
        return AgentFact(agent_id="an", state=state, since=since, until=until)

    S = AgentState
    times = [
        stretch(S.NOT_READY, -50.0, 100.0), stretch(S.READY, 100.0, 400.0), stretch(S.RINGING, 400.0, 410.0),
        stretch(S.TALKING, 410.0, 600.0), stretch(S.WRAP_UP, 600.0, 700.0), stretch(S.OFFLINE, 700.0, None),
    ]  # fmt: skip
    told = engine.figures(Facts(agents=times), span=DAY)
    assert (told["agents"], told["signed_in_s"], told["not_ready_s"], told["ready_s"]) == (1, 700, 100, 300)
    assert told["occupancy"] == 300 / 600
    assert told["utilisation"] == pytest.approx(290 / 700)


def test_each_agent_of_a_passed_on_call_has_their_own_share() -> None:
    call = replace(
        answered("shared", talk=90.0), agent_id="bo", satisfaction=5, missed=1, rings=2, orders=1,
        parts=(Part(agent_id="an", talk_s=30.0, wrap_s=5.0, rings=1), Part(agent_id="bo", talk_s=60.0),
               Part(agent_id="chen", rings=1, missed=1)),
    )  # fmt: skip
    told = engine.agents(Facts.of([call]), span=DAY)
    assert [told[name]["handled"] for name in ("an", "bo", "chen")] == [1, 1, 0]
    assert [told[name]["average_talk"] for name in ("an", "bo")] == [30.0, 60.0]
    assert [told[name]["rated"] for name in ("an", "bo")] == [0, 1]
    assert [told[name]["missed_rings"] for name in ("an", "bo", "chen")] == [0, 0, 1]


def test_ratings_repeats_and_call_backs_are_counted() -> None:
    calls = [
        replace(answered("1"), satisfaction=5, repeat=False),
        replace(answered("2"), satisfaction=3, repeat=True),
        replace(answered("3"), repeat=False), answered("4"),
    ]  # fmt: skip
    wishes = [
        CallbackFact(callback_id=state, first_at=5.0, origin="citizen", state=state)
        for state in ("done", "waiting", "by_hand", "given_up", "withdrawn")
    ]
    told = engine.figures(Facts(calls=calls, callbacks=wishes), span=DAY)
    assert (told["rated"], told["satisfaction_rate"], told["satisfaction_average"]) == (2, 0.5, 4.0)
    assert told["repeat_calls"] == 1
    assert told["first_call_resolution"] == pytest.approx(2 / 3)
    assert [told[f"callbacks_{name}"] for name in ("wanted", "done", "open")] == [5, 1, 2]


def test_too_many_intervals_are_refused() -> None:
    with pytest.raises(ValueError, match="intervals"):
        engine.intervals(HAND, 1.0, span=DAY)


# ---------------------------------------------------------------- whatever the calls


@st.composite
def calls(draw: st.DrawFn) -> CallFact:
    at = draw(st.floats(0, 86399, allow_nan=False))
    queued = draw(st.none() | st.just(at))
    waited = draw(st.floats(0, 500))
    outcome = draw(st.none() | st.sampled_from(Outcome))
    spoke = outcome is Outcome.ANSWERED
    return CallFact(
        call_id=f"{at}{waited}",
        started=at,
        kind=draw(st.sampled_from(CallKind)),
        queue=draw(st.sampled_from(("general", "social", ""))),
        queued=queued,
        answered=at + waited if spoke else None,
        ended=None if outcome is None else at + waited + 1,
        outcome=outcome,
        waited_s=waited if spoke else None,
        talk_s=draw(st.none() | st.floats(0, 3000)),
        wrap_s=draw(st.none() | st.floats(0, 300)),
        missed=draw(st.integers(0, 2)),
        native=draw(st.booleans()),
        opening=draw(st.sampled_from(("", "open", "closed", "holiday"))),
        staff_ready=draw(st.none() | st.integers(0, 2)),
        staff_busy=draw(st.none() | st.integers(0, 2)),
        staff_away=draw(st.none() | st.integers(0, 2)),
        satisfaction=draw(st.none() | st.integers(1, 5)),
    )


MANY = st.lists(calls(), max_size=40)
COUNTED = (
    "calls_in",
    "offered",
    "answered",
    "abandoned",
    "failed",
    "handled",
    "rule_breaks",
    "rated",
    "missed_rings",
)


@given(MANY)
def test_whoever_asked_for_a_person_is_answered_abandoned_served_or_failed(many: list[CallFact]) -> None:
    told = engine.figures(Facts.of(many), span=DAY)
    parts = [told[key] or 0 for key in ("answered", "abandoned", "served_otherwise", "failed")]
    assert told["offered"] == sum(parts)
    assert told["calls_in"] == sum(call.kind is CallKind.INBOUND for call in many)


@given(MANY, st.sampled_from([lambda call: call.queue, lambda call: call.opening, lambda call: call.kind]))
def test_groups_add_up_to_the_whole(many: list[CallFact], key: Callable[[CallFact], str]) -> None:
    whole = engine.figures(Facts.of(many), span=DAY)
    groups = engine.by(Facts.of(many), key, span=DAY)
    for name in COUNTED:
        assert sum(group[name] or 0 for group in groups.values()) == whole[name]


@given(MANY, st.sampled_from([900.0, 1800.0, 3600.0, 5000.0]))
def test_intervals_add_up_to_the_whole(many: list[CallFact], seconds: float) -> None:
    whole = engine.figures(Facts.of(many), span=DAY)
    parts = engine.intervals(Facts.of(many), seconds, span=DAY)
    for name in COUNTED:
        assert sum(part.figures[name] or 0 for part in parts) == whole[name]


@given(MANY, st.randoms())
def test_the_order_of_the_calls_changes_nothing(many: list[CallFact], luck: object) -> None:
    shuffled = list(many)
    luck.shuffle(shuffled)  # type: ignore[attr-defined]
    assert engine.figures(Facts.of(shuffled), span=DAY) == engine.figures(Facts.of(many), span=DAY)


# ---------------------------------------------------------------- causes


@given(MANY)
def test_every_call_that_broke_the_rule_has_one_cause_and_no_other_call_has(many: list[CallFact]) -> None:
    found = breaks(Facts.of(many), span=DAY, rules=RULES)
    assert len(found) == engine.figures(Facts.of(many), span=DAY)["rule_breaks"]
    assert sum(counts(found).values()) == len(found)


LONG = left("long", 60.0)
BUSY = replace(LONG, staff_ready=0, staff_busy=3, staff_away=1)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (answered("in time"), None),
        (CallFact(call_id="waits", started=1.0, queued=1.0), None),
        (left("ours", 60.0, Outcome.FAILED), Cause.OUR_FAILURE),
        (replace(LONG, outcome=None), Cause.OUR_FAILURE),
        (replace(BUSY, failures=1, missed=1), Cause.SERVER_AWAY),
        (replace(answered("late", 30.0), native=True), Cause.SERVER_AWAY),
        (replace(BUSY, opening="holiday"), Cause.OUTSIDE_HOURS),
        (left("asked for a call-back", 60.0, Outcome.SERVED), Cause.FLOW_CHOICE),
        (replace(left("short", 4.9), staff_ready=0, staff_busy=0, staff_away=0), Cause.GAVE_UP_EARLY),
        (replace(BUSY, missed=2), Cause.MISSED_RING),
        (replace(LONG, staff_ready=0, staff_busy=0, staff_away=0), Cause.NOBODY_SIGNED_IN),
        (replace(LONG, staff_ready=0, staff_busy=0, staff_away=2), Cause.ALL_AWAY),
        (BUSY, Cause.ALL_BUSY),
        (replace(BUSY, staff_ready=1), Cause.SLOW_ANSWER),
        (LONG, Cause.UNKNOWN),
    ],
    ids=lambda one: one.call_id if isinstance(one, CallFact) else str(one),
)
def test_a_late_call_has_the_first_cause_that_holds(call: CallFact, why: Cause | None) -> None:
    assert cause(call, RULES) is why
