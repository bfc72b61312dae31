"""Systems of 110 and others that take what the hotline hands over: they answer as told, and keep it all."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import web

from cti.control.handover_post import Handover

DIRECTORY = """
outside: ["1[3-9]\\\\d{{9}}", "[2-8]\\\\d{{6,7}}"]
entries:
  - {{name: police, title: 公安报警, kind: service, number: "110", one_key: true, conference: true,
     handover: "{url}"}}
  - {{name: water, title: 供水抢修, kind: service, number: "96116", one_key: true}}
  - {{name: city_management, title: 市城市管理局, kind: unit, number: "88880101"}}
"""


class Services:
    """What was handed over, as it came."""

    def __init__(self) -> None:
        self.url = ""
        self.refuse = 0  # so many deliveries are answered with 503 first
        self.tries = 0
        self.taken: list[Handover] = []
        self.signatures: list[tuple[str, bytes]] = []  # header and body

    def signed_with(self, secret: str) -> bool:
        """Whether every body was signed with this secret."""
        return bool(self.signatures) and all(
            header == f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
            for header, body in self.signatures
        )

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.tries += 1
        self.signatures.append((request.headers["X-Hotline-Signature"], body))
        if self.tries <= self.refuse:
            return web.Response(status=503)
        handover = msgspec.json.decode(body, type=Handover)
        assert request.headers["X-Hotline-Delivery"] == handover.handover_id
        self.taken.append(handover)
        return web.Response(status=204)


@asynccontextmanager
async def running_services(address: str, folder: Path) -> AsyncIterator[tuple[Services, Path]]:
    """Run them while the block is open; also gives the directory file in which they are."""
    services = Services()
    app = web.Application()
    app.router.add_post("/handover", services._take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, address, 0)
    await site.start()
    port = runner.addresses[0][1]
    services.url = f"http://{address}:{port}/handover"
    directory = folder / "directory.yaml"
    directory.write_text(DIRECTORY.format(url=services.url), encoding="utf-8")
    try:
        yield services, directory
    finally:
        await runner.cleanup()
