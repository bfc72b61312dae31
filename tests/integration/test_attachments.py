"""Files of orders: by content and size, scanned, in quarantine, given out as files, to who may see them."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.attachment_scans import WAITING_S
from cti.casework.citizen_tables import attachments
from cti.casework.findings import Finding, Totals
from cti.casework.scanning import CommandScanner, StreamScanner, Verdict
from cti.casework.verification import verify
from cti.database import open_engine
from cti.messages import Role
from cti.settings import OrderSettings
from orders.messages import AttachmentAdded
from tests.integration.test_answer_rounds import NOON, World
from tests.support.casework import loop_over
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, Site, open_site

pytestmark = pytest.mark.integration

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@dataclass(frozen=True, slots=True)
class Office:
    site: Site
    world: World
    scanner: Path


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def office(engine: AsyncEngine, loopback: LoopbackBlock, tmp_path: Path) -> AsyncIterator[Office]:
    clock = Clock(NOON)
    scanner = says(tmp_path / "scan", 0)
    settings = OrderSettings(scan_command=str(scanner), attachment_mb=0.01, attachments_most=3)
    loop = loop_over(engine, tmp_path, clock=clock, orders=settings)
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=loop.casework, orders=loop.store
    ) as site:
        await site.add("wang", Role.CLERK)
        world = World(loop, clock, engine)
        await world.accepted("o1")
        yield Office(site, world, scanner)


def says(path: Path, status: int) -> Path:
    """A scanner that comes to this."""
    path.write_text(f'#!/bin/sh\n[ -r "$1" ] || exit 9\nexit {status}\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


async def upload(
    browser: aiohttp.ClientSession, content: bytes, name: str = "现场.png", **fields: str
) -> tuple[int, Any]:
    form = aiohttp.FormData(fields, quote_fields=False)  # as browsers do
    form.add_field("file", content, filename=name)
    path = "/api/citizen/orders/attachments" if fields else "/api/orders/o1/attachments"
    async with browser.post(path, data=form) as response:
        return response.status, await response.json()


async def fetch(browser: aiohttp.ClientSession, kept: dict[str, Any]) -> tuple[int, Any, bytes]:
    async with browser.get(f"/api/orders/o1/attachments/{kept['attachment_id']}") as response:
        return response.status, response.headers, await response.read()


async def test_a_file_is_kept_by_what_it_is_and_given_out_as_a_file(office: Office) -> None:
    clerk = await office.site.signed_in("wang")
    status, kept = await upload(clerk, PNG, "../../etc/现场 1.exe")
    assert status == 201, kept
    assert (kept["name"], kept["kind"], kept["state"], kept["size"]) == ("现场 1.exe", "png", "clean", 108)
    status, headers, content = await fetch(clerk, kept)
    assert (status, content) == (200, PNG)
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    async with clerk.get("/api/orders/o1/attachments") as response:
        (listed,) = (await response.json())["attachments"]
    assert (listed["attachment_id"], listed["open"]) == (kept["attachment_id"], True)


async def test_what_is_too_large_of_another_kind_or_too_many_is_refused_in_words(office: Office) -> None:
    clerk = await office.site.signed_in("wang")
    for content in (PNG + bytes(10_000), b"MZ\x90\0", b"<html><script>", b""):
        status, told = await upload(clerk, content)
        assert (status, told["error"]["field"]) == (409, "file")
    for _ in range(3):
        assert (await upload(clerk, PNG))[0] == 201
    status, told = await upload(clerk, PNG)
    assert status == 409
    assert "最多 3 个" in told["error"]["message"]
    async with clerk.post("/api/orders/o1/attachments", json={}) as response:
        assert response.status == 415


async def test_an_infected_file_is_never_given_out(office: Office) -> None:
    clerk = await office.site.signed_in("wang")
    says(office.scanner, 1)
    status, kept = await upload(clerk, PNG)
    assert (status, kept["state"]) == (201, "infected")
    assert (await fetch(clerk, kept))[0] == 409


async def test_a_file_that_could_not_be_scanned_waits_in_quarantine_until_it_can(office: Office) -> None:
    clerk = await office.site.signed_in("wang")
    says(office.scanner, 2)
    _, kept = await upload(clerk, PNG)
    assert kept["state"] == "waiting"
    assert (await fetch(clerk, kept))[0] == 409
    files = office.world.loop.citizens.attachments
    assert await files.scans.look() == 0
    says(office.scanner, 0)
    assert await files.scans.look() == 1
    assert (await fetch(clerk, kept))[0] == 200


async def test_who_does_not_see_the_order_does_not_see_its_files(office: Office) -> None:
    clerk = await office.site.signed_in("wang")
    _, kept = await upload(clerk, PNG)
    await office.site.deps.accounts.create(
        by="system", login="li", name="承办人", role=Role.UNIT, unit="别的单位",
        password="correct horse 12345", extension="", skills=None,
    )  # fmt: skip
    stranger = await office.site.signed_in("li")
    assert (await fetch(stranger, kept))[0] == 404
    assert (await upload(stranger, PNG))[0] == 404


async def found(office: Office) -> tuple[list[tuple[str, str]], Totals]:
    """What a verification finds: kind and file; and what it counted."""
    folder = office.world.loop.citizens.attachments.folder
    seen = [one async for one in verify(office.world.engine, files=folder)]
    last = seen[-1]
    assert isinstance(last, Totals)
    return [(one.kind.value, one.file) for one in seen if isinstance(one, Finding)], last


async def test_files_stand_in_the_orders_chain_and_leave_it_with_a_reason(office: Office) -> None:
    clerk = await office.site.signed_in("wang")
    _, kept = await upload(clerk, PNG)
    before = (await office.world.loop.store.events("o1"))[-1]
    assert isinstance(before.event, AttachmentAdded)
    assert (before.event.digest, before.event.name, before.actor) == (kept["digest"], "现场.png", "wang")
    address = f"/api/orders/o1/attachments/{kept['attachment_id']}"
    async with clerk.delete(address, json={"reason": " "}) as response:
        assert response.status == 400
    async with clerk.delete(address, json={"reason": "传错工单"}) as response:
        assert response.status == 200
    async with clerk.get("/api/orders/o1/course") as response:
        newest = (await response.json())["history"][-1]
    assert (newest["title"], newest["text"]) == ("移除附件", "现场.png（PNG，108 字节）：传错工单")
    assert (await fetch(clerk, kept))[0] == 409
    assert not [path for path in office.world.loop.citizens.attachments.folder.rglob("*") if path.is_file()]
    assert (await found(office))[0] == []


async def test_a_removed_row_a_swapped_and_a_missing_file_are_found(office: Office) -> None:
    clerk = await office.site.signed_in("wang")
    kept = [(await upload(clerk, PNG + bytes([place])))[1] for place in range(3)]
    ids = [one["attachment_id"] for one in kept]
    clean, totals = await found(office)
    assert (clean, totals.files, totals.read) == ([], 3, 3)
    async with office.world.engine.begin() as connection:
        await connection.execute(delete(attachments).where(attachments.c.attachment_id == ids[0]))
        changed = update(attachments).where(attachments.c.attachment_id == ids[1])
        await connection.execute(changed.values(name="别的.png"))
        stranger = {**kept[0], "order_id": "o1", "attachment_id": "f" * 32, "note": ""}
        names = attachments.c.keys()
        await connection.execute(insert(attachments).values({name: stranger[name] for name in names}))
    folder = office.world.loop.citizens.attachments.folder
    (swapped,) = folder.rglob(kept[1]["digest"])
    swapped.write_bytes(b"another")
    (missing,) = folder.rglob(kept[2]["digest"])
    missing.unlink()
    wrong, _ = await found(office)
    assert sorted(wrong) == sorted(
        [
            ("file_removed", ids[0]), ("file_changed", ids[1]), ("file_added", "f" * 32),
            ("file_swapped", ids[1]), ("file_lost", ids[2]),
        ]
    )  # fmt: skip
    rows = [one async for one in verify(office.world.engine)]
    said_only = [one.kind.value for one in rows if isinstance(one, Finding)]
    assert sorted(said_only) == ["file_added", "file_changed", "file_removed"]
    assert isinstance(rows[-1], Totals)
    assert (rows[-1].files, rows[-1].read) == (3, 0)


async def bring(token: aiohttp.ClientSession, key: str, *files: str) -> tuple[int, Any]:
    matter = {"channel": "portal", "fields": {"summary": "楼道灯不亮"}, "attachments": files}
    async with token.post("/api/orders", json=matter, headers={"Idempotency-Key": key}) as response:
        return response.status, await response.json()


async def test_files_that_came_first_belong_to_the_order_that_names_them_once(office: Office) -> None:
    clerk = await office.site.signed_in("wang")
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", PNG, filename="楼道.png")
    async with clerk.post("/api/attachments", data=form) as response:
        assert response.status == 201
        file = (await response.json())["attachment_id"]
    assert (await bring(clerk, "k0", "f" * 32))[0] == 409
    assert (await bring(clerk, "k0", file, file))[0] == 409
    status, made = await bring(clerk, "k1", file)
    assert status == 201, made
    assert (await bring(clerk, "k1", file))[0] == 200
    status, told = await bring(clerk, "k1")
    assert (status, told["error"]["code"]) == (409, "key_reused")
    status, told = await bring(clerk, "k2", file)
    assert (status, told["error"]["field"]) == (409, "attachments")
    assert "已用于其他工单" in told["error"]["message"]
    async with clerk.get(f"/api/orders/{made['order_id']}/attachments") as response:
        (listed,) = (await response.json())["attachments"]
    assert listed["attachment_id"] == file
    kinds = [type(one.event).__name__ for one in await office.world.loop.store.events(made["order_id"])]
    assert "AttachmentAdded" in kinds
    assert (await found(office))[0] == []


async def test_a_file_is_nobody_elses_and_goes_when_no_order_comes(office: Office) -> None:
    files = office.world.loop.citizens.attachments
    kept = await files.put_waiting("a.png", pieces(PNG), who="api:portal")
    clerk = await office.site.signed_in("wang")
    assert (await bring(clerk, "k1", kept.attachment_id))[0] == 409
    assert await files.scans.tidy() == 0
    office.world.now.now += WAITING_S + 1.0
    assert await files.scans.tidy() == 1
    assert not list(files.folder.rglob(kept.digest))


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_a_citizen_adds_files_by_number_and_code_only(office: Office) -> None:
    order = await office.world.loop.store.get("o1")
    code = office.world.loop.citizens.intake.code("o1")
    browser = office.site.browser()
    status, told = await upload(browser, PNG, number=order.number, code=code.lower())
    assert (status, told) == (201, {"name": "现场.png", "size": 108, "state": "clean"})
    status, _ = await upload(browser, PNG, number=order.number, code="XXXXXXXX")
    assert status == 404


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (b"stream: OK\0", Verdict.CLEAN),
        (b"stream: Eicar FOUND\0", Verdict.INFECTED),
        (b"INSTREAM size limit exceeded. ERROR\0", Verdict.UNKNOWN),
    ],
)
async def test_a_daemon_gets_the_file_as_a_stream(
    loopback: LoopbackBlock, tmp_path: Path, reply: bytes, verdict: Verdict
) -> None:
    got = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            got.extend(await reader.readexactly(length))
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, loopback.address(), 0)
    host, port = server.sockets[0].getsockname()[:2]
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 1000)
    assert await StreamScanner(f"{host}:{port}").scan(file) is verdict
    assert bytes(got) == file.read_bytes()
    server.close()
    await server.wait_closed()
    assert await StreamScanner(f"{host}:{port}").scan(file) is Verdict.UNKNOWN  # it is away


async def test_a_scanner_that_hangs_or_is_missing_tells_nothing(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    slow.chmod(0o700)
    assert await CommandScanner(str(slow), limit_s=0.2).scan(slow) is Verdict.UNKNOWN
    assert await CommandScanner(str(tmp_path / "none")).scan(slow) is Verdict.UNKNOWN
