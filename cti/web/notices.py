"""Notices to citizens over HTTP: what became of them, once more by hand, and what citizens answered."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from cti.casework.citizen_parts import CitizenParts
from cti.casework.notice_replies import KeptReply, ReplyOutcome
from cti.casework.notice_store import Notice, NoticeState
from cti.casework.notices import Notices
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import casework_of
from cti.web.guard import DEPS, person_of
from cti.web.orders import refusals, sight_of
from cti.web.veils import veil_of
from orders.errors import OrderError
from orders.fields import check_text
from orders.notices import number_of
from orders.privacy import masked_number
from orders.records import Sight

__all__ = ["again", "close", "list_notices", "list_replies", "reply", "reply_read"]

REASON_MAX = 80


class NoticesQuery(msgspec.Struct):
    state: NoticeState | None = None
    order_id: Annotated[str, msgspec.Meta(max_length=80)] = ""
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class ReplyBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a citizen answered."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]  # the gateway's, the same when sent again
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class RepliesQuery(msgspec.Struct):
    done: bool = False
    order_id: Annotated[str, msgspec.Meta(max_length=80)] = ""
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why, or what was done."""

    reason: Annotated[str, msgspec.Meta(max_length=200)]


def _citizens(request: web.Request) -> CitizenParts:
    citizens = casework_of(request).citizens
    if citizens is None:
        raise ApiError(404, "not_found", "本服务器未启用告知")
    return citizens


def _notices(request: web.Request) -> Notices:
    return _citizens(request).notices


async def list_notices(request: web.Request) -> web.StreamResponse:
    """GET /api/notices: newest first; `state=dead` are those that were given up."""
    query = read_query(request, NoticesQuery)
    notices = _notices(request)
    named = query.order_id.strip()
    order_id = (await _citizens(request).intake.store.order_numbered(named) or named) if named else ""
    page = await notices.store.list(
        query.state, order_id, page=query.page, size=query.size, sight=await sight_of(request)
    )
    health = await notices.store.health(request.app[DEPS].clock())
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "notices": [await _notice_line(request, one) for one in page.notices],
            "on": notices.on,
            "health": {
                **msgspec.to_builtins(health),
                "skipped": notices.skipped,
                "replies": await _citizens(request).replies.waiting(),
            },
        }
    )


async def again(request: web.Request) -> web.StreamResponse:
    """POST /api/notices/{notice_id}/again: try once more what was given up, with a reason."""
    return await _ruled(request, _notices(request).store.again, NoticeState.WAITING)


async def close(request: web.Request) -> web.StreamResponse:
    """POST /api/notices/{notice_id}/close: it is not sent any more, with a reason."""
    return await _ruled(request, _notices(request).store.close, NoticeState.CLOSED)


class Ruling(Protocol):
    """What a person decides about a notice (cti.casework.notice_store)."""

    def __call__(
        self, notice_id: str, /, *, by: str, reason: str, now: float, sight: Sight | None
    ) -> Awaitable[bool]: ...


async def _ruled(request: web.Request, ruling: Ruling, state: NoticeState) -> web.StreamResponse:
    notice_id = request.match_info["notice_id"][:200]
    body = await read_body(request, ReasonBody)
    reason = body.reason.strip()
    with refusals():
        check_text("reason", reason, 1, REASON_MAX)
    done = await ruling(
        notice_id, by=person_of(request).login, reason=reason, now=request.app[DEPS].clock(),
        sight=await sight_of(request),
    )  # fmt: skip
    if not done:
        raise ApiError(404, "not_found", "没有这条待发或未送达的告知")
    return answer({"notice_id": notice_id, "state": state.value})


async def reply(request: web.Request) -> web.StreamResponse:
    """POST /api/notices/replies: what a citizen answered rates the order of which they were told last."""
    body = await read_body(request, ReplyBody)
    with refusals():
        taken = await _citizens(request).replies.take(body.id, body.number, body.text)
    rated, kept = taken.outcome is ReplyOutcome.RATED, taken.outcome is ReplyOutcome.KEPT
    order_id = None if taken.order is None else taken.order.draft.order_id
    if order_id is not None:
        detail = {"reply": body.id}
        what = "rated_by_message" if rated else "reply_kept"
        await request.app[DEPS].accounts.note(person_of(request).login, what, order_id, detail)
    return answer(
        {"rated": rated, "kept": kept, "order_id": order_id, "why": taken.doubt.value if taken.doubt else ""}
    )


async def list_replies(request: web.Request) -> web.StreamResponse:
    """GET /api/notices/replies: what citizens wrote that is no rating, until a person has read it."""
    query = read_query(request, RepliesQuery)
    page = await _citizens(request).replies.list(
        done=query.done, order_id=query.order_id, page=query.page, size=query.size,
        sight=await sight_of(request),
    )  # fmt: skip
    words = await _citizens(request).replies.words([one.reply_key for one in page.replies])
    lines = [await _reply_line(request, one, words.get(one.reply_key, "")) for one in page.replies]
    return answer({"total": page.total, "page": page.page, "size": page.size, "replies": lines})


async def reply_read(request: web.Request) -> web.StreamResponse:
    """POST /api/notices/replies/{reply_key}/read: somebody read it; what they did about it."""
    body = await read_body(request, ReasonBody)
    with refusals():
        done = await _citizens(request).replies.read(
            request.match_info["reply_key"][:64], body.reason, by=person_of(request).login,
            sight=await sight_of(request),
        )  # fmt: skip
    if not done:
        raise ApiError(404, "not_found", "没有这条待处理的回复")
    return answer({"reply_key": request.match_info["reply_key"][:64]})


async def _notice_line(request: web.Request, notice: Notice) -> dict[str, object]:
    """One notice as the page shows it; who gets it only as a masked number."""
    number, order_number = "", ""
    try:
        order = await casework_of(request).store.get(notice.order_id)
    except OrderError:
        order = None
    if order is not None:
        number, order_number = number_of(order, notice.other), order.number
    return {
        **msgspec.to_builtins(notice),
        "order_number": order_number,
        "phone": masked_number(number) if number else "",
    }


async def _reply_line(request: web.Request, reply: KeptReply, words: str) -> dict[str, object]:
    """One reply as the page shows it; its words as far as the order's are open to who looks."""
    try:
        order = await casework_of(request).store.get(reply.order_id)
    except OrderError:
        return {**msgspec.to_builtins(reply), "order_number": "", "words": ""}
    return {
        **msgspec.to_builtins(reply),
        "order_number": order.number,
        "words": veil_of(order).text(words),
    }
