"""Administration over HTTP: who may do what, what is answered when something is wrong, and what is kept."""

from __future__ import annotations

import io
import shutil
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy
import pytest_asyncio

from cti.database import open_engine
from cti.messages import Role
from tests.support.editions import NOW, ConfigServer, own_files
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site


@dataclass(frozen=True, slots=True)
class Office:
    """A site whose configuration is administered."""

    site: Site
    config: ConfigServer


@pytest_asyncio.fixture
async def office(migrated_sqlite: Path, loopback: LoopbackBlock, tmp_path: Path) -> AsyncIterator[Office]:
    database = shutil.copy(migrated_sqlite, tmp_path / "hotline.sqlite")
    engine = open_engine(f"sqlite:///{database}")
    config = ConfigServer(engine, own_files(tmp_path / "files"), tmp_path / "one")
    async with open_site(
        engine, tmp_path, loopback.address(), clock=Clock(NOW), editions=config.keeper
    ) as site:
        await site.add("guanli", Role.ADMIN)
        await site.add("banzhang", Role.SUPERVISOR)
        await site.add("li", Role.AGENT, "8001", {"general": 3})
        yield Office(site, config)
    await engine.dispose()


async def ask(browser: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, Any]:
    async with browser.request(method, path, **more) as response:
        kind = response.content_type
        return response.status, await response.json() if kind == "application/json" else await response.read()


def edited(office: Office, kind: str, old: str, new: str) -> dict[str, object]:
    text = office.config.text(kind)
    assert old in text
    return {"kind": kind, "text": text.replace(old, new, 1), "base": 0}


def recording(seconds: float, rate: int = 44_100) -> bytes:
    """A tone in stereo, as somebody's recorder would write it."""
    tone = numpy.sin(numpy.arange(int(seconds * rate)) * 2 * numpy.pi * 300 / rate) * 9000
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(numpy.repeat(tone.astype("<i2"), 2).tobytes())
    return buffer.getvalue()


async def test_agents_see_nothing_and_supervisors_publish_only_what_is_theirs(office: Office) -> None:
    agent = await office.site.signed_in("li")
    assert (await ask(agent, "GET", "/api/admin/documents"))[0] == 403
    charge = await office.site.signed_in("banzhang")
    flow = {"changes": [edited(office, "flow:night", "夜间值班", "夜班")], "reason": "改名"}
    status, answer = await ask(charge, "POST", "/api/admin/publish", json=flow)
    assert (status, answer["error"]["code"]) == (403, "forbidden")
    calendar = {"changes": [edited(office, "calendar", "title: 日间", "title: 白天")], "reason": "改名"}
    status, answer = await ask(charge, "POST", "/api/admin/publish", json=calendar)
    assert (status, answer["editions"][0]["author"]) == (200, "banzhang")


async def test_a_wrong_set_is_answered_with_every_problem_in_chinese(office: Office) -> None:
    admin = await office.site.signed_in("guanli")
    change = edited(office, "flow:night", "queue: general", "queue: nowhere")
    status, answer = await ask(
        admin, "POST", "/api/admin/publish", json={"changes": [change], "reason": "试试"}
    )
    assert (status, answer["error"]["code"]) == (400, "wrong_set")
    problem = answer["problems"][0]
    assert (problem["kind"], problem["value"]) == ("flow:night", "nowhere")
    assert problem["line"] > 1
    assert problem["remedy"].startswith("策略中没有这个队列")


async def test_who_comes_second_is_given_the_newer_edition(office: Office) -> None:
    admin = await office.site.signed_in("guanli")
    first = {"changes": [edited(office, "numbers", "政务服务便民热线", "便民热线")], "reason": "改名"}
    assert (await ask(admin, "POST", "/api/admin/publish", json=first))[0] == 200
    second = edited(office, "numbers", "政务服务便民热线", "市民热线") | {"base": 1}
    status, answer = await ask(
        admin, "POST", "/api/admin/publish", json={"changes": [second], "reason": "也改"}
    )
    assert (status, answer["error"]["code"], answer["newest"]["number"]) == (409, "newer_edition", 2)
    path = "/api/admin/documents/numbers/difference?old=1&new=2"
    _, answer = await ask(admin, "GET", path)
    assert {line["sign"] for line in answer["lines"]} >= {"added", "gone"}


async def test_a_changed_policy_is_told_in_words_before_and_after(office: Office) -> None:
    admin = await office.site.signed_in("guanli")
    change = edited(office, "policy", "place_every_s: 5", "place_every_s: 8")
    _, answer = await ask(admin, "POST", "/api/admin/check", json={"changes": [change]})
    assert answer["meanings"] == ["位次更新间隔（秒）：5 → 8"]
    await ask(admin, "POST", "/api/admin/publish", json={"changes": [change], "reason": "少算"})
    _, answer = await ask(admin, "GET", "/api/admin/documents/policy/difference?new=2")
    assert answer["meanings"] == ["位次更新间隔（秒）：5 → 8"]


async def test_a_recording_is_brought_to_what_the_telephone_plays_and_heard_again(office: Office) -> None:
    admin = await office.site.signed_in("guanli")
    query = {"text": "您好，台风期间请稍候。", "reason": "台风", "base": "0"}
    status, edition = await ask(
        admin,
        "PUT",
        "/api/admin/prompts/typhoon",
        params=query,
        data=recording(1.5),
        headers={"Content-Type": "audio/wav"},
    )
    assert (status, edition["number"], edition["audio"]) == (200, 1, True)
    status, sound = await ask(admin, "GET", "/api/admin/prompts/typhoon/audio")
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert 1.4 < file.getnframes() / 8000 < 2.0
    change = edited(office, "flow:night", "prompts: [greeting_short", "prompts: [typhoon")
    body = {"changes": [change | {"base": 1}], "reason": "台风"}
    status, _ = await ask(admin, "POST", "/api/admin/publish", json=body)
    assert status == 200


async def test_what_is_no_recording_is_refused_in_words(office: Office) -> None:
    admin = await office.site.signed_in("guanli")
    query = {"text": "您好。", "reason": "换录音", "base": "0"}
    for sound, words in ((b"RIFF", "WAV"), (recording(0.02), "0.1 至 60 秒")):
        status, answer = await ask(
            admin,
            "PUT",
            "/api/admin/prompts/greeting",
            params=query,
            data=sound,
            headers={"Content-Type": "audio/wav"},
        )
        assert (status, answer["error"]["field"]) == (400, "audio")
        assert words in answer["error"]["message"]


async def test_supervisors_set_skills_of_agents_and_of_nobody_else(office: Office) -> None:
    charge = await office.site.signed_in("banzhang")
    _, answer = await ask(charge, "GET", "/api/admin/people")
    assert [one["login"] for one in answer["people"]] == ["li"]
    body = {"skills": {"general": 5, "english": 2}, "reason": "考核通过"}
    status, account = await ask(charge, "PUT", "/api/admin/people/li/skills", json=body)
    assert (status, account["skills"]) == (200, body["skills"])
    assert ("changed", "li") in office.site.floor.heard
    assert (await ask(charge, "PUT", "/api/admin/people/guanli/skills", json=body))[0] == 403
    unknown = {"skills": {"flying": 1}, "reason": "考核通过"}
    assert (await ask(charge, "PUT", "/api/admin/people/li/skills", json=unknown))[0] == 400


async def test_people_are_imported_only_when_every_row_is_right(office: Office) -> None:
    admin = await office.site.signed_in("guanli")
    good, bad = f"wang,王芳,坐席,{PASSWORD}", f"li,李,坐席,{PASSWORD}"
    table = f"工号,姓名,角色,密码\n{good}\n{bad}"
    body = {"table": table, "reason": "新人", "dry_run": False}
    status, answer = await ask(admin, "POST", "/api/admin/people/import", json=body)
    assert (status, answer["errors"][0]["line"]) == (400, 3)
    assert [one.login for one in await office.site.deps.accounts.list()] == ["banzhang", "guanli", "li"]
    body["table"] = f"工号,姓名,角色,密码\n{good}"
    status, answer = await ask(admin, "POST", "/api/admin/people/import", json=body)
    assert (status, answer["created"]) == (200, 1)
    await office.site.signed_in("wang")  # raises when the password does not fit


async def test_signing_somebody_out_ends_their_sessions_and_is_kept_with_its_reason(office: Office) -> None:
    admin, agent = await office.site.signed_in("guanli"), await office.site.signed_in("li")
    body = {"reason": "离岗未退出"}
    assert (await ask(admin, "POST", "/api/admin/people/li/sign-out", json=body))[0] == 200
    assert (await ask(agent, "GET", "/api/me"))[0] == 401
    _, answer = await ask(admin, "GET", "/api/admin/changes?what=sessions_ended&target=li")
    assert [(row["who"], row["detail"]["reason"]) for row in answer["changes"]] == [("guanli", "离岗未退出")]


async def test_the_trail_is_exported_and_no_cell_is_a_formula(office: Office) -> None:
    admin = await office.site.signed_in("guanli")
    await office.site.deps.accounts.note("guanli", "account_changed", "li", {"reason": "=1+1"})
    status, sheet = await ask(admin, "GET", "/api/admin/changes/export?what=account_changed")
    assert status == 200
    assert "'=1+1" in sheet.decode("utf-8-sig")
    assert ",=1+1" not in sheet.decode("utf-8-sig")
