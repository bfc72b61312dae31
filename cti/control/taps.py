"""Audio taps: one per leg, each to an ASR worker with room, and another one where that worker is lost."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from asr import bus
from asr.messages import Speaker, TapAnnounced, TapEnded, TranscriptGap, TranscriptMessage, WorkerState
from cti.ami import AmiError, AmiEvent, AmiLink, Originate
from cti.call import Call, Tapped
from cti.control.tap_book import CONNECT_S, TapBook, TapLeg
from cti.faults import fault_site
from cti.metrics import Metrics
from cti.tasks import end

log = logging.getLogger(__name__)

NO_WORKER = "没有转写进程在运行（hotline asr）"

LOOK_S = 1.0
"""How often the workers' heartbeats are read."""

TRY_S = 0.1
"""How often is looked for legs that have lost their tap."""


class Taps:
    """Knows the ASR workers and connects legs to them, each at most once at a time."""

    def __init__(
        self,
        redis: Redis,
        *,
        prefix: str,
        enabled: bool,
        metrics: Metrics,
        on_change: Callable[[], None],
        link: Callable[[str], AmiLink],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`link(node)` is a node's AMI link; `clock` counts epoch seconds."""
        self._redis = redis
        self._prefix = prefix
        self._enabled = enabled
        self._metrics = metrics
        self._changed = on_change
        self._link = link
        self._clock = clock
        self._workers: list[WorkerState] = []
        self._given: Counter[str] = Counter()  # taps announced since the last heartbeats were read
        self._book = TapBook()
        self._missed: frozenset[str] = frozenset()  # taps whose worker was not seen in the last look
        self._placing: dict[str, asyncio.Lock] = {}  # by the leg's unique id
        self._tasks: list[asyncio.Task[None]] = []
        self.on_ended: Callable[[str, str], None] = lambda call_id, tap_id: None
        self.on_tapped: Callable[[str, tuple[Tapped, ...]], None] = lambda call_id, tapped: None
        self.on_gap: Callable[[TranscriptGap], None] = lambda gap: None

    @property
    def captions(self) -> bool:
        """Whether a leg could be transcribed now."""
        return self._enabled and any(worker.captions for worker in self._workers)

    @property
    def reason(self) -> str:
        """Why there are no captions, in words for an operator; "" when there are."""
        if self.captions:
            return ""
        if not self._enabled:
            return "实时转写已在设置中关闭（recognition.enabled = false）"
        if not self._workers:
            return NO_WORKER
        return next((worker.reason for worker in self._workers if worker.reason), "转写进程没有可用的模型")

    def start(self) -> None:
        """Begin to look for workers, and after lost taps."""
        if self._enabled:
            self._tasks = [
                asyncio.create_task(self._look(), name="asr-workers"),
                asyncio.create_task(self._mend(), name="asr-taps"),
            ]

    async def stop(self) -> None:
        """Stop looking; taps that run go on."""
        await end(*self._tasks)

    async def tap(
        self, *, node: str, call_id: str, uniqueid: str, speaker: Speaker, recording_started: float
    ) -> str | None:
        """Have one leg (the channel with this unique id) heard from now on, until it hangs up.

        Returns the tap's id, None when nobody has room now: then it is tried again by itself. A leg that is
        tapped already stays so.
        """
        leg = self._book.want(
            TapLeg(
                call_id=call_id,
                node=node,
                uniqueid=uniqueid,
                speaker=speaker,
                recording_started=recording_started,
            )
        )
        return self.on(uniqueid) or await self._place(leg)

    def on(self, uniqueid: str) -> str | None:
        """Id of the tap that this leg has, None when it has none."""
        leg = self._book.leg(uniqueid)
        if leg is None or not leg.tap_id or (not leg.there and self._clock() > leg.asked + CONNECT_S):
            return None
        return leg.tap_id

    def of_call(self, call_id: str) -> tuple[Tapped, ...]:
        """The taps of a call's legs."""
        return tuple(
            Tapped(tap_id=leg.tap_id, uniqueid=leg.uniqueid, speaker=leg.speaker.value)
            for leg in self._book
            if leg.call_id == call_id and leg.tap_id
        )

    async def adopt(self, call: Call) -> None:
        """Taps that a server of before made of this call's legs go on, if Asterisk still has them."""
        for tapped in call.tapped:
            if self._book.leg(tapped.uniqueid) is not None:
                continue
            try:
                alive = bool(await self._link(call.node).get_variable(tapped.tap_id, "CHANNEL(uniqueid)"))
            except AmiError:
                continue
            if alive:
                self._take_over(call, tapped)

    async def end(self, call: Call) -> None:
        """Hear the citizen's leg no more."""
        await self.end_leg(call, call.call_id)

    async def end_leg(self, call: Call, uniqueid: str) -> None:
        """Hear this leg of the call no more, though its channel may live on."""
        leg = self._book.drop(uniqueid)
        self._placing.pop(uniqueid, None)
        live = [leg.tap_id] if leg is not None and leg.tap_id else []
        before = [tapped.tap_id for tapped in call.tapped if tapped.uniqueid == uniqueid]
        for tap_id in dict.fromkeys((*live, *before)):
            await self._hang_up(call.node, tap_id)
        self.on_tapped(call.call_id, self.of_call(call.call_id))

    def heard(self, message: TranscriptMessage) -> None:
        """A worker told something of a tap."""
        self._book.heard(message)
        if isinstance(message, TapEnded):
            self._book.lost(message.tap_id, self._clock())

    def take(self, event: AmiEvent) -> None:
        """One AMI event: a tap's channel is there, or gone, or the channel that it listened to is gone."""
        uniqueid = event.get("Uniqueid")
        if event.name == "Newchannel":
            gap = self._book.came(uniqueid, self._clock())
            if gap is not None:
                self._metrics.taps.labels(result="moved").inc()
                self.on_gap(gap)
        elif event.name == "Hangup":
            if (leg := self._book.lost(uniqueid, self._clock())) is not None:
                self.on_ended(leg.call_id, uniqueid)
            elif (leg := self._book.drop(uniqueid)) is not None:
                self._placing.pop(uniqueid, None)
                if leg.tap_id:
                    self.on_ended(leg.call_id, leg.tap_id)

    def compare(self, node: str, channels: Collection[str], asked: float, calls: Iterable[Call]) -> None:
        """Hold what we know against a node's channels (unique ids) as they were at `asked`.

        What is gone without a word is noticed, and taps of these calls that a server of before made go on.
        """
        for call in calls:
            for tapped in call.tapped if call.node == node else ():
                if tapped.uniqueid in channels and self._book.leg(tapped.uniqueid) is None:
                    self._take_over(call, tapped)
        for leg in self._book.compare(node, channels, asked, self._clock()):
            log.warning("tap gone", extra={"call_id": leg.call_id})

    def _take_over(self, call: Call, tapped: Tapped) -> None:
        leg = self._book.want(
            TapLeg(
                call_id=call.call_id,
                node=call.node,
                uniqueid=tapped.uniqueid,
                speaker=Speaker(tapped.speaker),
                recording_started=call.recording_started,
            )
        )
        # asked long ago: the list that is held against the book may tell at once that it is gone
        self._book.placed(leg, tapped.tap_id, "", 0.0, there=True)

    # ------------------------------------------------------------ making taps

    async def _place(self, leg: TapLeg) -> str | None:
        """Give a leg a tap, unless somebody else has just done so."""
        lock = self._placing.setdefault(leg.uniqueid, asyncio.Lock())
        async with lock:
            if self._book.leg(leg.uniqueid) is not leg:
                return None
            return self.on(leg.uniqueid) or await self._connect(leg)

    async def _connect(self, leg: TapLeg) -> str | None:
        worker = bus.pick_worker(self._workers, self._given) if self._enabled else None
        if worker is None:
            self._metrics.taps.labels(result="no_room" if self.captions else "no_captions").inc()
            self._book.failed(leg, self._clock())
            return None
        self._given[worker.worker_id] += 1
        tap_id = str(uuid.uuid4())
        self._book.placed(leg, tap_id, worker.worker_id, self._clock())
        announced = TapAnnounced(
            tap_id=tap_id,
            call_id=leg.call_id,
            speaker=leg.speaker,
            recording_started=leg.recording_started,
        )
        try:
            async with asyncio.timeout(2.0):
                await bus.announce_tap(self._redis, announced, prefix=self._prefix)
            await self._link(leg.node).originate(
                Originate(
                    channel=f"AudioSocket/{worker.host}:{worker.port}/{tap_id}/c(slin)",
                    application="ChanSpy",
                    data=f"{leg.uniqueid},quoES",
                    timeout=CONNECT_S,
                    channel_id=tap_id,
                )
            )
        except (RedisError, AmiError, OSError, TimeoutError) as error:
            self._metrics.taps.labels(result="failed").inc()
            self._book.failed(leg, self._clock())
            log.warning("leg not tapped", extra={"call_id": leg.call_id, "reason": type(error).__name__})
            return None
        self._metrics.taps.labels(result="started").inc()
        self.on_tapped(leg.call_id, self.of_call(leg.call_id))
        return tap_id

    async def _hang_up(self, node: str, tap_id: str) -> None:
        try:
            await self._link(node).hangup(tap_id)
        except AmiError:
            return  # over already, or Asterisk is away: it ends with the call

    async def _look(self) -> None:
        """Read the workers' heartbeats; taps of a worker that has stopped to beat are ended and made anew."""
        while True:
            before = (self.captions, self.reason)
            try:
                async with asyncio.timeout(2.0):
                    self._workers = await bus.workers(self._redis, prefix=self._prefix)
                self._given.clear()
                await self._leave(self._deaf())
            except (RedisError, OSError, TimeoutError):
                self._workers = []
            if (self.captions, self.reason) != before:
                self._changed()
            await asyncio.sleep(LOOK_S)

    def _deaf(self) -> tuple[TapLeg, ...]:
        """Legs whose worker was not seen in two looks, while others were."""
        missing = self._book.deaf({worker.worker_id for worker in self._workers}) if self._workers else ()
        before, self._missed = self._missed, frozenset(leg.tap_id for leg in missing)
        return tuple(leg for leg in missing if leg.tap_id in before)

    async def _leave(self, legs: Iterable[TapLeg]) -> None:
        for leg in legs:
            tap_id = leg.tap_id
            log.warning("asr worker has stopped to beat", extra={"call_id": leg.call_id})
            self._book.lost(tap_id, self._clock())
            self.on_ended(leg.call_id, tap_id)
            await self._hang_up(leg.node, tap_id)

    async def _mend(self) -> None:
        """Make taps for the legs that have lost theirs, or never had one."""
        while True:
            await asyncio.sleep(TRY_S)
            due = self._book.due(self._clock())
            if due and self.captions:
                try:
                    await asyncio.gather(*(self._place(leg) for leg in due))
                except Exception as error:  # one leg must not leave all others deaf
                    log.error("legs not tapped", extra={"site": fault_site(error)})
