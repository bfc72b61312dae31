"""A worker that retires takes no more taps, and ends when it has none left."""

from __future__ import annotations

import pytest

from asr.bus import WorkerCounters, pick_worker
from asr.listener import Listener
from asr.messages import TapAnnounced, TranscriptMessage, WorkerState
from asr.worker import UNSEEN_S, Worker, WorkerSettings


class _Listener(Listener):
    """A listener with as many taps as the test says."""

    def __init__(self) -> None:
        self.count = 2

    @property
    def taps(self) -> int:
        return self.count


async def _nothing(_: list[TranscriptMessage]) -> None:
    return


async def _unknown(_: str) -> TapAnnounced | None:
    return None


async def _registered(_: WorkerState, __: WorkerCounters) -> None:
    return


async def _gone(_: str) -> None:
    return


def test_it_keeps_its_taps_takes_no_more_and_ends_some_seconds_after_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("asr.worker.time.monotonic", lambda: now)
    worker = Worker(
        WorkerSettings(capacity=8), None, resolve=_unknown, write=_nothing, register=_registered,
        unregister=_gone,
    )  # fmt: skip
    listener = _Listener()
    monkeypatch.setattr(worker, "_listener", listener)
    assert pick_worker([worker.state(1.0)]) is not None
    worker.retire()
    assert worker.state(1.0).taps == 2
    assert pick_worker([worker.state(1.0)]) is None
    now += 3600
    assert not worker.retired()
    listener.count = 0
    assert not worker.retired()
    now += UNSEEN_S + 0.1
    assert worker.retired()
