"""Sessions of signed-in people.

A token is 256 random bits; only its SHA-256 is kept. A session ends 30 minutes after its last use and 12
hours after it began. Sessions in use are remembered, so people stay signed in while the database is away.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import msgspec
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.messages import Role
from cti.ports import Person
from cti.tables import accounts, sessions

__all__ = ["MAX_SESSIONS", "Session", "SessionLimits", "Sessions", "token_digest"]

log = logging.getLogger(__name__)

MAX_SESSIONS = 10
"""Sessions of one account at a time; the one unused for longest ends when an eleventh begins."""
MAX_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long sessions last, and how exactly that is kept. Seconds."""

    idle_s: float = 30 * 60  # a session unused for so long ends
    absolute_s: float = 12 * 3600  # every session ends after so long
    recheck_s: float = 5.0  # a session looked up so recently is not looked up again
    save_seen_s: float = 60.0  # the database's time of last use may be so old


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in person's session. Times are epoch seconds."""

    token_hash: str  # names the session without giving it away
    person: Person  # whose
    created_at: float  # signed in
    seen_at: float  # last use
    checked_at: float = field(default=0.0, compare=False)  # last look into the database
    saved_at: float = field(default=0.0, compare=False)  # last use, as the database has it


def token_digest(token: str) -> str:
    """Return what is stored of a session token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """Begins, finds and ends sessions. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float], limits: SessionLimits) -> None:
        self.limits = limits
        self._engine = engine
        self._clock = clock
        self._known: OrderedDict[str, Session] = OrderedDict()

    async def begin(self, connection: AsyncConnection, person: Person) -> tuple[str, Session]:
        """Begin a session in a transaction of the caller's; return its token, told only here."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        session = Session(
            token_hash=token_digest(token), person=person, created_at=now, seen_at=now, saved_at=now
        )
        over = or_(
            sessions.c.created_at <= now - self.limits.absolute_s,
            sessions.c.seen_at <= now - self.limits.idle_s,
        )
        await connection.execute(delete(sessions).where(over))
        newest = select(sessions.c.token_hash).where(sessions.c.login == person.login)
        newest = newest.order_by(sessions.c.seen_at.desc()).offset(MAX_SESSIONS - 1)
        surplus = (await connection.scalars(newest)).all()
        if surplus:
            await connection.execute(delete(sessions).where(sessions.c.token_hash.in_(surplus)))
            for token_hash in surplus:
                self._known.pop(token_hash, None)
        await connection.execute(
            insert(sessions).values(
                token_hash=session.token_hash, login=person.login, created_at=now, seen_at=now
            )
        )
        return token, session

    async def find(self, token: str) -> Session | None:
        """Return the session of a token and count this as use; None when there is none or it has ended.

        While the database is away, a session that this server has seen goes on by the same limits.
        """
        return await self.resume(token_digest(token)) if 20 <= len(token) <= 128 else None

    async def resume(self, token_hash: str) -> Session | None:
        """Like `find`, for a caller that kept the token's hash."""
        now = self._clock()
        known = self._alive(token_hash, now)
        if known is None or now - known.checked_at >= self.limits.recheck_s:
            try:
                known = await self._load(token_hash, now)
            except (SQLAlchemyError, OSError):
                if known is None:
                    raise
                log.warning("session taken from memory: database away")
        if known is None:
            self._known.pop(token_hash, None)
            return None
        used = replace(known, seen_at=now)
        if now - known.saved_at >= self.limits.save_seen_s:
            used = await self._save_seen(used)
        self._remember(used)
        return used

    def touch(self, token_hash: str) -> None:
        """Count a message on an open page as use of its session; nothing happens when it has ended."""
        now = self._clock()
        known = self._alive(token_hash, now)
        if known is not None:
            self._known[token_hash] = replace(known, seen_at=now)

    async def still_valid(self, token_hashes: Iterable[str]) -> frozenset[str]:
        """Return which of these sessions go on; asks the database once, or memory while it is away.

        Saves the times of last use that `touch` counted, so that another server knows them.
        """
        now = self._clock()
        alive = {token_hash for token_hash in token_hashes if self._alive(token_hash, now) is not None}
        if not alive:
            return frozenset()
        query = select(sessions.c.token_hash).join(accounts, accounts.c.login == sessions.c.login)
        query = query.where(sessions.c.token_hash.in_(alive), accounts.c.active)
        try:
            async with self._engine.connect() as connection:
                stored = frozenset((await connection.scalars(query)).all())
        except (SQLAlchemyError, OSError):
            log.warning("sessions taken from memory: database away")
            return frozenset(alive)
        for gone in alive - stored:
            self._known.pop(gone, None)
        for token_hash in stored:
            known = self._known.get(token_hash)
            if known is not None and known.seen_at - known.saved_at >= self.limits.save_seen_s:
                self._remember(await self._save_seen(known))
        return stored

    async def end(self, token_hash: str) -> None:
        """End one session; nothing happens when it has ended already."""
        self._known.pop(token_hash, None)
        async with self._engine.begin() as connection:
            await connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))

    async def end_all(self, connection: AsyncConnection, login: str, *, keep: str = "") -> None:
        """End all sessions of an account but the one whose hash is `keep`, in the caller's transaction."""
        await connection.execute(
            delete(sessions).where(sessions.c.login == login, sessions.c.token_hash != keep)
        )
        for known in list(self._known.values()):
            if known.person.login == login and known.token_hash != keep:
                del self._known[known.token_hash]

    def update_person(self, person: Person) -> None:
        """Let this server's sessions of a person know their new name, extension or skills."""
        for token_hash, known in self._known.items():
            if known.person.login == person.login:
                self._known[token_hash] = replace(known, person=person)

    # ------------------------------------------------------------ inside

    def _alive(self, token_hash: str, now: float) -> Session | None:
        known = self._known.get(token_hash)
        return known if known is not None and self._ends_at(known) > now else None

    def _ends_at(self, session: Session) -> float:
        return min(session.created_at + self.limits.absolute_s, session.seen_at + self.limits.idle_s)

    def _remember(self, session: Session) -> None:
        self._known[session.token_hash] = session
        self._known.move_to_end(session.token_hash)
        while len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)

    async def _load(self, token_hash: str, now: float) -> Session | None:
        query = select(accounts, sessions.c.created_at.label("began"), sessions.c.seen_at)
        query = query.join(sessions, sessions.c.login == accounts.c.login)
        query = query.where(sessions.c.token_hash == token_hash, accounts.c.active)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        known = self._known.get(token_hash)
        session = Session(
            token_hash=token_hash,
            person=Person(
                login=row["login"],
                name=row["name"],
                role=Role(row["role"]),
                extension=row["extension"],
                skills=msgspec.convert(row["skills"], dict[str, int]),
                team=row["team"],
                place=row["place"],
                texts=row["texts"],
                unit=row["unit"],
                districts=tuple(row["districts"]),
                confidential=row["confidential"],
            ),
            created_at=row["began"],
            seen_at=max(row["seen_at"], known.seen_at if known is not None else 0.0),
            checked_at=now,
            saved_at=row["seen_at"],
        )
        return session if self._ends_at(session) > now else None

    async def _save_seen(self, session: Session) -> Session:
        try:
            async with self._engine.begin() as connection:
                await connection.execute(
                    update(sessions)
                    .where(sessions.c.token_hash == session.token_hash, sessions.c.seen_at < session.seen_at)
                    .values(seen_at=session.seen_at)
                )
        except (SQLAlchemyError, OSError):
            log.warning("last use of a session not saved: database away")
        return replace(session, saved_at=session.seen_at)
