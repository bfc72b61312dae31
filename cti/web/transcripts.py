"""Transcripts over HTTP: found by their words, read, corrected, taken away, heard second by second."""

from __future__ import annotations

import asyncio
import re
import wave
from collections.abc import Mapping
from typing import Annotated

import msgspec
from aiohttp import web

from cti.call_records import CallRecord
from cti.messages import CorrectionView, Role
from cti.recording_parts import PART_MAX_S, part_of_call, part_of_file
from cti.transcript_files import MEDIA_TYPES, FileFormat, line_body, written
from cti.transcripts import TEXT_MAX, CorrectionStale, LineUnknown, TranscriptFilter, TranscriptHit
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.calls import TEXT_SEARCH_S, call_body, call_to_hear, file_inside
from cti.web.guard import DEPS, person_of
from cti.web.secret_calls import check_by_number, covered_numbers, open_calls

__all__ = [
    "correct_line",
    "corrections",
    "export_call",
    "export_found",
    "find_transcripts",
    "mark_line",
    "recording_part",
    "transcript",
]

EXPORT_CALLS = 200
"""Calls in one file."""
CALL_ID = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
Text = Annotated[str, msgspec.Meta(max_length=100)]


class TranscriptsQuery(msgspec.Struct):
    text: Text = ""
    caller: Text = ""
    agent: Text = ""
    speaker: Annotated[str, msgspec.Meta(pattern="^(citizen|agent|third)?$")] = ""
    corrected: bool | None = None
    since: float | None = None
    until: float | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=500)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class ExportQuery(msgspec.Struct):
    format: FileFormat
    text: Text = ""
    caller: Text = ""
    agent: Text = ""
    speaker: Annotated[str, msgspec.Meta(pattern="^(citizen|agent|third)?$")] = ""
    corrected: bool | None = None
    since: float | None = None
    until: float | None = None


class FormatQuery(msgspec.Struct):
    format: FileFormat


class PartQuery(msgspec.Struct):
    start: Annotated[float, msgspec.Meta(ge=0, le=86400)]
    end: Annotated[float, msgspec.Meta(ge=0, le=86400)]


class MarkBody(msgspec.Struct, forbid_unknown_fields=True):
    marked: bool


class CorrectionBody(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]
    seen: Annotated[int, msgspec.Meta(ge=0)]  # version of the newest correction that was shown, 0 for none


def _check_own(request: web.Request, call: CallRecord, what: str) -> None:
    """An agent corrects, takes away and hears their own calls; whoever is in charge any."""
    person = person_of(request)
    if person.role is Role.AGENT and call.agent_id != person.login:
        raise ApiError(403, "forbidden", f"只能{what}本人接听的通话，如有需要请联系班长")


def _filter(
    request: web.Request, query: TranscriptsQuery | ExportQuery, page: int, size: int
) -> TranscriptFilter:
    """What is looked for; an agent finds their own calls, and no date means the last month."""
    person = person_of(request)
    if any("\0" in value for value in (query.text, query.caller, query.agent)):
        raise ApiError(400, "invalid", "查询条件有误", field="text")
    since = query.since
    if since is None:
        until = query.until if query.until is not None else request.app[DEPS].clock()
        since = until - TEXT_SEARCH_S
    return TranscriptFilter(
        text=query.text.strip(),
        caller=query.caller,
        agent=person.login if person.role is Role.AGENT else query.agent,
        speaker=query.speaker,
        corrected=query.corrected,
        since=since,
        until=query.until,
        page=page,
        size=size,
    )


def hit_body(hit: TranscriptHit, covered: Mapping[str, str]) -> dict[str, object]:
    """Return a call that was found, with the lines that match; `covered` as `call_body` takes it."""
    shown = [line_body(kept) for kept in hit.shown]
    return {**call_body(hit.call, covered), "lines": hit.lines, "matches": hit.matches, "shown": shown}


async def find_transcripts(request: web.Request) -> web.StreamResponse:
    """GET /api/transcripts: calls by what was said in them, newest first; the last 31 days without a date.

    Calls of confidential orders are left out.
    """
    query = read_query(request, TranscriptsQuery)
    check_by_number(request, caller=query.caller, text=query.text)
    page = await request.app[DEPS].transcripts.find(_filter(request, query, query.page, query.size))
    open_ones = {call.call_id: call for call in await open_calls(request, [hit.call for hit in page.hits])}
    covered = await covered_numbers(request, open_ones.values())
    hits = [hit_body(hit, covered) for hit in page.hits if hit.call.call_id in open_ones]
    return answer({"total": page.total, "page": page.page, "size": page.size, "calls": hits})


async def transcript(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/transcript: every line, with what stands in its place."""
    call = await call_to_hear(request)
    lines = await request.app[DEPS].transcripts.lines(call.call_id)
    return answer({"call_id": call.call_id, "lines": [line_body(kept) for kept in lines]})


async def correct_line(request: web.Request) -> web.StreamResponse:
    """PATCH /api/calls/{call_id}/transcript/{line_id}: put a correction beside the line."""
    body = await read_body(request, CorrectionBody)
    if _UNSTORABLE.search(body.text):
        raise ApiError(400, "invalid", "内容含有无法保存的字符，请删除", field="text")
    call = await call_to_hear(request)
    _check_own(request, call, "更正")
    line_id = request.match_info["line_id"][:80]
    try:
        made = await request.app[DEPS].transcripts.correct(
            call.call_id, line_id, body.text.strip(), who=person_of(request).login, seen=body.seen
        )
    except LineUnknown as error:
        raise ApiError(404, "not_found", error.shown) from None
    except CorrectionStale as error:
        raise ApiError(409, "conflict", error.shown) from None
    told = msgspec.convert(msgspec.to_builtins(made), CorrectionView)
    request.app[DEPS].desk.captions.corrected(call.call_id, line_id, told)
    return answer(made)


async def mark_line(request: web.Request) -> web.StreamResponse:
    """PUT /api/calls/{call_id}/transcript/{line_id}/mark: 重点, to find it again; or not any more."""
    body = await read_body(request, MarkBody)
    call = await call_to_hear(request)
    _check_own(request, call, "标记")
    line_id = request.match_info["line_id"][:80]
    try:
        await request.app[DEPS].transcripts.mark(
            call.call_id, line_id, who=person_of(request).login, on=body.marked
        )
    except LineUnknown as error:
        raise ApiError(404, "not_found", error.shown) from None
    request.app[DEPS].desk.captions.marked(call.call_id, line_id, on=body.marked)
    return answer({"marked": body.marked})


async def corrections(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/transcript/{line_id}/corrections: all of a line, oldest first."""
    call = await call_to_hear(request)
    found = await request.app[DEPS].transcripts.history(call.call_id, request.match_info["line_id"][:80])
    return answer({"corrections": found})


async def export_call(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/transcript/export: one call as TXT, CSV or JSON; written to the trail."""
    deps = request.app[DEPS]
    kind = read_query(request, FormatQuery).format
    call = await call_to_hear(request)
    _check_own(request, call, "导出")
    lines = await deps.transcripts.lines(call.call_id)
    if request.method == "GET":
        detail = {"format": kind.value, "calls": 1}
        await deps.accounts.note(person_of(request).login, "transcript_exported", call.call_id, detail)
    name = call.call_id if CALL_ID.fullmatch(call.call_id) else "call"
    return _file(written(kind, [(call, lines)]), kind, f"transcript-{name}")


async def export_found(request: web.Request) -> web.StreamResponse:
    """GET /api/transcripts/export: the newest 200 calls that match, as one file; written to the trail."""
    deps = request.app[DEPS]
    query = read_query(request, ExportQuery)
    page = await deps.transcripts.find(_filter(request, query, 1, EXPORT_CALLS))
    calls = await open_calls(request, [hit.call for hit in page.hits])
    found = [(call, await deps.transcripts.lines(call.call_id)) for call in calls]
    if request.method == "GET":
        # what was looked for is a citizen's, and stays out of the trail
        detail = {"format": query.format.value, "calls": len(found), "of": page.total}
        await deps.accounts.note(person_of(request).login, "transcript_exported", "", detail)
    return _file(await asyncio.to_thread(written, query.format, found), query.format, "transcripts")


def _file(data: bytes, kind: FileFormat, name: str) -> web.Response:
    return web.Response(
        body=data,
        headers={
            "Content-Type": f"{MEDIA_TYPES[kind]}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}.{kind.value}"',
            "Cache-Control": "private, no-store",
        },
    )


async def recording_part(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/recording/part: up to a minute of the recording, also during the call."""
    deps = request.app[DEPS]
    query = read_query(request, PartQuery)
    if not 0 < query.end - query.start <= PART_MAX_S:
        raise ApiError(400, "invalid", f"一次最多收听 {PART_MAX_S:g} 秒", field="end")
    call = await call_to_hear(request)
    _check_own(request, call, "收听")
    sound = None
    try:
        if call.recording_file is not None:
            path = await asyncio.to_thread(file_inside, deps.recordings, call.recording_file)
            if path is not None:
                sound = await asyncio.to_thread(part_of_file, path, query.start, query.end)
        elif CALL_ID.fullmatch(call.call_id):
            base = deps.recordings / call.call_id
            sound = await asyncio.to_thread(part_of_call, base, query.start, query.end)
    except (OSError, wave.Error, EOFError):
        raise ApiError(404, "no_recording", "这段录音无法读取") from None
    if sound is None:
        later = (
            "这段录音还没有写好，请稍后再听"
            if call.ended is None
            else "这通电话没有这段录音，或录音已按规定清理"
        )
        raise ApiError(404, "no_recording", later)
    if request.method == "GET":
        await deps.accounts.note(person_of(request).login, "recording_played", call.call_id)
    return web.Response(body=sound, content_type="audio/wav", headers={"Cache-Control": "private, no-store"})
