"""Time limits, the working calendar and supervision over HTTP."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Annotated

import msgspec
from aiohttp import web

from cti.casework.clock_answers import explained, notes_until
from cti.web.admin import keeper_of
from cti.web.admin_rights import may_edit
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import casework_of
from cti.web.guard import DEPS, person_of
from cti.web.orders import order_body, refusals
from cti.web.veils import veil_of
from orders.clock_rules import Facts
from orders.clock_words import explain
from orders.course_messages import Supervision
from orders.records import Order
from orders.supervision_file import explain as explain_supervision
from orders.watchlist import WatchView

__all__ = ["clocks", "explain_clocks", "supervised"]

Text = Annotated[str, msgspec.Meta(max_length=100)]
KINDS = ("clocks", "workdays", "supervision", "answers")


class ExplainBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    type: Text = ""
    category: Text = ""
    urgency: Text = ""
    unit: Text = ""
    channel: Text = ""
    redo: bool = False
    at: Annotated[float, msgspec.Meta(ge=0, le=7_258_118_400)] | None = None  # None: now


class SupervisedQuery(msgspec.Struct):
    view: WatchView = WatchView.SUPERVISED
    level: Supervision | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=500)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


async def clocks(request: web.Request) -> web.StreamResponse:
    """GET /api/clocks: the rules in force in sentences, and the working calendar as a document."""
    casework, person = casework_of(request), person_of(request)
    rules = casework.policy.rules
    documents, newest, _ = await keeper_of(request).in_force()
    now = request.app[DEPS].clock()
    today = datetime.datetime.fromtimestamp(math.floor(now), rules.keeper.days.zone).date()
    return answer(
        {
            "clocks": [
                {
                    "id": rule.rule_id,
                    "title": rule.title,
                    "in_force": rule.in_force(today),
                    "text": explain(rule),
                }
                for rule in rules.keeper.rules.rules
            ],
            "supervision": [
                {
                    "id": rule.rule_id,
                    "title": rule.title,
                    "in_force": rule.since <= today <= rule.until,
                    "text": explain_supervision(rule),
                }
                for rule in rules.supervision.rules
            ],
            "workdays": documents["workdays"],
            "editions": {kind: newest[kind].number if kind in newest else 0 for kind in KINDS},
            "editable": [kind for kind in KINDS if may_edit(person.role, kind)],
            "notes": [note.shown for note in casework.shelf.notes],
            "refused": casework.shelf.problem,
        }
    )


async def explain_clocks(request: web.Request) -> web.StreamResponse:
    """POST /api/clocks/explain: which limits such an order would have, by which rule, and until when."""
    keeper = casework_of(request).policy.rules.keeper
    body = await read_body(request, ExplainBody)
    at = request.app[DEPS].clock() if body.at is None else body.at
    facts = Facts(
        type=body.type, category=body.category, urgency=body.urgency, unit=body.unit,
        channel=body.channel, redo=body.redo,
    )  # fmt: skip
    with refusals():
        limits = explained(keeper, facts, at)
        notes = notes_until(keeper, limits, at)
    return answer({"at": at, "limits": [msgspec.to_builtins(one) for one in limits], "notes": notes})


async def supervised(request: web.Request) -> web.StreamResponse:
    """GET /api/supervision: orders under supervision, late or nearly late, what is over first comes first."""
    casework, deps = casework_of(request), request.app[DEPS]
    query = read_query(request, SupervisedQuery)
    if query.level is Supervision.NONE:
        raise ApiError(400, "invalid", "请选择督办级别", field="level")
    now, sight = deps.clock(), await casework.sights.of(person_of(request))
    with refusals():
        page = await casework.watchlist.page(
            query.view, now=now, sight=sight, level=query.level, page=query.page, size=query.size
        )
        counts = await casework.watchlist.counts(now=now, sight=sight)
    return answer(
        {
            "total": page.total,
            "page": query.page,
            "size": query.size,
            "unreadable": page.unreadable,
            "orders": [_body(order) for order in page.orders],
            "counts": {"levels": counts.levels, "late": counts.late, "near": counts.near},
            "at": now,
        }
    )


def _body(order: Order) -> Mapping[str, object]:
    course = veil_of(order).tree(msgspec.to_builtins(order.draft.course))
    return {**order_body(order), "course": course}
