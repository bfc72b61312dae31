"""Accounts and the trail, for administrators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web

from cti.account_errors import AccountExists, AccountInvalid, AccountUnknown
from cti.accounts import Account
from cti.audit import PAGE_MAX
from cti.audit_words import GROUPS, acts_of
from cti.editions import EditionRefused, check_reason
from cti.messages import Role
from cti.web.admin_changes import row_body
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of

__all__ = [
    "change_account", "create_account", "list_accounts", "needed", "person_changed", "read_audit", "refusals",
]  # fmt: skip

Text = Annotated[str, msgspec.Meta(max_length=1000)]
Names = Annotated[tuple[Text, ...], msgspec.Meta(max_length=50)]
Skills = Annotated[dict[Text, int], msgspec.Meta(max_length=100)]


class NewAccount(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    login: Text
    name: Text
    role: Role
    password: Text
    reason: Text
    extension: Text = ""
    skills: Skills = {}
    team: Text = ""
    place: Text = ""
    texts: int = 0
    unit: Text = ""
    districts: Names = ()
    confidential: bool = False


class AccountChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    reason: Text
    name: Text | None = None
    role: Role | None = None
    password: Text | None = None
    extension: Text | None = None
    skills: Skills | None = None
    team: Text | None = None
    place: Text | None = None
    texts: int | None = None
    unit: Text | None = None
    districts: Names | None = None
    confidential: bool | None = None
    active: bool | None = None


class AuditQuery(msgspec.Struct):
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 50
    group: Annotated[str, msgspec.Meta(max_length=20)] = ""  # of acts (cti.audit_words), "" all


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what accounts refuse into answers."""
    try:
        yield
    except AccountInvalid as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None
    except AccountExists as error:
        raise ApiError(409, "exists", error.shown, field=error.field) from None
    except AccountUnknown as error:
        raise ApiError(404, "not_found", error.shown) from None


def needed(reason: str) -> str:
    """The reason of a change. Raises ApiError: there is none."""
    try:
        return check_reason(reason)
    except EditionRefused as error:
        raise ApiError(400, "invalid", error.shown, field="reason") from None


async def person_changed(request: web.Request, account: Account) -> None:
    """Let call control and the person's pages know."""
    deps = request.app[DEPS]
    if account.active:  # who is not has no session any more, and the pages close by themselves
        await deps.floor.person_changed(account.person())
        deps.pages.update_person(account.person())


async def list_accounts(request: web.Request) -> web.StreamResponse:
    """GET /api/accounts"""
    return answer({"accounts": await request.app[DEPS].accounts.list()})


async def create_account(request: web.Request) -> web.StreamResponse:
    """POST /api/accounts"""
    body = await read_body(request, NewAccount)
    needed(body.reason)
    with refusals():
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
            unit=body.unit.strip(),
            districts=body.districts,
            confidential=body.confidential,
            reason=body.reason.strip(),
        )
    return answer(account, status=201)


async def change_account(request: web.Request) -> web.StreamResponse:
    """PATCH /api/accounts/{login}: what is left out stays."""
    body = await read_body(request, AccountChange)
    needed(body.reason)
    with refusals():
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
            unit=body.unit.strip() if body.unit is not None else None,
            districts=body.districts,
            confidential=body.confidential,
            active=body.active,
            password=body.password,
            reason=body.reason.strip(),
        )
    await person_changed(request, account)
    return answer(account)


async def read_audit(request: web.Request) -> web.StreamResponse:
    """GET /api/audit: the trail, newest first; `before` pages on."""
    query = read_query(request, AuditQuery)
    acts = acts_of(query.group)
    if query.group and not acts:
        raise ApiError(400, "invalid", "没有这一类操作", field="group")
    rows = await request.app[DEPS].accounts.trail(before=query.before, limit=query.limit, what=acts)
    return answer({"audit": [row_body(row) for row in rows], "groups": GROUPS})
