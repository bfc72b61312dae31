"""People behind logins, as they are shown: 姓名（工号）. Events keep logins, which never change.

Accounts are never deleted, so whoever worked here once is still named, with 已停用 behind it. One resolver
for pages, papers and sentences; it reads all accounts at once and keeps them for half a minute.

Who sees whom: the hotline's own people, leaders and auditors see everybody's name. A unit's people see the
names of their own unit and those below it; of the centre they see 12345中心 and the 工号, of another unit its
name and the 工号 (a complaint about a clerk can be traced, and nobody is looked up and called).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.messages import Role
from cti.ports import Person
from cti.tables import accounts

__all__ = ["CENTRE", "Named", "Naming", "StaffNames"]

KEPT_S = 30.0
MOST = 20_000
"""Accounts that are kept; others are shown by their login alone."""
CENTRE = "12345中心"
_OTHERS: Mapping[str, str] = {
    "": "", "system": "系统", "machine": "机器", "call": "通话", "robot": "机器人", "citizen": "市民",
}  # fmt: skip
"""Who is no person of ours."""
_WORD = re.compile(r"[A-Za-z0-9_.\-:@]+")


@dataclass(frozen=True, slots=True)
class Named:
    """One account, as far as names go."""

    name: str  # 姓名, as last known
    role: str  # cti.messages.Role
    unit: str  # 承办单位, "" for the centre's people
    active: bool  # False: 已停用


@dataclass(frozen=True, slots=True)
class Naming:
    """How one viewer is shown people."""

    known: Mapping[str, Named]  # by login
    whole: bool  # sees everybody's name
    units: frozenset[str]  # whose people's names are shown to a unit's person

    def of(self, by: str) -> str:
        """Return who did it, fit to be shown: `by` is a login, "agent:<login>", "api:<token>", "system" …"""
        login = by.removeprefix("agent:")
        if login in _OTHERS:
            return _OTHERS[login]
        if login.startswith("api:"):
            return f"接口 {login.removeprefix('api:')}"
        one = self.known.get(login)
        if one is None:
            return login
        left = "" if one.active else "，已停用"
        if self.whole or (one.unit and one.unit in self.units):
            return f"{one.name}（{login}{left}）"
        return f"{one.unit or CENTRE} 工号 {login}{left}"

    def sentence(self, text: str, logins: Iterable[str]) -> str:
        """Return a sentence in which these logins stand with the people's names in their place."""
        wanted = frozenset(logins)
        return _WORD.sub(lambda hit: self.of(hit[0]) if hit[0] in wanted else hit[0], text)


class StaffNames:
    """Reads accounts for their names. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._engine = engine
        self._clock = clock
        self._known: Mapping[str, Named] = {}
        self._until = float("-inf")

    async def naming(self, viewer: Person, units: frozenset[str] = frozenset()) -> Naming:
        """Return how this person is shown others; `units` are a unit's person's own and those below it."""
        if self._clock() >= self._until:
            self._known = await self._read()
            self._until = self._clock() + KEPT_S
        return Naming(known=self._known, whole=viewer.role is not Role.UNIT, units=units)

    def forget(self) -> None:
        """Read anew at the next question: an account was changed here."""
        self._until = float("-inf")

    async def _read(self) -> Mapping[str, Named]:
        columns = accounts.c
        query = select(columns.login, columns.name, columns.role, columns.unit, columns.active)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(columns.changed_at.desc()).limit(MOST))
            return {row.login: Named(row.name, row.role, row.unit, row.active) for row in rows}
