"""Keys: each exactly once and in order, whoever tells of them first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cti.control.keys import ALL_KEYS, MOST_KEPT, NEWS_S, Keys

KEY = st.sampled_from(ALL_KEYS)


def taken(keys: Keys) -> str:
    found = ""
    while (key := keys.take()) is not None:
        found += key
    return found


@given(st.lists(st.tuples(KEY, st.sampled_from(["ami", "agi", "both", "late"])), max_size=MOST_KEPT))
def test_a_key_counts_once_whoever_tells_of_it(pressed: list[tuple[str, str]]) -> None:
    """`ami`: pressed between two commands; `both`, `late`: also returned by one; `agi`: AMI never tells."""
    keys, now = Keys(), 0.0
    for key, told_by in pressed:
        now += 2 * NEWS_S
        if told_by in ("ami", "both"):
            assert keys.told(key, now)
        if told_by == "both":
            assert keys.returned(key, now + 0.01)
        if told_by in ("agi", "late"):
            assert not keys.returned(key, now)
            keys.owe(key, now + 0.25)
        if told_by == "late":
            assert not keys.told(key, now + 0.3)
    assert taken(keys) == "".join(key for key, _ in pressed)


@given(st.text(ALL_KEYS, max_size=MOST_KEPT), st.data())
def test_fast_typing_keeps_its_order_when_commands_return_some_of_the_keys(
    typed: str, data: st.DataObject
) -> None:
    keys, found = Keys(), ""
    for number, key in enumerate(typed):
        now = number * 0.1
        keys.told(key, now)
        if data.draw(st.booleans()):
            assert keys.returned(key, now + 0.01)
        if data.draw(st.booleans()):
            found += keys.take() or ""
    assert found + taken(keys) == typed


def test_a_flood_is_bounded_and_counted() -> None:
    keys = Keys()
    for number in range(10_000):
        keys.told("5", number * 0.001)
    assert len(keys) == MOST_KEPT
    assert keys.dropped == 10_000 - MOST_KEPT


def test_letters_of_the_network_are_no_keys_of_citizens() -> None:
    keys = Keys()
    for key in ("A", "D", "", "12", "x"):
        assert not keys.told(key, 0.0)
    assert not keys


def test_only_the_asked_for_key_leaves_the_line_and_others_are_forgotten() -> None:
    keys = Keys()
    for key in "941":
        keys.told(key, 0.0)
    assert keys.take_one_of(("1", "2")) == "1"
    assert not keys
    keys.told("9", 1.0)
    assert keys.take_one_of(("1", "2")) is None


def test_an_end_key_after_all_digits_is_passed_over_once() -> None:
    keys = Keys()
    keys.ignore("#", until=2.0)
    keys.told("#", 1.0)
    keys.told("#", 1.5)
    assert taken(keys) == "#"
    keys.ignore("#", until=2.0)
    keys.told("1", 1.6)
    keys.told("#", 1.7)
    assert taken(keys) == "1#"


def test_an_end_key_that_comes_late_counts() -> None:
    keys = Keys()
    keys.ignore("#", until=2.0)
    keys.told("#", 2.1)
    assert taken(keys) == "#"


def test_an_end_key_that_is_kept_already_is_passed_over() -> None:
    keys = Keys()
    keys.told("#", 0.0)
    keys.ignore("#", until=2.0)
    assert not keys
