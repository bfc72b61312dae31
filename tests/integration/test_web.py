"""The HTTP API against the running application, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import re
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from cti.database import migrate, open_engine
from cti.messages import Entry, EntryKind, Role
from cti.ports import Person
from cti.web.pages import Page
from cti.web.routes import ROUTES
from orders.store import OrderStore
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, FakeJournal, Site, open_site

pytestmark = pytest.mark.integration

T0 = 1_800_000_000.0
ORDER = "0123456789abcdef"
FILLED = {
    "type": "投诉",
    "category": "市容环境",
    "district": "东城区",
    "place": "幸福小区三号楼",
    "phone": "13800138000",
    "urgency": "一般",
    "title": "路灯不亮",
    "summary": "小区路灯坏了三天没有人修",
}


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
    """Zhang talked with a citizen in call c1, which has a recording and the draft of an order."""
    make_wave(tmp_path / "recordings" / "2027-01-15" / "c1.wav")
    async with open_site(engine, tmp_path, loopback.address(), clock=clock) as running:
        await running.add("zhang", extension="1001", skills={"general": 3})
        await running.add("li", extension="1002")
        await running.add("banzhang", Role.SUPERVISOR)
        await running.add("guanli", Role.ADMIN)
        await running.deps.calls.write(
            [
                entry(0, EntryKind.CALL_STATE, state="incoming", caller="13800138000", called="12345"),
                entry(5, EntryKind.CALL_STATE, state="talking", agent_id="zhang"),
                entry(6, EntryKind.TRANSCRIPT, line_id="a", speaker="agent", text="您好", start=0.5, end=1.0),
                entry(
                    9,
                    EntryKind.TRANSCRIPT,
                    line_id="b",
                    speaker="citizen",
                    text="路灯坏了",
                    start=2.0,
                    end=4.0,
                ),
                entry(60, EntryKind.RECORDING, file="2027-01-15/c1.wav", seconds=0.5, bytes=16044),
                entry(61, EntryKind.CALL_STATE, state="ended", outcome="answered"),
            ]
        )
        await OrderStore(engine, clock=clock).open_draft("c1", "13800138000", order_id=ORDER)
        yield running


def entry(number: int, kind: EntryKind, /, **data: object) -> Entry:
    return Entry(entry_id=f"e{number:04d}", call_id="c1", at=T0 + number, kind=kind, data=data)


def make_wave(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(range(250)) * 64)


async def ask(
    browser: aiohttp.ClientSession, method: str, path: str, **more: Any
) -> tuple[int, dict[str, Any]]:
    async with browser.request(method, path, **more) as response:
        body = await response.json() if response.content_type == "application/json" else {}
        return response.status, body


# ---------------------------------------------------------------- signing in


async def test_signing_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use(site: Site) -> None:
    browser = site.browser()
    async with browser.post("/api/login", json={"login": " Zhang ", "password": PASSWORD}) as response:
        me = await response.json()
        cookie = response.headers["Set-Cookie"]
    assert (me["login"], me["role"], me["skills"]) == ("zhang", "agent", {"general": 3})
    assert "token" not in me
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"))
    assert await ask(browser, "GET", "/api/me") == (200, me)


async def test_behind_tls_the_cookie_is_secure_and_browsers_are_told_to_insist(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    async with open_site(engine, tmp_path, loopback.address(), secure=True) as site:
        await site.add("zhang")
        async with site.browser().post(
            "/api/login", json={"login": "zhang", "password": PASSWORD}
        ) as response:
            assert "Secure" in response.headers["Set-Cookie"]
            assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_wrong_password_is_answered_in_chinese_and_the_fifth_locks(site: Site) -> None:
    browser = site.browser()
    body = {"login": "zhang", "password": "wrong password"}
    for _ in range(5):
        status, answer = await ask(browser, "POST", "/api/login", json=body)
        assert (status, answer["error"]) == (401, {"code": "login_refused", "message": "账号或密码不正确"})
    status, answer = await ask(browser, "POST", "/api/login", json={**body, "password": PASSWORD})
    assert (status, answer["error"]["code"], answer["retry_after_s"]) == (429, "locked", 900)


async def test_without_a_session_every_address_that_needs_one_says_so(site: Site) -> None:
    browser = site.browser()
    for route in ROUTES:
        if route.roles is not None and route.path != "/api/ws":
            path = re.sub(r"\{\w+\}", "1", route.path)
            status, answer = await ask(browser, route.method, path)
            assert (status, answer["error"]["code"]) == (401, "signed_out"), route


async def test_what_a_role_may_not_do_is_forbidden(site: Site) -> None:
    agent, admin = await site.signed_in("zhang"), await site.signed_in("guanli")
    for method, path in (("GET", "/api/accounts"), ("POST", "/api/accounts"), ("GET", "/api/audit")):
        assert (await ask(agent, method, path))[0] == 403
    assert (await ask(admin, "POST", f"/api/orders/{ORDER}/submit"))[0] == 403


async def test_signing_out_ends_the_session(site: Site) -> None:
    browser = await site.signed_in("zhang")
    token = browser.cookie_jar.filter_cookies(URL(site.url))["hotline_session"].value
    assert (await ask(browser, "POST", "/api/logout"))[0] == 204
    headers = {"Authorization": f"Bearer {token}"}
    assert (await ask(site.browser(), "GET", "/api/me", headers=headers))[0] == 401


async def test_the_softphones_account_is_told_to_its_person_only(site: Site) -> None:
    status, phone = await ask(await site.signed_in("zhang"), "GET", "/api/me/phone")
    assert (status, phone["extension"], phone["password"]) == (200, "1001", "sip-secret")
    assert (await ask(await site.signed_in("banzhang"), "GET", "/api/me/phone"))[0] == 404


async def test_ones_password_is_changed_with_the_old_one(site: Site) -> None:
    browser, other = await site.signed_in("zhang"), await site.signed_in("zhang")
    status, answer = await ask(
        browser, "POST", "/api/me/password", json={"old": "no", "new": "new password 1"}
    )
    assert (status, answer["error"]["field"]) == (403, "old")
    status, answer = await ask(browser, "POST", "/api/me/password", json={"old": PASSWORD, "new": "short"})
    assert (status, answer["error"]["field"]) == (400, "new")
    change = {"old": PASSWORD, "new": "new password 1"}
    assert (await ask(browser, "POST", "/api/me/password", json=change))[0] == 204
    assert (await ask(browser, "GET", "/api/me"))[0] == 200
    assert (await ask(other, "GET", "/api/me"))[0] == 401


# ---------------------------------------------------------------- other sites, other shapes


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1", "file://"])
async def test_another_sites_page_changes_nothing(site: Site, origin: str) -> None:
    browser = await site.signed_in("zhang")
    status, answer = await ask(browser, "POST", "/api/logout", headers={"Origin": origin})
    assert (status, answer["error"]["code"]) == (403, "origin_refused")
    login = {"login": "zhang", "password": PASSWORD}
    assert (await ask(site.browser(origin=origin), "POST", "/api/login", json=login))[0] == 403


async def test_a_change_by_cookie_without_origin_is_refused(site: Site) -> None:
    browser = await site.signed_in("zhang")
    del browser.headers["Origin"]
    status, answer = await ask(browser, "POST", "/api/logout")
    assert (status, answer["error"]["code"]) == (403, "origin_missing")


async def test_an_allowed_origin_may(engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock) -> None:
    origins = frozenset({"https://desk.example"})
    async with open_site(engine, tmp_path, loopback.address(), allowed_origins=origins) as site:
        await site.add("zhang")
        browser = await site.signed_in("zhang")
        headers = {"Origin": "https://desk.example"}
        assert (await ask(browser, "POST", "/api/logout", headers=headers))[0] == 204


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid"),
        (b"\xff\xfe", 400, "invalid"),
        (b'{"login":"zhang"}', 400, "invalid"),
        (b'{"login":"zhang","password":1}', 400, "invalid"),
        (b'{"login":"zhang","password":"x","more":1}', 400, "invalid"),
        (b'{"login":"zhang","password":"' + b"x" * 300_000 + b'"}', 413, "too_large"),
    ],
    ids=["torn", "no text", "missing", "wrong type", "unknown", "too large"],
)
async def test_a_body_that_is_not_what_it_should_be_is_refused_as_json(
    site: Site, body: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"}
    got, answer = await ask(site.browser(), "POST", "/api/login", data=body, headers=headers)
    assert (got, answer["error"]["code"]) == (status, code)
    assert answer["error"]["message"]


async def test_a_form_is_not_taken_for_json(site: Site) -> None:
    status, answer = await ask(site.browser(), "POST", "/api/login", data={"login": "zhang"})
    assert (status, answer["error"]["code"]) == (415, "not_json")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nothing", 404), ("DELETE", "/api/me", 405), ("PUT", "/x", 405)],
)
async def test_unknown_addresses_and_methods_are_answered_as_json(
    site: Site, method: str, path: str, status: int
) -> None:
    got, answer = await ask(site.browser(), method, path)
    assert got == status
    assert answer["error"]["message"]


async def test_answers_carry_the_security_headers_and_are_not_kept(site: Site) -> None:
    browser = await site.signed_in("zhang")
    for path in ("/api/me", "/api/nothing", "/healthz", "/"):
        async with browser.get(path) as response:
            headers = response.headers
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"


async def test_a_database_that_is_away_is_said_so_without_detail(
    database_url: str, tmp_path: Path, loopback: LoopbackBlock, caplog: pytest.LogCaptureFixture
) -> None:
    await migrate(database_url)
    engine = open_engine(database_url)
    async with open_site(engine, tmp_path, loopback.address()) as site:
        await site.add("zhang")
        browser = await site.signed_in("zhang")
        async with engine.begin() as connection:
            await connection.execute(text("DROP TABLE calls"))
        status, answer = await ask(browser, "GET", "/api/callers/13800138000/history")
        assert (status, answer["error"]["code"]) == (503, "unavailable")
    await engine.dispose()
    assert "13800138000" not in caplog.text


# ---------------------------------------------------------------- calls


async def test_an_agent_lists_their_own_calls_and_a_supervisor_all(site: Site) -> None:
    for login, total in (("zhang", 1), ("li", 0), ("banzhang", 1)):
        status, page = await ask(await site.signed_in(login), "GET", "/api/calls")
        assert (status, page["total"]) == (200, total)


async def test_a_listed_call_tells_where_its_recording_is_and_not_its_file(site: Site) -> None:
    _, page = await ask(await site.signed_in("zhang"), "GET", "/api/calls", params={"text": "路灯"})
    (call,) = page["calls"]
    assert call["recording_url"] == "/api/calls/c1/recording"
    assert "recording_file" not in call
    assert (call["caller"], call["agent_id"], call["outcome"]) == ("13800138000", "zhang", "answered")


@pytest.mark.parametrize(
    "query", ["page=0", "size=101", "outcome=lost", "since=x", "color=red", "page=1&page=2"]
)
async def test_a_query_out_of_bounds_is_refused_naming_its_key(site: Site, query: str) -> None:
    status, answer = await ask(await site.signed_in("zhang"), "GET", f"/api/calls?{query}")
    assert (status, answer["error"]["field"]) == (400, query.partition("=")[0])


async def test_one_call_comes_with_its_orders_and_its_words(site: Site) -> None:
    browser = await site.signed_in("li")
    status, call = await ask(browser, "GET", "/api/calls/c1")
    assert (status, [order["order_id"] for order in call["orders"]]) == (200, [ORDER])
    _, transcript = await ask(browser, "GET", "/api/calls/c1/transcript")
    assert [(said["speaker"], said["text"]) for said in transcript["lines"]] == [
        ("agent", "您好"),
        ("citizen", "路灯坏了"),
    ]
    assert (await ask(browser, "GET", "/api/calls/c9"))[0] == 404


async def test_a_recording_is_given_whole_and_in_parts(site: Site, tmp_path: Path) -> None:
    whole = (tmp_path / "recordings" / "2027-01-15" / "c1.wav").read_bytes()
    browser = await site.signed_in("zhang")
    async with browser.get("/api/calls/c1/recording") as response:
        assert (response.status, response.content_type) == (200, "audio/wav")
        assert response.headers["Cache-Control"] == "private, no-store"
        assert await response.read() == whole
    async with browser.get("/api/calls/c1/recording", headers={"Range": "bytes=100-199"}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
        assert await response.read() == whole[100:200]


async def test_agents_hear_their_own_calls_supervisors_all_and_the_trail_tells(site: Site) -> None:
    assert (await ask(await site.signed_in("li"), "GET", "/api/calls/c1/recording"))[0] == 403
    for login in ("zhang", "banzhang"):
        assert (await ask(await site.signed_in(login), "GET", "/api/calls/c1/recording"))[0] == 200
    _, trail = await ask(await site.signed_in("guanli"), "GET", "/api/audit")
    heard = [(row["who"], row["target"]) for row in trail["audit"] if row["what"] == "recording_played"]
    assert heard == [("banzhang", "c1"), ("zhang", "c1")]


@pytest.mark.parametrize("name", ["../secret.wav", "/etc/hostname", "2027-01-15", "gone.wav"])
async def test_a_recording_outside_its_folder_is_not_given(site: Site, tmp_path: Path, name: str) -> None:
    make_wave(tmp_path / "secret.wav")
    await site.deps.calls.write([entry(70, EntryKind.RECORDING, file=name, seconds=1.0)])
    status, answer = await ask(await site.signed_in("zhang"), "GET", "/api/calls/c1/recording")
    assert (status, answer["error"]["code"]) == (404, "no_recording")


async def test_a_callers_history_has_earlier_calls_and_orders_without_the_present_one(site: Site) -> None:
    browser = await site.signed_in("li")
    _, history = await ask(browser, "GET", "/api/callers/13800138000/history")
    assert [call["call_id"] for call in history["calls"]] == ["c1"]
    assert [order["order_id"] for order in history["orders"]] == [ORDER]
    _, history = await ask(browser, "GET", "/api/callers/13800138000/history", params={"before_call": "c1"})
    assert history == {"calls": [], "orders": []}


# ---------------------------------------------------------------- orders


async def fill(browser: aiohttp.ClientSession) -> dict[str, Any]:
    _, order = await ask(browser, "GET", f"/api/orders/{ORDER}")
    body = {"version": order["version"], "fields": FILLED}
    status, order = await ask(browser, "PATCH", f"/api/orders/{ORDER}/fields", json=body)
    assert status == 200, order
    return order


async def test_edited_fields_are_the_agents_and_found_by_their_text(site: Site) -> None:
    browser = await site.signed_in("zhang")
    order = await fill(browser)
    assert order["fields"]["title"]["value"] == "路灯不亮"
    assert order["fields"]["title"]["filler"] == "agent"
    _, page = await ask(browser, "GET", "/api/orders", params={"text": "三天没有人修"})
    assert [one["order_id"] for one in page["orders"]] == [ORDER]
    _, one = await ask(browser, "GET", f"/api/orders/{ORDER}")
    assert one["recording_url"] == "/api/calls/c1/recording"


async def test_a_field_that_somebody_else_changed_meanwhile_is_a_conflict_with_the_present_order(
    site: Site,
) -> None:
    zhang, chief = await site.signed_in("zhang"), await site.signed_in("banzhang")
    order = await fill(zhang)
    seen = order["version"]
    path = f"/api/orders/{ORDER}/fields"
    assert (await ask(chief, "PATCH", path, json={"version": seen, "fields": {"title": "路灯熄灭"}}))[
        0
    ] == 200
    status, answer = await ask(zhang, "PATCH", path, json={"version": seen, "fields": {"title": "灯坏了"}})
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (409, "conflict", "title")
    assert answer["order"]["fields"]["title"]["value"] == "路灯熄灭"


@pytest.mark.parametrize(
    ("fields", "field"), [({"colour": "红"}, "colour"), ({"title": "长" * 500}, "title"), ({}, "fields")]
)
async def test_a_field_that_is_not_acceptable_is_named(
    site: Site, fields: dict[str, str], field: str
) -> None:
    body = {"version": 1, "fields": fields}
    browser = await site.signed_in("zhang")
    status, answer = await ask(browser, "PATCH", f"/api/orders/{ORDER}/fields", json=body)
    assert (status, answer["error"]["field"]) == (400, field)


async def test_an_agent_does_not_change_a_colleagues_order(site: Site) -> None:
    await fill(await site.signed_in("zhang"))
    body = {"version": 1, "fields": {"title": "别人改的"}}
    browser = await site.signed_in("li")
    assert (await ask(browser, "PATCH", f"/api/orders/{ORDER}/fields", json=body))[0] == 403
    discard = {"reason": "误拨"}
    assert (await ask(browser, "POST", f"/api/orders/{ORDER}/discard", json=discard))[0] == 403


async def test_submitting_twice_with_one_key_accepts_once(site: Site) -> None:
    browser = await site.signed_in("zhang")
    await fill(browser)
    headers = {"Idempotency-Key": "k1"}
    first = await ask(browser, "POST", f"/api/orders/{ORDER}/submit", headers=headers)
    again = await ask(browser, "POST", f"/api/orders/{ORDER}/submit", headers=headers)
    assert first == again
    assert (first[0], first[1]["state"]) == (200, "accepted")
    assert first[1]["number"]
    status, answer = await ask(
        browser, "POST", f"/api/orders/{ORDER}/submit", headers={"Idempotency-Key": "k2"}
    )
    assert (status, answer["error"]["code"], answer["order"]["state"]) == (409, "closed", "accepted")


async def test_an_order_with_empty_fields_is_not_accepted_and_they_are_named(site: Site) -> None:
    browser = await site.signed_in("zhang")
    status, answer = await ask(
        browser, "POST", f"/api/orders/{ORDER}/submit", headers={"Idempotency-Key": "k1"}
    )
    assert (status, answer["error"]["code"]) == (422, "incomplete")
    assert "type" in answer["missing"]
    assert "请填写" in answer["error"]["message"]


async def test_submitting_needs_a_key(site: Site) -> None:
    status, answer = await ask(await site.signed_in("zhang"), "POST", f"/api/orders/{ORDER}/submit")
    assert (status, answer["error"]["field"]) == (400, "Idempotency-Key")


async def test_a_draft_is_given_up_with_a_reason(site: Site) -> None:
    browser = await site.signed_in("zhang")
    status, order = await ask(browser, "POST", f"/api/orders/{ORDER}/discard", json={"reason": "误拨"})
    assert (status, order["state"], order["reason"]) == (200, "discarded", "误拨")


async def test_an_order_that_is_not_there_is_not_found(site: Site) -> None:
    browser = await site.signed_in("zhang")
    assert (await ask(browser, "GET", "/api/orders/nothing"))[0] == 404


# ---------------------------------------------------------------- accounts


async def test_an_administrator_creates_changes_and_lists_accounts(site: Site) -> None:
    browser = await site.signed_in("guanli")
    new = {"login": "wang", "name": "王五", "role": "agent", "password": PASSWORD, "extension": "1003"}
    new["reason"] = "新员工"
    status, account = await ask(browser, "POST", "/api/accounts", json=new)
    assert (status, account["login"], account["active"]) == (201, "wang", True)
    assert "password" not in str(account)
    change = {"skills": {"general": 4}, "active": False, "reason": "离职"}
    status, account = await ask(browser, "PATCH", "/api/accounts/wang", json=change)
    assert (status, account["skills"], account["active"]) == (200, {"general": 4}, False)
    assert ("changed", "wang") not in site.floor.heard  # gone, and so are the pages
    _, everybody = await ask(browser, "GET", "/api/accounts")
    assert [one["login"] for one in everybody["accounts"]] == ["banzhang", "guanli", "li", "wang", "zhang"]


async def test_call_control_and_open_pages_learn_of_a_change_at_once(site: Site) -> None:
    page = Page(Person(login="zhang", name="张三", role=Role.AGENT), "session")
    site.deps.pages.add(page)
    browser = await site.signed_in("guanli")
    change = {"extension": "1009", "skills": {"general": 5}, "reason": "换座位"}
    assert (await ask(browser, "PATCH", "/api/accounts/zhang", json=change))[0] == 200
    assert ("changed", "zhang") in site.floor.heard
    assert (page.person.extension, page.person.skills) == ("1009", {"general": 5})


async def test_a_taken_login_and_a_bad_value_are_named(site: Site) -> None:
    browser = await site.signed_in("guanli")
    new = {"login": "zhang", "name": "张三", "role": "agent", "password": PASSWORD, "reason": "新员工"}
    status, answer = await ask(browser, "POST", "/api/accounts", json=new)
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (409, "exists", "login")
    change = {"extension": "abc", "reason": "换座位"}
    status, answer = await ask(browser, "PATCH", "/api/accounts/zhang", json=change)
    assert (status, answer["error"]["field"]) == (400, "extension")
    change = {"name": "无", "reason": "改名"}
    assert (await ask(browser, "PATCH", "/api/accounts/nobody", json=change))[0] == 404
    status, answer = await ask(browser, "PATCH", "/api/accounts/zhang", json={"name": "张四", "reason": " "})
    assert (status, answer["error"]["field"]) == (400, "reason")


# ---------------------------------------------------------------- health


async def test_ready_tells_every_dependency_and_refuses_only_without_any_asterisk(site: Site) -> None:
    browser = site.browser()
    site.floor.redis = site.floor.database = False
    status, told = await ask(browser, "GET", "/readyz")
    assert (status, told["ready"], told["degraded"]) == (200, True, ["redis", "database"])
    site.floor.asterisk = {"a": True, "b": False}
    assert (await ask(browser, "GET", "/readyz"))[0] == 200
    site.floor.asterisk = {"a": False, "b": False}
    status, told = await ask(browser, "GET", "/readyz")
    assert (status, told["ready"], told["asterisk"]) == (503, False, {"a": False, "b": False})


async def test_a_journal_that_is_far_behind_is_told(site: Site) -> None:
    journal = site.deps.journal
    assert isinstance(journal, FakeJournal)
    journal.pending, journal.lag_s = 700, 90.0
    status, told = await ask(site.browser(), "GET", "/readyz")
    assert (status, told["degraded"], told["journal"]["pending"]) == (200, ["journal"], 700)


async def test_a_server_that_takes_no_more_calls_is_not_ready(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    async with open_site(engine, tmp_path, loopback.address(), accepting=lambda: False) as site:
        assert (await ask(site.browser(), "GET", "/readyz"))[0] == 503
        status, told = await ask(site.browser(), "GET", "/healthz")
        assert (status, told["alive"]) == (200, True)


async def test_metrics_name_routes_and_never_a_caller(site: Site) -> None:
    browser = await site.signed_in("zhang")
    await ask(browser, "GET", "/api/callers/13800138000/history")
    async with browser.get("/metrics") as response:
        told = await response.text()
        assert response.content_type == "text/plain"
    assert 'route="/api/callers/{number}/history",status="200"' in told
    assert "hotline_journal_pending 0.0" in told
    assert "13800138000" not in told


# ---------------------------------------------------------------- the desk's files


async def test_a_desk_that_was_not_built_is_said_so_on_a_page(site: Site) -> None:
    async with site.browser().get("/") as response:
        assert (response.status, response.content_type) == (503, "text/html")
        assert "尚未构建" in await response.text()


async def test_the_desks_own_addresses_lead_to_its_index_and_its_assets_are_kept(
    site: Site, tmp_path: Path
) -> None:
    desk = tmp_path / "desk"
    (desk / "assets").mkdir(parents=True)
    (desk / "index.html").write_text("<title>坐席</title>")
    (desk / "assets" / "index-1a2b.js").write_text("export {}")
    (desk / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    browser = site.browser()
    for path, status, caching in (
        ("/", 200, "no-cache"),
        ("/index.html", 200, "no-cache"),
        ("/orders/17", 200, "no-cache"),
        ("/assets/index-1a2b.js", 200, "public, max-age=31536000, immutable"),
        ("/favicon.svg", 200, "no-cache"),
        ("/assets/index-old.js", 404, "no-store"),
        ("/%2e%2e/secret.txt", 404, "no-store"),
        ("/..%2fsecret.txt", 404, "no-store"),
    ):
        async with browser.get(path) as response:
            assert (response.status, response.headers["Cache-Control"]) == (status, caching), path
