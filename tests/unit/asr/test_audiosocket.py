"""AudioSocket frames: whole, torn, over-long, unknown."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audiosocket import MAX_AUDIO, Frame, FrameParser, Kind, tap_id_of, uuid_frame
from asr.errors import FrameError

TAP = "0b5cd6ac-0f5c-4f7e-9a53-1d8a1f2e7c11"

FRAMES = st.one_of(
    st.just(Frame(Kind.HANGUP)),
    st.builds(Frame, st.just(Kind.UUID), st.binary(min_size=16, max_size=16)),
    st.builds(Frame, st.just(Kind.DTMF), st.binary(min_size=1, max_size=1)),
    st.builds(
        lambda kind, half: Frame(kind, half + half),
        st.sampled_from([Kind.SLIN8, Kind.SLIN16]),
        st.binary(max_size=400),
    ),
    st.builds(Frame, st.just(Kind.ERROR), st.binary(max_size=16)),
)


@given(frames=st.lists(FRAMES, max_size=20), cuts=st.lists(st.integers(1, 700), max_size=40))
def test_frames_come_out_whole_however_the_stream_is_torn(frames: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(frame.encode() for frame in frames)
    parser, seen, offset = FrameParser(), [], 0
    for cut in [*cuts, len(stream)]:
        seen += parser.feed(stream[offset : offset + cut])
        offset += cut
    parser.end()
    assert seen == frames


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_garbage_is_either_frames_or_a_frame_error(blocks: list[bytes]) -> None:
    parser = FrameParser()
    total = 0
    try:
        for block in blocks:
            frames = parser.feed(block)
            total += sum(3 + len(frame.payload) for frame in frames)
            assert all(len(frame.payload) <= MAX_AUDIO for frame in frames)
        parser.end()
    except FrameError:
        return
    assert total == sum(map(len, blocks))


def test_an_over_long_frame_is_refused_before_its_payload_arrives() -> None:
    with pytest.raises(FrameError, match=r"0x10 \(SLIN8\) has length 65534, expected an even number"):
        FrameParser().feed(b"\x10\xff\xfe")


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(FrameError, match=r"SLIN16.*length 321"):
        FrameParser().feed(b"\x12\x01\x41" + bytes(321))


def test_a_uuid_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(FrameError, match=r"UUID\) has length 15, expected 16"):
        FrameParser().feed(b"\x01\x00\x0f" + bytes(15))


def test_an_unknown_type_is_refused_by_number() -> None:
    with pytest.raises(FrameError, match="0x7e"):
        FrameParser().feed(b"\x7e\x00\x02ab")


def test_a_broken_stream_stays_broken() -> None:
    parser = FrameParser()
    with pytest.raises(FrameError):
        parser.feed(b"\x7e\x00\x00")
    with pytest.raises(FrameError, match="0x7e"):
        parser.feed(Frame(Kind.SLIN8, bytes(320)).encode())


def test_a_stream_that_ends_inside_a_frame_is_named() -> None:
    parser = FrameParser()
    assert parser.feed(b"\x10\x01\x40" + bytes(10)) == []
    with pytest.raises(FrameError, match="after 13 bytes"):
        parser.end()


def test_the_first_frame_carries_the_tap_id_as_call_control_writes_it() -> None:
    (frame,) = FrameParser().feed(b"\x01\x00\x10" + uuid.UUID(TAP).bytes)
    assert tap_id_of(frame) == TAP
    assert uuid_frame(TAP) == frame


def test_audio_before_the_tap_id_is_refused() -> None:
    with pytest.raises(FrameError, match="SLIN8, expected UUID"):
        tap_id_of(Frame(Kind.SLIN8, bytes(320)))


def test_a_tap_id_that_is_no_uuid_is_refused() -> None:
    with pytest.raises(FrameError, match="'12345'"):
        uuid_frame("12345")
