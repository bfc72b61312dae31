"""The city's places for the map in the desk: found by name, and those near a point. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from asr.gazetteer import Entry, Gazetteer, Kind

__all__ = ["Place", "Places"]

NAMES_MOST = 200_000
"""Names that are searched: a district's worth of estates and roads many times over."""
BIG = frozenset({Kind.DISTRICT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One name with where it lies."""

    name: str  # as the gazetteer has it
    kind: str  # asr.gazetteer.Kind
    district: str  # "" when it is not known or there are several
    street: str  # 街道/乡镇, "" when it is not known
    lon: float | None  # degrees east
    lat: float | None  # degrees north


class Places:
    """The names of the gazetteer by letters and by place."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._entries = gazetteer.entries[:NAMES_MOST]

    def named(self, text: str, *, district: str = "", limit: int = 20) -> tuple[Place, ...]:
        """Return places whose name holds `text`, those that begin with it first, then short ones."""
        wanted = text.strip()
        found = [
            entry
            for entry in self._entries
            if any(wanted in name for name in (entry.name, *entry.aliases))
            and (not district or district in (entry.name, *self._gazetteer.districts_of(entry)))
        ]
        found.sort(key=lambda entry: (not entry.name.startswith(wanted), len(entry.name), entry.name))
        return tuple(map(self._place, found[:limit]))

    def near(self, lon: float, lat: float, *, limit: int = 20) -> tuple[Place, ...]:
        """Return the places closest to a point (degrees), the closest first; districts are left out."""
        narrow = math.cos(math.radians(lat))  # a degree of longitude beside one of latitude
        with_point = [
            (((entry.lon - lon) * narrow) ** 2 + (entry.lat - lat) ** 2, entry)
            for entry in self._entries
            if entry.lon is not None and entry.lat is not None and entry.kind not in BIG
        ]
        with_point.sort(key=lambda pair: (pair[0], pair[1].name))
        return tuple(self._place(entry) for _, entry in with_point[:limit])

    def drawn(self, limit: int) -> tuple[Place, ...]:
        """Return places with a point, districts and streets first, for drawing a sketch of the city."""
        order = {Kind.DISTRICT: 0, Kind.STREET: 1}
        with_point = sorted(
            (entry for entry in self._entries if entry.lon is not None and entry.lat is not None),
            key=lambda entry: (order.get(entry.kind, 2), entry.name),
        )
        return self._places(with_point[:limit])

    def _places(self, entries: Iterable[Entry]) -> tuple[Place, ...]:
        return tuple(map(self._place, entries))

    def _place(self, entry: Entry) -> Place:
        districts = self._gazetteer.districts_of(entry)
        own = entry.kind is Kind.DISTRICT
        return Place(
            name=entry.name,
            kind=entry.kind.value,
            district=entry.name if own else districts[0] if len(districts) == 1 else "",
            street=entry.name if entry.kind is Kind.STREET else self._gazetteer.street_of(entry) or "",
            lon=entry.lon,
            lat=entry.lat,
        )
