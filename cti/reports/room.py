"""Where reports are made: a process of its own, so that a month of calls holds up nobody's."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.document_pdf import document_bytes
from cti.children import PARENT_VARIABLE, die_with_parent
from cti.database import open_engine
from cti.figures.facts import Rules
from cti.figures.load import FactLog
from cti.figures.replay import JournalFacts
from cti.reports.build import Builder
from cti.reports.files import write_bytes
from cti.reports.pages import Page, encode
from cti.reports.specs import ReportRefused, Spec
from cti.tables import accounts

__all__ = ["ReportRoom", "make_page"]

NICENESS = 10
"""Calls go before reports where there is too little processor."""
TASKS = 20
"""A process makes so many pages and files before another one begins with an empty memory."""
SLOW_S = 600.0
"""PostgreSQL may take so long for one statement of a report."""


async def make_page(
    engine: AsyncEngine, spec: Spec, rules: Rules, *, now: float, journal: bool = False, behind_s: float = 0.0
) -> Page:
    """Make a report here and now: from the tables, or with `journal` from the journal alone.

    Raises ReportRefused; SQLAlchemy's errors pass through.
    """
    source = JournalFacts(engine, rules=rules) if journal else FactLog(engine, rules=rules)
    async with engine.connect() as connection:
        rows = await connection.execute(select(accounts.c.login, accounts.c.name))
        names = {row.login: row.name for row in rows}
    builder = Builder(spec, rules, now=now, names=names)
    async for piece, facts in source.pieces(builder.span):
        builder.add(piece, facts)
    return builder.page(source="journal" if journal else "tables", behind_s=behind_s)


class ReportRoom:
    """Makes pages and files beside the server, one at a time."""

    def __init__(
        self, database_url: str, rules: Rules, *, font: Path | None = None, cache: Path | None = None
    ) -> None:
        """`font`: a TrueType font with Chinese for PDF; without one, the one that `cache` holds or gets."""
        self._database_url = database_url
        self._rules = rules
        self.font = font
        self.cache = cache
        self._executor: Executor | None = None
        self._turn = asyncio.Lock()

    async def page(self, spec: Spec, *, now: float, behind_s: float = 0.0) -> bytes:
        """Make a report and return it as JSON. Raises ReportRefused."""
        spec.check()
        wanted = msgspec.json.encode(spec)
        return await self._ask(_page, self._database_url, wanted, self._rules, now, behind_s)

    async def file(self, page: bytes, form: str) -> bytes:
        """Write a report as "xlsx", "pdf" or "csv". Raises ReportRefused."""
        return await self._ask(_file, page, form, self.font, self.cache)

    async def document(self, document: bytes, mark: bytes) -> bytes:
        """Write one of an order's documents as PDF (cti.casework.document_pdf). Raises ReportRefused."""
        return await self._ask(document_bytes, document, mark, self.font, self.cache)

    async def _ask(self, work: Callable[..., bytes], *given: object) -> bytes:
        async with self._turn:
            if self._executor is None:
                self._executor = _in_a_process()
            try:
                return await asyncio.get_running_loop().run_in_executor(self._executor, work, *given)
            except BrokenExecutor:
                self._executor = None
                raise ReportRefused("report", "生成报表的进程意外结束，请重试或缩短时间范围") from None

    def close(self) -> None:
        """End the process."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


def _in_a_process() -> Executor:
    return ProcessPoolExecutor(
        max_workers=1,
        max_tasks_per_child=TASKS,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_apart,
        initargs=(os.getpid(),),
    )


def _begin_apart(parent: int) -> None:
    os.environ[PARENT_VARIABLE] = str(parent)
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
    os.nice(NICENESS)


def _page(database_url: str, wanted: bytes, rules: Rules, now: float, behind_s: float) -> bytes:
    async def make() -> Page:
        engine = open_engine(database_url, command_limit_s=SLOW_S)
        try:
            spec = msgspec.json.decode(wanted, type=Spec)
            return await make_page(engine, spec, rules, now=now, behind_s=behind_s)
        finally:
            await engine.dispose()

    return encode(asyncio.run(make()))


def _file(page: bytes, form: str, font: Path | None, cache: Path | None) -> bytes:
    return write_bytes(msgspec.json.decode(page, type=Page), form, font=font, cache=cache)
