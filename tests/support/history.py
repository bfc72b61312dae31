"""A day of a small centre that never was: calls, talks, ratings and orders, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.calls import CallStore
from cti.messages import Entry, EntryKind
from orders.store import OrderStore

__all__ = ["Past", "write_history"]

MATTERS = (
    (
        "市容环境/环境卫生/垃圾清运",
        "新城区",
        "观音桥街道",
        "幸福小区",
        "小区门口的垃圾三天没有清运，气味很大",
    ),
    ("城乡建设/供水/停水", "临江区", "大石坝街道", "人民路东口", "从早上七点停水到现在，没有接到通知"),
    ("交通出行/公共交通/公交线路", "新城区", "五里店街道", "客运站", "103路公交等了四十分钟没有车"),
    ("市容环境/市政设施/路灯", "河西区", "铜元局街道", "滨江路", "路灯坏了一周，晚上很不安全"),
    ("社会保障/养老保险/待遇领取", "临江区", "城东街道", "", "咨询退休手续怎么办理"),
    ("生态环境/噪声污染/施工噪声", "河西区", "南坪街道", "中心广场工地", "半夜一点还在施工，睡不着"),
)
QUEUES = (("general", "综合"), ("enterprise", "企业"), ("social_security", "社保"))


@dataclass(slots=True)
class Past:
    """What was written."""

    calls: int = 0
    orders: int = 0


async def write_history(
    engine: AsyncEngine,
    *,
    until: float,
    agents: Sequence[str],
    calls: int = 200,
    hours: float = 24.0,
    seed: int = 7,
) -> Past:
    """Write calls spread over the hours before `until` into the journal's tables, and orders of some."""
    lot, past = random.Random(seed), Past()
    begun = sorted(until - lot.random() * hours * 3600 for _ in range(calls))
    store, count = CallStore(engine), iter(range(10_000_000))
    for number, at in enumerate(begun):
        call_id = f"past-{int(at)}.{number}"
        agent = lot.choice(agents)
        entries = list(_call(lot, call_id, at, agent))
        await store.write(
            [
                Entry(
                    entry_id=f"past{seed:03}{next(count):09}", call_id=call_id, at=when, kind=kind, data=data
                )
                for when, kind, data in entries
            ]
        )
        past.calls += 1
        if any(kind is EntryKind.TRANSCRIPT for _, kind, _ in entries) and lot.random() < 0.7:
            await _order(engine, lot, call_id, at, agent)
            past.orders += 1
    return past


Told = tuple[float, EntryKind, dict[str, object]]


def _call(lot: random.Random, call_id: str, at: float, agent: str) -> Iterator[Told]:
    caller = f"138{lot.randrange(10**8):08}"
    queue, title = lot.choices(QUEUES, (8, 1, 2))[0]
    state = EntryKind.CALL_STATE
    yield (
        at,
        state,
        {"state": "incoming", "caller": caller, "called": "12345", "started": at, "recording_started": at},
    )
    queued = at + lot.uniform(2, 6)
    staff = lot.choices(((0, 6, 1), (2, 4, 1), (0, 0, 3)), (6, 12, 1))[0]
    waits = {"queue": queue, "queue_title": title, "queued": queued, "staff": staff}
    yield queued, state, {"state": "waiting", **waits}
    wait = min(lot.expovariate(1 / 9), 150.0)
    if wait > 30 and lot.random() < 0.5:
        yield queued + wait, state, {"state": "ended", "outcome": "abandoned_waiting"}
        return
    answered = queued + wait
    talk = 30 + lot.expovariate(1 / 110)
    if wait > 12 and lot.random() < 0.3:
        yield answered - 11, EntryKind.CALL_LEG, {"agent_id": agent, "result": "missed", "ring_s": 10.0}
    yield answered - 1, state, {"state": "ringing", "agent_id": agent}
    yield answered, EntryKind.CALL_LEG, {"agent_id": agent, "result": "answered", "ring_s": 1.0}
    yield answered, state, {"state": "talking", "agent_id": agent, "answered": answered, "waited_s": wait}
    matter = lot.choice(MATTERS)
    for line, (speaker, start, text) in enumerate(
        (("agent", 1.0, "您好，12345，请讲。"), ("citizen", 4.0, matter[4]))
    ):
        from_s = answered - at + start
        said = {"line_id": f"l{line}", "speaker": speaker, "start": from_s, "end": from_s + 3, "text": text}
        yield answered + start + 3, EntryKind.TRANSCRIPT, said
    over = answered + talk
    yield over, state, {"state": "wrap_up", "agent_id": agent}
    if lot.random() < 0.6:
        yield over + 4, EntryKind.RATING, {"score": lot.choices((5, 4, 3, 2, 1), (60, 22, 8, 5, 5))[0]}
    yield over + lot.uniform(10, 60), state, {"state": "ended", "outcome": "answered"}


async def _order(engine: AsyncEngine, lot: random.Random, call_id: str, at: float, agent: str) -> None:
    category, district, street, place, detail = lot.choice(MATTERS)
    now = at + 60.0
    store = OrderStore(engine, clock=lambda: now)
    order = await store.open_draft(call_id, f"138{lot.randrange(10**8):08}")
    fields = {
        "type": lot.choices(("投诉", "求助", "咨询", "建议"), (5, 3, 4, 1))[0],
        "category": category,
        "district": district,
        "street": street,
        "place": place,
        "detail": detail,
        "phone": f"138{lot.randrange(10**8):08}",
        "urgency": lot.choices(("一般", "紧急"), (9, 1))[0],
        "title": detail[:18],
        "summary": detail,
    }
    for name, value in fields.items():
        if value:
            await store.edit(order.draft.order_id, name, value, agent=agent)
    await store.submit(order.draft.order_id, agent, f"past-{order.draft.order_id}")
