"""Citizens who joined an order (并单市民) over several mergers: whoever serves them knows all of them. Pure.

When B is merged into C, all who joined B join C as well, each with a link of their own: C's answer goes to
all of them, its page counts them, and the rules see how many they are. Parting B takes them out of C again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from orders.messages import Draft, LinkKind, OrderLink, OrderLinked, OrderUnlinked
from orders.order_links import merged_into
from orders.records import Order

__all__ = ["MOST_ABOVE", "above_of", "carried_on", "joined_to", "taken_out"]

MOST_ABOVE = 50
"""Mergers one above the other that are followed."""


def joined_to(draft: Draft) -> tuple[OrderLink, ...]:
    """Return the links to those who joined."""
    return tuple(link for link in draft.links if link.kind is LinkKind.JOINED)


def carried_on(draft: Draft, agent: str) -> Iterator[OrderLinked]:
    """Yield what the order is told that takes `draft` up: all who joined it before."""
    for link in joined_to(draft):
        yield OrderLinked(
            other=link.other,
            kind=LinkKind.JOINED,
            agent=agent,
            number=link.number,
            caller=link.caller,
            contact=link.contact,
            phone=link.phone,
            secrecy=link.secrecy,
        )


def taken_out(draft: Draft, above: Draft, agent: str) -> Iterator[OrderUnlinked]:
    """Yield what an order above is told when `draft` is parted: its citizen, and all who came with it."""
    known = {link.other for link in above.links}
    for other in (draft.order_id, *(link.other for link in joined_to(draft))):
        if other in known:
            yield OrderUnlinked(other=other, agent=agent)


async def above_of(order: Order, get: Callable[[str], Awaitable[Order]]) -> tuple[Order, ...]:
    """Return the orders into which this one was merged, the nearest first; the last one answers for all.

    `get` returns an order by its id; what it raises passes through.
    """
    found: list[Order] = []
    seen = {order.draft.order_id}
    into = merged_into(order.draft)
    while into and into not in seen and len(found) < MOST_ABOVE:
        seen.add(into)
        found.append(await get(into))
        into = merged_into(found[-1].draft)
    return tuple(found)
