"""Recordings: one stereo WAV of a call's two sides, told once, also when nobody saw the end."""

from __future__ import annotations

import array
import os
import time
from pathlib import Path

import pytest

from asterisk_conf.recording import RATE, legs
from cti.control import recordings
from cti.control.recordings import Recordings
from tests.support.tones import read_stereo
from tests.support.until import until

CALL = "hl1-1800000000.1"


@pytest.fixture
def told() -> list[tuple[str, str, float, int]]:
    return []


def written(folder: Path, call: str, citizen: int | None, heard: int | None, *, age_s: float = 60.0) -> None:
    """Asterisk has written so many samples of each side (1, 2, 3 … and -1, -2, -3 …), a while ago."""
    for side, count, sign in zip(legs(folder / call), (citizen, heard), (1, -1), strict=True):
        if count is not None:
            samples = array.array("h", (sign * (1 + n % 30000) for n in range(count)))
            side.write_bytes(samples.tobytes())
            os.utime(side, (time.time() - age_s,) * 2)


async def test_the_citizen_is_left_and_what_they_hear_is_right(
    tmp_path: Path, told: list[tuple[str, str, float, int]]
) -> None:
    written(tmp_path, CALL, RATE, RATE)
    Recordings(tmp_path, lambda *one: told.append(one)).expect(CALL)
    await until(lambda: told)
    ((call, file, seconds, size),) = told
    assert (call, seconds, size) == (CALL, 1.0, (tmp_path / file).stat().st_size)
    left, right = read_stereo(tmp_path / file)
    assert list(left[:3]) == [1, 2, 3]
    assert list(right[:3]) == [-1, -2, -3]
    assert len(left) == len(right) == RATE


@pytest.mark.parametrize(("citizen", "heard"), [(100, 250), (250, 100), (None, 250), (250, None), (0, 250)])
async def test_a_side_that_is_shorter_or_missing_goes_on_in_silence(
    tmp_path: Path, told: list[tuple[str, str, float, int]], citizen: int | None, heard: int | None
) -> None:
    written(tmp_path, CALL, citizen, heard)
    Recordings(tmp_path, lambda *one: told.append(one)).expect(CALL)
    await until(lambda: told)
    left, right = read_stereo(tmp_path / told[0][1])
    assert len(left) == len(right) == 250
    assert sum(map(bool, left)) == (citizen or 0)
    assert sum(map(bool, right)) == (heard or 0)


async def test_a_recording_is_kept_by_day_and_asterisks_own_files_are_gone(
    tmp_path: Path, told: list[tuple[str, str, float, int]]
) -> None:
    written(tmp_path, CALL, 100, 100)
    day = time.strftime("%Y/%m/%d", time.gmtime(time.time() - 60))
    Recordings(tmp_path, lambda *one: told.append(one)).expect(CALL)
    await until(lambda: told)
    assert told[0][1] == f"{day}/{CALL}.wav"
    assert not any(side.exists() for side in legs(tmp_path / CALL))


async def test_a_recording_is_told_once_however_often_it_is_expected(
    tmp_path: Path, told: list[tuple[str, str, float, int]]
) -> None:
    written(tmp_path, CALL, 100, 100)
    made = Recordings(tmp_path, lambda *one: told.append(one))
    for _ in range(3):
        made.expect(CALL)
    await until(lambda: told and not made._tasks)
    made.expect(CALL)  # the call's end is seen a second time
    await until(lambda: not made._tasks)
    assert len(told) == 1


def test_what_nobody_has_joined_yet_is_found_by_node(tmp_path: Path) -> None:
    written(tmp_path, CALL, 100, 100)
    written(tmp_path, "hl1-1800000000.2", None, 100)
    written(tmp_path, "hl2-1800000000.3", 100, 100)  # another node's
    made = Recordings(tmp_path, lambda *one: None)
    assert made.unjoined("hl1") == {CALL, "hl1-1800000000.2"}


async def test_a_recording_that_is_still_being_written_is_waited_for(
    tmp_path: Path, told: list[tuple[str, str, float, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "LOOK_S", 0.01)
    written(tmp_path, CALL, 100, 100, age_s=-3600)  # grows
    made = Recordings(tmp_path, lambda *one: told.append(one))
    monkeypatch.setattr(recordings, "PATIENCE_S", 0.05)
    made.expect(CALL)
    await until(lambda: not made._tasks)
    assert told == []
    assert legs(tmp_path / CALL)[0].exists()  # for the next look


@pytest.mark.parametrize("call", ["", "../../etc/passwd", "a/b", "x" * 81])
async def test_a_name_that_is_no_call_id_touches_no_file(tmp_path: Path, call: str) -> None:
    made = Recordings(tmp_path, lambda *one: None)
    made.expect(call)
    assert not made._tasks
