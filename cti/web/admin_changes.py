"""The trail of changes over HTTP: filtered, paged, exported; and the way back to before one of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Annotated

import msgspec
from aiohttp import web

from cti.audit import PAGE_MAX, AuditRow
from cti.audit_words import GROUPS, act_title, acts_of
from cti.web.admin_back import put_back, returnable
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["back", "export_changes", "list_changes", "row_body"]

EXPORT_MAX = 20_000
Word = Annotated[str, msgspec.Meta(max_length=80)]


class ChangesQuery(msgspec.Struct):
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 50
    who: Word = ""
    what: Word = ""
    target: Word = ""
    since: float | None = None
    until: float | None = None


class ExportChangesQuery(msgspec.Struct):
    who: Word = ""
    what: Word = ""
    target: Word = ""
    since: float | None = None
    until: float | None = None


async def _found(
    request: web.Request, query: ChangesQuery | ExportChangesQuery, *, before: int | None, limit: int
) -> Sequence[AuditRow]:
    return await request.app[DEPS].accounts.trail(
        before=before,
        limit=limit,
        who=query.who.strip(),
        what=acts_of(query.what) or tuple(part for part in query.what.split(",") if part),
        target=query.target.strip(),
        since=query.since,
        until=query.until,
    )


async def list_changes(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/changes: newest first; `what` names acts with commas between, or a group of them."""
    query = read_query(request, ChangesQuery)
    rows = await _found(request, query, before=query.before, limit=query.limit)
    told = [{**row_body(row), "returnable": returnable(row)} for row in rows]
    return answer({"changes": told, "more": len(rows) == query.limit, "groups": GROUPS})


def row_body(row: AuditRow) -> dict[str, object]:
    """Return a line of the trail with its act in words."""
    return {**msgspec.to_builtins(row), "title": act_title(row.what)}


class BackBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


async def back(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/changes/{change_id}/back: what one line of the trail changed is as it was before."""
    body = await read_body(request, BackBody)
    deps, number = request.app[DEPS], request.match_info["change_id"][:18]
    rows = await deps.accounts.trail(before=int(number) + 1, limit=1) if number.isdecimal() else ()
    row = next((one for one in rows if one.id == int(number)), None)
    if row is None:
        raise ApiError(404, "not_found", "没有这条变更记录")
    if not returnable(row):
        raise ApiError(409, "refused", "这项变更不能在这里恢复")
    await put_back(deps, row, by=person_of(request).login, reason=body.reason.strip())
    return answer({})


async def export_changes(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/changes/export: the same as CSV for spreadsheets, the newest 20,000 lines at most."""
    query = read_query(request, ExportChangesQuery)
    out = io.StringIO()
    out.write("\ufeff")  # spreadsheets take it for UTF-8 only with this mark
    lines = csv.writer(out)
    lines.writerow(("编号", "时间（秒）", "操作人", "操作", "对象", "原因", "内容"))
    before: int | None = None
    written = 0
    while written < EXPORT_MAX:
        rows = await _found(request, query, before=before, limit=PAGE_MAX)
        for row in rows:
            detail = msgspec.json.encode(row.detail).decode()
            cells = (
                row.id,
                f"{row.at:.0f}",
                row.who,
                act_title(row.what),
                row.target,
                row.detail.get("reason", ""),
                detail,
            )
            lines.writerow([_plain(str(cell)) for cell in cells])
        written += len(rows)
        if len(rows) < PAGE_MAX:
            break
        before = rows[-1].id
    await request.app[DEPS].accounts.note(
        person_of(request).login, "changes_exported", "audit", {"lines": written}
    )
    return web.Response(
        body=out.getvalue().encode(),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="changes.csv"'},
    )


def _plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
