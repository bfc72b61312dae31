"""How agents' legs sound: what their browsers measure is checked, counted and kept with the call."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cti.control.calls import Calls
from cti.messages import Entry, EntryKind, PageMessage, ReportQuality
from cti.ports import CommandRefused, Person

LEAST_S = 2.0
"""Reports of one call that come faster than this are not kept; pages send one every ten seconds."""

BOUNDS: Mapping[str, tuple[float, float]] = {
    "loss": (0.0, 1.0),
    "jitter_ms": (0.0, 10_000.0),
    "rtt_ms": (0.0, 60_000.0),
    "mos": (1.0, 4.5),
}
BAD_MOS = 3.1
"""Below this many users are dissatisfied. Source: ITU-T G.109, R = 60."""

REMEMBERED = 5_000


class CallQuality:
    """Carries `ReportQuality` out."""

    def __init__(self, calls: Calls, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._clock = clock
        self._last: dict[str, float] = {}  # call -> when the last report of it was kept

    async def reported(self, person: Person, message: PageMessage) -> None:
        """Keep one report. Raises CommandRefused for values that no browser measures."""
        if not isinstance(message, ReportQuality):
            raise CommandRefused("不支持的操作")
        told = {name: getattr(message, name) for name in BOUNDS}
        for name, (least, most) in BOUNDS.items():
            if not math.isfinite(told[name]) or not least <= told[name] <= most:
                raise CommandRefused(f"通话质量数据有误：{name}")
        call = self._calls.find(message.call_id)
        if call is None or person.login not in (*call.agents, call.agent_id):
            return  # the last report of a call that is over comes late
        now = self._clock()
        if now - self._last.get(call.call_id, -math.inf) < LEAST_S:
            return
        while len(self._last) >= REMEMBERED:
            del self._last[next(iter(self._last))]
        self._last[call.call_id] = now
        self._calls.metrics.mos.observe(told["mos"])
        self._calls.metrics.loss.observe(told["loss"])
        data = {name: round(value, 4) for name, value in told.items()}
        self._calls.note(call.call_id, EntryKind.QUALITY, {"agent_id": person.login, **data})


def summary(entries: Iterable[Entry]) -> dict[str, Any] | None:
    """What the entries of one call say of its sound: means and worst values; None when nobody measured it."""
    told = [entry.data for entry in entries if entry.kind is EntryKind.QUALITY]
    if not told:
        return None
    values = {name: [float(str(one[name])) for one in told] for name in BOUNDS}
    worst = {name: min(found) if name == "mos" else max(found) for name, found in values.items()}
    return {
        "reports": len(told),
        "mean": {name: round(sum(found) / len(found), 4) for name, found in values.items()},
        "worst": worst,
        "bad": sum(mos < BAD_MOS for mos in values["mos"]),
    }
