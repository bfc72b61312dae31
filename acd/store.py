"""The router's state in Redis or Valkey, written behind its back.

Two hashes hold everything: `<prefix>agents` (agent id → AgentRecord as JSON) and `<prefix>waiting` (call id →
WaitingRecord as JSON). The changes of one decision go out in one transaction. Routing never waits for the
store: `save` only notes what is new. While the store is away, or hung, the newest state of every living agent
and call is kept here and is written when the store is back, whole if need be.

Only who leads the line writes (`lead`, `rest`). A third key, `<prefix>writer`, says under which epoch was
written last and how often: `<epoch>:<count>`. Each transaction expects to find there what this writer left.
Something else means that the store lost writes (it was killed, or came back empty) or that a leader of before
wrote last, and everything is written anew. A higher epoch there or in `<prefix>epoch`, where epochs are given
out (`acd.cluster_redis`), means that somebody else leads, and nothing is written any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from acd.deadline import in_time
from acd.messages import AgentRecord, Changes, WaitingRecord

log = logging.getLogger(__name__)

DEADLINE_S = 1.0
"""No single exchange with the store takes longer; a hung store is an absent one."""
RETRY_S = 0.5
"""An absent store is asked again after this long."""
LOOK_S = 2.0
"""With nothing to write, the store is looked at this often."""
BATCH = 2000
"""As many changed objects go out in one transaction; more have piled up only after an outage."""

_T = TypeVar("_T")
_AWAY = (RedisError, OSError, TimeoutError)

Key = tuple[str, str]
"""Redis key and field."""


class StoreError(Exception):
    """The store holds something that is not the router's state, or does not answer in time."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """One transaction that the store has confirmed."""

    count: int  # its number
    records: dict[Key, AgentRecord | WaitingRecord | None]  # as written; None: deleted


class LiveState:
    """Keeps the router's state in the store: `start`, `lead`, `save` every change, `rest`, `stop`.

    The connection pool belongs to the caller and may be shared; its own time-outs do not matter. The first
    write after `lead` replaces what is stored.
    """

    def __init__(self, redis: Redis, prefix: str = "hotline:", *, deadline_s: float = DEADLINE_S) -> None:
        self._redis = redis
        self._agents_key = f"{prefix}agents"
        self._waiting_key = f"{prefix}waiting"
        self._writer_key = f"{prefix}writer"
        self._deadline_s = deadline_s
        self._live: dict[Key, AgentRecord | WaitingRecord] = {}  # what should be stored
        self._dirty: dict[Key, None] = {}  # not written yet, oldest first
        self._epoch_key = f"{prefix}epoch"
        self._epoch: int | None = None  # under which we write; None: others do
        self._turn = 0  # counts `lead` and `rest`
        self._count = 0  # our last confirmed transaction; 0: everything must be written
        self._looked = False
        self._sending = False
        self._news = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()
        self._healthy = False
        self._writing: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """True when the last exchange with the store worked."""
        return self._healthy

    @property
    def backlog(self) -> int:
        """Agents and calls whose newest state is not written yet."""
        return len(self._dirty)

    def lead(self, epoch: int, agents: Iterable[AgentRecord], waiting: Iterable[WaitingRecord]) -> None:
        """From now on this is what should be stored, whole, and nobody of a lower epoch may write."""
        self._epoch, self._count, self._turn = epoch, 0, self._turn + 1
        self._live = {(self._agents_key, agent.agent_id): agent for agent in agents}
        self._live.update(((self._waiting_key, call.call_id), call) for call in waiting)
        self._dirty = dict.fromkeys(self._live)
        self._written.clear()
        self._news.set()

    def rest(self) -> None:
        """Somebody else leads and writes."""
        self._epoch, self._count, self._turn = None, 0, self._turn + 1
        self._live, self._dirty = {}, {}
        self._written.set()

    def save(self, changes: Changes) -> None:
        """Write these soon, together; nothing happens while somebody else leads.

        Never waits, and never raises for the store's sake.
        """
        if self._epoch is None:
            return
        for agent in changes.agents:
            self._put((self._agents_key, agent.agent_id), agent)
        for call in changes.waiting:
            self._put((self._waiting_key, call.call_id), call)
        for agent_id in changes.gone_agents:
            self._drop((self._agents_key, agent_id))
        for call_id in changes.gone_calls:
            self._drop((self._waiting_key, call_id))
        if self._dirty:
            self._written.clear()
            self._news.set()

    async def load(self) -> tuple[tuple[AgentRecord, ...], tuple[WaitingRecord, ...]]:
        """Read what is stored, for `Router.restore`.

        Raises:
            StoreError: the store does not answer in time, or a record is damaged (the text names it).
        """

        async def read() -> list[dict[bytes | str, bytes | str]]:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hgetall(self._agents_key)
                pipe.hgetall(self._waiting_key)
                return await pipe.execute()

        try:
            agents_raw, waiting_raw = await in_time(read, self._deadline_s)
        except _AWAY as error:
            raise StoreError(f"live state cannot be read: {type(error).__name__}") from error
        agents = tuple(_record(self._agents_key, one, raw, AgentRecord) for one, raw in agents_raw.items())
        calls = tuple(_record(self._waiting_key, one, raw, WaitingRecord) for one, raw in waiting_raw.items())
        return agents, calls

    def start(self) -> None:
        """Begin to write when leading."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="live-state")

    async def flush(self, timeout_s: float) -> bool:
        """Wait until all is written; False when that would take longer than `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._written.wait()
        return self._written.is_set()

    async def stop(self, timeout_s: float = 2.0) -> None:
        """Write what is left, for at most `timeout_s`, and end."""
        if self._writing is None:
            return
        if not await self.flush(timeout_s):
            log.warning("live state is not wholly written", extra={"backlog": self.backlog})
        self._writing.cancel()
        with suppress(asyncio.CancelledError):
            await self._writing
        self._writing = None

    # ------------------------------------------------------------ inside

    def _put(self, key: Key, record: AgentRecord | WaitingRecord) -> None:
        self._live[key] = record
        self._dirty[key] = None

    def _drop(self, key: Key) -> None:
        self._live.pop(key, None)
        if self._count or self._sending:
            self._dirty[key] = None
        else:  # everything will be written anew, without it
            self._dirty.pop(key, None)

    async def _write(self) -> None:
        while True:
            self._news.clear()
            self._sending = True
            turn, epoch = self._turn, self._epoch
            try:
                sent = await in_time(self._exchange, self._deadline_s)
            except _AWAY as error:
                self._became(healthy=False, why=type(error).__name__)
                self._count = 0  # unknown what arrived: write everything when it is back
                self._dirty = dict.fromkeys(key for key in self._dirty if key in self._live)
                await asyncio.sleep(RETRY_S)
                continue
            finally:
                self._sending = False
            self._became(healthy=True)
            if self._turn != turn:
                continue  # what was sent is of another line by now
            if sent is None:
                if epoch is not None:
                    log.warning("live state is written by a newer leader")
                    self.rest()
            else:
                self._count = sent.count
                for key, record in sent.records.items():
                    if self._live.get(key) is record:  # not changed meanwhile
                        self._dirty.pop(key, None)
                if self._dirty:
                    continue
                self._written.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()

    async def _exchange(self) -> _Sent | None:
        """Look who wrote last and write what is due, in one transaction; None when others lead."""
        epoch = self._epoch
        if epoch is None:
            await self._redis.ping()
            return None
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._writer_key, self._epoch_key)
            given, writer = await pipe.mget(self._epoch_key, self._writer_key)
            found = _text(writer or "")
            if max(_number(_text(given or "")), _number(found.partition(":")[0])) > epoch:
                return None
            whole = self._count == 0 or found != f"{epoch}:{self._count}"
            if not whole and not self._dirty:
                return _Sent(self._count, {})
            count = self._count + 1
            keys = (*self._live, *self._dirty) if whole else islice(self._dirty, BATCH)
            records = {key: self._live.get(key) for key in keys}
            pipe.multi()  # type: ignore[no-untyped-call]
            if whole:
                pipe.delete(self._agents_key, self._waiting_key)
            for name in (self._agents_key, self._waiting_key):
                fields = [(key[1], record) for key, record in records.items() if key[0] == name]
                if new := _encoded(fields):
                    pipe.hset(name, mapping=new)
                if gone := [field for field, record in fields if record is None]:
                    pipe.hdel(name, *gone)
            pipe.set(self._writer_key, f"{epoch}:{count}")
            await pipe.execute()
        return _Sent(count, records)

    def _became(self, *, healthy: bool, why: str = "") -> None:
        if healthy and not self._healthy:
            log.info("live state can be written", extra={"backlog": self.backlog})
        elif not healthy and (self._healthy or not self._looked):
            log.warning("live state cannot be written", extra={"reason": why, "backlog": self.backlog})
        self._healthy, self._looked = healthy, True


def _encoded(fields: Iterable[tuple[str, AgentRecord | WaitingRecord | None]]) -> dict[Any, Any]:
    return {field: msgspec.json.encode(record) for field, record in fields if record is not None}


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _record(key: str, field: bytes | str, raw: bytes | str, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        remedy = "delete that field, or the whole key to begin without live state"
        raise StoreError(f"live state {key} {_text(field)}: {error}; {remedy}") from error
