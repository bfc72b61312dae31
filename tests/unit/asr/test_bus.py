"""Which worker gets a tap, and what a message looks like on the wire."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.bus import decode_message, encode_message, pick_worker
from asr.messages import (
    Speaker,
    TapEnded,
    TranscriptFinal,
    TranscriptMessage,
    TranscriptPartial,
    Word,
    WorkerState,
)


def worker(name: str, taps: int, *, capacity: int = 10, captions: bool = True) -> WorkerState:
    return WorkerState(
        worker_id=name, host="127.0.0.1", port=9, taps=taps, capacity=capacity, captions=captions
    )


def test_the_worker_with_most_room_gets_the_tap() -> None:
    picked = pick_worker([worker("a", 7), worker("b", 2), worker("c", 5)])
    assert picked == worker("b", 2)


def test_taps_given_since_the_last_heartbeat_count() -> None:
    picked = pick_worker([worker("a", 4), worker("b", 2)], {"b": 3})
    assert picked == worker("a", 4)


def test_a_worker_without_a_model_gets_none() -> None:
    assert pick_worker([worker("a", 0, captions=False)]) is None


def test_a_full_worker_gets_none() -> None:
    assert pick_worker([worker("a", 10), worker("b", 9)], {"b": 1}) is None


def test_where_nobody_is_there_is_nobody_to_pick() -> None:
    assert pick_worker([]) is None


TEXT = st.text(max_size=40)
TIME = st.floats(0, 2e9)
SPEAKER = st.sampled_from(Speaker)
SHARED = {"call_id": TEXT, "speaker": SPEAKER, "tap_id": TEXT}
WORDS = st.lists(st.builds(Word, text=TEXT, start=TIME, end=TIME, confidence=st.floats(0, 1)), max_size=4)
MESSAGES: st.SearchStrategy[TranscriptMessage] = st.one_of(
    st.builds(TranscriptPartial, **SHARED, segment=st.integers(0, 10**6), text=TEXT, start=TIME, end=TIME),
    st.builds(
        TranscriptFinal,
        **SHARED,
        segment=st.integers(0, 10**6),
        text=TEXT,
        verbatim=TEXT,
        start=TIME,
        end=TIME,
        confidence=st.floats(0, 1),
        words=WORDS.map(tuple),
    ),
    st.builds(TapEnded, **SHARED, heard_s=TIME, dropped_s=TIME, at=TIME),
)


@given(MESSAGES)
def test_a_message_survives_the_wire(message: TranscriptMessage) -> None:
    assert decode_message(encode_message(message)) == message


def test_a_message_names_its_type() -> None:
    ended = TapEnded(call_id="c", speaker=Speaker.CITIZEN, tap_id="t", heard_s=1.0, dropped_s=0.0, at=2.0)
    assert json.loads(encode_message(ended)) == {
        "type": "ended",
        "call_id": "c",
        "speaker": "citizen",
        "tap_id": "t",
        "heard_s": 1.0,
        "dropped_s": 0.0,
        "at": 2.0,
    }


@pytest.mark.parametrize(
    "data", ["[]", "{}", '{"type": "other"}', '{"type": "ended"}', '{"type": ["final"]}', "x"]
)
def test_what_is_no_message_is_refused(data: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_message(data)
