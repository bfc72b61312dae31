"""Passwords: which are acceptable, how they are checked, and how many wrong ones are borne."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.account_errors import AccountInvalid, LoginsBusy
from cti.audit import note
from cti.database import upsert
from cti.tables import login_failures

__all__ = ["PASSWORD_MAX", "Passwords", "check_acceptable", "count_failure", "forgive", "locked_until"]

log = logging.getLogger(__name__)

PASSWORD_MIN, PASSWORD_MAX = 8, 128
DIFFERENT_MIN = 4
"""Different characters a password must have."""


def check_acceptable(login: str, password: str) -> None:
    """Refuse a new password that is too short, too long or too easy to guess.

    Raises:
        AccountInvalid: naming the rule.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise AccountInvalid(
            "password",
            f"has {len(password)} characters, {PASSWORD_MIN} to {PASSWORD_MAX} are allowed",
            shown=f"密码须为 {PASSWORD_MIN} 至 {PASSWORD_MAX} 个字符",
        )
    if password.lower() == login or len(set(password)) < DIFFERENT_MIN:
        raise AccountInvalid("password", "is too easy to guess", shown="密码过于简单，请更换")


class Passwords:
    """Makes and checks argon2id hashes in threads: few at a time, and a bounded number waiting."""

    def __init__(self, *, at_once: int, waiting: int, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(at_once)
        self._bound = at_once + waiting
        self._waiting = 0
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """Return the argon2id hash, with its parameters inside."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is right; None (nobody's hash) takes as long and is never right.

        Raises:
            LoginsBusy: too many passwords wait to be checked.
        """
        if self._waiting >= self._bound:
            raise LoginsBusy
        self._waiting += 1
        try:
            if stored is None and not self._nobodys:
                self._nobodys = await self.hash(secrets.token_urlsafe(16))
            async with self._turn:
                await asyncio.to_thread(self._hasher.verify, stored or self._nobodys, password)
        except (VerificationError, InvalidHashError):
            return False
        else:
            return stored is not None
        finally:
            self._waiting -= 1

    def outdated(self, stored: str) -> bool:
        """Tell whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


async def locked_until(connection: AsyncConnection, subjects: Sequence[str]) -> float:
    """Return when the longest lock of these subjects ends (epoch seconds), 0 without one."""
    found = await connection.scalars(
        select(login_failures.c.locked_until).where(login_failures.c.subject.in_(subjects))
    )
    return max(found.all(), default=0.0)


async def count_failure(
    connection: AsyncConnection, subject: str, *, now: float, bound: int, window_s: float, lock_s: float
) -> None:
    """Count one failure of `subject` ("login:…" or "address:…") and lock it when there were `bound`."""
    await connection.execute(
        delete(login_failures).where(
            login_failures.c.window_start < now - window_s, login_failures.c.locked_until < now
        )
    )
    first = upsert(connection, login_failures).values(
        subject=subject, failures=1, window_start=now, locked_until=0.0
    )
    failures = await connection.scalar(
        first.on_conflict_do_update(
            index_elements=[login_failures.c.subject], set_={"failures": login_failures.c.failures + 1}
        ).returning(login_failures.c.failures)
    )
    if failures is None or failures < bound:
        return
    await connection.execute(
        update(login_failures)
        .where(login_failures.c.subject == subject)
        .values(locked_until=now + lock_s, failures=0, window_start=now)
    )
    await note(
        connection, at=now, who="system", what="login_locked", target=subject, detail={"failures": failures}
    )
    log.warning("login locked", extra={"by": subject.partition(":")[0], "failures": failures})


async def forgive(connection: AsyncConnection, subject: str) -> None:
    """Forget the failures of a subject."""
    await connection.execute(delete(login_failures).where(login_failures.c.subject == subject))
