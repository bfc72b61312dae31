"""Which further orders a live call has beside its main one, and when one more is sure enough. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

UPDATES = 2
"""A further matter must be read in so many updates of the draft in a row before an order is opened for it."""


@dataclass(slots=True)
class _Call:
    ids: list[str] = field(default_factory=list)  # in the order in which the matters came up
    withdrawn: list[str] = field(default_factory=list)  # opened for what turned out to be none
    by_hand: set[str] = field(default_factory=set)  # an agent wanted them, whatever the machine reads
    seen: int = 0  # updates in a row in which one more matter was read than there are orders


class FurtherOrders:
    """Ids of further orders by the main order's id."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}

    def of(self, main: str) -> tuple[str, ...]:
        """Return the further orders of a call, in the order in which they came up."""
        call = self._calls.get(main)
        return () if call is None else tuple(call.ids)

    def add(self, main: str, order_id: str, *, by_hand: bool = False) -> None:
        """One more order was opened for this call."""
        call = self._calls.setdefault(main, _Call())
        call.ids.append(order_id)
        call.seen = 0
        if by_hand:
            call.by_hand.add(order_id)

    def by_hand(self, main: str, order_id: str) -> bool:
        """Whether an agent wanted this order."""
        call = self._calls.get(main)
        return call is not None and order_id in call.by_hand

    def withdraw(self, main: str, order_id: str) -> None:
        """What the order was opened for is no further matter after all."""
        call = self._calls[main]
        call.ids.remove(order_id)
        call.withdrawn.append(order_id)

    def another(self, main: str, matters: int) -> bool:
        """Take note that so many further matters were read; tell whether one more order is to be opened."""
        known = self._calls.get(main)
        if known is None and matters == 0:
            return False
        call = known or self._calls.setdefault(main, _Call())
        call.seen = call.seen + 1 if matters > len(call.ids) else 0
        return call.seen >= UPDATES

    def forget(self, main: str) -> tuple[str, ...]:
        """The call is over; return every order that was opened for it."""
        call = self._calls.pop(main, None)
        return () if call is None else (*call.ids, *call.withdrawn)
