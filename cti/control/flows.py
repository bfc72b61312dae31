"""The flows in force, and those that calls in progress began with; changed files are taken up while serving.

A set with an error is refused whole: it is logged with file, line and key, shown in health and metrics, and
what was in force before stays so, until the files are mended.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from acd.policy import Policy
from cti.filewatch import FileWatch
from cti.flowset import FlowFiles, FlowsRefused, problem_of, queues_named
from cti.tasks import aside
from ivr_flows.check import Problem
from ivr_flows.errors import FlowFileError
from ivr_flows.loader import Flows
from ivr_flows.schema import Flow
from ivr_flows.speech import MANIFEST, PromptError, load_manifest

log = logging.getLogger(__name__)

Version = tuple[str, str]
"""name and version of a flow"""

TOLD = 20
"""problems of one set that are logged"""


class FlowShelf:
    """Gives out flows: the newest to new calls, the one they began with to calls in progress."""

    def __init__(
        self,
        files: FlowFiles,
        *,
        policy: Callable[[], Policy],
        in_progress: Callable[[], Iterable[Version]],
        now: Callable[[], float],
        changed: Callable[[Collection[str]], None],
        unknown: Callable[[], None] = lambda: None,
        kept: Path | None = None,
        manifest: Path = MANIFEST,
    ) -> None:
        """Load the files as they are now.

        `policy` is the routing policy in force, `in_progress` the versions that live calls are in, `now`
        epoch seconds; `changed` is told the names of flows that are new, different or gone, and "numbers"
        and "calendar"; `unknown` counts calls to numbers that the table does not have. What comes into force
        is copied to the folder `kept`; a start with files that cannot be used at all goes on with that copy.
        `manifest` holds the prompts that flows may name.
        Raises FlowFileError: there is none. What a check finds beyond that is only logged.
        """
        self._files = files
        self._policy = policy
        self._in_progress = in_progress
        self._now = now
        self._changed = changed
        self._unknown = unknown
        self._manifest = manifest
        self._watch = FileWatch(lambda: (*self._files.paths(), self._manifest))
        self._kept = kept
        self._checked_under = policy()
        self.problems: tuple[Problem, ...] = ()  # why the newest files are not in force
        self._flows = self._first()

    @property
    def flows(self) -> Flows:
        """The set in force: called numbers, calendars, and all flows."""
        return self._flows

    def for_number(self, called: str) -> Flow:
        """The flow for a new call to this number; the default one for numbers that are not in the table."""
        if not self._flows.known(called):
            self._unknown()
        return self._flows.for_number(called)

    def named(self, name: str, version: str = "") -> Flow | None:
        """The flow of this name in the version that a call began with, else the one in force, or None."""
        return self._flows.version(name, version) or self._flows.named(name)

    def read_from(self, files: FlowFiles, manifest: Path) -> None:
        """Look at these files from now on; what they say is taken up like any change."""
        self._files, self._manifest = files, manifest

    def queues(self) -> Collection[str]:
        """Every queue that flows in force send callers to."""
        return queues_named(self._flows)

    async def look(self) -> None:
        """See whether the files changed, and take them up if nothing is wrong with them."""
        self._let_go()
        policy = self._policy()
        if self.problems and policy is not self._checked_under:
            self._watch.forget()  # what was refused may be right under the new policy
        self._checked_under = policy
        if not await aside(self._watch.look):
            return
        try:
            fresh = await aside(self._load, policy)
        except FlowsRefused as refused:
            self._refuse(refused.problems)
        else:
            self._take(fresh)
            await aside(self._keep)
        self._watch.judge()

    def _let_go(self) -> None:
        """Forget versions that no call is in any more."""
        if self._flows.earlier:
            needed = set(self._in_progress())
            earlier = {version: flow for version, flow in self._flows.earlier.items() if version in needed}
            self._flows = replace(self._flows, earlier=earlier)

    def _load(self, policy: Policy) -> Flows:
        try:
            prompts = load_manifest(self._manifest).prompts
        except (PromptError, OSError) as error:
            problem = Problem(file=str(self._manifest), line=1, key="prompts", value="", remedy=str(error))
            raise FlowsRefused([problem]) from error
        today = datetime.datetime.fromtimestamp(self._now(), datetime.UTC).date()
        return self._files.load_checked(policy, prompts, today)

    def _take(self, fresh: Flows) -> None:
        before = self._flows
        self._flows = fresh.after(before, self._in_progress())
        self.problems = ()
        changed = [
            name
            for name in sorted({*before.by_name, *fresh.by_name})
            if _version(before.named(name)) != _version(fresh.named(name))
        ]
        if (before.entries, before.default) != (fresh.entries, fresh.default):
            changed.append("numbers")
        if before.calendars != fresh.calendars:
            changed.append("calendar")
        if changed:
            log.info("flows taken up", extra={"changed": changed})
            self._changed(changed)

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        told = [f"{one.file}:{one.line} {one.key}: {one.remedy}" for one in problems[:TOLD]]
        log.error("flows refused, those before stay in force", extra={"problems": told})

    def _first(self) -> Flows:
        """The files as they are now, else those that were in force last."""
        try:
            flows = self._files.load()
        except FlowFileError as error:
            copy = self._files.kept_in(self._kept) if self._kept else None
            if copy is None or not copy.folder.is_dir():
                raise
            flows = copy.load()
            self._refuse((problem_of(error),))
            return flows
        self._tell_flaws()
        self._keep()
        return flows

    def _keep(self) -> None:
        """Copy what is in force, for a start at which the files are broken."""
        if self._kept is None:
            return
        try:
            self._files.copy_to(self._kept)
        except (FlowFileError, OSError) as error:
            log.warning("flows in force not copied", extra={"reason": type(error).__name__})

    def _tell_flaws(self) -> None:
        """A start is not held up by a missing prompt, but it is said."""
        try:
            self._load(self._checked_under)
        except FlowsRefused as refused:
            told = [f"{one.file}:{one.line} {one.key}" for one in refused.problems[:TOLD]]
            log.warning(
                "flows in force have problems; hotline flows check names them", extra={"problems": told}
            )


def _version(flow: Flow | None) -> str:
    return flow.version if flow is not None else ""
