"""This server's part in the common line, kept in touch with Redis: pulses, messages out, messages in."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from acd.cluster import Member, Mode
from acd.cluster_codec import CodecError, decode_down, decode_up, encode
from acd.cluster_messages import Down
from acd.cluster_mirror import View
from acd.cluster_redis import AWAY, LineBus
from acd.lease import BEAT_S
from acd.messages import Decision
from acd.router import Router
from acd.store import LiveState
from cti.control.dispatch import Dispatch
from cti.faults import fault_site
from cti.tasks import end

log = logging.getLogger(__name__)

AGAIN_S = 0.2
"""After a failed exchange the next one begins so much later."""
TAKING_S = 0.02
"""How often a takeover looks whether it has waited long enough."""
AT_ONCE = 200
"""As many messages go out in one exchange."""
SIDE_KEPT = 2000
"""Messages beside the line that wait for Redis; older ones are dropped."""


class Cluster:
    """Feeds the member of a `Dispatch` with what Redis says, and sends what it has to say."""

    def __init__(
        self,
        dispatch: Dispatch,
        bus: LineBus,
        *,
        on_mode: Callable[[Mode, int], None] = lambda _mode, _epoch: None,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_mode(mode, epoch)` is called when either has changed."""
        self._dispatch = dispatch
        self._member = dispatch.member
        self._bus = bus
        self._on_mode = on_mode
        self._mono = mono
        self._told: tuple[Mode, int] | None = None
        self._wake = asyncio.Event()
        self._side: list[bytes] = []
        self._began = mono()
        self._hearing = False  # the streams are read, from a known place on
        self._tasks: list[asyncio.Task[None]] = []
        self.on_side: Callable[[bytes], None] = lambda _: None
        self.healthy = True
        dispatch.on_outgoing = self._wake.set

    def start(self) -> None:
        """Begin to take part."""
        self._tasks = [
            asyncio.create_task(self._listen(), name="line-listen"),
            asyncio.create_task(self._pulse(), name="line-pulse"),
            asyncio.create_task(self._write(), name="line-write"),
        ]

    async def stop(self) -> None:
        """Give the lease back and say goodbye, for at most a second."""
        self._dispatch.run(self._leave)
        await end(*self._tasks)
        with suppress(*AWAY):
            async with asyncio.timeout(1.0):
                await self._send()
                await self._bus.leave()

    def _leave(self) -> list[Decision]:
        self._member.leave()
        return []

    def say_aside(self, message: bytes) -> None:
        """Tell the other servers something that has nothing to do with routing; it may be lost."""
        self._side.append(message)
        del self._side[:-SIDE_KEPT]
        self._wake.set()

    # ------------------------------------------------------------ signs of life

    async def _pulse(self) -> None:
        while True:
            wait_s = AGAIN_S
            try:
                wait_s = await self._pulse_once()
            except Exception as error:  # without signs of life the line would be given away
                log.error("pulse failed", extra={"site": fault_site(error)})
            self._tell_mode()
            await asyncio.sleep(wait_s)

    async def _pulse_once(self) -> float:
        """One exchange; returns when the next one is due."""
        if not self._hearing:  # nothing may be said to us before we listen
            if self._mono() - self._began > BEAT_S:
                self._dispatch.run(self._member.silent)
            return 0.02
        sent = self._mono()
        try:
            pulse = await self._bus.pulse(self._member.epoch)
        except AWAY as error:
            self._became(healthy=False, why=type(error).__name__)
            self._dispatch.run(self._member.silent)
            return AGAIN_S
        self._became(healthy=True)
        self._dispatch.run(lambda: self._member.pulsed(pulse, sent))
        while self._member.taking_over:
            await asyncio.sleep(TAKING_S)
            self._dispatch.run(self._member.tick)
            if self._mono() - sent > BEAT_S:
                break
        if pulse.leader == self._member.name:
            return max(0.0, BEAT_S - (self._mono() - sent))
        return min(BEAT_S, pulse.left_s + 0.005)

    def _became(self, *, healthy: bool, why: str = "") -> None:
        if healthy is not self.healthy:
            log.warning(
                "Redis is back for the line" if healthy else "Redis is out of reach for the line",
                extra={"reason": why},
            )
        self.healthy = healthy

    def _tell_mode(self) -> None:
        now = (self._dispatch.mode, self._member.epoch)
        if now != self._told:
            before, self._told = self._told, now
            log.info(
                "part in the line",
                extra={"mode": now[0].value, "epoch": now[1], "before": before[0].value if before else ""},
            )
            self._on_mode(*now)

    # ------------------------------------------------------------ messages out

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._send()
            except AWAY:  # what members say is said again, and who missed a word of the leader asks
                self._member.down.clear()
                self._member.up.clear()
                await asyncio.sleep(AGAIN_S)

    async def _send(self) -> None:
        member = self._member
        while member.down or member.up or self._side:
            if member.down:
                epoch = member.down[0].epoch
                batch = [one for one in member.down[:AT_ONCE] if one.epoch == epoch]
                del member.down[: len(batch)]
                if not await self._bus.say_down(epoch, [encode(one) for one in batch]):
                    self._unheard(batch)
            if member.up:
                told, member.up[:] = member.up[:], []
                await self._bus.say("up", [encode(one) for one in told])
            if self._side:
                aside, self._side = self._side[:AT_ONCE], self._side[AT_ONCE:]
                await self._bus.say("side", aside)

    def _unheard(self, batch: list[Down]) -> None:
        log.warning(
            "words under a lease that is over were not said",
            extra={"epoch": batch[0].epoch, "count": len(batch)},
        )

    # ------------------------------------------------------------ messages in

    async def _listen(self) -> None:
        self._began = self._mono()
        while True:
            try:
                if not self._hearing:
                    await self._bus.begin()
                    self._hearing = True
                heard = await self._bus.hear()
            except AWAY:
                await asyncio.sleep(AGAIN_S)
                continue
            for raw in heard.down:
                self._take(partial(self._take_down, raw))
            for raw in heard.up:
                self._take(partial(self._take_up, raw))
            for raw in heard.side:
                try:
                    self.on_side(raw)
                except Exception as error:
                    log.error("word beside the line not taken", extra={"site": fault_site(error)})

    def _take_down(self, raw: bytes) -> list[Decision]:
        return self._member.take_down(decode_down(raw))

    def _take_up(self, raw: bytes) -> list[Decision]:
        return self._member.take_up(decode_up(raw))

    def _take(self, step: Callable[[], list[Decision]]) -> None:
        try:
            self._dispatch.run(step)
        except CodecError as error:
            log.error("word of the line not understood", extra={"reason": str(error)})
        except Exception as error:  # one word must not end the line of all
            log.error("word of the line not taken", extra={"site": fault_site(error)})


def member_name(server: str) -> str:
    """A name for this run of a server: every run is a member of its own."""
    return f"{server}#{secrets.token_hex(4)}"


def take_part(name: str, router: Router, live: LiveState, *, alone: bool) -> Member:
    """A server's part in the line; `name` is of `member_name`. `alone`: there are no others."""

    def lead(epoch: int, view: View) -> None:
        live.lead(epoch, view.agents.values(), view.waiting.values())

    return Member(
        name,
        router,
        clock=time.time,
        mono=time.monotonic,
        save=live.save,
        lead=lead,
        rest=live.rest,
        alone=alone,
    )
