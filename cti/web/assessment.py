"""The assessment of units over HTTP: sheets, the orders behind a number, frozen months, the leader's page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import quote

import msgspec
from aiohttp import web

from cti.casework.assessment_files import FORMS, write
from cti.casework.assessment_months import Correction, FrozenMonth, MonthDamaged
from cti.casework.assessment_parts import AssessmentParts
from cti.casework.assessments import AssessmentRefused, View
from cti.messages import Role
from cti.planning_days import CHINA
from cti.reports.specs import ReportRefused
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import casework_of
from cti.web.covered import covers_of, hidden, titles_of
from cti.web.guard import DEPS, person_of
from orders.assessment_definitions import GROUP_TITLES, THREE
from orders.assessment_load import Grouping
from orders.assessment_marks import Mark
from orders.assessment_sheet import CENTRE_TITLE
from orders.assessment_store import day_of
from orders.assessment_words import KINDS, said
from orders.course_titles import event_title, person_title

__all__ = ["corrections", "counted_orders", "file", "freeze", "leader", "mine", "sheet", "trend"]

FIRST_MONTH, LAST_MONTH = 2000_01, 2100_12
BY_TITLES = {
    Grouping.UNIT: "承办单位",
    Grouping.CATEGORY: "事项分类",
    Grouping.DISTRICT: "区县",
    Grouping.CHANNEL: "诉求渠道",
    Grouping.DAY: "日期",
}

Month = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}$")]
Text = Annotated[str, msgspec.Meta(max_length=100)]


class SheetQuery(msgspec.Struct):
    month: Month = "0000-00"  # YYYY-MM; this month when it is left out
    by: Grouping = Grouping.UNIT  # what a row is for
    below: bool = False  # units with those below them
    version: Annotated[int, msgspec.Meta(ge=0, le=99)] | None = None  # of a frozen month; 0: as known now


class FileQuery(SheetQuery):
    format: Annotated[str, msgspec.Meta(max_length=8)] = "xlsx"


class OrdersQuery(SheetQuery):
    figure: Text = ""  # which
    part: Annotated[str, msgspec.Meta(pattern="^(top|bottom)$")] = "top"  # above or below the line
    key: Text = ""  # of the row; "" is the centre's, or what is not filled in
    whole: bool = False  # of the total, not of a row
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class TrendQuery(msgspec.Struct):
    month: Month = "0000-00"  # the last one
    months: Annotated[int, msgspec.Meta(ge=1, le=24)] = 12
    key: Text | None = None  # a unit, with those below it; left out: everything


class CorrectionsQuery(msgspec.Struct):
    month: Month = "0000-00"
    version: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None  # the newest when it is left out
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class FreezeBody(msgspec.Struct, forbid_unknown_fields=True):
    month: Month
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""  # needed when it is frozen already


def _parts(request: web.Request) -> AssessmentParts:
    return casework_of(request).assessment


def _month(request: web.Request, text: str) -> int:
    if text == "0000-00":
        return day_of(request.app[DEPS].clock(), _parts(request).desk.log.zone) // 100
    month = int(text.replace("-", ""))
    if not FIRST_MONTH <= month <= LAST_MONTH or not 1 <= month % 100 <= 12:
        raise ApiError(400, "invalid", "月份写成 2026-11", field="month")
    return month


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except AssessmentRefused as error:
        status = {"forbidden": 403, "no_version": 404, "no_figure": 400}.get(error.code, 409)
        raise ApiError(status, error.code, error.shown) from None
    except MonthDamaged:
        raise ApiError(500, "month_damaged", "封账的考核结果已被改动，不予显示；请审计员核查") from None


def _named(month: int) -> str:
    return f"{month // 100}-{month % 100:02d}"


async def _view(request: web.Request, query: SheetQuery) -> View:
    with _refusals():
        return await _parts(request).desk.view(
            _month(request, query.month),
            query.by,
            person_of(request),
            with_below=query.below,
            version=query.version,
        )


async def sheet(request: web.Request) -> web.StreamResponse:
    """GET /api/assessment: a table of a month, frozen where it is, with formulas, places and scores."""
    query, parts = read_query(request, SheetQuery), _parts(request)
    view = await _view(request, query)
    month, person = view.sheet.month, person_of(request)
    versions = await parts.desk.months.versions(month)
    now = request.app[DEPS].clock()
    count = 0
    if view.frozen is not None:
        count, _ = await parts.desk.months.corrections(view.frozen, page=1, size=1, units=view.scope.units)
    over = now >= parts.closing.over_at(month)
    return answer(
        {
            "month": _named(month),
            "by": query.by,
            "below": query.below,
            "made_at": view.sheet.made_at,
            "over": over,
            "closes_at": None if versions else parts.closing.closes_at(month),
            "may_freeze": over and person.role in (Role.SUPERVISOR, Role.ADMIN),
            "frozen": view.frozen,
            "versions": versions,
            "corrections": count,
            "unit": person.unit if view.scope.units is not None else "",
            "policy": view.sheet.policy,
            "three": THREE,
            "groups": {group.value: title for group, title in GROUP_TITLES.items()},
            "definitions": view.sheet.definitions,
            "total": view.sheet.total,
            "rows": view.sheet.tables["shown"],
        }
    )


async def counted_orders(request: web.Request) -> web.StreamResponse:
    """GET /api/assessment/orders: exactly what stands above (or below) the line of a number."""
    query = read_query(request, OrdersQuery)
    if query.by is Grouping.DAY and not query.whole and not query.key.isdecimal():
        raise ApiError(400, "invalid", "日期有误", field="key")
    with _refusals():
        total, found = await _parts(request).desk.orders(
            _month(request, query.month),
            query.figure,
            person_of(request),
            top=query.part == "top",
            by=query.by,
            key=None if query.whole else query.key,
            with_below=query.below,
            version=query.version,
            page=query.page,
            size=query.size,
        )
    titles = await titles_of(request, [one.order_id for one in found])
    rows = [{**msgspec.to_builtins(one), "title": titles.get(one.order_id, "")} for one in found]
    return answer({"total": total, "page": query.page, "size": query.size, "orders": rows})


async def trend(request: web.Request) -> web.StreamResponse:
    """GET /api/assessment/trend: the figures of months in a row, of everything or of one unit."""
    query = read_query(request, TrendQuery)
    with _refusals():
        found = await _parts(request).desk.trend(
            _month(request, query.month), query.months, query.key, person_of(request)
        )
    return answer({"months": [{"month": _named(month), "row": row} for month, row in found]})


async def mine(request: web.Request) -> web.StreamResponse:
    """GET /api/assessment/mine: this month's figures of one's own unit, with those below it."""
    parts = _parts(request)
    month, row = await parts.desk.own(person_of(request))
    return answer({"month": _named(month), "row": row, "three": THREE, "policy": parts.desk.policy})


async def corrections(request: web.Request) -> web.StreamResponse:
    """GET /api/assessment/corrections: what changed after a month was frozen, and which figures with it."""
    query, parts, person = read_query(request, CorrectionsQuery), _parts(request), person_of(request)
    month = _month(request, query.month)
    versions = await parts.desk.months.versions(month)
    frozen = next((one for one in versions if query.version in (None, one.version)), None)
    if frozen is None:
        raise ApiError(404, "no_version", "该月尚未封账")
    scope = await parts.desk.scope_of(person)
    if scope.districts is not None:
        raise ApiError(403, "forbidden", "更正清单只对全市和承办单位开放")
    with _refusals():
        differences = await parts.closing.differences(frozen, person)
        total, found = await parts.desk.months.corrections(
            frozen, page=query.page, size=query.size, units=scope.units
        )
    covers = await covers_of(request, [one.order_id for one in found])
    return answer(
        {
            "frozen": frozen,
            "differences": differences,
            "total": total,
            "page": query.page,
            "size": query.size,
            "corrections": [_correction(one, covers.get(one.order_id, hidden)) for one in found],
        }
    )


def _correction(one: Correction, cover: Callable[[str], str]) -> dict[str, object]:
    mark = one.new or one.old
    moved = one.old is not None and one.new is not None and _day(one.old) != _day(one.new)
    return {
        "order_id": one.order_id,
        "number": one.number,
        "unit": "" if mark is None else mark.unit or CENTRE_TITLE,
        "kind": "" if mark is None else KINDS[mark.kind],
        "event": event_title(one.event),
        "by": person_title(one.by),
        "reason": cover(one.reason),
        "at": one.at,
        "old": said(one.old),
        "new": said(one.new),
        "old_day": _day(one.old) if moved else None,
        "new_day": _day(one.new) if moved else None,
    }


def _day(mark: Mark | None) -> int | None:
    return None if mark is None or mark.at is None else day_of(mark.at, CHINA)


async def freeze(request: web.Request) -> web.StreamResponse:
    """POST /api/assessment/freeze: keep a month's figures for good."""
    body = await read_body(request, FreezeBody)
    with _refusals():
        frozen: FrozenMonth = await _parts(request).closing.freeze(
            _month(request, body.month), by=person_of(request).login, reason=body.reason
        )
    return answer(frozen, status=201)


async def file(request: web.Request) -> web.StreamResponse:
    """GET /api/assessment/file: the same as Excel, CSV or PDF, with a watermark."""
    query = read_query(request, FileQuery)
    if query.format not in FORMS:
        raise ApiError(400, "invalid", f"文件格式只能是 {'、'.join(FORMS)}", field="format")
    view, deps = await _view(request, query), request.app[DEPS]
    month = _named(view.sheet.month)
    mark = await casework_of(request).watermarks.issue(
        person_of(request), "assessment", detail={"month": month, "by": query.by.value}
    )
    name = BY_TITLES[query.by]
    title = f"{month} 工单办理考核（按{name}）"
    state = "未封账，数据以查看时为准"
    if view.frozen is not None:
        state = f"已封账（第 {view.frozen.version} 版），校验码 {view.frozen.digest[:16]}"
    try:
        content = await asyncio.to_thread(
            write,
            view.sheet,
            query.format,
            title=title,
            state=state,
            name=name,
            mark=mark,
            font=deps.reports.font,
            cache=deps.reports.cache,
        )
    except ReportRefused as error:
        raise ApiError(503, "report_failed", error.shown) from None
    return web.Response(
        body=content,
        headers={
            "Content-Type": FORMS[query.format],
            "Content-Disposition": f'attachment; filename="assessment.{query.format}"; '
            f"filename*=UTF-8''{quote(f'{title}.{query.format}', safe='')}",
        },
    )


async def leader(request: web.Request) -> web.StreamResponse:
    """GET /api/leader: what a leader sees first, of everything that is open to them."""
    parts = _parts(request)
    view = await parts.leaders.view(person_of(request))
    titles = await titles_of(request, [one.order_id for one in view.watched])
    watched = [{**msgspec.to_builtins(one), "title": titles.get(one.order_id, "")} for one in view.watched]
    told = {**msgspec.to_builtins(view), "watched": watched}
    return answer({"view": told, "three": THREE, "policy": parts.desk.policy})
