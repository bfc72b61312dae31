"""Voice messages: what was recorded is kept if somebody speaks in it, and becomes work."""

from __future__ import annotations

import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cti.call import Call
from cti.control import messages_left
from cti.control.line_ports import NoCallbacks
from cti.control.messages_left import MessagesLeft
from cti.messages import CallState, Entry, EntryKind
from tests.support.control import PlayedOutside, World
from tests.support.scripted_speech import buzz

CALL = Call(
    call_id="hl1-1800000000.7", node="hl1", channel="PJSIP/city-7", caller="13800000001", called="12345",
    state=CallState.IN_FLOW, started=1_800_000_000.0, recording_started=1_800_000_000.0,
    state_since=1_800_000_000.0, queue="general", queued=1_800_000_005.0,
)  # fmt: skip


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.end()


@pytest.fixture(autouse=True)
def _written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_left, "QUIET_S", 0.0)


def write(place: Path, seconds: float, *, speech: bool) -> Path:
    file = place.with_name(place.name + ".wav")
    with wave.open(str(file), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(8000)
        stream.writeframes(buzz(seconds) if speech else b"\0\0" * round(8000 * seconds))
    return file


def entries(world: World) -> list[Entry]:
    return [entry for entry in world.book.entries if entry.kind is EntryKind.MESSAGE]


async def test_a_message_is_journalled_moved_and_made_work(world: World, tmp_path: Path) -> None:
    callbacks = PlayedOutside()
    messages = MessagesLeft(tmp_path, calls=world.calls, callbacks=callbacks)
    place = messages.place(CALL)
    file = write(place, 3.0, speech=True)
    assert await messages.keep(CALL, place, "flood") == 3.0
    (entry,) = entries(world)
    assert (entry.call_id, entry.data["seconds"], entry.data["purpose"]) == (CALL.call_id, 3.0, "flood")
    assert not file.exists()
    assert (tmp_path / str(entry.data["file"])).exists()
    (wish,) = callbacks.wishes
    assert (wish["origin"], wish["number"], wish["since"]) == ("message", CALL.caller, CALL.queued)


@pytest.mark.parametrize(("seconds", "speech"), [(0.6, True), (6.0, False)])
async def test_a_short_noise_and_silence_are_no_messages(
    world: World, tmp_path: Path, seconds: float, speech: bool
) -> None:
    callbacks = PlayedOutside()
    messages = MessagesLeft(tmp_path, calls=world.calls, callbacks=callbacks)
    place = messages.place(CALL)
    file = write(place, seconds, speech=speech)
    assert await messages.keep(CALL, place, "message") == 0.0
    assert (entries(world), callbacks.wishes, file.exists()) == ([], [], False)


@pytest.mark.parametrize("content", [None, b"", b"RIFF nonsense"])
async def test_what_asterisk_did_not_write_is_no_message(
    world: World, tmp_path: Path, content: bytes | None
) -> None:
    messages = MessagesLeft(tmp_path, calls=world.calls, callbacks=PlayedOutside())
    place = messages.place(CALL)
    if content is not None:
        place.with_name(place.name + ".wav").write_bytes(content)
    assert await messages.keep(CALL, place, "message") == 0.0


async def test_a_message_that_nobody_can_be_told_of_is_kept_all_the_same(
    world: World, tmp_path: Path
) -> None:
    messages = MessagesLeft(tmp_path, calls=world.calls, callbacks=NoCallbacks())
    place = messages.place(CALL)
    write(place, 2.0, speech=True)
    assert await messages.keep(CALL, place, "message") == 2.0
    assert len(entries(world)) == 1


async def test_two_messages_of_a_call_never_meet(world: World, tmp_path: Path) -> None:
    messages = MessagesLeft(tmp_path, calls=world.calls, callbacks=PlayedOutside())
    assert len({messages.place(CALL) for _ in range(100)}) == 100


async def test_messages_of_before_a_crash_are_found(world: World, tmp_path: Path) -> None:
    before = MessagesLeft(
        tmp_path,
        calls=world.calls,
        callbacks=PlayedOutside(),
    )
    write(before.place(CALL), 3.0, speech=True)
    write(before.place(CALL), 3.0, speech=False)
    after = MessagesLeft(tmp_path, calls=world.calls, callbacks=PlayedOutside())
    assert await after.sweep() == 2
    (entry,) = entries(world)
    assert entry.call_id == CALL.call_id
    assert (tmp_path / str(entry.data["file"])).exists()
    assert await after.sweep() == 0


async def test_a_message_that_is_being_recorded_is_left_alone(world: World, tmp_path: Path) -> None:
    world.calls.restore(CALL)
    messages = MessagesLeft(tmp_path, calls=world.calls, callbacks=PlayedOutside())
    file = write(messages.place(CALL), 3.0, speech=True)
    assert await messages.sweep() == 0
    assert file.exists()
    assert time.time() - file.stat().st_mtime < 60
