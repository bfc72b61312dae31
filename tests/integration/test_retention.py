"""What has to go by law goes everywhere, the chain holds afterwards, and says who did it under which rule."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.attachment_rows import AttachmentRefused
from cti.casework.attachments import Attachments
from cti.casework.citizen_tables import notices
from cti.casework.findings import Finding, FindingKind, Totals
from cti.casework.retention import Keeper
from cti.casework.scanning import NoScanner
from cti.casework.sealing import Sealer
from cti.casework.verification import verify
from cti.database import open_engine, target_metadata
from cti.tables import call_events, callbacks, calls, transcript_lines, visits
from orders.course_events import FollowedUp
from orders.erasure import ERASED
from orders.messages import (
    AttachmentAdded,
    AttachmentRemoved,
    Channel,
    DataErased,
    DraftOpened,
    LinkKind,
    OrderDiscarded,
    OrderLinked,
    OrderMerged,
)
from orders.retention import DAY_S, shipped_retention
from orders.store import OrderStore
from orders.tables import order_events
from tests.support.courses import ANSWERED, closed, rated
from tests.support.lived_orders import accept, in_turn

pytestmark = pytest.mark.integration

AT = 1_700_000_000.0
YEAR = 365 * DAY_S
PERSONAL = ("13812345678", "王小明", "603室")


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


def keeper(engine: AsyncEngine, folder: Path, now: float) -> Keeper:
    return Keeper(
        engine, shipped_retention(), recordings=folder, attachments=folder / "files", clock=lambda: now
    )


async def ended(engine: AsyncEngine, order_id: str = "o1", call_id: str = "", **fields: str) -> None:
    course = in_turn(*ANSWERED, rated(bad=False), closed(), at=AT)
    await accept(OrderStore(engine), order_id, *course, at=AT, call_id=call_id, **fields)


async def everything(engine: AsyncEngine) -> str:
    """All that stands in all tables."""
    told: list[str] = []
    async with engine.connect() as connection:
        for metadata in target_metadata():
            for table in metadata.tables.values():
                told += map(str, (await connection.execute(select(table))).all())
    return "\n".join(told)


async def found(engine: AsyncEngine) -> tuple[list[Finding], Totals]:
    seen = [one async for one in verify(engine)]
    last = seen[-1]
    assert isinstance(last, Totals)
    return [one for one in seen if isinstance(one, Finding)], last


async def test_who_it_was_goes_first_the_words_later_and_chain_and_seals_hold(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await ended(engine)
    await Sealer(engine).seal("hu")
    before = await OrderStore(engine).get("o1")
    assert [one async for one in keeper(engine, tmp_path, AT + YEAR).plan()] == []

    later = keeper(engine, tmp_path, AT + 4 * YEAR)
    assert [one.what async for one in later.plan()] == [("call", "person")]
    (gone,) = [one async for one in later.apply("hu")]
    assert (gone.order_id, gone.rule) == ("o1", "others")
    stands = await everything(engine)
    assert not [secret for secret in PERSONAL if secret in stands]
    order = await OrderStore(engine).get("o1")
    assert order.caller == order.draft.fields["phone"].value == ERASED
    assert "垃圾三天没有清运" in order.draft.fields["summary"].value
    assert (order.number, order.draft.course) == (before.number, before.draft.course)
    findings, totals = await found(engine)
    assert findings == []
    assert totals.erased > 3
    last = (await OrderStore(engine).events("o1"))[-1]
    assert isinstance(last.event, DataErased)
    assert (last.actor, last.event.rule, last.event.what) == ("hu", "others", ("person",))
    assert [one async for one in later.apply("hu")] == []

    (gone,) = [one async for one in keeper(engine, tmp_path, AT + 11 * YEAR).apply("system")]
    assert gone.what == ("words",)
    assert "垃圾" not in (await everything(engine)).replace("环境卫生/垃圾清运", "")
    findings, _ = await found(engine)
    assert findings == []


async def test_what_is_left_of_an_erased_event_cannot_be_changed_unseen(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await ended(engine)
    assert [one async for one in keeper(engine, tmp_path, AT + 4 * YEAR).apply("hu")]
    mine = order_events.c.seq == 6
    async with engine.begin() as connection:
        data = await connection.scalar(select(order_events.c.data).where(mine))
        changed = str(data).replace(ERASED, "李四")
        assert changed != data
        await connection.execute(update(order_events).where(mine).values(data=changed))
    findings, _ = await found(engine)
    assert (FindingKind.EMPTIED, 6) in {(one.kind, one.seq) for one in findings}


async def test_events_from_before_there_were_salts_are_erased_and_vouched_for(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.chain.salted", lambda link: link)
    await ended(engine)
    monkeypatch.undo()
    assert (await found(engine))[0] == []
    assert [one async for one in keeper(engine, tmp_path, AT + 4 * YEAR).apply("hu")]
    findings, totals = await found(engine)
    assert (findings, totals.erased > 3) == ([], True)
    async with engine.begin() as connection:
        await connection.execute(update(order_events).where(order_events.c.seq == 6).values(actor="x"))
    findings, _ = await found(engine)
    assert (FindingKind.EMPTIED, 6) in {(one.kind, one.seq) for one in findings}


async def test_a_held_order_keeps_everything_until_it_is_released(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await ended(engine)
    later = keeper(engine, tmp_path, AT + 20 * YEAR)
    assert await later.hold("o1", by="hu", reason="行政诉讼")
    assert not await later.hold("o1", by="hu", reason="再来一次")
    assert not await later.hold("o404", by="hu", reason="没有")
    assert [one async for one in later.apply("system")] == []
    assert await later.release("o1", by="hu", reason="判决生效")
    assert [one.what async for one in later.apply("system")] == [("call", "person", "words")]


async def test_an_order_that_is_still_worked_on_or_whose_chain_is_broken_is_left_alone(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await accept(OrderStore(engine), "open", at=AT)
    await ended(engine)
    async with engine.begin() as connection:
        row = (order_events.c.order_id == "o1") & (order_events.c.seq == 3)
        await connection.execute(update(order_events).where(row).values(actor="nobody"))
    assert [one async for one in keeper(engine, tmp_path, AT + 20 * YEAR).apply("system")] == []
    assert "13812345678" in await everything(engine)


async def test_sound_and_words_of_the_call_go_with_the_order(engine: AsyncEngine, tmp_path: Path) -> None:
    await ended(engine, call_id="c1")
    (tmp_path / "c1.wav").write_bytes(b"RIFF")
    line = {
        "call_id": "c1", "line_id": "1", "entry_id": "e1", "speaker": "citizen", "text": "我叫王小明",
        "verbatim": "我叫王小明", "start_s": 0.0, "end_s": 1.0, "words": [],
    }  # fmt: skip
    heard = [
        {"entry_id": f"e-{kind}", "call_id": "c1", "at": AT, "kind": kind, "data": {"text": "我叫王小明"}}
        for kind in ("transcript", "text", "order")
    ]
    call = {
        "call_id": "c1", "caller": "", "called": "12345", "state": "ended", "queue": "", "queue_title": "",
        "started": AT, "rings": 1, "recording_file": "c1.wav",
    }  # fmt: skip
    async with engine.begin() as connection:
        await connection.execute(insert(transcript_lines).values(line))
        await connection.execute(insert(call_events), heard)
        await connection.execute(insert(calls).values(call))
    assert [one async for one in keeper(engine, tmp_path, AT + 4 * YEAR).apply("system")]
    assert not (tmp_path / "c1.wav").exists()
    assert "王小明" not in await everything(engine)


def a_call(call_id: str, caller: str, called: str = "12345") -> dict[str, object]:
    return {
        "call_id": call_id, "caller": caller, "called": called, "state": "ended", "queue": "",
        "queue_title": "", "started": AT, "rings": 1, "recording_file": f"{call_id}.wav",
    }  # fmt: skip


async def test_a_recording_stays_while_another_order_of_its_call_is_held_or_open(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    store = OrderStore(engine)
    await ended(engine, call_id="c1")
    opened = DraftOpened(order_id="o2", call_id="c1", caller="13812345678", channel=Channel.PHONE)
    gone = OrderDiscarded(agent="chen", reason="咨询，已答复")
    await store.create([opened, gone], order_id="o2", event_id="o2", at=AT)
    await accept(store, "o3", at=AT, call_id="c1")  # still worked on
    (tmp_path / "c1.wav").write_bytes(b"RIFF")
    async with engine.begin() as connection:
        await connection.execute(insert(calls).values(a_call("c1", "13812345678")))
    later = keeper(engine, tmp_path, AT + 20 * YEAR)
    planned = {one.order_id: one.what async for one in later.plan()}
    assert planned == {"o1": ("person", "words"), "o2": ("person", "words")}
    assert {one.order_id async for one in later.apply("system")} == {"o1", "o2"}
    assert (tmp_path / "c1.wav").exists()
    async with engine.connect() as connection:
        assert await connection.scalar(select(calls.c.caller)) == "13812345678"

    for event, when in in_turn(*ANSWERED, rated(bad=False), closed(), at=AT):
        await store.apply("o3", event, at=when)
    assert await later.hold("o3", by="hu", reason="行政诉讼")
    assert [one async for one in later.apply("system")] == []
    assert (tmp_path / "c1.wav").exists()
    assert await later.release("o3", by="hu", reason="判决生效")
    told = {one.order_id: one.what async for one in later.apply("system")}
    assert told["o3"] == ("call", "person", "words")
    assert not (tmp_path / "c1.wav").exists()
    assert not [secret for secret in PERSONAL if secret in await everything(engine)]
    assert (await found(engine))[0] == []


async def test_files_numbers_and_names_go_wherever_else_they_stand(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await ended(engine, call_id="c1")
    files = attachments_of(engine, tmp_path / "files")
    await files.put("o1", "王小明家门口.png", pieces(b"\x89PNG\r\n\x1a\n0"), who="citizen")
    visit = {
        "visit_id": "v1", "entry_id": "e9", "order_id": "o1", "order_number": "1", "number": "13812345678",
        "state": "answered", "state_since": AT, "planned_at": AT, "due_at": AT, "by": "system", "tries": 1,
        "failures": 0, "last_result": None, "call_id": "c2", "calls": ["c2"],
        "answers": {"words": "王小明说还没修好"}, "silent": False, "recorded_by": "", "reason": "",
        "owner": "a",
    }  # fmt: skip
    back = {
        "callback_id": "b1", "entry_id": "e8", "number": "13812345678", "diallable": True, "state": "done",
        "state_since": AT, "origin": "citizen", "queue": "q", "needs": {}, "priority": 1, "urgent": False,
        "since": AT, "first_at": AT, "last_at": AT, "wishes": 1, "calls": ["c1"], "tries": 1, "failures": 0,
        "call_id": "c3", "note": "找王小明", "by": "chen", "reason": "", "owner": "a",
    }  # fmt: skip
    heard = [
        {"entry_id": f"e-{kind}", "call_id": call_id, "at": AT, "kind": kind, "data": data}
        for kind, call_id, data in (
            ("call_state", "c1", {"caller": "13812345678", "state": "ended"}),
            ("callback", "b1", {"callback": {"number": "13812345678", "note": "找王小明"}}),
            ("visit", "v1", {"visit": {"number": "13812345678", "answers": {"words": "我叫王小明"}}}),
            ("message", "c1", {"file": "m1.wav"}),
        )
    ]
    notice = {
        "notice_id": "n1", "order_id": "o1", "other": "", "template": "closed", "number_hash": "ab" * 32,
        "state": "sent", "tries": 1, "next_at": 0.0, "status": "", "at": AT,
    }  # fmt: skip
    for name in ("c1.wav", "c2.wav", "m1.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    async with engine.begin() as connection:
        await connection.execute(
            insert(calls), [a_call("c1", "13812345678"), a_call("c2", "12345", "13812345678")]
        )
        await connection.execute(insert(visits).values(visit))
        await connection.execute(insert(callbacks).values(back))
        await connection.execute(insert(call_events), heard)
        await connection.execute(insert(notices).values(notice))
    assert [one async for one in keeper(engine, tmp_path, AT + 4 * YEAR).apply("system")]
    assert files_under(tmp_path) == []
    stands = await everything(engine)
    assert not [secret for secret in (*PERSONAL, "ab" * 32) if secret in stands]
    removed = [
        one.event
        for one in await OrderStore(engine).events("o1")
        if isinstance(one.event, AttachmentAdded | AttachmentRemoved)
    ]
    assert [type(one).__name__ for one in removed] == ["AttachmentAdded", "AttachmentRemoved"]
    assert {one.name for one in removed} == {ERASED}
    assert (await found(engine))[0] == []
    with pytest.raises(AttachmentRefused):
        await files.put("o1", "again.png", pieces(b"\x89PNG\r\n\x1a\n0"), who="wang")


async def test_a_citizen_who_joined_another_order_goes_from_it_when_their_own_time_comes(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    store = OrderStore(engine)
    await accept(store, "o1", at=AT, caller="13900000000", phone="13900000000", contact="李四")
    opened = DraftOpened(order_id="o2", call_id="", caller="13812345678", channel=Channel.PHONE)
    await store.create([opened], order_id="o2", event_id="o2", at=AT)
    joins = OrderLinked(
        other="o2", kind=LinkKind.JOINED, agent="chen", caller="13812345678", contact="王小明",
        phone="13812345678",
    )  # fmt: skip
    await store.apply_all([("o1", joins), ("o2", OrderMerged(into="o1", agent="chen"))], at=AT)
    await store.apply("o1", FollowedUp(reason="王小明又来电催办", by="chen"), at=AT + 1)
    later = keeper(engine, tmp_path, AT + 4 * YEAR)
    assert await later.hold("o1", by="hu", reason="诉讼")
    assert [one.order_id async for one in later.apply("system")] == ["o2"]
    assert (await store.get("o1")).draft.links[0].phone == "13812345678"  # held: it is evidence
    assert await later.release("o1", by="hu", reason="判决生效")
    assert [(one.order_id, one.what) async for one in later.plan()] == [("o1", ("joined",))]
    assert [one.what async for one in later.apply("system")] == [("joined",)]
    order = await store.get("o1")
    link = order.draft.links[0]
    assert (link.caller, link.contact, link.phone) == (ERASED, ERASED, ERASED)
    assert order.caller == "13900000000"
    stands = await everything(engine)
    assert "13812345678" not in stands.replace("请打13812345678找王小明", "")  # the other's own words
    assert [one async for one in later.apply("system")] == []
    assert (await found(engine))[0] == []


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name]


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def attachments_of(engine: AsyncEngine, folder: Path) -> Attachments:
    return Attachments(
        engine, OrderStore(engine), folder, NoScanner(), kinds=frozenset({"png"}), most_mb=1.0, most_files=5,
        leads=lambda: True,
    )  # fmt: skip
