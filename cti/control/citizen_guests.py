"""Guests: who has the citizens' page open. A guest is one citizen with one call, known by a token.

The token is random and leaves this module once; what is kept is its hash. Any server finds a guest again in
Redis, so that a page may come back to another one; without Redis the server that admitted the guest still
knows them. Guests are bounded in number and in how fast one address may make them.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

KEEP_S = 43_200.0
"""How long a guest is known: a conversation, and coming back to it."""

UNUSED_S = 600.0
"""A guest who has not reached the hotline within this time makes room for another."""

ADDRESSES_MAX = 20_000
READ_S = 1.0
GUEST = "guest-"
"""Guests' ids begin so: also the names of their accounts in Asterisk, so of their channels."""


class GuestsRefused(Exception):
    """No guest is admitted now; the text is Chinese, for the citizen. `wait_s`: try again after so long."""

    def __init__(self, shown: str, wait_s: float) -> None:
        super().__init__(shown)
        self.wait_s = wait_s


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """One citizen at the page."""

    guest_id: str  # also the SIP user of a voice or video call
    key: str  # hash of the token
    media: str  # acd.messages.Media
    created: float  # epoch seconds
    number: str = ""  # telephone number that was proven to be theirs
    contact: str = ""  # number they gave, not proven
    text_only: bool = False  # asks to be contacted by text only
    call_id: str = ""  # their call, "" before it reached the hotline
    over: bool = False  # the call is over; the page may still show it


class Guests:
    """Admits, finds, keeps."""

    def __init__(
        self,
        redis: Redis,
        prefix: str,
        *,
        most: int,
        per_minute: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`most` guests at once on this server, `per_minute` new ones of one address in the long run."""
        self._redis = redis
        self._prefix = prefix
        self._most = most
        self._per_minute = per_minute
        self._now = clock
        self._guests: dict[str, Guest] = {}  # by id
        self._ids: dict[str, str] = {}  # key -> id
        self._quotas: dict[str, tuple[float, float]] = {}  # address -> guests it may make, as of when

    def __len__(self) -> int:
        return sum(not guest.over for guest in self._guests.values())

    # ------------------------------------------------------------ admission

    async def admit(
        self, *, media: str, address: str, number: str, contact: str, text_only: bool
    ) -> tuple[Guest, str]:
        """Make a guest; return them and their token. Raises GuestsRefused."""
        now = self._now()
        self._take_quota(address, now)
        self._drop_old(now)
        if len(self) >= self._most:
            raise GuestsRefused("现在同时来访的人太多，请稍后再试，或拨打 12345", 30.0)
        token = secrets.token_urlsafe(32)
        guest = Guest(
            guest_id=f"{GUEST}{int(now):x}-{secrets.token_hex(8)}", key=_hash(token), media=media,
            created=now, number=number, contact=contact, text_only=text_only,
        )  # fmt: skip
        await self.keep(guest)
        return guest, token

    def _take_quota(self, address: str, now: float) -> None:
        burst = max(1.0, self._per_minute)
        left, since = self._quotas.get(address, (burst, now))
        left = min(burst, left + max(0.0, now - since) * self._per_minute / 60.0)
        if left < 1.0:
            raise GuestsRefused("请求过于频繁，请稍后再试，或拨打 12345", 60.0 / self._per_minute)
        if len(self._quotas) >= ADDRESSES_MAX:
            self._quotas.clear()  # a flood of addresses: better a moment without quotas than no page at all
        self._quotas[address] = (left - 1.0, now)

    def _drop_old(self, now: float) -> None:
        for guest in tuple(self._guests.values()):
            age = now - guest.created
            if age > KEEP_S or (age > UNUSED_S and (guest.over or not guest.call_id)):
                self._guests.pop(guest.guest_id)
                self._ids.pop(guest.key, None)

    # ------------------------------------------------------------ finding

    def known(self, guest_id: str) -> Guest | None:
        """The guest, if this server knows them."""
        return self._guests.get(guest_id)

    async def of_token(self, token: str) -> Guest | None:
        """Whose token this is; None for nobody's, or one that ran out."""
        key = _hash(token)
        if (guest_id := self._ids.get(key)) is None:
            guest_id = await self._read(f"guest-key:{key}")
        return None if guest_id is None else await self.find(guest_id)

    async def find(self, guest_id: str) -> Guest | None:
        """The guest of this id, also one whom another server admitted."""
        guest = self._guests.get(guest_id)
        if guest is None and (raw := await self._read(f"guest:{guest_id}")) is not None:
            try:
                guest = msgspec.json.decode(raw, type=Guest)
            except msgspec.MsgspecError:
                return None
        if guest is None or self._now() - guest.created > KEEP_S:
            return None
        self._guests[guest.guest_id] = guest
        self._ids[guest.key] = guest.guest_id
        return guest

    async def fresh(self, guest: Guest) -> Guest:
        """The guest as they are now: their call may have come in at another server."""
        known = self._guests.get(guest.guest_id, guest)
        if known.call_id == "" and (raw := await self._read(f"guest:{guest.guest_id}")) is not None:
            try:
                known = msgspec.json.decode(raw, type=Guest)
            except msgspec.MsgspecError:
                return known
            self._guests[known.guest_id] = known
        return known

    async def keep(self, guest: Guest) -> None:
        """Keep this version of a guest, here and for the other servers."""
        self._guests[guest.guest_id] = guest
        self._ids[guest.key] = guest.guest_id
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(f"{self._prefix}guest:{guest.guest_id}", msgspec.json.encode(guest), ex=int(KEEP_S))
                pipe.set(f"{self._prefix}guest-key:{guest.key}", guest.guest_id, ex=int(KEEP_S))
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("guest kept in memory only", extra={"reason": type(error).__name__})

    def ids(self) -> Iterable[str]:
        """Ids of all guests that this server knows."""
        return tuple(self._guests)

    async def _read(self, key: str) -> str | None:
        try:
            value = await cast("object", self._redis.get(f"{self._prefix}{key}"))  # type: ignore[misc]
        except (RedisError, OSError, TimeoutError):
            return None
        return value.decode(errors="replace") if isinstance(value, bytes) else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def guest_of_channel(channel: str) -> str:
    """Id of the guest whose channel this is ("PJSIP/guest-…-00000001"), "" for everybody else's."""
    technology, _, rest = channel.partition("/")
    name = rest.rpartition("-")[0]
    return name if technology == "PJSIP" and name.startswith(GUEST) else ""
