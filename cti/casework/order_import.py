"""Brings orders in from a file: every row is checked before anything is written, and all or nothing is.

    async for one in Importer(engine, policy=…).run(file, "csv", by="zhou"):
        match one:
            case RowError(): ...        # a row that cannot be taken
            case ImportProgress(): ...  # how far it is
            case ImportTotals(): ...    # last

The file is read twice: once to check, once to write in one transaction, so a process that is killed leaves
nothing behind and memory does not grow with the file. What happened before is history: neither citizens nor
webhooks are told of it. An order is known again by its external number: the
same row again changes nothing, another row under a number that is taken is refused.
"""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.casework.bulk_write import known_numbers, reserve_numbers, write_orders
from cti.casework.citizen_tables import intake
from cti.casework.notice_store import never_told
from cti.casework.order_history import HistoryWrong, read_history
from cti.casework.table_files import HISTORY, TableUnreadable, encoding_of, rows_of
from cti.database import writing
from cti.webhooks import forget_hooks, hooks_so_far
from orders.bulk import Lived, lived
from orders.course_policy import OrderPolicy
from orders.errors import OrderError
from orders.import_rows import ImportRow, RowError, content_of, order_key, read_row, steps_of
from orders.tables import order_events, orders
from orders.unit_known import UnitNames
from orders.unit_store import UnitStore

__all__ = ["ERRORS_TOLD", "ImportProgress", "ImportTotals", "Importer"]

BATCH = 200
ERRORS_TOLD = 1000
"""Wrong rows that are told one by one; the rest is counted."""
SYSTEM = "import"
CHINA = ZoneInfo("Asia/Shanghai")


class ImportProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is."""

    writing: bool  # False: rows are checked
    done: int  # rows


class ImportTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    rows: int  # in the file
    brought: int  # orders that are new; with a dry run, or with errors, none was written
    unchanged: int  # brought before, the same
    errors: int  # wrong rows
    encoding: str  # of a text file, "" for Excel
    written: bool  # whether anything was


class Importer:
    """Imports files. SQLAlchemy's errors pass through."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        policy: OrderPolicy,
        checklist: Sequence[str] = (),
        histories: bool = True,
        clock: Callable[[], float] = time.time,
        zone: datetime.tzinfo = CHINA,
    ) -> None:
        """`policy` says what follows from events, `checklist` is that of reviews.

        `histories`: whole histories are taken, too, which say what others did.
        """
        self._engine = engine
        self._policy = policy
        self._checklist = tuple(checklist)
        self._histories = histories
        self._clock = clock
        self._zone = zone

    async def run(
        self, file: Path, form: str, *, by: str, dry_run: bool = False
    ) -> AsyncIterator[RowError | ImportProgress | ImportTotals]:
        """Import a file ("csv", "jsonl", "xlsx"); `by` is a login. Raises TableUnreadable: it is no table."""
        encoding = "" if form == "xlsx" else encoding_of(file)[1]
        names = UnitNames(await UnitStore(self._engine).units())
        check = _Check(by=by, zone=self._zone, now=self._clock(), units=names, histories=self._histories)
        for batch in _batched(rows_of(file, form)):
            async with self._engine.connect() as connection:
                fresh = await self._fresh(connection, check, batch)
            for row, wanted in fresh:
                self._try(check, row, wanted)
            for one in check.take():
                yield one
            yield ImportProgress(writing=False, done=check.rows)
        written = bool(check.brought) and not check.errors and not dry_run
        if written:
            async for step in self._write(file, form, check):
                yield step
        yield ImportTotals(
            rows=check.rows,
            brought=check.brought,
            unchanged=check.unchanged,
            errors=check.errors,
            encoding=encoding,
            written=written,
        )

    async def _fresh(
        self, connection: AsyncConnection, check: _Check, batch: Sequence[tuple[int, dict[str, Any]]]
    ) -> list[tuple[int, ImportRow | Lived]]:
        """Return what of these rows is right and not there yet."""
        read = [(row, values, check.read(row, values)) for row, values in batch]
        keys = [wanted for _, _, wanted in read if wanted is not None]
        rows_known = await _rows_known(connection, [_id(one) for one in keys if isinstance(one, ImportRow)])
        heads_known = await _heads_known(connection, [_id(one) for one in keys if isinstance(one, Lived)])
        numbers = await known_numbers(
            connection, [one.order.number for one in keys if isinstance(one, Lived)]
        )
        fresh: list[tuple[int, ImportRow | Lived]] = []
        for row, values, wanted in read:
            if wanted is None:
                continue
            if isinstance(wanted, ImportRow):
                known, now = rows_known.get(_id(wanted)), content_of(values)
            else:
                known, now = heads_known.get(_id(wanted)), wanted.rows[-1]["hash"]
            if known is not None and known != now:
                check.refuse(row, "外部编号", "这个编号已导入过，内容不同；如需更改请在系统中办理")
            elif known is not None:
                check.unchanged += 1
            elif isinstance(wanted, Lived) and numbers.get(wanted.order.number):
                check.refuse(row, "工单编号", "这个工单编号已属于另一张工单")
            else:
                fresh.append((row, wanted))
        return fresh

    def _try(self, check: _Check, row: int, wanted: ImportRow | Lived) -> None:
        """Make the order once, as it will be made, to learn whether the rules let it be."""
        day = ""
        if isinstance(wanted, ImportRow):
            try:
                self._made(wanted, check.by, "0")
            except OrderError as error:
                check.refuse(row, "", error.shown)
                return
            day = f"{datetime.datetime.fromtimestamp(wanted.accepted_at, self._zone):%Y%m%d}"
        elif wanted.order.number:
            check.numbered(wanted.order.number)
        check.brought += 1
        if day:
            check.days[day] += 1

    def _made(self, row: ImportRow, by: str, number: str) -> Lived:
        order_id = _id(row)
        steps = steps_of(order_id, row, by=by, checklist=self._checklist)
        return lived(order_id, steps, event_id=f"import:{order_id}", number=number, policy=self._policy)

    async def _write(self, file: Path, form: str, check: _Check) -> AsyncIterator[ImportProgress]:
        next_number = await reserve_numbers(self._engine, check.days, check.highest)
        again = _Check(
            by=check.by, zone=self._zone, now=check.now, units=check.units, histories=check.histories
        )
        written = 0
        async with writing(self._engine) as connection:
            before = await hooks_so_far(connection)
            for batch in _batched(rows_of(file, form)):
                fresh = await self._fresh(connection, again, batch)
                if again.errors:
                    raise TableUnreadable("文件或数据在检查之后有了变化，没有导入任何工单，请重试")
                values = dict(batch)
                made: list[Lived] = []
                kept: list[dict[str, object]] = []
                for row, wanted in fresh:
                    if isinstance(wanted, Lived):
                        made.append(wanted)
                        continue
                    day = f"{datetime.datetime.fromtimestamp(wanted.accepted_at, self._zone):%Y%m%d}"
                    made.append(self._made(wanted, check.by, next_number(day)))
                    kept.append(self._kept(wanted, values[row], check.by))
                await write_orders(connection, made, now=check.now, zone=self._zone)
                await never_told(connection, (one.order for one in made), now=self._clock())
                if kept:
                    await connection.execute(insert(intake), kept)
                written += len(made)
                yield ImportProgress(writing=True, done=again.rows)
            await forget_hooks(connection, before)
            await audit.note(
                connection,
                at=self._clock(),
                who=check.by,
                what="orders_imported",
                target=file.name,
                detail={"orders": written, "form": form},
            )

    def _kept(self, row: ImportRow, values: Mapping[str, str], by: str) -> dict[str, object]:
        key = order_key(row.external)
        return {
            "order_id": _id(row), "receipt": f"I{key[:20].upper()}", "system": SYSTEM,
            "external_id": row.external, "content_hash": content_of(values), "who": by, "at": self._clock(),
        }  # fmt: skip


class _Check:
    """What was read so far."""

    def __init__(
        self, *, by: str, zone: datetime.tzinfo, now: float, units: UnitNames, histories: bool
    ) -> None:
        self.histories = histories
        self.by, self.zone, self.now, self.units = by, zone, now, units
        self.rows = self.brought = self.unchanged = self.errors = 0
        self.days: Counter[str] = Counter()
        self.highest: dict[str, int] = {}
        self._seen: set[bytes] = set()
        self._told: list[RowError] = []

    def read(self, row: int, values: Mapping[str, Any]) -> ImportRow | Lived | None:
        """Return the order of a row, None when the row is wrong."""
        self.rows += 1
        if HISTORY in values and not self.histories:
            self.refuse(row, HISTORY, "整套历史只能由管理员在服务器上用命令行导入")
            return None
        if HISTORY in values:
            try:
                wanted: ImportRow | Lived | tuple[RowError, ...] = read_history(values[HISTORY])
            except HistoryWrong as error:
                self.refuse(row, HISTORY, error.shown)
                return None
        else:
            wanted = read_row(row, values, zone=self.zone, now=self.now, units=self.units)
        if isinstance(wanted, tuple):
            self.errors += 1
            self._told += wanted if self.errors <= ERRORS_TOLD else ()
            return None
        key = bytes.fromhex(order_key(_id(wanted)) + "0")
        if key in self._seen:
            self.refuse(row, "外部编号", "文件中有重复的编号")
            return None
        self._seen.add(key)
        return wanted

    def refuse(self, row: int, column: str, remedy: str) -> None:
        """Note that a row cannot be taken."""
        self.errors += 1
        if self.errors <= ERRORS_TOLD:
            self._told.append(RowError(row=row, column=column, value="", remedy=remedy))

    def numbered(self, number: str) -> None:
        """Remember the highest number of each day, so that none is given out twice."""
        day, place = number[:8], number[8:]
        if day.isdigit() and place.isdigit():
            self.highest[day] = max(self.highest.get(day, 0), int(place))

    def take(self) -> list[RowError]:
        """Return what was found since it was asked last."""
        told, self._told = self._told, []
        return told


def _id(wanted: ImportRow | Lived) -> str:
    return wanted.order.draft.order_id if isinstance(wanted, Lived) else f"m{order_key(wanted.external)}"


def _batched(rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


async def _rows_known(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    query = select(intake.c.order_id, intake.c.content_hash).where(intake.c.order_id.in_(ids))
    return {row.order_id: row.content_hash for row in await connection.execute(query)}


async def _heads_known(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    newest = (order_events.c.order_id == orders.c.id) & (order_events.c.seq == orders.c.version)
    query = select(orders.c.id, order_events.c.hash).join(order_events, newest).where(orders.c.id.in_(ids))
    return {row.id: row.hash for row in await connection.execute(query)}


def error_cells(error: RowError) -> dict[str, str]:
    """Return a wrong row as cells of a table."""
    titles = {"row": "行", "column": "列", "value": "内容", "remedy": "说明"}
    return {titles[name]: str(value) for name, value in asdict(error).items()}
