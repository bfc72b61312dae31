"""Policy asked in the transaction of what happens: clocks, supervision and ratings, however it came."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.parts import shipped_policy
from cti.database import open_engine
from orders import course_events as happened
from orders.course_clocks import found
from orders.course_messages import (
    SYSTEM,
    Checked,
    ClockKind,
    CorrectionCause,
    Course,
    CourseState,
    Outcome,
    Solved,
    Supervision,
)
from orders.errors import CourseRefused, ValueRefused
from orders.lifecycle import replay
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted, VisitRecorded
from orders.records import Order, OrderFilter
from orders.store import OrderStore
from orders.tables import metadata

pytestmark = pytest.mark.integration

MONDAY = datetime.datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
HOUR = 3600.0
K = ClockKind


class Book:
    """One order whose clock the test moves."""

    def __init__(self, store: OrderStore, clock: list[float]) -> None:
        self.store = store
        self._clock = clock

    async def accepted(self, **fields: str) -> Course:
        values = {"type": "求助", "category": "城乡建设/供水", "summary": "停水两天", **fields}
        edits = [FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()]
        opened = DraftOpened(order_id="o1", call_id="", caller="13800000001")
        events: list[OrderEvent] = [opened, *edits, OrderSubmitted(agent="chen")]
        order = await self.store.create(events, order_id="o1", event_id="new:o1")
        return _course(order)

    async def happens(self, event: OrderEvent, *, later: float = 0.0) -> Course:
        self._clock[0] += later
        return _course(await self.store.apply("o1", event))

    async def until_answered(self) -> Course:
        await self.accepted()
        await self.happens(happened.OrderDispatched(lead="水务局", source="clerk", by="wang"), later=HOUR)
        await self.happens(happened.OrderSigned(unit="水务局", by="li"), later=HOUR)
        await self.happens(happened.FedBack(unit="水务局", text="已恢复供水", outcome=Outcome.DONE, by="li"))
        items = shipped_policy().rules.answers.checklist
        lines = tuple(Checked(item=one.item, ok=True) for one in items)
        return await self.happens(happened.FeedbackReviewed(passed=True, checklist=lines, by="wang"))


def _course(order: Order) -> Course:
    assert order.draft.course is not None
    return order.draft.course


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def book(engine: AsyncEngine) -> Book:
    clock = [MONDAY]
    return Book(OrderStore(engine, clock=lambda: clock[0], policy=shipped_policy()), clock)


async def test_an_accepted_order_has_its_time_limits_from_its_first_moment(book: Book) -> None:
    course = await book.accepted()
    dispatch = found(course, K.DISPATCH)
    assert dispatch is not None and dispatch.started == MONDAY
    history = await book.store.events("o1")
    assert [type(one.event).__name__ for one in history[-2:]] == ["OrderSubmitted", "ClocksSet"]
    assert history[-1].actor == SYSTEM and history[-1].at == history[-2].at


async def test_the_same_order_sent_again_is_not_made_twice(book: Book) -> None:
    first = await book.accepted()
    assert await book.accepted() == first
    assert len(await book.store.events("o1")) == 6


async def test_grave_words_raise_an_order_when_it_is_accepted(book: Book) -> None:
    course = await book.accepted(summary="工地坍塌，有人被埋")
    assert course.supervision is Supervision.RAISED


async def test_a_return_gets_the_time_within_which_it_is_ruled(book: Book) -> None:
    await book.accepted()
    await book.happens(happened.OrderDispatched(lead="水务局", source="clerk", by="wang"))
    course = await book.happens(happened.OrderReturned(unit="水务局", reason="不属本局", by="li"))
    ruling = found(course, K.RETURN)
    assert ruling is not None and ruling.due > MONDAY
    assert found(course, K.RESOLVE).paused_at == MONDAY  # type: ignore[union-attr]


async def test_an_extension_ends_where_the_calendar_says(book: Book) -> None:
    await book.accepted()
    await book.happens(happened.OrderDispatched(lead="水务局", source="clerk", by="wang"))
    before = await book.happens(happened.OrderSigned(unit="水务局", by="li"))
    await book.happens(happened.ExtensionAsked(unit="水务局", days=2, reason="须开挖", by="li"))
    after = await book.happens(happened.ExtensionRuled(granted=True, reason="同意", by="wang"))
    old, new = found(before, K.RESOLVE), found(after, K.RESOLVE)
    assert old is not None and new is not None and new.due > old.due and after.extended == (2,)


async def test_people_do_not_pause_a_clock_that_the_rules_keep_running(book: Book) -> None:
    await book.accepted(type="咨询")
    await book.happens(happened.OrderDispatched(lead="水务局", source="clerk", by="wang"))
    with pytest.raises(CourseRefused, match="does not let people pause"):
        await book.happens(happened.ClockPaused(kind=K.RESOLVE, reason="等材料", by="wang"))


async def test_a_clock_paused_for_a_day_ends_a_working_day_later(book: Book) -> None:
    await book.accepted()
    before = await book.happens(happened.OrderDispatched(lead="水务局", source="clerk", by="wang"))
    await book.happens(happened.ClockPaused(kind=K.RESOLVE, reason="等材料", by="wang"))
    resumed = happened.ClockResumed(kind=K.RESOLVE, due=0.0, near_at=0.0, reason="材料已到", by="wang")
    after = await book.happens(resumed, later=24 * HOUR)
    old, new = found(before, K.RESOLVE), found(after, K.RESOLVE)
    assert old is not None and new is not None
    assert new.due == old.due + 3 * 24 * HOUR  # from Friday to Monday


async def test_a_review_goes_through_the_checklist_in_force(book: Book) -> None:
    await book.accepted()
    await book.happens(happened.OrderDispatched(lead="水务局", source="clerk", by="wang"))
    await book.happens(happened.OrderSigned(unit="水务局", by="li"))
    await book.happens(happened.FedBack(unit="水务局", text="好了", outcome=Outcome.DONE, by="li"))
    short = happened.FeedbackReviewed(passed=True, checklist=(Checked(item="看过", ok=True),), by="wang")
    with pytest.raises(ValueRefused) as caught:
        await book.happens(short)
    assert "已与市民联系" in caught.value.shown


async def test_what_the_citizen_says_on_a_visit_is_the_rating(book: Book) -> None:
    await book.until_answered()
    said = VisitRecorded(visit_id="v1", call_id="", by="robot", solved=Solved.NO, satisfaction=2)
    course = await book.happens(said, later=HOUR)
    assert course.state is CourseState.RATED
    assert course.rating is not None and course.rating.bad and course.rating.solved is Solved.NO


async def test_a_second_bad_rating_is_supervised(book: Book) -> None:
    await book.until_answered()
    await book.happens(VisitRecorded(visit_id="v1", call_id="", by="robot", solved=Solved.NO), later=HOUR)
    await book.happens(happened.RedoOrdered(reason="差评重办", clocks=(), by=SYSTEM))
    await book.happens(happened.OrderSigned(unit="水务局", by="li"), later=HOUR)
    await book.happens(happened.FedBack(unit="水务局", text="又修了", outcome=Outcome.DONE, by="li"))
    lines = tuple(Checked(item=one.item, ok=True) for one in shipped_policy().rules.answers.checklist)
    await book.happens(happened.FeedbackReviewed(passed=True, checklist=lines, by="wang"))
    course = await book.happens(
        VisitRecorded(visit_id="v2", call_id="", by="robot", solved=Solved.NO), later=HOUR
    )
    assert course.bad_ratings == 2
    assert course.supervision is not Supervision.NONE


async def test_replaying_what_policy_said_needs_no_policy(book: Book) -> None:
    course = await book.until_answered()
    history = await book.store.events("o1")
    draft = replay((one.event, one.at) for one in history)
    assert draft is not None and draft.course == course


async def test_orders_that_are_nearly_late_are_listed_apart_from_those_that_are(book: Book) -> None:
    course = await book.accepted()
    dispatch = found(course, K.DISPATCH)
    assert dispatch is not None
    for now, near, late in ((MONDAY, 0, 0), (dispatch.due - 1.0, 1, 0), (dispatch.due + 1.0, 0, 1)):
        assert (await book.store.list(OrderFilter(near_before=now, due_after=now))).total == near
        assert (await book.store.list(OrderFilter(due_before=now))).total == late


async def test_words_that_a_correction_makes_grave_raise_the_order_once(book: Book) -> None:
    await book.accepted()
    event = happened.OrderCorrected(
        changes=(happened.FieldChange(field="summary", value="工地坍塌，有人被埋"),),
        cause=CorrectionCause.CHANGED,
        reason="市民再次来电",
        by="wang",
    )
    assert (await book.happens(event)).supervision is Supervision.RAISED
    await book.happens(happened.SupervisionSet(level=Supervision.NONE, reason="已核实", by="zhang"))
    more = replace(event, changes=(happened.FieldChange(field="district", value="东城区"),))
    assert (await book.happens(more)).supervision is Supervision.NONE
    history = await book.store.events("o1")
    corrected = [one.event for one in history if isinstance(one.event, happened.OrderCorrected)]
    assert [one.changes[0].was for one in corrected] == ["停水两天", ""]
    assert replay((one.event, one.at) for one in history) == (await book.store.get("o1")).draft
