"""Voice messages (留言) of a call: what there is, and the sound."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from cti.messages import Entry
from cti.web.answers import ApiError, answer, read_query
from cti.web.calls import TEXT_SEARCH_S, file_inside
from cti.web.guard import DEPS, person_of
from cti.web.secret_calls import check_heard, covered_numbers

__all__ = ["LeftMessage", "list_messages", "message_audio", "newest_messages"]


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


class MessagesQuery(msgspec.Struct):
    since: float | None = None  # left after; without it the last 31 days
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


async def _messages(request: web.Request) -> list[tuple[LeftMessage, str]]:
    call_id = request.match_info["call_id"][:80]
    return _told(call_id, await request.app[DEPS].calls.messages_of([call_id]))


def _told(call_id: str, entries: Sequence[Entry]) -> list[tuple[LeftMessage, str]]:
    """A call's messages and their files. One that was noted twice, around a crash, is told once."""
    found: dict[str, tuple[LeftMessage, str]] = {}
    for entry in entries:
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


async def newest_messages(request: web.Request) -> web.StreamResponse:
    """GET /api/messages: voice messages of all calls, newest first, each with its caller."""
    deps = request.app[DEPS]
    query = read_query(request, MessagesQuery)
    since = deps.clock() - TEXT_SEARCH_S if query.since is None else query.since
    total, entries = await deps.calls.messages(
        since=since, limit=query.size, offset=(query.page - 1) * query.size
    )
    call_ids = list(dict.fromkeys(entry.call_id for entry in entries))
    of_calls: dict[str, list[Entry]] = {call_id: [] for call_id in call_ids}
    for entry in await deps.calls.messages_of(call_ids):
        of_calls[entry.call_id].append(entry)
    by_file = {
        (call_id, file): message
        for call_id, of_call in of_calls.items()
        for message, file in _told(call_id, of_call)
    }
    callers = {call_id: await deps.calls.call(call_id) for call_id in call_ids}
    covered = await covered_numbers(request, [call for call in callers.values() if call is not None])
    told = []
    for entry in entries:
        message = by_file.pop((entry.call_id, msgspec.convert(entry.data, _Data).file), None)
        if message is None:
            continue  # noted twice
        call = callers[entry.call_id]
        caller = "" if call is None else covered.get(entry.call_id, call.caller)
        more = {"call_id": entry.call_id, "caller": caller}
        told.append({**msgspec.to_builtins(message), **more})
    return answer({"total": total, "page": query.page, "size": query.size, "messages": told})


async def message_audio(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/messages/{number}: WAV, mono; `Range` is understood.

    Whoever is signed in may hear it, since whoever calls back must. Every listening is written to the trail.
    """
    deps = request.app[DEPS]
    await check_heard(request, request.match_info["call_id"][:80])
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
