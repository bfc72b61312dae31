"""Two matters in one call: a further order is opened when it is sure, and goes when nobody touched it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from asr.messages import FieldSuggestion
from cti.call import Call
from cti.control.orderdesk import NO_FURTHER, OrderDesk, order_event
from cti.messages import AdviceView, CallState, Entry, EntryKind
from orders.messages import Draft, DraftOpened, OrderDiscarded, OrderState
from tests.support.control import World, agent

CALL = "hl1-1800000000.1"
CALLER = "13800000001"


def said(kind: str) -> tuple[FieldSuggestion, ...]:
    return (FieldSuggestion(field="type", value=kind, source="rule:test", confidence=0.8),)


ONE = (said("投诉"),)
TWO = (said("投诉"), said("咨询"))
THREE = (said("投诉"), said("咨询"), said("建议"))


class Desk:
    def __init__(self) -> None:
        self.world = World()
        self.shown: list[Draft] = []
        self.desk = OrderDesk(self.world.calls, self._durable, self.shown.append, lambda: 1_800_000_000.0)
        self.main = self.desk.open(CALL, CALLER).order_id

    async def _durable(self, entry: Entry) -> None:
        await asyncio.sleep(0)

    def read(self, *updates: tuple[tuple[FieldSuggestion, ...], ...]) -> None:
        for matters in updates:
            self.desk.suggest_matters(self.main, matters)

    @property
    def types(self) -> list[str]:
        return [draft.fields["type"].value for draft in self.desk.more(self.main)]

    def events(self, kind: type[object]) -> list[object]:
        found = (order_event(entry)[1] for entry in self.world.book.entries if entry.kind is EntryKind.ORDER)
        return [event for event in found if isinstance(event, kind)]


def test_a_further_matter_gets_its_own_order_once_it_was_read_twice() -> None:
    desk = Desk()
    desk.read(TWO)
    assert desk.types == []
    desk.read(TWO)
    assert desk.types == ["咨询"]
    opened = [event for event in desk.events(DraftOpened) if isinstance(event, DraftOpened)]
    assert [event.call_id for event in opened] == [CALL, CALL]
    assert desk.shown[-1].order_id == desk.desk.more(desk.main)[0].order_id


def test_a_matter_that_is_read_only_now_and_then_opens_nothing() -> None:
    desk = Desk()
    desk.read(TWO, ONE, TWO, ONE, TWO)
    assert desk.types == []


def test_further_orders_are_filled_in_the_order_in_which_they_came_up() -> None:
    desk = Desk()
    desk.read(TWO, TWO, THREE, THREE)
    assert desk.types == ["咨询", "建议"]
    desk.read((said("投诉"), said("求助"), said("建议")))
    assert desk.types == ["求助", "建议"]


def test_an_order_whose_matter_is_no_longer_read_is_discarded_when_nobody_touched_it() -> None:
    desk = Desk()
    desk.read(TWO, TWO)
    further = desk.desk.more(desk.main)[0].order_id
    desk.read(ONE)
    assert desk.types == []
    draft = desk.desk.find(further)
    assert draft is not None and draft.state is OrderState.DISCARDED
    discarded = desk.events(OrderDiscarded)[-1]
    assert isinstance(discarded, OrderDiscarded) and discarded.reason == NO_FURTHER


def test_an_order_that_an_agent_touched_stays() -> None:
    desk = Desk()
    desk.read(TWO, TWO)
    further = desk.desk.more(desk.main)[0].order_id
    desk.desk.edit(further, "title", "关于乘车卡的咨询", "li")
    desk.read(ONE, ONE)
    assert [draft.order_id for draft in desk.desk.more(desk.main)] == [further]
    assert desk.desk.more(desk.main)[0].state is OrderState.DRAFT


async def test_a_further_order_that_the_agent_gave_up_is_not_opened_again() -> None:
    desk = Desk()
    desk.read(TWO, TWO)
    await desk.desk.discard(desk.desk.more(desk.main)[0].order_id, "li", "不用单独建单")
    desk.read(TWO, TWO, TWO)
    assert [draft.state for draft in desk.desk.more(desk.main)] == [OrderState.DISCARDED]


async def test_each_order_of_a_call_is_submitted_by_itself() -> None:
    desk = Desk()
    desk.read(TWO, TWO)
    further = desk.desk.more(desk.main)[0].order_id
    for field, value in (("category", "民政"), ("summary", "问乘车卡")):
        desk.desk.edit(further, field, value, "li")
    await desk.desk.submit(further, "li")
    desk.read(TWO)
    main = desk.desk.find(desk.main)
    assert desk.desk.more(desk.main)[0].state is OrderState.ACCEPTED
    assert main is not None and main.state is OrderState.DRAFT


async def test_nothing_further_is_opened_for_a_call_whose_order_was_given_up() -> None:
    desk = Desk()
    await desk.desk.discard(desk.main, "li", "骚扰电话")
    desk.read(TWO, TWO, TWO)
    assert desk.desk.more(desk.main) == ()


def test_after_a_restart_the_further_orders_are_filled_on() -> None:
    before, after = Desk(), Desk()
    before.read(TWO, TWO)
    main = before.desk.find(before.main)
    assert main is not None
    after.desk.restore(main, before.desk.more(before.main))
    after.main = before.main
    after.read((said("投诉"), said("求助")))
    assert after.types == ["求助"]


def test_with_the_call_all_its_orders_leave_the_desk() -> None:
    desk = Desk()
    desk.read(TWO, TWO)
    further = desk.desk.more(desk.main)[0].order_id
    desk.desk.close(desk.main)
    assert desk.desk.find(further) is None and desk.desk.find(desk.main) is None
    assert desk.desk.more(desk.main) == ()


async def test_a_page_that_opens_gets_every_draft_of_its_call_and_asks_for_advice_beside_each() -> None:
    world = World()
    main = world.orders.open(CALL, CALLER).order_id
    call = Call(
        call_id=CALL, node="a", channel="PJSIP/trunk-1", caller=CALLER, called="12345",
        state=CallState.TALKING, started=1.0, recording_started=1.0, state_since=1.0,
        order_id=main, agent_id="li",
    )  # fmt: skip
    world.calls.add(call)
    for _ in range(2):
        world.orders.suggest_matters(main, TWO)
    (further,) = world.orders.more(main)
    asked: list[str] = []

    def advice(order_ids: Sequence[str], _login: str) -> tuple[AdviceView, ...]:
        asked.extend(order_ids)
        return tuple(AdviceView(order_id=order_id) for order_id in order_ids)

    world.floor.advice = advice
    snapshot = world.floor.snapshot(agent("li"))
    assert snapshot.draft is not None
    assert [snapshot.draft.order_id, *(view.order_id for view in snapshot.more_drafts)] == [
        main,
        further.order_id,
    ]
    assert [view.order_id for view in snapshot.advice] == asked == [main, further.order_id]
