"""Advice beside live drafts: made from submitted orders, units and articles, told to the call's agents."""

from __future__ import annotations

import asyncio
import datetime
import multiprocessing
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from asr.messages import FieldSuggestion
from cti.call import Call
from cti.control.advice import LiveAdvice
from cti.control.advice_data import AdviceData, PastOrder
from cti.control.advice_feed import changed_orders
from cti.control.advice_room import AdviceLost, AdviceRoom, in_a_thread
from cti.control.orderdesk import OrderDesk
from cti.database import open_engine
from cti.messages import AdviceView, CallState, Entry, ServerMessage
from orders.course_events import OrderDispatched, OrderReturned, OrderSigned, ReturnRuled
from orders.course_messages import Clock, ClockKind
from orders.knowledge import Article
from orders.knowledge_store import KnowledgeStore
from orders.messages import Draft
from orders.similar import SimilarItem
from orders.store import OrderStore
from orders.tables import metadata
from orders.unit_store import UnitStore
from orders.unit_table import Unit, UnitRule
from tests.support.control import World

NOW = 1_760_000_000.0
NOW_DAY = datetime.date(2025, 10, 9)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'h.db'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


async def submitted(
    engine: AsyncEngine, order_id: str, unit: str = "供水公司", written: float = NOW - 7200
) -> None:
    store = OrderStore(engine, clock=lambda: written)
    await store.open_draft(f"call-{order_id}", "13800000009", order_id=order_id)
    fields = {
        "type": "求助", "category": "公共服务/供水", "title": "云锦花园小区停水三天",
        "summary": "云锦花园停水三天没人管，水泵坏了", "district": "东城区", "place": "云锦花园",
        "unit": unit,
    }  # fmt: skip
    for field, value in fields.items():
        await store.edit(order_id, field, value, agent="zhang")
    await store.submit(order_id, "zhang", f"submit:{order_id}")


class Desk:
    """A live call with a draft, and advice beside it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.world = World()
        self.sent: list[AdviceView] = []
        self.told = asyncio.Event()
        self.advice = LiveAdvice(
            engine,
            drafts=_Late(self),
            call_of=lambda call_id: self.call if call_id == self.call.call_id else None,
            send=self._send,
            clock=lambda: NOW,
            debounce_s=0.0,
            room=AdviceRoom(in_a_thread),
            districts_of=lambda login: ("另一区",) if login == "limited" else (),
        )
        self.desk = OrderDesk(self.world.calls, self._durable, self.advice.changed, lambda: NOW)
        self.call = Call(
            call_id="hl1-1.1", node="a", channel="PJSIP/trunk-1", caller="13800000001", called="12345",
            state=CallState.TALKING, started=NOW, recording_started=NOW, state_since=NOW,
        )  # fmt: skip
        self.order_id = self.desk.open(self.call.call_id, self.call.caller).order_id

    async def _durable(self, entry: Entry) -> None:
        """There is no disk."""

    def _send(self, logins: Sequence[str], message: ServerMessage) -> None:
        assert isinstance(message, AdviceView)
        self.sent.append(message)
        self.told.set()

    async def next_advice(self) -> AdviceView:
        async with asyncio.timeout(20):
            await self.told.wait()
        self.told.clear()
        return self.sent[-1]

    @property
    def draft(self) -> Draft:
        draft = self.desk.find(self.order_id)
        assert draft is not None
        return draft


class _Late:
    """The desk's drafts, for advice that is made before the desk."""

    def __init__(self, owner: Desk) -> None:
        self._owner = owner

    def find(self, order_id: str) -> Draft | None:
        return self._owner.desk.find(order_id)

    def advise(self, order_id: str, suggestion: object) -> None:
        self._owner.desk.advise(order_id, suggestion)  # type: ignore[arg-type]


async def fed(desk: Desk, orders: int) -> None:
    """Wait until so many orders are in memory."""
    for _ in range(2000):
        if len(desk.advice) >= orders:
            return
        await asyncio.sleep(0.01)
    raise TimeoutError(f"{len(desk.advice)} orders in memory, expected {orders}")


async def test_a_draft_is_advised_from_what_the_database_holds(engine: AsyncEngine) -> None:
    await submitted(engine, "past")
    article = Article(article_id="k1", question="家里停水了怎么办", answer="24小时内恢复")
    await KnowledgeStore(engine).put([article], by="admin")
    desk = Desk(engine)
    desk.advice.start()
    await fed(desk, 1)
    desk.desk.edit(desk.order_id, "title", "云锦花园停水没人管", "li")
    view = await desk.next_advice()
    await asyncio.sleep(0)
    assert [one.order_id for one in view.similar] == ["past"]
    assert view.units[0].unit == "供水公司"
    assert [one.title for one in view.answers] == ["家里停水了怎么办"]
    assert desk.advice.of([desk.order_id]) == (view,)
    assert desk.advice.beside([desk.order_id], "li") == (view,)
    (narrowed,) = desk.advice.beside([desk.order_id], "limited")
    assert (narrowed.similar, narrowed.answers) == ((), view.answers)
    await desk.advice.stop()


async def test_the_unit_is_proposed_in_the_draft_and_an_agents_choice_stands(engine: AsyncEngine) -> None:
    desk = Desk(engine)
    desk.advice.start()
    desk.desk.edit(desk.order_id, "title", "小区停水三天，自来水没了", "li")
    await desk.next_advice()
    await asyncio.sleep(0.01)
    unit = desk.draft.fields["unit"]
    assert (unit.value, unit.source) == ("供水公司", "duty")
    assert unit.quote.startswith("提到")
    desk.desk.suggest(desk.order_id, ())  # what was said is gone; advice is not what was said
    assert desk.draft.fields["unit"].value == "供水公司"
    desk.desk.edit(desk.order_id, "unit", "街道办事处", "li")
    desk.desk.edit(desk.order_id, "title", "工地夜间施工噪音", "li")
    await desk.next_advice()
    await asyncio.sleep(0.01)
    assert desk.draft.fields["unit"].value == "街道办事处"
    await desk.advice.stop()


async def test_a_change_that_says_nothing_new_is_not_advised_again(engine: AsyncEngine) -> None:
    desk = Desk(engine)
    desk.advice.start()
    desk.desk.edit(desk.order_id, "title", "小区停水三天", "li")
    await desk.next_advice()
    desk.desk.edit(desk.order_id, "contact", "王先生", "li")
    await asyncio.sleep(0.1)
    assert len(desk.sent) == 1
    await desk.advice.stop()


async def test_without_a_database_units_are_advised_all_the_same(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")  # no tables
    desk = Desk(engine)
    desk.advice.start()
    desk.desk.edit(desk.order_id, "title", "小区停水三天", "li")
    assert (await desk.next_advice()).units[0].unit == "供水公司"
    await desk.advice.stop()
    await engine.dispose()


async def test_advice_of_a_draft_that_is_gone_is_forgotten(engine: AsyncEngine) -> None:
    desk = Desk(engine)
    desk.advice.start()
    desk.desk.edit(desk.order_id, "title", "小区停水三天", "li")
    await desk.next_advice()
    desk.desk.close(desk.order_id)
    other = desk.desk.open(desk.call.call_id, desk.call.caller)
    desk.desk.edit(other.order_id, "title", "路灯不亮", "li")
    await desk.next_advice()
    await asyncio.sleep(0.05)
    assert desk.advice.of([desk.order_id]) == ()
    await desk.advice.stop()


async def test_only_submitted_orders_are_read_once_each_in_the_order_of_their_change(
    engine: AsyncEngine,
) -> None:
    for count in range(3):
        await submitted(engine, f"o{count}")
    await OrderStore(engine, clock=lambda: NOW).open_draft("c", "1", order_id="draft")
    read = [order.item.order_id async for portion in changed_orders(engine, NOW - 9000) for order in portion]
    assert read == ["o0", "o1", "o2"]
    assert [one async for one in changed_orders(engine, NOW)] == []


def past(order_id: str, unit: str, version: int = 1) -> PastOrder:
    item = SimilarItem(order_id=order_id, title="咨询窗口时间", category="综合", at=NOW)
    return PastOrder(item=item, unit=unit, version=version, updated_at=NOW)


def test_an_order_that_did_not_change_is_taken_in_once() -> None:
    data = AdviceData()
    assert data.take([past("a", "甲")]) == 1
    assert data.take([past("a", "甲"), past("b", "甲")]) == 1
    assert data.take([past("a", "甲", version=2)]) == 1
    assert len(data) == 2


async def test_units_and_rules_are_kept_and_rules_of_gone_units_go_with_them(engine: AsyncEngine) -> None:
    store = UnitStore(engine, clock=lambda: NOW)
    units = (
        Unit(name="甲", words=("停水",)),
        Unit(name="乙", level="county", parent="甲", areas=("东城区",)),
    )
    rules = (
        UnitRule(rule_id="r1", unit="甲", category="供水"),
        UnitRule(rule_id="r2", unit="乙", category="供水"),
    )
    await store.replace_units(units)
    await store.replace_rules(rules)
    assert {unit.name: unit for unit in await store.units()} == {unit.name: unit for unit in units}
    assert await store.rules() == rules
    before = await store.stamp()
    await store.replace_units(units[:1])
    assert await store.rules() == rules[:1]
    assert await store.stamp() != before


async def test_an_article_that_changed_gets_a_version_and_the_one_before_is_kept(engine: AsyncEngine) -> None:
    store = KnowledgeStore(engine, clock=lambda: NOW)
    first = Article(article_id="a", question="怎么办证", answer="带身份证")
    assert (await store.put([first], by="admin", dry_run=True)).new == 1
    assert await store.all() == ()
    await store.put([first], by="admin")
    came_to = await store.put([Article(article_id="a", question="怎么办证", answer="网上办")], by="admin")
    assert (came_to.new, came_to.changed, came_to.same) == (0, 1, 0)
    assert [(one.version, one.answer) for one in await store.versions("a")] == [
        (1, "带身份证"),
        (2, "网上办"),
    ]
    assert [one.answer for one in await store.all()] == ["网上办"]
    assert (await store.put(await store.all(), by="admin")).same == 1


async def test_an_order_that_is_written_late_is_taken_in_all_the_same(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.control.advice.FOLLOW_S", 0.01)
    monkeypatch.setattr("cti.control.advice.LATE_EVERY_S", 0.0)
    await submitted(engine, "in-time")
    desk = Desk(engine)
    desk.advice.start()
    await fed(desk, 1)
    await submitted(engine, "hours-late", written=NOW - 9 * 3600)
    await fed(desk, 2)
    await desk.advice.stop()


async def test_advice_covers_every_draft_of_a_call(engine: AsyncEngine) -> None:
    desk = Desk(engine)
    desk.advice.start()
    two = [(said("小区停水三天"),), (said("路灯不亮"),)]
    desk.desk.suggest_matters(desk.order_id, two)
    desk.desk.suggest_matters(desk.order_id, two)
    (further,) = desk.desk.more(desk.order_id)
    while len(desk.advice.of([desk.order_id, further.order_id])) < 2:
        await desk.next_advice()
    first, second = desk.advice.of([desk.order_id, further.order_id])
    assert (first.order_id, first.units[0].unit) == (desk.order_id, "供水公司")
    assert (second.order_id, second.units[0].unit) == (further.order_id, "城管局")
    await desk.advice.stop()


def said(title: str) -> FieldSuggestion:
    return FieldSuggestion(field="title", value=title, source="rule:test", confidence=0.9)


async def test_what_is_thought_out_in_another_process_is_lost_with_it_and_given_again() -> None:
    room = AdviceRoom()
    try:
        assert await room.take([past("a", "甲"), past("b", "甲")]) == 2
        assert len(room) == 2
        (worker,) = multiprocessing.active_children()
        worker.kill()
        with pytest.raises(AdviceLost):
            for _ in range(1000):
                await room.take([past("a", "甲")])
                await asyncio.sleep(0.01)
        assert len(room) == 0
        assert await room.take([past("a", "甲")]) == 1
    finally:
        await room.close()


async def learned_units(engine: AsyncEngine) -> dict[str, str]:
    """order -> unit that advice learns from it"""
    found: dict[str, str] = {}
    async for portion in changed_orders(engine, 0.0):
        found |= {one.item.order_id: one.unit for one in portion}
    return found


async def test_who_signed_for_an_order_counts_and_not_whom_the_agent_meant(engine: AsyncEngine) -> None:
    await submitted(engine, "o1", unit="城管局")
    store = OrderStore(engine, clock=lambda: NOW)
    await store.apply("o1", OrderDispatched(lead="供水公司", source="clerk", by="wang"))
    assert await learned_units(engine) == {"o1": "城管局"}
    await store.apply("o1", OrderSigned(unit="供水公司", by="li"))
    assert await learned_units(engine) == {"o1": "供水公司"}


async def test_what_a_unit_gave_back_is_not_learned(engine: AsyncEngine) -> None:
    await submitted(engine, "o1", unit="城管局")
    store = OrderStore(engine, clock=lambda: NOW)
    clock = Clock(kind=ClockKind.RETURN, started=NOW, due=NOW + 9.0, near_at=NOW + 5.0)
    await store.apply("o1", OrderDispatched(lead="城管局", source="clerk", by="wang"))
    await store.apply("o1", OrderReturned(unit="城管局", reason="不属职责", by="li", clock=clock))
    assert await learned_units(engine) == {"o1": ""}
    await store.apply("o1", ReturnRuled(accepted=True, reason="同意", by="wang"))
    assert await learned_units(engine) == {"o1": ""}


def test_what_was_learned_of_an_order_that_came_back_is_forgotten() -> None:
    data = AdviceData()
    data.use_units([Unit(name="甲"), Unit(name="乙")], [])
    data.take([past("o1", "甲"), past("o2", "乙")])
    data.take([past("o1", "", version=2)])
    advice = data.units("综合", "", "", "咨询窗口时间", NOW_DAY)
    assert [one.unit for one in advice if one.source == "learned"] == ["乙"]
