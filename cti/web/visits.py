"""Return visits over HTTP: lists, plans by hand and by filter, results, and the campaign's switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import msgspec
from aiohttp import web

from acd.phone_numbers import masked
from cti.control.visit_desk import PLAN_MOST, Planned, UnknownVisit, VisitRefused
from cti.messages import Role
from cti.ports import Person
from cti.visit_records import VisitFilter
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from cti.web.orders import order_open, sight_of
from cti.web.secret_calls import secret_orders
from cti.web.veils import veil_of
from orders.errors import OrderError, UnknownOrder
from orders.messages import Solved
from orders.privacy import HIDDEN
from orders.records import OrderFilter
from orders.visits import OPEN, Answers, Result, Visit, VisitState

__all__ = [
    "campaign",
    "cancel",
    "history",
    "list_visits",
    "one_visit",
    "pause",
    "plan",
    "plan_matching",
    "record",
    "resume",
    "visit_body",
]

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Text = Annotated[str, msgspec.Meta(max_length=100)]
Score = Annotated[int, msgspec.Meta(ge=1, le=5)]


class VisitsQuery(msgspec.Struct):
    open: bool | None = None  # only those that are open, or over
    state: VisitState | None = None
    result: Result | None = None
    solved: Solved | None = None
    satisfaction_most: Score | None = None
    wants_person: bool | None = None
    order_id: Text = ""
    order_number: Text = ""
    since: float | None = None
    until: float | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class PlanBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    orders: Annotated[list[Id], msgspec.Meta(min_length=1, max_length=PLAN_MOST)]
    after: float | None = None  # not before this time


class PlanMatchingBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    text: Text = ""
    since: float | None = None  # opened at or after
    until: float | None = None  # opened before
    agent: Text = ""
    most: Annotated[int, msgspec.Meta(ge=1, le=PLAN_MOST)] = 100
    after: float | None = None


class CancelBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ResultBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    solved: Solved | None = None
    satisfaction: Score | None = None  # with the result
    service: Score | None = None  # with how they were treated
    words: Annotated[str, msgspec.Meta(max_length=1000)] = ""


def visit_body(visit: Visit, person: Person, *, secret: bool = False) -> dict[str, object]:
    """Return what a person is told of a visit: agents do not see the number, of a secret one nobody does."""
    told: dict[str, object] = msgspec.to_builtins(visit)
    if person.role is Role.AGENT or secret:
        told["number"] = masked(visit.number)
    del told["silent"]
    return {**told, "open": visit.open}


async def _covered(request: web.Request, visit: Visit) -> Visit:
    """The visit with the citizen's words as whoever asks is shown those of its order."""
    answers = visit.answers
    if not answers.words and not visit.reason:
        return visit
    try:
        cover = veil_of(await request.app[DEPS].orders.get(visit.order_id)).text
    except UnknownOrder:  # nobody can say how secret it is
        return replace(visit, answers=replace(answers, words=HIDDEN), reason=HIDDEN)
    return replace(visit, answers=replace(answers, words=cover(answers.words)), reason=cover(visit.reason))


async def _bodies(request: web.Request, visits: Iterable[Visit]) -> list[dict[str, object]]:
    given, person = list(visits), person_of(request)
    secret = await secret_orders(request, [visit.order_id for visit in given])
    return [
        visit_body(await _covered(request, visit), person, secret=True)
        if visit.order_id in secret
        else visit_body(visit, person)
        for visit in given
    ]


async def _plan_body(request: web.Request, planned: Planned) -> dict[str, object]:
    return {
        "planned": await _bodies(request, planned.visits),
        "skipped": planned.skipped,
    }


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except UnknownVisit as error:
        raise ApiError(404, "not_found", error.shown) from None
    except VisitRefused as error:
        if error.field:
            raise ApiError(400, "invalid", error.shown, field=error.field) from None
        raise ApiError(409, "refused", error.shown) from None
    except OrderError as error:
        raise ApiError(400, "invalid", error.shown) from None


def _id(request: web.Request) -> str:
    return request.match_info["visit_id"][:80]


async def _open(request: web.Request) -> Visit:
    """The visit that the address names. Raises ApiError 404, also when its order is not theirs to see."""
    with _refusals():
        visit = (await request.app[DEPS].visits.get(_id(request))).visit
    sight = await sight_of(request)
    if sight is not None and sight.cuts:
        try:
            await order_open(request, visit.order_id)
        except ApiError:
            raise ApiError(404, "not_found", UnknownVisit().shown) from None
    return visit


async def list_visits(request: web.Request) -> web.StreamResponse:
    """GET /api/visits: open ones by the time of the next try; then the others, newest first.

    An agent is told of those that need a person.
    """
    deps, person = request.app[DEPS], person_of(request)
    query = read_query(request, VisitsQuery)
    states = tuple(one for one in VisitState if query.open is None or (one in OPEN) is query.open)
    if query.state is not None:
        states = (query.state,) if query.state in states else ()
        if not states:
            raise ApiError(400, "invalid", "open 与 state 矛盾", field="state")
    page = await deps.visit_store.list(
        VisitFilter(
            states=states,
            result=query.result,
            solved=query.solved.value if query.solved is not None else "",
            satisfaction_most=query.satisfaction_most,
            wants_person=True if person.role is Role.AGENT else query.wants_person,
            order_id=query.order_id,
            order_number=query.order_number,
            since=query.since,
            until=query.until,
            sight=await sight_of(request),
            page=query.page,
            size=query.size,
        )
    )
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "visits": await _bodies(request, [kept.visit for kept in page.visits]),
        }
    )


async def one_visit(request: web.Request) -> web.StreamResponse:
    """GET /api/visits/{visit_id}: as it stands now, newer than the list may be."""
    return answer((await _bodies(request, [await _open(request)]))[0])


async def history(request: web.Request) -> web.StreamResponse:
    """GET /api/visits/{visit_id}/history: every move, oldest first."""
    await _open(request)
    moves = await request.app[DEPS].visit_store.history(_id(request))
    if not moves:
        raise ApiError(404, "not_found", "找不到这次回访")
    return answer({"visit_id": _id(request), "moves": moves})


async def plan(request: web.Request) -> web.StreamResponse:
    """POST /api/visits: plan one for each of these orders; those that cannot have one are named."""
    deps, person = request.app[DEPS], person_of(request)
    body = await read_body(request, PlanBody)
    with _refusals():
        sight = await sight_of(request)
        planned = await deps.visits.plan(body.orders, after=body.after, by=person.login, sight=sight)
    await _note_plan(request, planned)
    return answer(await _plan_body(request, planned), status=201)


async def plan_matching(request: web.Request) -> web.StreamResponse:
    """POST /api/visits/matching: plan them for accepted orders that match and were never visited."""
    deps, person = request.app[DEPS], person_of(request)
    body = await read_body(request, PlanMatchingBody)
    which = OrderFilter(
        text=body.text.strip(),
        since=body.since,
        until=body.until,
        agent=body.agent,
        sight=await sight_of(request),
    )
    with _refusals():
        planned = await deps.visits.plan_matching(which, most=body.most, after=body.after, by=person.login)
    await _note_plan(request, planned)
    return answer(await _plan_body(request, planned), status=201)


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /api/visits/{visit_id}/cancel: nobody is to be called, with a reason."""
    person = person_of(request)
    body = await read_body(request, CancelBody)
    await _open(request)
    with _refusals():
        visit = await request.app[DEPS].visits.cancel(_id(request), body.reason.strip(), person.login)
    await _note(request, "visit_cancelled", visit, {"reason": body.reason.strip()})
    return answer((await _bodies(request, [visit]))[0])


async def record(request: web.Request) -> web.StreamResponse:
    """POST /api/visits/{visit_id}/result: what a person was answered; an agent for the calls they took."""
    deps, person = request.app[DEPS], person_of(request)
    body = await read_body(request, ResultBody)
    with _refusals():
        if person.role is Role.AGENT:
            kept = await deps.visits.get(_id(request))
            call = await deps.calls.call(kept.visit.call_id)
            if call is None or call.agent_id != person.login:
                raise ApiError(403, "forbidden", "只能登记自己接听的回访")
        else:
            await _open(request)
        answers = Answers(
            solved=body.solved,
            satisfaction=body.satisfaction,
            service=body.service,
            words=body.words.strip(),
        )
        visit = await deps.visits.settle(_id(request), answers, person.login)
    detail: dict[str, object] = {
        "solved": body.solved,
        "satisfaction": body.satisfaction,
        "service": body.service,
    }
    await _note(request, "visit_recorded", visit, detail)
    return answer((await _bodies(request, [visit]))[0])


async def campaign(request: web.Request) -> web.StreamResponse:
    """GET /api/visits/campaign: whether it goes on, and how far it has come."""
    return answer(await request.app[DEPS].visits.campaign(sight=await sight_of(request)))


async def pause(request: web.Request) -> web.StreamResponse:
    """POST /api/visits/campaign/pause: no more robot calls; those that talk go on to their end."""
    return answer(await request.app[DEPS].visits.pause(paused=True, by=person_of(request).login))


async def resume(request: web.Request) -> web.StreamResponse:
    """POST /api/visits/campaign/resume: go on."""
    return answer(await request.app[DEPS].visits.pause(paused=False, by=person_of(request).login))


async def _note_plan(request: web.Request, planned: Planned) -> None:
    detail: dict[str, object] = {"planned": len(planned.visits), "skipped": len(planned.skipped)}
    first = planned.visits[0].visit_id if planned.visits else ""
    await request.app[DEPS].accounts.note(person_of(request).login, "visits_planned", first, detail)


async def _note(request: web.Request, what: str, visit: Visit, detail: dict[str, object]) -> None:
    await request.app[DEPS].accounts.note(person_of(request).login, what, visit.visit_id, detail)
