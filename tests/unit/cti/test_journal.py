"""The journal: durable first, delivered later, once each, never stopped by one entry."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from cti.calls import EntryRefused
from cti.delivery import DeliveryLimits
from cti.journal import EntryTooLong, Journal, JournalError, JournalFull, JournalInUse, JournalLimits
from cti.messages import Entry, EntryKind
from cti.spool import frame, scan

QUICK = DeliveryLimits(batch=7, retry_first_s=0.001, retry_most_s=0.002, attempts=3)


def entry(number: int, **data: object) -> Entry:
    return Entry(
        entry_id=f"e{number:06d}", call_id="c1", at=1_800_000_000.0 + number, kind=EntryKind.RATING, data=data
    )


class Shelf:
    """A sink that keeps what it is given, refuses what it is told to, and can be away."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.refuses: set[str] = set()
        self.breaks_on: set[str] = set()
        self.away: Exception | None = None
        self.asked = asyncio.Event()

    async def __call__(self, entries: Sequence[Entry]) -> None:
        self.asked.set()
        if self.away is not None:
            raise self.away
        for one in entries:
            if one.entry_id in self.refuses:
                raise EntryRefused(one.entry_id, "score out of bounds")
            if one.entry_id in self.breaks_on:
                raise KeyError("13800138000 said something")
        self.kept += [one.entry_id for one in entries if one.entry_id not in self.kept]


def ids(numbers: Sequence[int]) -> list[str]:
    return [entry(number).entry_id for number in numbers]


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("0*.jsonl"))


async def test_entries_are_delivered_in_the_order_they_were_appended(tmp_path: Path) -> None:
    shelf = Shelf()
    async with Journal(tmp_path, shelf, delivery=QUICK) as journal:
        for number in range(100):
            journal.append(entry(number))
        await journal.delivered()
    assert shelf.kept == ids(range(100))


async def test_a_durable_entry_is_in_the_file_before_the_sink_has_it(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.away = ConnectionError()
    async with Journal(tmp_path, shelf, delivery=QUICK) as journal:
        journal.append(entry(1, score=5))
        await journal.durable(entry(1))
        (segment,) = segments(tmp_path)
        (line,) = scan(segment.read_bytes())
        assert line.payload is not None
        assert msgspec.json.decode(line.payload, type=Entry) == entry(1, score=5)
        shelf.away = None


async def test_an_entry_that_is_durable_already_is_not_waited_for(tmp_path: Path) -> None:
    async with Journal(tmp_path, Shelf(), delivery=QUICK) as journal:
        journal.append(entry(1))
        await journal.delivered()
        await journal.durable(entry(1))


async def test_while_the_database_is_away_entries_wait_and_nothing_is_lost(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.away = ConnectionRefusedError()
    async with Journal(tmp_path, shelf, delivery=QUICK, clock=lambda: 1_800_000_060.0) as journal:
        for number in range(20):
            journal.append(entry(number))
            await journal.durable(entry(number))
        await shelf.asked.wait()
        await asyncio.sleep(0.01)
        assert (journal.pending, journal.lag_s, journal.healthy) == (20, 60.0, True)
        assert not journal.delivering
        shelf.away = None
        await journal.delivered()
        assert (journal.pending, journal.lag_s, journal.rejected) == (0, 0.0, 0)
        assert journal.delivering
    assert shelf.kept == ids(range(20))


async def test_what_one_server_did_not_deliver_the_next_one_does(tmp_path: Path) -> None:
    away = Shelf()
    away.away = ConnectionError()
    first = Journal(tmp_path, away, delivery=QUICK)
    await first.start()
    for number in range(30):
        first.append(entry(number))
    await first.close(deliver_s=0.01)

    shelf = Shelf()
    async with Journal(tmp_path, shelf, delivery=QUICK) as second:
        assert second.pending == 30
        second.append(entry(30))
        await second.delivered()
        assert second.pending == 0
    assert shelf.kept == ids(range(31))


async def test_delivered_entries_are_not_given_again_after_a_restart(tmp_path: Path) -> None:
    async with Journal(tmp_path, Shelf(), delivery=QUICK) as first:
        first.append(entry(1))
        await first.delivered()
    shelf = Shelf()
    async with Journal(tmp_path, shelf, delivery=QUICK) as second:
        second.append(entry(2))
        await second.delivered()
    assert shelf.kept == ids([2])


async def test_full_segments_are_followed_by_new_ones_and_deleted_once_delivered(tmp_path: Path) -> None:
    shelf = Shelf()
    limits = JournalLimits(segment_bytes=300)
    async with Journal(tmp_path, shelf, delivery=QUICK, limits=limits) as journal:
        for number in range(60):
            journal.append(entry(number))
            await journal.durable(entry(number))
        await journal.delivered()
        journal.append(entry(60))
        await journal.delivered()
        assert len(segments(tmp_path)) <= 2
    assert shelf.kept == ids(range(61))


async def test_a_refused_entry_is_set_aside_with_its_reason_and_the_others_arrive(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.refuses = set(ids([3, 11]))
    async with Journal(tmp_path, shelf, delivery=QUICK) as journal:
        for number in range(20):
            journal.append(entry(number, score=number))
        await journal.delivered()
        assert journal.rejected == 2
    assert shelf.kept == ids([n for n in range(20) if n not in (3, 11)])
    told = [msgspec.json.decode(line) for line in (tmp_path / "rejected.jsonl").read_bytes().splitlines()]
    assert [one["reason"] for one in told] == ["score out of bounds", "score out of bounds"]
    assert ['"e000003"' in told[0]["line"], '"e000011"' in told[1]["line"]] == [True, True]


async def test_an_entry_that_breaks_the_sink_is_set_aside_after_some_attempts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf()
    shelf.breaks_on = set(ids([5]))
    with caplog.at_level(logging.DEBUG):
        async with Journal(tmp_path, shelf, delivery=QUICK) as journal:
            for number in range(20):
                journal.append(entry(number))
            await journal.delivered()
    assert shelf.kept == ids([n for n in range(20) if n != 5])
    (told,) = (tmp_path / "rejected.jsonl").read_text().splitlines()
    assert "KeyError at test_journal.py" in told
    assert "13800138000" not in caplog.text + str([record.__dict__ for record in caplog.records])


async def test_a_torn_last_line_of_a_killed_server_is_passed_over(tmp_path: Path) -> None:
    whole = frame(msgspec.json.encode(entry(1)))
    (tmp_path / "0000000004.jsonl").write_bytes(whole + whole[: len(whole) // 2])
    shelf = Shelf()
    async with Journal(tmp_path, shelf, delivery=QUICK) as journal:
        journal.append(entry(2))
        await journal.delivered()
        assert journal.rejected == 0
    assert shelf.kept == ids([1, 2])


async def test_a_damaged_line_is_set_aside_and_the_lines_after_it_arrive(tmp_path: Path) -> None:
    lines = [frame(msgspec.json.encode(entry(number))) for number in range(3)]
    spoilt = bytearray(lines[1])
    spoilt[30] ^= 1
    (tmp_path / "0000000001.jsonl").write_bytes(lines[0] + bytes(spoilt) + lines[2])
    shelf = Shelf()
    async with Journal(tmp_path, shelf, delivery=QUICK) as journal:
        await journal.delivered()
        assert journal.rejected == 1
    assert shelf.kept == ids([0, 2])
    assert "damaged line" in (tmp_path / "rejected.jsonl").read_text()


async def test_a_line_that_is_no_entry_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "0000000001.jsonl").write_bytes(frame(b'{"kind":"sneeze"}'))
    async with Journal(tmp_path, Shelf(), delivery=QUICK) as journal:
        await journal.delivered()
        assert journal.rejected == 1


async def test_a_full_disk_is_told_and_nothing_is_lost_when_it_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf()
    monkeypatch.setattr("cti.journal.DISK_PAUSE_S", 0.001)
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def full(_fd: int) -> None:
        loop.call_soon_threadsafe(failed.set)
        raise OSError(28, "No space left on device")

    async with Journal(tmp_path, shelf, delivery=QUICK) as journal:
        with monkeypatch.context() as patch:
            patch.setattr("cti.spool.os.fdatasync", full)
            journal.append(entry(1))
            await failed.wait()
            await asyncio.sleep(0.01)
            assert not journal.healthy
        await journal.durable(entry(1))
        assert journal.healthy
        await journal.delivered()
    assert shelf.kept == ids([1])


async def test_memory_is_bounded_while_the_disk_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cti.spool.os.fdatasync", full)
    journal = Journal(tmp_path, Shelf(), delivery=QUICK, limits=JournalLimits(memory_bytes=1000))
    await journal.start()
    with pytest.raises(JournalFull, match="memory is used up"):
        for number in range(100):
            journal.append(entry(number))
    waiting = asyncio.create_task(journal.durable(entry(0)))
    await asyncio.sleep(0)
    await journal.close(deliver_s=0.0)
    with pytest.raises(JournalError, match="closed before the entry was on disk"):
        await waiting


async def test_an_entry_above_one_mebibyte_is_refused(tmp_path: Path) -> None:
    async with Journal(tmp_path, Shelf(), delivery=QUICK) as journal:
        with pytest.raises(EntryTooLong, match="rating entry has"):
            journal.append(entry(1, text="x" * (1 << 20)))


async def test_two_journals_do_not_share_a_folder(tmp_path: Path) -> None:
    async with Journal(tmp_path, Shelf()):
        with pytest.raises(JournalInUse):
            Journal(tmp_path, Shelf())


async def test_a_journal_that_is_not_running_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Shelf())
    with pytest.raises(JournalError, match="not running"):
        journal.append(entry(1))
    await journal.close()
