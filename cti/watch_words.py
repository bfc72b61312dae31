"""Words that captions flag: danger in what citizens say, what agents must not say. Data, checked whole."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from cti.errors import SettingError

__all__ = ["SHIPPED", "WatchGroup", "WatchWords", "load_watch_words"]

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).with_name("watch_words.yaml")
FILE_MAX = 200_000
REMEDY = "compare with the shipped cti/watch_words.yaml"
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Told = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchGroup:
    """Words that mean the same to whoever reads along."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,40}$")]  # for programs
    who: Literal["citizen", "agent"]  # whose sentence it is
    level: Literal["danger", "warning"]  # act now, or have a care
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]  # what the flag says, Chinese
    hint: Told  # what to do, Chinese
    words: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1, max_length=500)]  # any of them


_GROUPS = Annotated[tuple[WatchGroup, ...], msgspec.Meta(max_length=50)]


def load_watch_words(path: Path) -> tuple[WatchGroup, ...]:
    """Read the groups. Raises SettingError naming the file and what is wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > FILE_MAX:
            raise SettingError("calls.words", str(path), f"more than {FILE_MAX} characters; {REMEDY}")
        groups = msgspec.convert(yaml.safe_load(text), _GROUPS, strict=True)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise SettingError("calls.words", str(path), f"{error}; {REMEDY}") from None
    names = [group.name for group in groups]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SettingError("calls.words", str(path), f"name {sorted(twice)[0]!r} twice; {REMEDY}")
    return groups


class WatchWords:
    """The list in force; a changed file is taken up when somebody asks next, unless it is wrong."""

    def __init__(self, path: Path = SHIPPED) -> None:
        """Raises SettingError."""
        self._path = path
        self._groups = load_watch_words(path)
        self._stamp = _stamp(path)

    def groups(self) -> tuple[WatchGroup, ...]:
        """Return the groups in force."""
        stamp = _stamp(self._path)
        if stamp is not None and stamp != self._stamp:
            self._stamp = stamp
            try:
                self._groups = load_watch_words(self._path)
            except SettingError as error:
                log.error("watch words refused, those of before go on", extra={"reason": str(error)})
        return self._groups


def _stamp(path: Path) -> tuple[float, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime, found.st_size
