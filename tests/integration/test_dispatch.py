"""Dispatch on both engines: queues of clerks, orders that go by themselves, units that are gone, figures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.audit import trail
from cti.casework.auto_dispatch import AutoDispatcher
from cti.casework.desk import CourseDesk
from cti.casework.dispatch import DispatchDesk, Wish
from cti.casework.dispatch_policies import DispatchPolicies
from cti.casework.parts import shipped_policy
from cti.casework.sights import Sights
from cti.casework.unit_book import OrdersHeld, UnitBook
from cti.database import open_engine
from cti.messages import Role
from cti.ports import Person
from orders import course_events as happened
from orders.answer_policy import load_answer_policy
from orders.auto_dispatch import Left
from orders.course_messages import Checked, CourseState, Outcome
from orders.dispatch_figures import figures
from orders.dispatch_policy import parse_dispatch_policy
from orders.dispatch_queues import ClerkQueue, People
from orders.dispatch_store import DispatchStore, Verdict
from orders.errors import CourseConflict, CourseRefused, UnknownOrder, ValueRefused
from orders.messages import Draft, DraftOpened, FieldEdited, OrderEvent, OrderSubmitted, UnitAdvice
from orders.records import Order, OrderFilter
from orders.store import OrderStore
from orders.unit_inbox import APPEALED, InboxFilter, UnitInbox
from orders.unit_store import UnitsChanged, UnitStore
from orders.units import UnitAdvisor
from orders.unreadable import Unreadable
from tests.support.damaged import damage

pytestmark = pytest.mark.integration

NOW = 1_795_000_000.0  # in the afternoon in China
DAY = 86_400.0
CLERK = Person(login="wang", name="王", role=Role.CLERK)
OTHER_CLERK = Person(login="zhao", name="赵", role=Role.CLERK)
EAST = Person(login="qian", name="钱", role=Role.CLERK, districts=("东城区",))
UNITS = """单位名称,级别,上级单位,职责,区域
市城管局,市级,,市容；垃圾,
东城区城管局,区县,市城管局,,东城区
市水务局,市级,,供水,
"""
RULES = "category,district,street,unit,since,until\n市容环卫,东城区,,东城区城管局,,\n"
POLICY = "sampling: 1\ncategories:\n  - {category: 市容环卫, auto: true}\n"


@dataclass
class World:
    """One server's dispatch over the database."""

    engine: AsyncEngine
    folder: Path
    now: float = NOW

    def __post_init__(self) -> None:
        self.store = OrderStore(self.engine, clock=lambda: self.now, policy=shipped_policy())
        self.units = UnitStore(self.engine, clock=lambda: self.now)
        self.sights = Sights(self.units)
        self.book = UnitBook(self.engine, self.units, clock=lambda: self.now)
        self.kept = DispatchStore(self.engine, clock=lambda: self.now)
        self.desk = DispatchDesk(
            self.engine, CourseDesk(self.store, self.sights), self.sights, self.kept,
            advise=self.advise, people=lambda: People(redo_times=1), clock=lambda: self.now,
        )  # fmt: skip
        self.policies = DispatchPolicies()
        self.policies.take(parse_dispatch_policy(POLICY.encode()))

    async def advise(self, draft: Draft) -> Sequence[UnitAdvice]:
        advisor = UnitAdvisor(await self.units.units(), rules=await self.units.rules())
        fields = {name: value.value for name, value in draft.fields.items()}
        return advisor.advise(fields["category"], fields.get("district", ""), "", fields["summary"])

    def dispatcher(self, *, leads: bool = True) -> AutoDispatcher:
        return AutoDispatcher(
            self.store, self.kept, self.policies, advise=self.advise, names=self.sights.names,
            leads=lambda: leads, clock=lambda: self.now,
        )  # fmt: skip

    async def import_units(self, text: str = UNITS, *, leave_open: bool = False) -> None:
        await self.book.import_units(text, by="chen", reason="机构改革", dry_run=False, leave_open=leave_open)
        self.sights.forget()

    async def accepted(self, order_id: str, **more: str) -> Order:
        values = {
            "type": "投诉", "category": "城市管理/市容环卫", "summary": "垃圾没人清", "district": "东城区",
        } | more  # fmt: skip
        events: list[OrderEvent] = [
            DraftOpened(order_id=order_id, call_id="", caller="13800000001"),
            *(FieldEdited(field=name, value=value, agent="li") for name, value in values.items()),
            OrderSubmitted(agent="li"),
        ]
        return await self.store.create(events, order_id=order_id, event_id=f"new:{order_id}")

    async def sent(self, order_id: str, lead: str, source: str = "clerk") -> Order:
        event = happened.OrderDispatched(lead=lead, source=source, by="wang")
        return await self.store.apply(order_id, event)

    async def waiting(self, queue: ClerkQueue, person: Person = CLERK) -> list[str]:
        page = await self.desk.page(queue, person, page=1, size=20)
        return [order.draft.order_id for order in page.orders]

    async def state(self, order_id: str) -> CourseState | None:
        course = (await self.store.get(order_id)).draft.course
        return None if course is None else course.state


@pytest_asyncio.fixture
async def world(migrated_url: str, tmp_path: Path) -> AsyncIterator[World]:
    engine = open_engine(migrated_url)
    yield World(engine, tmp_path)
    await engine.dispose()


async def test_each_order_waits_in_its_queue_the_urgent_one_first(world: World) -> None:
    for order_id, urgency in (("plain", "一般"), ("hot", "特急"), ("warm", "紧急")):
        await world.accepted(order_id, urgency=urgency)
    await world.accepted("west", district="西城区")
    assert (await world.waiting(ClerkQueue.TO_DISPATCH))[:2] == ["hot", "warm"]
    assert "west" not in await world.waiting(ClerkQueue.TO_DISPATCH, EAST)
    for order_id in ("plain", "hot", "warm"):
        await world.sent(order_id, "市城管局")
    await world.store.apply("plain", happened.OrderReturned(unit="市城管局", reason="不属职责", by="x"))
    await world.store.apply("hot", happened.OrderSigned(unit="市城管局", by="x"))
    await world.store.apply("hot", happened.ExtensionAsked(unit="市城管局", days=2, reason="等件", by="x"))
    await world.store.apply("warm", happened.OrderSigned(unit="市城管局", by="x"))
    await world.store.apply("warm", happened.DisputeRaised(unit="市城管局", reason="职责交叉", by="x"))
    assert await world.waiting(ClerkQueue.TO_DISPATCH) == ["west"]
    assert await world.waiting(ClerkQueue.RETURNED) == ["plain"]
    assert await world.waiting(ClerkQueue.EXTENSION) == ["hot"]
    assert await world.waiting(ClerkQueue.DISPUTED) == ["warm"]
    await world.store.apply("hot", happened.ExtensionRuled(granted=False, reason="不同意", by="wang"))
    assert await world.waiting(ClerkQueue.EXTENSION) == []
    world.now += 30 * DAY
    counts = await world.desk.counts(CLERK)
    assert (counts[ClerkQueue.TO_DISPATCH].total, counts[ClerkQueue.TO_DISPATCH].late) == (1, 1)


async def test_a_redo_without_a_unit_and_an_appeal_wait_in_the_clerks_queues(world: World) -> None:
    bad = happened.OrderRated(result=1, service=None, solved=None, bad=True, by="system")
    redo = happened.RedoOrdered(reason="差评", clocks=(), by="system")
    items = load_answer_policy().checklist
    lined = tuple(Checked(item=one.item, ok=True) for one in items)
    await world.accepted("direct")
    await world.accepted("led")
    for order_id, events in {
        "direct": (happened.AnsweredDirectly(text="已答复", by="wang"), bad, redo),
        "led": (
            happened.OrderDispatched(lead="市城管局", source="clerk", by="wang"),
            happened.OrderSigned(unit="市城管局", by="x"),
            happened.FedBack(unit="市城管局", text="已清理", outcome=Outcome.DONE, by="x"),
            happened.FeedbackReviewed(passed=True, checklist=lined, by="wang"),
            bad,
            redo,
        ),
    }.items():
        for event in events:
            await world.store.apply(order_id, event)
    assert await world.waiting(ClerkQueue.TO_DISPATCH) == ["direct"]
    inbox = UnitInbox(world.engine)
    assert (await inbox.figures("市城管局", world.now, 0.0)).to_sign == 1
    appeal = happened.AppealRaised(unit="市城管局", reason="诉求超出政策", by="x")
    await world.store.apply("led", appeal)
    assert await world.waiting(ClerkQueue.APPEALED) == ["led"]
    figures_now = await inbox.figures("市城管局", world.now, 0.0)
    assert (figures_now.to_sign, figures_now.appealed) == (0, 1)
    page = await inbox.page(InboxFilter(unit="市城管局", open=None, states=APPEALED))
    assert [(one.order.draft.order_id, one.open) for one in page.entries] == [("led", False)]
    world.now += 30 * DAY
    counts = await world.desk.counts(CLERK)
    assert (counts[ClerkQueue.APPEALED].late, counts[ClerkQueue.TO_DISPATCH].late) == (1, 1)
    await world.store.apply("led", happened.AppealRuled(upheld=True, reason="误评", by="zhang"))
    assert await world.state("led") is CourseState.CLOSED
    await world.sent("direct", "市水务局")
    assert await world.waiting(ClerkQueue.TO_DISPATCH) == []


async def test_an_order_goes_by_itself_once_however_many_servers_think_they_lead(world: World) -> None:
    await world.import_units()
    await world.book.import_rules(RULES, by="chen", reason="启用", dry_run=False)
    for order_id in ("o1", "o2"):
        await world.accepted(order_id)
    await world.accepted("secret", secrecy="保密")
    await world.accepted("other", category="教育")
    first, second = world.dispatcher(), world.dispatcher()
    assert await world.dispatcher(leads=False).look() == 0
    assert await first.look() == 2
    assert await second.look() == 0
    assert first.left == {Left.CONFIDENTIAL: 1, Left.OFF: 1}
    history = await world.store.events("o1")
    (sent,) = [one.event for one in history if isinstance(one.event, happened.OrderDispatched)]
    assert sent.lead == "东城区城管局" and sent.by == "system" and sent.source.startswith("rule:")
    course = (await world.store.get("o1")).draft.course
    assert course is not None and course.clocks  # the rules of time limits were asked as ever


async def test_an_order_that_cannot_be_read_keeps_no_other_from_being_dispatched(world: World) -> None:
    await world.import_units()
    await world.book.import_rules(RULES, by="chen", reason="启用", dry_run=False)
    await world.accepted("o0")
    await world.accepted("o1")
    await damage(world.engine, "o0")
    assert await world.dispatcher().look() == 1
    assert world.store.unreadable.ids == ("o0",)
    assert (await world.store.get("o1")).draft.course is not None


async def test_lists_leave_out_an_order_that_cannot_be_read_and_say_so(world: World) -> None:
    await world.import_units()
    for order_id in ("o0", "o1", "o2", "o3"):
        await world.accepted(order_id)
    for order_id in ("o2", "o3"):
        await world.sent(order_id, "市水务局")
    await damage(world.engine, "o0")
    await damage(world.engine, "o2")

    queue = await world.desk.page(ClerkQueue.TO_DISPATCH, CLERK, page=1, size=20)
    assert ([one.draft.order_id for one in queue.orders], queue.total, queue.unreadable) == (["o1"], 2, 1)
    listed = await world.store.list(OrderFilter())
    assert {one.draft.order_id for one in listed.orders} == {"o1", "o3"}
    assert (listed.total, listed.unreadable) == (4, 2)
    inbox = await UnitInbox(world.engine, world.store.unreadable).page(InboxFilter(unit="市水务局"))
    assert [one.order.draft.order_id for one in inbox.entries] == ["o3"]
    assert (inbox.total, inbox.unreadable) == (2, 1)
    assert sorted(world.store.unreadable.ids) == ["o0", "o2"]  # health and metrics show them


async def test_an_order_that_was_dispatched_meanwhile_is_left_alone(world: World) -> None:
    await world.import_units()
    await world.book.import_rules(RULES, by="chen", reason="启用", dry_run=False)
    await world.accepted("o1")
    late = world.dispatcher()
    stale, last = await world.kept.accepted(after="", most=10, unreadable=world.store.unreadable)

    async def accepted(*, after: str, most: int, unreadable: Unreadable) -> tuple[Sequence[Order], str]:
        return (stale, last) if not after else ((), "")

    late._kept = _Stale(world.kept, accepted)  # type: ignore[assignment]
    await world.sent("o1", "市水务局")
    assert await late.look() == 0
    course = (await world.store.get("o1")).draft.course
    assert course is not None and course.lead == "市水务局"
    assert await world.waiting(ClerkQueue.SAMPLE) == []  # written before the dispatch that did not happen
    total, _ = await world.desk.samples(CLERK, judged=False, page=1, size=10)
    assert total == 0
    world.now += DAY
    await world.kept.forget_undone()
    with pytest.raises(UnknownOrder):
        await world.kept.sample(f"auto-dispatch:o1:{stale[0].draft.version}")


class _Stale:
    """A store whose list of orders is older than the database."""

    def __init__(self, real: DispatchStore, accepted: object) -> None:
        self.accepted, self.pick, self.forget_undone = accepted, real.pick, real.forget_undone


async def test_a_sample_is_judged_once_and_counts_in_the_figures(world: World) -> None:
    await world.import_units()
    await world.book.import_rules(RULES, by="chen", reason="启用", dry_run=False)
    await world.accepted("o1")
    await world.dispatcher().look()
    assert await world.waiting(ClerkQueue.SAMPLE) == ["o1"]
    _, ((sample, order),) = await world.desk.samples(CLERK, judged=False, page=1, size=10)
    assert (sample.unit, order.draft.order_id) == ("东城区城管局", "o1")
    with pytest.raises(ValueRefused, match="without the unit"):
        await world.desk.judge(sample.event_id, Verdict.WRONG, CLERK)
    with pytest.raises(ValueRefused, match="no such unit"):
        await world.desk.judge(sample.event_id, Verdict.WRONG, CLERK, should="环卫处")
    judged = await world.desk.judge(sample.event_id, Verdict.WRONG, CLERK, should="市城管局", note="市管路段")
    assert (judged.judged_by, judged.judged_at, judged.should) == ("wang", world.now, "市城管局")
    with pytest.raises(CourseRefused, match="judged already"):
        await world.desk.judge(sample.event_id, Verdict.RIGHT, OTHER_CLERK)
    assert await world.waiting(ClerkQueue.SAMPLE) == []
    (rule,) = figures(await world.desk.facts(CLERK, since=NOW - DAY, until=NOW + DAY), "rule")
    assert (rule.dispatched, rule.auto, rule.wrong, rule.sample_accuracy) == (1, 1, 1, 0.0)
    with pytest.raises(ValueRefused):
        await world.desk.facts(CLERK, since=NOW - 100 * DAY, until=NOW)


async def test_a_batch_tells_of_each_order_and_who_was_faster(world: World) -> None:
    await world.import_units()
    orders = [await world.accepted(f"o{count}") for count in range(3)]
    await world.desk.dispatch(
        [Wish(order_id="o1", version=orders[1].draft.version, lead="市水务局")], OTHER_CLERK
    )
    wishes = [
        Wish(order_id=f"o{count}", version=one.draft.version, lead="市城管局")
        for count, one in enumerate(orders)
    ]
    wishes.append(Wish(order_id="o2", version=orders[2].draft.version, lead="没有的局"))
    done = await world.desk.dispatch(wishes, CLERK, key="batch:1")
    assert [one.error is None for one in done] == [True, False, True, False]
    assert isinstance(done[1].error, CourseConflict) and "zhao" in done[1].error.shown
    again = await world.desk.dispatch(wishes[:1], CLERK, key="batch:1")  # the answer was lost on the way
    assert again[0].order is not None and again[0].order.draft.version == done[0].order.draft.version  # type: ignore[union-attr]


async def test_a_table_that_leaves_open_orders_without_a_unit_is_refused_or_they_wait_for_the_clerk(
    world: World,
) -> None:
    await world.import_units()
    await world.accepted("o1")
    await world.sent("o1", "市水务局")
    smaller = UNITS.replace("市水务局,市级,,供水,\n", "")
    plan = await world.book.import_units(smaller, by="chen", reason="", dry_run=True)
    assert plan.removed == ["市水务局"] and plan.held is not None and plan.held.units == {"市水务局": 1}
    with pytest.raises(OrdersHeld) as refused:
        await world.import_units(smaller)
    assert "市水务局" in refused.value.shown and refused.value.held.first[0].order_id == "o1"
    assert len(await world.units.units()) == 3
    await world.import_units(smaller, leave_open=True)
    assert await world.waiting(ClerkQueue.GONE) == ["o1"]
    order = await world.store.get("o1")
    assert await world.desk.gone([order]) == {"市水务局"}
    version = order.draft.version
    wish = Wish(order_id="o1", version=version, lead="市城管局", reason="单位已撤销")
    (done,) = await world.desk.dispatch([wish], CLERK)
    assert done.error is None
    assert await world.waiting(ClerkQueue.GONE) == []
    assert await world.units.gone() == ("市水务局",)
    await world.import_units()
    assert await world.units.gone() == ()


async def test_a_thousand_units_are_imported_and_stand_in_the_trail(world: World) -> None:
    rows = [f"{level}{place},{title},{above},职责{place}；事项{place},区域{place % 9}"
            for level, title, above, many in (
                ("省厅", "省级", "", 5), ("市局", "市级", "省厅0", 95), ("县局", "区县", "市局1", 500),
                ("街道", "街道乡镇", "县局2", 250), ("社区", "村社", "街道3", 150))
            for place in range(many)]  # fmt: skip
    text = "\n".join(["name,level,parent,duties,areas", *rows])
    plan = await world.book.import_units(text, by="chen", reason="", dry_run=True)
    assert (plan.count, plan.added) == (1000, 1000) and await world.units.units() == ()
    await world.import_units(text)
    assert len(await world.units.units()) == 1000
    (line,) = await trail(world.engine, what=["units_imported"])
    assert (line.who, line.detail["units"], line.detail["reason"]) == ("chen", 1000, "机构改革")


async def test_a_rule_is_changed_by_one_person_at_a_time_and_in_the_trail(world: World) -> None:
    await world.import_units()
    row = {"category": "供水", "district": "", "street": "", "unit": "市水务局", "since": "", "until": ""}
    rule = await world.book.put_rule(row, by="chen", reason="新职责")
    with pytest.raises(UnitsChanged):
        await world.book.put_rule(row, by="sun", reason="同一条")
    newer = await world.book.put_rule(
        row | {"until": "2027-01-01"}, by="chen", reason="到期", replaces=rule.rule_id
    )
    assert newer.rule_id == rule.rule_id and (await world.units.rules()) == (newer,)
    await world.book.remove_rule(rule.rule_id, by="chen", reason="作废")
    with pytest.raises(UnitsChanged):
        await world.book.remove_rule(rule.rule_id, by="sun", reason="作废")
    with pytest.raises(ValueRefused, match="no reason"):
        await world.book.put_rule(row, by="chen", reason=" ")
    lines = await trail(world.engine, target=rule.rule_id)
    assert [line.what for line in lines] == ["unit_rule_removed", "unit_rule_put", "unit_rule_put"]


async def test_units_that_gave_an_order_back_are_suggested_last(world: World) -> None:
    await world.import_units()
    await world.book.import_rules(RULES, by="chen", reason="启用", dry_run=False)
    await world.accepted("o1")
    assert (await world.desk.suggestions("o1", CLERK))[0].unit == "东城区城管局"
    await world.sent("o1", "东城区城管局")
    await world.store.apply("o1", happened.OrderReturned(unit="东城区城管局", reason="不属职责", by="x"))
    await world.store.apply("o1", happened.ReturnRuled(accepted=True, reason="同意", by="wang"))
    found = await world.desk.suggestions("o1", CLERK)
    assert found[0].unit != "东城区城管局" and found[-1].reason.startswith("曾退单")
    assert await world.state("o1") is CourseState.ACCEPTED
    assert await world.dispatcher().look() == 0
