"""Topics, themes and repeated matters out of a real database."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.parts import shipped_policy
from cti.casework.repeat_rounds import RepeatRounds
from cti.casework.topic_desk import TopicDesk
from cti.control.orderfront import OrderFront
from cti.database import MIGRATIONS, migrate, open_engine
from orders.course_events import AppealRaised, AppealRuled, OrderDispatched, OrderRated, OrderWithdrawn
from orders.course_messages import CourseState, Supervision
from orders.errors import CourseRefused
from orders.messages import (
    Channel,
    DraftOpened,
    FieldEdited,
    OrderEvent,
    OrderSubmitted,
    Solved,
    VisitRecorded,
)
from orders.records import Order, OrderFilter
from orders.repeats import Repeats
from orders.store import OrderStore
from orders.tables import orders
from orders.themes import ThemeClosed, UnknownTheme
from orders.topic_load import TopicLog
from orders.topics import ALL, Level, TopicPolicy
from tests.support.control import World
from tests.support.courses import ANSWERED, LEAD
from tests.support.damaged import damage

pytestmark = pytest.mark.integration

CHINA = ZoneInfo("Asia/Shanghai")
DAY = 86_400.0
NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=CHINA).timestamp()
WATER = "城乡建设/供水/停水"


@dataclass
class City:
    engine: AsyncEngine
    store: OrderStore
    clock: list[float]
    orders: int = 0

    async def reports(
        self, *, at: float, caller: str = "13800000001", place: str = "阳光花园", category: str = WATER
    ) -> Order:
        self.orders += 1
        order_id, self.clock[0] = f"o{self.orders}", at
        values = {
            "type": "投诉",
            "category": category,
            "district": "城东区",
            "place": place,
            "summary": "停水",
        }
        events: list[OrderEvent] = [
            DraftOpened(order_id=order_id, call_id="", caller=caller),
            *(FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()),
            OrderSubmitted(agent="chen"),
        ]
        return await self.store.create(events, order_id=order_id, event_id=f"new:{order_id}")


@pytest_asyncio.fixture
async def city(database_url: str) -> AsyncIterator[City]:
    await migrate(database_url)
    engine = open_engine(database_url)
    clock = [NOW]
    yield City(engine, OrderStore(engine, clock=lambda: clock[0], policy=shipped_policy()), clock)
    await engine.dispose()


async def test_days_are_chinas_days_whatever_the_database(city: City) -> None:
    midnight = datetime.datetime(2026, 11, 22, tzinfo=CHINA).timestamp()
    for at in (midnight - 1, midnight, midnight + 1):
        await city.reports(at=at)
    city.clock[0] = NOW
    view = await TopicDesk(city.engine, clock=lambda: NOW).topics(TopicPolicy())
    whole = next(one for one in view.topics if one.district == ALL)
    assert whole.trend[-2:] == (1, 2)
    assert (whole.category, whole.orders, whole.level) == ("城乡建设/供水", 3, Level.USUAL)


async def test_the_same_matter_again_at_one_place_or_from_one_citizen_is_found(city: City) -> None:
    await city.reports(at=NOW - 5 * DAY, caller="13800000009")  # at the same place
    await city.reports(at=NOW - 4 * DAY, place="别处")  # by the same citizen
    await city.reports(at=NOW - 3 * DAY, category="环境保护/噪声")  # another matter
    await city.reports(at=NOW - 2 * DAY, caller="13800000008", place="")  # nothing in common
    await city.reports(at=NOW - 100 * DAY)  # too long ago
    newest = await city.reports(at=NOW)
    found = await Repeats(city.engine).earlier(newest)
    assert [(one.same_citizen, one.same_place) for one in found] == [(True, False), (False, True)]


async def test_the_third_report_is_raised_once_whoever_looks(city: City) -> None:
    for ago in (2, 1):
        await city.reports(at=NOW - ago * DAY, caller=f"1380000000{ago}")
    newest = await city.reports(at=NOW)
    city.clock[0] = NOW
    looking = [
        RepeatRounds(city.engine, city.store, shipped_policy(), leads=lambda: True, clock=lambda: NOW)
        for _ in range(2)
    ]
    assert [await one.look() for one in looking] == [1, 0]
    order = await city.store.get(newest.draft.order_id)
    assert order.draft.course is not None and order.draft.course.supervision is Supervision.RAISED
    assert sum(type(one.event).__name__ == "SupervisionSet" for one in await city.store.events("o3")) == 1


async def test_a_form_that_waited_the_night_to_be_accepted_is_raised_over_a_restart(city: City) -> None:
    def rounds() -> RepeatRounds:
        return RepeatRounds(
            city.engine, city.store, shipped_policy(), leads=lambda: True, clock=lambda: city.clock[0]
        )

    evening = NOW - 16 * 3600  # 20:00
    for ago in (2, 1):
        await city.reports(at=NOW - ago * DAY - 12 * 3600, caller=f"1380000000{ago}")
    city.clock[0] = evening
    fields = {"type": "投诉", "category": WATER, "district": "城东区", "place": "阳光花园", "summary": "停水"}
    await city.store.create(
        [
            DraftOpened(order_id="form", call_id="", caller="13800000007", channel=Channel.WEB),
            *(FieldEdited(field=name, value=value, agent="chen") for name, value in fields.items()),
        ],
        order_id="form",
        event_id="form",
    )
    assert await rounds().look() == 0
    city.clock[0] = NOW - 3.5 * 3600  # 08:30
    await city.store.submit("form", "chen", "accept")
    after = rounds()  # the server was started anew
    assert (await after.look(), await after.look(), await rounds().look()) == (1, 0, 0)
    order = await city.store.get("form")
    assert order.draft.course is not None and order.draft.course.supervision is Supervision.RAISED


async def test_what_was_accepted_weeks_ago_is_not_raised_when_it_changes(city: City) -> None:
    rounds = RepeatRounds(
        city.engine, city.store, shipped_policy(), leads=lambda: True, clock=lambda: city.clock[0]
    )
    city.clock[0] = NOW - 40 * DAY
    assert await rounds.look() == 0
    for ago in (39, 38):
        await city.reports(at=NOW - ago * DAY)
    order = await city.reports(at=NOW - 37 * DAY)
    city.clock[0] = NOW
    await city.store.apply(order.draft.order_id, OrderDispatched(lead="市水务局", source="clerk", by="wang"))
    assert await rounds.look() == 0


async def test_an_order_that_cannot_be_read_keeps_no_other_from_being_raised(city: City) -> None:
    for ago in (3, 2, 1):
        await city.reports(at=NOW - ago * 60)
    damaged = await city.reports(at=NOW - 30)
    await damage(city.engine, damaged.draft.order_id)
    city.clock[0] = NOW
    rounds = RepeatRounds(city.engine, city.store, shipped_policy(), leads=lambda: True, clock=lambda: NOW)
    assert await rounds.look() == 1
    assert city.store.unreadable.ids == (damaged.draft.order_id,)


async def test_an_accepted_order_merged_into_another_waits_for_its_answer_and_can_be_taken_out(
    city: City,
) -> None:
    one, two = await city.reports(at=NOW - 60), await city.reports(at=NOW, caller="13800000002")
    front = OrderFront(city.store, World().orders, clock=lambda: NOW)
    merged = await front.merge(two.draft.order_id, one.draft.order_id, agent="wang")
    assert merged.draft.course is not None and merged.draft.course.state is CourseState.MERGED
    first = await city.store.get(one.draft.order_id)
    assert [link.caller for link in first.draft.links] == ["13800000002"]
    again = await front.undo_merge(two.draft.order_id, agent="wang")
    assert again.draft.course is not None and again.draft.course.state is CourseState.ACCEPTED
    assert (await city.store.get(one.draft.order_id)).draft.links == ()


async def test_nobody_is_merged_into_an_order_that_is_over(city: City) -> None:
    one, two = await city.reports(at=NOW - 60), await city.reports(at=NOW)
    await city.store.apply(one.draft.order_id, OrderWithdrawn(reason="误报", by="wang"))
    front = OrderFront(city.store, World().orders, clock=lambda: NOW)
    with pytest.raises(CourseRefused):
        await front.merge(two.draft.order_id, one.draft.order_id, agent="wang")
    course = (await city.store.get(two.draft.order_id)).draft.course
    assert course is not None and course.state is CourseState.ACCEPTED


async def test_a_theme_shows_its_matter_month_by_month(city: City) -> None:
    october = datetime.datetime(2026, 10, 31, 23, 59, tzinfo=CHINA).timestamp()
    await city.reports(at=october)
    order = await city.reports(at=october + 120)
    await city.reports(at=NOW, category="环境保护/噪声")
    said = VisitRecorded(visit_id="v1", call_id="", by="robot", solved=Solved.YES, satisfaction=5)
    await city.store.apply(order.draft.order_id, said, at=NOW)
    desk = TopicDesk(city.engine, clock=lambda: NOW)
    theme = await desk.themes.begin(
        month="2026-11", title="老旧小区供水", category="城乡建设/供水", district="", lead="水务局",
        goal="停水提前告知", by="wang",
    )  # fmt: skip
    months = {one.month: one for one in (await desk.report(theme.theme_id)).months}
    assert (months["2026-10"].orders, months["2026-11"].orders, len(months)) == (1, 1, 12)
    assert (months["2026-11"].asked, months["2026-11"].solved, months["2026-11"].satisfied) == (1, 1, 1)
    closed = await desk.themes.close(theme.theme_id, result="已改造12处")
    assert (closed.result, closed.closed_at) == ("已改造12处", NOW)
    with pytest.raises(ThemeClosed):
        await desk.themes.close(theme.theme_id, result="别的结果")
    assert (await desk.themes.get(theme.theme_id)).result == "已改造12处"
    with pytest.raises(UnknownTheme):
        await desk.themes.close("none", result="x")


async def test_a_theme_counts_what_citizens_say_in_any_way_and_not_what_an_appeal_has_undone(
    city: City,
) -> None:
    async def figures() -> tuple[int, int, int, int]:
        (one,) = await TopicLog(city.engine).months("城乡建设", "", ("2026-11",))
        return one.asked, one.solved, one.rated, one.satisfied

    order_id = (await city.reports(at=NOW - DAY)).draft.order_id
    plain = OrderStore(city.engine, clock=lambda: NOW)  # without rules about what a review has to say
    for event in ANSWERED:
        await plain.apply(order_id, event)
    for by in ("chen", "system"):  # a clerk writes down what the citizen said; the citizen writes on the page
        await plain.apply(order_id, OrderRated(result=5, service=4, solved=Solved.YES, bad=False, by=by))
        assert await figures() == (1, 1, 1, 1)
    bad = OrderRated(result=1, service=1, solved=Solved.NO, bad=True, by="system")
    await plain.apply(order_id, bad)
    assert await figures() == (1, 0, 1, 0)
    unsolved = await city.store.list(OrderFilter(solved=Solved.NO))
    assert [one.draft.order_id for one in unsolved.orders] == [order_id]
    await plain.apply(order_id, AppealRaised(unit=LEAD, reason="非本单位原因", by="li"))
    await plain.apply(order_id, AppealRuled(upheld=True, reason="属实", by="wang"))
    assert await figures() == (0, 0, 0, 0)
    assert (await city.store.list(OrderFilter(solved=Solved.NO))).orders == ()


async def test_an_update_brings_ratings_of_before_into_the_list_and_stumbles_over_no_damaged_row(
    city: City,
) -> None:
    ids = [(await city.reports(at=NOW - DAY)).draft.order_id for _ in range(2)]
    plain = OrderStore(city.engine, clock=lambda: NOW)
    said = OrderRated(result=2, service=4, solved=Solved.NO, bad=True, by="chen")
    for order_id in ids:
        for event in (*ANSWERED, said):
            await plain.apply(order_id, event)

    def step_back(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0037")

    async with city.engine.begin() as connection:
        await connection.run_sync(step_back)
        await connection.execute(update(orders).values(solved="", satisfaction=None))
        torn = '{"rating":{"resu'
        await connection.execute(update(orders).where(orders.c.id == ids[0]).values(course_json=torn))
    await migrate(city.engine.url.render_as_string(hide_password=False))
    async with city.engine.connect() as connection:
        rows = await connection.execute(select(orders.c.solved, orders.c.satisfaction).order_by(orders.c.id))
        assert [tuple(row) for row in rows] == [("", None), ("no", 2)]
