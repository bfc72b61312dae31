"""What stands beside a call in the desk over HTTP: words that captions flag, and templates of orders."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.audit import note
from cti.messages import Role
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from cti.web.ports import WebDeps
from orders.errors import OrderError
from orders.templates import Template, TemplateStale

__all__ = ["change_template", "list_templates", "put_template", "template_versions", "watch_words"]


class TemplateBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    template: Template
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]  # why it is changed


class TemplatesQuery(msgspec.Struct):
    category: Annotated[str, msgspec.Meta(max_length=100)] | None = None  # only those that fit it
    all: bool = False  # those taken off as well, for whoever edits them


async def watch_words(request: web.Request) -> web.StreamResponse:
    """GET /api/desk/words: groups of words that captions flag, as they are in force."""
    return answer({"groups": request.app[DEPS].desk.words.groups()})


async def list_templates(request: web.Request) -> web.StreamResponse:
    """GET /api/templates: what an agent can put into an order at once."""
    query = read_query(request, TemplatesQuery)
    found = await request.app[DEPS].desk.templates.all()
    edits = query.all and person_of(request).role is not Role.AGENT
    return answer(
        {
            "templates": [
                one
                for one in found
                if (one.active or edits) and (query.category is None or one.fits(query.category))
            ]
        }
    )


async def put_template(request: web.Request) -> web.StreamResponse:
    """PUT /api/templates/{template_id}: write one; `version` is the one that was seen, 409 when it is old."""
    body = await read_body(request, TemplateBody)
    template = body.template
    if template.template_id != request.match_info["template_id"]:
        raise ApiError(400, "invalid", "模板编号与地址不一致", field="template_id")
    deps, login = request.app[DEPS], person_of(request).login
    return answer(await change_template(deps, template, by=login, reason=body.reason.strip()))


async def template_versions(request: web.Request) -> web.StreamResponse:
    """GET /api/templates/{template_id}/versions: all of them, newest first, with who made them and why."""
    found = await request.app[DEPS].desk.templates.versions(request.match_info["template_id"][:40])
    if not found:
        raise ApiError(404, "not_found", "没有这个模板")
    return answer({"versions": found})


async def change_template(deps: WebDeps, template: Template, *, by: str, reason: str) -> Template:
    """Write a template with its line in the trail: what it was and what it is. Raises ApiError."""

    async def noted(connection: AsyncConnection, before: Template | None, after: Template) -> None:
        detail = {
            "reason": reason, "version": after.version,
            "before": None if before is None else shown_of(before), "after": shown_of(after),
        }  # fmt: skip
        await note(
            connection,
            at=deps.clock(),
            who=by,
            what="template_changed",
            target=after.template_id,
            detail=detail,
        )

    try:
        return await deps.desk.templates.put(template, by=by, reason=reason, noted=noted)
    except TemplateStale as error:
        raise ApiError(409, "conflict", error.shown) from None
    except OrderError as error:
        raise ApiError(400, "invalid", error.shown) from None


def shown_of(template: Template) -> dict[str, object]:
    """Return what the trail keeps of a template: all but its id and version."""
    told: dict[str, object] = msgspec.to_builtins(template)
    return {name: value for name, value in told.items() if name not in ("template_id", "version")}
