"""Reports of how calls sound: checked, counted, kept; and what they add up to."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cti.control.call_quality import CallQuality, summary
from cti.messages import Entry, EntryKind, ReportQuality
from cti.ports import CommandRefused, Person
from tests.support.control import World

GOOD = {"loss": 0.01, "jitter_ms": 4.0, "rtt_ms": 20.0, "mos": 4.3}


async def talking() -> tuple[World, str, Person]:
    """A world in which li talks with a citizen."""
    world = World()
    li = await world.signs_in("li")
    session = world.calls_in()
    await session.dials.wait()
    world.answers(session)
    return world, session.uniqueid, li


def report(call_id: str, **values: float) -> ReportQuality:
    """A page's report."""
    told = {**GOOD, **values}
    return ReportQuality(
        call_id=call_id,
        loss=told["loss"],
        jitter_ms=told["jitter_ms"],
        rtt_ms=told["rtt_ms"],
        mos=told["mos"],
    )


def entry(**values: Any) -> Entry:
    """One kept report."""
    return Entry(entry_id="e", call_id="c", at=0.0, kind=EntryKind.QUALITY, data={**GOOD, **values})


def test_a_call_that_nobody_measured_has_no_quality() -> None:
    assert summary([]) is None


def test_a_calls_quality_is_its_mean_and_its_worst() -> None:
    told = summary([entry(mos=4.4, loss=0.0), entry(mos=2.0, loss=0.2)])
    assert told is not None
    assert (told["reports"], told["bad"]) == (2, 1)
    assert (told["mean"]["mos"], told["worst"]["mos"], told["worst"]["loss"]) == (3.2, 2.0, 0.2)


async def kept(world: World) -> list[Entry]:
    """The reports that the journal has."""
    return [one for one in world.book.entries if one.kind is EntryKind.QUALITY]


async def test_a_report_is_kept_with_its_call_and_agent() -> None:
    world, call_id, li = await talking()
    await CallQuality(world.calls).reported(li, report(call_id))
    (only,) = await kept(world)
    assert (only.call_id, only.data["agent_id"], only.data["mos"]) == (call_id, "li", 4.3)
    await world.end()


async def test_reports_that_come_too_fast_are_not_kept() -> None:
    world, call_id, li = await talking()
    times = iter((0.0, 1.0, 11.0))
    quality = CallQuality(world.calls, clock=lambda: next(times))
    for _ in range(3):
        await quality.reported(li, report(call_id))
    assert len(await kept(world)) == 2
    await world.end()


@pytest.mark.parametrize("wrong", [{"loss": 1.5}, {"mos": 0.0}, {"jitter_ms": -1.0}, {"rtt_ms": math.nan}])
async def test_values_that_no_browser_measures_are_refused(wrong: dict[str, float]) -> None:
    world, call_id, li = await talking()
    with pytest.raises(CommandRefused, match=next(iter(wrong))):
        await CallQuality(world.calls).reported(li, report(call_id, **wrong))
    assert await kept(world) == []
    await world.end()


async def test_another_agents_call_is_not_theirs_to_judge() -> None:
    world, call_id, _ = await talking()
    wang = await world.signs_in("wang", ready=False)
    await CallQuality(world.calls).reported(wang, report(call_id))
    assert await kept(world) == []
    await world.end()
