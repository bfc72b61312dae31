"""What auditors let run: verifications of all orders, one at a time, and seals; the seal of each night."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.casework.apart import ApartFailed, apart
from cti.casework.findings import Finding, Progress, Totals
from cti.casework.sealing import Sealer
from cti.casework.verification import verify
from cti.database import open_engine, writing
from cti.faults import fault_site
from cti.ports import Person
from cti.tasks import end

__all__ = ["Busy", "Oversight", "Verification"]

log = logging.getLogger(__name__)

KEPT_RUNS = 20
KEPT_FINDINGS = 1000
LOOK_S = 300.0
NIGHT_FROM, NIGHT_TO = 1, 5
"""Hours of China between which a night's seal is made."""
SLOW_S = 600.0
CHINA = ZoneInfo("Asia/Shanghai")


class Busy(Exception):
    """A verification runs already; `id` is its id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"verification {run_id} is under way")
        self.id = run_id
        self.shown = "已有一次校验正在进行，请等它结束"


class Verification(msgspec.Struct, kw_only=True):
    """One verification, under way or over."""

    id: str  # which
    by: str  # login
    begun: float  # epoch seconds
    order_id: str  # only this order, "" for all
    since: float | None  # only orders that changed since
    files: bool  # whether contents of files are read
    state: str = "running"  # running, done, failed
    ended: float | None = None  # epoch seconds
    progress: Progress = Progress(done=0, total=0, findings=0)
    findings: list[Finding] = []  # the first thousand
    totals: Totals | None = None  # when done
    error: str = ""  # Chinese, when failed


class Oversight:
    """Verifications begun at this server, and seals."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        leads: Callable[[], bool],
        files: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`leads`: this server does what is done once for all; `files` is the folder of files' contents."""
        self.sealer = Sealer(engine, clock=clock)
        self._engine = engine
        self._leads = leads
        self._files = files
        self._clock = clock
        self._runs: deque[Verification] = deque(maxlen=KEPT_RUNS)
        self._running: asyncio.Task[None] | None = None
        self._nights: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for nights."""
        self._nights = asyncio.create_task(self._look(), name="seals")

    async def stop(self) -> None:
        """Stop, and give up the verification that is under way."""
        await end(self._nights, self._running)

    # ------------------------------------------------------------ verifications

    def runs(self) -> tuple[Verification, ...]:
        """Verifications begun at this server since it started, the newest first; at most twenty."""
        return tuple(reversed(self._runs))

    def run(self, run_id: str) -> Verification | None:
        """One of them."""
        return next((run for run in self._runs if run.id == run_id), None)

    async def begin(
        self,
        person: Person,
        *,
        order_id: str = "",
        since: float | None = None,
        anchor: str = "",
        files: bool = True,
    ) -> Verification:
        """Begin to verify in a process of its own; `files`: their contents, too. Raises Busy."""
        if self._running is not None and not self._running.done():
            raise Busy(self._runs[-1].id)
        run = Verification(
            id=secrets.token_hex(8),
            by=person.login,
            begun=self._clock(),
            order_id=order_id,
            since=since,
            files=files and self._files is not None,
        )
        self._runs.append(run)
        self._running = asyncio.create_task(self._verify(run, anchor), name="verification")
        return run

    async def _verify(self, run: Verification, anchor: str) -> None:
        url = self._engine.url.render_as_string(hide_password=False)
        folder = self._files if run.files else None
        try:
            async for one in apart(_verified, url, run.order_id, run.since, anchor, folder):
                match one:
                    case Finding() if len(run.findings) < KEPT_FINDINGS:
                        run.findings.append(one)
                    case Progress():
                        run.progress = one
                    case Totals():
                        run.totals = one
            await self._note(run)
        except (ApartFailed, SQLAlchemyError) as error:
            run.state, run.error = "failed", ApartFailed.shown
            log.warning("verification failed", extra={"site": fault_site(error), "reason": str(error)[:200]})
        except asyncio.CancelledError:
            run.state, run.error = "failed", "服务器停止，校验中断"
            raise
        else:
            run.state = "done"
        finally:
            run.ended = self._clock()

    async def _note(self, run: Verification) -> None:
        totals = run.totals
        told = {} if totals is None else {"orders": totals.orders, "findings": totals.findings}
        async with writing(self._engine) as connection:
            await audit.note(
                connection,
                at=self._clock(),
                who=run.by,
                what="orders_verified",
                target=run.order_id or "all",
                detail=told,
            )

    # ------------------------------------------------------------ nights

    async def _look(self) -> None:
        while True:
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("orders not sealed", extra={"reason": type(error).__name__})
            except Exception as error:  # a night that fails must not be the last one
                log.error("orders not sealed", extra={"site": fault_site(error)})
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Seal if it is night, this server leads, and nobody has sealed tonight. SQLAlchemy's errors pass."""
        now = datetime.fromtimestamp(self._clock(), CHINA)
        if not self._leads() or not NIGHT_FROM <= now.hour < NIGHT_TO:
            return
        begins = now.replace(hour=NIGHT_FROM, minute=0, second=0, microsecond=0).timestamp()
        newest = await self.sealer.newest(1)
        if not newest or newest[0].at < begins:
            await self.sealer.seal("system")


def _verified(
    url: str, order_id: str, since: float | None, anchor: str, files: Path | None
) -> Iterator[object]:
    """Verify, in another process."""
    engine = open_engine(url, command_limit_s=SLOW_S)
    with asyncio.Runner() as runner:
        found = verify(engine, order_id=order_id, since=since, anchor=anchor, files=files)

        async def step() -> Finding | Progress | Totals | None:
            return await anext(found, None)

        try:
            while (one := runner.run(step())) is not None:
                yield one
        finally:
            runner.run(engine.dispose())
