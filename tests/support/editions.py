"""Servers that share editions: real files, real shelves, one database."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.policy import SHIPPED as SHIPPED_POLICY
from acd.policy import Policy
from cti.casework.policy_shelf import PolicyShelf
from cti.control.directory import SHIPPED as SHIPPED_DIRECTORY
from cti.control.directory_shelf import DirectoryShelf
from cti.control.editions import EditionKeeper
from cti.control.flows import Version
from cti.control.reload import AuditLine, Reload
from cti.edition_cases import CASES, case_files
from cti.edition_folder import files_at_start
from cti.edition_set import ConfigFiles
from cti.editions import Change, Edition, EditionStore
from cti.flowset import FlowFiles
from cti.metrics import Metrics
from cti.prompt_shelf import PromptShelf
from ivr_flows.loader import SHIPPED_CALENDAR, SHIPPED_FLOWS, SHIPPED_NUMBERS
from ivr_flows.speech import AUDIO

__all__ = ["NOW", "ConfigServer", "own_files"]

NOW = 1_790_000_000.0


def own_files(folder: Path) -> ConfigFiles:
    """A server's own copy of the shipped files."""
    flows = Path(shutil.copytree(SHIPPED_FLOWS, folder / "flows"))
    numbers = Path(shutil.copy(SHIPPED_NUMBERS, folder / "numbers.yaml"))
    calendar = Path(shutil.copy(SHIPPED_CALENDAR, folder / "calendar.yaml"))
    return ConfigFiles(
        flows=FlowFiles(folder=flows, numbers=numbers, calendar=calendar, requests=frozenset()),
        policy=Path(shutil.copy(SHIPPED_POLICY, folder / "policy.yaml")),
        directory=Path(shutil.copy(SHIPPED_DIRECTORY, folder / "directory.yaml")),
        cases={
            kind: Path(shutil.copy(path, folder / CASES[kind].file)) for kind, path in case_files().items()
        },
    )


@dataclass
class ConfigServer:
    """What one server has of its configuration."""

    engine: AsyncEngine
    own: ConfigFiles
    home: Path
    shipped: frozenset[str] = frozenset()
    calls: list[Version] = field(default_factory=list)  # versions that calls in progress are in
    used: list[Policy] = field(default_factory=list)  # policies that came into force, after the first

    def __post_init__(self) -> None:
        first = files_at_start(self.own, self.home / "editions")
        self.reload = Reload(
            first.flows,
            first.policy,
            use=self.used.append,
            in_progress=lambda: self.calls,
            metrics=Metrics(),
            write=self._write,
            changed=lambda: None,
            clock=lambda: NOW,
            kept=self.home / "in_force",
            manifest=first.manifest,
        )
        self.directory = DirectoryShelf(first.directory)
        self.cases = PolicyShelf(
            first.cases, kept=self.home / "in_force" / "cases", metrics=Metrics(), write=self._write
        )
        self.sounds = self.home / "sounds"
        if not self.sounds.is_dir():
            self.sounds.mkdir(parents=True)
            shutil.copy(AUDIO / "greeting.wav", self.sounds)
        self.keeper = EditionKeeper(
            EditionStore(self.engine, clock=lambda: NOW),
            self.own,
            self.home / "editions",
            reload=self.reload,
            directory=self.directory,
            prompts=PromptShelf(self.sounds),
            server=self.home.name,
            shipped=self.shipped,
            cases=self.cases,
            clock=lambda: NOW,
        )

    async def _write(self, _line: AuditLine) -> bool:
        return True

    def text(self, kind: str) -> str:
        """What this server's own file says."""
        return self.own.by_kind()[kind].read_text(encoding="utf-8")

    async def publish(
        self, kind: str, old: str, new: str, *, by: str = "admin", reason: str = "测试需要"
    ) -> Edition:
        """Change one word of a document and publish it."""
        documents, newest, _ = await self.keeper.in_force()
        assert old in documents[kind]
        base = newest[kind].number if kind in newest else 0
        change = Change(kind=kind, text=documents[kind].replace(old, new), base=base)
        return (await self.keeper.publish([change], author=by, reason=reason))[0]

    def edit(self, kind: str, old: str, new: str) -> None:
        """Edit this server's own file, as an operator does."""
        path = self.own.by_kind()[kind]
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    async def looks(self, times: int = 3) -> None:
        """Let time pass: everything that looks at files does so."""
        for _ in range(times):
            await self.keeper.look()
            await self.reload.look()
