"""Recognition threads: order, backlog, quiet legs, failures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from asr.crew import Crew
from asr.messages import (
    Speaker,
    TapAnnounced,
    TapEnded,
    TranscriptFinal,
    TranscriptGap,
    TranscriptMessage,
    TranscriptPartial,
)
from asr.recogniser import Recognisers
from tests.support.scripted_speech import RATE, SECOND, ScriptedRecogniser, ScriptedRecognisers, buzz

START = 1_700_000_000.0
SPEECH = buzz(1.0)
QUIET = bytes(SECOND)


def tap(number: int = 0) -> TapAnnounced:
    return TapAnnounced(
        tap_id=f"tap-{number}", call_id="call", speaker=Speaker.CITIZEN, recording_started=START
    )


class Told:
    """Collects what the threads publish."""

    def __init__(self) -> None:
        self.messages: list[TranscriptMessage] = []
        self.changed = threading.Condition()

    def __call__(self, messages: list[TranscriptMessage]) -> None:
        with self.changed:
            self.messages += messages
            self.changed.notify_all()

    def finals(self, tap_id: str = "tap-0") -> list[TranscriptFinal]:
        return [m for m in self.messages if isinstance(m, TranscriptFinal) and m.tap_id == tap_id]

    def ends(self) -> list[TapEnded]:
        return [message for message in self.messages if isinstance(message, TapEnded)]


class Closed(ScriptedRecognisers):
    """An engine that is stuck, once it gave out so many recognisers, until `open` is set."""

    def __init__(self, after: int = 0) -> None:
        super().__init__()
        self.after = after
        self.open = threading.Event()
        self.reached = threading.Event()

    def take(self, rate: int) -> ScriptedRecogniser:
        if self.taken >= self.after:
            self.reached.set()
            self.open.wait(30)
        return super().take(rate)


@contextmanager
def crew(engine: Recognisers, told: Told, *, threads: int = 2, max_backlog_s: float = 15.0) -> Iterator[Crew]:
    made = Crew(engine, told, threads=threads, max_backlog_s=max_backlog_s)
    yield made
    assert made.close(30)


def test_a_leg_is_told_in_order_and_its_end_comes_last() -> None:
    told = Told()
    with crew(ScriptedRecognisers(), told) as threads:
        leg = threads.open(tap())
        for second in range(10):
            leg.audio(SPEECH if second % 2 else QUIET, RATE, START + second + 1)
        leg.ended(START + 10)
    assert [final.segment for final in told.finals()] == [0, 1, 2, 3, 4]
    assert isinstance(told.messages[-1], TapEnded)
    assert (told.ends()[0].heard_s, told.ends()[0].dropped_s, told.ends()[0].at) == (10.0, 0.0, START + 10)


def test_many_legs_share_few_threads() -> None:
    told = Told()
    with crew(ScriptedRecognisers(), told) as threads:
        legs = [threads.open(tap(number)) for number in range(20)]
        for second in range(4):
            for leg in legs:
                leg.audio(SPEECH, RATE, START + second + 1)
        for leg in legs:
            leg.ended(START + 4)
    assert [len(told.finals(f"tap-{number}")) for number in range(20)] == [1] * 20
    assert len(told.ends()) == 20


def test_a_leg_that_falls_behind_skips_to_its_newest_audio_and_says_what_is_missing() -> None:
    told, engine = Told(), Closed()
    with crew(engine, told, threads=1, max_backlog_s=5.0) as threads:
        stuck = threads.open(tap(1))
        stuck.audio(SPEECH, RATE, START)
        assert engine.reached.wait(10)
        leg = threads.open(tap())
        for second in range(60):
            leg.audio(SPEECH, RATE, START + second + 1)
        engine.open.set()
        leg.ended(START + 60)
        stuck.ended(START + 60)
    (end,) = [end for end in told.ends() if end.tap_id == "tap-0"]
    heard = sum(len(final.verbatim) for final in told.finals())
    assert 1 <= heard <= 5
    assert (end.heard_s, end.dropped_s) == (60.0, 60.0 - heard)
    (gap,) = [m for m in told.messages if isinstance(m, TranscriptGap)]
    assert (gap.tap_id, gap.reason, gap.start, gap.end) == ("tap-0", "behind", START, START + 60.0 - heard)
    assert gap.end - 0.1 < told.finals()[0].start < gap.end + 0.5


def test_the_sentence_before_a_skip_is_finished_before_the_gap_is_told() -> None:
    told, engine = Told(), Closed(after=1)
    with crew(engine, told, threads=1, max_backlog_s=5.0) as threads:
        leg = threads.open(tap())
        leg.audio(SPEECH * 2, RATE, START + 2)
        with told.changed:
            assert told.changed.wait_for(lambda: told.messages, 10)
        other = threads.open(tap(1))
        other.audio(SPEECH, RATE, START + 2)
        assert engine.reached.wait(10)
        for second in range(2, 10):
            leg.audio(SPEECH, RATE, START + second + 1)
        engine.open.set()
        leg.ended(START + 10)
        other.ended(START + 10)
    mine = [
        type(m).__name__
        for m in told.messages
        if m.tap_id == "tap-0" and not isinstance(m, TranscriptPartial)
    ]
    assert mine == ["TranscriptFinal", "TranscriptGap", "TranscriptFinal", "TapEnded"]
    assert told.finals()[0].verbatim == "话话"


def test_what_waits_for_a_stuck_engine_never_grows_beyond_the_limit() -> None:
    told, engine = Told(), Closed()
    with crew(engine, told, threads=1, max_backlog_s=2.0) as threads:
        leg = threads.open(tap())
        for block in range(36_000):  # an hour
            leg.audio(QUIET[: SECOND // 10], RATE, START + block / 10)
        assert leg.waiting_s <= 2.0
        engine.open.set()
        leg.ended(START + 3600)
    assert told.ends()[0].heard_s == pytest.approx(3600)


def test_a_leg_that_falls_behind_gets_no_partial_results_until_it_has_caught_up() -> None:
    told, engine = Told(), Closed()
    with crew(engine, told, threads=1) as threads:
        leg = threads.open(tap())
        leg.audio(SPEECH[: SECOND // 5], RATE, START)
        assert engine.reached.wait(10)
        for second in range(8):
            leg.audio(SPEECH, RATE, START + second + 1)
        engine.open.set()
        leg.ended(START + 9)
    shown = [message for message in told.messages if isinstance(message, TranscriptPartial)]
    assert min(len(each.text) for each in shown) >= 7


def test_a_leg_that_goes_quiet_without_sending_silence_still_gets_its_last_sentence() -> None:
    told = Told()
    with crew(ScriptedRecognisers(), told) as threads:
        leg = threads.open(tap())
        leg.audio(SPEECH * 2, RATE, START + 2)
        threads.look(START + 2.5)
        threads.look(START + 4)
        with told.changed:
            assert told.changed.wait_for(told.finals, 10)
        leg.ended(START + 5)
    assert [final.verbatim for final in told.finals()] == ["话话"]


def test_a_failing_engine_costs_the_sentence_but_not_the_leg() -> None:
    told, engine = Told(), ScriptedRecognisers(fail=True)
    with crew(engine, told) as threads:
        leg = threads.open(tap())
        leg.audio(SPEECH, RATE, START + 1)
        leg.ended(START + 2)
    assert told.finals() == []
    assert len(told.ends()) == 1
    assert threads.counters().errors == 1


def test_a_leg_that_never_sends_audio_ends_all_the_same() -> None:
    told = Told()
    with crew(ScriptedRecognisers(), told) as threads:
        threads.open(tap()).ended(START)
    assert told.ends()[0].heard_s == 0


def test_counters_tell_what_was_heard_spoken_and_skipped() -> None:
    told = Told()
    with crew(ScriptedRecognisers(), told) as threads:
        leg = threads.open(tap())
        for second in range(4):
            leg.audio(SPEECH if second == 1 else QUIET, RATE, START + second + 1)
        leg.ended(START + 4)
    counted = threads.counters()
    assert counted.heard_s == 4.0
    assert 1.0 < counted.speech_s < 2.5
    assert counted.dropped_s == 0
    assert counted.decode_s > 0
