"""A citizen's page without the page: sits at `/api/citizen/ws`, comes back when the server does.

async with CitizenPage(base) as citizen:
    await citizen.begin()
    await citizen.writes("路灯不亮")
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Any, Self

import aiohttp
import msgspec

from cti.messages import TextLine, TextTyping
from cti.messages_citizen import (
    CitizenMessage,
    CitizenView,
    GuestMessage,
    Hello,
    LineTaken,
    Refused,
    WriteText,
)

LIMIT_S = 30.0


class CitizenPage:
    """What a citizen sees, and what they do."""

    def __init__(self, base: str, media: str = "text") -> None:
        self._base = base
        self._media = media
        self._http = aiohttp.ClientSession(headers={"Origin": base})
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._unsent: dict[str, str] = {}  # lines that are not known to be safe
        self.token = ""
        self.view: CitizenView | None = None
        self.lines: dict[str, TextLine] = {}
        self.typing = ""
        self.refused: list[str] = []
        self.close_code: int | None = None
        self.phone: dict[str, Any] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        await self._http.close()

    async def ask(self, **more: object) -> tuple[int, dict[str, Any]]:
        """Ask to be let in; return status and answer."""
        body = {"media": self._media, "consent": True, **more}
        async with self._http.post(f"{self._base}/api/citizen/session", json=body) as answer:
            return answer.status, await answer.json()

    async def begin(self, **more: object) -> None:
        """Be let in, and connect."""
        status, told = await self.ask(**more)
        if status != 201:
            raise AssertionError(f"not let in: {status} {told}")
        self.token, self.phone = told["token"], told["phone"]
        await self.connect()

    async def connect(self) -> None:
        """Open the page (again), and keep it open."""
        self._reading = asyncio.create_task(self._stay(), name="citizen-page")
        await self.sees(lambda view: True)

    async def close_page(self) -> None:
        """Close the page; the conversation goes on for a while."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()

    def goes_to(self, base: str) -> None:
        """From the next connection on the page reaches another server, as a proxy would have it."""
        self._base = base
        self._http.headers["Origin"] = base

    async def say(self, message: GuestMessage) -> None:
        """Send a message."""
        if self._socket is None:
            raise AssertionError("the page is not connected")
        await self._socket.send_str(msgspec.json.encode(message).decode())

    async def writes(self, text: str) -> None:
        """Write a line, and wait until the hotline has it, across a lost connection."""
        line_id = f"l{next(self._numbers)}"
        self._unsent[line_id] = text
        if self._socket is not None and not self._socket.closed:
            await self._socket.send_str(self._written(line_id).decode())
        await self._until(lambda: line_id not in self._unsent, f"{line_id} is taken")

    async def sees(self, condition: Any) -> CitizenView:
        """Wait until the call stands so."""
        await self._until(lambda: self.view is not None and condition(self.view), "the view is as wanted")
        if self.view is None:
            raise AssertionError("there is no view")
        return self.view

    async def reads(self, text: str) -> None:
        """Wait until a line with this text is shown."""
        await self._until(lambda: any(text in line.text for line in self.lines.values()), f"shows {text}")

    async def until_typing(self, text: str) -> None:
        """Wait until the agent's unsent words are shown."""
        await self._until(lambda: self.typing == text, f"typing {text}")

    async def _until(self, condition: Any, what: str) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                while not condition():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{what}: not within {LIMIT_S:g} s; {self.view}, {self.refused}") from None

    def _written(self, line_id: str) -> bytes:
        return msgspec.json.encode(WriteText(text=self._unsent[line_id], line_id=line_id))

    async def _stay(self) -> None:
        while self.close_code != 4401:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await self._once()
            await asyncio.sleep(0.1)

    async def _once(self) -> None:
        self._socket = await self._http.ws_connect(f"{self._base}/api/citizen/ws")
        await self._socket.send_str(msgspec.json.encode(Hello(token=self.token)).decode())
        async for frame in self._socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                await self._take(msgspec.json.decode(frame.data, type=CitizenMessage))
        self.close_code = self._socket.close_code

    async def _take(self, message: CitizenMessage) -> None:
        match message:
            case CitizenView():
                first, self.view = self.view is None or self._socket is not None, message
                if first and message.state not in ("connecting", "ended") and self._socket is not None:
                    for line_id in tuple(self._unsent):
                        await self._socket.send_str(self._written(line_id).decode())
            case TextLine():
                self.lines[message.line_id] = message
            case TextTyping():
                self.typing = message.text
            case LineTaken():
                self._unsent.pop(message.line_id, None)
            case Refused():
                self.refused.append(message.text)
