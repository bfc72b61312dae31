"""The directory: services and units that may be called, and which other numbers agents may dial.

Data that an administrator edits. A file with an error is refused whole, naming file, line, key and remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from cti.errors import HotlineError
from cti.messages import TargetKind
from ivr_flows.errors import FlowFileError
from ivr_flows.yamlfile import YamlFile, read_yaml

__all__ = ["SHIPPED", "Directory", "DirectoryEntry", "DirectoryError", "load_directory"]

SHIPPED = Path(__file__).with_name("directory.yaml")
"""The directory that comes with the product: a sample to be replaced."""

ENTRIES_MAX = 5000

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9*#+]{2,20}$")]


class DirectoryError(HotlineError):
    """The directory cannot be used; the text names file, line, key, value and remedy."""


class DirectoryEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One service or unit."""

    name: Name  # unique; what commands call it
    title: Title  # Chinese name
    kind: Literal["service", "unit"]  # what it is
    number: Number  # what the trunk dials
    categories: tuple[Title, ...] = ()  # of orders that are its business; found by them, too
    one_key: bool = False  # a button of its own
    conference: bool = False  # with one key: joins the talk at once; False: is consulted
    handover: str = ""  # where place and transcript are sent with one key; "": nowhere

    @property
    def target(self) -> TargetKind:
        """Its kind as commands name it."""
        return TargetKind(self.kind)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    entries: Annotated[tuple[DirectoryEntry, ...], msgspec.Meta(max_length=ENTRIES_MAX)]
    outside: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()


class Directory:
    """Entries by name, and the rule for other numbers."""

    def __init__(self, entries: tuple[DirectoryEntry, ...], outside: tuple[re.Pattern[str], ...]) -> None:
        self._entries: Mapping[str, DirectoryEntry] = {entry.name: entry for entry in entries}
        self._outside = outside

    def __iter__(self) -> Iterator[DirectoryEntry]:
        return iter(self._entries.values())

    def find(self, name: str) -> DirectoryEntry | None:
        """The entry of this name, or None."""
        return self._entries.get(name)

    def may_dial(self, number: str) -> bool:
        """Whether agents may dial this number that is in no entry."""
        return any(pattern.fullmatch(number) for pattern in self._outside)


def load_directory(path: Path = SHIPPED) -> Directory:
    """Read a directory. Raises DirectoryError; nothing of a wrong file is used."""
    try:
        file = read_yaml(path)
        data = file.convert(_File)
        for number, entry in enumerate(data.entries):
            _check(file, data, number, entry)
        return Directory(data.entries, tuple(_patterns(file, data)))
    except FlowFileError as error:
        raise DirectoryError(str(error)) from None


def _check(file: YamlFile, data: _File, number: int, entry: DirectoryEntry) -> None:
    key = f"entries[{number}]"
    if any(other.name == entry.name for other in data.entries[:number]):
        raise file.error(f"{key}.name", entry.name, "is there twice: give another name")
    url = urlsplit(entry.handover)
    if entry.handover and (url.scheme not in ("http", "https") or not url.hostname):
        raise file.error(f"{key}.handover", entry.handover, "write an http:// or https:// address")
    if entry.handover and entry.kind != "service":
        raise file.error(f"{key}.handover", entry.handover, "only a service is handed place and transcript")
    if entry.one_key and entry.kind != "service":
        raise file.error(f"{key}.one_key", entry.one_key, "only a service has a button of its own")


def _patterns(file: YamlFile, data: _File) -> Iterator[re.Pattern[str]]:
    for number, text in enumerate(data.outside):
        try:
            yield re.compile(text, re.ASCII)
        except re.error as error:
            raise file.error(
                f"outside[{number}]", text, f"is no regular expression ({error}): correct it"
            ) from None
