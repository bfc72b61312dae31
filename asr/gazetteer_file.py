"""Reading the city's names from a file.

YAML has the lists `districts`, `streets`, `places`, `roads` and `organisations`; each item is a mapping with
`name`, optional `aliases`, and what it lies in: `district` of a street, `street` of a place, `districts` of a
road. Other keys at the top are passed over. CSV has the columns name, kind, parent (and any others); kind is
one of `Kind`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from asr.errors import AsrError

MAX_FILE = 20_000_000
MAX_NAME = 60
MAX_ALIASES = 50
MAX_ENTRIES = 500_000


class Kind(StrEnum):
    """What a name stands for."""

    DISTRICT = "district"  # 区县
    STREET = "street"  # 街道, 乡, 镇
    COMMUNITY = "community"  # 社区, 村
    ESTATE = "estate"  # 小区
    ROAD = "road"  # 路, 街, 大道
    ORGANISATION = "organisation"  # 部门, 企业
    LANDMARK = "landmark"  # any other place: school, hospital, park, market


class GazetteerError(AsrError):
    """A file of names is not as it should be; the text names file, place in it, value and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name of the city."""

    name: str  # full name, e.g. 新华街道
    kind: Kind  # what it stands for
    parents: tuple[str, ...] = ()  # full names of what it lies in; several for a road through districts
    aliases: tuple[str, ...] = ()  # other ways in which people say it


_SECTIONS: Mapping[str, tuple[Kind, tuple[str, ...]]] = {
    "districts": (Kind.DISTRICT, ()),
    "streets": (Kind.STREET, ("district",)),
    "places": (Kind.LANDMARK, ("street", "district")),
    "roads": (Kind.ROAD, ("districts", "district")),
    "organisations": (Kind.ORGANISATION, ()),
}
_PLACE_KINDS: Mapping[str, Kind] = {"小区": Kind.ESTATE, "社区": Kind.COMMUNITY, "村": Kind.COMMUNITY}


def load_entries(path: Path) -> tuple[Entry, ...]:
    """Return the names in a YAML or CSV file.

    Raises:
        GazetteerError: the file cannot be read, is too large, or something in it is not as described above;
            a parent that is in no list, a name that is its own ancestor.
    """
    try:
        size = path.stat().st_size
        content = path.read_text("utf-8-sig") if size <= MAX_FILE else None
    except (OSError, UnicodeDecodeError) as error:
        raise GazetteerError(f"{path}: cannot be read ({error}); give a UTF-8 YAML or CSV file") from error
    if content is None:
        raise GazetteerError(f"{path}: {size} bytes, at most {MAX_FILE}; leave out names of other cities")
    entries = tuple(_from_csv(path, content) if path.suffix.lower() == ".csv" else _from_yaml(path, content))
    if len(entries) > MAX_ENTRIES:
        raise GazetteerError(f"{path}: {len(entries)} names, at most {MAX_ENTRIES}; leave some out")
    _check_parents(path, entries)
    return entries


def _text(path: Path, where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise GazetteerError(f"{path}: {where} is {value!r}; write a name")
    if len(value.strip()) > MAX_NAME:
        raise GazetteerError(f"{path}: {where} has {len(value)} characters, at most {MAX_NAME}; shorten it")
    return value.strip()


def _texts(path: Path, where: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_ALIASES:
        raise GazetteerError(f"{path}: {where} has {len(items)} items, at most {MAX_ALIASES}; leave some out")
    return tuple(_text(path, f"{where}[{index}]", item) for index, item in enumerate(items))


def _from_yaml(path: Path, content: str) -> Iterator[Entry]:
    try:
        document = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise GazetteerError(f"{path}: not YAML ({error}); mend the syntax") from error
    if document is None:
        return
    if not isinstance(document, dict):
        raise GazetteerError(f"{path}: expected a mapping with lists {', '.join(_SECTIONS)}")
    for section, (kind, parent_keys) in _SECTIONS.items():
        items = document.get(section) or []
        if not isinstance(items, list):
            raise GazetteerError(f"{path}: {section} is {type(items).__name__}; write a list of names")
        for index, item in enumerate(items):
            where = f"{section}[{index}]"
            if not isinstance(item, dict):
                raise GazetteerError(f"{path}: {where} is {item!r}; write {{name: …}}")
            parents = [
                parent for key in parent_keys for parent in _texts(path, f"{where}.{key}", item.get(key))
            ]
            yield Entry(
                name=_text(path, f"{where}.name", item.get("name")),
                kind=_PLACE_KINDS.get(str(item.get("kind")), kind) if section == "places" else kind,
                parents=tuple(parents),
                aliases=_texts(path, f"{where}.aliases", item.get("aliases")),
            )


def _from_csv(path: Path, content: str) -> Iterator[Entry]:
    reader = csv.DictReader(io.StringIO(content, newline=""))
    missing = {"name", "kind", "parent"} - set(reader.fieldnames or ())
    if missing and content.strip():
        raise GazetteerError(
            f"{path}: column {', '.join(sorted(missing))} is missing; begin with name,kind,parent"
        )
    for number, row in enumerate(reader, start=2):
        kind = (row["kind"] or "").strip()
        if kind not in set(Kind):
            raise GazetteerError(f"{path}: line {number}: kind is {kind!r}; write one of {', '.join(Kind)}")
        parent = (row["parent"] or "").strip()
        yield Entry(
            name=_text(path, f"line {number}: name", row["name"]),
            kind=Kind(kind),
            parents=(_text(path, f"line {number}: parent", parent),) if parent else (),
        )


def _check_parents(path: Path, entries: tuple[Entry, ...]) -> None:
    parents: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        parents.setdefault(entry.name, entry.parents)
    for entry in entries:
        for parent in entry.parents:
            if parent not in parents:
                raise GazetteerError(
                    f"{path}: {entry.name} lies in {parent!r}, which is in no list; add it or mend the name"
                )
    for name in parents:
        seen: set[str] = set()
        ahead = list(parents[name])
        while ahead:
            above = ahead.pop()
            if above == name:
                raise GazetteerError(f"{path}: {name} lies in itself; mend its parents")
            if above not in seen:
                seen.add(above)
                ahead += parents[above]
