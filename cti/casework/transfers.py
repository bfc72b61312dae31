"""Orders taken out into files and brought in from files, by people in pages (导入导出).

One at a time at each server, in a process of its own. What came of it is kept for an hour in a folder of this
server, for whoever began it and for administrators; when the server starts, what lies there is thrown away.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.apart import ApartFailed, apart
from cti.casework.order_export import Export, ExportProgress
from cti.casework.order_import import ImportProgress, ImportTotals
from cti.casework.table_files import FORMS
from cti.casework.transfer_work import Brought, Refused, bring_in, take_out
from cti.casework.watermarks import Watermarks
from cti.faults import fault_site
from cti.message_base import Role
from cti.ports import Person
from cti.tasks import aside, end
from orders.import_rows import RowError
from orders.privacy import PrivacyPolicy, Viewer
from orders.records import OrderFilter

__all__ = ["UPLOAD_MOST", "Transfer", "TransferRefused", "Transferring", "Transfers"]

log = logging.getLogger(__name__)

UPLOAD_MOST = 32 << 20
UPLOAD_S = 300.0
"""Seconds in which a file must have come."""
LONGEST_S = 3600.0
KEPT_S = 3600.0
KEPT_RUNS = 10
SWEEP_S = 60.0
ROOM_LEAST = 1 << 30
"""Bytes that must be free on the disk before anything begins, and while it runs."""
NAME_MOST = 60
COVERED = Viewer(role="leader")
"""Whose eyes a file without personal data is written for."""
_ODD = re.compile(r"[^\w.\-()（）]")


class Transferring(Exception):
    """Something is taken out or brought in at this server already."""

    shown = "本服务器正在进行另一次导入或导出，请等它结束"


class TransferRefused(Exception):
    """It cannot begin, or not go on; `shown` is Chinese and says what to do."""

    def __init__(self, shown: str) -> None:
        super().__init__(shown)
        self.shown = shown


class Transfer(msgspec.Struct, kw_only=True):
    """One export or import, under way or over."""

    id: str  # which
    kind: str  # export, import
    by: str  # login
    begun: float  # epoch seconds
    form: str  # csv, jsonl, xlsx
    file: str = ""  # its name
    personal: bool = False  # an export with personal data
    dry_run: bool = False  # an import that only looked
    state: str = "running"  # running, done, failed
    ended: float | None = None  # epoch seconds
    done: int = 0  # orders written to the file, or rows looked at
    writing: bool = False  # an import: rows are right and are written
    totals: ImportTotals | None = None  # of an import that is done
    wrong: list[RowError] = []  # wrong rows of an import, the first thousand
    serial: str = ""  # watermark of an export
    error: str = ""  # Chinese, when failed


class Transfers:
    """See the module."""

    def __init__(
        self,
        engine: AsyncEngine,
        folder: Path,
        *,
        privacy: Callable[[], PrivacyPolicy],
        watermarks: Watermarks,
        rules: Callable[[], Mapping[str, bytes]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`folder` is this server's own; `privacy` and `rules` (kind -> text) give what is in force."""
        self._engine = engine
        self._folder = folder
        self._privacy = privacy
        self._watermarks = watermarks
        self._rules = rules
        self._clock = clock
        self._runs: dict[str, Transfer] = {}
        self._taken = False
        self._working: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Throw away what an earlier process left, and begin to look for what is over its time."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._sweeping = asyncio.create_task(self._sweep(), name="transfers")

    async def stop(self) -> None:
        """Stop, give up what is under way, and throw everything away."""
        await end(self._sweeping, self._working)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def get(self, transfer_id: str, person: Person) -> Transfer | None:
        """Return one that this person began; administrators are given every one."""
        run = self._runs.get(transfer_id)
        return run if run is not None and (run.by == person.login or person.role is Role.ADMIN) else None

    def file_of(self, run: Transfer) -> Path | None:
        """Return where the file of an export lies, None while there is none."""
        whole = run.kind == "export" and run.state == "done"
        return self._folder / run.id / run.file if whole else None

    async def export(
        self, person: Person, which: OrderFilter, form: str, *, personal: bool = False, reason: str = ""
    ) -> Transfer:
        """Begin to write a file; the access log says who, which file, and why, before anything is read.

        `personal`: as it stands on this person's pages, else covered as for a leader; `reason` goes with it.
        Raises Transferring, TransferRefused; SQLAlchemy's errors pass through.
        """
        with self._place():
            await self._make_room()
            told = {"form": form, "personal": personal, "reason": reason}
            mark = await self._watermarks.issue(person, "orders", detail=told)
            run = self._run("export", person, form, f"orders-{mark.serial}.{form}")
            run.personal, run.serial = personal, mark.serial
            viewer = Viewer(role=person.role.value) if personal else COVERED
            file = self._folder / run.id / run.file
            export = Export(file=file, form=form, which=which, viewer=viewer, mark=mark.line)
            privacy = self._privacy()
            sent = replace(privacy, rules=dict(privacy.rules))  # a read-only view cannot go to a process
            self._begin(run, apart(take_out, self._url, sent, export))
        return run

    async def bring(
        self, person: Person, name: str, pieces: AsyncIterator[bytes], *, dry_run: bool
    ) -> Transfer:
        """Take a file, and begin to check it and to write its orders; `dry_run`: only to check.

        Raises Transferring; TransferRefused: its name, its size, or that it does not come.
        """
        form = Path(name).suffix.removeprefix(".").lower()
        if form not in FORMS:
            raise TransferRefused("只能导入 .csv、.xlsx 或 .jsonl 文件")
        stem = _ODD.sub("_", Path(name.replace("\\", "/")).stem)[:NAME_MOST].lstrip(".") or "orders"
        with self._place():
            await self._make_room()
            run = self._run("import", person, form, f"{stem}.{form}")
            run.dry_run = dry_run
            file = self._folder / run.id / run.file
            try:
                async with asyncio.timeout(UPLOAD_S):
                    await _kept(file, pieces)
            except BaseException as error:
                await self._drop(run.id)
                if isinstance(error, TimeoutError):
                    raise TransferRefused("文件上传过慢，已中断，请重试") from None
                raise
            brought = Brought(
                file=file, form=form, by=person.login, dry_run=dry_run, rules=dict(self._rules())
            )
            self._begin(run, apart(bring_in, self._url, brought))
        return run

    # ------------------------------------------------------------ inside

    @property
    def _url(self) -> str:
        return self._engine.url.render_as_string(hide_password=False)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Hold the one place while something begins."""
        if self._taken or (self._working is not None and not self._working.done()):
            raise Transferring
        self._taken = True
        try:
            yield
        finally:
            self._taken = False

    async def _make_room(self) -> None:
        await self.sweep()
        while len(self._runs) >= KEPT_RUNS:
            await self._drop(next(iter(self._runs)))
        await aside(_folder_at, self._folder)
        if not await aside(_has_room, self._folder):
            raise TransferRefused("服务器磁盘空间不足，请联系管理员")

    def _run(self, kind: str, person: Person, form: str, file: str) -> Transfer:
        run = Transfer(
            id=secrets.token_hex(8), kind=kind, by=person.login, begun=self._clock(), form=form, file=file
        )
        (self._folder / run.id).mkdir(mode=0o700)
        self._runs[run.id] = run
        return run

    def _begin(self, run: Transfer, said: AsyncGenerator[object, None]) -> None:
        self._working = asyncio.create_task(self._follow(run, said), name="transfer")

    async def _follow(self, run: Transfer, said: AsyncGenerator[object, None]) -> None:
        try:
            async with asyncio.timeout(LONGEST_S), aclosing(said):
                async for one in said:
                    self._take(run, one)
                    if run.kind == "export" and not await aside(_has_room, self._folder):
                        run.error = "服务器磁盘空间不足，导出已中断，请缩小范围"
                        return
        except asyncio.CancelledError:
            run.error = "服务器停止，已中断"
            raise
        except TimeoutError:
            run.error = "超过一小时仍未完成，已中断，请缩小范围"
        except (ApartFailed, OSError) as error:
            run.error = ApartFailed.shown
            log.warning("transfer failed", extra={"site": fault_site(error), "reason": str(error)[:200]})
        finally:
            run.state, run.ended = ("failed" if run.error else "done"), self._clock()
            if run.kind == "import" or run.error:
                shutil.rmtree(self._folder / run.id, ignore_errors=True)

    def _take(self, run: Transfer, one: object) -> None:
        match one:
            case ExportProgress():
                run.done = one.done
            case ImportProgress():
                run.done, run.writing = one.done, one.writing
            case ImportTotals():
                run.totals = one
            case RowError():
                run.wrong.append(one)
            case Refused():
                run.error = one.words

    async def sweep(self) -> None:
        """Throw away what is over for an hour."""
        before = self._clock() - KEPT_S
        for run in [run for run in self._runs.values() if run.ended is not None and run.ended <= before]:
            await self._drop(run.id)

    async def _drop(self, run_id: str) -> None:
        self._runs.pop(run_id, None)
        await asyncio.to_thread(shutil.rmtree, self._folder / run_id, ignore_errors=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            await self.sweep()


async def _kept(file: Path, pieces: AsyncIterator[bytes]) -> None:
    """Write what comes. Raises TransferRefused: too much, or nothing."""
    size = 0
    with file.open("xb") as target:
        async for piece in pieces:
            size += len(piece)
            if size > UPLOAD_MOST:
                raise TransferRefused(
                    f"文件超过 {UPLOAD_MOST >> 20} MB，请拆成几个文件，或在服务器上用命令行导入"
                )
            await asyncio.to_thread(target.write, piece)
    if size == 0:
        raise TransferRefused("文件是空的")


def _folder_at(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _has_room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free >= ROOM_LEAST
