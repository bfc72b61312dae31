"""What recognition keeps in the live state (Redis or Valkey), for both sides.

- `{prefix}asr:tap:<tap_id>`: TapAnnounced as JSON for 120 s, written by call control, taken by the worker
  that the tap connects to.
- `{prefix}asr:worker:<worker_id>`: WorkerState as JSON, gone 5 s after the worker's last heartbeat.
- `{prefix}asr:counters:<worker_id>`: WorkerCounters as JSON, gone with it.
- `{prefix}asr:transcripts`: the workers' stream; the one field `m` of an entry is a TranscriptMessage as JSON
  with its `type`.

A stream rather than publish/subscribe: a CTI server that was restarted reads on from its last id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from asr.messages import (
    TapAnnounced,
    TapEnded,
    TranscriptFinal,
    TranscriptGap,
    TranscriptMessage,
    TranscriptPartial,
    WorkerState,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

TAP_TTL_S = 120
WORKER_TTL_S = 5
STREAM_LENGTH = 100_000
"""Entries kept in the stream, about: at 300 calls, a quarter of an hour."""

Client = Redis
"""redis.asyncio client; answers may be bytes or str (`decode_responses`), both are read."""

_Kind = type[TranscriptPartial] | type[TranscriptFinal] | type[TranscriptGap] | type[TapEnded]
_TYPES: dict[str, _Kind] = {
    "partial": TranscriptPartial,
    "final": TranscriptFinal,
    "gap": TranscriptGap,
    "ended": TapEnded,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCounters:
    """What one worker process has done since it began; only ever grows, as Prometheus likes it."""

    worker_id: str  # host:pid, as in WorkerState
    taps: int = 0  # connections that named an announced tap
    refused: int = 0  # connections turned away: unknown tap, no room, no first frame in time
    frame_errors: int = 0  # connections ended because of a broken frame
    heard_s: float = 0.0  # seconds of audio received
    speech_s: float = 0.0  # of these, seconds that went to the recogniser
    dropped_s: float = 0.0  # of these, seconds skipped to catch up
    decode_s: float = 0.0  # seconds that recognition threads were busy
    partials: int = 0  # partial results published
    finals: int = 0  # finished sentences published
    unpublished: int = 0  # messages given up while the live state was away
    errors: int = 0  # recognisers that failed, by segment


def encode_message(message: TranscriptMessage) -> bytes:
    """Return one transcript message as JSON, with `type` partial, final, gap or ended."""
    fields = msgspec.to_builtins(message)
    return msgspec.json.encode({"type": _NAMES[type(message)], **fields})


def decode_message(data: bytes | str) -> TranscriptMessage:
    """Return the message that `encode_message` wrote.

    Raises:
        msgspec.ValidationError: the type or a field is not what the protocol says.
        msgspec.DecodeError: not JSON.
    """
    fields = msgspec.json.decode(data)
    if not isinstance(fields, dict):
        raise msgspec.ValidationError("a transcript message is a JSON object")
    kind = _TYPES.get(str(fields.pop("type", "")))
    if kind is None:
        raise msgspec.ValidationError("a transcript message has type partial, final, gap or ended")
    message: TranscriptMessage = msgspec.convert(fields, kind)
    return message


# ---------------------------------------------------------------- call control's side


async def announce_tap(redis: Client, tap: TapAnnounced, *, prefix: str = "hotline:") -> None:
    """Let the worker know whose leg `tap.tap_id` is. Call this before Asterisk is told to connect.

    Raises:
        redis.exceptions.RedisError: the live state is away; then there is no tap to make.
    """
    await redis.set(f"{prefix}asr:tap:{tap.tap_id}", msgspec.json.encode(tap), ex=TAP_TTL_S)


async def workers(redis: Client, *, prefix: str = "hotline:") -> list[WorkerState]:
    """Return the workers whose heartbeat has not expired, by id.

    Raises:
        redis.exceptions.RedisError: the live state is away.
    """
    return await _read_all(redis, f"{prefix}asr:worker:", WorkerState)


async def counters(redis: Client, *, prefix: str = "hotline:") -> list[WorkerCounters]:
    """Return what each living worker has done so far, by id.

    Raises:
        redis.exceptions.RedisError: the live state is away.
    """
    return await _read_all(redis, f"{prefix}asr:counters:", WorkerCounters)


def pick_worker(
    states: Iterable[WorkerState], pending: Mapping[str, int] | None = None
) -> WorkerState | None:
    """Return the worker with the most room for another leg, or None when none has captions and room.

    `pending` counts, by worker id, the taps given to it that its last heartbeat cannot know of yet.
    """
    given = pending or {}

    def room(state: WorkerState) -> int:
        return state.capacity - state.taps - given.get(state.worker_id, 0)

    able = [state for state in states if state.captions and room(state) > 0]
    return min(able, key=lambda state: (-room(state), state.worker_id), default=None)


async def last_transcript_id(redis: Client, *, prefix: str = "hotline:") -> str:
    """Return the id of the newest transcript, to read on from ("0-0" when there is none).

    Raises:
        redis.exceptions.RedisError: the live state is away.
    """
    newest: Any = await redis.xrevrange(f"{prefix}asr:transcripts", count=1)
    return _text(newest[0][0]) if newest else "0-0"


async def read_transcripts(
    redis: Client, last_id: str = "0-0", *, prefix: str = "hotline:", block_s: float = 2.0
) -> AsyncIterator[tuple[str, TranscriptMessage]]:
    """Yield every transcript after `last_id` with its id, for ever; waits where there is none yet.

    When the live state goes away this waits and reads on from the same id. An entry that is not a transcript
    message is logged and passed over. The client needs a socket time limit above `block_s`, or none.
    """
    key = f"{prefix}asr:transcripts"
    delay = 0.1
    while True:
        try:
            answer: Any = await redis.xread({key: last_id}, count=500, block=round(block_s * 1000))
        except (RedisError, OSError) as error:
            log.warning("transcripts cannot be read, trying again", extra={"error": type(error).__name__})
            await asyncio.sleep(delay)
            delay = min(delay * 2, 2.0)
            continue
        delay = 0.1
        if not answer:
            continue
        streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
        for entry_id, fields in _entries(streams):
            last_id = entry_id
            try:
                message = decode_message(fields.get(b"m", fields.get("m", b"")))
            except msgspec.MsgspecError as error:
                log.warning("not a transcript", extra={"entry": entry_id, "error": type(error).__name__})
                continue
            yield entry_id, message


# ---------------------------------------------------------------- the worker's side


async def take_tap(redis: Client, tap_id: str, *, prefix: str = "hotline:") -> TapAnnounced | None:
    """Return what was announced under this id and forget it, so that no second connection can claim it.

    Raises:
        redis.exceptions.RedisError: the live state is away.
    """
    found: Any = await redis.getdel(f"{prefix}asr:tap:{tap_id}")
    return None if found is None else msgspec.json.decode(found, type=TapAnnounced)


async def register(
    redis: Client, state: WorkerState, counted: WorkerCounters, *, prefix: str = "hotline:"
) -> None:
    """Write one heartbeat.

    Raises:
        redis.exceptions.RedisError: the live state is away.
    """
    async with redis.pipeline(transaction=False) as pipe:
        pipe.set(f"{prefix}asr:worker:{state.worker_id}", msgspec.json.encode(state), ex=WORKER_TTL_S)
        pipe.set(f"{prefix}asr:counters:{state.worker_id}", msgspec.json.encode(counted), ex=WORKER_TTL_S)
        await pipe.execute()


async def unregister(redis: Client, worker_id: str, *, prefix: str = "hotline:") -> None:
    """Take a worker out of the list, so that no new tap is sent to it.

    Raises:
        redis.exceptions.RedisError: the live state is away.
    """
    await redis.delete(f"{prefix}asr:worker:{worker_id}")


async def publish(redis: Client, messages: Iterable[TranscriptMessage], *, prefix: str = "hotline:") -> None:
    """Append transcripts to the stream in their order, in one round trip.

    Raises:
        redis.exceptions.RedisError: the live state is away; some of them may have been written.
    """
    key = f"{prefix}asr:transcripts"
    async with redis.pipeline(transaction=False) as pipe:
        for message in messages:
            pipe.xadd(key, {"m": encode_message(message)}, maxlen=STREAM_LENGTH, approximate=True)
        await pipe.execute()


# ---------------------------------------------------------------- reading what Redis answers


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _entries(streams: Iterable[Any]) -> Iterable[tuple[str, Mapping[Any, Any]]]:
    """Flatten XREAD's answer, whose nesting differs between RESP 2 and RESP 3."""
    for entries in streams:
        for item in entries:
            if len(item) == 2 and isinstance(item[0], bytes | str):
                yield _text(item[0]), item[1]
            else:
                yield from _entries([item])


async def _read_all(redis: Client, start: str, kind: type[T]) -> list[T]:
    keys = sorted([key async for key in redis.scan_iter(match=f"{_escaped(start)}*", count=1000)])
    if not keys:
        return []
    values: list[bytes | str | None] = await redis.mget(keys)
    return [msgspec.json.decode(value, type=kind) for value in values if value is not None]


def _escaped(pattern: str) -> str:
    return "".join("\\" + sign if sign in "*?[]\\^" else sign for sign in pattern)
