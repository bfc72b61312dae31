"""People take orders out into files and bring them in, as far as their roles go."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.transfers import KEPT_S
from cti.database import open_engine
from cti.message_base import Role
from tests.support.casework import Loop, loop_over
from tests.support.lived_orders import accept
from tests.support.loopback import LoopbackBlock
from tests.support.until import until
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = pytest.mark.integration

HEADING = "外部编号,诉求类型,事项分类,标题,诉求内容,联系电话,区县,受理时间\n"
RIGHT = "A-1,投诉,城乡建设/市政设施/道路,路面塌陷,幸福路路面塌陷一处,13800001111,东城区,2026-11-20 09:30\n"
PEOPLE = (("zhou", Role.SUPERVISOR), ("wang", Role.SUPERVISOR), ("gao", Role.ADMIN), ("shen", Role.AUDITOR))


@pytest_asyncio.fixture
async def engine(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'hotline.sqlite')}")
    yield engine
    await engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loop(engine: AsyncEngine, tmp_path: Path, clock: Clock) -> Loop:
    return loop_over(engine, tmp_path, clock=clock)


@pytest_asyncio.fixture
async def site(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock, clock: Clock, loop: Loop
) -> AsyncIterator[Site]:
    address = loopback.address()
    async with open_site(
        engine, tmp_path, address, clock=clock, casework=loop.casework, orders=loop.store
    ) as site:
        for login, role in PEOPLE:
            await site.deps.accounts.create(by="system", login=login, name="某", role=role, password=PASSWORD)
        loop.casework.transfers.start()
        yield site
        await loop.casework.transfers.stop()


async def over(loop: Loop, client: aiohttp.ClientSession, begun: aiohttp.ClientResponse) -> dict[str, Any]:
    """Wait for what has begun, and return what is told of it."""
    assert begun.status == 202, await begun.text()
    where = (await begun.json())["id"]
    run = loop.casework.transfers._runs[where]
    await until(lambda: run.state != "running", 60.0)
    async with client.get(f"/api/orders/transfers/{where}") as told:
        return dict(await told.json())


async def test_a_file_covers_personal_data_and_goes_only_to_whoever_asked(
    site: Site, loop: Loop, clock: Clock
) -> None:
    await accept(loop.store, "o1", at=clock() - 60)
    auditor, supervisor, other = [await site.signed_in(login) for login in ("shen", "zhou", "wang")]
    for client, status in ((auditor, 403), (supervisor, 400)):
        body = {"form": "csv", "personal": True, "reason": ""}
        async with client.post("/api/orders/transfers/export", json=body) as refused:
            assert refused.status == status
    async with auditor.post("/api/orders/transfers/export", json={"form": "csv"}) as begun:
        async with supervisor.post("/api/orders/transfers/export", json={"form": "csv"}) as second:
            assert (second.status, (await second.json())["error"]["code"]) == (409, "busy")
        told = await over(loop, auditor, begun)
    assert (told["state"], told["done"]) == ("done", 1)
    where = f"/api/orders/transfers/{told['id']}"
    async with auditor.get(f"{where}/file") as file:
        text = (await file.read()).decode("utf-8-sig")
    assert told["serial"] in text.splitlines()[0]
    assert "13812345678" not in text
    assert "138****5678" in text
    async with other.get(where) as hidden, other.get(f"{where}/file") as no_file:
        assert (hidden.status, no_file.status) == (404, 404)
    async with (await site.signed_in("gao")).get(where) as shown:
        assert shown.status == 200
    clock.now += KEPT_S + 1
    await loop.casework.transfers.sweep()
    async with (await site.signed_in("shen")).get(f"{where}/file") as gone:
        assert gone.status == 404


async def test_personal_data_leaves_with_a_reason_that_stands_in_the_access_log(
    site: Site, loop: Loop, clock: Clock
) -> None:
    await accept(loop.store, "o1", at=clock() - 60)
    supervisor, auditor = await site.signed_in("zhou"), await site.signed_in("shen")
    body = {"form": "jsonl", "personal": True, "reason": "市局调阅"}
    async with supervisor.post("/api/orders/transfers/export", json=body) as begun:
        told = await over(loop, supervisor, begun)
    async with supervisor.get(f"/api/orders/transfers/{told['id']}/file") as file:
        assert "13812345678" in await file.text()
    async with auditor.get("/api/accesses", params={"serial": told["serial"]}) as log:
        (line,) = (await log.json())["accesses"]
    assert (line["who"], line["act"], line["detail"]["reason"]) == ("zhou", "exported", "市局调阅")
    async with auditor.get("/api/audit") as trail:
        assert (await trail.json())["audit"][0]["what"] == "orders_file_downloaded"


async def test_wrong_rows_are_told_and_nothing_is_brought_in_until_all_are_right(
    site: Site, loop: Loop
) -> None:
    client = await site.signed_in("zhou")
    address = "/api/orders/transfers/import"

    async def sent(content: str, **query: str) -> dict[str, Any]:
        params = {"name": "去年.csv", **query}
        async with client.post(address, params=params, data=content.encode()) as begun:
            return await over(loop, client, begun)

    wrong = await sent(HEADING + RIGHT + RIGHT.replace("A-1", "A-2").replace("2026-11-20", "昨天"))
    assert (wrong["totals"]["errors"], wrong["totals"]["written"]) == (1, False)
    assert [(row["row"], row["column"]) for row in wrong["wrong"]] == [(3, "受理时间")]
    dry = await sent(HEADING + RIGHT, dry_run="true")
    assert (dry["totals"]["brought"], dry["totals"]["written"]) == (1, False)
    brought = await sent(HEADING + RIGHT)
    assert (brought["state"], brought["totals"]["written"], brought["error"]) == ("done", True, "")
    again = await sent(HEADING + RIGHT)
    assert (again["totals"]["unchanged"], again["totals"]["written"]) == (1, False)
    async with client.get("/api/orders", params={"text": "路面塌陷"}) as listed:
        assert (await listed.json())["total"] == 1
    history = await sent('{"history": []}\n', name="all.jsonl")
    assert (history["totals"]["errors"], history["wrong"][0]["column"]) == (1, "history")


@pytest.mark.parametrize(("name", "content"), [("a.pdf", b"x"), ("a.csv", b""), ("a.csv", b"x" * (33 << 20))])
async def test_what_is_no_file_of_orders_is_refused_at_once(site: Site, name: str, content: bytes) -> None:
    client = await site.signed_in("gao")
    async with client.post("/api/orders/transfers/import", params={"name": name}, data=content) as refused:
        assert (refused.status, (await refused.json())["error"]["field"]) == (400, "file")
