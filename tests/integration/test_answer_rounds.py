"""From the answer to the end by itself: visits, ratings, redo, closing, archiving, on a clock of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.answer_rounds import AnswerRounds
from cti.database import open_engine
from cti.messages import Role
from cti.ports import Person
from orders.answer_policy import AnswerPolicy, VisitBy, VisitRule
from orders.answer_steps import Step, Unasked, due_step
from orders.course_events import (
    AppealRaised,
    AppealRuled,
    FeedbackReviewed,
    OrderClosed,
    OrderRated,
    RedoOrdered,
    VisitPlanned,
)
from orders.course_messages import SYSTEM, Checked, Clock, ClockKind, Course, CourseState, Solved, Supervision
from orders.dispatch_queues import ClerkQueue
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted, VisitRecorded
from orders.visit_policy import Result
from orders.visits import Answers, VisitState, dialled, noted, over, picked_up, unreached
from tests.support.casework import Loop, loop_over
from tests.support.courses import CLERK, LEAD, dispatched, fed_back, signed
from tests.support.damaged import damage
from tests.support.web import Clock as Now

pytestmark = pytest.mark.integration

NOON = 1_795_320_000.0  # 2026-11-22 12:00 in China, a Sunday
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NUMBER = "13800004001"


class World:
    """Orders with answers, the rounds, and a citizen who can be visited."""

    def __init__(self, loop: Loop, now: Now, engine: AsyncEngine) -> None:
        self.loop = loop
        self.now = now
        self.engine = engine
        self.rounds = loop.citizens.rounds

    async def reviewed(self, name: str = "o1", *, number: str = NUMBER, **fields: str) -> str:
        """An order whose answer passed review just now."""
        await self.accepted(name, number=number, **fields)
        await self.answered_again(name)
        return name

    async def accepted(self, name: str, *, number: str = NUMBER, **fields: str) -> None:
        given = {"type": "投诉", "category": "噪音", "summary": "夜间施工", **fields}
        events: list[OrderEvent] = [DraftOpened(order_id=name, call_id=f"call-{name}", caller=number)]
        events += [FieldEdited(field=field, value=value, agent="li") for field, value in given.items()]
        events.append(OrderSubmitted(agent="li"))
        await self.loop.store.create(events, order_id=name, event_id=f"made:{name}")
        await self.loop.store.apply(name, dispatched())

    async def answered_again(self, name: str) -> None:
        for event in (signed(), fed_back(), self.review()):
            await self.loop.store.apply(name, event)

    def review(self) -> FeedbackReviewed:
        items = self.loop.policy.rules.answers.checklist
        checked = tuple(Checked(item=one.item, ok=True) for one in items)
        return FeedbackReviewed(passed=True, checklist=checked, by=CLERK)

    async def later(self, seconds: float) -> int:
        """So much later the rounds look; how many steps they made."""
        self.now.now += seconds
        made = await self.rounds.look()
        await self.loop.visits.delivered()
        return made

    async def course(self, name: str = "o1") -> Course:
        course = (await self.loop.store.get(name)).draft.course
        assert course is not None
        return course

    async def state(self, name: str = "o1") -> CourseState:
        return (await self.course(name)).state

    async def rate(self, name: str = "o1", *, result: int, solved: Solved | None = None) -> None:
        event = OrderRated(result=result, service=None, solved=solved, bad=False, by=SYSTEM)
        await self.loop.store.apply(name, event)

    async def talks(self, name: str, *answers: Answers) -> str:
        """The robot calls and is answered these, one after the other; the visit's id."""
        visits = self.loop.visits
        kept = (await visits.store.of_orders([name]))[name][-1].visit
        visit = replace(kept, state=VisitState.DUE)
        visit = picked_up(dialled(visit, "c1", self.now()), "c1", self.now())
        for said in answers:
            visit = noted(visit, said, self.now())
            visits.visits.book.keep("noted", visit)
            visits.visits.record(visit)
        visits.visits.book.keep("over", over(visit, visits.policy, self.now()))
        await visits.delivered()
        return visit.visit_id

    async def events(self, name: str, kind: type[OrderEvent]) -> list[OrderEvent]:
        return [one.event for one in await self.loop.store.events(name) if isinstance(one.event, kind)]

    def rules(self, policy: AnswerPolicy) -> None:
        self.loop.policy.rules = replace(self.loop.policy.rules, answers=policy)

    @property
    def policy(self) -> AnswerPolicy:
        return self.loop.policy.rules.answers


@pytest_asyncio.fixture
async def world(migrated_url: str, tmp_path: Path) -> AsyncIterator[World]:
    engine = open_engine(migrated_url)
    now = Now(NOON)
    yield World(loop_over(engine, tmp_path, clock=now), now, engine)
    await engine.dispose()


async def test_an_hour_after_the_answer_a_visit_is_planned_once(world: World) -> None:
    await world.reviewed()
    assert await world.later(59 * MINUTE) == 0
    assert await world.later(MINUTE) == 1
    course = await world.course()
    assert (course.state, course.visit_id) == (CourseState.VISITING, "v1-o1")
    (visit,) = (await world.loop.visits.store.of_orders(["o1"]))["o1"]
    assert (visit.visit.number, visit.visit.by) == (NUMBER, SYSTEM)
    assert await world.later(MINUTE) == 0
    assert len(await world.events("o1", VisitPlanned)) == 1


async def test_a_visit_that_was_planned_before_the_server_died_is_the_orders_visit(world: World) -> None:
    await world.reviewed()
    world.now.now += HOUR
    planned = await world.loop.visits.desk.plan(["o1"], after=None, by=SYSTEM)  # and the event is lost
    await world.loop.visits.delivered()
    await world.later(MINUTE)
    assert (await world.course()).visit_id == planned.visits[0].visit_id
    assert len((await world.loop.visits.store.of_orders(["o1"]))["o1"]) == 1


async def test_an_order_that_cannot_be_read_keeps_no_other_from_being_asked_about(world: World) -> None:
    await world.reviewed("o0")
    await world.reviewed("o1")
    await damage(world.engine, "o0")
    assert await world.later(HOUR) == 1
    assert (await world.course()).state is CourseState.VISITING
    assert world.loop.store.unreadable.ids == ("o0",)


async def test_two_servers_that_look_at_once_make_each_step_once(world: World) -> None:
    other = AnswerRounds(
        world.engine,
        world.loop.store,
        policy=lambda: world.policy,
        planner=world.loop.visits.desk,
        visits_of=world.loop.visits.store.of_orders,
        robot=True,
        leads=lambda: True,
        clock=world.now,
    )
    await world.reviewed()
    await world.rate(result=1)
    world.now.now += HOUR
    page = await other._page(CourseState.RATED, world.now())
    assert await world.rounds.look() == 1
    for order in page:  # read before the first one wrote
        assert order.draft.course is not None
        step = due_step(order.draft.course, world.policy, world.now())
        assert step is Step.REDO
        await other._take(step, order, order.draft.course, world.policy)
    assert len(await world.events("o1", RedoOrdered)) == 1


@pytest.mark.parametrize(
    ("number", "fields", "why"),
    [
        (NUMBER, {"contact_by": "仅文字"}, "text_only"),
        ("anonymous", {}, "no_number"),
        (NUMBER, {"secrecy": "保密"}, "confidential"),
    ],
)
async def test_who_cannot_be_called_waits_for_a_person_and_is_closed_with_the_reason(
    world: World, number: str, fields: dict[str, str], why: str
) -> None:
    await world.reviewed(number=number, **fields)
    await world.later(HOUR)
    course = await world.course()
    assert (course.state, course.visit_id) == (CourseState.VISITING, f"{why}-1-o1")
    assert not await world.loop.visits.store.of_orders(["o1"])
    assert await world.later(6 * DAY) == 0
    await world.later(DAY)
    (closed,) = await world.events("o1", OrderClosed)
    assert isinstance(closed, OrderClosed)
    assert closed.by == SYSTEM
    assert {"text_only": "仅以文字", "no_number": "未留", "confidential": "保密"}[why] in closed.reason


async def test_what_the_robot_is_told_rates_the_order_word_by_word(world: World) -> None:
    await world.reviewed()
    await world.later(HOUR)
    await world.talks(
        "o1",
        Answers(solved=Solved.YES),
        Answers(satisfaction=5),
        Answers(service=4),
    )
    course = await world.course()
    assert course.rating is not None
    assert course.state is CourseState.RATED
    assert (course.rating.solved, course.rating.result, course.rating.service) == (Solved.YES, 5, 4)
    assert not course.rating.bad
    assert len(await world.events("o1", OrderRated)) == 3
    assert await world.later(DAY - MINUTE) == 0
    await world.later(MINUTE)
    assert await world.state() is CourseState.CLOSED
    assert await world.later(89 * DAY) == 0
    await world.later(DAY)
    assert await world.state() is CourseState.ARCHIVED


async def test_bad_service_alone_is_a_bad_rating(world: World) -> None:
    await world.reviewed()
    await world.later(HOUR)
    await world.talks("o1", Answers(solved=Solved.YES, satisfaction=4), Answers(service=1))
    rating = (await world.course()).rating
    assert rating is not None
    assert rating.bad


async def test_a_bad_rating_is_redone_once_by_itself_and_then_waits_for_a_person(world: World) -> None:
    await world.reviewed()
    await world.later(HOUR)
    await world.talks("o1", Answers(solved=Solved.NO))
    assert await world.later(9 * MINUTE) == 0  # the citizen may still be speaking
    assert await world.later(MINUTE) == 1
    course = await world.course()
    assert (course.state, course.round, course.lead) == (CourseState.REDO, 2, LEAD)
    resolve = clock_of(course, ClockKind.RESOLVE)
    assert resolve.started == world.now()
    assert resolve.due > world.now()
    await world.answered_again("o1")
    await world.later(HOUR)
    assert (await world.course()).visit_id == "v2-o1"
    await world.talks("o1", Answers(solved=Solved.NO, satisfaction=1))
    assert await world.later(DAY) == 0
    course = await world.course()
    assert (course.state, course.round, course.bad_ratings) == (CourseState.RATED, 2, 2)
    assert course.supervision is not Supervision.NONE
    assert len(await world.events("o1", RedoOrdered)) == 1


async def test_a_rating_that_is_mended_in_time_is_not_redone(world: World) -> None:
    await world.reviewed()
    await world.later(HOUR)
    visit_id = await world.talks("o1", Answers(satisfaction=1))
    await world.loop.visits.desk.settle(visit_id, Answers(satisfaction=5), "zhao")
    await world.loop.visits.delivered()
    assert await world.later(HOUR) == 0
    course = await world.course()
    assert course.rating is not None
    assert (course.state, course.rating.result, course.rating.by) == (CourseState.RATED, 5, "zhao")


async def test_the_robot_does_not_change_what_a_person_wrote_down(world: World) -> None:
    await world.reviewed()
    await world.later(HOUR)
    await world.loop.store.apply(
        "o1", OrderRated(result=5, service=5, solved=Solved.YES, bad=False, by="zhao")
    )
    await world.talks("o1", Answers(solved=Solved.NO))
    course = await world.course()
    assert course.rating is not None
    assert (course.rating.by, course.rating.bad) == ("zhao", False)


async def test_a_late_answer_opens_a_closed_order_again(world: World) -> None:
    await world.reviewed()
    await world.later(HOUR)
    await world.loop.store.apply("o1", OrderClosed(reason="市民要求", by=CLERK))
    await world.talks("o1", Answers(solved=Solved.NO))
    assert await world.state() is CourseState.RATED
    await world.later(HOUR)
    assert await world.state() is CourseState.REDO


async def test_an_old_visit_that_is_put_right_does_not_rate_the_answer_of_the_redo(world: World) -> None:
    await world.reviewed()
    await world.later(HOUR)
    old = await world.talks("o1", Answers(solved=Solved.NO))
    await world.later(HOUR)
    world.now.now += HOUR
    await world.answered_again("o1")
    await world.loop.visits.desk.settle(old, Answers(satisfaction=2), "zhao")
    await world.loop.visits.delivered()
    course = await world.course()
    assert course.state is CourseState.REVIEWED
    assert len(await world.events("o1", VisitRecorded)) == 2


async def test_who_was_never_reached_has_the_order_closed_with_the_reason(world: World) -> None:
    await world.reviewed()
    await world.later(HOUR)
    assert await world.later(8 * DAY) == 0  # the robot has not given up yet
    book = world.loop.visits.visits.book
    kept = (await world.loop.visits.store.of_orders(["o1"]))["o1"][-1].visit
    visit = dialled(replace(kept, state=VisitState.DUE), "c9", world.now())
    book.keep("unreached", unreached(visit, Result.UNREACHABLE, world.loop.visits.policy, world.now()))
    await world.loop.visits.delivered()
    assert await world.later(MINUTE) == 1
    (closed,) = await world.events("o1", OrderClosed)
    assert isinstance(closed, OrderClosed)
    assert "未联系上" in closed.reason


async def test_a_rating_against_which_an_appeal_was_upheld_does_not_count_as_bad(world: World) -> None:
    await world.reviewed()
    await world.rate(result=1)
    await world.loop.store.apply("o1", AppealRaised(unit=LEAD, reason="诉求不合理", by="li"))
    assert await world.later(HOUR) == 0  # while the appeal is looked at nothing is redone
    await world.loop.store.apply("o1", AppealRuled(upheld=True, reason="属实", by="zhang"))
    await world.later(DAY)
    assert await world.state() is CourseState.CLOSED


async def test_where_people_ask_nobody_is_visited_by_the_robot(world: World) -> None:
    world.rules(replace(world.policy, visit=VisitRule(by=VisitBy.NOBODY)))
    await world.reviewed()
    assert await world.later(6 * DAY) == 0
    await world.later(DAY)
    assert await world.state() is CourseState.CLOSED


async def test_every_order_comes_to_its_turn_however_many_wait_for_people(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.casework.answer_rounds.AT_ONCE", 2)
    world.rules(replace(world.policy, redo=replace(world.policy.redo, times=0)))
    for place in range(5):
        await world.reviewed(f"o{place}")
        await world.rate(f"o{place}", result=1 if place < 4 else 5)
        world.now.now += 1.0
    made = await world.later(DAY)
    for _ in range(3):
        made += await world.later(5.0)
    assert made == 1
    assert await world.state("o4") is CourseState.CLOSED


def clock_of(course: Course, kind: ClockKind) -> Clock:
    (found,) = [clock for clock in course.clocks if clock.kind is kind and not clock.unit]
    return found


WANG = Person(login="wang", name="王", role=Role.CLERK)


async def test_people_see_whom_they_have_to_ask_why_and_until_when(world: World) -> None:
    await world.reviewed("secret", secrecy="保密")
    await world.reviewed("open")
    assert await world.later(HOUR) == 2
    work = world.loop.casework.visit_work
    total, (first,) = await work.page(WANG, page=1, size=20)
    assert (total, first.order.draft.order_id, first.why) == (1, "secret", Unasked.CONFIDENTIAL)
    assert first.closes_at == NOON + 7 * DAY
    assert await work.count(WANG) == 1
    await world.rate("secret", result=5)
    assert await work.page(WANG, page=1, size=20) == (0, ())


async def test_what_is_rated_badly_after_its_redo_is_in_the_list_of_decisions(world: World) -> None:
    await world.reviewed()
    await world.rate(result=1)
    assert await world.later(20 * MINUTE) == 1
    desk = world.loop.casework.dispatch.desk
    assert (await desk.counts(WANG))[ClerkQueue.TO_DECIDE].total == 0
    await world.answered_again("o1")
    await world.rate(result=1)
    assert await world.later(DAY) == 0
    page = await desk.page(ClerkQueue.TO_DECIDE, WANG, page=1, size=20)
    assert (page.total, [order.draft.order_id for order in page.orders]) == (1, ["o1"])
    assert (await desk.counts(WANG))[ClerkQueue.TO_DECIDE].total == 1
