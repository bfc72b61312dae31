"""Accounts and the trail, for administrators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web

from cti.account_errors import AccountExists, AccountInvalid, AccountUnknown
from cti.audit import PAGE_MAX
from cti.messages import Role
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["change_account", "create_account", "list_accounts", "read_audit"]

Text = Annotated[str, msgspec.Meta(max_length=1000)]
Skills = Annotated[dict[Text, int], msgspec.Meta(max_length=100)]


class NewAccount(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    login: Text
    name: Text
    role: Role
    password: Text
    extension: Text = ""
    skills: Skills = {}
    team: Text = ""
    place: Text = ""
    texts: int = 0


class AccountChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Text | None = None
    role: Role | None = None
    password: Text | None = None
    extension: Text | None = None
    skills: Skills | None = None
    team: Text | None = None
    place: Text | None = None
    texts: int | None = None
    active: bool | None = None


class AuditQuery(msgspec.Struct):
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 50


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except AccountInvalid as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None
    except AccountExists as error:
        raise ApiError(409, "exists", error.shown, field=error.field) from None
    except AccountUnknown as error:
        raise ApiError(404, "not_found", error.shown) from None


async def list_accounts(request: web.Request) -> web.StreamResponse:
    """GET /api/accounts"""
    return answer({"accounts": await request.app[DEPS].accounts.list()})


async def create_account(request: web.Request) -> web.StreamResponse:
    """POST /api/accounts"""
    body = await read_body(request, NewAccount)
    with _refusals():
        account = await request.app[DEPS].accounts.create(
            by=person_of(request).login,
            login=body.login,
            name=body.name.strip(),
            role=body.role,
            password=body.password,
            extension=body.extension,
            skills=body.skills,
            team=body.team.strip(),
            place=body.place.strip(),
            texts=body.texts,
        )
    return answer(account, status=201)


async def change_account(request: web.Request) -> web.StreamResponse:
    """PATCH /api/accounts/{login}: what is left out stays."""
    body = await read_body(request, AccountChange)
    with _refusals():
        account = await request.app[DEPS].accounts.change(
            request.match_info["login"],
            by=person_of(request).login,
            name=body.name.strip() if body.name is not None else None,
            role=body.role,
            extension=body.extension,
            skills=body.skills,
            team=body.team.strip() if body.team is not None else None,
            place=body.place.strip() if body.place is not None else None,
            texts=body.texts,
            active=body.active,
            password=body.password,
        )
    deps = request.app[DEPS]
    person = account.person()
    if account.active:  # who is not has no session any more, and the pages close by themselves
        await deps.floor.person_changed(person)
        deps.pages.update_person(person)
    return answer(account)


async def read_audit(request: web.Request) -> web.StreamResponse:
    """GET /api/audit: the trail, newest first; `before` pages on."""
    query = read_query(request, AuditQuery)
    return answer({"audit": await request.app[DEPS].accounts.trail(before=query.before, limit=query.limit)})
