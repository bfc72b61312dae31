"""Announcements in line: said to who has to wait, once, and never before a free agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest_asyncio

from cti.announcements import Announcement
from cti.call import Call
from tests.support.control import World

WATER = "/sounds/water"


class Said:
    """Announces the same to everybody."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[str, ...]]] = []

    async def of(self, _call: Call) -> tuple[str, ...]:
        return (WATER,)

    def heard(self, call_id: str, sounds: tuple[str, ...]) -> None:
        self.told.append((call_id, sounds))


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.end()


def announcing(world: World) -> Said:
    said = Said()
    world.switchboard._deps = replace(world.deps, announcements=said)
    return said


async def test_who_has_to_wait_is_told_once_and_it_is_noted(world: World) -> None:
    said = announcing(world)
    session = world.calls_in()
    await world.comes(lambda: WATER in session.played)
    await world.signs_in("li")
    await session.dials.wait()

    assert session.played.count(WATER) == 1
    assert [sounds for _, sounds in said.told] == [(WATER,)]


async def test_who_is_put_through_at_once_hears_nothing_of_it(world: World) -> None:
    said = announcing(world)
    await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()

    assert WATER not in session.played
    assert said.told == []


def test_nobody_hears_what_is_not_approved_is_silent_or_is_over() -> None:
    one = Announcement(
        announcement_id="a1", title="停水", text="停水", district="", called="", prompts=[], seconds=3.0,
        since=10.0, until=20.0, who="li", by_name="李", created_at=5.0, approved_by="boss", approved_at=6.0,
        withdrawn_at=None, withdrawn_by="", reason="", burst_id="",
    )  # fmt: skip
    others = (
        {"approved_by": ""}, {"seconds": 0.0}, {"withdrawn_at": 12.0}, {"until": 15.0}, {"since": 16.0},
    )  # fmt: skip

    changed = [msgspec.structs.replace(one, **other) for other in others]

    assert one.said(15.0)
    assert [each.said(15.0) for each in changed] == [False] * len(others)
