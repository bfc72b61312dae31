"""People over HTTP, beside accounts: skills set by supervisors, many created at once, signed out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.messages import Role
from cti.people_import import COLUMNS, TableWrong, read_people
from cti.tasks import aside
from cti.web.accounts import Skills, needed, person_changed, refusals
from cti.web.admin import Reason, keeper_of
from cti.web.answers import ApiError, answer, read_body
from cti.web.guard import DEPS, person_of

__all__ = ["end_sessions", "import_people", "list_people", "set_skills"]

TABLE_MAX = 200_000


class SkillsBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    skills: Skills
    reason: Reason


class EndBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    reason: Reason


class ImportBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    table: Annotated[str, msgspec.Meta(max_length=TABLE_MAX)]
    reason: Reason = ""
    dry_run: bool = True


async def list_people(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/people: all for administrators, agents for supervisors; and the policy's skills."""
    people = await request.app[DEPS].accounts.list()
    if person_of(request).role is not Role.ADMIN:
        people = tuple(one for one in people if one.role is Role.AGENT)
    policy = keeper_of(request).policy
    skills = [{"name": one.name, "title": one.title, "kind": one.kind.value} for one in policy.skills]
    return answer({"people": people, "skills": skills})


async def set_skills(request: web.Request) -> web.StreamResponse:
    """PUT /api/admin/people/{login}/skills: of agents; administrators may set anybody's."""
    body, by = await read_body(request, SkillsBody), person_of(request)
    reason = needed(body.reason)
    known = {one.name for one in keeper_of(request).policy.skills}
    accounts, login = request.app[DEPS].accounts, request.match_info["login"]
    with refusals():
        before = await accounts.get(login)
        if by.role is not Role.ADMIN and before.role is not Role.AGENT:
            raise ApiError(403, "forbidden", "班长只能修改坐席的技能")
        if unknown := sorted(set(body.skills) - known - set(before.skills)):
            raise ApiError(400, "invalid", f"策略中没有技能 {unknown[0][:40]}", field="skills")
        account = await accounts.change(login, by=by.login, skills=body.skills, reason=reason)
    await person_changed(request, account)
    return answer(account)


async def end_sessions(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/people/{login}/sign-out: their pages close within seconds."""
    body = await read_body(request, EndBody)
    with refusals():
        await request.app[DEPS].accounts.end_sessions(
            request.match_info["login"], by=person_of(request).login, reason=needed(body.reason)
        )
    return answer({})


async def import_people(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/people/import: a table; with an error in any row nobody is created."""
    body, by = await read_body(request, ImportBody), person_of(request)
    accounts = request.app[DEPS].accounts
    there = await accounts.list()
    skills = {one.name: one.title for one in keeper_of(request).policy.skills}
    casework = request.app[DEPS].casework
    units = frozenset(unit.name for unit in await casework.sights.units()) if casework else frozenset()
    try:
        people, errors = await aside(
            lambda: read_people(
                body.table,
                taken={one.login for one in there},
                extensions={one.extension for one in there if one.active},
                skills=skills,
                units=units,
            )
        )
    except TableWrong as error:
        raise ApiError(400, "invalid", str(error), field="table") from None
    created = 0
    if not body.dry_run:
        reason = needed(body.reason)
        if errors:
            shown = f"有 {len(errors)} 行有误，没有导入"
            raise ApiError(400, "invalid", shown, field="table", more={"errors": errors})
        for one in people:
            with refusals():
                await accounts.create(
                    by=by.login,
                    login=one.login,
                    name=one.name,
                    role=one.role,
                    password=one.password,
                    extension=one.extension,
                    skills=one.skills,
                    team=one.team,
                    place=one.place,
                    texts=one.texts,
                    unit=one.unit,
                    districts=one.districts,
                    confidential=one.confidential,
                    reason=reason,
                )
            created += 1
    rows = [
        {"line": one.line, "login": one.login, "name": one.name, "role": one.role, "extension": one.extension}
        for one in people
    ]
    return answer({"people": rows, "errors": errors, "created": created, "columns": list(COLUMNS)})
