"""Files of orders over HTTP (附件): whoever sees the order sees them, whoever works on it adds some."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import quote

import msgspec
from aiohttp import BodyPartReader, web

from cti.casework.attachments import Attachment, AttachmentRefused, Attachments
from cti.message_base import Role
from cti.web.answers import ApiError, answer, read_body
from cti.web.cases import casework_of
from cti.web.guard import DEPS, person_of
from cti.web.opened import note_opened
from cti.web.orders import order_named
from cti.web.veils import veil_of, viewer
from orders.errors import OrderError
from orders.file_types import MEDIA_TYPES
from orders.privacy import Datum, may_unmask
from orders.records import Order

__all__ = [
    "add", "add_before", "attachment_body", "file_of", "files_of", "list_files", "read_upload",
    "refused_files", "remove",
]  # fmt: skip

PIECE = 65_536
FIELD_MAX = 200


class RemoveBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


def files_of(request: web.Request) -> Attachments:
    """Return who keeps files. Raises ApiError 404 on a server without them."""
    citizens = casework_of(request).citizens
    if citizens is None:
        raise ApiError(404, "not_found", "本服务器未启用附件")
    return citizens.attachments


def attachment_body(kept: Attachment) -> dict[str, object]:
    """Return what is told of a file."""
    return {
        "attachment_id": kept.attachment_id,
        "name": kept.name,
        "kind": kept.kind,
        "media_type": MEDIA_TYPES[kept.kind],
        "size": kept.size,
        "digest": kept.digest,
        "who": kept.who,
        "at": kept.at,
        "state": kept.state.value,
        "scanned_at": kept.scanned_at,
    }


@contextmanager
def refused_files() -> Iterator[None]:
    """Answer what is refused of files."""
    try:
        yield
    except AttachmentRefused as error:
        raise ApiError(409, "refused", error.shown, field="file") from None
    except OrderError as error:
        raise ApiError(400, "invalid", error.shown) from None


async def read_upload(
    request: web.Request, fields: frozenset[str]
) -> tuple[dict[str, str], str, AsyncIterator[bytes]]:
    """Return the short fields of a form, and name and content of its file, which comes last.

    Raises:
        ApiError: it is no form with a file, or a field is too long or not known.
    """
    if request.content_type != "multipart/form-data":
        raise ApiError(415, "not_json", "请以 multipart/form-data 上传文件")
    given: dict[str, str] = {}
    try:
        parts = await request.multipart()
        while (part := await parts.next()) is not None:
            if not isinstance(part, BodyPartReader):
                break
            if part.name == "file":
                return given, part.filename or "", _pieces(part)
            if part.name not in fields or part.name in given:
                raise ApiError(400, "invalid", "上传的内容有误", field=(part.name or "")[:64])
            value = await part.read_chunk(FIELD_MAX + 1)
            if len(value) > FIELD_MAX:
                raise ApiError(400, "invalid", "上传的内容过长", field=part.name)
            given[part.name] = value.decode()
    except (ValueError, AssertionError):  # no form: aiohttp asserts some of it
        raise ApiError(400, "invalid", "上传的内容不完整") from None
    raise ApiError(400, "invalid", "请选择要上传的文件", field="file")


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PIECE):
        yield piece


async def list_files(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/attachments: an order's files, oldest first."""
    order = await order_named(request)
    await note_opened(request, order)
    kept = await files_of(request).of_order(order.draft.order_id)
    closed, veil = await _closed(request, order, kept), veil_of(order)
    shown = [
        attachment_body(one) | {"name": veil.text(one.name), "open": one.attachment_id not in closed}
        for one in kept
    ]
    return answer({"attachments": shown, "may_unmask": bool(closed) and may_unmask(veil.rule, viewer())})


async def add(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/attachments: one file, as the part `file` of a form."""
    order = await order_named(request)
    _, name, pieces = await read_upload(request, frozenset())
    with refused_files():
        kept = await files_of(request).put(order.draft.order_id, name, pieces, who=person_of(request).login)
    return answer(attachment_body(kept), status=201)


async def add_before(request: web.Request) -> web.StreamResponse:
    """POST /api/attachments: one file whose order is made afterwards (`attachments` of POST /api/orders)."""
    _, name, pieces = await read_upload(request, frozenset())
    with refused_files():
        kept = await files_of(request).put_waiting(name, pieces, who=person_of(request).login)
    return answer(attachment_body(kept), status=201)


async def remove(request: web.Request) -> web.StreamResponse:
    """DELETE /api/orders/{order_id}/attachments/{attachment_id}: with a reason that the trail keeps."""
    order, person = await order_named(request), person_of(request)
    body = await read_body(request, RemoveBody)
    attachment_id = request.match_info["attachment_id"][:32]
    with refused_files():
        await files_of(request).remove(
            order.draft.order_id, attachment_id, by=person.login, reason=body.reason
        )
    return answer({})


async def file_of(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/attachments/{attachment_id}: the file, to be kept and not shown in place."""
    order = await order_named(request)
    order_id = order.draft.order_id
    with refused_files():
        kept, path = await files_of(request).open(order_id, request.match_info["attachment_id"][:32])
    if await _closed(request, order, [kept]):
        raise ApiError(403, "masked", "附件可能含有市民身份信息，请先填写原因查看；没有该项时您无权查看")
    if not path.is_file():
        raise ApiError(404, "not_found", "附件不在本服务器上，请联系管理员检查附件目录")
    detail = {"attachment": kept.attachment_id}
    await note_opened(request, order)
    await request.app[DEPS].accounts.note(person_of(request).login, "attachment_read", order_id, detail)
    return web.FileResponse(path, headers=download_headers(kept))


def download_headers(kept: Attachment) -> dict[str, str]:
    """Return headers by which no browser runs or shows the file in place."""
    return {
        "Content-Type": MEDIA_TYPES[kept.kind],
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(kept.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


async def _closed(request: web.Request, order: Order, files: Sequence[Attachment]) -> frozenset[str]:
    """Ids of files that are covered for whoever asks, and were not opened with a reason a short time ago.

    Not covered are one's own, and those that people of units add: these tell what was done.
    """
    if veil_of(order).files:
        return frozenset()
    casework, person = casework_of(request), person_of(request)
    given = await casework.accesses.unmasked(person.login, order.draft.order_id, casework.privacy.open_s)
    if Datum.FILES.value in given:
        return frozenset()
    units = {one.login for one in await request.app[DEPS].accounts.list() if one.role is Role.UNIT}
    return frozenset(one.attachment_id for one in files if one.who not in {*units, person.login})
