"""How many orders a second are submitted and moved on, by several writers at once, by the shipped rules."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.parts import shipped_policy
from orders.course_events import FollowedUp, OrderDispatched, OrderSigned, WorkNoted
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.store import OrderStore

__all__ = ["WRITERS", "Written", "submission", "write"]

WRITERS = 8
UNIT = "南湖区第3承办单位"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written."""

    submissions: float  # whole orders a second: opened, seven fields, submitted, clocks set
    moves: float  # moves of accepted orders a second: dispatched, signed, noted, followed up
    writers: int  # at once


def submission(order_id: str, number: int) -> list[OrderEvent]:
    """Return the events of one order as it is brought in."""
    place = f"银桂花园{number % 60 + 1}栋"
    values = {
        "type": "投诉", "category": "生态环境/噪声", "district": "南湖区", "place": place, "contact": "王伟",
        "title": f"关于{place}夜间噪声问题的诉求",
        "summary": f"市民来电，反映{place}楼下烧烤店夜间经营，噪声很大，多次反映没有结果，请相关部门处理。",
    }  # fmt: skip
    opened = DraftOpened(order_id=order_id, call_id=f"c{order_id[:16]}", caller=f"138{number % 10**8:08d}")
    edits = [FieldEdited(field=field, value=value, agent="1001") for field, value in values.items()]
    return [opened, *edits, OrderSubmitted(agent="1001")]


async def write(engine: AsyncEngine, *, seconds: float, writers: int = WRITERS) -> Written:
    """Write for `seconds` each; a statement's answer is waited for as a page would."""
    store = OrderStore(engine, policy=shipped_policy())
    made: list[str] = []

    async def submit(until: float) -> None:
        while time.perf_counter() < until:
            order_id = uuid.uuid4().hex
            await store.create(
                submission(order_id, len(made)), order_id=order_id, event_id=f"bench:{order_id}"
            )
            made.append(order_id)

    moved = 0

    async def move(until: float) -> None:
        nonlocal moved
        while made and time.perf_counter() < until:
            order_id = made.pop()
            for event in (
                OrderDispatched(lead=UNIT, source="clerk", by="clerk1"),
                OrderSigned(unit=UNIT, by="u1"),
                WorkNoted(unit=UNIT, text="已到现场查看", by="u1"),
                FollowedUp(reason="请尽快答复", by="clerk1"),
            ):
                await store.apply(order_id, event)
                moved += 1

    begun = time.perf_counter()
    await asyncio.gather(*(submit(begun + seconds) for _ in range(writers)))
    submissions = len(made) / (time.perf_counter() - begun)
    begun = time.perf_counter()
    await asyncio.gather(*(move(begun + seconds) for _ in range(writers)))
    return Written(submissions=submissions, moves=moved / (time.perf_counter() - begun), writers=writers)
