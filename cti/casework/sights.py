"""Which rows are open to whom: by unit with all that is below it, by district, by role."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from cti.messages import Role
from cti.ports import Person
from orders.privacy import PrivacyPolicy, covered_secrecies
from orders.privacy_file import shipped_privacy
from orders.records import Sight
from orders.unit_known import UnitNames
from orders.unit_store import UnitStore
from orders.unit_table import Unit

__all__ = ["Sights", "above", "below"]

KEPT_S = 5.0
"""So long a table of units that was read is used."""


def below(units: Iterable[Unit], top: str) -> frozenset[str]:
    """Return `top` and every unit below it."""
    children: dict[str, list[str]] = {}
    for unit in units:
        children.setdefault(unit.parent, []).append(unit.name)
    found, waiting = {top}, [top]
    while waiting:
        for name in children.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return frozenset(found)


def above(units: Iterable[Unit], names: Iterable[str]) -> frozenset[str]:
    """Return every unit above one of `names`."""
    parents = {unit.name: unit.parent for unit in units}
    found: set[str] = set()
    for name in names:
        parent = parents.get(name, "")
        while parent and parent not in found:
            found.add(parent)
            parent = parents.get(parent, "")
    return frozenset(found)


class Sights:
    """Says what is open to a person. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self,
        store: UnitStore,
        *,
        privacy: Callable[[], PrivacyPolicy] = shipped_privacy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`privacy` returns the rules in force."""
        self._store = store
        self._privacy = privacy
        self._clock = clock
        self._read_at = -KEPT_S
        self._units: tuple[Unit, ...] = ()
        self._names = UnitNames(())

    async def units(self) -> tuple[Unit, ...]:
        """Return the units, at most `KEPT_S` old."""
        if self._clock() - self._read_at >= KEPT_S:
            self._units = await self._store.units()
            self._names = UnitNames(self._units)
            self._read_at = self._clock()
        return self._units

    async def names(self) -> UnitNames:
        """Return the names that orders may be given to, at most `KEPT_S` old."""
        await self.units()
        return self._names

    def forget(self) -> None:
        """The table has changed: read it again when it is needed."""
        self._read_at = self._clock() - KEPT_S

    async def units_of(self, person: Person) -> frozenset[str]:
        """Return the units for which a person may act: their own and those below it; none for other roles."""
        if person.role is not Role.UNIT or not person.unit:
            return frozenset()
        return below(await self.units(), person.unit)

    async def of(self, person: Person) -> Sight | None:
        """Return what is open to a person, None for everything."""
        districts = frozenset(person.districts) or None
        units = await self.units_of(person) if person.role is Role.UNIT else None
        covered = covered_secrecies(self._privacy(), person.viewed_as or person.role.value)
        if units is None and districts is None and not covered:
            return None
        own = person.login if person.role is Role.AGENT else ""  # a call may come from any district
        return Sight(units=units, districts=districts, own=own, covered=covered)
