"""Accepted orders over HTTP: their course, their trail in words, the moves people make."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from aiohttp import web

from cti.casework.correction import CORRECTABLE, CorrectionForbidden, may_correct
from cti.casework.moves import MOVES, MoveForbidden
from cti.casework.offers import offered, parts_of
from cti.casework.parts import Casework
from cti.staff_names import Naming
from cti.web.answers import ApiError, answer, read_body
from cti.web.guard import DEPS, person_of
from cti.web.names import naming_of
from cti.web.opened import note_opened
from cti.web.orders import check_covered, order_body, refusals
from cti.web.veils import veil_of, viewer
from orders.course_messages import CourseState, Supervision
from orders.course_titles import CLOCKS, EVENTS, JOINT_STATES, STATES, SUPERVISION
from orders.errors import CourseConflict, OrderError
from orders.joined import joined_to
from orders.records import Order, RecordedEvent
from orders.trail import CAUSES, OUTCOMES, said
from orders.veils import Veil, with_words

__all__ = [
    "casework_of",
    "course_of",
    "covered_lines",
    "list_units",
    "make_move",
    "make_moves",
    "words",
]

KEY_MAX = 100
BATCH_MOST = 200
CORRECT = "correct"
"""The move that changes what was taken down: looked at by what its person is shown of the order."""

Text = Annotated[str, msgspec.Meta(max_length=100)]


class MoveBody(msgspec.Struct, forbid_unknown_fields=True):
    move: Text  # a name of `cti.casework.moves`
    version: Annotated[int, msgspec.Meta(ge=0)]  # what the person was looking at
    fields: Annotated[dict[Text, Any], msgspec.Meta(max_length=20)] = {}  # what they filled in


class Seen(msgspec.Struct, forbid_unknown_fields=True):
    order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    version: Annotated[int, msgspec.Meta(ge=0)]


class BatchBody(msgspec.Struct, forbid_unknown_fields=True):
    move: Text
    orders: Annotated[tuple[Seen, ...], msgspec.Meta(min_length=1, max_length=BATCH_MOST)]
    fields: Annotated[dict[Text, Any], msgspec.Meta(max_length=20)] = {}


def casework_of(request: web.Request) -> Casework:
    """Return the closed loop's parts. Raises ApiError 404 on a server without them."""
    casework = request.app[DEPS].casework
    if casework is None:
        raise ApiError(404, "not_found", "本服务器未启用工单流转")
    return casework


def _key(request: web.Request, login: str) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return ""
    if len(key) > KEY_MAX or not key.isprintable():
        raise ApiError(400, "invalid", f"Idempotency-Key 须为 1 至 {KEY_MAX} 个字符", field="Idempotency-Key")
    return "move:" + hashlib.sha256(f"{login}\n{key}".encode()).hexdigest()


def event_body(recorded: RecordedEvent, veil: Veil, naming: Naming) -> dict[str, object]:
    """Return one line of an order's trail (全程留痕), as far as the veil shows it; `who` did it by name."""
    name = type(recorded.event).__name__
    return {
        "seq": recorded.seq,
        "at": recorded.at,
        "actor": recorded.actor,
        "who": naming.of(recorded.actor),
        "event": name,
        "title": EVENTS.get(name, name),
        "text": veil.text(said(recorded.event)),
        "data": veil.tree(msgspec.to_builtins(recorded.event)),
        "hash": recorded.hash,
    }


async def case_body(order: Order, request: web.Request) -> dict[str, object]:
    """Return an order with its course, the moves that the person may make, and in whose name."""
    course, person = order.draft.course, person_of(request)
    units = await casework_of(request).sights.units_of(person)
    moves = () if course is None else offered(person, course, units, request.app[DEPS].clock())
    not_now = "withdraw" if joined_to(order.draft) else "rate_joined"  # orders.joined_policy
    moves = tuple(name for name in moves if name != not_now)
    return {
        **order_body(order),
        "course": veil_of(order).tree(msgspec.to_builtins(course)),
        "moves": tuple(one for one in moves if one != CORRECT or may_correct(order, person)),
        "acts_for": () if course is None else parts_of(person, course, units),
    }


def _refused(error: OrderError) -> ApiError:
    """The answer that `refusals` gives, as a value."""
    try:
        with refusals():
            raise error
    except ApiError as made:
        return made


async def course_of(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/course: the order, its course, its trail, and what may be done now."""
    casework, person = casework_of(request), person_of(request)
    with refusals():
        order = await casework.desk.get(request.match_info["order_id"][:80], person)
        history = await casework.store.events(order.draft.order_id)
    await note_opened(request, order)
    veil, naming = veil_of(order), await naming_of(request)
    lines = [event_body(one, veil, naming) for one in history]
    told = await case_body(order, request)
    if covered_lines(history, veil):
        veil = with_words(veil, viewer())
        told |= {"masked": veil.masked, "may_unmask": veil.may_unmask}
    return answer({**told, "history": lines})


def covered_lines(history: Sequence[RecordedEvent], veil: Veil) -> list[RecordedEvent]:
    """Return the lines of a trail whose words are not shown as they are."""
    return [one for one in history if veil.text(words := said(one.event)) != words]


async def make_move(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/moves: with an `Idempotency-Key`, a repeated request changes nothing."""
    casework, person = casework_of(request), person_of(request)
    body = await read_body(request, MoveBody)
    order_id, key = request.match_info["order_id"][:80], _key(request, person.login)
    with refusals():
        if body.move == CORRECT:
            _check_shown(await casework.desk.get(order_id, person), body.fields.get("changes"))
        try:
            order = await casework.desk.move(
                order_id,
                body.move,
                body.fields,
                person,
                seen=body.version,
                event_id=key,
            )
        except (
            MoveForbidden,
            CorrectionForbidden,
        ) as error:  # it is an OrderError, too, and would be told as a conflict
            raise ApiError(403, "forbidden", error.shown) from None
        except CourseConflict as error:
            error.shown = (await naming_of(request)).sentence(error.shown, error.people)
            raise
    return answer(await case_body(order, request))


def _check_shown(order: Order, changes: object) -> None:
    """Let nobody write back what they are shown instead of a value. Raises ApiError 400, 403."""
    if isinstance(changes, dict):
        check_covered(order, {name: value for name, value in changes.items() if isinstance(value, str)})


async def make_moves(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/moves: the same move for many orders; each is made or refused by itself."""
    casework, person = casework_of(request), person_of(request)
    body = await read_body(request, BatchBody)
    if body.move == CORRECT:
        raise ApiError(400, "invalid", "更正须逐张工单进行", field="move")
    key = _key(request, person.login)
    results: list[dict[str, object]] = []
    for one in body.orders:
        try:
            order = await casework.desk.move(
                one.order_id, body.move, body.fields, person, seen=one.version,
                event_id=f"{key}:{one.order_id[:32]}" if key else "",
            )  # fmt: skip
        except OrderError as error:
            if isinstance(error, CourseConflict):
                error.shown = (await naming_of(request)).sentence(error.shown, error.people)
            made = _refused(error)
            results.append({"order_id": one.order_id, "ok": False, "code": made.code, "message": made.shown})
        else:
            results.append({"order_id": one.order_id, "ok": True, "version": order.draft.version})
    return answer({"results": results, "done": sum(1 for one in results if one["ok"])})


async def list_units(request: web.Request) -> web.StreamResponse:
    """GET /api/units: names, levels and who is above whom."""
    units = await casework_of(request).sights.units()
    return answer(
        {
            "units": [
                {"name": unit.name, "level": unit.level, "parent": unit.parent, "areas": unit.areas}
                for unit in units
            ]
        }
    )


async def words(request: web.Request) -> web.StreamResponse:
    """GET /api/course/words: what states, clocks, moves are called, and the checklist of reviews."""
    policy = casework_of(request).policy.rules
    return answer(
        {
            "states": {state.value: STATES[state] for state in CourseState},
            "joint_states": {state.value: title for state, title in JOINT_STATES.items()},
            "clocks": {kind.value: title for kind, title in CLOCKS.items()},
            "supervision": {level.value: SUPERVISION[level] for level in Supervision},
            "outcomes": {outcome.value: title for outcome, title in OUTCOMES.items()},
            "moves": {name: {"title": move.title, "fields": move.fields} for name, move in MOVES.items()},
            "causes": {cause.value: title for cause, title in CAUSES.items()},
            "correctable": CORRECTABLE,
            "checklist": msgspec.to_builtins(policy.answers.checklist),
        }
    )
