"""The AudioSocket server: who may connect, how long they may take, and when each block arrived."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, cast

from asr.audiosocket import RATES, Frame, FrameParser, Kind, tap_id_of
from asr.errors import FrameError
from asr.messages import TapAnnounced

log = logging.getLogger(__name__)

Resolve = Callable[[str], Awaitable[TapAnnounced | None]]
"""Says whose leg a tap id is; None: not announced (yet)."""

UNRESOLVED_S = 5.0
"""Audio that is kept while the tap id is being looked up; a connection that sends more is refused."""

READ_S = 0.08
"""A leg's audio is fetched this often: a wake-up for every frame would cost a fifth of recognition."""


class Sink(Protocol):
    """Takes one leg's audio. Never blocks."""

    def audio(self, pcm: bytes, rate: int, arrived: float) -> None:
        """16-bit samples of `rate` Hz that arrived at `arrived` (epoch seconds)."""

    def ended(self, at: float) -> None:
        """There will be no more; called once."""


OpenSink = Callable[[TapAnnounced], Sink]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a connection may do."""

    taps: int  # legs at once
    strangers: int = 32  # connections at once that have not named an announced tap yet
    first_frame_s: float = 5.0  # time to name it
    resolve_s: float = 1.0  # how long an unknown id is asked for again: the announcement may be on its way


@dataclass(slots=True)
class ListenerCounters:
    """What has come so far."""

    taps: int = 0  # connections that named an announced tap
    refused: int = 0  # turned away: unknown, no room, too slow
    frame_errors: int = 0  # ended because of a broken frame


class ArrivalTime:
    """Epoch seconds from one reading of both clocks: a leg's times do not jump when the wall clock is set."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Return the epoch seconds of this moment."""
        return time.monotonic() + self._offset


class Listener:
    """Listens for AudioSocket connections; one tap each."""

    def __init__(self, resolve: Resolve, open_sink: OpenSink, limits: Limits) -> None:
        self.counters = ListenerCounters()
        self._resolve = resolve
        self._open_sink = open_sink
        self._limits = limits
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._tap_ids: set[str] = set()

    @property
    def taps(self) -> int:
        """Legs connected now."""
        return len(self._tap_ids)

    async def start(self, host: str, port: int) -> int:
        """Listen; return the real port (port 0: the system chooses one).

        Raises:
            OSError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port, family=socket.AF_INET)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def refuse_new(self) -> None:
        """Take no new connections; those that name a tap now still end when Asterisk ends them."""
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        """Take no new connections and end all taps."""
        self.refuse_new()
        for connection in list(self._connections):
            await connection.give_up()
        if self._server is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 1.0)

    # What a connection asks of its listener

    def _joined(self, connection: _Connection) -> bool:
        strangers = sum(not each.named for each in self._connections)
        if strangers >= self._limits.strangers:
            return False
        self._connections.add(connection)
        return True

    def _left(self, connection: _Connection, tap_id: str) -> None:
        self._connections.discard(connection)
        self._tap_ids.discard(tap_id)

    async def _admit(self, tap_id: str) -> Sink:
        """Return the sink of an announced tap.

        Raises:
            _Refused: no room, or nobody announced this tap in time.
        """
        if tap_id in self._tap_ids:
            raise _Refused("this tap is connected already")
        if len(self._tap_ids) >= self._limits.taps:
            raise _Refused("no room for another leg")
        self._tap_ids.add(tap_id)
        try:
            return self._open_sink(await self._announced(tap_id))
        except BaseException:
            self._tap_ids.discard(tap_id)
            raise

    async def _announced(self, tap_id: str) -> TapAnnounced:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.resolve_s
        while (tap := await self._resolve(tap_id)) is None:
            if loop.time() > deadline:
                raise _Refused("nobody announced this tap")
            await asyncio.sleep(0.05)
        return tap


class _Refused(Exception):
    """The connection is turned away; the text says why."""


class _Connection(asyncio.Protocol):
    """One connection: first its tap id within a time limit, then audio until either side ends it."""

    def __init__(self, listener: Listener) -> None:
        self.named = False
        self._listener = listener
        self._limits = listener._limits
        self._parser = FrameParser()
        self._time = ArrivalTime()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._admission: asyncio.Task[None] | None = None
        self._tap_id = ""
        self._sink: Sink | None = None
        self._rate = 0
        self._early: list[tuple[bytes, float]] = []
        self._early_bytes = 0
        self._looked_up = False
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports do not inherit from it
        if not self._listener._joined(self):
            self._refuse("too many connections without a tap")
            return
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:  # a leg on hold is silent for hours; a vanished host must still be noticed
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(
            self._limits.first_frame_s, self._refuse, "no first frame within the time limit"
        )

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        arrived = self._time.now()
        try:
            frames = self._parser.feed(data)
            if not self._tap_id and frames:
                self._tap_id = tap_id_of(frames.pop(0))
                if self._deadline is not None:
                    self._deadline.cancel()
                self._admission = asyncio.get_running_loop().create_task(self._admit())
            self._take(frames, arrived)
            self._rest()
        except FrameError as error:
            self._listener.counters.frame_errors += 1
            log.warning("broken AudioSocket stream", extra={"tap": self._tap_id, "error": str(error)})
            self.end("broken frame")

    def _rest(self) -> None:
        """Let frames gather a moment; the first after a silence is still read, and timed, when it comes."""
        if self._sink is not None and self._transport is not None and not self._over:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(READ_S, self._read_on)

    def _read_on(self) -> None:
        if self._transport is not None and not self._over:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._over:
            try:
                self._parser.end()
            except FrameError as error:
                self._listener.counters.frame_errors += 1
                log.info("torn AudioSocket stream", extra={"tap": self._tap_id, "error": str(error)})
        self.end("closed by Asterisk")

    def end(self, reason: str) -> None:
        """Close the connection and tell the sink, once."""
        if self._over:
            return
        self._over = True
        if self._deadline is not None:
            self._deadline.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._admission is None or self._looked_up:
            self._leave(reason)
        # otherwise the leg was short: what it said is heard once its tap has been looked up

    async def give_up(self) -> None:
        """End at once, even while the tap is being looked up."""
        self.end("the worker stops")
        if self._admission is not None:
            self._admission.cancel()
            await asyncio.gather(self._admission, return_exceptions=True)

    def _leave(self, reason: str) -> None:
        self._early.clear()
        self._listener._left(self, self._tap_id if self.named else "")
        if self._sink is not None:
            self._sink.ended(self._time.now())
            log.info("tap ended", extra={"tap": self._tap_id, "reason": reason})

    def _refuse(self, reason: str) -> None:
        if self._over:
            return
        self._listener.counters.refused += 1
        log.warning("AudioSocket connection refused", extra={"tap": self._tap_id, "reason": reason})
        self._early.clear()
        self.end(reason)

    def _take(self, frames: list[Frame], arrived: float) -> None:
        """Join the audio of these frames and pass it on; obey a hang-up.

        Raises:
            FrameError: a second UUID, or a rate that changes.
        """
        audio = bytearray()
        hangup = False
        for frame in frames:
            if frame.kind in RATES:
                rate = RATES[frame.kind]
                if self._rate not in (0, rate):
                    raise FrameError(f"{frame.kind.name} after audio of {self._rate} Hz; a tap has one rate")
                self._rate = rate
                audio += frame.payload
            elif frame.kind is Kind.UUID:
                raise FrameError("a second UUID; a connection is one tap")
            elif frame.kind is not Kind.DTMF:
                hangup = True
                break
        if audio:
            self._audio(bytes(audio), arrived)
        if hangup:
            self.end("hung up")

    def _audio(self, pcm: bytes, arrived: float) -> None:
        if self._sink is not None:
            self._sink.audio(pcm, self._rate, arrived)
            return
        self._early.append((pcm, arrived))
        self._early_bytes += len(pcm)
        if self._early_bytes > UNRESOLVED_S * 2 * self._rate:
            self._refuse("too much audio before the tap was known")

    async def _admit(self) -> None:
        sink, reason = None, "closed by Asterisk"
        try:
            sink = await self._listener._admit(self._tap_id)
        except asyncio.CancelledError:
            self._leave("the worker stops")
            raise
        except _Refused as error:
            reason = str(error)
        except Exception:
            log.exception("a tap could not be looked up", extra={"tap": self._tap_id})
            reason = "the tap could not be looked up"
        self._looked_up = True
        if sink is None:
            self._refuse(reason)
        else:
            self.named = True
            self._sink = sink
            self._listener.counters.taps += 1
            for pcm, arrived in self._early:
                sink.audio(pcm, self._rate, arrived)
            self._early.clear()
        if self._over:
            self._leave(reason)
