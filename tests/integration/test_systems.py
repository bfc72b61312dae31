"""What a city's other systems may do, against the running application, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.calls import CallStore
from cti.database import open_engine
from cti.messages import Entry, EntryKind, Role
from cti.signatures import DELIVERY, SIGNATURE, TIMESTAMP, verified
from cti.systems import Systems
from cti.tokens import Scope
from cti.webhooks import DeliveryState, HookKind, Webhook
from orders.store import OrderStore
from tests.support.loopback import LoopbackBlock
from tests.support.receiver import Receiver, receiver
from tests.support.until import until
from tests.support.web import Clock, Site, open_site, systems_for

pytestmark = pytest.mark.integration

T0 = 1_800_000_000.0
WISH = {"number": "13800138000", "queue": "general"}


@pytest.fixture
def clock() -> Clock:
    return Clock(T0 + 1000)


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def site(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock, clock: Clock
) -> AsyncIterator[Site]:
    async with open_site(engine, tmp_path, loopback.address(), clock=clock) as running:
        await running.add("guanli", Role.ADMIN)
        await running.add("zhang")
        yield running


@pytest_asyncio.fixture
async def taker(loopback: LoopbackBlock) -> AsyncIterator[Receiver]:
    async with receiver(loopback.address()) as running:
        yield running


def systems(site: Site) -> Systems:
    assert site.deps.systems is not None
    return site.deps.systems


async def ask(
    client: aiohttp.ClientSession, method: str, path: str, **more: Any
) -> tuple[int, dict[str, Any]]:
    async with client.request(method, path, **more) as response:
        body = await response.json() if response.content_type == "application/json" else {}
        return response.status, body


async def program(site: Site, *scopes: Scope, per_minute: int = 6000) -> aiohttp.ClientSession:
    """Another system with a token of these scopes; it sends no Origin and no cookie."""
    token, _ = await systems(site).tokens.create("门户", scopes, by="guanli", per_minute=per_minute)
    client = site.browser()
    client.headers.update({"Authorization": f"Bearer {token}"})
    del client.headers["Origin"]
    return client


def entry(call_id: str, number: int, kind: EntryKind, /, **data: object) -> Entry:
    return Entry(entry_id=f"{call_id}-{number:04d}", call_id=call_id, at=T0 + number, kind=kind, data=data)


async def call_over(engine: AsyncEngine, *call_ids: str) -> None:
    """Write calls that began and ended."""
    for call_id in call_ids:
        await CallStore(engine).write(
            [
                entry(call_id, 0, EntryKind.CALL_STATE, state="incoming", caller="138", called="12345"),
                entry(call_id, 9, EntryKind.CALL_STATE, state="ended", outcome="answered"),
            ]
        )


# ---------------------------------------------------------------- tokens


async def test_a_token_is_told_once_and_opens_what_its_scopes_say(site: Site, engine: AsyncEngine) -> None:
    admin = await site.signed_in("guanli")
    new = {"name": "数据平台", "scopes": ["calls:read"], "days": 30, "reason": "按合同对接"}
    status, made = await ask(admin, "POST", "/api/tokens", json=new)
    assert (status, made["scopes"], made["in_force"]) == (201, ["calls:read"], True)
    async with engine.connect() as connection:
        row = (await connection.execute(text("select * from api_tokens"))).mappings().one()
    assert made["token"] not in str(dict(row))
    assert "token" not in (await ask(admin, "GET", "/api/tokens"))[1]["tokens"][0]
    client = site.browser()
    client.headers.update({"Authorization": f"Bearer {made['token']}"})
    assert (await ask(client, "GET", "/api/calls"))[0] == 200
    for path in ("/api/orders", "/api/accounts", "/api/me", "/api/ws", "/api/calls/c1/recording"):
        status, told = await ask(client, "GET", path)
        assert (status, told["error"]["code"]) == (403, "scope_missing"), path


async def test_a_revoked_token_opens_nothing_and_the_trail_names_who_and_why(site: Site) -> None:
    client = await program(site, Scope.CALLS_READ)
    assert (await ask(client, "GET", "/api/calls"))[0] == 200
    admin = await site.signed_in("guanli")
    (token,) = (await ask(admin, "GET", "/api/tokens"))[1]["tokens"]
    body = {"reason": "系统下线"}
    assert (await ask(admin, "POST", f"/api/tokens/{token['token_id']}/revoke", json=body))[0] == 200
    assert (await ask(client, "GET", "/api/calls"))[0] == 401
    _, trail = await ask(admin, "GET", "/api/audit")
    told = {row["what"]: row for row in trail["rows" if "rows" in trail else "audit"]}
    assert told["token_revoked"]["who"] == "guanli"
    assert told["token_revoked"]["detail"]["reason"] == "系统下线"
    assert "token_created" in told


async def test_a_token_ends_by_itself(site: Site, clock: Clock) -> None:
    client = await program(site, Scope.CALLS_READ)
    clock.now += 366 * 86400
    status, told = await ask(client, "GET", "/api/calls")
    assert (status, told["error"]["code"]) == (401, "signed_out")


async def test_a_wrong_secret_with_a_known_id_opens_nothing(site: Site) -> None:
    client = await program(site, Scope.CALLS_READ)
    right = client.headers["Authorization"]
    for wrong in (right[:-1] + ("A" if right[-1] != "A" else "B"), "Bearer hlt_", right + "x" * 200):
        client.headers["Authorization"] = wrong
        assert (await ask(client, "GET", "/api/calls"))[0] == 401


async def test_a_token_that_asks_too_often_is_told_when_to_come_back(site: Site) -> None:
    client = await program(site, Scope.CALLS_READ, per_minute=6)
    assert (await ask(client, "GET", "/api/calls"))[0] == 200
    status, told = await ask(client, "GET", "/api/calls")
    assert (status, told["error"]["code"], told["retry_after_s"]) == (429, "too_many", 10)


async def test_only_administrators_make_tokens_and_a_senseless_one_is_refused(site: Site) -> None:
    agent, admin = await site.signed_in("zhang"), await site.signed_in("guanli")
    new = {"name": "x", "scopes": ["calls:read"], "reason": "对接"}
    assert (await ask(agent, "POST", "/api/tokens", json=new))[0] == 403
    flaws: tuple[dict[str, object], ...] = (
        {"scopes": []},
        {"name": " "},
        {"days": 0},
        {"per_minute": 0},
        {"scopes": ["all"]},
        {"reason": ""},
    )
    for flaw in flaws:
        assert (await ask(admin, "POST", "/api/tokens", json={**new, **flaw}))[0] == 400, flaw


# ---------------------------------------------------------------- changes


async def pulled(client: aiohttp.ClientSession, since: str = "", **query: str) -> tuple[list[Any], str]:
    """Pull until there is no more; what came, and the last cursor."""
    found: list[Any] = []
    while True:
        params = {"since": since, "limit": "2", **query}
        status, told = await ask(client, "GET", "/api/changes", params=params)
        assert status == 200, told
        found += told["changes"]
        since = told["cursor"]
        if not told["more"]:
            return found, since


async def test_a_system_that_pulls_gets_every_call_and_order_and_later_only_what_changed(
    site: Site, engine: AsyncEngine, clock: Clock
) -> None:
    client = await program(site, Scope.CALLS_READ, Scope.ORDERS_READ)
    await call_over(engine, "c1", "c2", "c3")
    await OrderStore(engine, clock=clock).open_draft("c1", "138", order_id="o1")
    found, cursor = await pulled(client)
    assert [(one["kind"], one["id"]) for one in found] == [
        ("call", "c1"),
        ("call", "c2"),
        ("call", "c3"),
        ("order", "o1"),
    ]
    assert found[0]["object"]["outcome"] == "answered"
    assert await pulled(client, cursor) == ([], cursor)
    await CallStore(engine).write([entry("c2", 20, EntryKind.RATING, score=5)])
    ((changed,), _) = await pulled(client, cursor)
    assert (changed["id"], changed["object"]["satisfaction"]) == ("c2", 5)


async def test_words_are_pulled_with_their_own_scope_only(site: Site, engine: AsyncEngine) -> None:
    said = {"line_id": "a", "speaker": "citizen", "text": "路灯坏了", "start": 0.5, "end": 1.0}
    await call_over(engine, "c1")
    await CallStore(engine).write([entry("c1", 5, EntryKind.TRANSCRIPT, **said)])
    found, _ = await pulled(await program(site, Scope.TRANSCRIPTS_READ))
    assert [(one["kind"], one["object"]["lines"][0]["text"]) for one in found] == [("transcript", "路灯坏了")]
    calls_only = await program(site, Scope.CALLS_READ)
    assert [one["kind"] for one in (await pulled(calls_only))[0]] == ["call"]
    status, told = await ask(calls_only, "GET", "/api/changes", params={"kinds": "call,transcript"})
    assert (status, told["error"]["code"]) == (403, "scope_missing")
    assert (await ask(calls_only, "GET", "/api/changes", params={"since": "yesterday"}))[0] == 400


async def test_no_change_is_passed_over_while_many_write_at_the_same_time(
    site: Site, engine: AsyncEngine
) -> None:
    client = await program(site, Scope.CALLS_READ)
    wanted = {f"c{number:02d}" for number in range(24)}
    writing = asyncio.gather(*(call_over(engine, call_id) for call_id in sorted(wanted)))
    seen: set[str] = set()
    cursor = ""
    while not writing.done() or wanted - seen:
        found, cursor = await pulled(client, cursor)
        seen |= {one["id"] for one in found}
    assert seen == wanted


# ---------------------------------------------------------------- repeated requests


async def test_a_repeated_request_with_its_key_creates_once_and_gets_the_same_answer(site: Site) -> None:
    client = await program(site, Scope.CALLBACKS_WRITE)
    key = {"Idempotency-Key": "k1"}
    first = await ask(client, "POST", "/api/callbacks", json=WISH, headers=key)
    again = await ask(client, "POST", "/api/callbacks", json=WISH, headers=key)
    assert first[0] == 201
    assert again == first
    assert len(site.deps.callbacks.asked) == 1  # type: ignore[attr-defined]
    other = {**WISH, "number": "13900139000"}
    status, told = await ask(client, "POST", "/api/callbacks", json=other, headers=key)
    assert (status, told["error"]["code"]) == (409, "key_reused")


async def test_a_key_is_forgotten_after_a_day_and_after_a_request_that_was_refused(
    site: Site, clock: Clock
) -> None:
    client = await program(site, Scope.CALLBACKS_WRITE)
    key = {"Idempotency-Key": "k1"}
    bad = {**WISH, "number": ""}
    assert (await ask(client, "POST", "/api/callbacks", json=bad, headers=key))[0] == 400
    first = await ask(client, "POST", "/api/callbacks", json=WISH, headers=key)
    clock.now += 86401
    again = await ask(client, "POST", "/api/callbacks", json=WISH, headers=key)
    assert (first[0], again[0]) == (201, 201)
    assert first[1]["callback_id"] != again[1]["callback_id"]


# ---------------------------------------------------------------- webhooks


async def hook(site: Site, taker: Receiver, *kinds: HookKind) -> Webhook:
    kinds = kinds or (HookKind.CALL_ENDED,)
    return await systems(site).webhooks.create("指挥中心", taker.url, kinds, by="guanli")


async def states(site: Site, webhook: Webhook) -> list[DeliveryState]:
    found = await systems(site).webhooks.deliveries(webhook.webhook_id)
    return [one.state for one in reversed(found)]


async def all_are(site: Site, webhook: Webhook, count: int, state: DeliveryState) -> None:
    async with asyncio.timeout(20):
        while await states(site, webhook) != [state] * count:  # noqa: ASYNC110 - a state of the database
            await asyncio.sleep(0.01)


async def test_what_happens_is_posted_in_order_and_signed(
    site: Site, engine: AsyncEngine, taker: Receiver, clock: Clock
) -> None:
    await call_over(engine, "before")
    webhook = await hook(site, taker, HookKind.CALL_ENDED, HookKind.CALL_RATED)
    sender = systems(site).sender
    sender.start()
    await call_over(engine, "c1", "c2", "c3")
    await CallStore(engine).write([entry("c1", 20, EntryKind.RATING, score=5)])
    await all_are(site, webhook, 4, DeliveryState.DELIVERED)
    await sender.stop()
    assert taker.refs == ["c1", "c2", "c3", "c1"]
    assert [one.told["kind"] for one in taker.posted] == ["call.ended"] * 3 + ["call.rated"]
    secret = systems(site).webhooks.secret(webhook.webhook_id)
    for one in taker.posted:
        assert one.headers[DELIVERY] == one.told["id"]
        given = (one.headers[TIMESTAMP], one.headers[SIGNATURE])
        assert verified(secret, one.body, *given, now=clock.now)
        assert not verified(secret, one.body + b" ", *given, now=clock.now)
        assert not verified(secret, one.body, *given, now=clock.now + 301)


async def test_after_an_error_the_same_event_is_tried_again_before_any_other(
    site: Site, engine: AsyncEngine, taker: Receiver, clock: Clock
) -> None:
    webhook = await hook(site, taker)
    taker.status = 500
    sender = systems(site).sender
    sender.start()
    await call_over(engine, "c1", "c2")
    await all_are(site, webhook, 1, DeliveryState.FAILING)
    kept = await systems(site).webhooks.find(webhook.webhook_id)
    assert kept is not None
    assert (kept.tries, kept.status) == (1, "answered 500")
    assert clock.now < kept.next_at <= clock.now + 4
    taker.status = 204
    clock.now += 5
    await all_are(site, webhook, 2, DeliveryState.DELIVERED)
    await sender.stop()
    assert taker.refs == ["c1", "c1", "c2"]
    assert taker.ids[0] == taker.ids[1]


async def test_a_sender_that_dies_in_the_middle_loses_nothing_and_its_duplicate_has_the_same_id(
    site: Site, engine: AsyncEngine, taker: Receiver, clock: Clock
) -> None:
    webhook = await hook(site, taker)
    taker.hold.clear()
    systems(site).sender.start()
    await call_over(engine, "c1", "c2")
    await until(lambda: taker.posted)
    await systems(site).sender.stop()  # it was posted, and nobody has written that down
    taker.hold.set()
    successor = systems_for(engine, clock)
    successor.sender.start()
    await all_are(site, webhook, 2, DeliveryState.DELIVERED)
    await successor.stop()
    assert taker.refs == ["c1", "c1", "c2"]
    assert taker.ids[0] == taker.ids[1] != taker.ids[2]


async def test_what_nobody_takes_for_days_is_given_up_and_can_be_sent_again_by_hand(
    site: Site, engine: AsyncEngine, taker: Receiver, clock: Clock
) -> None:
    webhook = await hook(site, taker)
    taker.status = 404
    clock.now = T0 + 9 + 4 * 86400
    sender = systems(site).sender
    sender.start()
    await call_over(engine, "c1", "c2")
    await all_are(site, webhook, 2, DeliveryState.DEAD)
    taker.status = 200
    admin = await site.signed_in("guanli")
    base = f"/api/webhooks/{webhook.webhook_id}/deliveries"
    _, told = await ask(admin, "GET", base)
    first = told["deliveries"][-1]
    assert (first["ref"], first["state"], first["status"]) == ("c1", "dead", "answered 404")
    assert (await ask(admin, "POST", f"{base}/{first['event_id']}/again"))[0] == 202
    await until(lambda: taker.refs == ["c1", "c2", "c1"])
    assert (await ask(admin, "POST", f"{base}/99999/again"))[0] == 404
    await call_over(engine, "c3")
    await until(lambda: taker.refs[-1] == "c3")
    await sender.stop()


async def test_a_receiver_that_hangs_does_not_keep_others_waiting(
    site: Site, engine: AsyncEngine, taker: Receiver, loopback: LoopbackBlock
) -> None:
    async with receiver(loopback.address()) as stuck:
        stuck.hold.clear()
        await hook(site, stuck)
        webhook = await hook(site, taker)
        sender = systems(site).sender
        sender.start()
        await call_over(engine, "c1", "c2")
        await all_are(site, webhook, 2, DeliveryState.DELIVERED)
        await sender.stop()


async def test_a_paused_webhook_is_told_nothing_of_the_time_between(
    site: Site, engine: AsyncEngine, taker: Receiver
) -> None:
    admin = await site.signed_in("guanli")
    new = {"title": "指挥中心", "url": taker.url, "kinds": ["call.ended"], "reason": "指挥中心要看"}
    status, made = await ask(admin, "POST", "/api/webhooks", json=new)
    assert status == 201
    assert made["secret"]
    path = f"/api/webhooks/{made['webhook_id']}"
    off = {"active": False, "reason": "对方检修"}
    assert (await ask(admin, "PATCH", path, json=off))[1]["active"] is False
    sender = systems(site).sender
    sender.start()
    await call_over(engine, "c1")
    assert (await ask(admin, "PATCH", path, json={"active": True, "reason": "检修完毕"}))[1]["active"] is True
    await call_over(engine, "c2")
    await until(lambda: taker.refs == ["c2"])
    assert (await ask(admin, "DELETE", path))[0] == 400
    assert (await ask(admin, "DELETE", f"{path}?reason=不再需要"))[0] == 204
    await sender.stop()
    assert "secret" not in str((await ask(admin, "GET", "/api/webhooks"))[1])


async def test_a_way_can_be_tried_by_hand_and_a_redirect_is_not_followed(site: Site, taker: Receiver) -> None:
    webhook = await hook(site, taker)
    admin = await site.signed_in("guanli")
    path = f"/api/webhooks/{webhook.webhook_id}/test"
    assert (await ask(admin, "POST", path))[1] == {"taken": True, "status": "answered 200"}
    taker.status = 302
    assert (await ask(admin, "POST", path))[1] == {"taken": False, "status": "answered 302"}
    assert [one.told["kind"] for one in taker.posted] == ["test", "test"]
