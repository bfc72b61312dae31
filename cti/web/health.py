"""Is the process alive, can it serve calls, how is it doing: for process supervisors and Prometheus."""

from __future__ import annotations

import asyncio

from aiohttp import web

from cti.metrics import CONTENT_TYPE
from cti.web.answers import answer
from cti.web.guard import DEPS

__all__ = ["LAG", "LoopLag", "alive", "metrics", "ready"]

TICK_S = 0.5
JOURNAL_LATE_S = 60.0
"""A journal that is further behind than this is told as degraded."""


class LoopLag:
    """How late the event loop's timers are, in seconds: the last measure and the worst of a minute."""

    def __init__(self) -> None:
        self.last_s = 0.0
        self._recent: list[float] = []

    @property
    def worst_s(self) -> float:
        """The worst of the last minute."""
        return max(self._recent, default=0.0)

    def note(self, late_s: float) -> None:
        """Take one measure."""
        self.last_s = late_s
        self._recent = [*self._recent[-119:], late_s]


LAG = web.AppKey("lag", LoopLag)


async def measure_lag(app: web.Application) -> None:
    """Measure for as long as the server runs."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        app[LAG].note(max(0.0, loop.time() - due))
        app[DEPS].metrics.loop_lag.set(app[LAG].last_s)


async def alive(request: web.Request) -> web.StreamResponse:
    """GET /healthz: 200 as long as the event loop turns."""
    lag = request.app[LAG]
    return answer(
        {"alive": True, "loop_lag_s": round(lag.last_s, 4), "loop_lag_worst_s": round(lag.worst_s, 4)}
    )


async def ready(request: web.Request) -> web.StreamResponse:
    """GET /readyz: each dependency; 503 only where no calls can be served."""
    deps = request.app[DEPS]
    health = deps.floor.health()
    journal = deps.journal
    accepting = deps.accepting()
    serves = accepting and any(health.asterisk.values())
    degraded = [
        name
        for name, fine in (
            ("redis", health.redis),
            ("database", health.database),
            ("captions", health.captions),
            ("journal", journal.healthy and journal.lag_s < JOURNAL_LATE_S),
            *((f"{part} refused", False) for part in health.refused),
            *((f"asterisk:{node}", up) for node, up in health.asterisk.items()),
        )
        if not fine
    ]
    notes = () if deps.casework is None else deps.casework.shelf.notes
    degraded += [f"workdays without {note.year}" for note in notes if note.missing]
    unreadable = 0 if deps.casework is None else len(deps.casework.store.unreadable.ids)
    shown = [note.shown for note in notes]
    if unreadable:
        degraded.append(f"{unreadable} orders unreadable")
        shown.append(f"有 {unreadable} 张工单的数据无法读取，已跳过；请审计员查看审计记录并做链校验")
    told = {
        "ready": serves,
        "accepting": accepting,
        "degraded": degraded,
        "notices": shown,
        "redis": health.redis,
        "database": health.database,
        "asterisk": dict(health.asterisk),
        "captions": health.captions,
        "captions_reason": health.captions_reason,
        "journal": {
            "healthy": journal.healthy,
            "pending": journal.pending,
            "lag_s": round(journal.lag_s, 3),
            "rejected": journal.rejected,
        },
    }
    return answer(told, status=200 if serves else 503)


async def metrics(request: web.Request) -> web.StreamResponse:
    """GET /metrics: Prometheus' text format."""
    deps = request.app[DEPS]
    deps.metrics.journal_pending.set(deps.journal.pending)
    deps.metrics.journal_lag.set(deps.journal.lag_s)
    deps.metrics.journal_rejected.set(deps.journal.rejected)
    return web.Response(body=deps.metrics.text(), headers={"Content-Type": CONTENT_TYPE})
