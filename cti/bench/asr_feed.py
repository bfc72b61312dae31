"""Telephones for `hotline bench asr`: every leg sends its 20 ms frames in real time, and notes when."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from asr.audiosocket import Frame, Kind, uuid_frame
from cti.bench.asr_audio import FRAME_S, LegPlan
from cti.bench.errors import BenchError

CONNECT_S = 5.0
PHASES = 4
"""Legs are spread over so many moments of a frame's time."""


@dataclass(slots=True)
class FedLeg:
    """One leg and when each of its frames was sent."""

    plan: LegPlan
    tap_id: str
    connection: socket.socket
    frames: list[bytes | None]
    sent: list[float] = field(default_factory=list)  # epoch seconds; of a frame not sent, when its turn was
    refused: int = 0  # frames that did not fit into the connection any more


async def connect(
    plan: LegPlan, tap_id: str, address: tuple[str, int], frames: Sequence[bytes | None]
) -> FedLeg:
    """Open a leg's connection and name its tap.

    Raises:
        BenchError: nobody listens there.
    """
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            await loop.sock_connect(connection, address)
            await loop.sock_sendall(connection, uuid_frame(tap_id).encode())
    except OSError as error:
        connection.close()
        raise BenchError(f"cannot connect to the recogniser at {address[0]}:{address[1]}: {error}") from error
    coded = [None if frame is None else Frame(Kind.SLIN8, frame).encode() for frame in frames]
    return FedLeg(plan=plan, tap_id=tap_id, connection=connection, frames=coded)


async def feed(legs: Sequence[FedLeg]) -> float:
    """Send all frames of all legs in real time; return how late the latest frame was sent, in seconds."""
    groups = [legs[phase::PHASES] for phase in range(PHASES)]
    count = max(len(leg.frames) for leg in legs)
    begun = time.monotonic()
    latest = 0.0
    for number in range(count):
        for phase, group in enumerate(groups):
            due = begun + (number + phase / PHASES) * FRAME_S
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            else:
                latest = max(latest, -wait)
                await asyncio.sleep(0)
            for leg in group:
                _send(leg, number)
    return latest


def _send(leg: FedLeg, number: int) -> None:
    leg.sent.append(time.time())
    frame = leg.frames[number]
    if frame is None:
        return
    try:
        if leg.connection.send(frame) < len(frame):
            leg.refused += 1
    except BlockingIOError:
        leg.refused += 1
    except OSError as error:
        raise BenchError(f"the recogniser closed a leg's connection: {error}") from error


def hang_up(legs: Sequence[FedLeg]) -> None:
    """Close all connections."""
    for leg in legs:
        leg.connection.close()
