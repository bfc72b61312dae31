"""Waves of calls at work: the leading server reads what drafts and orders say and looks for waves.

Drafts of every server, also those of citizens who still wait, reach the database within moments through the
journal; so whichever server leads sees them all, and one that begins to lead goes on where the last one was.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from cti.burst_store import BurstStore, KeptBurst
from cti.control.alert_watch import Topics, only_in_charge
from cti.control.shelf import Shelf
from cti.messages import BurstView, EntryKind, ServerMessage
from cti.ports import Person
from orders.bursts import BurstFinder, BurstPolicy, Mention

__all__ = ["BurstWatch", "concerns"]

log = logging.getLogger(__name__)

TOPIC = "alerts"
OVERLAP_S = 30.0
"""Orders changed so long before the last look are read again: another server's journal may come late."""


class Journal(Protocol):
    """Where it is noted that an order belongs to a wave (cti.control.calls)."""

    def note(self, call_id: str, kind: EntryKind, data: Mapping[str, object]) -> object:
        """Write one entry."""


class BurstWatch:
    """Looks for waves, shows them, and keeps what people do about them."""

    def __init__(
        self,
        store: BurstStore,
        policy: BurstPolicy,
        *,
        pages: Topics,
        journal: Journal,
        leads: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        """`leads`: whether this server is the one that looks."""
        self.policy = policy
        self.store = store
        self._pages = pages
        self._journal = journal
        self._leads = leads
        self._now = clock
        self._finder: BurstFinder | None = None
        self._read_at = 0.0
        self._salt = secrets.token_bytes(16)
        self.shelf: Shelf[KeptBurst] = Shelf(store.recent, self._changed)

    @property
    def open(self) -> tuple[KeptBurst, ...]:
        """Waves that are not over and that nobody dismissed."""
        return tuple(one for one in self.shelf.rows if one.over_at is None and one.state != "dismissed")

    def use(self, policy: BurstPolicy) -> None:
        """Look by this policy from now on; waves that were found go on."""
        if policy != self.policy:
            self.policy = policy
            self._finder = None  # begins anew with what is kept

    async def look(self) -> None:
        """Read what is known of waves, and look for more when this server leads."""
        known = await self.shelf.look()
        if not self._leads():
            self._finder = None
            return
        try:
            if self._finder is None:
                if known:
                    await self._begin()
                return
            await self._go_on(self._finder)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("orders cannot be read for waves", extra={"reason": type(error).__name__})

    def opening(self, person: Person, _topic: str) -> tuple[ServerMessage, ...]:
        """What a page that begins to watch is told."""
        only_in_charge(person)
        return tuple(one.view() for one in reversed(self.open) if concerns(person, one.district))

    async def link(self, burst_id: str, order_ids: Sequence[str], *, by: str) -> int:
        """Somebody says that these orders are one wave; each is marked in the journal. Returns how many."""
        fresh = await self.store.mark(burst_id, order_ids, by=by)
        for one in fresh:
            values = {"burst_id": burst_id, "order_id": one.order_id, "by": by}
            self._journal.note(one.call_id, EntryKind.NOTE, {"kind": "burst", "values": values})
        return len(fresh)

    # ------------------------------------------------------------ inside

    async def _begin(self) -> None:
        now = self._now()
        finder = BurstFinder(self.policy)
        going_on = [one for one in self.shelf.rows if one.over_at is None]
        also = [order_id for one in going_on for order_id in one.orders][:2000]
        said, _ = await self.store.mentions(
            changed_since=0.0, begun_since=now - self.policy.window_s, also=also
        )
        finder.restore([one.burst() for one in going_on], map(self._hashed, said), now)
        self._finder, self._read_at = finder, now

    async def _go_on(self, finder: BurstFinder) -> None:
        now = self._now()
        said, given_up = await self.store.mentions(
            changed_since=self._read_at - OVERLAP_S, begun_since=now - 2 * self.policy.window_s
        )
        self._read_at = now
        for mention in said:
            finder.take(self._hashed(mention), now)
        for order_id in given_up:
            finder.withdraw(order_id)
        if changes := finder.changes(now):
            await self.store.keep(changes)
            await self.shelf.look()

    def _hashed(self, mention: Mention) -> Mention:
        """The engine needs to tell callers apart, not to know them."""
        if not mention.caller:
            return mention
        digest = hashlib.blake2b(mention.caller.encode(), key=self._salt, digest_size=8).hexdigest()
        return replace(mention, caller=digest)

    def _changed(self, before: tuple[KeptBurst, ...], after: tuple[KeptBurst, ...]) -> None:
        known = {one.burst_id: one.view() for one in before}
        for one in reversed(after):
            view: BurstView = one.view()
            if known.get(one.burst_id) != view and (one.burst_id in known or one.over_at is None):
                self._pages.tell(TOPIC, view, only=partial(_of_district, one.district))


def concerns(person: Person, district: str) -> bool:
    """Whether a wave in this 区县 is the person's to see."""
    return not person.districts or district in person.districts


def _of_district(district: str, person: Person) -> bool:
    return concerns(person, district)
