"""What puts an order under supervision by itself, and how far."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.clock_rules import Facts
from orders.clock_watch import ClockWatch, Level
from orders.course import advance, begun
from orders.course_messages import SYSTEM, Clock, ClockKind, Supervision
from orders.policy_file import PolicyError
from orders.supervision_file import explain, load_supervision_rules, parse_supervision_rules
from orders.supervision_rules import (
    BadlyRated,
    ClockCrossed,
    Measure,
    Repeated,
    Returned,
    Said,
    Signal,
)

K = ClockKind
V = Supervision
TODAY = dt.date(2026, 11, 23)
SHIPPED = load_supervision_rules()
PLAIN = Facts(type="投诉", urgency="一般")
URGENT = Facts(type="投诉", urgency="特急")


def measure(signal: Signal, facts: Facts = PLAIN, current: Supervision = V.NONE) -> Measure | None:
    found = SHIPPED.raised(signal, current, facts, TODAY)
    return None if found is None else found.measure


@pytest.mark.parametrize(
    ("signal", "facts", "expected"),
    [
        (ClockCrossed(kind=K.RESOLVE, level=Level.NEAR), PLAIN, Measure.FOLLOW),
        (ClockCrossed(kind=K.SIGN, level=Level.NEAR), PLAIN, None),
        (ClockCrossed(kind=K.SIGN, level=Level.LATE), PLAIN, Measure.FOLLOW),
        (ClockCrossed(kind=K.RESOLVE, level=Level.LATE), PLAIN, Measure.YELLOW),
        (ClockCrossed(kind=K.RESOLVE, level=Level.GRAVE), PLAIN, Measure.RED),
        (ClockCrossed(kind=K.SIGN, level=Level.LATE), URGENT, Measure.YELLOW),
        (ClockCrossed(kind=K.RESOLVE, level=Level.LATE), URGENT, Measure.RED),
        (Returned(times=1), PLAIN, None),
        (Returned(times=2), PLAIN, Measure.YELLOW),
        (BadlyRated(times=1), PLAIN, None),
        (BadlyRated(times=2), PLAIN, Measure.YELLOW),
        (BadlyRated(times=3), PLAIN, Measure.RED),
        (Repeated(times=2), PLAIN, None),
        (Repeated(times=3), PLAIN, Measure.RAISED),
        (Repeated(times=7), PLAIN, Measure.LEADER),
        (Said(text="工地坍塌，有人被埋"), PLAIN, Measure.RAISED),
        (Said(text="楼道灯不亮"), PLAIN, None),
        (Said(text="幸好没有人员伤亡"), PLAIN, None),
        (Said(text="幸好没有人员伤亡，但可能再次坍塌"), PLAIN, Measure.RAISED),
    ],
)
def test_the_shipped_rules_raise_what_cities_raise(
    signal: Signal, facts: Facts, expected: Measure | None
) -> None:
    assert measure(signal, facts) is expected


def test_rules_raise_and_never_lower_nor_say_the_same_again() -> None:
    late = ClockCrossed(kind=K.RESOLVE, level=Level.LATE)
    assert measure(late, current=V.NONE) is Measure.YELLOW
    for level in (V.YELLOW, V.RED, V.RAISED, V.LEADER):
        assert measure(late, current=level) is None
    assert measure(ClockCrossed(kind=K.RESOLVE, level=Level.NEAR), current=V.YELLOW) is None


_SIGNALS = st.one_of(
    st.builds(ClockCrossed, kind=st.sampled_from(K), level=st.sampled_from(Level)),
    st.builds(Returned, times=st.integers(0, 10)),
    st.builds(BadlyRated, times=st.integers(0, 10)),
    st.builds(Repeated, times=st.integers(0, 10)),
    st.builds(Said, text=st.text(max_size=30)),
)


@given(st.lists(_SIGNALS, max_size=20), st.sampled_from([PLAIN, URGENT]))
def test_whatever_happens_the_level_only_rises_and_each_event_is_one_that_the_order_takes(
    signals: list[Signal], facts: Facts
) -> None:
    course, order = begun(0.0), list(V)
    for signal in signals:
        found = SHIPPED.raised(signal, course.supervision, facts, TODAY)
        event = found.event() if found else None
        if event is None:
            continue
        before = course
        course = advance(course, event, 1.0)
        assert order.index(course.supervision) > order.index(before.supervision)
        assert event.by == SYSTEM


def test_a_crossing_of_the_watch_is_a_signal() -> None:
    watch = ClockWatch()
    watch.put("o", [Clock(kind=K.RESOLVE, started=0, near_at=5, due=10)])
    signals = [ClockCrossed.of(crossing) for crossing in watch.crossed(10)]
    assert [measure(signal) for signal in signals] == [Measure.FOLLOW, Measure.YELLOW]


def test_why_it_was_raised_is_said_in_chinese() -> None:
    found = SHIPPED.raised(Repeated(times=4), V.NONE, PLAIN, TODAY)
    assert found is not None
    assert found.rule_id == "repeated"
    assert found.reason == "同一事项第 4 次反映，提级办理（重复诉求提级）"
    event = found.event()
    assert event is not None
    assert (event.level, event.reason) == (V.RAISED, found.reason)


def test_following_up_counts_against_nobody_and_sets_no_level() -> None:
    found = SHIPPED.raised(ClockCrossed(kind=K.RESOLVE, level=Level.NEAR), V.NONE, PLAIN, TODAY)
    assert found is not None
    assert found.event() is None


_RULE = "rules:\n  - id: a\n    title: 规则\n    signal: returned\n    times: 2\n    measure: yellow\n"


def test_a_rule_counts_for_its_orders_between_its_days() -> None:
    text = _RULE + "    when: {types: [投诉]}\n    since: 2026-11-01\n    until: 2026-11-30\n"
    rules = parse_supervision_rules(text.encode())
    two = Returned(times=2)
    assert rules.raised(two, V.NONE, PLAIN, TODAY) is not None
    assert rules.raised(two, V.NONE, Facts(type="求助"), TODAY) is None
    for day in (dt.date(2026, 10, 31), dt.date(2026, 12, 1)):
        assert rules.raised(two, V.NONE, PLAIN, day) is None


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "remedy"),
    [
        ("signal: returned", "signal: rain", 4, "rules[0].signal", "near, late"),
        ("measure: yellow", "measure: green", 6, "rules[0].measure", "follow, yellow"),
        ("    times: 2\n", "", 2, "rules[0]", "`times`"),
        ("times: 2", "times: 0", 5, "rules[0].times", ">= 1"),
        ("times: 2", "times: 2\n    clocks: [sign]", 6, "rules[0].clocks", "remove it"),
        ("times: 2", "times: 2\n    unless: [没有]", 6, "rules[0].unless", "remove it"),
        ("returned\n    times: 2", "late\n    clocks: [lunch]", 5, "rules[0].clocks[0]", "accept, dispatch"),
        ("returned\n    times: 2", "late\n    clocks: []", 5, "rules[0].clocks", "length >= 1"),
        ("returned\n    times: 2", "words\n    words: [火]", 5, "rules[0].words[0]", "length >= 2"),
        ("times: 2", "times: 2\n    when: {types: [诉苦]}", 6, "rules[0].when.types[0]", "咨询"),
        ("times: 2", "times: 2\n    since: 1 May", 6, "rules[0].since", "2027-01-01"),
        (
            "times: 2", "times: 2\n    since: 2027-02-01\n    until: 2027-01-01",
            7, "rules[0].until", "on or after",
        ),
        ("measure: yellow", "measure: yellow\n    colour: red", 7, "rules[0].colour", "no such key"),
        ("rules:\n", f"{_RULE.rstrip()}\n", 7, "rules[1].id", "of its own"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_naming_line_key_and_remedy(
    old: str, new: str, line: int, key: str, remedy: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_supervision_rules(_RULE.replace(old, new, 1).encode())
    assert (caught.value.line, caught.value.key) == (line, key)
    assert remedy in caught.value.remedy


def test_a_city_may_do_without_rules() -> None:
    rules = parse_supervision_rules(b"rules: []")
    assert rules.raised(Repeated(times=99), V.NONE, URGENT, TODAY) is None


def test_rules_are_explained_in_chinese() -> None:
    said = [explain(rule) for rule in SHIPPED.rules]
    assert "规则“重复诉求提级”：适用于所有工单，同一事项第 3 次反映起，提级办理。" in said
    assert "规则“超期黄牌”：适用于所有工单，办理、办结超期，黄牌督办。" in said
    assert any("“坍塌”" in one and "“没有人员伤亡”" in one and "除外" in one for one in said)
