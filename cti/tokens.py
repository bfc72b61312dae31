"""Tokens of other systems: what each may do, until when, and how often it may ask.

A token is `hlt_<id>_<256 random bits>`; only its SHA-256 is kept. Tokens in use are remembered: systems
go on while the database is away.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import RowMapping, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.database import writing
from cti.errors import HotlineError
from cti.system_tables import api_tokens

__all__ = ["PREFIX", "ApiToken", "Scope", "TokenRefused", "TokenStore"]

log = logging.getLogger(__name__)

PREFIX = "hlt_"
MOST = 200
"""Tokens that are not revoked."""
NAME_MAX = 24
PER_MINUTE_MAX = 60_000
RECHECK_S = 5.0
SAVE_USED_S = 60.0
REMEMBERED = 1000
DAY_S = 86400.0
DAYS_MAX = 3650


class Scope(StrEnum):
    """One thing that a token may do."""

    CALLS_READ = "calls:read"  # calls, without words and sound
    TRANSCRIPTS_READ = "transcripts:read"  # what was said
    ORDERS_READ = "orders:read"  # work orders and what visits found
    ORDERS_WRITE = "orders:write"  # bring matters, and ask how far one's own are
    PERSONS_READ = "persons:read"  # with the others: names, numbers and addresses in plain words
    NOTICES_WRITE = "notices:write"  # hand in what citizens answered to messages
    CALLBACKS_READ = "callbacks:read"  # call-backs
    CALLBACKS_WRITE = "callbacks:write"  # wish for call-backs
    FIGURES_READ = "figures:read"  # figures of the floor and reports


class TokenRefused(HotlineError):
    """A token is not made or changed so; `shown` is Chinese, `field` the part that is wrong."""

    def __init__(self, shown: str, field: str = "") -> None:
        super().__init__(shown)
        self.shown = shown
        self.field = field


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """One token, without its secret. Times are epoch seconds."""

    token_id: str  # names it without giving it away
    name: str  # which system
    scopes: tuple[Scope, ...]  # what it may do
    per_minute: int  # requests
    created_by: str  # login
    created_at: float
    expires_at: float | None  # None: never
    revoked_at: float | None  # None: in force
    used_at: float | None  # last use, to the minute

    def in_force(self, now: float) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class TokenStore:
    """Makes, finds and revokes tokens. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._known: dict[str, tuple[ApiToken, str, float]] = {}  # id -> token, hash, when it was read

    async def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        *,
        by: str,
        days: int | None = 365,
        per_minute: int = 600,
        reason: str = "",
    ) -> tuple[str, ApiToken]:
        """Make a token; return it, told only here, and what is kept of it. Raises TokenRefused."""
        name = name.strip()
        if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
            raise TokenRefused(f"名称须为 1 至 {NAME_MAX} 个字", "name")
        if not scopes:
            raise TokenRefused("请至少选择一项权限", "scopes")
        if days is not None and not 1 <= days <= DAYS_MAX:
            raise TokenRefused(f"有效期须为 1 至 {DAYS_MAX} 天", "days")
        if not 1 <= per_minute <= PER_MINUTE_MAX:
            raise TokenRefused(f"每分钟次数须为 1 至 {PER_MINUTE_MAX}", "per_minute")
        now = self._clock()
        made = ApiToken(
            token_id=secrets.token_hex(6),
            name=name,
            scopes=tuple(scope for scope in Scope if scope in scopes),
            per_minute=per_minute,
            created_by=by,
            created_at=now,
            expires_at=None if days is None else now + days * DAY_S,
            revoked_at=None,
            used_at=None,
        )
        token = f"{PREFIX}{made.token_id}_{secrets.token_urlsafe(32)}"
        values = msgspec.to_builtins(made)
        async with writing(self._engine) as connection:
            open_ones = select(func.count()).where(api_tokens.c.revoked_at.is_(None))
            if (await connection.scalar(open_ones) or 0) >= MOST:
                raise TokenRefused(f"令牌已达 {MOST} 个，请先吊销不用的")
            await connection.execute(insert(api_tokens).values(**values, secret_hash=_digest(token)))
            detail = {
                "name": name,
                "scopes": list(values["scopes"]),
                "days": days,
                "per_minute": per_minute,
                "reason": reason[:200],
            }
            await audit.note(
                connection, at=now, who=by, what="token_created", target=made.token_id, detail=detail
            )
        return token, made

    async def list(self) -> tuple[ApiToken, ...]:
        """Return all tokens, newest first, revoked ones too."""
        query = select(api_tokens).order_by(api_tokens.c.created_at.desc(), api_tokens.c.token_id).limit(1000)
        async with self._engine.connect() as connection:
            return tuple(_token(row) for row in (await connection.execute(query)).mappings())

    async def revoke(self, token_id: str, *, by: str, reason: str = "") -> ApiToken | None:
        """Let a token open nothing any more; None when there is none. One that is revoked stays as it is."""
        now = self._clock()
        async with writing(self._engine) as connection:
            row = (
                (await connection.execute(select(api_tokens).where(api_tokens.c.token_id == token_id)))
                .mappings()
                .first()
            )
            if row is None:
                return None
            token = _token(row)
            if token.revoked_at is not None:
                return token
            await connection.execute(
                update(api_tokens).where(api_tokens.c.token_id == token_id).values(revoked_at=now)
            )
            detail = {"name": token.name, "reason": reason[:200]}
            await audit.note(connection, at=now, who=by, what="token_revoked", target=token_id, detail=detail)
        self._known.pop(token_id, None)
        return msgspec.structs.replace(token, revoked_at=now)

    async def find(self, token: str) -> ApiToken | None:
        """Return the token that this is and count it as used; None when it opens nothing."""
        token_id = token.removeprefix(PREFIX).partition("_")[0][:16]
        now = self._clock()
        known = self._known.get(token_id)
        if known is None or not 0 <= now - known[2] < RECHECK_S:
            try:
                known = await self._load(token_id, now)
            except (SQLAlchemyError, OSError):
                if known is None:
                    raise
                log.warning("token taken from memory: database away")
        if known is None or not hmac.compare_digest(known[1], _digest(token)) or not known[0].in_force(now):
            return None
        return known[0]

    async def _load(self, token_id: str, now: float) -> tuple[ApiToken, str, float] | None:
        self._known.pop(token_id, None)
        query = select(api_tokens).where(api_tokens.c.token_id == token_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        token = _token(row)
        if token.in_force(now) and now - (token.used_at or 0.0) >= SAVE_USED_S:
            async with writing(self._engine) as connection:
                await connection.execute(
                    update(api_tokens).where(api_tokens.c.token_id == token_id).values(used_at=now)
                )
        while len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[token_id] = (token, row["secret_hash"], now)
        return self._known[token_id]


def _token(row: RowMapping) -> ApiToken:
    return msgspec.convert({name: row[name] for name in ApiToken.__struct_fields__}, ApiToken)
