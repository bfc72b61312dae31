"""Notices to agents over HTTP, for supervisors and administrators. Desks get them over the live link."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.bulletins import BulletinRefused
from cti.web.alerts import PageQuery
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["list_bulletins", "publish_bulletin", "withdraw_bulletin"]

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class BulletinBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    text: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    urgent: bool = False
    since: float | None = None  # in force from; null: now
    until: float | None = None  # in force before; null: until it is withdrawn
    burst_id: Annotated[str, msgspec.Meta(max_length=64)] = ""  # the wave it is about


class WithdrawBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    reason: Reason


async def list_bulletins(request: web.Request) -> web.StreamResponse:
    """GET /api/bulletins: newest first, with those that are over."""
    query = read_query(request, PageQuery)
    return answer(await request.app[DEPS].boards.bulletins.history(page=query.page, size=query.size))


async def publish_bulletin(request: web.Request) -> web.StreamResponse:
    """POST /api/bulletins: shown on every desk within two seconds."""
    body = await read_body(request, BulletinBody)
    boards, person = request.app[DEPS].boards, person_of(request)
    if not body.title.strip():
        raise ApiError(400, "invalid", "请填写标题", field="title")
    try:
        published = await boards.bulletins.publish(
            title=body.title.strip(), text=body.text.strip(), urgent=body.urgent, since=body.since,
            until=body.until, by=person.login, by_name=person.name, burst_id=body.burst_id,
        )  # fmt: skip
    except BulletinRefused as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None
    if body.burst_id:
        detail = {"bulletin_id": published.bulletin_id}
        await boards.bursts.move(body.burst_id, "noticed", by=person.login, detail=detail)
    await boards.renewed()
    return answer(published, status=201)


async def withdraw_bulletin(request: web.Request) -> web.StreamResponse:
    """POST /api/bulletins/{bulletin_id}/withdraw"""
    body = await read_body(request, WithdrawBody)
    boards = request.app[DEPS].boards
    gone = await boards.bulletins.withdraw(
        request.match_info["bulletin_id"][:64], by=person_of(request).login, reason=body.reason.strip()
    )
    if not gone:
        raise ApiError(404, "not_found", "没有这条公告，或已失效")
    await boards.renewed()
    return web.Response(status=204)
