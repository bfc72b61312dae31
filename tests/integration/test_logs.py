"""A whole call's storage and pages, and what the log holds of it afterwards."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from cti.calls import CallStore
from cti.database import open_engine
from cti.journal import Journal
from cti.logs import call_scope, configure
from cti.messages import Entry, EntryKind
from tests.support.loopback import LoopbackBlock
from tests.support.web import open_site, read_json

pytestmark = pytest.mark.integration

NUMBER, WORDS, NAME = "13800138000", "小区的路灯坏了三天", "测试员"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    written = io.StringIO()
    configure("DEBUG", stream=written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def entry(number: int, kind: EntryKind, /, **data: object) -> Entry:
    return Entry(entry_id=f"e{number}", call_id="c1", at=1_800_000_000.0 + number, kind=kind, data=data)


async def test_the_log_of_a_call_names_it_and_holds_no_number_no_word_and_no_name(
    migrated_url: str, tmp_path: Path, loopback: LoopbackBlock, stream: io.StringIO
) -> None:
    engine = open_engine(migrated_url)
    store = CallStore(engine)
    with call_scope("c1"):
        async with (
            Journal(tmp_path / "journal", store.write) as journal,
            open_site(engine, tmp_path, loopback.address(), journal=journal, calls=store) as site,
        ):
            await site.add("zhang")
            browser = await site.signed_in("zhang")
            journal.append(entry(1, EntryKind.CALL_STATE, state="incoming", caller=NUMBER, called="12345"))
            journal.append(entry(2, EntryKind.CALL_STATE, state=f"{NUMBER} {WORDS}"))  # refused
            journal.append(
                entry(3, EntryKind.TRANSCRIPT, line_id="a", speaker="citizen", text=WORDS, start=0.0, end=1.0)
            )
            await journal.delivered()
            site.floor.refuse = ValueError(f"{NUMBER} said {WORDS}")
            async with browser.ws_connect("/api/ws") as socket:
                await read_json(socket)
                await socket.send_str('{"type":"ready","ref":"1"}')
                await read_json(socket)
            for path in (f"/api/callers/{NUMBER}/history", f"/api/calls?text={WORDS}", f"/api/{NUMBER}"):
                async with browser.get(path) as response:
                    await response.read()
            logging.getLogger("cti.control").warning("caller %s said %s", NUMBER, WORDS)
    await engine.dispose()
    told = stream.getvalue()
    lines = [json.loads(line) for line in told.splitlines()]
    assert {"journal entry set aside", "command failed", "caller [number] said [text]"} <= {
        line["event"] for line in lines
    }
    assert all(line["call_id"] == "c1" for line in lines if line["logger"] == "cti.delivery")
    for secret in (NUMBER, NUMBER[-8:], WORDS, WORDS[:4], NAME):
        assert secret not in told
