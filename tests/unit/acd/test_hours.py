"""Opening hours in the city's own time, and the night queue outside them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from acd.hours import Day, Hours, Window
from acd.policy import Policy, QueuePolicy
from tests.support.acd_desk import Desk, policy

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = Window(days=(Day.MON, Day.TUE, Day.WED, Day.THU, Day.FRI), opens="08:30", closes="18:00")
NIGHT = Window(days=(Day.FRI,), opens="22:00", closes="06:00")


def at(text: str, zone: ZoneInfo = SHANGHAI) -> float:
    """Epoch seconds of a local time; 2026-11-20 is a Friday."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def test_a_window_opens_and_closes_in_local_time() -> None:
    hours = Hours((OFFICE,), SHANGHAI)
    assert not hours.open_at(at("2026-11-20T08:29:59"))
    assert hours.open_at(at("2026-11-20T08:30:00"))
    assert hours.open_at(at("2026-11-20T17:59:59"))
    assert not hours.open_at(at("2026-11-20T18:00:00"))
    assert not hours.open_at(at("2026-11-21T12:00:00"))


def test_the_same_moment_is_another_time_of_day_elsewhere() -> None:
    noon = at("2026-11-20T12:00:00")
    assert Hours((OFFICE,), SHANGHAI).open_at(noon)
    assert not Hours((OFFICE,), ZoneInfo("Europe/Berlin")).open_at(noon)


def test_a_window_over_midnight_ends_on_the_next_day() -> None:
    hours = Hours((NIGHT,), SHANGHAI)
    assert hours.open_at(at("2026-11-21T05:59:00"))
    assert not hours.open_at(at("2026-11-21T06:00:00"))
    assert not hours.open_at(at("2026-11-20T05:00:00"))
    assert hours.closes_after(at("2026-11-20T23:00:00")) == at("2026-11-21T06:00:00")


def test_windows_that_touch_close_once() -> None:
    morning = Window(days=(Day.FRI,), opens="08:00", closes="12:00")
    afternoon = Window(days=(Day.FRI,), opens="12:00", closes="24:00")
    hours = Hours((morning, afternoon), SHANGHAI)
    assert hours.closes_after(at("2026-11-20T09:00:00")) == at("2026-11-21T00:00:00")


def test_windows_that_cover_the_week_never_close() -> None:
    hours = Hours((Window(days=tuple(Day), opens="00:00", closes="24:00"),), SHANGHAI)
    assert hours.closes_after(at("2026-11-20T09:00:00")) is None


def test_a_day_with_an_hour_more_closes_at_its_local_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    hours = Hours((Window(days=(Day.SUN,), opens="00:00", closes="12:00"),), berlin)
    began = at("2026-10-25T00:00:00", berlin)
    assert hours.closes_after(began) == began + 13 * 3600


def city() -> Policy:
    """Tax experts by day, everybody by night."""
    return policy(
        QueuePolicy(name="tax", title="税务", needs={"tax": 1}, hours="office", night="general"),
        QueuePolicy(name="general", title="综合", needs={"general": 1}),
        hours={"office": (OFFICE,)},
    )


@pytest.fixture
def desk() -> Desk:
    return Desk(city())


def test_an_open_queue_takes_its_calls(desk: Desk) -> None:
    desk.now = at("2026-11-20T10:00:00")
    desk.ready("li", tax=1)
    assert desk.call("c1", "tax") == ["c1>li"]


def test_a_closed_queue_s_calls_wait_in_the_night_queue(desk: Desk) -> None:
    desk.now = at("2026-11-20T20:00:00")
    assert desk.call("c1", "tax") == []
    record = desk.router.waiting("c1")
    assert record is not None
    assert (record.queue, record.needs) == ("general", {"general": 1})
    assert desk.ready("li", general=1) == ["c1>li"]


def test_a_call_that_waits_as_its_queue_closes_is_open_to_the_night_s_agents(desk: Desk) -> None:
    desk.now = at("2026-11-20T17:59:00")
    desk.ready("li", general=1)
    assert desk.call("c1", "tax") == []
    assert desk.router.next_deadline() == at("2026-11-20T18:00:00")
    desk.now = at("2026-11-20T17:59:59")
    assert desk.wait(1.0) == ["c1>li"]
