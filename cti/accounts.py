"""Accounts: who may sign in, as what, with which extension and skills; every change leaves a trail."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from argon2 import PasswordHasher
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.account_checks import (
    LOGIN_FORM,
    check_extension,
    check_login,
    check_name,
    check_office,
    check_seat,
    check_skills,
)
from cti.account_errors import AccountExists, AccountInvalid, AccountUnknown, LoginLocked, LoginRefused
from cti.audit import AuditRow, note, trail
from cti.database import writing
from cti.messages import Role
from cti.passwords import PASSWORD_MAX, Passwords, check_acceptable, count_failure, forgive, locked_until
from cti.ports import Person
from cti.sessions import Session, SessionLimits, Sessions
from cti.staff_names import StaffNames
from cti.tables import accounts

__all__ = ["Account", "Accounts", "LoginLimits"]

ADDRESS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLimits:
    """How many failures are borne, and how many passwords are checked at once."""

    window_s: float = 15 * 60  # failures are counted over so long
    lock_s: float = 15 * 60  # and lock for so long
    login_failures: int = 5  # per login
    address_failures: int = 50  # per address; a whole hall of seats may share one
    hashers: int = 2  # passwords checked at the same time
    waiting: int = 64  # and waiting for it


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account as an administrator sees it."""

    login: str  # unique, lower case
    name: str  # 姓名
    role: Role  # what they may do
    extension: str  # "" for people without a phone
    skills: Mapping[str, int]  # skill -> level 1..5
    team: str  # 班组, "" none
    place: str  # centre where the person sits, "" for the only one
    texts: int  # text conversations at once
    unit: str  # 承办单位 they work for, "" for the hotline itself
    districts: tuple[str, ...]  # 区县 whose orders are open to them, () all
    confidential: bool  # may learn who is behind a confidential order
    active: bool  # may sign in
    created_at: float  # epoch seconds
    changed_at: float  # epoch seconds

    def person(self) -> Person:
        """Return who this is to call control."""
        return Person(
            login=self.login,
            name=self.name,
            role=self.role,
            extension=self.extension,
            skills=dict(self.skills),
            team=self.team,
            place=self.place,
            texts=self.texts,
            unit=self.unit,
            districts=self.districts,
            confidential=self.confidential,
        )


def _account(row: RowMapping) -> Account:
    return msgspec.convert({name: row[name] for name in Account.__struct_fields__}, Account)


async def _get(connection: AsyncConnection, login: str) -> Account:
    row = (await connection.execute(select(accounts).where(accounts.c.login == login))).mappings().first()
    if row is None:
        raise AccountUnknown
    return _account(row)


async def _check_extension_free(connection: AsyncConnection, login: str, extension: str) -> None:
    holder = select(accounts.c.login).where(
        accounts.c.extension == extension, accounts.c.active, accounts.c.login != login
    )
    if extension and await connection.scalar(holder) is not None:
        raise AccountExists("extension")


async def _check_admin_stays(
    connection: AsyncConnection, before: Account, after: Mapping[str, object]
) -> None:
    if before.role is not Role.ADMIN or not before.active:
        return
    if after.get("active", True) and after.get("role", Role.ADMIN.value) == Role.ADMIN.value:
        return
    others = select(accounts.c.login).where(
        accounts.c.role == Role.ADMIN.value, accounts.c.active, accounts.c.login != before.login
    )
    if await connection.scalar(others.limit(1)) is None:
        raise AccountInvalid(
            "active" if "active" in after else "role",
            "the last active administrator must stay one",
            shown="至少须保留一名在用的管理员",
        )


class Accounts:
    """Accounts in the database. SQLAlchemy's errors pass through when it cannot be reached."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        clock: Callable[[], float] = time.time,
        login_limits: LoginLimits | None = None,
        session_limits: SessionLimits | None = None,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._limits = login_limits or LoginLimits()
        self._passwords = Passwords(at_once=self._limits.hashers, waiting=self._limits.waiting, hasher=hasher)
        self.sessions = Sessions(engine, clock=clock, limits=session_limits or SessionLimits())
        """Sessions that `login` began."""
        self.names = StaffNames(engine)
        """Who stands behind logins."""

    async def create(
        self,
        *,
        by: str,
        login: str,
        name: str,
        role: Role,
        password: str,
        extension: str = "",
        skills: Mapping[str, int] | None = None,
        team: str = "",
        place: str = "",
        texts: int = 0,
        unit: str = "",
        districts: Sequence[str] = (),
        confidential: bool = False,
        reason: str = "",
    ) -> Account:
        """Create an account; `by` is the login of who does it, or "system", `reason` is why.

        Raises:
            AccountInvalid: a value is not acceptable.
            AccountExists: login or extension is taken.
        """
        check_login(login)
        check_name(name)
        check_extension(extension)
        check_skills(skills or {})
        check_seat(team, place, texts)
        check_office(role, unit, districts)
        check_acceptable(login, password)
        hashed = await self._passwords.hash(password)
        now = self._clock()
        values = {"login": login, "name": name, "role": role.value, "extension": extension}
        office = {"unit": unit, "districts": list(districts), "confidential": confidential}
        try:
            async with writing(self._engine) as connection:
                await _check_extension_free(connection, login, extension)
                await connection.execute(
                    insert(accounts).values(
                        **values,
                        skills=dict(skills or {}),
                        team=team,
                        place=place,
                        texts=texts,
                        **office,
                        password_hash=hashed,
                        active=True,
                        created_at=now,
                        changed_at=now,
                    )
                )
                await note(
                    connection,
                    at=now,
                    who=by,
                    what="account_created",
                    target=login,
                    detail={
                        **values,
                        "skills": dict(skills or {}),
                        "team": team,
                        "place": place,
                        "texts": texts,
                        **office,
                        "reason": reason,
                    },
                )
                return await _get(connection, login)
        except IntegrityError:
            raise AccountExists("login") from None

    async def get(self, login: str) -> Account:
        """Return one account.

        Raises:
            AccountUnknown: there is none.
        """
        async with self._engine.connect() as connection:
            return await _get(connection, login)

    async def list(self) -> tuple[Account, ...]:
        """Return all accounts, by login."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(accounts).order_by(accounts.c.login))
            return tuple(_account(row) for row in rows.mappings())

    async def change(
        self,
        login: str,
        *,
        by: str,
        name: str | None = None,
        role: Role | None = None,
        extension: str | None = None,
        skills: Mapping[str, int] | None = None,
        team: str | None = None,
        place: str | None = None,
        texts: int | None = None,
        unit: str | None = None,
        districts: Sequence[str] | None = None,
        confidential: bool | None = None,
        active: bool | None = None,
        password: str | None = None,
        reason: str = "",
    ) -> Account:
        """Change what is given; a new role, a new password or deactivation ends the account's sessions.

        The trail keeps what was before and what is now, so that it can be put back, and the `reason`.

        Raises:
            AccountInvalid: a value is not acceptable, or the last active administrator would be gone.
            AccountExists: the extension is taken.
            AccountUnknown: there is no such account.
        """
        given: dict[str, object] = {}
        if name is not None:
            check_name(name)
            given["name"] = name
        if role is not None:
            given["role"] = role.value
        if extension is not None:
            check_extension(extension)
            given["extension"] = extension
        if skills is not None:
            check_skills(skills)
            given["skills"] = dict(skills)
        check_seat(team, place, texts)
        given |= {
            key: value
            for key, value in (
                ("team", team), ("place", place), ("texts", texts), ("unit", unit),
                ("confidential", confidential),
                ("districts", None if districts is None else list(districts)),
            )
            if value is not None
        }  # fmt: skip
        if active is not None:
            given["active"] = active
        if password is not None:
            check_acceptable(login, password)
            given["password_hash"] = await self._passwords.hash(password)
        now = self._clock()
        async with writing(self._engine) as connection:
            before = await _get(connection, login)
            if not given:
                return before
            await _check_admin_stays(connection, before, given)
            check_office(
                before.role if role is None else role,
                before.unit if unit is None else unit,
                before.districts if districts is None else districts,
            )
            if given.get("active", before.active):
                await _check_extension_free(
                    connection, login, before.extension if extension is None else extension
                )
            await connection.execute(
                update(accounts).where(accounts.c.login == login).values(**given, changed_at=now)
            )
            shown = [key for key in given if key != "password_hash"]
            told: dict[str, object] = {key: given[key] for key in shown}
            told["before"] = {key: msgspec.to_builtins(getattr(before, key)) for key in shown}
            told["reason"] = reason
            told["changed"] = ["password" if key == "password_hash" else key for key in given]
            await note(connection, at=now, who=by, what="account_changed", target=login, detail=told)
            if password is not None or active is False or role not in (None, before.role):
                await self.sessions.end_all(connection, login)
            if password is not None or active:
                await forgive(connection, f"login:{login}")
            after = await _get(connection, login)
        self.sessions.update_person(after.person())
        self.names.forget()
        return after

    async def set_skills(self, login: str, skills: Mapping[str, int], *, by: str) -> Account:
        """Replace an account's skills (skill -> level 1..5); raises like `change`."""
        return await self.change(login, by=by, skills=skills)

    async def deactivate(self, login: str, *, by: str) -> Account:
        """Let an account sign in no more; its sessions end. Raises like `change`."""
        return await self.change(login, by=by, active=False)

    async def end_sessions(self, login: str, *, by: str, reason: str) -> None:
        """Sign somebody out everywhere. Raises AccountUnknown."""
        async with writing(self._engine) as connection:
            await _get(connection, login)
            await self.sessions.end_all(connection, login)
            await note(
                connection,
                at=self._clock(),
                who=by,
                what="sessions_ended",
                target=login,
                detail={"reason": reason},
            )

    async def change_password(self, login: str, old: str, new: str, *, keep: str = "") -> None:
        """Change one's own password; every session but the one whose hash is `keep` ends.

        Raises:
            LoginRefused: the old password is wrong.
            LoginLocked: it was wrong too often.
            AccountInvalid: the new password is not acceptable.
        """
        check_acceptable(login, new)
        await self._verify(login, old, {f"login:{login}": self._limits.login_failures})
        hashed = await self._passwords.hash(new)
        now = self._clock()
        async with writing(self._engine) as connection:
            await connection.execute(
                update(accounts).where(accounts.c.login == login).values(password_hash=hashed, changed_at=now)
            )
            await self.sessions.end_all(connection, login, keep=keep)
            await note(connection, at=now, who=login, what="password_changed", target=login)

    async def login(self, login: str, password: str, *, address: str) -> tuple[str, Session]:
        """Check a password and begin a session; return its token (told only here) and the session.

        Raises:
            LoginRefused: wrong, unknown or not active.
            LoginLocked: too many failures of this login or from this address.
            LoginsBusy: too many logins at once.
        """
        bounds = {
            f"login:{login[:32]}": self._limits.login_failures,
            f"address:{address[:ADDRESS_MAX]}": self._limits.address_failures,
        }
        account, stored = await self._verify(login, password, bounds)
        hashed = await self._passwords.hash(password) if self._passwords.outdated(stored) else None
        async with writing(self._engine) as connection:
            await forgive(connection, f"login:{account.login}")
            if hashed is not None:
                await connection.execute(
                    update(accounts).where(accounts.c.login == account.login).values(password_hash=hashed)
                )
            token, session = await self.sessions.begin(connection, account.person())
            await note(
                connection, at=self._clock(), who=account.login, what="signed_in", target=account.login
            )
        return token, session

    async def note(
        self, who: str, what: str, target: str, detail: Mapping[str, object] | None = None
    ) -> None:
        """Write one line of the trail."""
        async with self._engine.begin() as connection:
            await note(connection, at=self._clock(), who=who, what=what, target=target, detail=detail)

    async def trail(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        who: str = "",
        what: Sequence[str] = (),
        target: str = "",
        since: float | None = None,
        until: float | None = None,
    ) -> Sequence[AuditRow]:
        """Return the newest lines of the trail, see `cti.audit.trail`."""
        return await trail(
            self._engine,
            before=before,
            limit=limit,
            who=who,
            what=what,
            target=target,
            since=since,
            until=until,
        )

    async def _verify(self, login: str, password: str, bounds: Mapping[str, int]) -> tuple[Account, str]:
        """Check a password against `bounds` (subject -> failures borne); return the account and its hash.

        An unknown login costs as much time as a wrong password.
        """
        row = None
        async with self._engine.connect() as connection:
            until = await locked_until(connection, list(bounds))
            if LOGIN_FORM.fullmatch(login):
                query = select(accounts).where(accounts.c.login == login)
                row = (await connection.execute(query)).mappings().first()
        now = self._clock()
        if until > now:
            raise LoginLocked(until - now)
        usable = row is not None and bool(row["active"]) and len(password) <= PASSWORD_MAX
        stored = str(row["password_hash"]) if row is not None and usable else None
        if await self._passwords.matches(stored, password[:PASSWORD_MAX]) and row is not None:
            return _account(row), str(row["password_hash"])
        async with writing(self._engine) as connection:
            for subject, bound in bounds.items():
                await count_failure(
                    connection,
                    subject,
                    now=now,
                    bound=bound,
                    window_s=self._limits.window_s,
                    lock_s=self._limits.lock_s,
                )
        raise LoginRefused
