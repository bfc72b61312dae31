"""The journal's files: torn and damaged lines, places, one process at a time."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.spool import JournalInUse, Place, Segment, Spool, frame, parse, scan

payloads = st.lists(st.binary(max_size=60).filter(lambda data: b"\n" not in data), max_size=12)


@given(payloads)
def test_every_framed_line_is_read_back(lines: list[bytes]) -> None:
    data = b"".join(frame(line) for line in lines)
    assert [line.payload for line in scan(data)] == lines


@given(payloads, st.data())
def test_a_torn_tail_costs_at_most_the_line_that_was_being_written(
    lines: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(frame(line) for line in lines)
    cut = data.draw(st.integers(min_value=0, max_value=len(whole)))
    read = list(scan(whole[:cut]))
    kept = [line.payload for line in read if line.payload is not None]
    assert kept == lines[: len(kept)]
    assert len(kept) == whole[:cut].count(b"\n")
    assert sum(line.torn for line in read) <= 1
    assert all(line.torn for line in read if line.payload is None)


@given(payloads.filter(bool), st.data())
def test_a_changed_byte_never_passes_for_an_entry_and_spoils_no_other_line(
    lines: list[bytes], data: st.DataObject
) -> None:
    whole = bytearray(b"".join(frame(line) for line in lines))
    at = data.draw(st.integers(min_value=0, max_value=len(whole) - 1))
    whole[at] ^= data.draw(st.integers(min_value=1, max_value=255))
    kept = [line.payload for line in scan(bytes(whole)) if line.payload is not None]
    remaining = list(lines)
    for payload in kept:
        assert payload in remaining
        remaining.remove(payload)
    assert len(kept) >= len(lines) - 2  # a spoilt newline joins two lines


@given(payloads, st.integers(min_value=0, max_value=11))
def test_offsets_lead_to_the_next_line(lines: list[bytes], skip: int) -> None:
    whole = b"".join(frame(line) for line in lines)
    ends = [0, *(line.end for line in scan(whole))]
    start = ends[min(skip, len(ends) - 1)]
    assert [line.payload for line in scan(whole[start:], start)] == lines[min(skip, len(ends) - 1) :]


@pytest.mark.parametrize("line", [b"", b"00000000", b"00000000 {}", b"zzzzzzzz {}", b"{}"])
def test_what_is_no_line_of_ours_is_not_parsed(line: bytes) -> None:
    assert parse(line) is None


def test_a_second_process_is_told_that_the_folder_is_in_use(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    with pytest.raises(JournalInUse, match="in use by another server"):
        Spool(tmp_path)
    first.close()
    Spool(tmp_path).close()


def test_segments_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "journal")
    number, segment = spool.begin_segment(after=0)
    assert stat.S_IMODE(spool.path(number).stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    segment.close()
    spool.close()


def test_a_delivered_segment_is_deleted_and_its_number_not_used_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for after in (0, 1):
        spool.begin_segment(after=after)[1].close()
    spool.keep_place(Place(2, 0))
    assert spool.segments() == [2]
    assert spool.begin_segment(after=spool.place().segment)[0] == 3
    spool.close()


@pytest.mark.parametrize("mark", [b"", b"\0\0\0\0", b"{", b'{"segment":"x"}'])
def test_a_damaged_mark_means_delivering_from_the_beginning(tmp_path: Path, mark: bytes) -> None:
    spool = Spool(tmp_path)
    (tmp_path / "delivered").write_bytes(mark)
    assert spool.place() == Place(0, 0)
    spool.close()


def test_reading_stops_where_the_writer_has_synced(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    number, segment = spool.begin_segment(after=0)
    segment.write(frame(b"{}"))
    until = segment.size
    segment.write(frame(b"[]"))
    assert [line.payload for line in spool.read(Place(number, 0), until=until)] == [b"{}"]
    segment.close()
    spool.close()


def test_reading_in_small_chunks_gives_the_same_lines(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    number, segment = spool.begin_segment(after=0)
    lines = [b"x" * size for size in (1, 50, 200, 3, 120)]
    segment.write(b"".join(frame(line) for line in lines))
    read = []
    place = Place(number, 0)
    while chunk := spool.read(place, until=None, bytes_max=64):
        read += [line.payload for line in chunk]
        place = Place(number, chunk[-1].end)
    assert read == lines
    segment.close()
    spool.close()


def test_a_write_that_fails_half_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = Segment(tmp_path / "0000000001.jsonl")
    segment.write(frame(b"first"))

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("cti.spool.os.fdatasync", full)
        with pytest.raises(OSError, match="No space"):
            segment.write(frame(b"second"))
    segment.write(frame(b"third"))
    segment.close()
    assert [line.payload for line in scan(segment.path.read_bytes())] == [b"first", b"third"]
