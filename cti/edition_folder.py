"""Where a server keeps the editions that it has in force, and what it knows of its own files."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import msgspec

from cti.edition_set import ConfigFiles

__all__ = ["EditionFolder", "KeptState", "files_at_start"]

log = logging.getLogger(__name__)


class KeptState(msgspec.Struct, kw_only=True):
    """What this server knows, kept beside the set."""

    head: int = 0  # id of the newest edition that is written here; 0: none
    files: dict[str, str] = {}  # kind -> mark of this server's own file as it was last seen


class EditionFolder:
    """A folder with the set in force and the state; its methods read and write files."""

    def __init__(self, folder: Path) -> None:
        self.set = folder / "set"
        self._file = folder / "state.json"

    def state(self) -> KeptState:
        """What was kept last; an empty one when there is nothing that can be read."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=KeptState)
        except FileNotFoundError:
            return KeptState()
        except (OSError, msgspec.DecodeError) as error:
            log.warning("state of editions not read", extra={"reason": type(error).__name__})
            return KeptState()

    def keep(self, state: KeptState) -> None:
        """Keep the state for the next start. Raises OSError."""
        fresh = self._file.with_name(f".{self._file.name}.fresh")
        fresh.write_bytes(msgspec.json.encode(state))
        fresh.replace(self._file)


def files_at_start(own: ConfigFiles, folder: Path) -> ConfigFiles:
    """The files that a server starts with: the editions that it had in force last, else its own."""
    kept = EditionFolder(folder)
    if not kept.state().head:
        return own
    files = ConfigFiles.below(kept.set, own.flows.requests)
    # what an older version wrote has no documents of the kinds that were added since
    cases = {kind: path if path.is_file() else own.cases[kind] for kind, path in files.cases.items()}
    return replace(files, cases=cases)
