"""`hotline bench orders-kill`: orders are brought through POST /api/orders while the server is killed again
and again with -9; afterwards every one that was acknowledged must be there once, whole and unaltered.

A real `hotline serve` on a database that lives on, with nobody at the other end of Asterisk's address.
Clients send each order with an `Idempotency-Key` until they are told that it is there, as a portal would;
some ask once more although they know.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bench.errors import BenchError
from cti.bench.host import machine
from cti.bench.loopback import block
from cti.bench.options import Options
from cti.bench.postgres import scratch_postgresql
from cti.bench.result import Result
from cti.children import PARENT_VARIABLE
from cti.database import migrate, open_engine
from cti.launcher import Steps
from cti.tokens import Scope, TokenStore
from cti.valkey import EmbeddedValkey
from orders.errors import ChainBroken
from orders.lifecycle import replay
from orders.store import OrderStore
from orders.tables import orders

__all__ = ["Outcome", "bring_and_kill", "measure", "steps"]

ENGINES = ("postgresql", "sqlite")
CLIENTS = 8
PORT = 8012
LIVES_S = (0.2, 1.5)
"""So long the server serves before it is killed."""
ASKED_AGAIN = 0.05
"""Share of the acknowledged orders that are sent once more."""
START_LIMIT_S = 120.0
_CONFIG = """# Written by `hotline bench orders-kill`.
home = "{home}"
cache = "{home}/cache"
log_level = "error"
redis_url = "{redis}"
database_url = "{database}"

[web]
host = "{web}"
port = {port}

[agi]
host = "{web}"

[recognition]
enabled = false

[asterisk]
embedded = false

[[asterisk.nodes]]
name = "away"
host = "{away}"
"""


@dataclass(slots=True)
class Outcome:
    """What became of the orders."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # key -> order id
    altered: list[str] = field(default_factory=list)  # keys whose second answer named another order
    kills: int = 0
    unanswered: int = 0  # requests whose answer the kill took away
    refused: Counter[int] = field(default_factory=Counter)  # other answers by status; they are sent again
    lost: list[str] = field(default_factory=list)  # acknowledged, and not there
    doubled: int = 0  # orders beyond one for each key
    numbered_twice: int = 0  # 工单编号 given to two orders
    broken: list[str] = field(default_factory=list)  # chain, replay or projection does not fit
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether nothing was lost, doubled or altered."""
        return not (self.altered or self.lost or self.doubled or self.numbered_twice or self.broken)


def steps(options: Options) -> int:
    """Return how many steps are told."""
    return 2


def measure(options: Options, steps: Steps) -> Result:
    """Run it on PostgreSQL and on SQLite, or on the one that `--database` names.

    Raises:
        BenchError: `--database` names neither, the server does not start, or no PostgreSQL is installed.
    """
    if options.database not in ("", *ENGINES):
        raise BenchError(f"--database: orders-kill makes a database of its own, give {' or '.join(ENGINES)}")
    before, told = machine(), {}
    for engine in ENGINES:
        if options.database in ("", engine):
            steps.next(f"{options.orders} orders, {options.rounds} kills, {engine}")
            with _scratch(engine) as (url, folder):
                told[engine] = asyncio.run(
                    bring_and_kill(url, folder, count=options.orders, kills=options.rounds, seed=1)
                )
    whole = all(outcome.whole for outcome in told.values())
    wrong = sum(
        len(one.lost) + one.doubled + one.numbered_twice + len(one.broken) + len(one.altered)
        for one in told.values()
    )
    return Result(
        name="orders-kill",
        value=float(wrong),
        unit="orders lost, doubled or altered",
        aim="none",
        aim_met=whole,
        peer=float(options.orders * len(told)),
        ratio=wrong / (options.orders * len(told)),
        machine=before,
        details={name: _told(one) for name, one in told.items()},
        lines=tuple(f"{name}: {_told(one)}" for name, one in told.items()),
    )


def _told(one: Outcome) -> dict[str, object]:
    return {
        "acknowledged": len(one.acknowledged),
        "kills": one.kills,
        "answers_lost": one.unanswered,
        "other_answers": dict(one.refused),
        "lost": len(one.lost),
        "doubled": one.doubled,
        "numbered_twice": one.numbered_twice,
        "broken": len(one.broken),
        "altered": len(one.altered),
        "seconds": round(one.seconds, 1),
    }


@contextmanager
def _scratch(engine: str) -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory(prefix="hotline-kill-") as name:
        if engine == "sqlite":
            yield f"sqlite:///{name}/orders.sqlite", Path(name)
        else:
            with scratch_postgresql() as url:
                yield url, Path(name)


async def bring_and_kill(url: str, folder: Path, *, count: int, kills: int, seed: int) -> Outcome:
    """Bring `count` orders into the database while the server is killed `kills` times at random moments.

    Raises:
        BenchError: the server does not start.
    """
    begun = time.monotonic()
    await migrate(url)
    engine = open_engine(url)
    valkey = EmbeddedValkey(folder / "valkey")
    await valkey.start()
    outcome = Outcome()
    try:
        made, _ = await TokenStore(engine).create(
            "bench", [Scope.ORDERS_WRITE], by="bench", per_minute=60_000
        )
        with block() as prefix:
            file = folder / "hotline.toml"
            web = f"{prefix}.1"
            file.write_text(
                _CONFIG.format(
                    home=folder, redis=valkey.url, database=url, web=web, away=f"{prefix}.2", port=PORT
                ),
                encoding="utf-8",
            )
            await _run(f"http://{web}:{PORT}", made, file, outcome, count=count, kills=kills, seed=seed)
        await _verify(engine, outcome, count)
    finally:
        await engine.dispose()
        await valkey.stop()
    outcome.seconds = time.monotonic() - begun
    return outcome


async def _run(
    web: str, token: str, file: Path, outcome: Outcome, *, count: int, kills: int, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - chooses moments
    waiting = iter(range(count))
    headers = {"Authorization": f"Bearer {token}"}
    # the last orders are kept back until the last kill is over: each kill meets clients at work
    killed = asyncio.Event()
    async with (
        aiohttp.ClientSession(web, headers=headers, timeout=aiohttp.ClientTimeout(total=30)) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(CLIENTS):
            group.create_task(_client(session, waiting, outcome, killed, rng))
        for _ in range(kills):
            async with _server(file) as process:
                await _answers(session, process)
                await asyncio.sleep(rng.uniform(*LIVES_S))
                os.kill(process.pid, signal.SIGKILL)
                outcome.kills += 1
        async with _server(file) as process:
            await _answers(session, process)
            killed.set()
            while len(outcome.acknowledged) < count:
                if process.returncode is not None:
                    raise BenchError(f"the server ended with status {process.returncode}")
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _server(file: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with (file.parent / "serve.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cti", "serve", "--instance", "bench", "--config", str(file),
            stdout=log, stderr=log, env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers(session: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.returncode is None:
        try:
            async with session.get("/healthz"):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    raise BenchError("the server does not answer; serve.log in its folder says why")


async def _client(
    session: aiohttp.ClientSession,
    waiting: Iterator[int],
    outcome: Outcome,
    killed: asyncio.Event,
    rng: random.Random,
) -> None:
    for number in waiting:
        if not killed.is_set():
            await asyncio.sleep(rng.uniform(0.0, 0.02))
        key = f"kill-{number}"
        order_id = await _acknowledged(session, key, number, outcome)
        outcome.acknowledged[key] = order_id
        if rng.random() < ASKED_AGAIN and await _acknowledged(session, key, number, outcome) != order_id:
            outcome.altered.append(key)


async def _acknowledged(session: aiohttp.ClientSession, key: str, number: int, outcome: Outcome) -> str:
    """Send an order until the server says that it is there; return its id."""
    body = {
        "channel": "portal",
        "fields": {
            "type": "投诉", "category": "城乡建设/市容秩序/占道经营", "summary": f"第{number}件：摊贩占道",
            "title": f"占道经营{number}", "phone": f"138{number:08d}",
        },
        "submit": True,
    }  # fmt: skip
    while True:
        try:
            async with session.post("/api/orders", json=body, headers={"Idempotency-Key": key}) as answer:
                if answer.status in (200, 201):
                    return str((await answer.json())["order_id"])
                outcome.refused[answer.status] += 1
                if answer.status in (400, 401, 403, 404, 422):
                    raise BenchError(f"POST /api/orders: {answer.status} {(await answer.text())[:300]}")
        except (aiohttp.ClientConnectorError, ConnectionRefusedError):
            pass  # killed, and not back yet
        except (aiohttp.ClientError, TimeoutError, OSError):
            outcome.unanswered += 1
        await asyncio.sleep(0.05)


async def _verify(engine: AsyncEngine, outcome: Outcome, count: int) -> None:
    """Compare what clients were told with what the database holds."""
    async with engine.connect() as connection:
        there = set((await connection.execute(select(orders.c.id))).scalars())
        numbered = await connection.scalar(select(func.count(orders.c.number.distinct()))) or 0
    known = set(outcome.acknowledged.values())
    outcome.lost = sorted(known - there)
    outcome.doubled = len(there) - count
    outcome.numbered_twice = len(there) - numbered
    store = OrderStore(engine)
    for order_id in sorted(there):
        try:
            events = await store.events(order_id)
        except ChainBroken:
            outcome.broken.append(order_id)
            continue
        if replay((one.event, one.at) for one in events) != (await store.get(order_id)).draft:
            outcome.broken.append(order_id)
