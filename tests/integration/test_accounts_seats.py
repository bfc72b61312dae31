"""Team, place and texts of a person: kept, shown to administrators, told to the router while signed in."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.account_errors import AccountInvalid
from cti.accountadmin import account
from cti.accounts import Accounts
from cti.database import open_engine
from cti.messages import Role
from cti.settings import load
from tests.support.web import PASSWORD, QUICK_HASHER

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def accounts(engine: AsyncEngine) -> Accounts:
    return Accounts(engine, hasher=QUICK_HASHER)


async def created(accounts: Accounts, **more: Any) -> None:
    await accounts.create(
        by="system", login="li", name="李芳", role=Role.AGENT, password=PASSWORD, extension="8001", **more
    )


async def test_a_person_has_a_team_a_place_and_texts(accounts: Accounts) -> None:
    await created(accounts, team="一班", place="南区", texts=3)
    person = (await accounts.get("li")).person()
    assert (person.team, person.place, person.texts) == ("一班", "南区", 3)
    await accounts.change("li", by="admin", team="二班", texts=0)
    person = (await accounts.get("li")).person()
    assert (person.team, person.place, person.texts) == ("二班", "南区", 0)
    told = (await accounts.trail(limit=1))[0].detail
    assert (told["team"], told["texts"], told["changed"]) == ("二班", 0, ["team", "texts"])


async def test_an_account_of_before_has_none_of_them(accounts: Accounts, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO accounts (login, name, role, extension, skills, password_hash, active, "
                "created_at, changed_at) VALUES ('old', '旧', 'agent', '', '{}', 'x', true, 1, 1)"
            )
        )
    person = (await accounts.get("old")).person()
    assert (person.team, person.place, person.texts) == ("", "", 0)


@pytest.mark.parametrize(
    ("field", "value"), [("team", "班" * 41), ("place", "a\nb"), ("texts", -1), ("texts", 21)]
)
async def test_what_is_out_of_bounds_is_refused_by_name(
    accounts: Accounts, field: str, value: object
) -> None:
    with pytest.raises(AccountInvalid) as refused:
        await created(accounts, **{field: value})
    assert refused.value.field == field


async def test_the_session_knows_them(accounts: Accounts) -> None:
    await created(accounts, team="一班", texts=2)
    token, _ = await accounts.login("li", PASSWORD, address="127.0.0.1")
    fresh = Accounts(accounts._engine, hasher=QUICK_HASHER)  # as another server reads it
    session = await fresh.sessions.find(token)
    assert session is not None
    assert (session.person.team, session.person.texts) == ("一班", 2)


async def test_the_terminal_creates_and_changes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_ACCOUNT_PASSWORD", PASSWORD)
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    settings = load(environ={"HOTLINE_HOME": str(tmp_path)})
    said: list[object] = []
    given = {"login": "wang", "name": "王", "role": "agent", "extension": "", "skill": ["general=3"]}
    seat = {"team": "三班", "place": "北区", "texts": 1}
    assert await account(settings, argparse.Namespace(action="create", **given, **seat), said.append) == 0
    bare: dict[str, Any] = {"name": "", "extension": "", "skill": [], "place": None, "texts": None}
    change = argparse.Namespace(action="change", login="wang", team="四班", **bare)
    assert await account(settings, change, said.append) == 0
    await account(settings, argparse.Namespace(action="list"), said.append)
    assert "四班 北区" in str(said[-1])
