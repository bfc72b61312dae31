"""Many agents' pages at once: each a signed-in person with a WebSocket of their own, ready for calls."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping

import aiohttp
import msgspec

from cti.bench.errors import BenchError
from cti.messages import AgentView, Ready, Reply, ServerMessage, Snapshot

log = logging.getLogger(__name__)

READY_S = 30.0
AGAIN_S = 0.5
_decode = msgspec.json.Decoder(ServerMessage).decode
_encode = msgspec.json.Encoder().encode


class Desks:
    """Opens one page for each login, keeps every agent ready, and counts what the pages were told."""

    def __init__(self, base: str, tokens: Mapping[str, str]) -> None:
        """`base` is the server's address, `tokens` are the sessions' tokens by login."""
        self._base = base
        self._tokens = tokens
        self._refs = itertools.count(1)
        self._http: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._lost: str = ""
        self._ready: set[str] = set()
        self._all_ready = asyncio.Event()
        self.messages = 0  # that all pages got
        self.not_ready = 0  # times that an agent had to ask for calls again

    async def open(self) -> None:
        """Open all pages and wait until every agent takes calls.

        Raises:
            BenchError: not all of them do in time.
        """
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._tasks = [
            asyncio.create_task(self._sit(login, token), name=f"desk-{login}")
            for login, token in self._tokens.items()
        ]
        try:
            async with asyncio.timeout(READY_S):
                await self._all_ready.wait()
        except TimeoutError:
            raise BenchError(
                f"{len(self._ready)} of {len(self._tokens)} agents became ready within {READY_S:.0f} s"
                f"{self._lost and ': '}{self._lost}"
            ) from None

    async def close(self) -> None:
        """Close all pages."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._http is not None:
            await self._http.close()

    @property
    def lost(self) -> str:
        """Why a page was lost, "" while all are connected."""
        return self._lost

    async def _sit(self, login: str, token: str) -> None:
        http = self._http
        if http is None:
            return
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with http.ws_connect(
                f"{self._base}/api/ws", headers=headers, max_msg_size=4 << 20, compress=0
            ) as socket:
                async for raw in socket:
                    if raw.type is aiohttp.WSMsgType.TEXT:
                        self.messages += 1
                        await self._take(socket, login, _decode(raw.data))
                self._lost = f"a page was closed with {socket.close_code}"
        except (aiohttp.ClientError, OSError, msgspec.MsgspecError) as error:
            self._lost = f"a page failed: {type(error).__name__}"

    async def _take(
        self, socket: aiohttp.ClientWebSocketResponse, login: str, message: ServerMessage
    ) -> None:
        match message:
            case Snapshot(me=view) | (AgentView() as view) if view.agent_id == login:
                if view.state == "ready":
                    self._ready.add(login)
                    if len(self._ready) == len(self._tokens):
                        self._all_ready.set()
                elif view.state == "not_ready" and view.phone_registered:
                    if login in self._ready:
                        self.not_ready += 1
                    await self._ask(socket)
            case Reply(ok=False):
                await asyncio.sleep(AGAIN_S)
                await self._ask(socket)
            case _:
                return

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.send_str(_encode(Ready(ref=str(next(self._refs)))).decode())
