"""The configuration as editions: every server has the newest published ones in force.

Until somebody publishes in the administration pages, each server reads its own files, as ever. The first
publication takes the files in force as edition 1 of every document. From then on the database counts: each
server writes the newest editions to a folder of its own and takes them up from there, so that a restart
without the database goes on with them. A file that somebody edits afterwards on a server becomes an edition,
too; one that nobody touched never overrules the pages.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from acd.policy import Policy
from cti.casework.policy_shelf import PolicyShelf
from cti.control.directory_shelf import DirectoryShelf
from cti.control.reload import Reload
from cti.edition_folder import EditionFolder
from cti.edition_set import (
    CheckedSet,
    ConfigFiles,
    Documents,
    changed,
    check_set,
    digest,
    kind_is_known,
    write_set,
)
from cti.editions import (
    Change,
    Edition,
    EditionConflict,
    EditionRefused,
    EditionStore,
    HeadMoved,
    Origin,
    check_reason,
)
from cti.faults import fault_site
from cti.filewatch import FileWatch
from cti.prompt_shelf import PromptShelf
from cti.tasks import aside, end
from ivr_flows.check import Problem

__all__ = ["EditionKeeper", "SetRefused"]

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""How often a server asks for newer editions and looks at its own files."""
TRIES = 3
"""How often a set is checked again because something else was published meanwhile."""
KEPT_SETS = 4
"""Checked sets that are remembered, for whoever plays a flow step by step."""


class SetRefused(EditionRefused):
    """The set would be wrong; `problems` says where, and what to do."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)), shown=f"有 {len(problems)} 处错误，未发布")
        self.problems = tuple(problems)


class EditionKeeper:
    """Publishes editions, and puts the newest in force on this server."""

    def __init__(
        self,
        store: EditionStore,
        own: ConfigFiles,
        folder: Path,
        *,
        reload: Reload,
        directory: DirectoryShelf,
        prompts: PromptShelf,
        server: str,
        shipped: frozenset[str] = frozenset(),
        cases: PolicyShelf | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`own` are this server's files, `folder` is where editions are written, `shipped` names the kinds
        whose file came with the program: a newer program never overrules what people published.
        """
        self.store = store
        self.prompts = prompts
        self.problems: tuple[Problem, ...] = ()  # why edited files of this server are no edition
        self._own = own
        self._kept = EditionFolder(folder)
        self._reload = reload
        self._directory = directory
        self._server = server
        self._shipped = shipped
        self._cases = cases
        self._clock = clock
        self._watch = FileWatch(lambda: tuple(self._own.by_kind().values()))
        self._watch.forget()  # what was edited while this server was down is told of, too
        self._state = self._kept.state()
        self._looked = False
        self._applying = asyncio.Lock()
        self._sets: dict[str, CheckedSet] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def managed(self) -> bool:
        """Whether editions, and not this server's files, are in force."""
        return self._state.head > 0

    @property
    def head(self) -> int:
        """Id of the newest edition that this server has taken up; 0: none."""
        return self._state.head

    @property
    def policy(self) -> Policy:
        """The routing policy in force on this server."""
        return self._reload.policies.policy

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._watch_all(), name="editions")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    # ------------------------------------------------------------ what people do

    async def in_force(self) -> tuple[dict[str, str], dict[str, Edition], int]:
        """Every document's text, its newest edition where there is one, and the head they belong to."""
        head = await self.store.head()
        newest = await self.store.newest() if head else {}
        if not newest:
            return await aside(self._own.read), {}, 0
        return await self._documents(newest), newest, head

    async def check(self, changes: Sequence[Change]) -> CheckedSet:
        """Look at the whole set as it would be. Raises EditionRefused for a kind that does not exist."""
        documents, _, _ = await self.in_force()
        return await self._checked(changed(documents, self._known(changes)))

    async def publish(
        self, changes: Sequence[Change], *, author: str, reason: str, origin: Origin = Origin.PAGE
    ) -> tuple[Edition, ...]:
        """Publish documents together, and have them in force on this server when this returns.

        Raises:
            EditionRefused: no reason, nothing changed, or no such kind.
            SetRefused: the set would be wrong.
            EditionConflict: somebody published the same document meanwhile.
        """
        reason = check_reason(reason)
        for _ in range(TRIES):
            documents, newest, head = await self.in_force()
            self._refuse_stale(self._known(changes), newest)
            after = changed(documents, changes)
            if after == documents and not any(change.audio for change in changes):
                raise EditionRefused("nothing is different", shown="内容没有变化")
            checked = await self._checked(after)
            if checked.fatal:
                raise SetRefused(checked.fatal)
            baseline = (
                [] if head else [Change(kind=kind, text=text, base=0) for kind, text in documents.items()]
            )
            baseline += await aside(self.prompts.baseline, changes, newest)
            if head:
                baseline += await self._first_cases(changes, newest)
            first = {one.kind for one in baseline}
            try:
                published = await self.store.publish(
                    [replace(one, base=1) if one.kind in first else one for one in changes],
                    author=author,
                    reason=reason,
                    origin=origin,
                    head=head,
                    baseline=baseline,
                )
            except HeadMoved:
                continue
            log.info("edition published", extra={"kinds": [one.kind for one in published]})
            try:
                await self._take_newest()
            except (OSError, ValueError, RuntimeError) as error:  # published all the same; `look` tries again
                log.error("edition not taken up yet", extra={"reason": type(error).__name__})
            return published
        raise EditionRefused("others publish all the time", shown="其他人正在发布，请稍后再试")

    async def back(self, kind: str, number: int, *, author: str, reason: str) -> Edition:
        """Publish an older edition again, as a new one.

        Raises like `publish`, and EditionUnknown: there is no such edition.
        """
        older = await self.store.one(kind, number)
        newest = (await self.store.newest())[kind]
        change = Change(
            kind=kind,
            text=older.text,
            base=newest.number,
            removed=older.removed,
            audio=await self.store.audio(kind, number) if older.audio else None,
        )
        return (await self.publish([change], author=author, reason=reason, origin=Origin.BACK))[0]

    async def _documents(self, newest: Mapping[str, Edition]) -> dict[str, str]:
        """The newest texts; of kinds that this version added, the server's own until one is published."""
        own = {kind: path for kind, path in self._own.cases.items() if kind not in newest}
        texts = await aside(lambda: {kind: path.read_text(encoding="utf-8") for kind, path in own.items()})
        return {**texts, **{kind: one.text for kind, one in newest.items() if not one.removed}}

    async def _first_cases(self, changes: Sequence[Change], newest: Mapping[str, Edition]) -> list[Change]:
        """Documents of kinds that this version added, as they are before the first edition of them."""
        documents = await self._documents(newest)
        new = {change.kind for change in changes} & self._own.cases.keys() - newest.keys()
        return [Change(kind=kind, text=documents[kind], base=0) for kind in sorted(new)]

    def _known(self, changes: Sequence[Change]) -> Sequence[Change]:
        for change in changes:
            if not kind_is_known(change.kind):
                raise EditionRefused(f"no document {change.kind!r}", shown="没有这种配置", field="kind")
        return changes

    def _refuse_stale(self, changes: Sequence[Change], newest: Mapping[str, Edition]) -> None:
        for change in changes:
            there = newest.get(change.kind)
            if there is not None and there.number != change.base:
                raise EditionConflict(there)

    async def _checked(self, documents: Documents) -> CheckedSet:
        queues = sorted(self._reload.flows.queues())
        today = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC).date()
        mark = digest(msgspec.json.encode([sorted(documents.items()), queues, str(today)]).decode())
        if mark not in self._sets:
            requests = self._own.flows.requests
            found = await aside(check_set, documents, requests=requests, today=today, queues_in_use=queues)
            while len(self._sets) >= KEPT_SETS:
                self._sets.pop(next(iter(self._sets)))
            self._sets[mark] = found
        return self._sets[mark]

    # ------------------------------------------------------------ what the server does

    async def look(self) -> None:
        """Take up newer editions, and this server's files where somebody edited them."""
        managed = await self._take_newest()
        if managed and await aside(self._watch.look):
            await self._files_edited()
            self._watch.judge()

    async def _take_newest(self) -> bool:
        """Take up newer editions; False: there are none, and this server's files count."""
        async with self._applying:
            head = await self.store.head()
            if head and (head != self._state.head or not self._looked):
                await self._apply(head)
                self._looked = True
        return head > 0

    async def _apply(self, head: int) -> None:
        newest = await self.store.newest()
        documents = await self._documents(newest)
        files = ConfigFiles.below(self._kept.set, self._own.flows.requests)

        def write() -> None:
            write_set(documents, self._kept.set)

        await self._take_recordings(newest)  # before flows that may name them
        await self._reload.take_up(write, files.flows, files.policy, files.manifest)
        await self._directory.read_from(files.directory)
        if self._cases is not None:
            await self._cases.take_up(files.cases)
        first = not self._state.head
        self._state.head = head
        if first:
            self._state.files = await aside(self._marks)
        await aside(self._kept.keep, self._state)
        log.info("editions in force", extra={"head": head})

    async def _take_recordings(self, newest: Mapping[str, Edition]) -> None:
        for one in newest.values():
            if one.audio and not await aside(self.prompts.has, one.kind, one.id):
                wav = await self.store.audio(one.kind, one.number)
                if wav is not None:
                    await aside(self.prompts.take, one.kind, one.id, one.text, wav)

    async def _files_edited(self) -> None:
        """Make editions of the files that say something else than when they were last seen."""
        texts = await aside(self._own.read)
        newest = await self.store.newest()
        changes = []
        for kind, text in texts.items():
            if self._state.files.get(kind) == digest(text):
                continue
            there = newest.get(kind)
            if there is None and kind not in self._state.files and kind in self._own.cases:
                continue  # a kind that this version added: nobody has edited it
            if there is not None and there.text == text and not there.removed:
                continue
            if kind in self._shipped and there is not None and there.origin is not Origin.FILE:
                log.info("newer file of the program passed over", extra={"kind": kind})
                continue
            changes.append(Change(kind=kind, text=text, base=there.number if there else 0))
        if changes:
            try:
                await self.publish(
                    changes,
                    author="system",
                    reason=f"服务器 {self._server} 上的文件被修改",
                    origin=Origin.FILE,
                )
            except SetRefused as refused:
                self.problems = refused.problems
                told = [f"{one.file}:{one.line} {one.key}: {one.remedy}" for one in refused.problems[:20]]
                log.error("edited files are no edition", extra={"problems": told})
                return
            except EditionRefused as refused:
                log.warning("edited files are no edition", extra={"reason": str(refused)})
                return
        self.problems = ()
        self._state.files = {kind: digest(text) for kind, text in texts.items()}
        await aside(self._kept.keep, self._state)

    def _marks(self) -> dict[str, str]:
        return {kind: digest(text) for kind, text in self._own.read().items()}

    async def _watch_all(self) -> None:
        while True:
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.debug("editions not looked at", extra={"reason": type(error).__name__})
            except Exception as error:  # a look that fails must not be the last one
                log.error("looking at editions failed", extra={"site": fault_site(error)})
            await asyncio.sleep(LOOK_S)
