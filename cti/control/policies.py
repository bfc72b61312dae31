"""The routing policy in force; a file that changes is taken up while serving, or refused whole.

A policy that takes away a queue that flows in force send callers to is refused, too: add the new queue,
change the flows, and then remove the old one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from acd.errors import RouterError
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
    ) -> None:
        """Read the file as it is now; `use` is not called for this first one.

        `use` puts a policy in force (and may refuse it with a RouterError), `queues_needed` are the queues
        that flows in force name, `changed` is told the new version.
        Raises PolicyError or OSError.
        """
        self._file = file
        self._use = use
        self._queues_needed = queues_needed
        self._changed = changed
        self._watch = FileWatch(lambda: (file,))
        self._policy, self.version = read_policy(file)
        self._titles: Mapping[str, str] = _titles(self._policy)
        self.problem = ""  # why the newest file is not in force

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

    async def look(self) -> None:
        """See whether the file changed, and take it up if nothing is wrong with it."""
        if not await aside(self._watch.look):
            return
        try:
            policy, version = await aside(read_policy, self._file)
            if version != self.version:
                self._take(policy, version)
            self.problem = ""
        except (RouterError, PolicyUnfit, OSError) as error:
            self.problem = str(error)
            log.error("policy refused, the one before stays in force", extra={"problem": self.problem})
        self._watch.judge()

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
