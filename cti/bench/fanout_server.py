"""The server of `hotline bench fanout`, in a process of its own: `python -m cti.bench.fanout_server`.

`hotline` is the real web application (`cti.web.make_app` and its hub) with sessions in a real database; only
call control is played. `naive` is what it is compared with: the same aiohttp, the same loop, and for each
event all sockets one by one, each with an encoding of its own that is awaited until it is sent.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from aiohttp import web
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.accounts import Accounts
from cti.bench.host import used
from cti.children import die_with_parent
from cti.database import open_engine, writing
from cti.logs import configure
from cti.messages import (
    AgentView,
    HealthView,
    Notice,
    PageMessage,
    QueuesView,
    QueueView,
    Role,
    ServerMessage,
    Snapshot,
)
from cti.metrics import Metrics
from cti.ports import Person
from cti.sessions import token_digest
from cti.tables import accounts, metadata, sessions
from cti.web import PageHub, WebDeps, make_app

QUEUES = 6
OWN_EVERY_S = 0.1
OWN_LOGIN = "own"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of this process."""

    way: str  # "hotline" or "naive"
    host: str  # address to listen on
    home: str  # folder for the database
    clients: int  # pages
    rate: float  # events a second
    seconds: float


class PlayedFloor:
    """Call control that knows nobody's calls."""

    async def page_opened(self, person: Person) -> None: ...

    async def page_closed(self, person: Person) -> None: ...

    async def signed_out(self, person: Person) -> None: ...

    async def person_changed(self, person: Person) -> None: ...

    async def command(self, person: Person, message: PageMessage) -> None: ...

    def snapshot(self, person: Person) -> Snapshot:
        """A page without a call, as most of them are."""
        me = AgentView(
            agent_id=person.login, name=person.name, role=person.role, extension="8001", state="ready"
        )
        return Snapshot(me=me, health=self.health(), queues=event(-1, 0.0))

    def health(self) -> HealthView:
        """All is well."""
        return HealthView(redis=True, database=True, asterisk={"hl1": True}, captions=True)


def event(number: int, at: float) -> QueuesView:
    """What goes to every page: all queues, about 700 bytes; the first one carries number and time."""
    first = QueueView(
        queue="q0", title="综合受理", waiting=number, longest_wait_s=at, agents_ready=0, agents_busy=5
    )
    others = (
        QueueView(
            queue=f"q{other}", title="综合受理", waiting=3, longest_wait_s=12.5, agents_ready=0, agents_busy=5
        )
        for other in range(1, QUEUES)
    )
    return QueuesView(queues=(first, *others))


async def _people(engine: AsyncEngine, count: int) -> tuple[str, ...]:
    """Put people and their sessions into the database; return the sessions' tokens, the own one's last."""
    logins = [*(f"agent{number:05}" for number in range(count)), OWN_LOGIN]
    tokens = [secrets.token_urlsafe(32) for _ in logins]
    now = time.time()
    who: dict[str, object] = {
        "name": "坐席",
        "role": Role.AGENT.value,
        "extension": "",
        "skills": {},
        "password_hash": "",
        "active": True,
        "created_at": now,
        "changed_at": now,
    }
    async with writing(engine) as connection:
        await connection.execute(insert(accounts), [{"login": login, **who} for login in logins])
        signed_in = [
            {"token_hash": token_digest(token), "login": login, "created_at": now, "seen_at": now}
            for login, token in zip(logins, tokens, strict=True)
        ]
        await connection.execute(insert(sessions), signed_in)
    return tuple(tokens)


def _real(engine: AsyncEngine) -> tuple[web.Application, Callable[[QueuesView], Awaitable[None]], Any]:
    """The product's application; what its other addresses would need is left away."""
    metrics = Metrics()
    hub = PageHub(on_resync=metrics.page_resyncs.inc)
    absent: dict[str, Any] = {
        one.name: None
        for one in dataclasses.fields(WebDeps)
        if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    }
    given = {"floor": PlayedFloor(), "pages": hub, "accounts": Accounts(engine), "metrics": metrics}
    app = make_app(WebDeps(**{**absent, **given}))

    async def tell(view: QueuesView) -> None:
        hub.broadcast(view)

    async def own(view: Notice) -> None:
        hub.send((OWN_LOGIN,), view)

    return app, tell, (own, lambda: {"resyncs": sum(page.resyncs for page in hub), "slow": hub.slow})


def _naive() -> tuple[web.Application, Callable[[QueuesView], Awaitable[None]], Any]:
    """One encoding and one awaited send for each page and event."""
    pages: dict[web.WebSocketResponse, int] = {}

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=20.0, compress=False)
        await socket.prepare(request)
        floor = PlayedFloor()
        first = msgspec.to_builtins(floor.snapshot(Person(login="x", name="坐席", role=Role.AGENT)))
        await socket.send_str(msgspec.json.encode({"seq": 1, **first}).decode())
        pages[socket] = 1
        async for _ in socket:
            pass
        pages.pop(socket, None)
        return socket

    async def send(socket: web.WebSocketResponse, view: ServerMessage) -> None:
        pages[socket] += 1
        body = msgspec.json.encode(view).decode()
        await socket.send_str(f'{{"seq":{pages[socket]},{body[1:]}')

    async def tell(view: QueuesView) -> None:
        for socket in list(pages):
            await send(socket, view)

    async def own(view: Notice) -> None:
        await send(list(pages)[-1], view)  # the own page comes last

    app = web.Application()
    app.router.add_get("/api/ws", connect)
    return app, tell, (own, lambda: {"resyncs": 0, "slow": 0})


async def _events(order: Order, tell: Callable[[QueuesView], Awaitable[None]]) -> float:
    """Make the events; each one's time is when it was due. Returns how late the last one began."""
    began = time.monotonic()
    late = 0.0
    for number in range(int(order.rate * order.seconds)):
        due = began + number / order.rate
        late = time.monotonic() - due
        await asyncio.sleep(max(0.0, -late))  # also when late: the loop shall have its turn
        await tell(event(number, due))
    return max(0.0, late)


async def _own_events(own: Callable[[Notice], Awaitable[None]]) -> None:
    due = time.monotonic()
    while True:
        due += OWN_EVERY_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await own(Notice(level="info", text=f"{due}"))


async def _run() -> None:
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    order = msgspec.json.decode(await reader.readline(), type=Order)
    engine = open_engine(f"sqlite:///{Path(order.home) / 'fanout.sqlite'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[accounts, sessions])
    tokens = await _people(engine, order.clients)
    app, tell, (own, state) = _real(engine) if order.way == "hotline" else _naive()
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, order.host, 0, backlog=1024)
    await site.start()
    gc.collect()
    empty = used(os.getpid()).rss_mb
    _say({"port": runner.addresses[0][1], "tokens": tokens})
    await reader.readline()
    connected = used(os.getpid())
    beside = asyncio.create_task(_own_events(own))
    late = await _events(order, tell)
    beside.cancel()
    after = used(os.getpid())
    _say(
        {
            "kib_per_client": round((connected.rss_mb - empty) * 1024 / (order.clients + 1), 1),
            "kib_per_client_after": round((after.rss_mb - empty) * 1024 / (order.clients + 1), 1),
            "rss_mb": after.rss_mb,
            "cpu_s": round(after.cpu_s - connected.cpu_s, 2),
            "late_s": round(late, 2),
            **state(),
        }
    )
    await reader.readline()
    os._exit(0)  # a thousand farewells are not measured


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    die_with_parent()
    configure("ERROR")
    uvloop.run(_run())
