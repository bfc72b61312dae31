"""Orders with a life behind them, for what reads whole histories."""

from __future__ import annotations

from orders.course_events import CourseEvent
from orders.messages import Channel, DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.records import Order
from orders.store import OrderStore

__all__ = ["FIELDS", "accept", "in_turn"]

FIELDS = {
    "type": "投诉",
    "category": "市容环境/环境卫生/垃圾清运",
    "district": "新城区",
    "contact": "王小明",
    "phone": "13812345678",
    "detail": "8栋2单元603室",
    "title": "垃圾没有清运",
    "summary": "小区门口的垃圾三天没有清运，请打13812345678找王小明",
}


async def accept(
    store: OrderStore,
    order_id: str,
    *course: tuple[CourseEvent, float],
    at: float,
    caller: str = "13812345678",
    call_id: str = "",
    **fields: str,
) -> Order:
    """Accept an order with these fields and go on with its course."""
    events: list[OrderEvent] = [
        DraftOpened(order_id=order_id, call_id=call_id, caller=caller, channel=Channel.PHONE),
        *(FieldEdited(field=name, value=value, agent="chen") for name, value in {**FIELDS, **fields}.items()),
        OrderSubmitted(agent="chen"),
    ]
    order = await store.create(events, order_id=order_id, event_id=f"made:{order_id}", at=at)
    for event, when in course:
        order = await store.apply(order_id, event, at=when)
    return order


def in_turn(*events: CourseEvent, at: float, apart_s: float = 60.0) -> list[tuple[CourseEvent, float]]:
    """Give events their times, the first one so long after `at`."""
    return [(event, at + apart_s * place) for place, event in enumerate(events, 1)]
