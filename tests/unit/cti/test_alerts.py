"""Alerts are raised once and cleared exactly once, whatever figures do and servers restart."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.alerts import AlertEngine, AlertRule, Cleared, Raised, RuleRefused

MONDAY_NOON = 1_800_244_800.0  # 2027-01-18 12:00 in China, a Monday
WAIT = AlertRule(key="wait", title="排队过长", figure="live.longest_wait_s", raise_at=60, clear_at=30)


def held(**changes: object) -> AlertRule:
    return msgspec.structs.replace(WAIT, **changes)


def kinds(engine: AlertEngine, values: list[float | None], step_s: float = 1.0) -> list[str]:
    """What each value changes: "+" raised, "-" cleared."""
    found = []
    for turn, value in enumerate(values):
        changes = engine.take({WAIT.figure: value}, MONDAY_NOON + turn * step_s)
        found.append("".join("+" if isinstance(change, Raised) else "-" for change in changes))
    return found


def test_a_figure_beyond_its_threshold_raises_once_and_clears_once() -> None:
    assert kinds(AlertEngine([WAIT]), [10, 61, 90, 61, 30, 10]) == ["", "+", "", "", "-", ""]


def test_a_figure_that_trembles_between_the_thresholds_changes_nothing() -> None:
    assert kinds(AlertEngine([WAIT]), [61, 59, 61, 59, 31, 61]) == ["+", "", "", "", "", ""]


def test_it_must_be_beyond_for_the_whole_time() -> None:
    engine = AlertEngine([held(raise_s=3)])

    assert kinds(engine, [61, 61, 50, 61, 61, 61, 61]) == ["", "", "", "", "", "", "+"]


def test_it_must_be_back_for_the_whole_time() -> None:
    assert kinds(AlertEngine([held(clear_s=2)]), [61, 10, 50, 10, 10, 10]) == ["+", "", "", "", "", "-"]


def test_too_little_can_be_wrong_as_well() -> None:
    rate = held(above=False, raise_at=0.95, clear_at=0.96)

    assert kinds(AlertEngine([rate]), [0.97, 0.94, 0.955, 0.96]) == ["", "+", "", "-"]


def test_nothing_to_count_is_nothing_wrong() -> None:
    assert kinds(AlertEngine([WAIT]), [None, 61, None]) == ["", "+", "-"]


def test_a_figure_that_cannot_be_told_leaves_its_alert_standing() -> None:
    engine = AlertEngine([WAIT])
    engine.take({WAIT.figure: 61}, MONDAY_NOON)

    assert engine.take({}, MONDAY_NOON + 1) == ()
    assert len(engine.standing) == 1


def test_a_rule_that_is_taken_away_clears_what_it_raised() -> None:
    engine = AlertEngine([WAIT])
    (raised,) = engine.take({WAIT.figure: 61}, MONDAY_NOON)
    assert isinstance(raised, Raised)

    engine.use([])

    assert engine.take({WAIT.figure: 61}, MONDAY_NOON + 1) == (
        Cleared(alert_id=raised.alert_id, rule="wait", at=MONDAY_NOON + 1),
    )


@pytest.mark.parametrize(
    ("opens", "closes", "days", "looks"),
    [
        ("08:00", "18:00", (1,), True),
        ("08:00", "12:00", (1,), False),
        ("08:00", "18:00", (2, 3), False),
        ("22:00", "13:00", (7,), True),
        ("22:00", "13:00", (1,), False),
    ],
)
def test_a_rule_looks_in_its_hours_only(opens: str, closes: str, days: tuple[int, ...], looks: bool) -> None:
    rule = held(opens=opens, closes=closes, days=days)
    rule.check()

    assert kinds(AlertEngine([rule]), [61]) == ["+" if looks else ""]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"clear_at": 61}, "clear_at"),
        ({"above": False}, "clear_at"),
        ({"opens": "24:00"}, "closes"),
        ({"days": (1, 1)}, "days"),
        ({"days": (8,)}, "days"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        held(**changes).check()

    assert refused.value.field == field


VALUES = st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=60)
LENGTHS = st.sampled_from([0.0, 1.0, 3.0])


@given(VALUES, LENGTHS, LENGTHS)
def test_raised_and_cleared_take_turns(values: list[float | None], raise_s: float, clear_s: float) -> None:
    turns = "".join(kinds(AlertEngine([held(raise_s=raise_s, clear_s=clear_s)]), values))

    assert turns in ("+-" * len(turns))[: len(turns)]


@given(VALUES)
def test_nothing_is_raised_within_and_nothing_cleared_beyond(values: list[float | None]) -> None:
    for value, change in zip(values, kinds(AlertEngine([WAIT]), values), strict=True):
        assert change != "+" or (value is not None and value > 60)
        assert change != "-" or value is None or value <= 30


@given(VALUES, st.integers(0, 60))
def test_a_restart_in_the_middle_raises_nothing_twice_and_forgets_nothing(
    values: list[float | None], at: int
) -> None:
    whole = kinds(AlertEngine([WAIT]), values)

    first = AlertEngine([WAIT])
    before = kinds(first, values[:at])
    after = kinds(AlertEngine([WAIT], first.standing), values[at:])

    assert before + after == whole
