"""Transcripts in a real database and over HTTP, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.calls import CallStore
from cti.database import open_engine
from cti.messages import Entry, EntryKind, Role
from cti.transcripts import CorrectionStale, LineUnknown, TranscriptFilter, TranscriptStore
from orders.messages import FieldSuggested
from orders.store import OrderStore
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, Site, open_site

pytestmark = pytest.mark.integration

T0 = 1_800_000_000.0


def said(call_id: str, number: int, text: str, speaker: str = "citizen", **more: object) -> Entry:
    data = {
        "line_id": f"tap:{number}",
        "speaker": speaker,
        "text": text,
        "start": number,
        "end": number + 2.0,
    }
    return Entry(
        entry_id=f"{call_id}-{number:04d}",
        call_id=call_id,
        at=T0 + number,
        kind=EntryKind.TRANSCRIPT,
        data=data | more,
    )


def talk(call_id: str, at: float, agent: str) -> Entry:
    data = {"state": "talking", "caller": "13800138000", "called": "12345", "agent_id": agent}
    return Entry(
        entry_id=f"{call_id}-0000", call_id=call_id, at=T0 + at, kind=EntryKind.CALL_STATE, data=data
    )


ENTRIES = [
    talk("c1", 0, "zhang"),
    said("c1", 1, "您好，请问有什么可以帮您", "agent"),
    said(
        "c1",
        2,
        "六一街道停水了",
        confidence=0.5,
        verbatim="六一街道停水了",
        repairs=[{"start": 0, "end": 4, "heard": "留意街道", "source": "gazetteer", "confidence": 0.7}],
    ),
    said("c1", 3, "", gap="worker_lost"),
    talk("c2", 100, "li"),
    said("c2", 1, "楼下100%太吵，停水也没人管"),
    said("c2", 2, "我是物业的", "third"),
    talk("c3", 200, "li"),
]


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    await CallStore(engine).write(ENTRIES)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def store(engine: AsyncEngine) -> TranscriptStore:
    return TranscriptStore(engine, clock=Clock(T0 + 1000))


async def found(store: TranscriptStore, **which: Any) -> list[tuple[str, int, int, list[str]]]:
    page = await store.find(TranscriptFilter(**which))
    assert page.total >= len(page.hits)
    return [(hit.call.call_id, hit.lines, hit.matches, [one.text for one in hit.shown]) for hit in page.hits]


async def test_calls_are_found_by_two_characters_of_what_was_said(store: TranscriptStore) -> None:
    assert await found(store, text="停水") == [
        ("c2", 2, 1, ["楼下100%太吵，停水也没人管"]),
        ("c1", 2, 1, ["六一街道停水了"]),
    ]


async def test_every_call_with_words_is_found_without_any_text(store: TranscriptStore) -> None:
    assert [(call, lines) for call, lines, _, _ in await found(store)] == [("c2", 2), ("c1", 2)]


@pytest.mark.parametrize(
    ("which", "calls"),
    [
        ({"text": "停水 没人管"}, ["c2"]),  # both words in one line
        ({"text": "停水 物业"}, []),
        ({"text": "100%"}, ["c2"]),
        ({"text": "1_0"}, []),  # signs of LIKE are only signs
        ({"text": "物业", "speaker": "citizen"}, []),
        ({"text": "物业", "speaker": "third"}, ["c2"]),
        ({"text": "停水", "agent": "zhang"}, ["c1"]),
        ({"text": "停水", "since": T0 + 50}, ["c2"]),
        ({"text": "停水", "until": T0 + 50}, ["c1"]),
        ({"caller": "13900139000"}, []),
    ],
)
async def test_a_search_keeps_to_its_conditions(
    store: TranscriptStore, which: dict[str, Any], calls: list[str]
) -> None:
    assert [call for call, *_ in await found(store, **which)] == calls


async def test_pages_follow_one_another(store: TranscriptStore) -> None:
    assert [call for call, *_ in await found(store, size=1, page=2)] == ["c1"]


async def test_a_correction_stands_beside_the_line_that_stays(store: TranscriptStore) -> None:
    made = await store.correct("c1", "tap:2", "五一街道停水了", who="zhang", seen=0)
    assert (made.version, made.who, made.at) == (1, "zhang", T0 + 1000)
    _, line, gap = await store.lines("c1")
    assert (line.text, line.line.text) == ("五一街道停水了", "六一街道停水了")
    assert line.line.repairs is not None and line.line.repairs[0].heard == "留意街道"
    assert (gap.line.gap, gap.line.text) == ("worker_lost", "")


async def test_a_line_is_found_by_what_was_heard_and_by_what_was_corrected(store: TranscriptStore) -> None:
    await store.correct("c1", "tap:2", "五一街道停水了", who="zhang", seen=0)
    for text in ("五一", "六一"):
        assert await found(store, text=text) == [("c1", 2, 1, ["五一街道停水了"])]
    assert [call for call, *_ in await found(store, corrected=True)] == ["c1"]


async def test_who_did_not_see_the_newest_correction_does_not_replace_it(store: TranscriptStore) -> None:
    await store.correct("c1", "tap:2", "五一街道停水了", who="zhang", seen=0)
    with pytest.raises(CorrectionStale):
        await store.correct("c1", "tap:2", "七一街道停水了", who="li", seen=0)
    await store.correct("c1", "tap:2", "五一街道停水啦", who="li", seen=1)
    history = await store.history("c1", "tap:2")
    assert [(one.version, one.text, one.who) for one in history] == [
        (1, "五一街道停水了", "zhang"),
        (2, "五一街道停水啦", "li"),
    ]


@pytest.mark.parametrize("line_id", ["tap:3", "tap:9"], ids=["gap", "unknown"])
async def test_what_holds_no_words_cannot_be_corrected(store: TranscriptStore, line_id: str) -> None:
    with pytest.raises(LineUnknown):
        await store.correct("c1", line_id, "x", who="zhang", seen=0)


# ---------------------------------------------------------------- over HTTP


@pytest_asyncio.fixture
async def site(engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock) -> AsyncIterator[Site]:
    """Zhang talks in c1, whose recording is being written; Li talked in c2."""
    (tmp_path / "recordings").mkdir()
    second = array.array("h", [7] * 8000).tobytes()
    for side in ("citizen", "heard"):
        (tmp_path / "recordings" / f"c1-{side}.sln").write_bytes(second * 3)
    async with open_site(engine, tmp_path, loopback.address(), clock=Clock(T0 + 1000)) as running:
        await running.add("zhang", extension="1001")
        await running.add("banzhang", Role.SUPERVISOR)
        yield running


async def ask(browser: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, Any]:
    async with browser.request(method, path, **more) as response:
        json = response.content_type == "application/json"
        return response.status, await response.json() if json else await response.read()


async def test_an_agent_finds_corrects_hears_and_takes_away_their_own_calls(site: Site) -> None:
    zhang = await site.signed_in("zhang")
    status, told = await ask(zhang, "GET", "/api/transcripts?text=停水&agent=li")
    assert (status, [call["call_id"] for call in told["calls"]]) == (200, ["c1"])
    body = {"text": "五一街道停水了", "seen": 0}
    assert (await ask(zhang, "PATCH", "/api/calls/c1/transcript/tap:2", json=body))[0] == 200
    status, refused = await ask(zhang, "PATCH", "/api/calls/c1/transcript/tap:2", json=body)
    assert (status, refused["error"]["code"]) == (409, "conflict")
    status, text = await ask(zhang, "GET", "/api/calls/c1/transcript/export?format=txt")
    assert (status, "市民：五一街道停水了" in text.decode()) == (200, True)
    status, sound = await ask(zhang, "GET", "/api/calls/c1/recording/part?start=1&end=2")
    assert (status, sound[:4], len(sound)) == (200, b"RIFF", 44 + 32000)
    for method, path in (
        ("PATCH", "/api/calls/c2/transcript/tap:1"),
        ("GET", "/api/calls/c2/transcript/export?format=csv"),
        ("GET", "/api/calls/c2/recording/part?start=0&end=1"),
        ("GET", "/api/transcripts/export?format=csv"),
    ):
        more = {"json": body} if method == "PATCH" else {}
        assert (await ask(zhang, method, path, **more))[0] == 403, path


async def test_whoever_is_in_charge_takes_away_what_was_found_and_the_trail_says_so(site: Site) -> None:
    boss = await site.signed_in("banzhang")
    status, told = await ask(boss, "GET", "/api/transcripts/export?format=json&text=停水")
    assert (status, [call["call_id"] for call in told["calls"]]) == (200, ["c2", "c1"])
    (line,) = (row for row in await site.deps.accounts.trail() if row.what == "transcript_exported")
    assert (line.who, line.detail) == ("banzhang", {"format": "json", "calls": 2, "of": 2})


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/calls/c1/recording/part?start=0&end=61", 400, "invalid"),
        ("/api/calls/c1/recording/part?start=2&end=2", 400, "invalid"),
        ("/api/calls/c1/recording/part?start=50&end=51", 404, "no_recording"),
        ("/api/calls/c3/recording/part?start=0&end=1", 404, "no_recording"),
        ("/api/calls/c1/transcript/export?format=doc", 400, "invalid"),
        ("/api/transcripts?speaker=nobody", 400, "invalid"),
        ("/api/transcripts?text=%00", 400, "invalid"),
    ],
)
async def test_what_cannot_be_done_is_said(site: Site, path: str, status: int, code: str) -> None:
    got, told = await ask(await site.signed_in("banzhang"), "GET", path)
    assert (got, told["error"]["code"]) == (status, code)


async def test_the_machines_accuracy_is_told_per_field_and_source(site: Site, engine: AsyncEngine) -> None:
    orders = OrderStore(engine, clock=Clock(T0 + 500))
    for number, typed in enumerate(["城乡建设", "城乡建设/供水"]):
        order_id = f"order{number}"
        await orders.open_draft(f"q{number}", "13800138000", order_id=order_id)
        machine = FieldSuggested(field="category", value="城乡建设", source="model:3", confidence=0.9)
        await orders.suggest(order_id, [machine])
        for field, value in (("category", typed), ("type", "求助"), ("summary", "停水")):
            await orders.edit(order_id, field, value, agent="zhang")
        await orders.submit(order_id, "zhang", f"key{number}")
    status, told = await ask(await site.signed_in("banzhang"), "GET", "/api/quality/fields")
    assert (status, told["orders"], told["total"]) == (200, 2, 2)
    fields = {field["field"]: field for field in told["fields"]}
    assert fields["category"]["counts"]["precision"] == 0.5
    assert fields["category"]["sources"] == [{"source": "model:3", "counts": fields["category"]["counts"]}]
    assert (fields["type"]["counts"]["missed"], fields["phone"]["counts"]["right"]) == (2, 2)
    assert (await ask(await site.signed_in("zhang"), "GET", "/api/quality/fields"))[0] == 403
