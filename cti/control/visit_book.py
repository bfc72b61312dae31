"""Visits that something happens to now, in memory: every move is journalled."""

from __future__ import annotations

from collections.abc import Iterator

from cti.control.calls import Calls
from cti.messages import EntryKind
from cti.visit_records import KeptVisit, data_of
from orders.visits import Visit, VisitState

__all__ = ["VisitBook"]

FRESH_S = 600.0
"""What was moved so recently may be newer here than in the database."""
ACTIVE = frozenset({VisitState.DIALLING, VisitState.TALKING})


class VisitBook:
    """The newest snapshot of visits that this server moved; the database has all others."""

    def __init__(self, *, calls: Calls, server: str) -> None:
        self._calls = calls
        self._server = server
        self._kept: dict[str, KeptVisit] = {}
        self._moved_at: dict[str, float] = {}

    def __iter__(self) -> Iterator[Visit]:
        return iter([kept.visit for kept in self._kept.values()])

    def find(self, visit_id: str) -> Visit | None:
        """Return a visit that is known here, or None."""
        kept = self._kept.get(visit_id)
        return kept.visit if kept else None

    def keep(self, event: str, visit: Visit) -> Visit:
        """Journal a move, and remember it."""
        entry = self._calls.note(visit.visit_id, EntryKind.VISIT, data_of(event, visit, self._server))
        self._kept[visit.visit_id] = KeptVisit(visit=visit, owner=self._server, entry_id=entry.entry_id)
        self._moved_at[visit.visit_id] = self._calls.now()
        return visit

    def newest(self, stored: KeptVisit) -> KeptVisit:
        """What the database has of a visit, unless something newer is known here."""
        known = self._kept.get(stored.visit.visit_id)
        if known is not None and known.entry_id >= stored.entry_id:
            return known
        if known is not None:  # another server has moved it since
            self._kept[stored.visit.visit_id] = stored
        return stored

    def prune(self) -> None:
        """Forget what the database has long had."""
        before = self._calls.now() - FRESH_S
        for visit_id, at in tuple(self._moved_at.items()):
            if at < before and self._kept[visit_id].visit.state not in ACTIVE:
                del self._kept[visit_id], self._moved_at[visit_id]
