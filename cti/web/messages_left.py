"""Voice messages (留言) of a call: what there is, and the sound."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from cti.messages import EntryKind
from cti.web.answers import ApiError, answer
from cti.web.calls import file_inside
from cti.web.guard import DEPS, person_of

__all__ = ["LeftMessage", "list_messages", "message_audio"]


class LeftMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One voice message of a call."""

    number: int  # 1 is the first of the call
    at: float  # epoch seconds
    seconds: float  # length
    purpose: str  # as the flow says: message, flood …
    url: str  # where it is heard


class _Data(msgspec.Struct, frozen=True):
    """Data of a MESSAGE entry, as far as it is needed here."""

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    seconds: float = 0.0
    purpose: str = "message"


async def _messages(request: web.Request) -> list[tuple[LeftMessage, str]]:
    """The call's messages and their files. One that was noted twice, around a crash, is told once."""
    call_id = request.match_info["call_id"][:80]
    found: dict[str, tuple[LeftMessage, str]] = {}
    for entry in await request.app[DEPS].calls.entries(call_id):
        if entry.kind is not EntryKind.MESSAGE:
            continue
        data = msgspec.convert(entry.data, _Data)
        number = len(found) + 1
        message = LeftMessage(
            number=number,
            at=entry.at,
            seconds=data.seconds,
            purpose=data.purpose,
            url=f"/api/calls/{call_id}/messages/{number}",
        )
        found.setdefault(Path(data.file).name, (message, data.file))
    return list(found.values())


async def list_messages(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/messages: in the order left; empty for a call without any."""
    return answer({"messages": [message for message, _ in await _messages(request)]})


async def message_audio(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/messages/{number}: WAV, mono; `Range` is understood.

    Whoever is signed in may hear it, since whoever calls back must. Every listening is written to the trail.
    """
    deps = request.app[DEPS]
    number = request.match_info["number"]
    files = {str(message.number): file for message, file in await _messages(request)}
    path = None
    if number in files:
        path = await asyncio.to_thread(file_inside, deps.recordings, files[number])
    if path is None:
        raise ApiError(404, "no_recording", "没有这条留言，或留言已按规定清理")
    if request.method == "GET" and request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        call_id = request.match_info["call_id"][:80]
        await deps.accounts.note(person_of(request).login, "message_played", call_id)
    return web.FileResponse(
        path,
        headers={
            "Content-Type": "audio/wav",
            "Content-Disposition": "inline",
            "Cache-Control": "private, no-store",
        },
    )
