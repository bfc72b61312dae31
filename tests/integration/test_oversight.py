"""Auditors let all orders be verified beside the server, and sealed; nights are sealed once."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.oversight import Oversight
from cti.casework.retention import Keeper
from cti.casework.retention_nights import RetentionNights
from cti.database import open_engine
from cti.message_base import Role
from orders.retention import shipped_retention
from orders.store import OrderStore
from orders.tables import orders
from tests.support.casework import loop_over
from tests.support.courses import ANSWERED, closed
from tests.support.lived_orders import accept, in_turn
from tests.support.loopback import LoopbackBlock
from tests.support.until import until
from tests.support.web import PASSWORD, Clock, open_site

pytestmark = pytest.mark.integration

CHINA = ZoneInfo("Asia/Shanghai")


@pytest_asyncio.fixture
async def engine(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'hotline.sqlite')}")
    yield engine
    await engine.dispose()


async def test_an_auditor_is_told_what_does_not_fit_in_chinese(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    clock = Clock()
    casework = loop_over(engine, tmp_path, clock=clock).casework
    await accept(casework.store, "o1", at=clock() - 60)
    async with engine.begin() as connection:
        await connection.execute(update(orders).values(phone="13900000000"))
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=casework, orders=casework.store
    ) as site:
        for login, role in (("shen", Role.AUDITOR), ("zhang", Role.AGENT)):
            await site.deps.accounts.create(by="system", login=login, name="某", role=role, password=PASSWORD)
        agent, auditor = await site.signed_in("zhang"), await site.signed_in("shen")
        async with agent.post("/api/audit/verifications", json={}) as refused:
            assert refused.status == 403
        async with auditor.post("/api/audit/verifications", json={}) as begun:
            assert begun.status == 202
            run = (await begun.json())["id"]
        async with auditor.post("/api/audit/verifications", json={}) as second:
            assert second.status == 409

        started = casework.oversight.run(run)
        assert started is not None
        await until(lambda: started.state != "running", 30.0)
        async with auditor.get(f"/api/audit/verifications/{run}") as told:
            body = await told.json()
        assert (body["state"], body["totals"]["orders"], body["totals"]["findings"]) == ("done", 1, 1)
        assert body["findings"][0]["words"].endswith("工单表（orders）与记录不一致：联系电话（phone）")
        async with auditor.post("/api/audit/seals") as sealed:
            assert (await sealed.json())["seals"][0]["orders"] == 1
        async with auditor.get("/api/audit/seals") as listed:
            assert len((await listed.json())["seals"]) == 1
    await casework.oversight.stop()


async def test_a_night_is_sealed_once_and_only_by_the_server_that_leads(engine: AsyncEngine) -> None:
    now, leads = datetime(2026, 11, 22, 12, tzinfo=CHINA).timestamp(), False
    oversight = Oversight(engine, leads=lambda: leads, clock=lambda: now)
    await accept(OrderStore(engine), "o1", at=now - 3600)
    leads = True
    await oversight.look()
    assert await oversight.sealer.newest() == ()  # by day
    now, leads = datetime(2026, 11, 23, 1, 30, tzinfo=CHINA).timestamp(), False
    await oversight.look()
    assert await oversight.sealer.newest() == ()
    leads = True
    await oversight.look()
    await accept(OrderStore(engine), "o2", at=now)
    await oversight.look()
    assert [seal.orders for seal in await oversight.sealer.newest()] == [1]
    now += 86400
    await oversight.look()
    assert [seal.id for seal in await oversight.sealer.newest()] == [2, 1]


async def test_nothing_is_deleted_by_itself_unless_it_is_switched_on(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    now = datetime(2026, 11, 23, 2, 30, tzinfo=CHINA).timestamp()
    course = in_turn(*ANSWERED, closed("办完"), at=1.7e9)
    await accept(OrderStore(engine), "o1", *course, at=1.5e9)
    now += 10 * 365 * 86400
    await RetentionNights(None, leads=lambda: True, clock=lambda: now).look()
    keeper = Keeper(engine, shipped_retention(), recordings=tmp_path, attachments=tmp_path, clock=lambda: now)
    await RetentionNights(lambda: keeper, leads=lambda: False, clock=lambda: now).look()
    assert (await OrderStore(engine).get("o1")).caller == "13812345678"
    await RetentionNights(lambda: keeper, leads=lambda: True, clock=lambda: now).look()
    assert (await OrderStore(engine).get("o1")).caller == "〔已删除〕"
