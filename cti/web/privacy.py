"""Personal data in plain words, with a reason; and who looked at which order, for those who check it."""

from __future__ import annotations

import csv
import datetime
import io
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web

from cti.casework.accesses import PAGE_MAX, Access, AccessFilter, Act, TooManyUnmaskings
from cti.reports.csvfile import harmless
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import casework_of, covered_lines
from cti.web.guard import person_of
from cti.web.orders import order_named, refusals, sight_of
from cti.web.veils import veil_of, viewer
from orders.course_titles import EVENTS
from orders.errors import ChainBroken
from orders.privacy import Datum, may_unmask
from orders.records import Order, RecordedEvent
from orders.trail import said
from orders.veils import Veil, plain_values, with_words

__all__ = ["accesses", "accesses_of", "chain_of", "export_accesses", "unmask"]

CHINA = ZoneInfo("Asia/Shanghai")
EXPORT_MOST = 20_000
Text = Annotated[str, msgspec.Meta(max_length=100)]

ACTS = {
    Act.OPENED: "查阅", Act.UNMASKED: "查看完整信息", Act.LISTENED: "收听录音", Act.EXPORTED: "导出",
    Act.DOWNLOADED: "下载",
}  # fmt: skip
DATA = {
    Datum.CALLER: "来电号码", Datum.PHONE: "联系电话", Datum.CONTACT: "联系人", Datum.DETAIL: "详细地址",
    Datum.WORDS: "文字中的号码和姓名", Datum.RECORDING: "通话录音", Datum.FILES: "附件",
}  # fmt: skip
HEADING = ("时间", "工号", "姓名", "角色", "动作", "工单编号", "内容", "原因", "水印编号")


class UnmaskBody(msgspec.Struct, forbid_unknown_fields=True):
    fields: Annotated[tuple[Datum, ...], msgspec.Meta(min_length=1, max_length=len(Datum))]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AccessQuery(msgspec.Struct):
    order_id: Annotated[str, msgspec.Meta(max_length=80)] = ""
    number: Annotated[str, msgspec.Meta(max_length=30)] = ""  # 工单编号 begins like this
    who: Text = ""  # login
    act: Act | None = None
    serial: Annotated[str, msgspec.Meta(max_length=24)] = ""  # on a watermark
    since: float | None = None
    until: float | None = None
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 50

    def filter(self) -> AccessFilter:
        """Return what is asked for."""
        return AccessFilter(
            order_id=self.order_id,
            number=self.number.strip(),
            who=self.who.strip(),
            acts=() if self.act is None else (self.act,),
            serial=self.serial.strip(),
            since=self.since,
            until=self.until,
            before=self.before,
            limit=self.limit,
        )


class OneQuery(msgspec.Struct):
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 50


async def unmask(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/unmask: some of what is covered, in plain words; kept with the reason.

    Raises ApiError: 404 it is not theirs to see, 403 it is not theirs to unmask, 400 there is no reason, 429
    too often within an hour.
    """
    body, person, casework = await read_body(request, UnmaskBody), person_of(request), casework_of(request)
    reason = body.reason.strip()
    if len(reason) < 2:
        raise ApiError(400, "invalid", "请填写查看原因（至少 2 个字）", field="reason")
    with refusals():
        order = await casework.desk.get(request.match_info["order_id"][:80], person)
        history = await casework.store.events(order.draft.order_id)
    veil = veil_of(order)
    lines = covered_lines(history, veil)
    if lines:
        veil = with_words(veil, viewer())
    wanted = tuple(name.value for name in Datum if name in body.fields)
    if not set(wanted) <= {*veil.masked, *await _covered_files(request, order, veil)}:
        raise ApiError(400, "invalid", "这些内容没有隐藏，或工单中没有", field="fields")
    if not may_unmask(veil.rule, viewer()):
        raise ApiError(403, "forbidden", "您没有查看这张工单完整信息的权限")
    try:
        await casework.accesses.unmask(
            person,
            wanted,
            order_id=order.draft.order_id,
            number=order.number,
            reason=reason,
            per_hour=casework.privacy.per_hour,
        )
    except TooManyUnmaskings as error:
        raise ApiError(429, "too_many", error.shown) from None
    told = plain_values(order, wanted)
    if Datum.WORDS.value in wanted:
        told[Datum.WORDS.value] |= {"lines": [_line(one) for one in lines]}
    return answer({"fields": told})


async def _covered_files(request: web.Request, order: Order, veil: Veil) -> tuple[str, ...]:
    """`files` where there are some and they are covered."""
    citizens = casework_of(request).citizens
    if veil.files or citizens is None or not await citizens.attachments.of_order(order.draft.order_id):
        return ()
    return (Datum.FILES.value,)


def _line(one: RecordedEvent) -> dict[str, object]:
    """A line of the trail in plain words."""
    name = type(one.event).__name__
    return {"seq": one.seq, "at": one.at, "title": EVENTS.get(name, name), "text": said(one.event)}


async def accesses_of(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/accesses: who looked at this order, newest first."""
    query, casework = read_query(request, OneQuery), casework_of(request)
    with refusals():
        order = await casework.desk.get(request.match_info["order_id"][:80], person_of(request))
    which = AccessFilter(order_id=order.draft.order_id, before=query.before, limit=query.limit)
    return answer({"accesses": await casework.accesses.list(which)})


async def accesses(request: web.Request) -> web.StreamResponse:
    """GET /api/accesses: the log, newest first; `before` pages on."""
    query, sight = read_query(request, AccessQuery), await sight_of(request)
    return answer({"accesses": await casework_of(request).accesses.list(query.filter(), sight=sight)})


async def export_accesses(request: web.Request) -> web.StreamResponse:
    """GET /api/accesses/export: the same as CSV, at most 20,000 lines, marked with who took it."""
    which, casework = read_query(request, AccessQuery).filter(), casework_of(request)
    rows: list[Access] = []
    before, sight = which.before, await sight_of(request)
    while len(rows) < EXPORT_MOST:
        page = msgspec.structs.replace(which, before=before, limit=PAGE_MAX)
        found = await casework.accesses.list(page, sight=sight)
        rows += found
        if len(found) < PAGE_MAX:
            break
        before = found[-1].id
    mark = await casework.watermarks.issue(
        person_of(request), "accesses", detail={"lines": len(rows), **_said(which)}
    )
    file = io.StringIO()
    lines = csv.writer(file)
    lines.writerow((mark.line,))
    lines.writerow(HEADING)
    lines.writerows(map(_row, rows))
    return web.Response(
        body=b"\xef\xbb\xbf" + file.getvalue().encode(),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="accesses-{mark.serial}.csv"',
        },
    )


async def chain_of(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/chain: whether this order's trail is whole; `seq` names the first break."""
    casework = casework_of(request)
    order_id = (await order_named(request)).draft.order_id
    with refusals():
        try:
            events = await casework.store.events(order_id)
        except ChainBroken as error:
            return answer({"order_id": order_id, "whole": False, "seq": error.seq})
    return answer(
        {
            "order_id": order_id,
            "whole": True,
            "events": len(events),
            "hash": events[-1].hash if events else "",
        }
    )


def _said(which: AccessFilter) -> dict[str, object]:
    """The filter, as the log keeps it."""
    told = msgspec.to_builtins(which)
    return {key: told[key] for key in ("number", "who", "acts", "serial", "since", "until") if told[key]}


def _row(line: Access) -> tuple[str, ...]:
    at = datetime.datetime.fromtimestamp(line.at, CHINA)
    what = "、".join(DATA[Datum(name)] for name in line.fields) or str(line.detail.get("kind", ""))
    return (
        f"{at:%Y-%m-%d %H:%M:%S}", line.who, line.name, line.role, ACTS[line.act],
        line.number or line.order_id, what, harmless(line.reason), line.serial,
    )  # fmt: skip
