"""Orders made as a whole, outside the database, by the rules, policy and chain of `orders.store`. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from orders import chain, lifecycle
from orders.course_policy import NoPolicy, OrderPolicy
from orders.errors import PolicyRuns
from orders.messages import OrderEvent, OrderSubmitted
from orders.records import Order
from orders.rows import columns_of
from orders.store import FOLLOWING_MOST
from orders.store_steps import happened_to

__all__ = ["Lived", "lived", "order_columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """One order and the rows of its events."""

    order: Order
    rows: tuple[dict[str, Any], ...]  # columns of `order_events`


def lived(
    order_id: str,
    steps: Iterable[tuple[OrderEvent, float]],
    *,
    event_id: str,
    number: str = "",
    policy: OrderPolicy | None = None,
) -> Lived:
    """Return the order that these (event, epoch seconds) make, with all that policy says follows from them.

    `number` is what `OrderSubmitted` gives it; event ids are `event_id` and a place. Raises OrderError.
    """
    policy = policy or NoPolicy()
    order: Order | None = None
    rows: list[dict[str, Any]] = []
    for step, at in steps:
        waiting, done = deque([step]), 0
        while waiting:
            done += 1
            if done > FOLLOWING_MOST:
                raise PolicyRuns(type(step).__name__, FOLLOWING_MOST)
            event, before = waiting.popleft(), order
            if before is not None:
                event = policy.stamped(before, event, at)
            draft = lifecycle.apply(None if before is None else before.draft, event, at)
            if before is not None and draft is before.draft:
                continue
            given = number if isinstance(event, OrderSubmitted) else ""
            link = chain.salted(
                chain.Link(
                    order_id=order_id,
                    seq=draft.version,
                    event_id=f"{event_id}+{len(rows)}" if rows else event_id,
                    at=float(at),
                    kind=chain.kind_of(event),
                    data=chain.encode(event, number=given) if given else chain.encode(event),
                    actor=chain.actor_of(event),
                    prev_hash=rows[-1]["hash"] if rows else chain.FIRST,
                )
            )
            rows.append({**asdict(link), "hash": chain.digest(link)})
            order = happened_to(before, draft, event, at, given)
            waiting.extend(policy.following(before, order, event, at))
    if order is None:
        raise ValueError("an order begins with its first event")
    return Lived(order=order, rows=tuple(rows))


def order_columns(order: Order) -> dict[str, Any]:
    """Return all columns of `orders` for a new row."""
    return {
        "id": order.draft.order_id,
        "call_id": order.draft.call_id,
        "caller": order.caller,
        "channel": order.draft.channel.value,
        "created_at": order.created_at,
        **columns_of(order),
    }
