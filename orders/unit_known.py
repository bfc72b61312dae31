"""Which names orders may be given to: units of the city's table, once it has one. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from orders.course_events import CourseEvent, DisputeRuled, JointSet, OrderDispatched
from orders.course_messages import Course
from orders.errors import ValueRefused
from orders.unit_table import Unit

__all__ = ["UnitNames"]

_FILLED = re.compile(r"\\\{(?:district|street)\\\}")


class UnitNames:
    """The names of a table of units; a table that is empty knows every name."""

    def __init__(self, units: Iterable[Unit]) -> None:
        names = [unit.name for unit in units]
        self.names = frozenset(name for name in names if "{" not in name)
        self._patterns = tuple(
            re.compile(_FILLED.sub("[^{}]{1,50}", re.escape(name))) for name in names if "{" in name
        )
        self._free = not names

    @property
    def imported(self) -> bool:
        """Whether the city has a table of its own."""
        return not self._free

    def knows(self, name: str) -> bool:
        """Whether orders may be given to this name."""
        return self._free or name in self.names or any(pattern.fullmatch(name) for pattern in self._patterns)

    def check(self, event: CourseEvent, course: Course) -> None:
        """Let an event through that gives the order to units that exist; who has a part already may keep it.

        Raises:
            ValueRefused: a unit is not in the table; says which ones have a name like it.
        """
        if not isinstance(event, OrderDispatched | DisputeRuled | JointSet):
            return
        kept = {joint.unit for joint in course.joint}
        lead = () if isinstance(event, JointSet) else (event.lead,)
        for name in (*lead, *(unit for unit in event.joint if unit not in kept)):
            if not self.knows(name):
                like = difflib.get_close_matches(name[:100], sorted(self.names), n=3, cutoff=0.5)
                hint = f"，是否为{'、'.join(like)}" if like else ""
                raise ValueRefused(
                    "the unit is not in the table of units",
                    shown=f"单位表里没有“{name[:100]}”（可能已撤销或改名）{hint}，请重新选择承办单位",
                )
