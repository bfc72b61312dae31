"""The four documents of an order (四单) over HTTP: which there are, one of them, and it as PDF."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec
from aiohttp import web

from cti.casework.document_pdf import Mark
from cti.casework.documents import Document, covered, documents_of
from cti.reports.specs import ReportRefused
from cti.web.answers import ApiError, answer
from cti.web.cases import casework_of
from cti.web.guard import DEPS, person_of
from cti.web.names import naming_of
from cti.web.opened import note_opened
from cti.web.orders import order_body, refusals
from cti.web.veils import veil_of
from orders.records import Order

__all__ = ["document_file", "list_documents", "one_document"]


def _shown(order: Order) -> Mapping[str, str]:
    """The values of the order's fields as the reader may see them."""
    fields = msgspec.convert(order_body(order)["fields"], dict[str, dict[str, object]])
    return {name: str(field["value"]) for name, field in fields.items()}


async def _documents(request: web.Request) -> tuple[Document, ...]:
    """The documents of the order that the address names. Raises ApiError 404, also when it is not theirs."""
    casework = casework_of(request)
    with refusals():
        order = await casework.desk.get(request.match_info["order_id"][:80], person_of(request))
        events = await casework.store.events(order.draft.order_id)
        naming = await naming_of(request)
        found = documents_of(order, events, _shown(order), who=naming.of)
    await note_opened(request, order)
    cover = veil_of(order).text
    return tuple(covered(one, cover) for one in found)


async def _one(request: web.Request) -> Document:
    kind, n = request.match_info["kind"], request.match_info["n"]
    for document in await _documents(request):
        if document.kind.value == kind and str(document.n) == n:
            return document
    raise ApiError(404, "not_found", "这张工单没有这份单据")


async def list_documents(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/documents: which there are, oldest first, without what they say."""
    documents = [
        {
            "kind": one.kind,
            "n": one.n,
            "title": one.title,
            "serial": one.serial,
            "at": one.at,
            "by": one.by,
            "to": one.to,
        }
        for one in await _documents(request)
    ]
    return answer({"documents": documents})


async def one_document(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/documents/{kind}/{n}: the whole of one."""
    return answer(await _one(request))


async def document_file(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/documents/{kind}/{n}.pdf: on paper, marked with who took it and when."""
    document = await _one(request)
    mark = await casework_of(request).watermarks.issue(
        person_of(request),
        "document",
        order_id=document.order_id,
        number=document.number,
        detail={"document": document.serial},
    )
    told = msgspec.json.encode(Mark(short=mark.short, line=mark.line))
    try:
        content = await request.app[DEPS].reports.room.document(msgspec.json.encode(document), told)
    except ReportRefused as error:
        raise ApiError(503, "report_failed", error.shown) from None
    name = quote(f"{document.serial}.pdf", safe="")
    plain = f"{document.kind.value}-{document.number}-{document.n}.pdf"
    return web.Response(
        body=content,
        headers={
            "Content-Type": "application/pdf",
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{name}",
        },
    )
