"""Units' inboxes over HTTP: what a unit has to do, first what is over first, and how much of it."""

from __future__ import annotations

import datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web

from cti.messages import Role
from cti.web.answers import ApiError, answer, read_query
from cti.web.cases import casework_of
from cti.web.guard import DEPS, person_of
from cti.web.orders import order_body, refusals, sight_of
from cti.web.veils import veil_of
from orders.course_units import UnitRole
from orders.unit_inbox import APPEALED, TO_SIGN, WORKING, InboxEntry, InboxFilter

__all__ = ["InboxQuery", "inbox", "inbox_counts"]

CHINA = ZoneInfo("Asia/Shanghai")


class Stage(StrEnum):
    """How far the unit is with its part."""

    TO_SIGN = "to_sign"  # 待签收
    WORKING = "working"  # 办理中
    APPEALED = "appealed"  # 申诉中: nothing to do until the appeal is ruled


STAGES = {Stage.TO_SIGN: TO_SIGN, Stage.WORKING: WORKING, Stage.APPEALED: APPEALED}


class InboxQuery(msgspec.Struct):
    unit: Annotated[str, msgspec.Meta(max_length=100)] = ""  # one's own, or one below; the centre names one
    open: bool = True  # something is (or, false, nothing is) to be done
    all: bool = False  # everything, whatever `open` says
    stage: Stage | None = None
    role: UnitRole | None = None
    late: bool = False
    near: bool = False  # nearly over, or over
    in_time: bool = False  # not over
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class CountsQuery(msgspec.Struct):
    unit: Annotated[str, msgspec.Meta(max_length=100)] = ""  # as above


async def _unit_named(request: web.Request, wanted: str) -> str:
    """The unit whose inbox is meant: one's own by default, for the centre the one it names."""
    person = person_of(request)
    if person.role is Role.UNIT:
        unit = wanted or person.unit
        if unit not in await casework_of(request).sights.units_of(person):
            raise ApiError(403, "forbidden", "不能查看其他单位的收件箱")
        return unit
    if not wanted:
        raise ApiError(400, "invalid", "请选择承办单位", field="unit")
    return wanted


def _entry_body(entry: InboxEntry) -> dict[str, object]:
    return {
        **order_body(entry.order),
        "course": veil_of(entry.order).tree(msgspec.to_builtins(entry.order.draft.course)),
        "part": {
            "role": entry.role.value,
            "state": entry.state,
            "since": entry.since,
            "open": entry.open,
            "due": entry.due,
            "near_at": entry.near_at,
        },
    }


async def inbox(request: web.Request) -> web.StreamResponse:
    """GET /api/inbox: what a unit has to do, first what is over first."""
    query = read_query(request, InboxQuery)
    now = request.app[DEPS].clock()
    which = InboxFilter(
        unit=await _unit_named(request, query.unit),
        open=None if query.all or query.stage is Stage.APPEALED else query.open,
        role=query.role,
        states=() if query.stage is None else STAGES[query.stage],
        due_before=now if query.late else None,
        due_after=now if query.in_time else None,
        near_before=now if query.near else None,
        sight=await sight_of(request),
        page=query.page,
        size=query.size,
    )
    with refusals():
        page = await casework_of(request).inbox.page(which)
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "unreadable": page.unreadable,
            "orders": list(map(_entry_body, page.entries)),
        }
    )


async def inbox_counts(request: web.Request) -> web.StreamResponse:
    """GET /api/inbox/counts: how much lies where, and what was closed this month."""
    unit = await _unit_named(request, read_query(request, CountsQuery).unit)
    now, sight = request.app[DEPS].clock(), await sight_of(request)
    with refusals():
        found = await casework_of(request).inbox.figures(unit, now, _month(now), sight=sight)
    return answer({"unit": unit, **msgspec.to_builtins(found)})


def _month(now: float) -> float:
    """When the month began in China, epoch seconds."""
    day = datetime.datetime.fromtimestamp(now, CHINA)
    return day.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
