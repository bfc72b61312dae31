"""A desk without a browser: signs in, answers by its desk phone, corrects and submits the order."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from cti.demo.people import DemoAccount
from cti.demo.script import Expected
from cti.messages import (
    AgentView,
    CallState,
    CallView,
    Caption,
    Command,
    DraftView,
    EditField,
    FinishWrapUp,
    QueuesView,
    Ready,
    Reply,
    ServerMessage,
    Snapshot,
    SubmitOrder,
)

log = logging.getLogger(__name__)

LAST_WORDS_S = 2.5
"""After the hang-up the last sentences are still on their way."""

ANSWER_S = 15.0
STORED_S = 60.0


class DeskFailed(Exception):
    """The server refused something, or did not answer in time."""


@dataclass(slots=True)
class DeskCall:
    """What the desk saw of one call."""

    view: CallView  # newest state
    captions: dict[str, Caption] = field(default_factory=dict)  # finished sentences
    draft: DraftView | None = None  # newest
    machine: DraftView | None = None  # as the machine left it, before the agent touched it
    over: asyncio.Event = field(default_factory=asyncio.Event)  # citizen and agent no longer talk


class HeadlessDesk:
    """One agent's page, without the page."""

    def __init__(self, base: str, account: DemoAccount, on_talk: Callable[[CallView], None]) -> None:
        self._base = base
        self.account = account
        self._on_talk = on_talk
        self._http = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._refs = itertools.count(1)
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._staying: asyncio.Task[None] | None = None
        self._phone = asyncio.Event()
        self.manned = asyncio.Event()  # somebody could take a call now
        self.calls: dict[str, DeskCall] = {}
        self.state = ""

    async def open(self) -> None:
        """Sign in and connect. Raises DeskFailed."""
        answer = await self._post(
            "/api/login", {"login": self.account.login, "password": self.account.password, "bearer": True}
        )
        self._http.headers["Authorization"] = f"Bearer {answer['token']}"
        self._socket = await self._http.ws_connect(f"{self._base}/api/ws", max_msg_size=4 << 20, heartbeat=20)
        self._reading = asyncio.create_task(self._read(), name=f"desk-{self.account.login}")

    async def close(self) -> None:
        """Sign out and disconnect."""
        for task in (self._staying, self._reading):
            if task is not None:
                task.cancel()
                await asyncio.wait((task,))
        if self._socket is not None:
            await self._socket.close()
        await self._http.close()

    async def ready(self) -> None:
        """Take calls from now on, also after a missed ring or a lost telephone. Raises DeskFailed."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._phone.wait()
        except TimeoutError:
            raise DeskFailed(f"{self.account.extension}: the telephone does not register") from None
        await self.send(Ready())
        if self._staying is None:
            self._staying = asyncio.create_task(self._stay_ready(), name=f"ready-{self.account.login}")

    async def _stay_ready(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self.state == "not_ready" and self._phone.is_set():
                try:
                    await self.send(Ready())
                except DeskFailed as error:
                    log.warning("cannot become ready again", extra={"reason": str(error)})

    async def write_up(self, call: DeskCall, expected: Expected, title: str) -> str:
        """Wait for the last words, fill what the machine left empty, submit; return the order's id."""
        await call.over.wait()
        await asyncio.sleep(LAST_WORDS_S)
        draft = call.draft
        if draft is None:
            raise DeskFailed("no draft was opened for the call")
        call.machine = draft
        own = {"type": expected.type, "category": "/".join(expected.category), "summary": title}
        for name, value in own.items():
            if name not in draft.fields or not draft.fields[name].value:
                await self.send(EditField(order_id=draft.order_id, field=name, value=value))
        await self.send(SubmitOrder(order_id=draft.order_id))
        await self.send(FinishWrapUp())
        return draft.order_id

    async def stored(self, call_id: str, order_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Wait until call (with its recording) and order are in the database. Raises DeskFailed."""
        call: dict[str, Any] = {}
        order: dict[str, Any] = {}

        def missing() -> list[str]:
            there = {
                "order number": order.get("number"),
                "recording": call.get("recording_url"),
                "end of the call": call.get("ended"),
            }
            return [name for name, value in there.items() if not value]

        try:
            async with asyncio.timeout(STORED_S):
                while missing():
                    await asyncio.sleep(0.3)
                    order = await self.fetch(f"/api/orders/{order_id}")
                    call = await self.fetch(f"/api/calls/{call_id}")
        except TimeoutError:
            raise DeskFailed(f"not stored after {STORED_S:g} s: {', '.join(missing())}") from None
        return call, order

    async def send(self, command: Command) -> None:
        """Send a command and wait for the answer. Raises DeskFailed with the server's words."""
        if self._socket is None:
            raise DeskFailed("not connected")
        ref = str(next(self._refs))
        self._replies[ref] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(msgspec.json.encode(msgspec.structs.replace(command, ref=ref)).decode())
        try:
            async with asyncio.timeout(ANSWER_S):
                reply = await self._replies[ref]
        except TimeoutError:
            raise DeskFailed(f"no answer to {type(command).__name__}") from None
        finally:
            self._replies.pop(ref, None)
        if not reply.ok:
            raise DeskFailed(f"{type(command).__name__}: {reply.error}")

    async def _read(self) -> None:
        socket = self._socket
        if socket is None:
            return
        async for raw in socket:
            if raw.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self._take(msgspec.json.decode(raw.data, type=ServerMessage))

    def _take(self, message: ServerMessage) -> None:
        match message:
            case Snapshot():
                self._me(message.me)
                self._floor(message.queues)
                if message.call is not None:
                    self._call(message.call)
            case AgentView():
                self._me(message)
            case QueuesView():
                self._floor(message)
            case CallView():
                self._call(message)
            case Caption():
                if message.final and message.call_id in self.calls:
                    self.calls[message.call_id].captions[message.line_id] = message
            case DraftView():
                if message.call_id in self.calls:
                    self.calls[message.call_id].draft = message
            case Reply():
                waiting = self._replies.get(message.ref)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            case _:
                return

    def _me(self, view: AgentView) -> None:
        if view.agent_id == self.account.login:
            self.state = view.state
            if view.phone_registered:
                self._phone.set()
            else:
                self._phone.clear()

    def _floor(self, view: QueuesView) -> None:
        if any(queue.agents_ready for queue in view.queues):
            self.manned.set()
        else:
            self.manned.clear()

    def _call(self, view: CallView) -> None:
        call = self.calls.get(view.call_id)
        if call is None:
            call = self.calls[view.call_id] = DeskCall(view=view)
        call.view = view
        if view.state is CallState.TALKING:
            self._on_talk(view)
        if view.state in (CallState.SURVEY, CallState.WRAP_UP, CallState.ENDED):
            call.over.set()

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(f"{self._base}{path}", json=body) as answer:
            return await answered(path, answer)

    async def fetch(self, path: str) -> dict[str, Any]:
        """GET some JSON; {} where there is nothing. Raises DeskFailed."""
        async with self._http.get(f"{self._base}{path}") as answer:
            return {} if answer.status == 404 else await answered(path, answer)


async def answered(path: str, answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return the server's answer. Raises DeskFailed with its words when it refuses."""
    body: dict[str, Any] = await answer.json()
    if answer.status >= 400:
        raise DeskFailed(f"{path}: {answer.status} {body.get('error', {}).get('message', '')}")
    return body
