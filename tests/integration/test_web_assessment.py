"""The assessment over HTTP: who may ask for what, files with a serial in the access log, own figures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from cti.casework.access_tables import order_accesses
from cti.database import open_engine
from cti.messages import Role
from orders import course_events as happened
from orders.messages import DraftOpened, FieldEdited, OrderSubmitted
from orders.unit_table import Unit
from tests.support.casework import loop_over
from tests.support.courses import CLERK, LEAD, OTHER
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, open_site

NEEDED = ("type", "category", "summary")
pytestmark = pytest.mark.integration


async def test_a_unit_reads_and_takes_out_its_own_figures_alone(
    migrated_sqlite: Path, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    path = shutil.copy(migrated_sqlite, tmp_path / "hotline.sqlite")
    engine, clock = open_engine(f"sqlite:///{path}"), Clock()
    loop = loop_over(engine, tmp_path, clock=clock)
    await loop.casework.units.replace_units([Unit(name=LEAD), Unit(name=OTHER)])
    for order_id, unit in (("o1", LEAD), ("o2", OTHER)):
        await loop.store.create(
            [
                DraftOpened(order_id=order_id, call_id="", caller=""),
                *(FieldEdited(field=one, value="投诉", agent="chen") for one in NEEDED),
                OrderSubmitted(agent="chen"),
                happened.OrderDispatched(lead=unit, source="clerk", by=CLERK),
            ],
            order_id=order_id, event_id=order_id,
        )  # fmt: skip
    try:
        async with open_site(
            engine, tmp_path, loopback.address(), clock=clock, casework=loop.casework
        ) as site:
            await site.deps.accounts.create(
                by="system", login="li", name="李", role=Role.UNIT, password=PASSWORD, unit=LEAD
            )
            await site.add("sun", Role.LEADER)
            office, leader = await site.signed_in("li"), await site.signed_in("sun")
            async with office.get("/api/assessment/mine") as answer:
                own = await answer.json()
            assert own["row"]["key"] == LEAD and own["row"]["figures"]["sent"] == [1, None]
            async with office.get("/api/assessment") as answer:
                assert [row["key"] for row in (await answer.json())["rows"]] == [LEAD]
            query = {"figure": "sent", "key": OTHER}
            async with office.get("/api/assessment/orders", params=query) as answer:
                assert answer.status == 403
            async with leader.get("/api/assessment/orders", params=query) as answer:
                assert [one["order_id"] for one in (await answer.json())["orders"]] == ["o2"]
            async with office.get("/api/leader") as answer:
                assert answer.status == 403
            async with leader.post("/api/assessment/freeze", json={"month": "2026-10"}) as answer:
                assert answer.status == 403
            async with leader.get("/api/assessment", params={"month": "2026-13"}) as answer:
                assert answer.status == 400
            async with office.get("/api/assessment/file", params={"format": "csv"}) as answer:
                told = (await answer.read()).decode("utf-8-sig")
            assert LEAD in told and OTHER not in told
        async with engine.connect() as connection:
            serial = (
                await connection.scalars(select(order_accesses.c.serial).where(order_accesses.c.serial != ""))
            ).one()
        assert serial in told
    finally:
        await engine.dispose()
