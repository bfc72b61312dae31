"""The citizens' page: open to everybody, so everything here is small, bounded and about one guest only."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from acd.messages import Media
from cti.ami import AmiError
from cti.control.citizen_desk import CitizenDesk
from cti.control.citizen_guests import GuestsRefused
from cti.control.citizen_phone import GuestAccount
from cti.web.answers import ApiError, answer, read_body
from cti.web.guard import DEPS, check_origin, client_address

__all__ = ["about", "begin", "citizen_of"]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows first."""

    media: tuple[str, ...]  # ways that are open: voice, video, text
    notice: str  # what the citizen agrees to
    verifies: bool  # a number can be proven with a code
    form: bool = False  # matters may be written, and asked for


class Begin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A citizen begins."""

    media: Media
    consent: bool  # agreed that the call is recorded, or what is written kept
    contact: Annotated[str, msgspec.Meta(max_length=24)] = ""  # number to be reached at, as they give it
    number: Annotated[str, msgspec.Meta(max_length=24)] = ""  # number to be proven
    code: Annotated[str, msgspec.Meta(max_length=12)] = ""  # with number
    text_only: bool = False  # asks to be contacted by text only


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs from now on."""

    token: str  # its only proof; good for one call
    media: str
    phone: GuestAccount | None = None  # with voice and video


def citizen_of(request: web.Request) -> CitizenDesk:
    """Return the citizens' desk. Raises ApiError 404 when the page is switched off."""
    desk = request.app[DEPS].citizen.desk
    if desk is None:
        raise ApiError(404, "not_open", "网上服务暂未开放，请拨打 12345")
    return desk


async def about(request: web.Request) -> web.Response:
    """GET /api/citizen: which ways are open, and what is to be agreed to."""
    access, casework = request.app[DEPS].citizen, request.app[DEPS].casework
    citizens = None if casework is None else casework.citizens
    form = citizens is not None and citizens.form
    if not form:
        citizen_of(request)
    open_now = tuple(one.value for one in Media if one in access.media)
    return answer(
        About(
            media=open_now,
            notice=access.notice or ("" if citizens is None else citizens.notice),
            verifies=access.verifies,
            form=form,
        )
    )


async def begin(request: web.Request) -> web.Response:
    """POST /api/citizen/session: let a citizen in for one call."""
    desk, deps = citizen_of(request), request.app[DEPS]
    check_origin(request, needed=True)
    asked = await read_body(request, Begin)
    if not asked.consent:
        raise ApiError(400, "consent_missing", "请先阅读并同意服务须知", field="consent")
    if asked.media not in deps.citizen.media:
        raise ApiError(403, "not_open", "这种方式暂未开放，请选择其他方式或拨打 12345", field="media")
    if not deps.accepting():
        raise ApiError(503, "restarting", "系统正在重启，请稍后再试")
    try:
        admitted = await desk.admit(
            media=asked.media, address=client_address(request), contact=asked.contact.strip(),
            number=asked.number.strip(), code=asked.code.strip(), text_only=asked.text_only,
        )  # fmt: skip
    except GuestsRefused as refused:
        status = 429 if refused.wait_s else 400
        raise ApiError(status, "refused", str(refused)) from None
    except AmiError:
        raise ApiError(503, "no_telephone", "语音和视频暂时不可用，请改用文字交流或拨打 12345") from None
    return answer(Begun(token=admitted.token, media=asked.media.value, phone=admitted.phone), status=201)
