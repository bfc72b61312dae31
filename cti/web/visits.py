"""Return visits over HTTP: lists, plans by hand and by filter, results, and the campaign's switch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from orders.errors import OrderError
from orders.messages import Solved
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
    satisfaction: Score | None = None
    words: Annotated[str, msgspec.Meta(max_length=1000)] = ""


def visit_body(visit: Visit, person: Person) -> dict[str, object]:
    """Return what a person is told of a visit: agents do not see the number."""
    told: dict[str, object] = msgspec.to_builtins(visit)
    if person.role is Role.AGENT:
        told["number"] = masked(visit.number)
    del told["silent"]
    return {**told, "open": visit.open}


def _plan_body(planned: Planned, person: Person) -> dict[str, object]:
    return {
        "planned": [visit_body(visit, person) for visit in planned.visits],
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


async def list_visits(request: web.Request) -> web.StreamResponse:
    """GET /api/visits: open ones by the time of the next try; then the others, newest first."""
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
            wants_person=query.wants_person,
            order_id=query.order_id,
            order_number=query.order_number,
            since=query.since,
            until=query.until,
            page=query.page,
            size=query.size,
        )
    )
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "visits": [visit_body(kept.visit, person) for kept in page.visits],
        }
    )


async def one_visit(request: web.Request) -> web.StreamResponse:
    """GET /api/visits/{visit_id}: as it stands now, newer than the list may be."""
    with _refusals():
        kept = await request.app[DEPS].visits.get(_id(request))
    return answer(visit_body(kept.visit, person_of(request)))


async def history(request: web.Request) -> web.StreamResponse:
    """GET /api/visits/{visit_id}/history: every move, oldest first."""
    moves = await request.app[DEPS].visit_store.history(_id(request))
    if not moves:
        raise ApiError(404, "not_found", "找不到这次回访")
    return answer({"visit_id": _id(request), "moves": moves})


async def plan(request: web.Request) -> web.StreamResponse:
    """POST /api/visits: plan one for each of these orders; those that cannot have one are named."""
    deps, person = request.app[DEPS], person_of(request)
    body = await read_body(request, PlanBody)
    with _refusals():
        planned = await deps.visits.plan(body.orders, after=body.after, by=person.login)
    await _note_plan(request, planned)
    return answer(_plan_body(planned, person), status=201)


async def plan_matching(request: web.Request) -> web.StreamResponse:
    """POST /api/visits/matching: plan them for accepted orders that match and were never visited."""
    deps, person = request.app[DEPS], person_of(request)
    body = await read_body(request, PlanMatchingBody)
    which = OrderFilter(text=body.text.strip(), since=body.since, until=body.until, agent=body.agent)
    with _refusals():
        planned = await deps.visits.plan_matching(which, most=body.most, after=body.after, by=person.login)
    await _note_plan(request, planned)
    return answer(_plan_body(planned, person), status=201)


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /api/visits/{visit_id}/cancel: nobody is to be called, with a reason."""
    person = person_of(request)
    body = await read_body(request, CancelBody)
    with _refusals():
        visit = await request.app[DEPS].visits.cancel(_id(request), body.reason.strip(), person.login)
    await _note(request, "visit_cancelled", visit, {"reason": body.reason.strip()})
    return answer(visit_body(visit, person))


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
        answers = Answers(solved=body.solved, satisfaction=body.satisfaction, words=body.words.strip())
        visit = await deps.visits.settle(_id(request), answers, person.login)
    await _note(request, "visit_recorded", visit, {"solved": body.solved, "satisfaction": body.satisfaction})
    return answer(visit_body(visit, person))


async def campaign(request: web.Request) -> web.StreamResponse:
    """GET /api/visits/campaign: whether it goes on, and how far it has come."""
    return answer(await request.app[DEPS].visits.campaign())


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
