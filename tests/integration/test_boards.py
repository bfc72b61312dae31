"""Alerts, waves, notices and announcements in a real database: who did what, and what a restart finds."""

from __future__ import annotations

import datetime as dt
import io
import wave
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.alert_store import AlertStore
from cti.alerts import AlertRule
from cti.announcements import AnnouncementRefused, Announcements
from cti.bulletins import BulletinRefused, Bulletins, in_force
from cti.burst_store import BurstStore
from cti.control.alert_watch import AlertWatch
from cti.control.bursts import BurstWatch
from cti.control.wallboard_counts import read_counts
from cti.database import open_engine
from cti.message_base import Role
from cti.messages import AlertView, BurstView, EntryKind, ServerMessage
from cti.planning_days import CHINA
from cti.ports import Person
from cti.tables import visits
from orders.bursts import BurstPolicy
from orders.course_events import AnsweredDirectly, OrderClosed
from orders.messages import DraftOpened, FieldEdited, OrderDiscarded, OrderEvent, OrderSubmitted
from orders.store import OrderStore
from orders.topics import Level, Topic
from tests.support.tones import tone
from tests.support.web import Clock, NoJournal

pytestmark = pytest.mark.integration

BOSS = Person(login="boss", name="班长", role=Role.SUPERVISOR)
WAIT = AlertRule(key="wait", title="等候过久", figure="live.longest_wait_s", raise_at=60, clear_at=30)


class Pages:
    """Pages that watch."""

    def __init__(self) -> None:
        self.told: list[ServerMessage] = []

    def tell(
        self, _topic: str, message: ServerMessage, *, only: Callable[[Person], bool] | None = None
    ) -> None:
        if only is None or only(BOSS):
            self.told.append(message)


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def whats(engine: AsyncEngine) -> list[str]:
    return [row.what for row in reversed(await audit.trail(engine, limit=50))]


# ---------------------------------------------------------------- alerts

HOT = Topic(
    category="城乡建设/供水", district="城东区", orders=12, usual=2.0, chance=1e-6, trend=(), level=Level.HIGH
)


def watch(
    engine: AsyncEngine,
    clock: Clock,
    figures: Mapping[str, float | None],
    pages: Pages,
    *,
    leads: bool = True,
) -> AlertWatch:
    async def values(_wanted: frozenset[str]) -> Mapping[str, float | None]:
        return figures

    return AlertWatch(AlertStore(engine, clock), values=values, pages=pages, leads=lambda: leads, clock=clock)


async def test_an_alert_outlives_the_server_that_raised_it_and_ends_once(
    engine: AsyncEngine, clock: Clock
) -> None:
    store, figures, first, second = AlertStore(engine, clock), {WAIT.figure: 70.0}, Pages(), Pages()
    for kept in await store.rules():
        await store.remove(kept.rule.key, by="boss", reason="只看等候")
    await store.put(WAIT, by="boss", reason="试行")
    await watch(engine, clock, figures, first).look()
    clock.now += 10
    after = watch(engine, clock, figures, second)
    await after.look()
    figures[WAIT.figure] = 20.0
    clock.now += 10
    await after.look()
    clock.now += 10
    await after.look()

    alerts = (await store.history()).alerts
    assert [(one.rule, one.value, one.until is not None) for one in alerts] == [("wait", 70.0, True)]
    assert [isinstance(one, AlertView) and one.until is None for one in first.told] == [True]
    assert [one.until for one in second.told if isinstance(one, AlertView)] == [None, clock.now - 10]


async def test_an_early_warning_is_told_once_a_day_to_pages_and_webhooks_over_restarts(
    engine: AsyncEngine, clock: Clock
) -> None:
    clock.now = dt.datetime(2026, 11, 22, 12, tzinfo=CHINA).timestamp()
    today, hot = [dt.date(2026, 11, 22)], [HOT]

    async def topics() -> tuple[dt.date, Sequence[Topic]]:
        return today[0], hot

    async def values(_: frozenset[str]) -> Mapping[str, float | None]:
        return {}

    def started(pages: Pages) -> AlertWatch:
        return AlertWatch(
            AlertStore(engine, clock), values=values, pages=pages, leads=lambda: True, clock=clock,
            topics=topics,
        )  # fmt: skip

    async def told() -> int:
        query = text("SELECT count(*) FROM hook_events WHERE kind = 'topic.raised'")
        async with engine.connect() as connection:
            return int(await connection.scalar(query) or 0)

    first, second = Pages(), Pages()
    before, after = started(first), started(second)
    await before.look()
    (raised,) = [one for one in first.told if isinstance(one, AlertView)]
    assert (raised.title, raised.sound) == ("热点预警：城乡建设/供水（城东区），平常 2.0 件", True)
    assert (raised.value, raised.until, await told()) == (12, None, 1)
    await after.look()  # another server leads
    hot.clear()
    clock.now += 600
    await after.look()
    hot.append(HOT)  # comes and goes on the same day
    clock.now += 600
    await after.look()
    assert await told() == 1
    today[0] += dt.timedelta(days=1)
    clock.now += 86_400
    await after.look()
    assert await told() == 2
    history = (await AlertStore(engine, clock).history()).alerts
    assert [(one.rule, one.until is None) for one in history] == [("topics", True), ("topics", False)]


async def test_an_older_installation_gets_the_rule_of_topics_once(engine: AsyncEngine, clock: Clock) -> None:
    store = AlertStore(engine, clock)
    await store.rules()
    async with engine.begin() as connection:  # as it was before there was such a rule
        await connection.execute(text("DELETE FROM alert_rules WHERE key <> 'waves'"))
        await connection.execute(text("DELETE FROM audit WHERE target = 'topics'"))
    assert [kept.rule.key for kept in await AlertStore(engine, clock).rules()] == ["topics", "waves"]
    await store.remove("topics", by="boss", reason="不需要")
    assert [kept.rule.key for kept in await AlertStore(engine, clock).rules()] == ["waves"]


async def test_urgent_orders_that_are_not_closed_are_counted_by_district_and_visits_whose_time_has_come(
    engine: AsyncEngine, clock: Clock
) -> None:
    store = OrderStore(engine, clock=clock)
    for order_id, district, urgency in (
        ("a", "城东区", "紧急"), ("b", "城东区", "特急"), ("c", "城西区", "紧急"), ("d", "城东区", "一般"),
    ):  # fmt: skip
        fields = {"type": "求助", "category": "供水", "summary": "停水", "district": district}
        edits = [
            FieldEdited(field=name, value=value, agent="chen")
            for name, value in {**fields, "urgency": urgency}.items()
        ]
        opened = DraftOpened(order_id=order_id, call_id="", caller="")
        events: list[OrderEvent] = [opened, *edits, OrderSubmitted(agent="chen")]
        await store.create(events, order_id=order_id, event_id=f"new:{order_id}")
    await store.apply("b", AnsweredDirectly(text="已处理", by="wang"))
    await store.apply("b", OrderClosed(reason="已处理", by="wang"))
    visit = {
        "entry_id": "", "order_id": "a", "order_number": "", "number": "", "state_since": 0.0, "by": "",
        "planned_at": 0.0, "tries": 0, "failures": 0, "call_id": "", "calls": [], "answers": {},
        "silent": False, "recorded_by": "", "reason": "", "owner": "",
    }  # fmt: skip
    waiting = [("planned", clock.now), ("due", clock.now - 9), ("planned", clock.now + 1), ("answered", 0.0)]
    async with engine.begin() as connection:
        for number, (state, due_at) in enumerate(waiting):
            row = {**visit, "visit_id": f"v{number}", "state": state, "due_at": due_at}
            await connection.execute(insert(visits).values(row))

    counts = await read_counts(engine, midnight=0.0, usual={}, now=clock.now)

    assert (counts.urgent_open, counts.urgent_districts) == (2, {"城东区": 1, "城西区": 1})
    assert counts.visits_waiting == 2


async def test_a_server_that_does_not_lead_tells_its_pages_and_judges_nothing(
    engine: AsyncEngine, clock: Clock
) -> None:
    store, pages = AlertStore(engine, clock), Pages()
    await store.put(WAIT, by="boss", reason="试行")
    follower = watch(engine, clock, {WAIT.figure: 70.0}, pages, leads=False)
    await follower.look()
    assert (await store.history()).total == 0
    await watch(engine, clock, {WAIT.figure: 70.0}, Pages()).look()

    await follower.look()

    assert [one.rule for one in pages.told if isinstance(one, AlertView)] == ["wait"]


async def test_rules_of_a_new_installation_are_there_once_and_changes_are_audited(
    engine: AsyncEngine, clock: Clock
) -> None:
    store = AlertStore(engine, clock)
    shipped = await store.rules()
    for kept in shipped:
        assert await store.remove(kept.rule.key, by="boss", reason="不需要")

    assert len(shipped) > 2
    assert await store.rules() == ()
    assert set(await whats(engine)) == {"alert_rules_shipped", "alert_rule_removed"}


async def test_the_first_who_takes_note_of_an_alert_stands(engine: AsyncEngine, clock: Clock) -> None:
    store = AlertStore(engine, clock)
    await store.put(WAIT, by="boss", reason="试行")
    await watch(engine, clock, {WAIT.figure: 70.0}, Pages()).look()
    alert = next(one for one in (await store.history()).alerts if one.rule == "wait")

    await store.acknowledge(alert.alert_id, by="zhou")
    second = await store.acknowledge(alert.alert_id, by="wu")

    assert second is not None
    assert second.acknowledged_by == "zhou"
    assert await store.acknowledge("none", by="zhou") is None


# ---------------------------------------------------------------- waves


async def says(engine: AsyncEngine, clock: Clock, order: str, caller: str, place: str) -> None:
    store = OrderStore(engine, clock=clock)
    fields = {"category": "城乡建设/供水", "district": "城东区", "place": place}
    await store.apply(
        order, DraftOpened(order_id=order, call_id=f"c-{order}", caller=caller), at=clock.now, event_id=order
    )
    for name, value in fields.items():
        await store.apply(
            order, FieldEdited(field=name, value=value, agent="li"), at=clock.now, event_id=f"{order}-{name}"
        )


async def test_a_wave_is_found_from_drafts_goes_on_at_the_next_leader_and_links_its_orders(
    engine: AsyncEngine, clock: Clock
) -> None:
    store, journal, pages = BurstStore(engine, clock), NoJournal(), Pages()

    def look_out() -> BurstWatch:
        return BurstWatch(store, BurstPolicy(), pages=pages, journal=journal, leads=lambda: True, clock=clock)

    first = look_out()
    await first.look()
    for turn, caller in enumerate(("13800000001", "13800000001", "13800000002")):
        await says(engine, clock, f"o{turn}", caller, "翠湖小区")
    await first.look()
    assert pages.told == []
    await says(engine, clock, "o3", "13800000003", "翠湖小区")
    await first.look()
    (found,) = await store.recent()
    assert (found.callers, found.title, len(found.orders)) == (3, "城东区翠湖小区 · 供水", 4)

    clock.now += 60
    second = look_out()
    await second.look()
    await says(engine, clock, "o4", "13800000004", "翠湖小区")
    await OrderStore(engine, clock=clock).apply(
        "o3", OrderDiscarded(agent="li", reason="骚扰电话"), at=clock.now, event_id="o3-gone"
    )
    await second.look()
    (grown,) = await store.recent()
    assert (grown.burst_id, set(grown.orders)) == (found.burst_id, {"o0", "o1", "o2", "o4"})

    assert await second.link(found.burst_id, ["o0", "o4"], by="boss") == 2
    assert await second.link(found.burst_id, ["o0", "o4"], by="boss") == 0
    assert [(call, kind, data["kind"]) for call, kind, data in journal.noted] == [
        ("c-o0", EntryKind.NOTE, "burst"), ("c-o4", EntryKind.NOTE, "burst"),
    ]  # fmt: skip
    assert set(await store.marked(found.burst_id)) == {"o0", "o4"}
    assert {one.burst_id for one in pages.told if isinstance(one, BurstView)} == {found.burst_id}


# ---------------------------------------------------------------- notices


async def test_notices_in_force_are_urgent_ones_first_and_end_by_themselves_or_by_a_person(
    engine: AsyncEngine, clock: Clock
) -> None:
    bulletins = Bulletins(engine, clock)
    given = {"text": "", "since": None, "by": "boss", "by_name": "王班长"}
    await bulletins.publish(title="早", urgent=False, until=None, **given)  # type: ignore[arg-type]
    clock.now += 1
    urgent = await bulletins.publish(title="急", urgent=True, until=clock.now + 60, **given)  # type: ignore[arg-type]

    assert [one.title for one in in_force(await bulletins.current(), clock.now)] == ["急", "早"]
    rows = await bulletins.current()
    assert [one.title for one in in_force(rows, clock.now + 60)] == ["早"]
    assert await bulletins.withdraw(urgent.bulletin_id, by="boss", reason="已恢复")
    assert not await bulletins.withdraw(urgent.bulletin_id, by="boss", reason="已恢复")
    assert [one.title for one in in_force(await bulletins.current(), clock.now)] == ["早"]
    assert await whats(engine) == ["bulletin_published", "bulletin_published", "bulletin_withdrawn"]
    with pytest.raises(BulletinRefused):
        await bulletins.publish(title="过期", urgent=False, until=clock.now, **given)  # type: ignore[arg-type]


# ---------------------------------------------------------------- announcements


def spoken(seconds: float) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(tone(700, seconds).tobytes())
    return buffer.getvalue()


async def test_an_announcement_needs_an_end_a_sound_and_an_approval(
    engine: AsyncEngine, clock: Clock
) -> None:
    store = Announcements(engine, has_prompt=lambda key: key == "greeting", clock=clock)
    given = {"text": "停水", "district": "城东区", "called": "", "since": None, "by": "li", "by_name": "李"}
    for until, prompts in ((clock.now, ()), (clock.now + 8 * 86_400, ()), (clock.now + 60, ("nothing",))):
        with pytest.raises(AnnouncementRefused):
            await store.propose(title="停水", prompts=prompts, until=until, **given)  # type: ignore[arg-type]
    one = await store.propose(title="停水", prompts=(), until=clock.now + 60, **given)  # type: ignore[arg-type]
    with pytest.raises(AnnouncementRefused):
        await store.approve(one.announcement_id, by="boss")
    with pytest.raises(AnnouncementRefused):
        await store.record(one.announcement_id, b"RIFFnothing", by="li")
    assert await store.current() == ()

    await store.record(one.announcement_id, spoken(1.0), by="li")
    approved = await store.approve(one.announcement_id, by="boss")

    assert approved is not None
    assert (approved.approved_by, approved.said(clock.now), approved.said(clock.now + 60)) == (
        "boss", True, False,
    )  # fmt: skip
    assert 0.9 < approved.seconds < 1.6
    with pytest.raises(AnnouncementRefused):
        await store.record(one.announcement_id, spoken(1.0), by="li")
    assert await store.withdraw(one.announcement_id, by="boss", reason="已恢复")
    assert await store.current() == ()
    assert await whats(engine) == [
        "announcement_proposed", "announcement_recorded", "announcement_approved", "announcement_withdrawn",
    ]  # fmt: skip


def test_an_alert_rule_that_is_stored_reads_back_as_it_was() -> None:
    assert msgspec.convert(msgspec.to_builtins(WAIT), AlertRule) == WAIT
