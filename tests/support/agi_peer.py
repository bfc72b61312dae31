"""Asterisk's side of FastAGI: a client that sends a request header and then plays a script."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

HEADER: Mapping[str, str] = {
    "network": "yes",
    "network_script": "entry?flow=main",
    "request": "agi://127.0.0.1/entry?flow=main",
    "channel": "PJSIP/trunk-00000001",
    "language": "zh",
    "type": "PJSIP",
    "uniqueid": "1700000000.1",
    "callerid": "01012345678",
    "calleridname": "unknown",
    "dnid": "12345",
    "context": "trunk",
    "extension": "12345",
    "priority": "3",
}


def header(**changes: str) -> bytes:
    """Encode a request header with some values changed."""
    return "".join(f"agi_{name}: {value}\n" for name, value in {**HEADER, **changes}.items()).encode() + b"\n"


class AgiPeer:
    """One connection to the server under test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, address: tuple[str, int], greeting: bytes | None = None) -> AgiPeer:
        """Connect and send the header (or other bytes)."""
        peer = cls(*await asyncio.open_connection(*address))
        peer.send(header() if greeting is None else greeting)
        return peer

    def send(self, data: bytes | str) -> None:
        """Send bytes, or text with its line break added."""
        self.writer.write(data if isinstance(data, bytes) else data.encode() + b"\n")

    async def command(self) -> str:
        """Next command, without its line break; empty when the server closed."""
        return (await self.reader.readline()).decode().removesuffix("\n")

    async def answer(self, reply: str) -> str:
        """Await a command and answer it."""
        command = await self.command()
        self.send(reply)
        return command

    async def closed(self) -> bool:
        """Wait until the server closes; False if it says something first."""
        try:
            return await self.reader.read(1) == b""
        except OSError:
            return True

    def close(self) -> None:
        """Close, as Asterisk does when the channel is gone."""
        self.writer.close()
