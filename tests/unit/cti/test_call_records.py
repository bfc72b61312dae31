"""What journal entries of a call amount to."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.call_records import CallFilter, CallRecord, check_entry, fold, line_of
from cti.messages import CallState, Entry, EntryKind, Outcome

T0 = 1_800_000_000.0


def entry(number: int, kind: EntryKind, /, **data: object) -> Entry:
    return Entry(entry_id=f"e{number:04d}", call_id="c1", at=T0 + number, kind=kind, data=data)


def state(number: int, name: str, /, **data: object) -> Entry:
    return entry(number, EntryKind.CALL_STATE, state=name, **data)


WHOLE_CALL = [
    state(0, "incoming", caller="13800138000", called="12345"),
    state(1, "in_flow"),
    state(4, "waiting", queue="general"),
    state(5, "ringing", agent_id="li"),
    entry(15, EntryKind.CALL_LEG, agent_id="li", result="missed", ring_s=10.0),
    state(15, "waiting"),
    state(16, "ringing", agent_id="zhang"),
    entry(18, EntryKind.CALL_LEG, agent_id="zhang", result="answered", ring_s=2.0),
    state(18, "talking", agent_id="zhang", recording_started=T0 + 18),
    state(90, "wrap_up", agent_id="zhang"),
    entry(91, EntryKind.RATING, score=5),
    entry(92, EntryKind.RECORDING, file="2027/c1.wav", seconds=72.0, bytes=1000),
    state(95, "ended", outcome="answered"),
]


def test_a_whole_call_becomes_one_row() -> None:
    assert fold("c1", WHOLE_CALL) == CallRecord(
        call_id="c1",
        caller="13800138000",
        called="12345",
        state=CallState.ENDED,
        queue="general",
        agent_id="zhang",
        started=T0,
        queued=T0 + 4,
        answered=T0 + 18,
        ended=T0 + 95,
        waited_s=14.0,
        rings=2,
        outcome=Outcome.ANSWERED,
        satisfaction=5,
        recording_file="2027/c1.wav",
        recording_s=72.0,
        recording_bytes=1000,
        recording_started=T0 + 18,
    )


def test_an_agent_whose_phone_only_rang_is_not_the_calls_agent() -> None:
    record = fold("c1", WHOLE_CALL[:4])
    assert record is not None
    assert (record.agent_id, record.state) == (None, CallState.RINGING)


def test_times_that_an_entry_tells_go_before_the_entrys_own() -> None:
    record = fold("c1", [state(5, "talking", started=T0 - 3, queued=T0 - 2, answered=T0 + 4, waited_s=6.0)])
    assert record is not None
    assert (record.started, record.queued, record.answered, record.waited_s) == (T0 - 3, T0 - 2, T0 + 4, 6.0)


def test_a_call_of_which_only_a_ring_is_known_has_no_row() -> None:
    assert fold("c1", [entry(1, EntryKind.CALL_LEG, agent_id="li", result="missed")]) is None


@given(
    st.integers(min_value=1, max_value=len(WHOLE_CALL)), st.integers(min_value=0, max_value=len(WHOLE_CALL))
)
def test_every_part_of_a_calls_story_folds_into_a_row_that_can_be_stored(length: int, start: int) -> None:
    record = fold("c1", WHOLE_CALL[start : start + length])
    if record is not None:
        assert msgspec.convert(msgspec.to_builtins(record), CallRecord) == record


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (EntryKind.CALL_STATE, {}),
        (EntryKind.CALL_STATE, {"state": "flying"}),
        (EntryKind.CALL_STATE, {"state": "ended", "caller": "1" * 41}),
        (EntryKind.CALL_LEG, {"result": "missed"}),
        (EntryKind.RATING, {"score": 6}),
        (EntryKind.RECORDING, {"file": "", "seconds": 1.0}),
        (EntryKind.TRANSCRIPT, {"line_id": "1", "speaker": "robot", "text": "", "start": 0.0, "end": 0.0}),
    ],
)
def test_an_entry_that_is_not_as_its_kind_says_is_refused(kind: EntryKind, data: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        check_entry(entry(1, kind, **data))


def test_an_entry_with_a_nul_is_refused_because_postgresql_would() -> None:
    with pytest.raises(ValueError, match="NUL"):
        check_entry(state(1, "incoming", more={"deep": ["a\0b"]}))


def test_an_entry_about_a_call_needs_the_calls_id() -> None:
    with pytest.raises(ValueError, match="needs a call_id"):
        check_entry(msgspec.structs.replace(state(1, "incoming"), call_id=""))


def test_keys_that_are_not_known_yet_are_accepted() -> None:
    check_entry(state(1, "incoming", node="asterisk-2", talk_ended=None))


def test_a_transcript_entry_becomes_a_line_with_its_words() -> None:
    line = line_of(
        entry(
            3,
            EntryKind.TRANSCRIPT,
            line_id="citizen-1",
            speaker="citizen",
            text="路灯坏了。",
            verbatim="路灯 坏 了",
            start=1.5,
            end=3.25,
            confidence=0.9,
            words=[{"text": "路灯", "start": 1.5, "end": 2.0}],
        )
    )
    assert (line.text, line.start_s, line.end_s) == ("路灯坏了。", 1.5, 3.25)
    assert line.words == [{"text": "路灯", "start": 1.5, "end": 2.0}]


@pytest.mark.parametrize(
    "wrong", [{"page": 0}, {"page": 10_001}, {"size": 101}, {"text": "x" * 101}, {"caller": "\0"}]
)
def test_a_filter_out_of_bounds_is_refused_naming_its_key(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        msgspec.convert(wrong, CallFilter).check()
