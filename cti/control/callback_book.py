"""Open call-backs in memory: every move is journalled, and shown to the agent it is for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

from acd.callbacks import OPEN, Callback
from cti.callback_records import KeptCallback, data_of
from cti.control.calls import Calls
from cti.messages import CallbackView, EntryKind
from cti.ports import Pages

__all__ = ["CallbackBook"]

CLOSED_MOST = 1000
"""Closed call-backs that are remembered until the database surely has them."""


class CallbackBook:
    """Open call-backs of all servers, as far as this one knows; what it changes is its own from then on."""

    def __init__(
        self, *, calls: Calls, pages: Pages, server: str, queue_titles: Callable[[str], str]
    ) -> None:
        self._calls = calls
        self._pages = pages
        self._server = server
        self._titles = queue_titles
        self._kept: dict[str, KeptCallback] = {}
        self._by_number: dict[str, str] = {}
        self._closed: OrderedDict[str, KeptCallback] = OrderedDict()  # here, not long ago

    def __iter__(self) -> Iterator[Callback]:
        return iter([kept.callback for kept in self._kept.values()])

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, callback_id: str) -> Callback | None:
        """Return an open call-back, or None."""
        kept = self._kept.get(callback_id)
        return kept.callback if kept else None

    def of_number(self, number: str) -> Callback | None:
        """Return the open call-back of a number as `acd.phone_numbers` spells it, or None."""
        return self.find(self._by_number.get(number, "")) if number else None

    def of_call(self, call_id: str) -> Callback | None:
        """Return the open call-back that this call dials or reached, or None."""
        return next((one for one in self if one.call_id == call_id), None) if call_id else None

    def of_agent(self, agent_id: str) -> CallbackView | None:
        """What the page of an agent shows who is reserved, or None."""
        found = next((one for one in self if one.agent_id == agent_id), None)
        return self.view(found) if found else None

    def newest(self, callback_id: str) -> KeptCallback | None:
        """What is known here of a call-back, open or closed not long ago; the database may know more."""
        return self._kept.get(callback_id) or self._closed.get(callback_id)

    def owner(self, callback_id: str) -> str:
        """Name of the server that has it, "" when it is not open."""
        kept = self._kept.get(callback_id)
        return kept.owner if kept else ""

    def owned(self, callback_id: str) -> bool:
        """Whether it is this server's."""
        return self.owner(callback_id) == self._server

    def keep(self, event: str, callback: Callback) -> Callback:
        """Journal a move, and remember it; from now on the call-back is this server's."""
        before = self.find(callback.callback_id)
        data = data_of(event, callback, self._server)
        entry = self._calls.note(callback.callback_id, EntryKind.CALLBACK, data)
        self._put(KeptCallback(callback=callback, owner=self._server, entry_id=entry.entry_id))
        agents = {one.agent_id for one in (before, callback) if one is not None and one.agent_id}
        if agents:
            self._pages.send(agents, self.view(callback))
        return callback

    def refresh(self, stored: Iterable[KeptCallback]) -> None:
        """Take over what the database has of open ones; what was done here since then stays."""
        found = {kept.callback.callback_id: kept for kept in stored}
        for kept in found.values():
            self.refresh_one(kept)
        for callback_id, kept in tuple(self._kept.items()):
            if callback_id not in found and kept.owner != self._server:
                self._drop(callback_id)

    def refresh_one(self, kept: KeptCallback) -> None:
        """Take over what the database has of one, unless something newer is known here."""
        known = self.newest(kept.callback.callback_id)
        if known is None or known.entry_id < kept.entry_id:
            self._put(kept)

    def view(self, callback: Callback) -> CallbackView:
        """What the reserved agent's page is shown."""
        return CallbackView(
            callback_id=callback.callback_id,
            number=callback.number,
            state=callback.state.value,
            origin=callback.origin.value,
            queue=callback.queue,
            queue_title=self._titles(callback.queue),
            since=callback.since,
            last_at=callback.last_at,
            wishes=callback.wishes,
            tries=callback.tries,
            last_result=callback.last_result.value if callback.last_result else "",
            agent_id=callback.agent_id,
            call_id=callback.call_id,
            note=callback.note,
        )

    def _put(self, kept: KeptCallback) -> None:
        callback = kept.callback
        if callback.state not in OPEN:
            self._drop(callback.callback_id)
            self._closed[callback.callback_id] = kept
            if len(self._closed) > CLOSED_MOST:
                self._closed.popitem(last=False)
            return
        self._kept[callback.callback_id] = kept
        if callback.number:
            self._by_number[callback.number] = callback.callback_id

    def _drop(self, callback_id: str) -> None:
        kept = self._kept.pop(callback_id, None)
        if kept is not None and self._by_number.get(kept.callback.number) == callback_id:
            del self._by_number[kept.callback.number]
