"""Accounts and sessions in a real database, SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.account_errors import (
    AccountError,
    AccountExists,
    AccountInvalid,
    AccountUnknown,
    LoginLocked,
    LoginRefused,
    LoginsBusy,
)
from cti.accounts import Account, Accounts, LoginLimits
from cti.database import migrate, open_engine
from cti.messages import Role
from cti.sessions import MAX_SESSIONS, token_digest
from cti.tables import accounts as accounts_table
from cti.tables import sessions as sessions_table
from tests.support.web import PASSWORD, QUICK_HASHER, Clock

pytestmark = pytest.mark.integration

HERE = "127.26.0.9"


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def accounts(engine: AsyncEngine, clock: Clock) -> Accounts:
    return Accounts(engine, clock=clock, hasher=QUICK_HASHER)


async def add(
    accounts: Accounts, login: str = "zhang", role: Role = Role.AGENT, extension: str = ""
) -> Account:
    return await accounts.create(
        by="admin", login=login, name="张三", role=role, password=PASSWORD, extension=extension
    )


async def fail(accounts: Accounts, login: str, times: int, address: str = HERE) -> None:
    for _ in range(times):
        with pytest.raises(LoginRefused):
            await accounts.login(login, "wrong password", address=address)


async def test_a_new_account_can_sign_in_and_its_session_is_found_by_its_token(accounts: Accounts) -> None:
    await add(accounts, extension="1001")
    token, session = await accounts.login("zhang", PASSWORD, address=HERE)
    assert await accounts.sessions.find(token) == session
    assert (session.person.login, session.person.name, session.person.extension) == ("zhang", "张三", "1001")


async def test_neither_password_nor_token_is_in_the_database(accounts: Accounts, engine: AsyncEngine) -> None:
    await add(accounts)
    token, _ = await accounts.login("zhang", PASSWORD, address=HERE)
    async with engine.connect() as connection:
        hashed = await connection.scalar(select(accounts_table.c.password_hash))
        kept = (await connection.execute(select(sessions_table))).one()
    assert hashed is not None
    assert hashed.startswith("$argon2id$")
    assert PASSWORD not in hashed
    assert kept.token_hash == token_digest(token)
    assert token not in str(tuple(kept))


@pytest.mark.parametrize("token", ["", "x" * 19, "x" * 43, "x" * 200, "汉" * 43])
async def test_a_token_that_was_never_given_finds_nothing(accounts: Accounts, token: str) -> None:
    assert await accounts.sessions.find(token) is None


@pytest.mark.parametrize(
    ("login", "password"), [("zhang", "wrong"), ("nobody", PASSWORD), ("ZHANG'--", PASSWORD)]
)
async def test_wrong_unknown_and_impossible_logins_are_refused_alike(
    accounts: Accounts, login: str, password: str
) -> None:
    await add(accounts)
    with pytest.raises(LoginRefused) as refused:
        await accounts.login(login, password, address=HERE)
    assert refused.value.shown == "账号或密码不正确"


async def test_five_failures_lock_the_login_for_a_time_even_for_the_right_password(
    accounts: Accounts, clock: Clock
) -> None:
    await add(accounts)
    await fail(accounts, "zhang", 5)
    with pytest.raises(LoginLocked, match="too many") as locked:
        await accounts.login("zhang", PASSWORD, address=HERE)
    assert locked.value.retry_after_s == 15 * 60
    clock.now += 15 * 60
    await accounts.login("zhang", PASSWORD, address=HERE)


async def test_after_a_lock_five_more_failures_are_borne_again(accounts: Accounts, clock: Clock) -> None:
    await add(accounts)
    await fail(accounts, "zhang", 5)
    clock.now += 15 * 60
    await fail(accounts, "zhang", 4)
    await accounts.login("zhang", PASSWORD, address=HERE)


async def test_failures_long_ago_do_not_count(accounts: Accounts, clock: Clock) -> None:
    await add(accounts)
    await fail(accounts, "zhang", 4)
    clock.now += 16 * 60
    await fail(accounts, "zhang", 4)
    await accounts.login("zhang", PASSWORD, address=HERE)


async def test_signing_in_forgives_the_failures_before(accounts: Accounts) -> None:
    await add(accounts)
    for _ in range(3):
        await fail(accounts, "zhang", 4)
        await accounts.login("zhang", PASSWORD, address=HERE)


async def test_an_address_that_tries_many_logins_is_locked_and_others_are_not(
    engine: AsyncEngine, clock: Clock
) -> None:
    accounts = Accounts(
        engine, clock=clock, hasher=QUICK_HASHER, login_limits=LoginLimits(address_failures=6)
    )
    await add(accounts)
    for number in range(6):
        await fail(accounts, f"guess{number}", 1, address="127.26.0.66")
    with pytest.raises(LoginLocked):
        await accounts.login("zhang", PASSWORD, address="127.26.0.66")
    await accounts.login("zhang", PASSWORD, address=HERE)


async def test_a_lock_holds_on_every_server_and_is_in_the_trail(engine: AsyncEngine, clock: Clock) -> None:
    first, second = (Accounts(engine, clock=clock, hasher=QUICK_HASHER) for _ in range(2))
    await add(first)
    await fail(first, "zhang", 5)
    with pytest.raises(LoginLocked):
        await second.login("zhang", PASSWORD, address=HERE)
    assert "login_locked" in [row.what for row in await second.trail()]


async def test_failures_at_the_same_time_are_all_counted(accounts: Accounts) -> None:
    await add(accounts)
    tries = [accounts.login("zhang", "wrong password", address=HERE) for _ in range(5)]
    assert {type(result) for result in await asyncio.gather(*tries, return_exceptions=True)} == {LoginRefused}
    with pytest.raises(LoginLocked):
        await accounts.login("zhang", PASSWORD, address=HERE)


async def test_more_logins_at_once_than_may_wait_are_turned_away(engine: AsyncEngine, clock: Clock) -> None:
    limits = LoginLimits(hashers=1, waiting=1, login_failures=100)
    accounts = Accounts(engine, clock=clock, hasher=QUICK_HASHER, login_limits=limits)
    await add(accounts)
    async with accounts._passwords._turn:  # somebody's password is being checked, for long
        tries = [asyncio.create_task(accounts.login("zhang", PASSWORD, address=HERE)) for _ in range(4)]
        async with asyncio.timeout(30):
            while sum(one.done() for one in tries) < 2:
                await asyncio.wait(
                    [one for one in tries if not one.done()], return_when=asyncio.FIRST_COMPLETED
                )
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, LoginsBusy) for result in results) == 2
    assert sum(isinstance(result, tuple) for result in results) == 2


async def test_a_session_unused_for_half_an_hour_ends(accounts: Accounts, clock: Clock) -> None:
    await add(accounts)
    token, _ = await accounts.login("zhang", PASSWORD, address=HERE)
    clock.now += 29 * 60
    assert await accounts.sessions.find(token) is not None
    clock.now += 29 * 60
    assert await accounts.sessions.find(token) is not None
    clock.now += 30 * 60
    assert await accounts.sessions.find(token) is None


async def test_a_session_in_use_ends_after_twelve_hours(accounts: Accounts, clock: Clock) -> None:
    await add(accounts)
    token, _ = await accounts.login("zhang", PASSWORD, address=HERE)
    for _ in range(12 * 3 - 1):
        clock.now += 20 * 60
        assert await accounts.sessions.find(token) is not None
    clock.now += 20 * 60
    assert await accounts.sessions.find(token) is None


async def test_use_on_one_server_keeps_the_session_alive_on_another(
    engine: AsyncEngine, clock: Clock
) -> None:
    first, second = (Accounts(engine, clock=clock, hasher=QUICK_HASHER) for _ in range(2))
    await add(first)
    token, _ = await first.login("zhang", PASSWORD, address=HERE)
    for _ in range(4):
        clock.now += 20 * 60
        assert await first.sessions.find(token) is not None
    assert await second.sessions.find(token) is not None


async def test_signing_out_ends_the_session_everywhere(engine: AsyncEngine, clock: Clock) -> None:
    first, second = (Accounts(engine, clock=clock, hasher=QUICK_HASHER) for _ in range(2))
    await add(first)
    token, session = await first.login("zhang", PASSWORD, address=HERE)
    assert await second.sessions.find(token) is not None
    await first.sessions.end(session.token_hash)
    assert await first.sessions.find(token) is None
    assert await second.sessions.still_valid([session.token_hash]) == frozenset()
    assert await second.sessions.find(token) is None


async def test_while_the_database_is_away_people_stay_signed_in_but_not_for_longer(
    database_url: str, clock: Clock
) -> None:
    await migrate(database_url)
    engine = open_engine(database_url)
    accounts = Accounts(engine, clock=clock, hasher=QUICK_HASHER)
    await add(accounts)
    token, session = await accounts.login("zhang", PASSWORD, address=HERE)
    assert await accounts.sessions.find(token) is not None
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE sessions RENAME TO gone"))
    clock.now += 10 * 60
    found = await accounts.sessions.find(token)
    assert found is not None
    assert found.person == session.person
    assert await accounts.sessions.still_valid([session.token_hash]) == {session.token_hash}
    clock.now += 31 * 60
    assert await accounts.sessions.still_valid([session.token_hash]) == frozenset()
    await engine.dispose()


async def test_one_person_has_at_most_ten_sessions_and_the_oldest_goes(
    accounts: Accounts, clock: Clock
) -> None:
    await add(accounts)
    tokens = []
    for _ in range(MAX_SESSIONS + 1):
        clock.now += 1
        tokens.append((await accounts.login("zhang", PASSWORD, address=HERE))[0])
    assert await accounts.sessions.find(tokens[0]) is None
    assert await accounts.sessions.find(tokens[1]) is not None


async def test_changing_ones_password_ends_the_other_sessions(accounts: Accounts) -> None:
    await add(accounts)
    here, session = await accounts.login("zhang", PASSWORD, address=HERE)
    there, _ = await accounts.login("zhang", PASSWORD, address=HERE)
    await accounts.change_password("zhang", PASSWORD, "another password", keep=session.token_hash)
    assert await accounts.sessions.find(here) is not None
    assert await accounts.sessions.find(there) is None
    with pytest.raises(LoginRefused):
        await accounts.login("zhang", PASSWORD, address=HERE)
    await accounts.login("zhang", "another password", address=HERE)


async def test_a_password_is_not_changed_without_the_old_one(accounts: Accounts) -> None:
    await add(accounts)
    with pytest.raises(LoginRefused):
        await accounts.change_password("zhang", "wrong password", "another password")
    await accounts.login("zhang", PASSWORD, address=HERE)


async def test_a_deactivated_account_is_out_at_once_and_cannot_come_back(accounts: Accounts) -> None:
    await add(accounts)
    token, _ = await accounts.login("zhang", PASSWORD, address=HERE)
    assert (await accounts.deactivate("zhang", by="admin")).active is False
    assert await accounts.sessions.find(token) is None
    with pytest.raises(LoginRefused):
        await accounts.login("zhang", PASSWORD, address=HERE)


async def test_new_skills_are_known_to_the_running_session(accounts: Accounts) -> None:
    await add(accounts)
    token, _ = await accounts.login("zhang", PASSWORD, address=HERE)
    await accounts.set_skills("zhang", {"general": 3, "dialect": 5}, by="admin")
    session = await accounts.sessions.find(token)
    assert session is not None
    assert session.person.skills == {"general": 3, "dialect": 5}


async def test_the_last_active_administrator_cannot_be_lost(accounts: Accounts) -> None:
    await add(accounts, "chief", Role.ADMIN)
    with pytest.raises(AccountInvalid, match="last active administrator") as refused:
        await accounts.deactivate("chief", by="chief")
    assert refused.value.field == "active"
    with pytest.raises(AccountInvalid, match="last active administrator"):
        await accounts.change("chief", by="chief", role=Role.AGENT)
    await add(accounts, "second", Role.ADMIN)
    await accounts.deactivate("chief", by="second")


async def test_a_login_is_given_once(accounts: Accounts) -> None:
    await add(accounts)
    with pytest.raises(AccountExists) as refused:
        await add(accounts)
    assert refused.value.field == "login"


async def test_an_extension_belongs_to_one_active_account(accounts: Accounts) -> None:
    await add(accounts, "zhang", extension="1001")
    with pytest.raises(AccountExists) as refused:
        await add(accounts, "li", extension="1001")
    assert refused.value.field == "extension"
    await accounts.deactivate("zhang", by="admin")
    await add(accounts, "li", extension="1001")
    with pytest.raises(AccountExists):
        await accounts.change("zhang", by="admin", active=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("login", ""),
        ("login", "Zhang"),
        ("login", "张三"),
        ("login", "x" * 33),
        ("name", ""),
        ("name", "张\n三"),
        ("name", "张" * 65),
        ("extension", "10a"),
        ("extension", "123456789"),
        ("password", "short"),
        ("password", "x" * 129),
        ("password", "aaaaaaaaaaaa"),
        ("skills", {"general": 6}),
        ("skills", {"不行": 1}),
    ],
)
async def test_values_that_are_not_acceptable_are_refused_naming_the_field(
    accounts: Accounts, field: str, value: object
) -> None:
    values: dict[str, object] = {"login": "zhang", "name": "张三", "role": Role.AGENT, "password": PASSWORD}
    with pytest.raises(AccountInvalid) as refused:
        await accounts.create(by="admin", **{**values, field: value})  # type: ignore[arg-type]
    assert refused.value.field == field
    assert await accounts.list() == ()


async def test_an_account_that_is_not_there_cannot_be_changed(accounts: Accounts) -> None:
    with pytest.raises(AccountUnknown):
        await accounts.change("nobody", by="admin", name="张三")
    with pytest.raises(AccountError):
        await accounts.get("nobody")


async def test_every_change_is_in_the_trail_and_no_password_is(accounts: Accounts) -> None:
    await add(accounts)
    await accounts.change(
        "zhang", by="admin", name="张四", password="quite another one", skills={"general": 2}
    )
    await accounts.login("zhang", "quite another one", address=HERE)
    rows = await accounts.trail()
    assert [(row.who, row.what, row.target) for row in rows] == [
        ("zhang", "signed_in", "zhang"),
        ("admin", "account_changed", "zhang"),
        ("admin", "account_created", "zhang"),
    ]
    assert rows[1].detail["changed"] == ["name", "skills", "password"]
    assert "quite another one" not in str(rows)
    assert [row.what for row in await accounts.trail(before=rows[0].id, limit=1)] == ["account_changed"]


async def test_a_hash_of_weaker_times_is_made_anew_at_the_next_login(
    engine: AsyncEngine, clock: Clock
) -> None:
    await add(Accounts(engine, clock=clock, hasher=QUICK_HASHER))
    await Accounts(engine, clock=clock).login("zhang", PASSWORD, address=HERE)
    async with engine.connect() as connection:
        hashed = await connection.scalar(select(accounts_table.c.password_hash))
    assert "m=65536" in str(hashed)
