"""Call-backs over HTTP: lists, wishes by hand, taking one, closing one, and what happened to each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web

from acd.callbacks import OPEN, Callback, CallbackState, Origin
from acd.phone_numbers import masked, read_number, spellings
from cti.callback_records import NOTE_MAX, REASON_MAX, CallbackFilter
from cti.control.callback_desk import CallbackRefused, UnknownCallback
from cti.messages import Role
from cti.missed_calls import MISSED
from cti.ports import Person
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from cti.web.secret_calls import secret_calls

__all__ = [
    "callback_body",
    "create_callback",
    "give_up",
    "history",
    "list_callbacks",
    "one_callback",
    "settle",
    "take",
]

Text = Annotated[str, msgspec.Meta(max_length=64)]


class CallbacksQuery(msgspec.Struct):
    open: bool | None = None  # only those that are open, or closed
    due: bool = False  # only those that could be dialled now, were an agent free
    state: CallbackState | None = None
    origin: Origin | None = None
    number: Text = ""  # supervisors: a part of it; agents: the whole number
    queue: Text = ""
    agent: Text = ""
    since: float | None = None
    until: float | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class NewCallback(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    number: Annotated[str, msgspec.Meta(max_length=40)] = ""
    queue: Text = ""
    call_id: Annotated[str, msgspec.Meta(max_length=80)] = ""  # a missed call: its number, and its queue
    note: Annotated[str, msgspec.Meta(max_length=NOTE_MAX)] = ""
    urgent: bool = False
    after: float | None = None  # not before this time


class GiveUpBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_MAX)]


def callback_body(callback: Callback, person: Person, *, owner: str = "") -> dict[str, object]:
    """Return what a person is told: agents see the numbers of their own call-backs, else masked ones."""
    told: dict[str, object] = msgspec.to_builtins(callback)
    if not _sees(callback, person):
        told["number"] = masked(callback.number)
    return {**told, "open": callback.open, "owner": owner}


def _sees(callback: Callback, person: Person) -> bool:
    own = person.login in (callback.agent_id, callback.by)
    return own or person.role is not Role.AGENT


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except UnknownCallback:
        raise ApiError(404, "not_found", "找不到这条回拨") from None
    except CallbackRefused as error:
        if error.field:
            raise ApiError(400, "invalid", error.shown, field=error.field) from None
        raise ApiError(409, "refused", error.shown) from None


async def list_callbacks(request: web.Request) -> web.StreamResponse:
    """GET /api/callbacks: open ones by place, due ones before them, then closed ones, newest first."""
    deps, person = request.app[DEPS], person_of(request)
    query = read_query(request, CallbacksQuery)
    states = tuple(state for state in CallbackState if query.open is None or (state in OPEN) is query.open)
    if query.state is not None:
        states = (query.state,) if query.state in states else ()
    whole = spellings(read_number(query.number).number) if query.number else ()
    agent = person.role is Role.AGENT
    which = CallbackFilter(
        numbers=whole if agent else (),
        number_part="" if agent else query.number.strip(),
        states=states,
        due_by=deps.clock() if query.due else None,
        origin=query.origin,
        queue=query.queue,
        agent=query.agent,
        since=query.since,
        until=query.until,
        due_first=deps.clock(),
        page=query.page,
        size=query.size,
    )
    page = await deps.callback_store.list(which)
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "callbacks": [callback_body(kept.callback, person, owner=kept.owner) for kept in page.callbacks],
        }
    )


async def one_callback(request: web.Request) -> web.StreamResponse:
    """GET /api/callbacks/{callback_id}: as it stands now, newer than the list may be."""
    with _refusals():
        kept = await request.app[DEPS].callbacks.get(request.match_info["callback_id"][:80])
    return answer(callback_body(kept.callback, person_of(request), owner=kept.owner))


async def history(request: web.Request) -> web.StreamResponse:
    """GET /api/callbacks/{callback_id}/history: every move, oldest first."""
    callback_id = request.match_info["callback_id"][:80]
    moves = await request.app[DEPS].callback_store.history(callback_id)
    if not moves:
        raise ApiError(404, "not_found", "找不到这条回拨")
    return answer({"callback_id": callback_id, "moves": moves})


async def create_callback(request: web.Request) -> web.StreamResponse:
    """POST /api/callbacks: a person wants somebody called back; an open one of the number takes it up."""
    deps, person = request.app[DEPS], person_of(request)
    body = await read_body(request, NewCallback)
    number, queue = body.number, body.queue
    for name in () if body.call_id else ("number", "queue"):
        if not getattr(body, name):
            raise ApiError(400, "invalid", "请求内容有误", field=name)
    if body.call_id:
        call = await deps.calls.call(body.call_id)
        if call is None:
            raise ApiError(404, "not_found", "找不到这通电话")
        secret = await secret_calls(request, [call.call_id])
        if call.outcome not in MISSED or secret:  # whose number it is, is nobody's to learn in this way
            raise ApiError(403, "forbidden", "只能为漏接来电登记回拨")
        number, queue = call.caller, queue or call.queue
    with _refusals():
        callback = await deps.callbacks.create(
            number=number,
            queue=queue,
            call_id=body.call_id,
            note=body.note.strip(),
            urgent=body.urgent,
            after=body.after,
            by=person.login,
        )
    await _note(request, "callback_created", callback, {"urgent": body.urgent})
    return answer(callback_body(callback, person), status=201)


async def take(request: web.Request) -> web.StreamResponse:
    """POST /api/callbacks/{callback_id}/take: the agent, who must be ready, is reserved; we dial at once."""
    person = person_of(request)
    with _refusals():
        callback = await request.app[DEPS].callbacks.take(
            request.match_info["callback_id"][:80], person.login
        )
    await _note(request, "callback_taken", callback)
    return answer(callback_body(callback, person))


async def give_up(request: web.Request) -> web.StreamResponse:
    """POST /api/callbacks/{callback_id}/give-up: close it with a reason."""
    person = person_of(request)
    body = await read_body(request, GiveUpBody)
    with _refusals():
        callback = await request.app[DEPS].callbacks.give_up(
            request.match_info["callback_id"][:80], body.reason.strip(), person.login
        )
    await _note(request, "callback_given_up", callback, {"reason": body.reason.strip()})
    return answer(callback_body(callback, person))


async def settle(request: web.Request) -> web.StreamResponse:
    """POST /api/callbacks/{callback_id}/settle: a person has spoken with the citizen by other means."""
    person = person_of(request)
    with _refusals():
        callback = await request.app[DEPS].callbacks.settle(
            request.match_info["callback_id"][:80], person.login
        )
    await _note(request, "callback_settled", callback)
    return answer(callback_body(callback, person))


async def _note(
    request: web.Request, what: str, callback: Callback, detail: dict[str, object] | None = None
) -> None:
    accounts = request.app[DEPS].accounts
    await accounts.note(person_of(request).login, what, callback.callback_id, detail)
