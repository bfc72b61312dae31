"""Export and import as they run in a process of their own: a few words of progress come back."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.case_rules import parse_rules
from cti.casework.order_export import Export, ExportProgress, export_orders
from cti.casework.order_import import Importer, ImportProgress, ImportTotals
from cti.casework.table_files import TableUnreadable
from cti.database import open_engine
from orders.course_policy import CoursePolicy
from orders.errors import OrderError
from orders.import_rows import RowError
from orders.privacy import PrivacyPolicy

__all__ = ["Brought", "Refused", "Said", "bring_in", "take_out"]

SLOW_S = 3600.0
"""PostgreSQL may take so long for one statement."""
UNPACKED_MOST = 512 << 20
"""Bytes that the parts of a workbook may have when unpacked."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The file, or what was asked for, cannot be taken."""

    words: str  # Chinese, says what to do


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What is brought in, and how."""

    file: Path  # where it lies
    form: str  # csv, jsonl, xlsx
    by: str  # login
    dry_run: bool  # only look
    rules: Mapping[str, bytes]  # rules in force, kind -> text


Said = ExportProgress | ImportProgress | ImportTotals | RowError | Refused


def take_out(url: str, privacy: PrivacyPolicy, export: Export) -> Iterator[Said]:
    """Write a file of orders."""
    yield from _stepwise(url, lambda engine: export_orders(engine, privacy, export))


def bring_in(url: str, brought: Brought) -> Iterator[Said]:
    """Check a file of orders and, where all of it is right, write them."""
    if brought.form == "xlsx" and _unpacked(brought.file) > UNPACKED_MOST:
        yield Refused(words=f"工作簿解开后超过 {UNPACKED_MOST >> 20} MB，请拆成几个文件")
        return
    rules = parse_rules(brought.rules)
    lines = [one.item for one in rules.course.answers.checklist]

    def work(engine: AsyncEngine) -> AsyncIterator[Said]:
        importer = Importer(
            engine, policy=CoursePolicy(rules.course), checklist=lines, histories=False
        )  # whole histories would say what others did: who may do that works at the server itself
        return importer.run(brought.file, brought.form, by=brought.by, dry_run=brought.dry_run)

    yield from _stepwise(url, work)


def _stepwise(url: str, work: Callable[[AsyncEngine], AsyncIterator[Said]]) -> Iterator[Said]:
    engine = open_engine(url, command_limit_s=SLOW_S)
    with asyncio.Runner() as runner:
        steps = work(engine)

        async def step() -> Said | None:
            return await anext(steps, None)

        try:
            while (one := runner.run(step())) is not None:
                yield one
        except TableUnreadable as error:
            yield Refused(words=str(error))
        except OrderError as error:
            yield Refused(words=error.shown)
        finally:
            runner.run(engine.dispose())


def _unpacked(file: Path) -> int:
    """Return how big a workbook says to be; 0 when it is none, which reading it will say."""
    try:
        with zipfile.ZipFile(file) as book:
            return sum(part.file_size for part in book.infolist())
    except zipfile.BadZipFile:
        return 0
