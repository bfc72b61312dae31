"""Lease, signs of life and messages of a common line in Redis or Valkey.

`<prefix>leader` holds `<member>:<epoch>` for as long as the lease lives, `<prefix>epoch` the highest epoch
ever given, `<prefix>members` every member with the time of its last sign of life. `<prefix>line:up` and
`:down` are streams: members to the leader, and the leader to everybody; `<prefix>line:side` carries what has
nothing to do with routing. Only whoever holds the lease of an epoch can add to `:down` under it, so all that
is read there is in order: what an earlier leader said stands before the first word of the next one.

A member's id is `<server>#<run>`. Of one server only the newest run is alive.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from acd.deadline import in_time
from acd.lease import TTL_S, Pulse

AWAY = (RedisError, OSError, TimeoutError)
"""What an exchange raises when Redis is out of reach."""

DEADLINE_S = 0.7
"""No exchange takes longer: two fit into a lease."""
ALIVE_S = 2.0
"""A member that gave no sign for so long is gone."""
KEPT = 20_000
"""Messages that a stream keeps, about; whoever is further behind asks for the whole."""
BATCH = 500
BLOCK_S = 0.3

_PULSE = """
local function name(member) return string.match(member, '^(.*)#') or member end
local me, ttl, alive, seen = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
redis.call('ZADD', KEYS[3], now, me)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. string.format('%.0f', now - alive))
for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  if other ~= me and name(other) == name(me) then redis.call('ZREM', KEYS[3], other) end
end
local token = redis.call('GET', KEYS[1])
local leader, epoch, forgot = '', '0', 0
if token then leader, epoch = string.match(token, '^(.*):(%d+)$') end
if leader == me and tonumber(epoch) >= seen then
  redis.call('PEXPIRE', KEYS[1], ttl)
elseif leader == '' or name(leader) == name(me) then
  local given = redis.call('GET', KEYS[2])
  if not given then forgot = 1 end
  local last = math.max(tonumber(given or '0') + 1, seen + 1, now)
  epoch, leader = string.format('%.0f', last), me
  redis.call('SET', KEYS[2], epoch)
  redis.call('SET', KEYS[1], me .. ':' .. epoch, 'PX', ttl)
end
return {leader, epoch, redis.call('PTTL', KEYS[1]), redis.call('ZRANGE', KEYS[3], 0, -1), forgot}
"""
"""A sign of life; renews the lease of the asker, or takes one that nobody has. An epoch is never less than
the server's time in milliseconds, so that it grows even when Redis came back without memory."""

_SAY = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 3, #ARGV do redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'm', ARGV[i]) end
return 1
"""

_LEAVE = """
redis.call('ZREM', KEYS[2], ARGV[1])
local token = redis.call('GET', KEYS[1])
if token and string.match(token, '^(.*):%d+$') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """New messages, by stream."""

    up: tuple[bytes, ...]
    down: tuple[bytes, ...]
    side: tuple[bytes, ...]


class LineBus:
    """The exchanges; each ends within its deadline and raises one of `AWAY` when Redis is out of reach."""

    def __init__(
        self, redis: Redis, prefix: str, member: str, *, ttl_s: float = TTL_S, deadline_s: float = DEADLINE_S
    ) -> None:
        """`ttl_s`: life of the lease, which must be that of `acd.lease.Lease`."""
        self._redis = redis
        self._member = member
        self._ttl_ms = round(ttl_s * 1000)
        self._deadline_s = deadline_s
        self._leader, self._epoch, self._members = f"{prefix}leader", f"{prefix}epoch", f"{prefix}members"
        self._streams = {one: f"{prefix}line:{one}" for one in ("up", "down", "side")}
        self._last: dict[str, str] = {}  # stream -> id of the last message read
        self._pulse, self._say, self._leave = (
            redis.register_script(script) for script in (_PULSE, _SAY, _LEAVE)
        )

    async def pulse(self, newest_epoch: int) -> Pulse:
        """Give a sign of life; renew the lease, or take it when nobody has it."""
        arguments: list[bytes | str | int] = [
            self._member, self._ttl_ms, round(ALIVE_S * 1000), newest_epoch,
        ]  # fmt: skip
        leader, epoch, left_ms, members, forgot = await in_time(
            lambda: cast(
                "Awaitable[Any]",
                self._pulse(keys=[self._leader, self._epoch, self._members], args=arguments),
            ),
            self._deadline_s,
        )
        return Pulse(
            leader=_text(leader),
            epoch=int(epoch),
            left_s=max(0, int(left_ms)) / 1000,
            members=frozenset(map(_text, members)),
            forgot=bool(forgot),
        )

    async def say_down(self, epoch: int, messages: Sequence[bytes]) -> bool:
        """Tell everybody, as the leader of this epoch; False when the lease is another's: nothing is said."""
        arguments: list[bytes | str | int] = [f"{self._member}:{epoch}", KEPT, *messages]
        said = await in_time(
            lambda: cast(
                "Awaitable[Any]", self._say(keys=[self._leader, self._streams["down"]], args=arguments)
            ),
            self._deadline_s,
        )
        return bool(said)

    async def say(self, stream: str, messages: Iterable[bytes]) -> None:
        """Tell the leader ("up") or whoever listens ("side")."""

        async def add() -> None:
            async with self._redis.pipeline(transaction=False) as pipe:
                for message in messages:
                    pipe.xadd(self._streams[stream], {"m": message}, maxlen=KEPT, approximate=True)
                await pipe.execute()

        await in_time(add, self._deadline_s)

    async def begin(self) -> None:
        """Read from now on."""

        async def ends() -> list[Any]:
            async with self._redis.pipeline(transaction=True) as pipe:
                for key in self._streams.values():
                    pipe.xrevrange(key, count=1)
                return await pipe.execute()

        found = await in_time(ends, self._deadline_s)
        for name, entries in zip(self._streams, found, strict=True):
            self._last[name] = _text(entries[0][0]) if entries else "0-0"

    async def hear(self) -> Heard:
        """New messages; waits a moment when there are none."""
        keys = {key: name for name, key in self._streams.items()}
        wanted = {self._streams[name]: last for name, last in self._last.items()}
        found = await in_time(
            lambda: cast(
                "Awaitable[Any]",
                self._redis.xread(cast("Any", wanted), count=BATCH, block=round(BLOCK_S * 1000)),
            ),
            self._deadline_s + BLOCK_S,
        )
        heard: dict[str, tuple[bytes, ...]] = {}
        for key, entries in found or ():
            name = keys[_text(key)]
            self._last[name] = _text(entries[-1][0])
            heard[name] = tuple(fields.get(b"m", b"") for _, fields in entries)
        return Heard(*(heard.get(name, ()) for name in ("up", "down", "side")))

    async def leave(self) -> None:
        """Give the lease back and be gone."""
        await in_time(
            lambda: cast(
                "Awaitable[Any]", self._leave(keys=[self._leader, self._members], args=[self._member])
            ),
            self._deadline_s,
        )


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
