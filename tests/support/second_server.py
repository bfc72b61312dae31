"""A second `hotline serve` beside a running hotline: the same Asterisk, Redis and database, its own address.

    async with running_pair(block) as pair:
        desk = await pair.desk_at_second(1)

The first server is the one of `tests.support.hotline`, with its watchdog; Asterisk knows both. A marked-down
server gets no calls, so a test says where callers arrive.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from cti.children import Child
from tests.support.hotline import CONFIG, LIMIT_S, TOLD_ASTERISK, Desk, Hotline, running_hotline
from tests.support.loopback import FIRST, LoopbackBlock
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer, running_server, valkey_binary
from tests.support.until import until

AGI_PORT = 4573


@dataclass(slots=True)
class ServerPair:
    """Two servers of one hotline."""

    first: Hotline
    second: Child
    second_web: str  # address of the second server's pages
    redis: RedisServer

    async def desk_at_second(self, number: int) -> Desk:
        """Agent `number` has the page open at the second server."""
        return await self._desk(number, self.second_web)

    async def desk_at_first(self, number: int) -> Desk:
        """Agent `number` has the page open at the first server."""
        return await self._desk(number, self.first.stack.web)

    async def _desk(self, number: int, web: str) -> Desk:
        if (before := self.first.desks.pop(number, None)) is not None:
            await before.close()
        desk = Desk(web, self.first.account(number))
        await desk.open()
        self.first.desks[number] = desk
        return desk

    async def calls_go_to(self, number: int) -> None:
        """Asterisk sends callers to this server (1 or 2) only; 0: to both."""
        asterisk = self.first.stack.asterisk
        if asterisk is None:
            raise RuntimeError("the hotline has no Asterisk of its own")
        for server in (1, 2):
            down = int(number not in (0, server))
            await asterisk.cli(f"dialplan set global HL_DOWN_{server} {down}")

    async def metric(self, web: str, name: str) -> float:
        """A figure of one server; nan while it does not answer."""
        try:
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"{web}/metrics", timeout=aiohttp.ClientTimeout(total=2)) as answer,
            ):
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return float("nan")
        found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(name + " ")]
        return float(found[0]) if found else float("nan")

    async def leads(self, number: int) -> bool:
        """Whether this server leads the line."""
        web = self.first.stack.web if number == 1 else self.second_web
        return await self.metric(web, 'hotline_line_mode{mode="leader"}') == 1


@asynccontextmanager
async def running_pair(block: LoopbackBlock, **options: Any) -> AsyncIterator[ServerPair]:
    """Two servers on one Asterisk while the block is open; `options` as of `running_hotline`."""
    second = block.address()
    first = f"127.{FIRST + block.number}.0.{int(second.rpartition('.')[2]) + 1}"
    servers = f'servers = ["{first}:{AGI_PORT}", "{second}:{AGI_PORT}"]\n'
    folder = Path(tempfile.mkdtemp(prefix="hl2-"))
    async with AsyncExitStack() as cleanup:
        if not os.environ.get("HOTLINE_TEST_KEEP"):
            cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = cleanup.enter_context(PostgresServer.create())
        redis = cleanup.enter_context(running_server(valkey_binary()))
        database = postgres.create_database()
        hotline = await cleanup.enter_async_context(
            running_hotline(
                block, redis_url=redis.url, database_url=database, top='name = "one"\n' + servers, **options
            )
        )
        settings = hotline.settings
        home = folder / "second"
        home.mkdir(mode=0o700)
        shutil.copy(settings.home / "secrets.json", home / "secrets.json")
        asterisk = settings.asterisk.bind
        file = folder / "second.toml"
        file.write_text(
            'name = "two"\n'
            + servers
            + CONFIG.format(
                home=home, cache=settings.cache, redis_url=redis.url, database_url=database, server=second,
                captions="false", asr_processes=1, model="", policy=settings.calls.policy, flows="",
                numbers="",
                announce_every_s=30.0, city="", trunk=settings.trunks[0].host,
            )
            + TOLD_ASTERISK.format(proxy=asterisk)
            + str(options.get("more", "")),
            encoding="utf-8",
        )  # fmt: skip
        child = Child(
            "serve", ["serve", "--instance", "second", "--config", str(file)],
            log_file=home / "log" / "serve.log",
        )  # fmt: skip
        cleanup.push_async_callback(child.stop, 5.0)
        await child.start()
        web = f"http://{second}:{settings.web.port}"
        pair = ServerPair(hotline, child, web, redis)
        await until(lambda: child.pid is not None, LIMIT_S)
        await _ready(web)
        yield pair


async def _ready(web: str) -> None:
    async with asyncio.timeout(LIMIT_S), aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(f"{web}/readyz", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass  # not listening yet
            await asyncio.sleep(0.1)
