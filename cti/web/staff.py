"""Words of supervisors to agents over HTTP: what was said, and who has read it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from aiohttp import web

from cti.message_base import Role
from cti.staff_messages import PAGE_MAX
from cti.web.answers import ApiError, answer, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["list_messages"]


class StaffQuery(msgspec.Struct):
    box: Literal["mine", "sent"] = "mine"  # what one was told, or what supervisors sent
    before: float | None = None  # older than this
    size: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 50


async def list_messages(request: web.Request) -> web.StreamResponse:
    """GET /api/staff-messages: newest first; `sent` is for supervisors, with who has read each."""
    query, person = read_query(request, StaffQuery), person_of(request)
    store = request.app[DEPS].staff
    if query.box == "sent":
        if person.role not in (Role.SUPERVISOR, Role.ADMIN):
            raise ApiError(403, "forbidden", "您没有这项权限")
        found = await store.sent(before=query.before, limit=query.size)
    else:
        found = await store.received(person.login, before=query.before, limit=query.size)
    return answer({"messages": found})
