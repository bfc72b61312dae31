"""The rules about accepted orders in force: time limits, calendar, supervision, answers, automatic dispatch.

Files that change are taken up while serving, all together or not at all; what they say replaces the rules
whole, so that no order is looked at with half of an old and half of a new set. What is in force is copied,
and a start over broken files goes on with the copies.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from cti.casework.case_rules import CaseRules, read_rules
from cti.control.reload import AuditLine, Write
from cti.edition_cases import CASES
from cti.errors import SettingError
from cti.faults import fault_site
from cti.filewatch import FileWatch
from cti.metrics import Metrics
from cti.tasks import aside, end
from orders.course_policy import CoursePolicy
from orders.policy_file import PolicyError
from orders.workdays import YearNote

__all__ = ["AHEAD_S", "PolicyShelf"]

log = logging.getLogger(__name__)

LOOK_S = 1.0
WAITING_LINES = 100
AHEAD_S = 60 * 86400.0
"""A calendar that ends within so much time is spoken of."""
PART = "cases"


class PolicyShelf:
    """See the module."""

    def __init__(
        self,
        files: Mapping[str, Path],
        *,
        kept: Path,
        metrics: Metrics,
        write: Write,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the files (kind -> file) as they are now; `kept` is the folder of the copies.

        `changed` is told when `refused` becomes different. Raises SettingError: a file cannot be used, and
        there is no copy of it.
        """
        self._files = dict(files)
        self._kept = kept
        self._metrics = metrics
        self._write = write
        self._changed: Callable[[], None] = lambda: None  # nobody is told of the first look
        self._clock = clock
        self._lines: deque[AuditLine] = deque(maxlen=WAITING_LINES)
        self._watch = FileWatch(lambda: tuple(self._files.values()))
        self._looking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.problem = ""  # why the newest files are not in force
        self.on_rules: list[Callable[[CaseRules], None]] = []  # told when other rules come into force
        self.rules = self._first()
        if not self.problem:
            self._keep()
        self.policy = CoursePolicy(self.rules.course)
        self._changed = changed

    @property
    def refused(self) -> tuple[str, ...]:
        """`PART` while newer files are refused."""
        return (PART,) if self.problem else ()

    @property
    def notes(self) -> tuple[YearNote, ...]:
        """Years that time limits already reach, or will soon, for which the calendar is not the last word."""
        now = self._clock()
        return self.policy.rules.keeper.days.notes(now, now + AHEAD_S)

    def start(self) -> None:
        """Begin to look at the files."""
        self._task = asyncio.create_task(self._run(), name="case-policy")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    async def take_up(self, files: Mapping[str, Path]) -> None:
        """Let these be the files from now on, and take them up at once (they lie still already)."""
        async with self._looking:
            self._files = dict(files)
            self._watch.forget()
            await self._look()
            await self._look()  # a change counts when two looks see the same

    async def look(self) -> None:
        """See whether a file changed, and take all up if nothing is wrong with any."""
        async with self._looking:
            await self._look()

    # ------------------------------------------------------------ inside

    async def _look(self) -> None:
        if await aside(self._watch.look):
            try:
                found = await aside(read_rules, self._files)
            except (PolicyError, OSError) as error:
                self._refuse(error)
            else:
                self._take(found)
                await aside(self._keep)
            self._watch.judge()
        while self._lines and await self._write(self._lines[0]):
            self._lines.popleft()

    def _take(self, found: CaseRules) -> None:
        if self.problem:
            self.problem = ""
            self._metrics.refused.labels(part=PART).set(0)
            self._changed()
        new = sorted(kind for kind, mark in found.marks.items() if self.rules.marks.get(kind) != mark)
        if not new:
            return
        self.rules = found
        self.policy.rules = found.course  # whole: nobody sees half of it
        for tell in self.on_rules:
            tell(found)
        self._metrics.reloads.labels(part=PART, result="taken").inc()
        self._note("cases_changed", " ".join(new), {"changed": new})
        log.info("rules about orders taken up", extra={"changed": new})

    def _refuse(self, error: Exception) -> None:
        told = str(error)
        if told == self.problem:
            return
        self.problem = told
        self._metrics.refused.labels(part=PART).set(1)
        self._metrics.reloads.labels(part=PART, result="refused").inc()
        self._note("cases_refused", PART, {"problem": told[:500]})
        log.error("rules about orders refused, those before stay in force", extra={"problem": told})
        self._changed()

    def _note(self, what: str, target: str, detail: dict[str, object]) -> None:
        self._lines.append(AuditLine(at=self._clock(), what=what, target=target, detail=detail))

    def _first(self) -> CaseRules:
        """The files as they are now; instead of those that cannot be used, what was in force last."""
        files = dict(self._files)
        for kind, path in self._files.items():
            try:
                read_rules({**{name: one.shipped for name, one in CASES.items()}, kind: path})
            except (PolicyError, OSError) as error:
                copy = self._kept / CASES[kind].file
                if not copy.is_file():
                    raise SettingError(CASES[kind].setting, str(path), str(error)) from error
                self._refuse(error)
                files[kind] = copy
        try:
            return read_rules(files)
        except (PolicyError, OSError) as error:
            raise SettingError("orders", str(self._kept), str(error)) from error

    def _keep(self) -> None:
        """Copy what is in force, for a start at which files are broken."""
        try:
            self._kept.mkdir(parents=True, exist_ok=True)
            for kind, raw in self.rules.texts.items():
                path = self._kept / CASES[kind].file
                if not path.is_file() or path.read_bytes() != raw:
                    fresh = path.with_name(f".{path.name}.fresh")
                    fresh.write_bytes(raw)
                    fresh.replace(path)
        except OSError as error:  # the disk is full: the copy of before stays
            log.warning("rules in force not copied", extra={"reason": type(error).__name__})

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception as error:  # a look that fails must not be the last one
                log.error("looking at rules about orders failed", extra={"site": fault_site(error)})
