"""Signing in and out, and what a signed-in person needs to know of themselves."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from aiohttp import web

from cti.account_errors import AccountInvalid, LoginLocked, LoginRefused, LoginsBusy
from cti.messages import Role
from cti.ports import Person
from cti.web.answers import ApiError, answer, read_body
from cti.web.guard import COOKIE, DEPS, SESSION, client_address, is_secure, person_of
from cti.web.socket import PRESENCE, SESSION_ENDED

__all__ = ["login", "logout", "me", "my_password", "my_phone"]

Secret = Annotated[str, msgspec.Meta(max_length=1000)]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The signed-in person."""

    login: str
    name: str
    role: Role
    extension: str  # "" for people without a phone
    skills: dict[str, int]  # skill -> level 1..5
    unit: str  # 承办单位 that the person works for, "" for the hotline itself
    idle_s: float  # a session unused for so many seconds ends
    expires_at: float  # it ends then in any case, epoch seconds


class LoginBody(msgspec.Struct, forbid_unknown_fields=True):
    login: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Secret
    bearer: bool = False  # a program wants the token in the answer instead of a cookie


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    old: Secret
    new: Secret


def _me(request: web.Request, person: Person, created_at: float) -> Me:
    limits = request.app[DEPS].accounts.sessions.limits
    return Me(
        login=person.login,
        name=person.name,
        role=person.role,
        extension=person.extension,
        skills=person.skills,
        unit=person.unit,
        idle_s=limits.idle_s,
        expires_at=created_at + limits.absolute_s,
    )


def _locked(error: LoginLocked) -> ApiError:
    return ApiError(429, "locked", error.shown, more={"retry_after_s": math.ceil(error.retry_after_s)})


async def login(request: web.Request) -> web.StreamResponse:
    """POST /api/login"""
    deps = request.app[DEPS]
    body = await read_body(request, LoginBody)
    logins = deps.metrics.logins
    try:
        token, session = await deps.accounts.login(
            body.login.strip().lower(), body.password, address=client_address(request)
        )
    except LoginRefused as error:
        logins.labels("refused").inc()
        raise ApiError(401, "login_refused", error.shown) from None
    except LoginLocked as error:
        logins.labels("locked").inc()
        raise _locked(error) from None
    except LoginsBusy as error:
        logins.labels("busy").inc()
        raise ApiError(503, "busy", error.shown) from None
    logins.labels("done").inc()
    me = _me(request, session.person, session.created_at)
    if body.bearer:
        return answer({**msgspec.to_builtins(me), "token": token})
    response = answer(me)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(deps.accounts.sessions.limits.absolute_s),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=is_secure(request),
    )
    return response


async def logout(request: web.Request) -> web.StreamResponse:
    """POST /api/logout: end this session and close its pages."""
    deps = request.app[DEPS]
    session = request[SESSION]
    await deps.accounts.sessions.end(session.token_hash)
    await request.app[PRESENCE].close_session(deps.pages, session, SESSION_ENDED)
    response = web.Response(status=204)
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=is_secure(request))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def me(request: web.Request) -> web.StreamResponse:
    """GET /api/me"""
    return answer(_me(request, person_of(request), request[SESSION].created_at))


async def my_phone(request: web.Request) -> web.StreamResponse:
    """GET /api/me/phone: what the softphone registers with."""
    account = request.app[DEPS].phone_for(person_of(request))
    if account is None:
        raise ApiError(404, "no_phone", "此账号没有分配软电话")
    return answer(account)


async def my_password(request: web.Request) -> web.StreamResponse:
    """POST /api/me/password: change one's own; all other sessions end."""
    body = await read_body(request, PasswordBody)
    session = request[SESSION]
    try:
        await request.app[DEPS].accounts.change_password(
            session.person.login, body.old, body.new, keep=session.token_hash
        )
    except LoginRefused:
        raise ApiError(403, "password_wrong", "原密码不正确", field="old") from None
    except LoginLocked as error:
        raise _locked(error) from None
    except LoginsBusy as error:
        raise ApiError(503, "busy", error.shown) from None
    except AccountInvalid as error:
        raise ApiError(400, "invalid", error.shown, field="new") from None
    return web.Response(status=204)
