"""Blocked and nuisance numbers over HTTP, for supervisors and administrators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web

from cti.blocked import BlockKind, NumberRefused
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["list_blocked", "put_blocked", "remove_blocked", "suspects"]

Number = Annotated[str, msgspec.Meta(max_length=40)]


class BlockedQuery(msgspec.Struct):
    number: Number = ""  # a part of it
    kind: BlockKind | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class BlockedBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    number: Number
    kind: BlockKind
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    until: float | None = None  # in force before; None: until taken off


class UnblockQuery(msgspec.Struct):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except NumberRefused as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None


async def list_blocked(request: web.Request) -> web.StreamResponse:
    """GET /api/blocked: newest first."""
    query = read_query(request, BlockedQuery)
    page = await request.app[DEPS].blocked.list(
        text=query.number.strip(), kind=query.kind, page=query.page, size=query.size
    )
    return answer(page)


async def put_blocked(request: web.Request) -> web.StreamResponse:
    """POST /api/blocked: enter a number, or replace its entry; counts from the next call on."""
    body = await read_body(request, BlockedBody)
    with _refusals():
        entered = await request.app[DEPS].blocked.put(
            body.number, body.kind, reason=body.reason.strip(), until=body.until, by=person_of(request).login
        )
    return answer(entered, status=201)


async def remove_blocked(request: web.Request) -> web.StreamResponse:
    """DELETE /api/blocked/{number}?reason=…"""
    query = read_query(request, UnblockQuery)
    with _refusals():
        gone = await request.app[DEPS].blocked.remove(
            request.match_info["number"][:40], by=person_of(request).login, reason=query.reason.strip()
        )
    if not gone:
        raise ApiError(404, "not_found", "名单中没有这个号码")
    return web.Response(status=204)


async def suspects(request: web.Request) -> web.StreamResponse:
    """GET /api/blocked/suspects: numbers whose calls say nothing; a person decides."""
    return answer({"suspects": await request.app[DEPS].blocked.suspects()})
