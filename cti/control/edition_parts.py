"""The configuration's keeper, composed for a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.policy import SHIPPED as SHIPPED_POLICY
from cti import machine
from cti.casework.policy_shelf import PolicyShelf
from cti.control.directory import SHIPPED as SHIPPED_DIRECTORY
from cti.control.directory_shelf import DirectoryShelf
from cti.control.editions import EditionKeeper
from cti.control.reload import Reload, audit_writer
from cti.edition_cases import CASES
from cti.edition_folder import files_at_start
from cti.edition_set import ConfigFiles
from cti.editions import EditionStore
from cti.flowset import FlowFiles
from cti.metrics import Metrics
from cti.prompt_shelf import PromptShelf
from cti.settings import Settings

__all__ = ["compose", "first_files", "named_file", "open_cases"]


def own_files(settings: Settings) -> ConfigFiles:
    """The files that the settings name, or the shipped ones."""
    calls = settings.calls
    return ConfigFiles(
        flows=FlowFiles.of(settings),
        policy=Path(calls.policy) if calls.policy else SHIPPED_POLICY,
        directory=Path(calls.directory) if calls.directory else SHIPPED_DIRECTORY,
        cases={
            kind: Path(named) if (named := named_file(settings, kind)) else one.shipped
            for kind, one in CASES.items()
        },
    )


def named_file(settings: Settings, kind: str) -> str:
    """The file that the settings name for a document about orders, "" for none."""
    section, _, key = CASES[kind].setting.partition(".")
    named: str = getattr(getattr(settings, section), key)
    return named


def first_files(settings: Settings) -> ConfigFiles:
    """The files that a start reads: the editions that were in force last, else the server's own."""
    return files_at_start(own_files(settings), _folder(settings))


def compose(
    settings: Settings,
    engine: AsyncEngine,
    *,
    reload: Reload,
    directory: DirectoryShelf,
    cases: PolicyShelf | None = None,
) -> EditionKeeper:
    """The keeper of a server whose parts began with `first_files`."""
    own, calls = own_files(settings), settings.calls
    shipped = {
        kind
        for kind in own.by_kind()
        if (kind == "policy" and not calls.policy)
        or (kind == "numbers" and not calls.numbers)
        or (kind == "calendar" and not calls.calendar)
        or (kind == "directory" and not calls.directory)
        or (kind.startswith("flow:") and not calls.flows)
        or (kind in CASES and not named_file(settings, kind))
    }
    return EditionKeeper(
        EditionStore(engine),
        own,
        _folder(settings),
        reload=reload,
        directory=directory,
        prompts=PromptShelf(machine.prompts_folder(settings)),
        server=settings.name,
        shipped=frozenset(shipped),
        cases=cases,
    )


def open_cases(
    settings: Settings, engine: AsyncEngine, metrics: Metrics, *, changed: Callable[[], None]
) -> PolicyShelf:
    """The rules about orders that a start begins with. Raises SettingError: a file cannot be used."""
    return PolicyShelf(
        first_files(settings).cases,
        kept=settings.home / "in_force" / "cases",
        metrics=metrics,
        write=audit_writer(engine),
        changed=changed,
    )


def _folder(settings: Settings) -> Path:
    return settings.home / "editions"
