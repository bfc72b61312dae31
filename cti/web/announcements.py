"""Announcements to callers over HTTP, for supervisors and administrators."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.announcements import AnnouncementRefused
from cti.boards import prompt_texts
from cti.web.alerts import PageQuery
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.bulletins import WithdrawBody
from cti.web.guard import DEPS, person_of
from ivr_flows.audio import MAX_FILE_BYTES

__all__ = [
    "approve",
    "audio_of",
    "list_announcements",
    "list_pieces",
    "propose",
    "put_audio",
    "withdraw",
]

NOT_FOUND = "没有这条来电公告"


class AnnouncementBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]  # what is said
    until: float  # over then; at most a week from now
    since: float | None = None  # null: now
    district: Annotated[str, msgspec.Meta(max_length=80)] = ""  # callers from there; "" from anywhere
    called: Annotated[str, msgspec.Meta(max_length=40)] = ""  # callers of this number; "" of any
    prompts: Annotated[tuple[str, ...], msgspec.Meta(max_length=12)] = ()  # keys of prompts to be said
    burst_id: Annotated[str, msgspec.Meta(max_length=64)] = ""  # the wave it is about


async def list_announcements(request: web.Request) -> web.StreamResponse:
    """GET /api/announcements: newest first."""
    query = read_query(request, PageQuery)
    return answer(await request.app[DEPS].boards.announcements.history(page=query.page, size=query.size))


async def list_pieces(request: web.Request) -> web.StreamResponse:
    """GET /api/announcements/pieces: prompts that there is audio of, to put an announcement together."""
    pieces = await prompt_texts(request.app[DEPS].boards)
    return answer({"pieces": [{"key": key, "text": text} for key, text in pieces]})


async def propose(request: web.Request) -> web.StreamResponse:
    """POST /api/announcements: propose one; nobody hears it before it is approved."""
    body = await read_body(request, AnnouncementBody)
    boards, person = request.app[DEPS].boards, person_of(request)
    try:
        proposed = await boards.announcements.propose(
            title=body.title.strip(), text=body.text.strip(), district=body.district.strip(),
            called=body.called.strip(), prompts=body.prompts, since=body.since, until=body.until,
            by=person.login, by_name=person.name, burst_id=body.burst_id,
        )  # fmt: skip
    except AnnouncementRefused as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None
    return answer(proposed, status=201)


async def put_audio(request: web.Request) -> web.StreamResponse:
    """PUT /api/announcements/{announcement_id}/audio: a WAV file, before it is approved."""
    if request.content_type not in ("audio/wav", "audio/x-wav", "audio/wave"):
        raise ApiError(415, "not_wav", "请上传 WAV 文件")
    audio = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        audio += chunk
        if len(audio) > MAX_FILE_BYTES:
            raise ApiError(413, "too_large", "录音文件过大")
    try:
        found = await request.app[DEPS].boards.announcements.record(
            request.match_info["announcement_id"][:64], bytes(audio), by=person_of(request).login
        )
    except AnnouncementRefused as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None
    if found is None:
        raise ApiError(404, "not_found", NOT_FOUND)
    return answer(found)


async def audio_of(request: web.Request) -> web.StreamResponse:
    """GET /api/announcements/{announcement_id}/audio: as callers hear it."""
    audio = await request.app[DEPS].boards.announcements.audio(request.match_info["announcement_id"][:64])
    if audio is None:
        raise ApiError(404, "not_found", "没有录音")
    return web.Response(body=audio, content_type="audio/wav")


async def approve(request: web.Request) -> web.StreamResponse:
    """POST /api/announcements/{announcement_id}/approve: callers hear it from now on."""
    boards, person = request.app[DEPS].boards, person_of(request)
    try:
        found = await boards.announcements.approve(
            request.match_info["announcement_id"][:64], by=person.login
        )
    except AnnouncementRefused as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None
    if found is None:
        raise ApiError(404, "not_found", NOT_FOUND)
    if found.burst_id:
        detail = {"announcement_id": found.announcement_id}
        await boards.bursts.move(found.burst_id, "announced", by=person.login, detail=detail)
    await boards.renewed()
    return answer(found)


async def withdraw(request: web.Request) -> web.StreamResponse:
    """POST /api/announcements/{announcement_id}/withdraw"""
    body = await read_body(request, WithdrawBody)
    boards = request.app[DEPS].boards
    gone = await boards.announcements.withdraw(
        request.match_info["announcement_id"][:64], by=person_of(request).login, reason=body.reason.strip()
    )
    if not gone:
        raise ApiError(404, "not_found", f"{NOT_FOUND}，或已失效")
    await boards.renewed()
    return web.Response(status=204)
