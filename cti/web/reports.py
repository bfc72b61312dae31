"""Reports over HTTP: made now for a page, kept for good, and as files."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec
from aiohttp import web

from acd.errors import InvalidValue
from cti import audit
from cti.database import writing
from cti.planning_days import day_named
from cti.report_parts import ReportDesk
from cti.reports.archive import KeptReport, ReportDamaged, ReportUnknown
from cti.reports.files import FORMS
from cti.reports.pages import Page, changes
from cti.reports.specs import Filter, Grouping, Kind, ReportRefused, Spec, daily, monthly, special
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["compare", "file", "keep", "kept_file", "list_reports", "one_report", "page"]

CHANGES_MAX = 1_000
"""Figures that are told one by one; all are counted."""

Text = Annotated[str, msgspec.Meta(max_length=64)]


class ReportQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked of; daily and monthly take `date` alone."""

    kind: Kind = Kind.DAILY
    date: Annotated[str, msgspec.Meta(max_length=10)] = ""  # daily: the day, monthly: a day of the month
    since: float | None = None  # special: from, epoch seconds
    until: float | None = None  # special: before
    by: Annotated[str, msgspec.Meta(max_length=100)] = ""  # special: groupings, separated by commas
    interval: int = 30  # minutes
    title: Annotated[str, msgspec.Meta(max_length=100)] = ""
    queue: Text = ""
    called: Annotated[str, msgspec.Meta(max_length=40)] = ""
    category: Text = ""
    district: Text = ""
    agent: Annotated[str, msgspec.Meta(max_length=32)] = ""
    media: Annotated[str, msgspec.Meta(max_length=8)] = ""


class FileQuery(ReportQuery, frozen=True, kw_only=True):
    """The same as a file."""

    format: Annotated[str, msgspec.Meta(max_length=8)] = "xlsx"


class KeptFileQuery(msgspec.Struct, frozen=True, kw_only=True):
    format: Annotated[str, msgspec.Meta(max_length=8)] = "xlsx"


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


def spec_of(query: ReportQuery) -> Spec:
    """Return what is asked. Raises ApiError naming the field."""
    try:
        spec = _spec(query)
        spec.check()
    except ReportRefused as error:
        raise ApiError(400, "invalid", error.shown, field=error.key) from None
    except InvalidValue:
        raise ApiError(400, "invalid", "日期写成 2026-11-22", field="date") from None
    except (ValueError, OverflowError, OSError):
        raise ApiError(400, "invalid", "分组或时间有误", field="by") from None
    return spec


def _spec(query: ReportQuery) -> Spec:
    if query.kind is Kind.DAILY:
        return daily(day_named(query.date), interval=query.interval)
    if query.kind is Kind.MONTHLY:
        return monthly(day_named(query.date))
    if query.since is None or query.until is None:
        raise ReportRefused("since", "请选择起止时间")
    return special(
        query.since,
        query.until,
        title=query.title,
        by=[Grouping(name) for name in query.by.split(",") if name],
        interval=query.interval,
        which=Filter(**{name: getattr(query, name) for name in Filter.__struct_fields__}),
    )


def _desk(request: web.Request) -> ReportDesk:
    return request.app[DEPS].reports


async def _made(request: web.Request, spec: Spec) -> bytes:
    deps = request.app[DEPS]
    try:
        return await deps.reports.room.page(spec, now=deps.clock(), behind_s=deps.reports.behind_s())
    except ReportRefused as error:
        raise ApiError(503, "report_failed", error.shown) from None


async def page(request: web.Request) -> web.StreamResponse:
    """GET /api/reports/page: a report made now."""
    data = await _made(request, spec_of(read_query(request, ReportQuery)))
    return web.Response(body=data, content_type="application/json")


async def file(request: web.Request) -> web.StreamResponse:
    """GET /api/reports/file: the same as Excel, PDF or CSV."""
    query = read_query(request, FileQuery)
    spec = spec_of(query)
    return await _as_file(request, await _made(request, spec), query.format, spec.title)


async def list_reports(request: web.Request) -> web.StreamResponse:
    """GET /api/reports: those that are kept, newest first."""
    query = read_query(request, ListQuery)
    total, found = await _desk(request).archive.listed(kind=query.kind, page=query.page, size=query.size)
    return answer({"total": total, "page": query.page, "size": query.size, "reports": found})


async def keep(request: web.Request) -> web.StreamResponse:
    """POST /api/reports: make a report and keep it for good."""
    spec = spec_of(await read_body(request, ReportQuery))
    deps = request.app[DEPS]
    if spec.until > deps.clock():
        raise ApiError(409, "not_over", "统计时段尚未结束，不能存档")
    login = person_of(request).login
    kept = await deps.reports.archive.keep(await _made(request, spec), by=login)
    if kept is None:
        raise ApiError(409, "too_many", "同一时段的存档报表过多")
    async with writing(deps.figures.engine) as connection:
        await audit.note(
            connection,
            at=deps.clock(),
            who=login,
            what="report_kept",
            target=kept.report_id,
            detail={"title": kept.title, "digest": kept.digest},
        )
    return answer(kept, status=201)


async def one_report(request: web.Request) -> web.StreamResponse:
    """GET /api/reports/{report_id}: a kept one, as it was made."""
    kept, data = await _kept(request)
    return answer({"kept": kept, "page": msgspec.Raw(data)})


async def kept_file(request: web.Request) -> web.StreamResponse:
    """GET /api/reports/{report_id}/file: a kept one as Excel, PDF or CSV."""
    kept, data = await _kept(request)
    return await _as_file(request, data, read_query(request, KeptFileQuery).format, kept.title)


async def compare(request: web.Request) -> web.StreamResponse:
    """GET /api/reports/{report_id}/difference: the figures that are others when it is made again now."""
    _, data = await _kept(request)
    before = msgspec.json.decode(data, type=Page)
    after = msgspec.json.decode(await _made(request, before.spec), type=Page)
    found = changes(before, after)
    return answer(
        {
            "made_at": after.made_at,
            "total": len(found),
            "changes": found[:CHANGES_MAX],
            "other_rules": before.definitions != after.definitions,
        }
    )


async def _kept(request: web.Request) -> tuple[KeptReport, bytes]:
    try:
        return await _desk(request).archive.get(request.match_info["report_id"])
    except ReportUnknown:
        raise ApiError(404, "no_report", "没有这份报表") from None
    except ReportDamaged:
        raise ApiError(500, "report_damaged", "存档的报表已被改动，不予显示；请重新生成") from None


async def _as_file(request: web.Request, data: bytes, form: str, title: str) -> web.StreamResponse:
    if form not in FORMS:
        raise ApiError(400, "invalid", f"文件格式只能是 {'、'.join(FORMS)}", field="format")
    try:
        content = await _desk(request).room.file(data, form)
    except ReportRefused as error:
        raise ApiError(503, "report_failed", error.shown) from None
    name = quote(f"{title}.{form}", safe="")
    return web.Response(
        body=content,
        headers={
            "Content-Type": FORMS[form],
            "Content-Disposition": f"attachment; filename=\"report.{form}\"; filename*=UTF-8''{name}",
        },
    )
