"""The pages of `hotline bench fanout`, in a process of their own: `python -m cti.bench.fanout_clients`.

Takes one JSON object on standard input (where, tokens, how many of them do not read), connects, says so, and
says what was received when the next line comes.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import time
from array import array
from collections.abc import Sequence
from typing import Any

import msgspec
import uvloop

from cti.bench.fanout_wire import FanoutClient, OwnClient
from cti.bench.timings import percentile
from cti.children import die_with_parent

AT_ONCE = 50
"""Connections being made at the same time."""
SMALL_WINDOW = 4096
"""Receive buffer of a page that does not read, so that it is felt at once."""
CONNECT_S = 60.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of this process."""

    host: str  # of the server
    port: int
    tokens: tuple[str, ...]  # one page each; the last one is the person with messages of their own
    slow: int = 0  # so many of the first do not read


async def _connect(order: Order, delays: array[float]) -> tuple[list[FanoutClient], OwnClient]:
    loop = asyncio.get_running_loop()
    room = asyncio.Semaphore(AT_ONCE)
    name = f"{order.host}:{order.port}"

    async def one(number: int, token: str) -> FanoutClient:
        async with room:
            client = FanoutClient(name, token, time.monotonic, delays)
            line = socket.socket()
            line.setblocking(False)
            if number < order.slow:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
            await loop.sock_connect(line, (order.host, order.port))
            await loop.create_connection(lambda: client, sock=line)
            await client.ready
            if number < order.slow and client.transport is not None:
                client.transport.pause_reading()
            return client

    async with asyncio.timeout(CONNECT_S):
        pages = await asyncio.gather(*(one(*each) for each in enumerate(order.tokens[:-1])))
        own = OwnClient(name, order.tokens[-1], time.monotonic)
        await loop.create_connection(lambda: own, order.host, order.port)
        await own.ready
    return list(pages), own


def _milliseconds(delays: Sequence[float]) -> dict[str, float]:
    ordered = sorted(delays)
    if not ordered:
        return {}
    told = {f"p{share}": percentile(ordered, share / 100) for share in (50, 95, 99)}
    told["p99_9"], told["longest"] = percentile(ordered, 0.999), ordered[-1]
    return {name: round(1000 * value, 1) for name, value in told.items()}


async def _run() -> None:
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    order = msgspec.json.decode(await reader.readline(), type=Order)
    delays: array[float] = array("d")
    pages, own = await _connect(order, delays)
    gc.freeze()
    gc.disable()  # the pages are ours, their garbage is not what is measured
    spent = time.process_time()
    _say({"connected": len(pages) + 1})
    await reader.readline()
    reading = pages[order.slow :]
    _say(
        {
            "delay_ms": _milliseconds(delays),
            "own_ms": _milliseconds(own.delays),
            "own": len(own.delays),
            "deliveries": len(delays),
            "fewest_events": min(page.events for page in reading),
            "most_events": max(page.events for page in reading),
            "holes": sum(page.holes for page in reading),
            "skipped": sum(page.skipped for page in reading),
            "broken": sum(page.lost for page in reading),
            "cpu_s": round(time.process_time() - spent, 2),
        }
    )


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    die_with_parent()
    uvloop.run(_run())
