"""Orders out of the database into files, and in from files (导入导出), as far as one's role goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from cti.casework.transfers import Transfer, TransferRefused, Transferring, Transfers
from cti.message_base import Role
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import casework_of
from cti.web.guard import DEPS, person_of
from cti.web.orders import sight_of
from orders.course_messages import CourseState
from orders.errors import OrderError
from orders.messages import Channel, OrderState
from orders.records import OrderFilter

__all__ = ["begin_export", "begin_import", "one_transfer", "transfer_file"]

PIECE = 65_536
Text = Annotated[str, msgspec.Meta(max_length=100)]
OPEN_TO = frozenset({Role.SUPERVISOR, Role.ADMIN})
"""Who takes personal data out."""
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ExportBody(msgspec.Struct, forbid_unknown_fields=True):
    form: Literal["csv", "xlsx", "jsonl"]
    state: OrderState | None = None
    course: Annotated[tuple[CourseState, ...], msgspec.Meta(max_length=len(CourseState))] = ()
    channel: Channel | None = None
    lead: Text = ""
    category: Text = ""
    district: Text = ""
    text: Text = ""
    since: float | None = None
    until: float | None = None
    personal: bool = False
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ImportQuery(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    dry_run: bool = False


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except Transferring as error:
        raise ApiError(409, "busy", error.shown) from None
    except TransferRefused as error:
        raise ApiError(400, "invalid", error.shown, field="file") from None
    except OrderError as error:
        raise ApiError(400, "invalid", error.shown) from None


def _transfers(request: web.Request) -> Transfers:
    return casework_of(request).transfers


def _named(request: web.Request) -> Transfer:
    run = _transfers(request).get(request.match_info["transfer_id"], person_of(request))
    if run is None:
        raise ApiError(404, "not_found", "没有这次导入或导出，或已超过一小时")
    return run


async def begin_export(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/transfers/export: begin to write a file, personal data covered or, asked for, open.

    Raises ApiError: 403 personal data is not theirs to take out, 400 there is no reason, 409 another runs.
    """
    body, person = await read_body(request, ExportBody), person_of(request)
    reason = body.reason.strip()
    if body.personal and person.role not in OPEN_TO:
        raise ApiError(403, "forbidden", "您没有导出个人信息的权限", field="personal")
    if body.personal and len(reason) < 2:
        raise ApiError(400, "invalid", "请填写导出个人信息的原因（至少 2 个字）", field="reason")
    which = OrderFilter(
        state=body.state,
        course=body.course,
        channel=body.channel,
        lead=body.lead,
        category=body.category,
        district=body.district,
        text=body.text.strip(),
        since=body.since,
        until=body.until,
        sight=await sight_of(request),
    )
    with _refusals():
        run = await _transfers(request).export(
            person, which, body.form, personal=body.personal, reason=reason if body.personal else ""
        )
    return answer(run, status=202)


async def begin_import(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/transfers/import: the body is the file; `dry_run`: only to check. 409: one runs."""
    query = read_query(request, ImportQuery)
    with _refusals():
        run = await _transfers(request).bring(
            person_of(request), query.name, request.content.iter_chunked(PIECE), dry_run=query.dry_run
        )
    return answer(run, status=202)


async def one_transfer(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/transfers/{transfer_id}: how far it is, and what came of it."""
    return answer(_named(request))


async def transfer_file(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/transfers/{transfer_id}/file: what an export wrote; 409 while it is under way."""
    run, person = _named(request), person_of(request)
    if run.personal and person.role not in OPEN_TO:
        raise ApiError(403, "forbidden", "您没有导出个人信息的权限")
    file = _transfers(request).file_of(run)
    if file is None or not file.is_file():
        raise ApiError(409, "refused", "文件还没有写好，或这次不是导出")
    await request.app[DEPS].accounts.note(
        person.login, "orders_file_downloaded", run.serial, {"by": run.by, "personal": run.personal}
    )
    return web.FileResponse(
        file,
        headers={
            "Content-Type": MEDIA_TYPES[run.form],
            "Content-Disposition": f'attachment; filename="{run.file}"',
            "Cache-Control": "no-store",
        },
    )
