"""The knowledge base over HTTP: who may read, propose, rule and import, and what citizens are told."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from cti.database import open_engine
from cti.messages import Role
from cti.web import knowledge_keep
from orders.knowledge import Article, KnowledgeIndex
from orders.knowledge_store import KnowledgeStore
from orders.messages import KnowledgeAnswer
from orders.unit_table import Unit
from tests.support.casework import loop_over
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = pytest.mark.integration

UNIT, OTHER = "市公安局", "市人社局"
CARD = Article(article_id="q1", question="居住证怎么办", answer="带身份证", unit=UNIT, public=True)
INNER = Article(article_id="q2", question="社保卡丢了", answer="内部口径", unit=OTHER)
BODY = {"reason": "口径更新", "base": 1, "question": "居住证怎么办", "answer": "网上办理", "unit": UNIT}


@pytest_asyncio.fixture
async def site(migrated_sqlite: Path, tmp_path: Path, loopback: LoopbackBlock) -> AsyncIterator[Site]:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'hotline.sqlite')}")
    clock = Clock()
    casework = loop_over(engine, tmp_path, clock=clock).casework
    store = KnowledgeStore(engine, clock=clock)
    await store.put([CARD, INNER], by="system")
    await casework.units.replace_units((Unit(name=UNIT), Unit(name=OTHER)))

    async def find(text: str, area: str, limit: int) -> tuple[KnowledgeAnswer, ...]:
        index = KnowledgeIndex(await store.all())
        return index.find(text, today=casework.knowledge.today, area=area, limit=limit)

    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=casework, orders=casework.store,
        knowledge=find,
    ) as running:  # fmt: skip
        for login, role, unit in (
            ("wang", Role.CLERK, ""), ("li", Role.UNIT, UNIT), ("he", Role.UNIT, OTHER),
            ("chen", Role.AGENT, ""),
        ):  # fmt: skip
            await running.deps.accounts.create(
                by="system", login=login, name="测试员", role=role, password=PASSWORD, unit=unit
            )
        yield running
    await engine.dispose()


async def ask(browser: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, Any]:
    async with browser.request(method, path, **more) as response:
        return response.status, await response.json()


async def test_a_unit_proposes_for_its_own_articles_and_the_centre_publishes(site: Site) -> None:
    unit, clerk, anybody = await site.signed_in("li"), await site.signed_in("wang"), site.browser()
    path = "/api/knowledge/articles/q1"
    status, made = await ask(unit, "PUT", path, json={**BODY, "public": True})
    assert (status, made["proposal"]["state"]) == (202, "waiting")
    rule = f"/api/knowledge/proposals/{made['proposal']['proposal_id']}/rule"
    assert (await ask(unit, "POST", rule, json={"approved": True}))[0] == 403
    assert (await ask(clerk, "POST", rule, json={"approved": False}))[0] == 400  # no reason
    _, told = await ask(anybody, "GET", "/api/public/knowledge?text=juzhuzheng")
    assert [one["answer"] for one in told["articles"]] == ["带身份证"]
    assert (await ask(clerk, "POST", rule, json={"approved": True}))[1]["article"]["version"] == 2
    _, told = await ask(anybody, "GET", "/api/public/knowledge?text=juzhuzheng")
    assert [one["answer"] for one in told["articles"]] == ["网上办理"]
    assert (await ask(clerk, "POST", rule, json={"approved": True}))[0] == 409


async def test_another_unit_neither_reads_nor_changes_the_article(site: Site) -> None:
    other = await site.signed_in("he")
    assert (await ask(other, "GET", "/api/knowledge/articles/q1"))[0] == 403
    assert (await ask(other, "PUT", "/api/knowledge/articles/q1", json=BODY))[0] == 403
    stolen = {**BODY, "unit": OTHER}
    assert (await ask(other, "PUT", "/api/knowledge/articles/q1", json=stolen))[0] == 403
    assert (await ask(other, "POST", "/api/knowledge/import?name=a.csv", data=b"x"))[0] == 403
    _, page = await ask(other, "GET", "/api/knowledge/articles")
    assert [one["article_id"] for one in page["articles"]] == ["q2"]
    assert (await ask(await site.signed_in("chen"), "GET", "/api/knowledge/articles"))[0] == 403


async def test_who_edits_an_older_version_is_told_which_one_is_in_force(site: Site) -> None:
    clerk = await site.signed_in("wang")
    path = "/api/knowledge/articles/q1"
    assert (await ask(clerk, "PUT", path, json=BODY))[0] == 200
    status, told = await ask(clerk, "PUT", path, json={**BODY, "answer": "又一种说法"})
    assert (status, told["version"]) == (409, 2)


async def test_a_file_is_tried_first_and_taken_whole_or_not_at_all(site: Site) -> None:
    clerk = await site.signed_in("wang")
    wrong = "问题,答复,失效日期\n停水找谁,找供水公司,2026-12-31\n停电找谁,,\n".encode()
    status, told = await ask(clerk, "POST", "/api/knowledge/import?name=a.csv&dry_run=false", data=wrong)
    assert status == 400
    assert any("第 3 行" in one for one in told["error"].get("problems", told.get("problems", [])))
    good = "问题,答复\n停水找谁,找供水公司\n居住证怎么续,到派出所\n".encode("gb18030")
    for dry in ("true", "false"):
        status, told = await ask(clerk, "POST", f"/api/knowledge/import?name=a.csv&dry_run={dry}", data=good)
        assert (status, told["new"], told["read"]) == (200, 2, 2)
    assert (await ask(clerk, "GET", "/api/knowledge/articles"))[1]["total"] == 4


async def test_citizens_read_only_what_is_public(site: Site) -> None:
    anybody = site.browser()
    assert (await ask(anybody, "GET", "/api/public/knowledge/q1"))[1]["unit"] == UNIT
    assert (await ask(anybody, "GET", "/api/public/knowledge/q2"))[0] == 404
    assert (await ask(anybody, "GET", "/api/public/knowledge?text=社保卡丢了"))[1]["articles"] == []


async def test_one_address_asks_only_so_often(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knowledge_keep, "PUBLIC_PER_MINUTE", 4.0)
    anybody = site.browser()
    seen = [(await ask(anybody, "GET", "/api/public/knowledge/q1"))[0] for _ in range(8)]
    assert seen[:2] == [200, 200]
    assert 429 in seen
