"""What waits for people at the telephones (待办) over HTTP: visits by hand, missed calls, and counts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from acd.phone_numbers import masked
from cti.casework.visit_work import ByHand
from cti.message_base import Role
from cti.missed_calls import MissedCalls
from cti.web.answers import answer, read_query
from cti.web.cases import case_body, casework_of
from cti.web.guard import DEPS, person_of
from cti.web.orders import refusals
from cti.web.secret_calls import secret_calls
from orders.answer_steps import WHY

__all__ = ["by_hand", "missed_calls", "visits_by_hand", "work_counts"]


class PageQuery(msgspec.Struct):
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


def by_hand(one: ByHand) -> dict[str, object]:
    """Return why a person asks, and when the order is closed without an answer."""
    return {"why": one.why.value, "why_title": WHY[one.why], "closes_at": one.closes_at}


async def visits_by_hand(request: web.Request) -> web.StreamResponse:
    """GET /api/visits/by-hand: answered orders whose citizen a person asks, what closes first first."""
    query, work = read_query(request, PageQuery), casework_of(request).visit_work
    with refusals():
        total, found = await work.page(person_of(request), page=query.page, size=query.size)
    rows = [{**await case_body(one.order, request), **by_hand(one)} for one in found]
    return answer({"total": total, "page": query.page, "size": query.size, "orders": rows})


async def missed_calls(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/missed: calls that nobody took and nobody calls back, newest first.

    Agents see numbers with their middle hidden, as in the list of call-backs.
    """
    query, deps = read_query(request, PageQuery), request.app[DEPS]
    found = await MissedCalls(deps.figures.engine).page(deps.clock(), page=query.page, size=query.size)
    secret = await secret_calls(request, [one.call_id for one in found.calls])
    agent = person_of(request).role is Role.AGENT
    rows = [
        {
            **msgspec.to_builtins(one),
            "caller": masked(one.caller) if agent or one.call_id in secret else one.caller,
        }
        for one in found.calls
    ]
    return answer({"total": found.total, "page": found.page, "size": found.size, "calls": rows})


async def work_counts(request: web.Request) -> web.StreamResponse:
    """GET /api/work/counts: how much waits, for the number in the navigation."""
    deps, person = request.app[DEPS], person_of(request)
    now = deps.clock()
    casework = deps.casework
    return answer(
        {
            "now": now,
            "callbacks": await deps.callback_store.waiting(now),
            "missed": await MissedCalls(deps.figures.engine).count(now),
            "visits": 0 if casework is None else await casework.visit_work.count(person),
        }
    )
