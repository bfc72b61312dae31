"""Alert rules and alerts over HTTP, for supervisors and administrators."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.alerts import AlertRule, RuleRefused
from cti.control.live_figures import LIVE, known_figure
from cti.figures.definitions import shown
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["acknowledge", "list_alerts", "list_rules", "put_rule", "remove_rule"]

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PageQuery(msgspec.Struct):
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class ReasonQuery(msgspec.Struct):
    reason: Reason


class RuleBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    rule: AlertRule
    reason: Reason  # why it is changed


async def list_alerts(request: web.Request) -> web.StreamResponse:
    """GET /api/alerts: newest first."""
    query = read_query(request, PageQuery)
    return answer(await request.app[DEPS].boards.alerts.history(page=query.page, size=query.size))


async def acknowledge(request: web.Request) -> web.StreamResponse:
    """POST /api/alerts/{alert_id}/acknowledge: take note; the first one stands."""
    boards = request.app[DEPS].boards
    view = await boards.alerts.acknowledge(request.match_info["alert_id"][:64], by=person_of(request).login)
    if view is None:
        raise ApiError(404, "not_found", "没有这条告警")
    await boards.renewed()
    return answer(view)


async def list_rules(request: web.Request) -> web.StreamResponse:
    """GET /api/alert-rules: every rule, and the figures that rules may look at."""
    deps = request.app[DEPS]
    boards = deps.boards
    live = [
        {
            "key": one.key,
            "title": one.title,
            "unit": one.unit,
            "formula": one.formula,
            "by_queue": one.by_queue,
            "by_district": one.by_district,
        }
        for one in LIVE.values()
    ]
    past = [
        {
            "key": f"{when}.{one.key}", "title": f"{title}{one.title}", "unit": one.unit.value,
            "formula": one.formula, "by_queue": when == "today",
            "by_district": False,
        }
        for when, title in (("today", "今日"), ("rolling", "24小时"))
        for one in shown(deps.figures.rules)
    ]  # fmt: skip
    queues = [{"queue": name, "title": title} for name, title in boards.queues()]
    return answer({"rules": await boards.alerts.rules(), "figures": [*live, *past], "queues": queues})


async def put_rule(request: web.Request) -> web.StreamResponse:
    """PUT /api/alert-rules/{key}: enter or replace a rule; counts within two seconds."""
    body = await read_body(request, RuleBody)
    boards = request.app[DEPS].boards
    if body.rule.key != request.match_info["key"]:
        raise ApiError(400, "invalid", "规则编号与地址不一致", field="key")
    if not known_figure(body.rule.figure, (name for name, _ in boards.queues())):
        raise ApiError(400, "invalid", "没有这项指标", field="figure")
    try:
        kept = await boards.alerts.put(body.rule, by=person_of(request).login, reason=body.reason.strip())
    except RuleRefused as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None
    await boards.renewed()
    return answer(kept)


async def remove_rule(request: web.Request) -> web.StreamResponse:
    """DELETE /api/alert-rules/{key}?reason=…"""
    query = read_query(request, ReasonQuery)
    boards = request.app[DEPS].boards
    gone = await boards.alerts.remove(
        request.match_info["key"][:40], by=person_of(request).login, reason=query.reason.strip()
    )
    if not gone:
        raise ApiError(404, "not_found", "没有这条规则")
    await boards.renewed()
    return web.Response(status=204)
