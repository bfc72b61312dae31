"""What one order has to do with others: related (关联), merged into one (并单), and undone again. Pure.

Each of two orders is told of the other by an event of its own, so that either chain of events tells the whole
of its order. A merger is undone by two events as well: the closed order is a draft again, the other loses the
citizen who was added.
"""

from __future__ import annotations

from orders.errors import ValueRefused
from orders.fields import check_storable
from orders.messages import Draft, LinkKind, MergeUndone, OrderLink, OrderLinked, OrderMerged, OrderUnlinked

__all__ = ["MAX_LINKS", "LinkEvent", "after", "link_to", "merged_into"]

MAX_LINKS = 200
"""Of one order: a burst pipe brings many callers, an endless list helps nobody."""
MAX_ID = 80
MAX_TEXT = 50

LinkEvent = OrderLinked | OrderUnlinked | OrderMerged | MergeUndone


def link_to(draft: Draft, other: str) -> OrderLink | None:
    """Return the order's link to the order `other`, None without one."""
    return next((link for link in draft.links if link.other == other), None)


def merged_into(draft: Draft) -> str:
    """Return the id of the order this one was merged into, "" when it was not."""
    return next((link.other for link in draft.links if link.kind is LinkKind.MERGED_INTO), "")


def after(draft: Draft, event: LinkEvent, at: float) -> tuple[OrderLink, ...]:
    """Return the order's links after `event`, which happened at `at`; the same ones when nothing changes.

    Raises:
        ValueRefused: the order itself is named, there are too many links, or a text is out of bounds.
    """
    if isinstance(event, OrderLinked):
        if event.kind is LinkKind.MERGED_INTO:
            raise ValueRefused("OrderLinked with merged_into; use OrderMerged", shown="并单方式无效")
        return _with(
            draft,
            OrderLink(
                other=event.other,
                kind=event.kind,
                agent=event.agent,
                at=at,
                number=event.number,
                caller=event.caller,
                contact=event.contact,
                phone=event.phone,
                secrecy=event.secrecy,
            ),
        )
    if isinstance(event, OrderMerged):
        return _with(
            draft,
            OrderLink(
                other=event.into, kind=LinkKind.MERGED_INTO, agent=event.agent, at=at, number=event.number
            ),
        )
    if isinstance(event, OrderUnlinked):
        return tuple(link for link in draft.links if link.other != event.other)
    return tuple(link for link in draft.links if link.kind is not LinkKind.MERGED_INTO)


def _with(draft: Draft, link: OrderLink) -> tuple[OrderLink, ...]:
    _check(draft, link)
    standing = link_to(draft, link.other)
    if standing is not None and standing.kind is link.kind:
        return draft.links
    others = tuple(known for known in draft.links if known.other != link.other)
    if len(others) >= MAX_LINKS:
        raise ValueRefused(
            f"order has {len(others)} links, at most {MAX_LINKS}", shown=f"一张工单最多关联 {MAX_LINKS} 张"
        )
    return (*others, link)


def _check(draft: Draft, link: OrderLink) -> None:
    if link.other == draft.order_id:
        raise ValueRefused("an order is not linked to itself", shown="不能关联到本工单")
    if not 1 <= len(link.other) <= MAX_ID:
        raise ValueRefused(
            f"other has {len(link.other)} characters, expected 1 to {MAX_ID}", shown="工单编号无效"
        )
    for name in ("other", "number", "caller", "contact", "phone", "secrecy"):
        value: str = getattr(link, name)
        if name != "other" and len(value) > MAX_TEXT:
            raise ValueRefused(
                f"{name} has {len(value)} characters, at most {MAX_TEXT}",
                shown=f"内容最多 {MAX_TEXT} 个字",
            )
        check_storable(name, value)
