"""Made-up days of calls as journal entries and orders, for tests of figures."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from cti.messages import Entry, EntryKind
from orders.store import OrderStore

__all__ = ["DAY", "MadeDay", "made_day", "put_orders"]

DAY = 1_795_276_800.0
"""2026-11-22 00:00 in China."""
AGENTS = ("an", "bo", "chen", "ding")
QUEUES = {"general": "综合", "social": "社保"}
CATEGORIES = ("城市管理/市容环卫", "社会保障/养老保险", "")


@dataclass(slots=True)
class MadeDay:
    """What was written."""

    entries: list[Entry] = field(default_factory=list)
    orders: list[tuple[str, str, float, str, str]] = field(
        default_factory=list
    )  # id, call, at, category, 区县


class _Pen:
    """Writes entries whose ids sort by time."""

    def __init__(self, made: MadeDay) -> None:
        self._made = made
        self._count = 0

    def write(self, at: float, kind: EntryKind, call_id: str = "", /, **data: object) -> None:
        self._count += 1
        entry_id = f"{int(at * 1000):014d}-made-{self._count:08d}"
        self._made.entries.append(Entry(entry_id=entry_id, call_id=call_id, at=at, kind=kind, data=data))

    def state(self, at: float, call_id: str, state: str, **data: object) -> None:
        self.write(at, EntryKind.CALL_STATE, call_id, state=state, **data)

    def agent(
        self, at: float, agent_id: str, state: str, call_id: str = "", reason: str | None = None
    ) -> None:
        self.write(at, EntryKind.AGENT_STATE, call_id, agent_id=agent_id, state=state, reason=reason)


def made_day(seed: int, calls: int, *, days: int = 1) -> MadeDay:
    """Make calls of every kind over some days: answered, abandoned, served, failed, missed, passed on."""
    luck, made = random.Random(seed), MadeDay()
    pen = _Pen(made)
    for agent in AGENTS:
        at = DAY + luck.uniform(-4 * 3600, 3600)
        pen.agent(at, agent, "not_ready", reason="signed_in")
        pen.agent(at + luck.uniform(0, 60), agent, "ready")
        pen.agent(DAY + luck.uniform(80000, 90000), agent, "offline")
    for number in range(calls):
        _call(pen, made, luck, f"hl1-{seed}.{number}", DAY + luck.uniform(0, 86400 * days))
    return made


def _call(pen: _Pen, made: MadeDay, luck: random.Random, call_id: str, at: float) -> None:
    caller = luck.choice(("", *(f"1380000000{n}" for n in range(5))))
    queue, agent = luck.choice(tuple(QUEUES)), luck.choice(AGENTS)
    first: dict[str, object] = {"caller": caller, "called": luck.choice(("12345", "12333")), "started": at}
    if luck.random() < 0.1:
        first["visit_id" if luck.random() < 0.5 else "callback_id"] = "v1"
    pen.state(at, call_id, "incoming", **first)
    fate = luck.random()
    if fate < 0.08:
        return pen.state(at + 4, call_id, "ended", outcome="abandoned_in_flow", ended=at + 4)
    now = at + luck.uniform(0, 3)
    staff = (luck.randint(0, 1), luck.randint(0, 3), luck.randint(0, 2))
    opening = luck.choice(("", "open", "closed"))
    pen.state(now, call_id, "waiting", queue=queue, queue_title=QUEUES[queue], queued=now, staff=staff,
              opening=opening)  # fmt: skip
    queued = now
    for _ in range(luck.choice((0, 0, 0, 1, 2))):
        missing, ring = luck.choice(AGENTS), luck.uniform(1, 20)
        pen.state(now, call_id, "ringing", agent_id=missing)
        pen.agent(now, missing, "ringing", call_id)
        now += ring
        pen.agent(now, missing, "not_ready", reason="missed_ring")
        pen.state(now, call_id, "waiting")
        result = luck.choice(("missed_ring", "refused", "phone_lost"))
        pen.write(now, EntryKind.CALL_LEG, call_id, agent_id=missing, result=result, ring_s=ring)
    now += luck.expovariate(1 / 12)
    if fate < 0.3:
        outcome = luck.choice(("abandoned_waiting", "abandoned_waiting", "served", "failed"))
        return pen.state(now, call_id, "ended", outcome=outcome, ended=now)
    if fate < 0.33:
        return None  # still in line
    if luck.random() < 0.05:
        pen.write(now, EntryKind.NOTE, call_id, kind="brought_back", values={})
    if luck.random() < 0.9:
        pen.state(now, call_id, "ringing", agent_id=agent)
        now += 2.5
        pen.write(now, EntryKind.CALL_LEG, call_id, agent_id=agent, result="answered", ring_s=2.5)
    pen.agent(now, agent, "talking", call_id)
    pen.state(now, call_id, "talking", agent_id=agent, answered=now, waited_s=now - queued)
    for _ in range(luck.randint(0, 2)):
        now += luck.uniform(5, 90)
        pen.state(now, call_id, luck.choice(("held", "consulting")), agent_id=agent)
        now += luck.uniform(5, 30)
        if luck.random() < 0.3:
            agent = luck.choice(AGENTS)
            pen.write(now, EntryKind.TRANSFER, call_id, kind="agent", result="completed")
        pen.state(now, call_id, "talking", agent_id=agent)
    now += luck.uniform(10, 200)
    pen.state(now, call_id, "survey", agent_id=agent)
    pen.agent(now, agent, "wrap_up", call_id)
    if luck.random() < 0.6:
        pen.write(now + 2, EntryKind.RATING, call_id, score=luck.randint(1, 5))
    pen.state(now + 4, call_id, "ended", agent_id=agent, outcome="answered", ended=now + 4)
    if luck.random() < 0.7:
        made.orders.append(
            (f"o-{call_id}", call_id, now, luck.choice(CATEGORIES), luck.choice(("东城区", "")))
        )
    pen.agent(now + luck.uniform(1, 60), agent, "ready")
    return None


async def put_orders(store: OrderStore, made: MadeDay, clock: list[float]) -> None:
    """Open, fill and submit the orders; `clock` is what the store reads the time from."""
    for order_id, call_id, at, category, district in made.orders:
        clock[0] = at
        await store.open_draft(call_id, "", order_id=order_id)
        values = {"type": "咨询", "category": category or "其他", "summary": "路灯不亮", "district": district}
        for name, value in values.items():
            if value:
                await store.edit(order_id, name, value, agent="an")
        await store.submit(order_id, "an", f"submit:{order_id}")
