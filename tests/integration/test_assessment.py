"""The assessment in a real database: tables say what events say, months are frozen, corrections are named."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.assessment_closing import AssessmentClosing
from cti.casework.assessment_months import AssessmentMonths, MonthDamaged
from cti.casework.assessments import AssessmentDesk, AssessmentRefused
from cti.casework.sights import Sights
from cti.database import open_engine
from cti.messages import Role
from cti.ports import Person
from cti.tables import audit
from orders import course_events as happened
from orders.assessment import tally
from orders.assessment_fold import marks_of
from orders.assessment_load import AssessmentLog, Days, Grouping
from orders.assessment_marks import Mark
from orders.assessment_pace import WorkedTime
from orders.assessment_policy import load_assessment_policy
from orders.assessment_store import mark_of, rebuild
from orders.assessment_tables import assessment_months, order_marks
from orders.course_events import CourseEvent
from orders.course_messages import Clock, ClockKind, CorrectionCause, Solved
from orders.messages import Channel, DraftOpened, FieldEdited, OrderSubmitted
from orders.store import OrderStore
from orders.tables import metadata
from orders.unit_store import UnitStore
from orders.unit_table import Unit
from orders.workdays_file import load_workdays
from tests.support.courses import (
    CLERK,
    DAY,
    HOUR,
    LEAD,
    OFFICER,
    OTHER,
    clock,
    fed_back,
    lives,
    redo,
    reviewed,
    signed,
)
from tests.support.web import Clock as Hand

pytestmark = pytest.mark.integration

CHINA = ZoneInfo("Asia/Shanghai")
MONTH = 202610
POLICY = load_assessment_policy()
BOSS = Person(login="zhao", name="赵班长", role=Role.SUPERVISOR)
TOP = "区政府"
NEEDED = ("type", "category", "summary")


def at(day: int, hour: float = 9.0, month: int = 10) -> float:
    return datetime.datetime(2026, month, day, tzinfo=CHINA).timestamp() + hour * HOUR


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


class City:
    """Orders of two units below one, written as the server writes them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.clock = Hand(at(1))
        self.store = OrderStore(engine, clock=self.clock)
        self.units = UnitStore(engine)
        sights = Sights(self.units)
        self.desk = AssessmentDesk(engine, sights, lambda: POLICY, load_workdays, clock=self.clock)
        self.closing = AssessmentClosing(self.desk, load_workdays)

    async def order(self, order_id: str, *steps: tuple[CourseEvent, float], begin: float) -> None:
        await self.go(
            order_id, (DraftOpened(order_id=order_id, call_id="", caller="", channel=Channel.WEB), begin)
        )
        fields = {"type": "投诉", "category": "城市管理/占道", "summary": "摊贩占道", "district": "岳麓区"}
        for name, value in fields.items():
            await self.go(order_id, (FieldEdited(field=name, value=value, agent="chen"), begin))
        await self.go(order_id, (OrderSubmitted(agent="chen"), begin), *steps)

    async def go(self, order_id: str, *steps: tuple[object, float]) -> None:
        for event, when in steps:
            self.clock.now = max(self.clock.now, when)
            await self.store.apply(order_id, event, at=when)  # type: ignore[arg-type]

    async def figures(
        self, unit: str, *, version: int | None = None, below: bool = False
    ) -> Mapping[str, tuple[float, int | None]]:
        view = await self.desk.view(MONTH, Grouping.UNIT, BOSS, with_below=below, version=version)
        return next(row.figures for row in view.sheet.tables["shown"] if row.key == unit)


@pytest_asyncio.fixture
async def city(engine: AsyncEngine) -> City:
    city = City(engine)
    await city.units.replace_units(
        [
            Unit(name=TOP, level="city"),
            Unit(name=LEAD, level="county", parent=TOP),
            Unit(name=OTHER, level="county", parent=TOP),
        ]
    )
    return city


def sent(unit: str, when: float) -> CourseEvent:
    clocks = (
        clock(ClockKind.SIGN, when + HOUR, started=when),
        clock(ClockKind.RESOLVE, when + 2 * DAY, started=when),
    )
    return happened.OrderDispatched(lead=unit, source="clerk", by=CLERK, clocks=clocks)


def bad(when: float) -> tuple[CourseEvent, float]:
    return happened.OrderRated(result=1, service=5, solved=Solved.NO, bad=True, by="system"), when


def good(when: float) -> tuple[CourseEvent, float]:
    return happened.OrderRated(result=5, service=5, solved=Solved.YES, bad=False, by="system"), when


async def october(city: City) -> None:
    """LEAD: one in time and praised, one late and blamed. OTHER: one that is signed late and stays open."""
    await city.order(
        "o1", (sent(LEAD, at(12)), at(12)), (signed(LEAD), at(12, 9.5)), (fed_back(LEAD), at(12, 11)),
        (reviewed(), at(12, 12)), good(at(13)), begin=at(12),
    )  # fmt: skip
    await city.order(
        "o2", (sent(LEAD, at(12)), at(12)), (signed(LEAD), at(12, 9.5)), (fed_back(LEAD), at(15)),
        (reviewed(), at(15, 10)), bad(at(16)), begin=at(12),
    )  # fmt: skip
    await city.order("o3", (sent(OTHER, at(20)), at(20)), (signed(OTHER), at(20, 12)), begin=at(20))
    city.clock.now = at(4, month=11)


async def test_a_month_is_counted_by_unit_with_and_without_those_below(city: City) -> None:
    await october(city)
    lead, other, top = (
        await city.figures(LEAD),
        await city.figures(OTHER),
        await city.figures(TOP, below=True),
    )
    assert lead["on_time_rate"] == (1, 2) and lead["response_rate"] == (2, 2)
    assert lead["solved_rate"] == (1, 2) and lead["satisfaction_rate"] == (3, 4)
    assert other["on_time_rate"] == (0, 1) and other["response_rate"] == (0, 1)
    assert top["on_time_rate"] == (1, 3) and top["sent"] == (3, None)
    # 9:00 to 11:00 on the 12th: 2 h; from the 12th 9:00 to the 15th 9:00: three working days of 7 h
    assert lead["handling_hours"] == (23.0, 2)
    assert lead["overdue_hours"] == (24.0, 1)


@pytest.mark.parametrize("part", ["top", "bottom"])
async def test_the_list_behind_a_number_is_as_long_as_the_number(city: City, part: str) -> None:
    await october(city)
    view = await city.desk.view(MONTH, Grouping.UNIT, BOSS, with_below=True)
    for row in view.sheet.tables["shown"]:
        for figure, (top, bottom) in row.figures.items():
            if figure.endswith("_hours"):
                continue
            total, found = await city.desk.orders(
                MONTH, figure, BOSS, top=part == "top", by=Grouping.UNIT, key=row.key,
                with_below=bool(row.key), version=None, page=1, size=100,
            )  # fmt: skip
            expected = top if part == "top" else bottom
            if expected is not None:
                assert total == len(found) == expected, (row.key, figure)


async def test_a_unit_sees_its_own_alone(city: City) -> None:
    await october(city)
    person = Person(login="li", name="李", role=Role.UNIT, unit=LEAD)
    view = await city.desk.view(MONTH, Grouping.UNIT, person, with_below=False)
    assert [row.key for row in view.sheet.tables["shown"]] == [LEAD]
    assert view.sheet.total.figures["on_time_rate"] == (1, 2)
    view = await city.desk.view(MONTH, Grouping.CATEGORY, person, with_below=False)
    assert view.sheet.tables["shown"][0].figures["sent"] == (2, None)
    with pytest.raises(AssessmentRefused):
        await city.desk.orders(
            MONTH, "late", person, top=True, by=Grouping.UNIT, key=OTHER, with_below=False, version=None,
            page=1, size=20,
        )  # fmt: skip


async def test_a_frozen_month_stays_and_an_appeal_upheld_afterwards_is_a_named_correction(city: City) -> None:
    await october(city)
    frozen = await city.closing.freeze(MONTH, by="zhao")
    await city.go(
        "o2",
        (happened.AppealRaised(unit=LEAD, reason="非本单位原因", by=OFFICER), at(5, month=11)),
        (happened.AppealRuled(upheld=True, reason="核查属实", by=CLERK), at(6, month=11)),
    )
    assert (await city.figures(LEAD))["solved_rate"] == (1, 2), "as it was frozen"
    assert (await city.figures(LEAD, version=0))["solved_rate"] == (1, 1), "as it is known now"
    total, found = await city.desk.months.corrections(frozen, page=1, size=20)
    assert total == 4 and {one.order_id for one in found} == {"o2"}
    assert {one.key.partition(":")[0] for one in found} == {"rated", "result", "service", "solved"}
    assert {(one.event, one.by, one.reason) for one in found} == {("AppealRuled", CLERK, "核查属实")}
    told = {
        (one.key, one.figure): (one.before, one.after) for one in await city.closing.differences(frozen, BOSS)
    }
    assert told[LEAD, "solved_rate"] == ((1, 2), (1, 1)) and told["", "bad_rate"] == ((1, 2), (0, 1))
    assert not any(unit == OTHER for unit, _ in told)
    behind = await city.desk.orders(
        MONTH, "solved_rate", BOSS, top=False, by=Grouping.UNIT, key=LEAD, with_below=False, version=1,
        page=1, size=20,
    )  # fmt: skip
    assert behind[0] == 2 and {one.order_id for one in behind[1]} == {"o1", "o2"}


async def test_a_unit_with_a_thousand_below_it_sees_its_corrections_alone(city: City) -> None:
    await october(city)
    frozen = await city.closing.freeze(MONTH, by="zhao")
    await city.go("o2", (redo(), at(5, month=11)))
    many = frozenset(f"{LEAD}第{number}所" for number in range(1000))
    months = city.desk.months
    for mine, expected in ((many | {LEAD}, 1), (many | {OTHER}, 0), (many, 0), (None, 1)):
        total, found = await months.corrections(frozen, page=1, size=20, units=mine)
        assert (total, [one.order_id for one in found]) == (expected, ["o2"] * expected)


async def test_an_order_that_is_corrected_counts_where_it_belongs_and_is_listed_where_it_was(
    city: City,
) -> None:
    await october(city)
    frozen = await city.closing.freeze(MONTH, by="zhao")
    change = happened.FieldChange(field="category", was="城市管理/占道", value="城乡建设/供水")
    correction = happened.OrderCorrected(
        changes=(change,), cause=CorrectionCause.CLASSED, reason="实为供水", by=CLERK
    )
    await city.go("o2", (correction, at(5, month=11)))

    async def behind(category: str, version: int) -> set[str]:
        _, found = await city.desk.orders(
            MONTH, "accepted", BOSS, top=True, by=Grouping.CATEGORY, key=category, with_below=False,
            version=version, page=1, size=20,
        )  # fmt: skip
        return {one.order_id for one in found}

    assert await behind("城乡建设", 0) == {"o2"}
    assert "o2" not in await behind("城市管理", 0)
    assert await behind("城乡建设", 1) == set()
    assert "o2" in await behind("城市管理", 1)
    _, told = await city.desk.months.corrections(frozen, page=1, size=50)
    assert {(one.order_id, one.event) for one in told} == {("o2", "OrderCorrected")}
    assert all(one.reason == "事项分类 城市管理/占道 → 城乡建设/供水；实为供水" for one in told)


async def test_an_answer_late_in_coming_corrects_nothing(city: City) -> None:
    await october(city)
    frozen = await city.closing.freeze(MONTH, by="zhao")
    await city.go("o3", (fed_back(OTHER), at(5, month=11)), (reviewed(), at(5, 10, month=11)))
    assert (await city.desk.months.corrections(frozen, page=1, size=20))[0] == 0
    assert await city.closing.differences(frozen, BOSS) == []


async def test_a_redo_and_what_is_told_late_are_corrections(city: City) -> None:
    await october(city)
    frozen = await city.closing.freeze(MONTH, by="zhao")
    await city.go("o2", (redo(), at(5, month=11)))
    city.clock.now = at(6, month=11)
    late = OrderStore(city.engine, clock=city.clock)
    await late.create(
        [
            DraftOpened(order_id="o4", call_id="", caller=""),
            *(FieldEdited(field=name, value="投诉", agent="chen") for name in NEEDED),
            OrderSubmitted(agent="chen"),
        ],
        order_id="o4", event_id="imported", at=at(30),
    )  # fmt: skip
    _, found = await city.desk.months.corrections(frozen, page=1, size=20)
    assert {(one.order_id, one.key, one.old is None) for one in found} == {
        ("o2", "rated:1", False), ("o4", "accepted:1", True),
    }  # fmt: skip


async def test_another_version_needs_a_reason_and_leaves_the_first_as_it_was(city: City) -> None:
    await october(city)
    with pytest.raises(AssessmentRefused, match="not_over"):
        await city.closing.freeze(202611, by="zhao")
    first = await city.closing.freeze(MONTH, by="zhao")
    with pytest.raises(AssessmentRefused, match="reason"):
        await city.closing.freeze(MONTH, by="zhao", reason="  ")
    city.clock.now += 60
    second = await city.closing.freeze(MONTH, by="qian", reason="申诉集中裁定后重算")
    assert [one.version for one in await city.desk.months.versions(MONTH)] == [2, 1]
    kept = await city.desk.months.get(MONTH, 1)
    assert kept is not None and kept.made_at == first.made_at < second.made_at
    async with city.engine.connect() as connection:
        lines = (await connection.execute(select(audit.c.who, audit.c.what, audit.c.target))).all()
    assert [tuple(line) for line in lines] == [
        ("zhao", "assessment_frozen", "202610-1"), ("qian", "assessment_frozen", "202610-2"),
    ]  # fmt: skip


async def test_a_frozen_month_that_somebody_changed_is_not_shown(city: City) -> None:
    await october(city)
    await city.closing.freeze(MONTH, by="zhao")
    async with city.engine.begin() as connection:
        await connection.execute(update(assessment_months).values(data=assessment_months.c.data + " "))
    with pytest.raises(MonthDamaged):
        await AssessmentMonths(city.engine).get(MONTH, 1)


async def test_last_month_is_frozen_by_itself_at_the_end_of_the_third_working_day(city: City) -> None:
    await october(city)
    closes = city.closing.closes_at(MONTH)
    assert closes == at(4, 17.5, month=11)  # Monday 2, Tuesday 3, Wednesday 4 November
    city.clock.now = closes - 1
    assert await city.closing.look() is None
    city.clock.now = closes
    frozen = await city.closing.look()
    assert frozen is not None and (frozen.month, frozen.version, frozen.made_by) == (MONTH, 1, "system")
    assert await city.closing.look() is None


async def test_months_in_a_row_are_told_frozen_where_they_are(city: City) -> None:
    await october(city)
    await city.closing.freeze(MONTH, by="zhao")
    found = await city.desk.trend(202611, 3, TOP, BOSS)
    assert [month for month, _ in found] == [202609, 202610, 202611]
    assert [row.figures["sent"][0] for _, row in found] == [0, 3, 0]


async def test_a_day_that_is_over_is_counted_again_when_one_of_its_marks_changes(city: City) -> None:
    await october(city)
    assert (await city.figures(LEAD))["bad_rate"] == (1, 2)
    await city.go("o2", good(at(4, 10, month=11)))  # the newest rating of a round counts
    assert (await city.figures(LEAD))["bad_rate"] == (0, 1)
    assert (await city.figures(LEAD))["solved_rate"] == (1, 1)


async def test_marks_are_made_anew_from_events(city: City) -> None:
    await october(city)
    before = await kept(city.engine)
    async with city.engine.begin() as connection:
        await connection.execute(delete(order_marks).where(order_marks.c.order_id != "o3"))
    looked: list[int] = []
    assert await rebuild(city.engine, clock=city.clock, zone=CHINA, told=looked.append) == 2
    assert await kept(city.engine) == before and looked == [3]
    assert await rebuild(city.engine, clock=city.clock, zone=CHINA) == 0


async def test_what_is_made_anew_in_a_frozen_month_is_a_correction_of_it(city: City) -> None:
    await october(city)
    frozen = await city.closing.freeze(MONTH, by="zhao")
    async with city.engine.begin() as connection:
        mine = (order_marks.c.order_id == "o2") & (order_marks.c.key == "rated:1")
        await connection.execute(update(order_marks).where(mine).values(score=0))
        await connection.execute(delete(order_marks).where(order_marks.c.order_id == "o3"))
    city.clock.now += 60
    assert await rebuild(city.engine, clock=city.clock, zone=CHINA) == 2
    _, found = await city.desk.months.corrections(frozen, page=1, size=50)
    (rated,) = [one for one in found if one.order_id == "o2"]
    assert (rated.event, rated.by, rated.key) == ("Rebuilt", "system", "rated:1")
    assert rated.old is not None and rated.new is not None
    assert (rated.old.score, rated.new.score) == (0, 1)
    assert {one.order_id for one in found} == {"o2", "o3"}
    assert all(one.old is None for one in found if one.order_id == "o3")


async def test_an_order_from_before_there_were_marks_gets_all_of_them_with_its_next_event(city: City) -> None:
    await october(city)
    before = await kept(city.engine)
    async with city.engine.begin() as connection:
        await connection.execute(delete(order_marks).where(order_marks.c.order_id == "o1"))
    await city.go("o1", (happened.OrderClosed(by=CLERK), at(4, 10, month=11)))
    after = await kept(city.engine)
    assert {place: mark for place, mark in after.items() if place[1] != "finished:1"} == before


def later(event: CourseEvent, by: float) -> CourseEvent:
    """The event with all times in it so much later."""
    more: dict[str, Any] = {}
    for name in ("clocks", "clock", "due", "near_at"):
        value = getattr(event, name, None)
        if isinstance(value, tuple):
            more[name] = tuple(moved(one, by) for one in value)
        elif isinstance(value, Clock):
            more[name] = moved(value, by)
        elif value is not None:
            more[name] = value + by
    return replace(event, **more)


def moved(one: Clock, by: float) -> Clock:
    return replace(one, started=one.started + by, near_at=one.near_at + by, due=one.due + by)


async def kept(engine: AsyncEngine) -> dict[tuple[str, str], Mark]:
    async with engine.connect() as connection:
        rows = await connection.execute(select(order_marks))
        return {(row.order_id, row.key): mark_of(row) for row in rows}


@given(some=st.lists(lives(steps=15), min_size=1, max_size=3))
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_tables_say_what_events_say(
    tmp_path_factory: pytest.TempPathFactory, some: list[tuple[tuple[CourseEvent, float], ...]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("random")
    engine = open_engine(f"sqlite:///{folder / 'hotline.sqlite'}")
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        city, shift = City(engine), at(1)
        for number, life in enumerate(some):
            moved = [(later(event, shift), when + shift) for event, when in life]
            await city.order(f"r{number}", *moved, begin=shift + 1000.0)
        expected: dict[tuple[str, str], Mark] = {}
        for number in range(len(some)):
            recorded = await city.store.events(f"r{number}")
            marks = marks_of((one.event, one.at) for one in recorded)
            expected.update({(f"r{number}", key): mark for key, mark in marks.items()})
        assert await kept(engine) == expected
        now = shift + 80 * DAY
        days = Days(20260901, 20270228)
        pace = WorkedTime(load_workdays(), 0.0 + shift - 200 * DAY, now)
        told = tally(
            expected.values(),
            since=at(1, 0, 9),
            until=at(28, 24, 2) + 365 * DAY,
            now=now,
            worked=pace.seconds,
        )
        log = AssessmentLog(engine, load_workdays)
        for _ in range(2):  # counted, and out of what was kept
            found = await log.tallies(days, Grouping.UNIT, now=now)
            assert {unit: (one.counts, one.ms) for unit, one in found.items()} == {
                unit: (one.counts, one.ms) for unit, one in told.items()
            }
    finally:
        await engine.dispose()
