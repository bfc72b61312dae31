"""The clerk's dispatch desk (派单台) over HTTP: queues, suggestions, many at once, samples, figures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import msgspec
from aiohttp import web

from cti.casework.dispatch import Done, Wish
from cti.casework.moves import MoveForbidden
from cti.casework.unit_book import rule_text
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import case_body, casework_of
from cti.web.covered import covers_of, hidden
from cti.web.guard import DEPS, person_of
from cti.web.orders import refusals
from cti.web.veils import veil_of
from cti.web.work import by_hand
from orders.course_messages import JointRule
from orders.dispatch_figures import DEFINITIONS, figures
from orders.dispatch_queues import ClerkQueue
from orders.dispatch_store import Sample, Verdict
from orders.errors import OrderError, UnknownOrder

__all__ = [
    "batch",
    "counts",
    "dispatch_figures",
    "judge",
    "policy",
    "queue",
    "samples",
    "suggest",
    "suggestions",
]

BATCH_MOST = 100
SUGGEST_MOST = 50
DAY_S = 86_400.0

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Text = Annotated[str, msgspec.Meta(max_length=100)]
PageNumber = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Size = Annotated[int, msgspec.Meta(ge=1, le=100)]


class QueueQuery(msgspec.Struct):
    queue: ClerkQueue = ClerkQueue.TO_DISPATCH
    page: PageNumber = 1
    size: Size = 50


class SuggestBody(msgspec.Struct, forbid_unknown_fields=True):
    orders: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=SUGGEST_MOST)]


class WishBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    order_id: Id
    version: Annotated[int, msgspec.Meta(ge=0)]
    lead: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    source: Text = "clerk"
    joint: Annotated[tuple[Text, ...], msgspec.Meta(max_length=20)] = ()
    joint_rule: JointRule = JointRule.FREE
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class BatchBody(msgspec.Struct, forbid_unknown_fields=True):
    orders: Annotated[tuple[WishBody, ...], msgspec.Meta(min_length=1, max_length=BATCH_MOST)]


class SamplesQuery(msgspec.Struct):
    judged: bool = False
    page: PageNumber = 1
    size: Size = 50


class VerdictBody(msgspec.Struct, forbid_unknown_fields=True):
    verdict: Verdict
    should: Text = ""  # wrong: whose it is
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class FiguresQuery(msgspec.Struct):
    since: float | None = None  # epoch seconds; 30 days ago
    until: float | None = None  # now


async def counts(request: web.Request) -> web.StreamResponse:
    """GET /api/dispatch/counts: how much waits in each queue, near and late."""
    found = await casework_of(request).dispatch.desk.counts(person_of(request))
    return answer({"now": request.app[DEPS].clock(), "queues": found})


async def queue(request: web.Request) -> web.StreamResponse:
    """GET /api/dispatch/queue: one page of a queue, urgent orders first, then what is over first."""
    query, desk = read_query(request, QueueQuery), casework_of(request).dispatch.desk
    with refusals():
        page = await desk.page(query.queue, person_of(request), page=query.page, size=query.size)
        gone = await desk.gone(page.orders)
    rows = [await case_body(order, request) for order in page.orders]
    if query.queue is ClerkQueue.TO_VISIT:
        told = {
            one.order.draft.order_id: one for one in await casework_of(request).visit_work.told(page.orders)
        }
        rows = [
            {**row, **by_hand(told[order.draft.order_id])}
            for row, order in zip(rows, page.orders, strict=True)
        ]
    return answer(
        {
            "total": page.total,
            "page": query.page,
            "size": query.size,
            "unreadable": page.unreadable,
            "orders": rows,
            "gone": sorted(gone),
        }
    )


async def suggestions(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/units: at most three units with reasons, best first."""
    with refusals():
        found = await casework_of(request).dispatch.desk.suggestions(
            request.match_info["order_id"][:80], person_of(request)
        )
    return answer({"units": found})


async def suggest(request: web.Request) -> web.StreamResponse:
    """POST /api/dispatch/suggest: the same for many orders, for the preview of a batch."""
    body, desk = await read_body(request, SuggestBody), casework_of(request).dispatch.desk
    found: dict[str, object] = {}
    for order_id in body.orders:
        try:
            found[order_id] = await desk.suggestions(order_id, person_of(request))
        except UnknownOrder:
            found[order_id] = ()
    return answer({"orders": found})


async def batch(request: web.Request) -> web.StreamResponse:
    """POST /api/dispatch/batch: each order to its unit; each is dispatched or refused by itself."""
    body, person = await read_body(request, BatchBody), person_of(request)
    given = request.headers.get("Idempotency-Key", "")
    key = "batch:" + hashlib.sha256(f"{person.login}\n{given}".encode()).hexdigest()[:40] if given else ""
    wishes = [
        Wish(
            order_id=one.order_id, version=one.version, lead=one.lead.strip(), source=one.source,
            joint=one.joint, joint_rule=one.joint_rule, reason=one.reason,
        )
        for one in body.orders
    ]  # fmt: skip
    done = await casework_of(request).dispatch.desk.dispatch(wishes, person, key=key)
    results = [_result(one) for one in done]
    return answer({"results": results, "done": sum(1 for one in results if one["ok"])})


async def samples(request: web.Request) -> web.StreamResponse:
    """GET /api/dispatch/samples: automatic dispatches that were picked by chance, to be looked at."""
    query = read_query(request, SamplesQuery)
    with refusals():
        total, found = await casework_of(request).dispatch.desk.samples(
            person_of(request), judged=query.judged, page=query.page, size=query.size
        )
    rows = [
        {**sample_body(sample, veil_of(order).text), "order": await case_body(order, request)}
        for sample, order in found
    ]
    return answer({"total": total, "page": query.page, "size": query.size, "samples": rows})


async def judge(request: web.Request) -> web.StreamResponse:
    """POST /api/dispatch/samples/{event_id}/verdict: right, or wrong and whose it is; once."""
    body = await read_body(request, VerdictBody)
    with refusals():
        sample = await casework_of(request).dispatch.desk.judge(
            request.match_info["event_id"][:120],
            body.verdict,
            person_of(request),
            should=body.should.strip(),
            note=body.note.strip(),
        )
    covers = await covers_of(request, [sample.order_id])
    return answer(sample_body(sample, covers.get(sample.order_id, hidden)))


async def dispatch_figures(request: web.Request) -> web.StreamResponse:
    """GET /api/dispatch/figures: how right dispatches were, by rule, source, category and unit."""
    query, casework = read_query(request, FiguresQuery), casework_of(request)
    until = request.app[DEPS].clock() if query.until is None else query.until
    since = until - 30 * DAY_S if query.since is None else query.since
    with refusals():
        facts = await casework.dispatch.desk.facts(person_of(request), since=since, until=until)
    rules = {rule.rule_id: rule_text(rule) for rule in await casework.units.rules()}
    groups = {by: figures(facts, by) for by in ("all", "rule", "source", "category", "unit")}
    return answer(
        {"since": since, "until": until, "definitions": dict(DEFINITIONS), "rules": rules, "groups": groups}
    )


async def policy(request: web.Request) -> web.StreamResponse:
    """GET /api/dispatch/policy: what is dispatched without a person, and why other orders are not."""
    casework = casework_of(request)
    parts = casework.dispatch
    return answer(
        {
            "policy": parts.policies.policy,
            "problem": casework.shelf.problem,
            "left": parts.auto.left,
        }
    )


def sample_body(sample: Sample, cover: Callable[[str], str]) -> dict[str, object]:
    """Return a sample; `cover` are the texts of its order."""
    return {**asdict(sample), "reason": cover(sample.reason), "note": cover(sample.note)}


def _result(done: Done) -> dict[str, object]:
    if done.order is not None:
        return {"order_id": done.order_id, "ok": True, "version": done.order.draft.version}
    made = _refused(done.error)
    return {"order_id": done.order_id, "ok": False, "code": made.code, "message": made.shown}


def _refused(error: OrderError | None) -> ApiError:
    """The answer that `refusals` gives, as a value."""
    if error is None or isinstance(error, MoveForbidden):
        return ApiError(403, "forbidden", "" if error is None else error.shown)
    try:
        with refusals():
            raise error
    except ApiError as made:
        return made
