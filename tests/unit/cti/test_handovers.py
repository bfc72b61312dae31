"""What a one-key service must know reaches it once it can, is audited in any case, and survives a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from cti.call import Call
from cti.control.calls import Calls
from cti.control.directory import Directory, DirectoryEntry
from cti.control.handover_post import Handover, HandoverFailed
from cti.control.handovers import Handovers
from cti.messages import CallState, Caption, Role
from cti.ports import Person
from orders.messages import Draft, FieldValue, Filler
from tests.support.until import until

CALL = Call(
    call_id="hl1-1.1", node="hl1", channel="PJSIP/city-1", caller="13800000001", called="12345",
    state=CallState.TALKING, started=1.0, recording_started=1.0, state_since=1.0, order_id="o1",
)  # fmt: skip
LI = Person(login="li", name="李静", role=Role.AGENT, extension="8001")


class World:
    """An outbox, a receiver that may refuse, and everything that was noted."""

    def __init__(self, folder: Path, *, url: str = "http://127.0.0.1:9/x") -> None:
        self.folder = folder
        self.entry = DirectoryEntry(
            name="police", title="公安报警", kind="service", number="110", handover=url, one_key=True
        )
        self.refusals = 0
        self.audit_fails = 0
        self.delivered: list[Handover] = []
        self.audited: list[Handover] = []
        self.notices: list[tuple[str, str]] = []
        self.notes: list[dict[str, Any]] = []
        self.now = lambda: 100.0
        self.outbox = self.made()

    def made(self) -> Handovers:
        return Handovers(
            calls=cast("Calls", self), folder=self.folder, directory=lambda: Directory((self.entry,), ()),
            draft=lambda _: Draft(order_id="o1", call_id="hl1-1.1", version=1, fields=FIELDS),
            captions=lambda _: LINES, post=self, secret=lambda name: f"secret of {name}", audit=self.audit,
            notice=lambda login, level, text: self.notices.append((level, text)), retry_s=(0.0, 0.0),
        )  # fmt: skip

    def note_transfer(self, call_id: str, data: dict[str, Any]) -> None:
        assert call_id == CALL.call_id
        self.notes.append(data)

    async def audit(self, handover: Handover) -> None:
        if self.audit_fails:
            self.audit_fails -= 1
            raise OSError
        self.audited.append(handover)

    async def deliver(self, url: str, secret: str, handover: Handover) -> None:
        assert (url, secret) == (self.entry.handover, "secret of handover.police")
        if self.refusals:
            self.refusals -= 1
            raise HandoverFailed("answered 503")
        self.delivered.append(handover)

    @property
    def results(self) -> list[str]:
        return [note["result"] for note in self.notes]

    @property
    def files(self) -> int:
        return len(list(self.folder.glob("*.json")))

    async def comes(self, true: Callable[[], object]) -> None:
        await until(true, 5)


FIELDS = {
    name: FieldValue(value=value, filler=Filler.AGENT, source="agent:li", confidence=1.0)
    for name, value in {"place": "人民路东口", "summary": "有人落水"}.items()
}
LINES = (
    Caption(call_id="hl1-1.1", line_id="t:0", speaker="citizen", text="救命", start=1.0, end=2.0, final=True),
    Caption(call_id="hl1-1.1", line_id="t:1", speaker="agent", text="请", start=2.0, end=3.0, final=False),
)


async def test_the_service_gets_what_the_order_and_the_finished_sentences_say(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.outbox.begin(CALL, world.entry, LI)
    await world.comes(lambda: world.delivered and not world.files)
    (handover,) = world.delivered
    assert (handover.place, handover.matter, handover.phone) == ("人民路东口", "有人落水", CALL.caller)
    assert [line.text for line in handover.transcript] == ["救命"]
    assert world.audited == [handover]
    assert world.results == ["handover", "handed_over"]
    assert world.notes[0]["record"]["place"] == "人民路东口"
    assert world.notices == [("success", "公安报警已收到地址和通话记录")]


async def test_a_refusal_is_tried_again_with_the_same_id(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.refusals, world.audit_fails = 2, 1
    world.outbox.begin(CALL, world.entry, LI)
    await world.comes(lambda: world.delivered and not world.files)
    assert len(world.audited) == len(world.delivered) == 1


async def test_a_failure_for_good_is_told_to_the_agent(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.refusals = 99
    world.outbox.begin(CALL, world.entry, LI)
    await world.comes(lambda: world.notices and not world.files)
    assert world.notices == [("error", "公安报警没有收到地址和通话记录，请口头告知")]
    assert world.results == ["handover", "handover_failed"]
    assert world.notes[1]["reason"] == "answered 503"


async def test_what_was_not_there_yet_is_sent_after_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.outbox.begin(CALL, world.entry, LI)
    await world.outbox.stop()  # before anything was sent
    assert not world.delivered
    assert world.files == 1
    again = world.made()
    again.start()
    await world.comes(lambda: world.delivered and not world.files)
    assert world.delivered[0].call_id == CALL.call_id


async def test_a_service_without_a_system_is_audited_and_the_agent_told_to_speak(tmp_path: Path) -> None:
    world = World(tmp_path, url="")
    world.outbox.begin(CALL, world.entry, LI)
    await world.comes(lambda: world.audited and not world.files)
    assert world.notices == [("warning", "公安报警没有接收系统，请口头告知地址和诉求")]
    assert world.delivered == []


async def test_a_damaged_file_in_the_outbox_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"{")
    world = World(tmp_path)
    world.outbox.start()
    world.outbox.begin(CALL, world.entry, LI)
    await world.comes(lambda: world.delivered)
    await asyncio.sleep(0)
    assert (tmp_path / "x.json").exists()


async def test_files_of_the_outbox_are_their_owners_only(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox")
    world.outbox.begin(CALL, world.entry, LI)
    (file,) = (tmp_path / "outbox").glob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    assert msgspec.json.decode(file.read_bytes())["handover"]["number"] == "110"
    await world.outbox.stop()
