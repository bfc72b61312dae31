"""AudioSocket, the protocol by which Asterisk hands over a leg's audio. Sans I/O: bytes in, frames out.

A frame is a type (1 byte), a length (2 bytes, big-endian) and the payload. Source: Asterisk's
`res_audiosocket` and the protocol page of its documentation.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from enum import IntEnum

from asr.errors import FrameError


class Kind(IntEnum):
    """Frame types that a telephone leg can send."""

    HANGUP = 0x00
    UUID = 0x01
    DTMF = 0x03
    SLIN8 = 0x10
    SLIN16 = 0x12
    ERROR = 0xFF


MAX_AUDIO = 16_384
"""Bytes of audio in one frame: half a second at 16 kHz. Asterisk sends 320 or 640."""

_LENGTHS: dict[Kind, tuple[int, int]] = {
    Kind.HANGUP: (0, 0),
    Kind.UUID: (16, 16),
    Kind.DTMF: (1, 1),
    Kind.SLIN8: (0, MAX_AUDIO),
    Kind.SLIN16: (0, MAX_AUDIO),
    Kind.ERROR: (0, 16),
}

RATES = {Kind.SLIN8: 8000, Kind.SLIN16: 16000}
"""Sample rate in Hz of the frames that carry audio (16-bit signed little-endian, mono)."""

_HEAD = struct.Struct("!BH")


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame."""

    kind: Kind
    payload: bytes = b""

    def encode(self) -> bytes:
        """Return the frame as it goes over the wire."""
        return _HEAD.pack(self.kind, len(self.payload)) + self.payload


def uuid_frame(tap_id: str) -> Frame:
    """Return the first frame of a connection.

    Raises:
        FrameError: `tap_id` is not a UUID.
    """
    try:
        return Frame(Kind.UUID, uuid.UUID(tap_id).bytes)
    except ValueError as error:
        raise FrameError(f"tap id {tap_id!r} is not a UUID") from error


class FrameParser:
    """Cuts a byte stream into frames, holding at most one unfinished frame."""

    def __init__(self) -> None:
        self._kept = b""
        self._broken: FrameError | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole with `data`, in order; the rest is kept for the next call.

        Raises:
            FrameError: an unknown type, or a length that the type cannot have; later calls raise it, too.
                Frames before the broken one, fed in the same call, are lost.
        """
        if self._broken is not None:
            raise self._broken
        data = self._kept + data if self._kept else data
        frames: list[Frame] = []
        offset = 0
        while len(data) - offset >= _HEAD.size:
            number, length = _HEAD.unpack_from(data, offset)
            kind = self._checked(number, length)
            end = offset + _HEAD.size + length
            if end > len(data):
                break
            frames.append(Frame(kind, data[offset + _HEAD.size : end]))
            offset = end
        self._kept = data[offset:]
        return frames

    def end(self) -> None:
        """The stream is over.

        Raises:
            FrameError: in the middle of a frame.
        """
        if self._kept and self._broken is None:
            raise FrameError(f"the stream ended inside a frame, after {len(self._kept)} bytes of it")

    def _checked(self, number: int, length: int) -> Kind:
        try:
            kind = Kind(number)
        except ValueError:
            self._broken = FrameError(f"frame type 0x{number:02x} (length {length}) is not one that is taken")
            raise self._broken from None
        low, high = _LENGTHS[kind]
        if not low <= length <= high or (kind in RATES and length % 2):
            expected = f"{low}" if low == high else f"an even number from {low} to {high}"
            self._broken = FrameError(
                f"frame type 0x{number:02x} ({kind.name}) has length {length}, expected {expected}"
            )
            raise self._broken
        return kind


def tap_id_of(frame: Frame) -> str:
    """Return the tap id that a first frame carries, as call control writes it.

    Raises:
        FrameError: it is not a UUID frame.
    """
    if frame.kind is not Kind.UUID:
        raise FrameError(f"the first frame is {frame.kind.name}, expected UUID")
    return str(uuid.UUID(bytes=frame.payload))
