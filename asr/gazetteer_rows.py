"""Reading the city's names from a file, and writing them.

YAML has the lists `districts`, `streets`, `places`, `roads` and `organisations`; each item is a mapping with
`name`, optional `aliases`, `lon` and `lat`, and what it lies in: `district` of a street, `street` of a place,
`districts` of a road. Other keys at the top are passed over. CSV has the columns name, kind, parent and,
where wanted, lon, lat and aliases (any others are passed over); kind is one of `Kind`, several parents or
aliases are separated by `|`. A parent's name that several entries have is told apart by what it lies in:
甲区/和平街道.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from asr.errors import AsrError

MAX_FILE = 40_000_000
MAX_NAME = 60
MAX_ALIASES = 50
MAX_ENTRIES = 500_000
COLUMNS = ("name", "kind", "parent", "lon", "lat", "aliases")
_LON = (73.0, 136.0)
_LAT = (3.0, 54.0)
"""Degrees between which China lies."""


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
    parents: tuple[str, ...] = ()  # what it lies in, by name or 甲区/和平街道; several for a road
    aliases: tuple[str, ...] = ()  # other ways in which people say it
    lon: float | None = None  # degrees east, None when it is not known
    lat: float | None = None  # degrees north, None when it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry and where it was written."""

    entry: Entry
    where: str  # "city.csv: line 7", for messages


_SECTIONS: Mapping[str, tuple[Kind, tuple[str, ...]]] = {
    "districts": (Kind.DISTRICT, ()),
    "streets": (Kind.STREET, ("district",)),
    "places": (Kind.LANDMARK, ("street", "district")),
    "roads": (Kind.ROAD, ("districts", "district")),
    "organisations": (Kind.ORGANISATION, ()),
}
_PLACE_KINDS: Mapping[str, Kind] = {"小区": Kind.ESTATE, "社区": Kind.COMMUNITY, "村": Kind.COMMUNITY}


def read_rows(path: Path) -> tuple[Row, ...]:
    """Return the names in a YAML or CSV file, each with where it stands; parents are not looked at.

    Raises:
        GazetteerError: the file cannot be read, is too large, or a value in it is not as described above.
    """
    try:
        size = path.stat().st_size
        content = path.read_text("utf-8-sig") if size <= MAX_FILE else None
    except (OSError, UnicodeDecodeError) as error:
        raise GazetteerError(f"{path}: cannot be read ({error}); give a UTF-8 YAML or CSV file") from error
    if content is None:
        raise GazetteerError(f"{path}: {size} bytes, at most {MAX_FILE}; leave out names of other cities")
    rows = tuple(_from_csv(path, content) if path.suffix.lower() == ".csv" else _from_yaml(path, content))
    if len(rows) > MAX_ENTRIES:
        raise GazetteerError(f"{path}: {len(rows)} names, at most {MAX_ENTRIES}; leave some out")
    return rows


def written(entries: Iterable[Entry]) -> str:
    """Return the entries as CSV, which `read_rows` reads back."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow(
            (
                entry.name,
                entry.kind.value,
                "|".join(entry.parents),
                "" if entry.lon is None else f"{entry.lon:.7g}",
                "" if entry.lat is None else f"{entry.lat:.7g}",
                "|".join(entry.aliases),
            )
        )
    return out.getvalue()


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise GazetteerError(f"{where} is {value!r}; write a name")
    text = value.strip()
    if len(text) > MAX_NAME:
        raise GazetteerError(f"{where} has {len(text)} characters, at most {MAX_NAME}; shorten it")
    if any(character < " " or "\ue000" <= character <= "\uf8ff" for character in text):
        raise GazetteerError(f"{where} is {text!r}, with characters that cannot be read; remove them")
    return text


def _texts(where: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_ALIASES:
        raise GazetteerError(f"{where} has {len(items)} items, at most {MAX_ALIASES}; leave some out")
    return tuple(_text(f"{where}[{index}]", item) for index, item in enumerate(items))


def _split(where: str, value: str | None) -> tuple[str, ...]:
    items = [item for item in (value or "").split("|") if item.strip()]
    return _texts(where, items)


def _point(where: str, lon: object, lat: object) -> tuple[float, float] | tuple[None, None]:
    """Return the coordinates, none when both are empty."""
    texts = ["" if value is None else str(value).strip() for value in (lon, lat)]
    if texts == ["", ""]:
        return None, None
    numbers: list[float] = []
    for key, text, (low, high) in zip(("lon", "lat"), texts, (_LON, _LAT), strict=True):
        try:
            number = float(text)
        except ValueError:
            raise GazetteerError(
                f"{where}: {key} is {text!r}; write both lon and lat in degrees, or neither"
            ) from None
        if not low <= number <= high:
            raise GazetteerError(
                f"{where}: {key} is {text}, China lies between {low:g} and {high:g}; "
                "write degrees, lon east and lat north (are they swapped?)"
            )
        numbers.append(round(number, 6))
    return numbers[0], numbers[1]


def _from_yaml(path: Path, content: str) -> Iterator[Row]:
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
            where = f"{path}: {section}[{index}]"
            if not isinstance(item, dict):
                raise GazetteerError(f"{where} is {item!r}; write {{name: …}}")
            parents = [parent for key in parent_keys for parent in _texts(f"{where}.{key}", item.get(key))]
            lon, lat = _point(where, item.get("lon"), item.get("lat"))
            entry = Entry(
                name=_text(f"{where}.name", item.get("name")),
                kind=_PLACE_KINDS.get(str(item.get("kind")), kind) if section == "places" else kind,
                parents=tuple(parents),
                aliases=_texts(f"{where}.aliases", item.get("aliases")),
                lon=lon,
                lat=lat,
            )
            yield Row(entry=entry, where=where)


def _from_csv(path: Path, content: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(content, newline=""))
    try:
        missing = {"name", "kind", "parent"} - set(reader.fieldnames or ())
        if missing and content.strip():
            raise GazetteerError(
                f"{path}: column {', '.join(sorted(missing))} is missing; begin with name,kind,parent"
            )
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            kind = (row["kind"] or "").strip()
            if kind not in set(Kind):
                raise GazetteerError(f"{where}: kind is {kind!r}; write one of {', '.join(Kind)}")
            lon, lat = _point(where, row.get("lon"), row.get("lat"))
            entry = Entry(
                name=_text(f"{where}: name", row["name"]),
                kind=Kind(kind),
                parents=_split(f"{where}: parent", row["parent"]),
                aliases=_split(f"{where}: aliases", row.get("aliases")),
                lon=lon,
                lat=lat,
            )
            yield Row(entry=entry, where=where)
    except csv.Error as error:
        raise GazetteerError(f"{path}: line {reader.line_num}: not CSV ({error}); mend it") from error
