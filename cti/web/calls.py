"""Earlier calls: lists, transcripts, recordings, and what is known of a caller."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from cti.call_records import CallFilter, CallRecord
from cti.control.call_quality import summary
from cti.figures.facts import CallKind
from cti.messages import Outcome, Role
from cti.web.answers import ApiError, answer, read_query
from cti.web.guard import DEPS, person_of
from cti.web.orders import order_body, seen
from cti.web.secret_calls import check_by_number, check_heard, covered_numbers, open_calls
from orders.privacy import Secrecy, secrecy_of

__all__ = [
    "TEXT_SEARCH_S",
    "call_body",
    "call_named",
    "call_to_hear",
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
    handled: Text = ""
    queue: Text = ""
    kind: CallKind | None = None
    media: Text = ""
    category: Text = ""
    district: Text = ""
    satisfaction: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    outcome: Outcome | None = None
    since: float | None = None
    until: float | None = None
    text: Text = ""
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class HistoryQuery(msgspec.Struct):
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10
    before_call: Text = ""  # leave this call out: the one that is going on


def call_body(call: CallRecord, covered: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return what a page is told of a call: the address of its recording instead of the file's name.

    `covered` has the numbers that are not shown in plain (`cti.web.secret_calls.covered_numbers`).
    """
    told: dict[str, object] = msgspec.to_builtins(call)
    if covered is not None and call.call_id in covered:
        told["caller"] = covered[call.call_id]
    has = told.pop("recording_file") is not None
    told["recording_url"] = f"/api/calls/{call.call_id}/recording" if has else None
    return told


async def call_named(request: web.Request) -> CallRecord:
    """Return the call that the address names. Raises ApiError 404."""
    call = await request.app[DEPS].calls.call(request.match_info["call_id"][:80])
    if call is None:
        raise ApiError(404, "not_found", "找不到这通电话")
    return call


async def call_to_hear(request: web.Request) -> CallRecord:
    """Return the call that the address names, when its sound and words are open to whoever asks.

    Raises ApiError: 404 there is none, 403 its order is confidential and no reason was given.
    """
    call = await call_named(request)
    await check_heard(request, call.call_id)
    return call


async def list_calls(request: web.Request) -> web.StreamResponse:
    """GET /api/calls: newest first; an agent is given their own."""
    deps = request.app[DEPS]
    query = read_query(request, CallsQuery)
    person = person_of(request)
    check_by_number(request, caller=query.caller, text=query.text)
    agent = person.login if person.role is Role.AGENT else query.agent
    since = query.since
    if query.text and since is None:
        since = (query.until if query.until is not None else deps.clock()) - TEXT_SEARCH_S
    which = CallFilter(
        caller=query.caller,
        called=query.called,
        agent=agent,
        handled=query.handled,
        queue=query.queue,
        kind=query.kind,
        media=query.media,
        category=query.category,
        district=query.district,
        satisfaction=query.satisfaction,
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
    found = await open_calls(request, page.calls) if query.caller or query.text else page.calls
    covered = await covered_numbers(request, found)
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "calls": [call_body(c, covered) for c in found],
        }
    )


async def one_call(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}: the call, its orders, and how its agent's leg sounded."""
    call = await call_named(request)
    orders = await seen(request, await request.app[DEPS].orders.by_call(call.call_id))
    quality = summary(await request.app[DEPS].calls.entries(call.call_id))
    told = call_body(call, await covered_numbers(request, [call]))
    return answer({**told, "orders": [order_body(order) for order in orders], "quality": quality})


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
    call = await call_to_hear(request)
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
    """GET /api/callers/{number}/history: earlier calls from this number, and orders that name it.

    Confidential ones are left out: whose they are is what nobody shall learn from a number. Orders that are
    not open to whoever asks are left out, too.
    """
    deps = request.app[DEPS]
    query = read_query(request, HistoryQuery)
    number = request.match_info["number"][:40]
    calls = await deps.calls.last_for_caller(number, query.limit + 1)
    known = await open_calls(request, calls)
    named = await seen(request, await deps.orders.by_phone(number))
    orders = [one for one in named if secrecy_of(one.draft) is not Secrecy.CONFIDENTIAL]
    return answer(
        {
            "calls": [call_body(c) for c in known if c.call_id != query.before_call][: query.limit],
            "orders": [order_body(o) for o in orders if o.draft.call_id != query.before_call][: query.limit],
        }
    )
