"""Looks after the files that administrators edit while the server runs: policy and flows.

Every change that comes into force, and every set that was refused, becomes a line in the audit trail; while
the database is away the lines wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.policy import Policy
from cti import audit
from cti.control.flows import FlowShelf, Version
from cti.control.policies import Policies
from cti.database import writing
from cti.faults import fault_site
from cti.flowset import FlowFiles
from cti.metrics import Metrics
from cti.tasks import aside, end
from ivr_flows.speech import MANIFEST

LOOK_S = 2.0
"""How often the files are looked at; a change counts when two looks see the same."""

WRITE_S = 2.0
"""Longest that writing one line may take."""

WAITING_LINES = 200
"""Audit lines that wait for the database at most; the oldest go first."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """Something that happened to the files; who edited them is not known, so it is noted as "system"."""

    at: float  # epoch seconds
    what: str  # flows_changed, flows_refused, policy_changed, policy_refused
    target: str  # version, or the first file that is wrong
    detail: dict[str, object]  # what changed, or how many problems there are


Write = Callable[[AuditLine], Awaitable[bool]]
"""Writes one line; False: the database is away, try again."""


def audit_writer(engine: AsyncEngine) -> Write:
    """Writes lines into the audit trail."""

    async def write(line: AuditLine) -> bool:
        try:
            async with asyncio.timeout(WRITE_S), writing(engine) as connection:
                await audit.note(
                    connection,
                    at=line.at,
                    who="system",
                    what=line.what,
                    target=line.target,
                    detail=line.detail,
                )
        except (SQLAlchemyError, OSError, TimeoutError):
            return False
        return True

    return write


class Reload:
    """Policy and flows, looked at together."""

    def __init__(
        self,
        files: FlowFiles,
        policy_file: Path,
        *,
        use: Callable[[Policy], None],
        in_progress: Callable[[], Iterable[Version]],
        metrics: Metrics,
        write: Write,
        changed: Callable[[], None],
        clock: Callable[[], float] = time.time,
        kept: Path | None = None,
        manifest: Path = MANIFEST,
    ) -> None:
        """Read everything as it is now.

        `use` puts a policy in force, `in_progress` are the versions of flows that calls are in, `changed`
        is told when `refused` becomes different. What is in force is copied to the folder `kept` and used by
        a start at which the files are broken. `manifest` holds the prompts that flows may name.
        Raises PolicyError, FlowFileError, OSError: there is no copy.
        """
        self._metrics = metrics
        self._write = write
        self._changed = changed
        self._now = clock
        self._lines: deque[AuditLine] = deque(maxlen=WAITING_LINES)
        self._told: tuple[str, ...] = ()
        self._wrong: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self.policies = Policies(
            policy_file,
            use=use,
            queues_needed=lambda: self.flows.queues(),
            changed=self._policy_changed,
            kept=kept / "policy.yaml" if kept else None,
        )
        self.flows = FlowShelf(
            files,
            policy=lambda: self.policies.policy,
            in_progress=in_progress,
            now=clock,
            changed=self._flows_changed,
            unknown=metrics.unknown_numbers.inc,
            kept=kept / "flows" if kept else None,
            manifest=manifest,
        )

    @property
    def refused(self) -> tuple[str, ...]:
        """Which of "flows" and "policy" have newer files that were refused."""
        return self._told

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._watch(), name="reload")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    def _flows_changed(self, names: Collection[str]) -> None:
        """Flows came into force."""
        self._metrics.reloads.labels(part="flows", result="taken").inc()
        self._note("flows_changed", " ".join(names), {"changed": list(names)})

    def _policy_changed(self, version: str) -> None:
        """A policy came into force."""
        self._metrics.reloads.labels(part="policy", result="taken").inc()
        self._note("policy_changed", version, {"version": version})

    async def take_up(
        self, write: Callable[[], None], files: FlowFiles, policy_file: Path, manifest: Path
    ) -> None:
        """Let `write` put newer files there, and take them up at once; from now on these are looked at.

        Raises what `write` does; what is wrong with the files is refused as always.
        """
        async with self._looking:
            await aside(write)
            self.policies.read_from(policy_file)
            self.flows.read_from(files, manifest)
            await self._look()
            await self._look()  # a change counts when two looks see the same

    async def look(self) -> None:
        """Look once at everything: the policy first, because flows name its queues."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        await self.policies.look()
        await self.flows.look()
        problems = self.flows.problems
        first = f"{problems[0].file}:{problems[0].line} {problems[0].key}" if problems else ""
        self._judge("policy", self.policies.problem, {"problem": self.policies.problem[:500]})
        self._judge("flows", "\n".join(map(str, problems)), {"problems": len(problems), "first": first})
        refused = tuple(part for part in ("flows", "policy") if part in self._wrong)
        if refused != self._told:
            self._told = refused
            self._changed()
        await self._write_lines()

    def _judge(self, part: str, wrong: str, detail: dict[str, object]) -> None:
        """Note a refusal once, however often the same files are looked at."""
        self._metrics.refused.labels(part=part).set(1 if wrong else 0)
        if wrong and self._wrong.get(part) != wrong:
            self._metrics.reloads.labels(part=part, result="refused").inc()
            self._note(f"{part}_refused", part, detail)
        if wrong:
            self._wrong[part] = wrong
        else:
            self._wrong.pop(part, None)

    def _note(self, what: str, target: str, detail: dict[str, object]) -> None:
        self._lines.append(AuditLine(at=self._now(), what=what, target=target, detail=detail))

    async def _write_lines(self) -> None:
        while self._lines and await self._write(self._lines[0]):
            self._lines.popleft()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception as error:  # a look that fails must not be the last one
                log.error("looking at edited files failed", extra={"site": fault_site(error)})
