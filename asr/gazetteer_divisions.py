"""The official divisions of one city: its districts, streets and villages (2023), shipped with us."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from asr.gazetteer_rows import Entry, GazetteerError, Kind

DIVISIONS = Path(__file__).parent / "data" / "divisions.zip"
"""See divisions.md beside it."""
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
_DIRECT = "90"
"""Counties that lie in no city of their province have codes such as 429004."""
_ENDINGS = {"@": "社区", "%": "村"}


def city_entries(code: str) -> tuple[str, tuple[Entry, ...]]:
    """Return the city's name and its districts, streets and villages.

    `code`: of the city, four digits or six with zeros (4301, 430100), 110000 and the like for a municipality,
    429004 for a city that lies directly in its province.

    Raises:
        GazetteerError: there is no such city; the message lists some that there are.
    """
    wanted = _wanted(code)
    lines = _province(wanted[:2], code)
    name = lines.get(wanted)
    if name is None or (len(wanted) == 2 and wanted not in _MUNICIPALITIES):
        cities = [f"{key} {value[0]}" for key, value in lines.items() if len(key) == 4]
        raise GazetteerError(f"city code {code!r} is no city; take one of {', '.join(cities)}")
    return name[0], tuple(_entries(lines, wanted))


def _wanted(code: str) -> str:
    if re.fullmatch("[1-9][0-9]([0-9]{2}){0,2}", code) is None:
        raise GazetteerError(f"city code is {code!r}; write four or six digits, such as 430100")
    wanted = code
    while len(wanted) > 2 and wanted.endswith("00"):
        wanted = wanted[:-2]
    if len(wanted) == 6 and wanted[2:4] != _DIRECT:
        raise GazetteerError(f"city code {code!r} is a district's; write its city's, {wanted[:4]}00")
    return wanted


def _province(province: str, code: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return name and villages of every division of a province, by code."""
    try:
        with zipfile.ZipFile(DIVISIONS) as archive:
            if f"{province}.txt" not in archive.namelist():
                raise GazetteerError(f"city code is {code!r}; no province begins with {province}")
            text = archive.read(f"{province}.txt").decode("gb18030")
    except (OSError, zipfile.BadZipFile) as error:
        raise GazetteerError(f"{DIVISIONS}: cannot be read ({error}); restore it") from error
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for line in text.splitlines():
        key, name, *villages = line.split(" ")
        found[key] = name, tuple(villages[0].split(",")) if villages and villages[0] else ()
    return found


def _entries(lines: dict[str, tuple[str, tuple[str, ...]]], city: str) -> Iterator[Entry]:
    taken: dict[str, int] = {}
    for key, (name, _) in lines.items():
        if key.startswith(city) and len(key) == 9:
            taken[name] = taken.get(name, 0) + 1
    for key, (name, villages) in lines.items():
        if not key.startswith(city):
            continue
        if len(key) == 6:
            yield Entry(name=name, kind=Kind.DISTRICT)
        elif len(key) == 9:
            district = lines[key[:6]][0]
            yield Entry(name=name, kind=Kind.STREET, parents=(district,))
            path = name if taken[name] == 1 else f"{district}/{name}"
            full = dict.fromkeys(map(_village, villages))
            yield from (
                Entry(name=village, kind=Kind.COMMUNITY, parents=(path,))
                for village in full
                if "虚拟" not in village
            )


def _village(written: str) -> str:
    ending = _ENDINGS.get(written[-1])
    return written if ending is None else written[:-1] + ending
