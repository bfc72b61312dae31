"""Which regular reports are due, and when."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from cti.planning_days import CHINA
from cti.reports.schedule import Plan, due
from cti.reports.specs import daily, monthly

PLAN = Plan(folder=Path("reports"))
LONG_AGO = date(2020, 1, 1)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def test_yesterdays_report_is_due_from_its_hour_on() -> None:
    yesterday = daily(date(2026, 11, 21))
    assert yesterday not in due(at("2026-11-22T00:59"), PLAN, since=LONG_AGO)
    assert yesterday in due(at("2026-11-22T01:00"), PLAN, since=LONG_AGO)
    assert yesterday in due(at("2026-11-22T23:59"), PLAN, since=LONG_AGO)


def test_missed_days_are_due_oldest_first_but_none_before_the_first_call() -> None:
    plan = Plan(folder=Path("reports"), monthly="")
    found = due(at("2026-11-22T01:00"), plan, since=date(2026, 11, 19))
    assert found == [daily(date(2026, 11, day)) for day in (19, 20, 21)]
    assert len(due(at("2026-11-22T01:00"), plan, since=LONG_AGO)) == plan.catch_up_days == 7


def test_the_last_month_is_due_from_the_first_at_its_hour_and_for_the_whole_month() -> None:
    october = monthly(date(2026, 10, 5))
    assert october not in due(at("2026-11-01T01:59"), PLAN, since=LONG_AGO)
    assert october in due(at("2026-11-01T02:00"), PLAN, since=LONG_AGO)
    assert october in due(at("2026-11-30T12:00"), PLAN, since=LONG_AGO)
    assert october not in due(at("2026-11-30T12:00"), PLAN, since=date(2026, 11, 1))


def test_what_is_switched_off_is_never_due() -> None:
    plan = Plan(folder=Path("reports"), daily="", monthly="")
    assert due(at("2026-11-22T12:00"), plan, since=LONG_AGO) == []
