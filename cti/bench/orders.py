"""`hotline bench orders`: how soon pages have their answers among very many orders, and how fast orders are
written there.

Orders with whole lives are made (`cti.bench.orders_made`) and put into a PostgreSQL of the benchmark's own,
or into the database that `--database` names, which is filled only when it has no orders. Every question is
asked by the very code that serves pages, one after the other, with other values each time; then the plain
way to ask it, where there is one.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bench.errors import BenchError
from cti.bench.host import machine
from cti.bench.options import Options
from cti.bench.orders_asked import Ask, Question, Samples, questions
from cti.bench.orders_loaded import TABLES, Load, load
from cti.bench.orders_written import Written, write
from cti.bench.postgres import scratch_postgresql
from cti.bench.result import Result
from cti.bench.timings import Delays, delays
from cti.database import migrate, open_engine
from cti.launcher import Steps
from orders.tables import orders

__all__ = ["measure", "steps"]

AIM_MS = 100.0
NOW = 1_795_233_600.0
"""The newest orders are of this moment (epoch seconds)."""
YEARS = 2.0
WARM = 5
"""Questions of each kind that are asked before it counts."""
NAIVE = 5
"""How often the plain way is asked: it is slow."""
NAIVE_S = 120.0


def steps(options: Options) -> int:
    """Return how many steps are told."""
    return 4


def measure(options: Options, steps: Steps) -> Result:
    """Run it.

    Raises:
        BenchError: the database cannot be used, or no PostgreSQL is installed.
    """
    before = machine()
    with _database(options) as url:
        return asyncio.run(_measure(url, options, steps, before))


@contextmanager
def _database(options: Options) -> Iterator[str]:
    if options.database == "sqlite":
        with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
            yield f"sqlite:///{folder}/orders.sqlite"
    elif options.database:
        yield options.database
    else:
        with scratch_postgresql() as url:
            yield url


async def _measure(url: str, options: Options, steps: Steps, before: Any) -> Result:
    await migrate(url)
    engine = open_engine(url, command_limit_s=3600)
    try:
        steps.next(f"{options.orders} orders")
        await _fill(engine, options.orders, steps.detail)
        samples = await Samples.read(engine, options.orders, NOW)
        asked = questions(engine, samples)
        ours: dict[str, Delays] = {}
        steps.next("questions")
        for question in asked:
            steps.detail(question.about)
            ours[question.name] = await _timed(question.ask, options.rounds)
        steps.next("the plain way")
        plain = {one.name: await _timed_plain(one.naive) for one in asked if one.naive is not None}
        plans = {one.name: await _plans(engine, one) for one in asked} if options.report else {}
        steps.next("writing")
        written = await write(engine, seconds=options.seconds)
        sizes = await _sizes(engine)
    finally:
        await engine.dispose()
    worst = max(ours.values(), key=lambda one: one.p95).p95
    slowest = max((one.p95 for one in plain.values()), default=float("nan"))
    lines = tuple(_lines(asked, ours, plain, written, sizes))
    if options.report:
        _report(options.report, lines, plans)
    return Result(
        name="orders",
        value=worst,
        unit="ms (p95 of the slowest question)",
        aim=f"p95 of every question under {AIM_MS:g} ms",
        aim_met=worst < AIM_MS,
        peer=slowest,
        ratio=worst / slowest,
        machine=before,
        details={
            "orders": options.orders,
            "engine": engine.dialect.name,
            "ours_ms": {name: [one.p50, one.p95, one.p99] for name, one in ours.items()},
            "plain_ms": {name: [one.p50, one.p95] for name, one in plain.items()},
            "submissions_per_s": written.submissions,
            "moves_per_s": written.moves,
            "bytes": sizes,
        },
        lines=lines,
    )


async def _fill(engine: AsyncEngine, total: int, say: Callable[[str], None]) -> None:
    async with engine.connect() as connection:
        known = await connection.scalar(select(func.count()).select_from(orders)) or 0
    if not known:
        await load(engine, Load(total=total, now=NOW, years=YEARS), processes=2, step=say)
    elif known < total:
        raise BenchError(f"the database has {known} orders already; empty it, or give --orders {known}")


async def _timed(ask: Ask, rounds: int) -> Delays:
    rng = random.Random(11)  # noqa: S311 - chooses what to ask for
    for _ in range(WARM):
        await ask(rng)
    taken: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await ask(rng)
        taken.append(time.perf_counter() - begun)
    return delays(taken)


async def _timed_plain(ask: Ask) -> Delays:
    rng, begun = random.Random(11), time.perf_counter()  # noqa: S311
    taken: list[float] = []
    while len(taken) < NAIVE and time.perf_counter() - begun < NAIVE_S:
        at = time.perf_counter()
        await ask(rng)
        taken.append(time.perf_counter() - at)
    return delays(taken)


async def _plans(engine: AsyncEngine, question: Question) -> list[str]:
    """Ask once more, and let the database explain every statement of it."""
    said: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            said.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        await question.ask(random.Random(13))  # noqa: S311
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
    explain = "EXPLAIN (ANALYZE, BUFFERS) " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    plans = []
    async with engine.connect() as connection:
        for statement, parameters in said:
            try:
                rows = await connection.exec_driver_sql(explain + statement, parameters)
                plan = "\n".join(str(row[-1]) for row in rows)
            except DBAPIError as error:
                await connection.rollback()
                plan = f"(not explained: {str(error.orig)[:200]})"
            plans.append(f"{statement}\n\n{plan}")
    return plans


async def _sizes(engine: AsyncEngine) -> dict[str, int]:
    """Return bytes of each table with its indices (PostgreSQL), or of the whole file."""
    async with engine.connect() as connection:
        if engine.dialect.name != "postgresql":
            pages = text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            return {"file": int(await connection.scalar(pages) or 0)}
        sizes: dict[str, int] = {}
        for name in TABLES:
            heap = await connection.scalar(text(f"SELECT pg_table_size('{name}')"))
            indices = await connection.scalar(text(f"SELECT pg_indexes_size('{name}')"))
            sizes |= {name: int(heap or 0), f"{name} indices": int(indices or 0)}
        return sizes


def _lines(
    asked: tuple[Question, ...],
    ours: dict[str, Delays],
    plain: dict[str, Delays],
    written: Written,
    sizes: dict[str, int],
) -> Iterator[str]:
    yield f"{'question':<16}{'p50 ms':>9}{'p95':>9}{'p99':>9}{'plain p50':>12}{'times':>8}"
    for question in asked:
        one, other = ours[question.name], plain.get(question.name)
        beside = "" if other is None else f"{other.p50:12.1f}{other.p50 / max(one.p50, 0.1):8.0f}"
        yield f"{question.name:<16}{one.p50:9.1f}{one.p95:9.1f}{one.p99:9.1f}{beside:<20}  {question.about}"
    yield f"submissions/s {written.submissions:.0f}, moves/s {written.moves:.0f} ({written.writers} writers)"
    yield ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.items())


def _report(path: Path, lines: tuple[str, ...], plans: dict[str, list[str]]) -> None:
    told = ["# hotline bench orders", "", "```", *lines, "```"]
    for name, some in plans.items():
        told += ["", f"## {name}", ""]
        for plan in some:
            told += ["```", plan, "```", ""]
    path.write_text("\n".join(told) + "\n", encoding="utf-8")
