"""What stands beside a call, in the database: relations of orders, verdicts, templates, marks, messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.calls import CallStore
from cti.control.orderdesk import OrderDesk, order_events
from cti.control.orderfront import DeskRefused, OrderFront
from cti.control.pop import Pop
from cti.database import migrate, open_engine
from cti.journal import Journal
from cti.messages import Entry, EntryKind
from orders.errors import IllegalTransition
from orders.knowledge import Article
from orders.knowledge_feedback import KnowledgeFeedback, UnknownArticle, Verdict
from orders.knowledge_store import KnowledgeStore
from orders.messages import LinkKind, OrderState
from orders.records import Order
from orders.store import OrderStore
from orders.templates import TemplateStale, TemplateStore
from tests.support.control import World
from tests.support.desk_parts import NobodyLive

CITIZEN, OTHER = "13800000001", "13800000002"


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A migrated database of its own."""
    url = f"sqlite:///{tmp_path}/hotline.db"
    await migrate(url)
    engine = open_engine(url)
    yield engine
    await engine.dispose()


async def _on_disk(_entry: Entry) -> None:
    """Nothing is ever written: no draft is live."""


def no_live_drafts() -> OrderDesk:
    """An order desk without calls."""
    return OrderDesk(World().calls, _on_disk, lambda _draft: None)


async def accepted(store: OrderStore, order_id: str, caller: str, title: str) -> str:
    await store.open_draft(f"call-{order_id}", caller, order_id=order_id)
    fields = {"type": "投诉", "category": "城乡建设/市政设施", "summary": title, "title": title,
              "contact": "王女士", "district": "江北区"}  # fmt: skip
    for field, value in fields.items():
        await store.edit(order_id, field, value, agent="chen")
    return (await store.submit(order_id, "chen", f"key-{order_id}")).number


async def test_a_merged_draft_names_its_order_which_gets_the_citizen_until_it_is_undone(
    engine: AsyncEngine,
) -> None:
    store = OrderStore(engine)
    front = OrderFront(store, no_live_drafts())
    number = await accepted(store, "old", OTHER, "路灯不亮")
    await store.open_draft("c2", CITIZEN, order_id="new")
    await store.edit("new", "contact", "李先生", agent="wang")

    merged = await front.merge("new", "old", agent="wang")
    assert (merged.draft.state, merged.draft.links[0].number) == (OrderState.MERGED, number)
    old = await store.get("old")
    link = old.draft.links[0]
    assert (link.kind, link.caller, link.contact) == (LinkKind.JOINED, CITIZEN, "李先生")
    assert (old.agent, old.draft.state) == ("chen", OrderState.ACCEPTED)
    assert len(await store.events("old")) == old.draft.version  # the chain of hashes holds

    undone = await front.undo_merge("new", agent="wang")
    assert (undone.draft.state, undone.draft.links, undone.closed_at) == (OrderState.DRAFT, (), None)
    assert (await store.get("old")).draft.links == ()


async def test_nothing_is_changed_when_one_side_of_a_merger_is_not_legal(engine: AsyncEngine) -> None:
    store = OrderStore(engine)
    front = OrderFront(store, no_live_drafts())
    await accepted(store, "one", CITIZEN, "路灯")
    await accepted(store, "two", OTHER, "路灯")
    await store.open_draft("c3", CITIZEN, order_id="draft")
    await store.open_draft("c4", CITIZEN, order_id="gone")
    await store.discard("gone", "wang", "打错电话")
    with pytest.raises(IllegalTransition):
        await front.merge("gone", "two", agent="wang")
    with pytest.raises(DeskRefused):
        await front.merge("one", "draft", agent="wang")
    assert [(await store.get(name)).draft.links for name in ("one", "two", "draft", "gone")] == [()] * 4


async def test_related_orders_know_of_one_another_until_they_are_parted(engine: AsyncEngine) -> None:
    store = OrderStore(engine)
    front = OrderFront(store, no_live_drafts())
    await accepted(store, "one", CITIZEN, "路灯")
    await store.open_draft("c2", OTHER, order_id="two")
    await front.link("two", "one", agent="wang")
    assert [link.other for name in ("one", "two") for link in (await store.get(name)).draft.links] == [
        "two", "one",
    ]  # fmt: skip
    await front.unlink("one", "two", agent="wang")
    assert [(await store.get(name)).draft.links for name in ("one", "two")] == [(), ()]


async def test_a_verdict_counts_once_a_person_and_ends_with_the_version(engine: AsyncEngine) -> None:
    articles, feedback = KnowledgeStore(engine), KnowledgeFeedback(engine)
    article = Article(article_id="a1", question="社保卡怎么办", answer="到窗口办理")
    await articles.put([article], by="li")
    await feedback.judge("a1", Verdict.USEFUL, who="chen")
    await feedback.judge("a1", Verdict.OUTDATED, who="chen")
    counted = await feedback.judge("a1", Verdict.USEFUL, who="wang")
    assert (counted.useful, counted.outdated, counted.mine) == (1, 1, "useful")
    await articles.put([replace(article, answer="网上办理")], by="li")
    after = (await feedback.counted(["a1"], who="chen"))["a1"]
    assert (after.useful, after.outdated, after.mine) == (0, 0, "")
    with pytest.raises(UnknownArticle):
        await feedback.judge("none", Verdict.USEFUL, who="chen")


async def test_what_was_not_found_is_counted_however_it_is_spaced(engine: AsyncEngine) -> None:
    feedback = KnowledgeFeedback(engine)
    for text in ("ETC 怎么办", " etc  怎么办 ", "养犬证"):
        await feedback.missed(text, who="chen")
    page = await feedback.misses()
    assert [(miss.text, miss.count) for miss in page.misses] == [("etc 怎么办", 2), ("养犬证", 1)]


async def test_a_changed_template_stands_in_place_of_the_delivered_one(engine: AsyncEngine) -> None:
    store = TemplateStore(engine)
    power = next(one for one in await store.all() if one.template_id == "power_cut")
    made = await store.put(replace(power, title="停电"), by="leader", reason="改一改")
    assert made.version == 1
    assert [one.title for one in await store.all() if one.template_id == "power_cut"] == ["停电"]
    with pytest.raises(TemplateStale):
        await store.put(replace(power, title="断电"), by="other", reason="改一改")


async def test_who_calls_is_known_from_earlier_orders_and_calls(engine: AsyncEngine) -> None:
    store, calls, world = OrderStore(engine), CallStore(engine), World()
    await accepted(store, "old", CITIZEN, "路灯不亮")
    for number, call_id in enumerate(("c1", "c2"), start=1):
        state = {"call_id": call_id, "caller": CITIZEN, "called": "12345", "state": "ended",
                 "started": 1_800_000_000.0, "ended": 1_800_000_060.0}  # fmt: skip
        await calls.write([Entry(entry_id=f"e{number}", call_id=call_id, at=1_800_000_000.0,
                                 kind=EntryKind.CALL_STATE, data=state)])  # fmt: skip
    pop = Pop(
        engine,
        live=world.calls,
        store=calls,
        callers=NobodyLive(),
        orders=OrderFront(store, no_live_drafts()),
        drafts=NobodyLive(),
        said=lambda _call: (),
        advice=lambda _orders: (),
        clock=lambda: 1_800_000_100.0,
    )
    found = await pop.of("c2")
    assert found is not None
    view, records, orders = found
    assert (view.name, view.district, view.today, view.whole) == ("王女士", "江北区", 1, True)
    assert [(one.title, one.own) for one in view.same_matter] == [("路灯不亮", True)]
    assert [one.call_id for one in records] == ["c1"]
    assert [one.draft.order_id for one in orders] == ["old"]
    assert await pop.of("nobody's") is None


async def test_a_merger_torn_in_between_has_not_happened_and_can_be_made_again(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = OrderStore(engine)
    front = OrderFront(store, no_live_drafts())
    await accepted(store, "old", OTHER, "路灯不亮")
    await store.open_draft("c2", CITIZEN, order_id="new")
    written, real = list[str](), OrderStore._append

    async def killed(self: OrderStore, connection: object, order: Order, *rest: object) -> Order:
        written.append(order.draft.order_id)
        if len(written) == 2:  # one order is told, the other is not
            raise ConnectionError
        return await real(self, connection, order, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as torn:
        torn.setattr(OrderStore, "_append", killed)
        with pytest.raises(ConnectionError):
            await front.merge("new", "old", agent="wang")
    assert sorted(written) == ["new", "old"]
    found = {name: (await store.get(name)).draft for name in ("new", "old")}
    assert {name: (draft.state, draft.links) for name, draft in found.items()} == {
        "new": (OrderState.DRAFT, ()),
        "old": (OrderState.ACCEPTED, ()),
    }
    merged = await front.merge("new", "old", agent="wang")
    assert merged.draft.state is OrderState.MERGED


async def test_a_server_killed_after_a_live_merger_tells_both_orders_when_it_is_back(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    store, folder = OrderStore(engine), tmp_path / "journal"
    await accepted(store, "old", OTHER, "路灯不亮")

    async def replay(entry: Entry) -> None:
        await store.apply_all(order_events(entry), at=entry.at, event_id=entry.entry_id)

    async def away(_entries: Sequence[Entry]) -> None:
        raise ConnectionError

    world, entries = World(), list[Entry]()
    journal = Journal(folder, away)
    await journal.start()

    async def on_disk(entry: Entry) -> None:
        entries.append(entry)
        journal.append(entry)
        await journal.durable(entry)

    desk = OrderDesk(world.calls, on_disk, lambda _draft: None)
    live = desk.open("c2", CITIZEN).order_id
    await replay(world.book.entries[0])
    merged = await OrderFront(store, desk).merge(live, "old", agent="wang")
    assert merged.draft.state is OrderState.MERGED
    assert len(entries) == 1  # one line of the journal tells both, so both are told or neither
    await journal.close(deliver_s=0.0)
    assert (await store.get("old")).draft.links == ()  # the server died before the database was told

    async with Journal(folder, CallStore(engine, on_order=replay).write) as journal:
        await journal.delivered()
        assert journal.rejected == 0
    assert (await store.get(live)).draft.state is OrderState.MERGED
    assert [link.other for link in (await store.get("old")).draft.links] == [live]


async def test_all_who_joined_go_along_when_their_order_is_merged_further_and_come_back_with_it(
    engine: AsyncEngine,
) -> None:
    store = OrderStore(engine)
    front = OrderFront(store, no_live_drafts())
    await accepted(store, "b", OTHER, "路灯不亮")
    await accepted(store, "c", OTHER, "路灯全不亮")
    await store.open_draft("call-a", CITIZEN, order_id="a")
    await front.merge("a", "b", agent="wang")
    await front.merge("b", "c", agent="wang")

    async def joined(order_id: str) -> dict[str, str]:
        links = (await store.get(order_id)).draft.links
        return {link.other: link.caller for link in links if link.kind is LinkKind.JOINED}

    assert await joined("c") == {"b": OTHER, "a": CITIZEN}
    await front.undo_merge("b", agent="wang")
    assert (await joined("c"), await joined("b")) == ({}, {"a": CITIZEN})

    await front.merge("b", "c", agent="wang")
    await front.undo_merge("a", agent="wang")  # from the middle of the chain: nobody serves it any more
    assert (await joined("c"), await joined("b")) == ({"b": OTHER}, {})
    assert (await store.get("a")).draft.state is OrderState.DRAFT
    assert (await store.get("b")).draft.state is OrderState.MERGED
