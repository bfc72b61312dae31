"""Captions: in the order spoken, each sentence once, whatever order and however often messages come."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from asr.messages import (
    FieldSuggestion,
    Line,
    Speaker,
    TapEnded,
    TranscriptFinal,
    TranscriptGap,
    TranscriptPartial,
)
from cti.call import Call
from cti.control import captions
from cti.control.captions import Captions
from cti.messages import CallState, Caption, EntryKind
from tests.support.control import World

CALL = "hl1-1800000000.1"
ZERO = 1_800_000_000.0


class NoExtractor:
    def matters(
        self, lines: Sequence[Line], *, caller: str, now: datetime.datetime
    ) -> tuple[tuple[FieldSuggestion, ...], ...]:
        return ((),)


class Stage:
    """Captions of one live call, and what they did."""

    def __init__(self) -> None:
        self.world = World()
        self.shown: list[Caption] = []
        self.captions = Captions(
            cast("Redis", None),
            prefix="",
            calls=self.world.calls,
            extractor=NoExtractor(),
            show=lambda _, caption: self.shown.append(caption),
            suggest=lambda call, found: None,
        )
        self.world.calls.restore(
            Call(
                call_id=CALL,
                node="hl1",
                channel="PJSIP/city-1",
                caller="13800000001",
                called="12345",
                state=CallState.TALKING,
                started=ZERO,
                recording_started=ZERO,
                state_since=ZERO,
                agent_id="li",
            )
        )

    @property
    def journalled(self) -> list[str]:
        entries = self.world.book.entries
        return [str(e.data["line_id"]) for e in entries if e.kind is EntryKind.TRANSCRIPT]

    def texts(self) -> list[str]:
        return [caption.text for caption in self.captions.of_call(CALL)]


def final(
    segment: int, text: str, *, start: float = 0.0, tap: str = "t", call: str = CALL
) -> TranscriptFinal:
    return TranscriptFinal(
        call_id=call,
        speaker=Speaker.CITIZEN,
        segment=segment,
        tap_id=tap,
        text=text,
        verbatim=text,
        start=ZERO + start,
        end=ZERO + start + 1,
        confidence=0.9,
    )


def partial(segment: int, text: str, *, start: float = 0.0, tap: str = "t") -> TranscriptPartial:
    return TranscriptPartial(
        call_id=CALL,
        speaker=Speaker.CITIZEN,
        segment=segment,
        tap_id=tap,
        text=text,
        start=ZERO + start,
        end=ZERO + start + 0.5,
    )


def test_a_finished_sentence_replaces_what_was_being_said() -> None:
    stage = Stage()
    for message in (partial(0, "垃圾"), partial(0, "垃圾三天"), final(0, "垃圾三天没人清理")):
        stage.captions.take(message)
    assert [(caption.text, caption.final) for caption in stage.shown] == [
        ("垃圾", False),
        ("垃圾三天", False),
        ("垃圾三天没人清理", True),
    ]
    assert stage.texts() == ["垃圾三天没人清理"]
    assert stage.journalled == ["t:0"]


def test_what_comes_after_a_sentence_was_finished_changes_nothing() -> None:
    stage = Stage()
    for message in (final(0, "停水了"), partial(0, "停"), final(0, "停水了")):
        stage.captions.take(message)
    assert len(stage.shown) == 1
    assert stage.journalled == ["t:0"]


def test_what_turned_out_to_be_noise_disappears() -> None:
    stage = Stage()
    stage.captions.take(partial(0, "嗯"))
    stage.captions.take(final(0, ""))
    assert stage.texts() == []
    assert stage.shown[-1].text == ""  # pages take it away, too
    assert stage.journalled == []


def test_words_of_calls_that_nobody_knows_and_ends_of_legs_are_passed_over() -> None:
    stage = Stage()
    stage.captions.take(final(0, "谁", call="hl1-1700000000.9"))
    stage.captions.take(
        TapEnded(call_id=CALL, speaker=Speaker.AGENT, tap_id="t", heard_s=3.0, dropped_s=0.0, at=ZERO)
    )
    assert stage.shown == []


def test_times_are_seconds_of_the_recording_and_never_before_it() -> None:
    stage = Stage()
    stage.captions.take(final(0, "您好", start=-0.2))
    stage.captions.take(final(1, "请讲", start=12.3456))
    assert [(caption.start, caption.end) for caption in stage.shown] == [(0.0, 0.8), (12.346, 13.346)]


def test_a_call_of_very_many_sentences_keeps_a_bounded_number() -> None:
    stage = Stage()
    for segment in range(captions.MAX_LINES + 5):
        stage.captions.take(final(segment, "好", start=segment))
    assert len(stage.texts()) == captions.MAX_LINES
    assert len(stage.journalled) == captions.MAX_LINES + 5  # the record has all of them


def test_what_was_said_before_a_restart_is_not_taken_a_second_time() -> None:
    stage = Stage()
    stage.captions.take(final(0, "停水了"))
    after = Stage()
    after.captions.restore(CALL, stage.captions.of_call(CALL))
    after.captions.take(final(0, "停水了"))
    assert after.journalled == []
    assert after.texts() == ["停水了"]


def test_nothing_is_kept_of_a_call_that_is_over() -> None:
    stage = Stage()
    stage.captions.take(final(0, "停水了"))
    stage.captions.forget(CALL)
    assert stage.captions.of_call(CALL) == ()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_order_and_number_of_messages_do_not_change_what_was_said(data: st.DataObject) -> None:
    taps = {"citizen": 4, "agent": 3}
    messages: list[TranscriptFinal | TranscriptPartial] = []
    for tap, count in taps.items():
        for segment in range(count):
            start = segment * 2 + (tap == "agent")
            messages += [
                partial(segment, f"{tap}{segment}…", start=start, tap=tap),
                final(segment, f"{tap}{segment}", start=start, tap=tap),
            ]
    again = data.draw(st.lists(st.sampled_from(messages), max_size=10))
    stage = Stage()
    for message in data.draw(st.permutations(messages + again)):
        stage.captions.take(message)
    assert stage.texts() == [
        "citizen0", "agent0", "citizen1", "agent1", "citizen2", "agent2", "citizen3",
    ]  # fmt: skip
    assert sorted(stage.journalled) == sorted(
        f"{tap}:{n}" for tap, count in taps.items() for n in range(count)
    )


def gap(*, tap: str = "t", start: float = 2.0, end: float = 3.0) -> TranscriptGap:
    return TranscriptGap(
        call_id=CALL,
        speaker=Speaker.CITIZEN,
        tap_id=tap,
        start=ZERO + start,
        end=ZERO + end,
        reason="worker_lost",
    )


def test_a_time_in_which_nobody_listened_is_shown_and_journalled() -> None:
    stage = Stage()
    stage.captions.take(final(0, "小区停水了"))
    stage.captions.take(gap())
    shown = stage.shown[-1]
    assert (shown.gap, shown.text, shown.start, shown.end) == ("worker_lost", "", 2.0, 3.0)
    assert shown.line_id in stage.journalled


def test_what_was_understood_of_a_sentence_that_a_lost_worker_did_not_finish_stays_as_unsure() -> None:
    stage = Stage()
    stage.captions.take(partial(0, "小区停"))
    stage.captions.take(gap())
    torn, missing = stage.captions.of_call(CALL)
    assert (torn.text, torn.final, torn.confidence) == ("小区停", True, 0.0)
    assert missing.gap
