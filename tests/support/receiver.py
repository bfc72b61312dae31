"""Another system that takes webhooks: notes what comes, answers what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

__all__ = ["Posted", "Receiver", "receiver"]


@dataclass(frozen=True, slots=True)
class Posted:
    """One delivery as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        return msgspec.json.decode(self.body, type=dict[str, Any])


@dataclass(slots=True)
class Receiver:
    """Answers with `status`; while `hold` is clear, with nothing."""

    url: str = ""
    status: int = 200
    posted: list[Posted] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        return [one.told["id"] for one in self.posted]

    @property
    def refs(self) -> list[str]:
        return [one.told["ref"] for one in self.posted]

    async def take(self, request: web.Request) -> web.Response:
        self.posted.append(Posted(dict(request.headers), await request.read()))
        await self.hold.wait()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def receiver(address: str) -> AsyncIterator[Receiver]:
    """Run one at this address."""
    running = Receiver()
    running.hold.set()
    app = web.Application()
    app.router.add_post("/{path:.*}", running.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, address, 0).start()
    running.url = f"http://{address}:{runner.addresses[0][1]}/hook"
    try:
        yield running
    finally:
        running.hold.set()
        await runner.cleanup()
