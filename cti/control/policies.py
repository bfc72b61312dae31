"""The routing policy in force; a file that changes is taken up while serving, or refused whole.

A policy that takes away a queue that flows in force send callers to is refused, too: add the new queue,
change the flows, and then remove the old one.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from acd.errors import PolicyError, RouterError
from acd.policy import Policy, parse_policy
from cti.errors import HotlineError
from cti.filewatch import FileWatch
from cti.tasks import aside

log = logging.getLogger(__name__)

VERSION_DIGITS = 12


class PolicyUnfit(HotlineError):
    """A valid policy that does not go together with the flows in force; the message says why."""


def read_policy(file: Path) -> tuple[Policy, str]:
    """A policy and its version, which changes with what the file says.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
        OSError: the file cannot be read.
    """
    raw = file.read_bytes()
    return parse_policy(raw, name=str(file)), hashlib.sha256(raw).hexdigest()[:VERSION_DIGITS]


class Policies:
    """Holds the policy in force and puts the next one there."""

    def __init__(
        self,
        file: Path,
        *,
        use: Callable[[Policy], None],
        queues_needed: Callable[[], Collection[str]],
        changed: Callable[[str], None],
        kept: Path | None = None,
    ) -> None:
        """Read the file as it is now; `use` is not called for this first one.

        `use` puts a policy in force (and may refuse it with a RouterError), `queues_needed` are the queues
        that flows in force name, `changed` is told the new version. What comes into force is copied to the
        file `kept`; a start with a file that cannot be used goes on with that copy.
        Raises PolicyError or OSError: there is none.
        """
        self._file = file
        self._use = use
        self._queues_needed = queues_needed
        self._changed = changed
        self._watch = FileWatch(lambda: (self._file,))
        self._kept = kept
        self.problem = ""  # why the newest file is not in force
        self._policy, self.version = self._first()
        self._titles: Mapping[str, str] = _titles(self._policy)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def queues(self) -> Collection[str]:
        """Names of the queues in force."""
        return self._titles.keys()

    def title(self, queue: str) -> str:
        """Chinese name of a queue; its own name when the policy does not have it (any more)."""
        return self._titles.get(queue, queue)

    def read_from(self, file: Path) -> None:
        """Look at this file from now on; what it says is taken up like any change."""
        self._file = file

    async def look(self) -> None:
        """See whether the file changed, and take it up if nothing is wrong with it."""
        if not await aside(self._watch.look):
            return
        try:
            policy, version = await aside(read_policy, self._file)
            if version != self.version:
                self._take(policy, version)
                await aside(self._keep)
            self.problem = ""
        except (RouterError, PolicyUnfit, OSError) as error:
            self._refuse(error)
        self._watch.judge()

    def _first(self) -> tuple[Policy, str]:
        """The file as it is now, else the policy that was in force last."""
        try:
            first = read_policy(self._file)
        except (PolicyError, OSError) as error:
            if self._kept is None or not self._kept.is_file():
                raise
            self._refuse(error)
            return read_policy(self._kept)
        self._keep()
        return first

    def _refuse(self, error: Exception) -> None:
        self.problem = str(error)
        log.error("policy refused, the one before stays in force", extra={"problem": self.problem})

    def _keep(self) -> None:
        """Copy what is in force, for a start at which the file is broken."""
        if self._kept is None:
            return
        fresh = self._kept.with_name(f".{self._kept.name}.fresh")
        try:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._file, fresh)
            read_policy(fresh)
            fresh.replace(self._kept)
        except (PolicyError, OSError) as error:  # edited meanwhile, or the disk is full: the copy stays
            log.warning("policy in force not copied", extra={"reason": type(error).__name__})

    def _take(self, policy: Policy, version: str) -> None:
        gone = sorted(set(self._queues_needed()) - {queue.name for queue in policy.queues})
        if gone:
            raise PolicyUnfit(
                f"{self._file}: queues: flows in force send callers to {', '.join(gone)}: "
                "keep the queue, or change the flows first"
            )
        self._use(policy)
        self._policy, self.version, self._titles = policy, version, _titles(policy)
        log.info("policy taken up", extra={"version": version})
        self._changed(version)


def _titles(policy: Policy) -> Mapping[str, str]:
    return {queue.name: queue.title for queue in policy.queues}
