"""`hotline account`: accounts from the terminal, for the first administrator and for emergencies."""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Callable, Mapping

from cti.account_errors import AccountError
from cti.accounts import Accounts
from cti.database import migrate, open_engine
from cti.errors import HotlineError
from cti.messages import Role
from cti.settings import Settings

PASSWORD_VARIABLE = "HOTLINE_ACCOUNT_PASSWORD"  # noqa: S105 - its name, not a password


class AccountRefused(HotlineError):
    """The account was not changed; the message says why."""


async def account(settings: Settings, options: argparse.Namespace, say: Callable[[object], None]) -> int:
    """Create or change an account, set a password, or list accounts; return the exit status.

    Raises:
        AccountRefused: saying why.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    await migrate(settings.database)
    engine = open_engine(settings.database)
    accounts = Accounts(engine)
    try:
        if options.action == "list":
            for each in await accounts.list():
                active = "" if each.active else "  (停用)"
                seat = " ".join(filter(None, (each.team, each.place)))
                say(f"{each.login:<16} {each.role.value:<11} {each.extension:<8} {each.name} {seat}{active}")
            return 0
        if not options.login:
            raise AccountRefused("give the account's name: hotline account create NAME")
        if options.action == "change":
            await accounts.change(
                options.login,
                by="system",
                name=options.name or None,
                extension=options.extension or None,
                skills=_skills(options.skill) if options.skill else None,
                team=options.team,
                place=options.place,
                texts=options.texts,
            )
            say(f"{options.login}: 已保存，下次登录或服务重启后生效")
            return 0
        password, made = _password()
        if options.action == "create":
            await accounts.create(
                by="system",
                login=options.login,
                name=options.name or options.login,
                role=Role(options.role),
                password=password,
                extension=options.extension,
                skills=_skills(options.skill),
                team=options.team or "",
                place=options.place or "",
                texts=options.texts or 0,
            )
        else:
            await accounts.change(options.login, by="system", password=password)
        say(f"{options.login}: {'密码 ' + password if made else '已保存'}")
        return 0
    except AccountError as error:
        raise AccountRefused(f"{error} ({error.shown})") from error
    finally:
        await engine.dispose()


def _password() -> tuple[str, bool]:
    """The password from the environment, the keyboard, or made up; and whether it was made up."""
    given = os.environ.get(PASSWORD_VARIABLE, "")
    if not given and sys.stdin.isatty():
        given = getpass.getpass("密码 (直接回车：自动生成): ")
    return (given, False) if given else (secrets.token_urlsafe(12), True)


def _skills(texts: list[str]) -> Mapping[str, int]:
    skills: dict[str, int] = {}
    for text in texts:
        name, equals, level = text.partition("=")
        if not equals or not level.isdecimal():
            raise AccountRefused(f"--skill {text}: write skill=level, e.g. general=3")
        skills[name] = int(level)
    return skills
