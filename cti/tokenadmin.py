"""`hotline token`: tokens of other systems from the terminal."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable

from cti.database import migrate, open_engine
from cti.errors import HotlineError
from cti.settings import Settings
from cti.tokens import ApiToken, Scope, TokenStore

__all__ = ["token"]

BY = "system"


class TokenUnknown(HotlineError):
    """There is no such token, or no such scope."""


async def token(settings: Settings, options: argparse.Namespace, say: Callable[[object], None]) -> int:
    """Make, list or revoke tokens; return the exit status.

    Raises:
        TokenRefused: it cannot be made so.
        TokenUnknown: there is none to revoke, or no such scope.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    await migrate(settings.database)
    engine = open_engine(settings.database)
    store = TokenStore(engine)
    try:
        if options.action == "create":
            scopes = [_scope(name) for name in options.scope]
            secret, made = await store.create(
                options.name,
                scopes,
                by=BY,
                days=options.days or None,
                per_minute=options.per_minute,
                reason=options.reason,
            )
            say(_line(made))
            say(f"令牌（仅显示这一次）：{secret}")
        elif options.action == "revoke":
            revoked = await store.revoke(options.token_id, by=BY, reason=options.reason)
            if revoked is None:
                raise TokenUnknown(f"token {options.token_id!r}: there is none; see hotline token list")
            say(_line(revoked))
        else:
            for each in await store.list():
                say(_line(each))
    finally:
        await engine.dispose()
    return 0


def _scope(name: str) -> Scope:
    try:
        return Scope(name)
    except ValueError:
        raise TokenUnknown(f"scope {name!r}: use one of {', '.join(Scope)}") from None


def _line(one: ApiToken) -> str:
    until = "长期" if one.expires_at is None else f"至 {_day(one.expires_at)}"
    state = until if one.revoked_at is None else f"已于 {_day(one.revoked_at)} 吊销"
    return f"{one.token_id}  {one.name:<16} {state:<14} {one.per_minute}/分钟  {' '.join(one.scopes)}"


def _day(at: float) -> str:
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d")
