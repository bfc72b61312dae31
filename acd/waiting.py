"""One waiting call: what it needs, where it stands, and what opens to it with time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from acd.messages import Media, PlaceChanged, WaitingRecord
from acd.policy import QueuePolicy

if TYPE_CHECKING:
    from acd.agents import Agent
    from acd.lines import Line

Place = tuple[float, str]
"""Sorts callers: time since when they wait, less what their priority is worth, and call id.

Everybody grows older at the same pace, so the order of two callers never changes while they wait."""

URGENT_S = 1e10
"""Urgent callers go before all others, as if they had waited so much longer. It is more than any time and any
priority come to; beside it a double still tells microseconds apart."""

Needs = frozenset[tuple[str, int]]
"""Skill and minimum level."""

Door = tuple[QueuePolicy, Needs]
"""Agents who fit these needs may take the call, under this queue's rules."""


class Call:
    """One call that waits for a person or rings at one."""

    __slots__ = (
        "also",
        "avoid",
        "base",
        "call_id",
        "callback",
        "closes_at",
        "doors",
        "lines",
        "media",
        "needs",
        "night",
        "not_before",
        "offered_to",
        "place",
        "prefer",
        "priority",
        "queue",
        "queued_at",
        "reason",
        "ring_until",
        "since",
        "stamp",
        "step",
        "told_place",
        "told_wait_s",
        "urgent",
    )

    def __init__(
        self,
        call_id: str,
        queue: QueuePolicy,
        needs: Mapping[str, int],
        *,
        priority: int,
        since: float,
        ageing_s: float,
        queued_at: float,
        media: Media = Media.VOICE,
        urgent: bool = False,
        also: tuple[QueuePolicy, ...] = (),
        avoid: frozenset[str] = frozenset(),
        prefer: tuple[str, ...] = (),
        callback: bool = False,
        reason: str = "",
    ) -> None:
        self.call_id = call_id
        self.queue = queue
        self.needs = dict(needs)
        self.also = also
        self.media = media
        self.priority = priority
        self.urgent = urgent
        self.since = since
        self.queued_at = queued_at
        self.avoid = avoid
        self.prefer = prefer
        self.callback = callback
        self.not_before: float | None = None
        self.reason = reason
        self.step = 0
        self.night: QueuePolicy | None = None  # takes over at `closes_at`
        self.closes_at: float | None = None
        self.offered_to: Agent | None = None
        self.ring_until: float | None = None  # with offered_to, for texts
        self.place: Place = (0.0, call_id)
        self.line_up(ageing_s)
        # kept by the floor
        self.doors: tuple[Door, ...] = ()  # who may take it now; the first is its own queue's
        self.lines: list[Line] = []  # where it stands
        self.base: Line | None = None  # its own queue's line, for the expected wait
        self.stamp = 0  # of the entries in those lines that count; 0: stands nowhere
        self.told_place = 0  # as last told
        self.told_wait_s: float | None = None  # as last told

    def line_up(self, ageing_s: float) -> None:
        """Work out the place anew."""
        ahead_s = self.priority * ageing_s + (URGENT_S if self.urgent else 0.0)
        self.place = (self.since - ahead_s, self.call_id)

    # ------------------------------------------------------------ what opens with time

    def advance(self, now: float) -> None:
        """Take all steps whose time has come; going to another centre is the floor's business."""
        steps = self.queue.relax
        while (
            self.step < len(steps)
            and steps[self.step].centre is None
            and now >= self.queued_at + steps[self.step].after_s
        ):
            self.step += 1

    def prefers(self, now: float) -> bool:
        """True while only preferred agents are offered the call, if one of them is there."""
        return bool(self.prefer) and now < self.queued_at + self.queue.prefer_s

    def sleeps(self, now: float) -> bool:
        """True for a call-back that is not to be tried yet."""
        return self.not_before is not None and now < self.not_before

    def centre(self, now: float) -> str | None:
        """The other centre's number, once the call should go there; never for a call-back."""
        if not self.queue.relax or self.callback:
            return None
        last = self.queue.relax[-1]
        return last.centre if now >= self.queued_at + last.after_s else None

    def next_time(self, now: float) -> float | None:
        """When something opens next by the clock."""
        times = []
        steps = self.queue.relax
        if self.step < len(steps) and not (self.callback and steps[self.step].centre):
            times.append(self.queued_at + steps[self.step].after_s)
        if self.prefer:
            times.append(self.queued_at + self.queue.prefer_s)
        if self.not_before is not None:
            times.append(self.not_before)
        if self.closes_at is not None:
            times.append(self.closes_at)
        return min((time for time in times if time > now), default=None)

    def open_doors(self, queues: Mapping[str, QueuePolicy], now: float) -> None:
        """Work out who may take the call after the steps taken: strictest first, never fewer than before."""
        doors = {(self.queue.name, needs := frozenset(self.needs.items())): (self.queue, needs)}
        opened = list(self.also)
        levels = self.needs
        for step in self.queue.relax[: self.step]:
            if step.needs is not None:
                lower = step.needs
                levels = {skill: min(level, lower.get(skill, level)) for skill, level in levels.items()}
                needs = frozenset(levels.items())
                doors[self.queue.name, needs] = (self.queue, needs)
            opened += [queues[name] for name in step.queues]
        if self.night is not None and self.closes_at is not None and now >= self.closes_at:
            opened.append(self.night)
        for queue in opened:
            needs = frozenset(queue.needs.items())
            doors[queue.name, needs] = (queue, needs)
        self.doors = tuple(doors.values())

    # ------------------------------------------------------------ for others

    def record(self) -> WaitingRecord:
        """The state to be stored."""
        return WaitingRecord(
            call_id=self.call_id,
            queue=self.queue.name,
            needs=dict(self.needs),
            also=tuple(queue.name for queue in self.also),
            media=self.media,
            priority=self.priority,
            urgent=self.urgent,
            since=self.since,
            queued_at=self.queued_at,
            step=self.step,
            avoid=self.avoid,
            prefer=self.prefer,
            callback=self.callback,
            not_before=self.not_before,
            reason=self.reason,
            offered_to=self.offered_to.agent_id if self.offered_to else None,
            ring_until=self.ring_until,
        )

    def told(self, place: PlaceChanged) -> PlaceChanged:
        """Remember what is told."""
        self.told_place, self.told_wait_s = place.place, place.expected_wait_s
        return place
