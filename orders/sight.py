"""Which orders somebody may see at all (row-level access). Pure; `orders.rows` asks a database the same."""

from __future__ import annotations

from orders.lifecycle import value_of
from orders.messages import OrderField
from orders.records import Order, Sight

__all__ = ["Sight", "sees"]


def sees(sight: Sight, order: Order) -> bool:
    """Whether an order is open to whoever has this sight."""
    course = order.draft.course
    if sight.units is not None:
        parts = () if course is None else (course.lead, *(joint.unit for joint in course.joint))
        if sight.units.isdisjoint(parts):
            return False
    own = bool(sight.own) and order.agent == sight.own
    return sight.districts is None or own or value_of(order.draft, OrderField.DISTRICT) in sight.districts
