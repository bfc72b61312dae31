"""Earlier calls: lists, transcripts, recordings, and what is known of a caller."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from cti.call_records import CallFilter, CallRecord
from cti.messages import Outcome, Role
from cti.web.answers import ApiError, answer, read_query
from cti.web.guard import DEPS, person_of
from cti.web.orders import order_body

__all__ = [
    "TEXT_SEARCH_S",
    "call_body",
    "call_named",
    "caller_history",
    "file_inside",
    "list_calls",
    "one_call",
    "recording",
]

TEXT_SEARCH_S = 31 * 86400.0
"""A search in what was said looks at so many seconds back when no date is given."""
Text = Annotated[str, msgspec.Meta(max_length=100)]


class CallsQuery(msgspec.Struct):
    caller: Text = ""
    called: Text = ""
    agent: Text = ""
    queue: Text = ""
    outcome: Outcome | None = None
    since: float | None = None
    until: float | None = None
    text: Text = ""
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class HistoryQuery(msgspec.Struct):
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10
    before_call: Text = ""  # leave this call out: the one that is going on


def call_body(call: CallRecord) -> dict[str, object]:
    """Return what a page is told of a call: the address of its recording instead of the file's name."""
    told: dict[str, object] = msgspec.to_builtins(call)
    has = told.pop("recording_file") is not None
    told["recording_url"] = f"/api/calls/{call.call_id}/recording" if has else None
    return told


async def call_named(request: web.Request) -> CallRecord:
    """Return the call that the address names. Raises ApiError 404."""
    call = await request.app[DEPS].calls.call(request.match_info["call_id"][:80])
    if call is None:
        raise ApiError(404, "not_found", "找不到这通电话")
    return call


async def list_calls(request: web.Request) -> web.StreamResponse:
    """GET /api/calls: newest first; an agent is given their own."""
    deps = request.app[DEPS]
    query = read_query(request, CallsQuery)
    person = person_of(request)
    agent = person.login if person.role is Role.AGENT else query.agent
    since = query.since
    if query.text and since is None:
        since = (query.until if query.until is not None else deps.clock()) - TEXT_SEARCH_S
    which = CallFilter(
        caller=query.caller,
        called=query.called,
        agent=agent,
        queue=query.queue,
        outcome=query.outcome,
        since=since,
        until=query.until,
        text=query.text.strip(),
        page=query.page,
        size=query.size,
    )
    try:
        page = await deps.calls.calls(which)
    except ValueError:
        raise ApiError(400, "invalid", "查询条件有误") from None
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "calls": [call_body(c) for c in page.calls],
        }
    )


async def one_call(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}: the call and its orders."""
    call = await call_named(request)
    orders = await request.app[DEPS].orders.by_call(call.call_id)
    return answer({**call_body(call), "orders": [order_body(order) for order in orders]})


def file_inside(folder: Path, name: str) -> Path | None:
    """Return the file when it is there and really inside the folder, links followed."""
    root = folder.resolve()
    path = (root / name).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


async def recording(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/recording: WAV, stereo, citizen left; `Range` is understood.

    An agent hears their own calls. Every listening is written to the trail, once per beginning.
    """
    deps = request.app[DEPS]
    call = await call_named(request)
    person = person_of(request)
    if person.role is Role.AGENT and call.agent_id != person.login:
        raise ApiError(403, "forbidden", "只能收听本人接听的录音，如需收听请联系班长")
    path = None
    if call.recording_file is not None:
        path = await asyncio.to_thread(file_inside, deps.recordings, call.recording_file)
    if path is None:
        raise ApiError(404, "no_recording", "这通电话没有录音，或录音已按规定清理")
    if request.method == "GET" and request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        await deps.accounts.note(person.login, "recording_played", call.call_id)
    return web.FileResponse(
        path,
        headers={
            "Content-Type": "audio/wav",
            "Content-Disposition": "inline",
            "Cache-Control": "private, no-store",
        },
    )


async def caller_history(request: web.Request) -> web.StreamResponse:
    """GET /api/callers/{number}/history: earlier calls from this number, and orders that name it."""
    deps = request.app[DEPS]
    query = read_query(request, HistoryQuery)
    number = request.match_info["number"][:40]
    calls = await deps.calls.last_for_caller(number, query.limit + 1)
    orders = await deps.orders.by_phone(number, limit=query.limit + 1)
    return answer(
        {
            "calls": [call_body(c) for c in calls if c.call_id != query.before_call][: query.limit],
            "orders": [order_body(o) for o in orders if o.draft.call_id != query.before_call][: query.limit],
        }
    )
