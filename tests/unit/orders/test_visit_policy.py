"""When citizens may be called, and how a wrong policy file is refused."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.visit_policy import VisitPolicy, VisitPolicyError, load_visit_policy

CHINA = datetime.timezone(datetime.timedelta(hours=8))


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def test_the_shipped_policy_is_the_default_one() -> None:
    assert load_visit_policy() == VisitPolicy()


@pytest.mark.parametrize(
    ("wanted", "called"),
    [
        ("2026-11-23T08:59:59", "2026-11-23T09:00:00"),
        ("2026-11-23T09:00:00", "2026-11-23T09:00:00"),
        ("2026-11-23T11:59:59", "2026-11-23T11:59:59"),
        ("2026-11-23T12:00:00", "2026-11-23T14:00:00"),
        ("2026-11-23T19:59:00", "2026-11-23T19:59:00"),
        ("2026-11-23T20:00:00", "2026-11-24T09:00:00"),
    ],
)
def test_citizens_are_called_from_nine_to_noon_and_from_two_to_eight(wanted: str, called: str) -> None:
    assert VisitPolicy().next_hours(at(wanted)) == at(called)


def test_nobody_is_called_at_the_spring_festival_nor_on_sundays(tmp_path: Path) -> None:
    file = tmp_path / "visits.yaml"
    file.write_text('weekdays: [1, 2, 3, 4, 5, 6]\nnot_on: ["2027-02-05/2027-02-11", 2027-02-12]\n')
    policy = load_visit_policy(file)
    assert policy.next_hours(at("2027-02-05T10:00:00")) == at("2027-02-13T09:00:00")
    assert policy.next_hours(at("2027-02-14T10:00:00")) == at("2027-02-15T09:00:00")  # a Sunday


def test_a_zone_of_its_own_counts(tmp_path: Path) -> None:
    file = tmp_path / "visits.yaml"
    file.write_text("time_zone: Asia/Urumqi\n")
    nine = datetime.datetime(2026, 11, 23, 3, 0, tzinfo=datetime.UTC).timestamp()  # 09:00 there
    assert load_visit_policy(file).next_hours(nine - 3600) == nine


def test_the_number_of_robots_comes_from_the_settings() -> None:
    assert load_visit_policy(most_at_once=7).load.most_at_once == 7


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("tries: 0", "tries", ">= 1"),
        ("tries: many", "tries", "int"),
        ("trys: 3", "file", "unknown field `trys`"),
        ("hours: []", "hours", "length >= 1"),
        ('hours: ["9-12"]', "hours[0]", "the end later than the begin"),
        ('hours: ["12:00-09:00"]', "hours[0]", "the end later than the begin"),
        ('hours: ["09:00-12:00", "11:00-13:00"]', "hours[1]", "without overlap"),
        ("weekdays: [0]", "weekdays[0]", ">= 1"),
        ('not_on: ["someday"]', "not_on[0]", "2027-02-06"),
        ('not_on: ["2027-02-11/2027-02-05"]', "not_on[0]", "2027-02-06"),
        ("time_zone: Mars/Base", "time_zone", "Asia/Shanghai"),
        ("again_after_min: {sleepy: 3}", "again_after_min.sleepy", "write one of: busy"),
        ("again_after_min: {busy: 0}", "again_after_min[...]", ">= 1"),
        ("load: {agents_ready: -1}", "load.agents_ready", "give 0 to"),
        ("load: {robots: 5}", "load", "unknown field `robots`"),
        ("a: [", "line 1", "correct the YAML"),
        ("- 1", "file", "object"),
    ],
)
def test_a_wrong_file_is_refused_naming_key_and_remedy(
    tmp_path: Path, text: str, key: str, remedy: str
) -> None:
    file = tmp_path / "visits.yaml"
    file.write_text(text)
    with pytest.raises(VisitPolicyError) as caught:
        load_visit_policy(file)
    assert caught.value.key == key
    assert remedy in caught.value.remedy
    assert str(caught.value).startswith("visits.yaml: ")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VisitPolicyError, match="cannot be read"):
        load_visit_policy(tmp_path / "none.yaml")


@given(
    st.floats(min_value=1.7e9, max_value=1.9e9),
    st.sets(st.integers(1, 7), min_size=1),
    st.sets(st.integers(0, 60), max_size=40),
)
def test_the_next_calling_hours_are_open_and_never_earlier(
    now: float, weekdays: set[int], off: set[int]
) -> None:
    first = datetime.datetime.fromtimestamp(now, CHINA).date()
    policy = VisitPolicy(
        weekdays=frozenset(weekdays),
        not_on=frozenset(first + datetime.timedelta(days=count) for count in off),
    )
    found = policy.next_hours(now)
    local = datetime.datetime.fromtimestamp(found, CHINA)
    assert found >= now
    assert local.isoweekday() in weekdays
    assert local.date() not in policy.not_on
    assert 9 <= local.hour < 12 or 14 <= local.hour < 20
    assert policy.open_at(found)
