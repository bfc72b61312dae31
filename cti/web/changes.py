"""GET /api/changes: what changed since a cursor, for systems that keep a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from aiohttp import web

from cti.changes import BEGINNING, Change, ChangeKind, Cursor, CursorUnreadable
from cti.tokens import Scope
from cti.transcript_files import line_body
from cti.web.answers import ApiError, answer, read_query
from cti.web.calls import call_body
from cti.web.guard import DEPS, TOKEN
from cti.web.orders import order_body, sight_of
from cti.web.secret_calls import covered_numbers, secret_calls
from cti.web.systems import systems_of
from orders.errors import UnknownOrder

__all__ = ["ChangesQuery", "changes"]

_NEEDED = {
    ChangeKind.CALL: Scope.CALLS_READ,
    ChangeKind.TRANSCRIPT: Scope.TRANSCRIPTS_READ,
    ChangeKind.ORDER: Scope.ORDERS_READ,
}


class ChangesQuery(msgspec.Struct):
    kinds: Annotated[str, msgspec.Meta(max_length=60)] = ""  # separated by commas; "": all that are allowed
    since: Annotated[str, msgspec.Meta(max_length=40)] = ""  # cursor of the answer before; "": everything
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 100


async def changes(request: web.Request) -> web.StreamResponse:
    """Each object once, as it is now, at the place of its newest change; `cursor` is the next `since`.

    Orders that are not open to whoever asks are left out.
    """
    query = read_query(request, ChangesQuery)
    kinds = _kinds(request, query.kinds)
    try:
        since = Cursor.read(query.since) if query.since else BEGINNING
    except CursorUnreadable:
        raise ApiError(400, "invalid", "since 不是本接口给出的游标", field="since") from None
    found = await systems_of(request).changes.since(since, kinds, query.limit + 1)
    given = found[: query.limit]
    sight, casework = await sight_of(request), request.app[DEPS].casework
    shown: Sequence[Change] = given
    if casework is not None and sight is not None and sight.cuts:
        ids = [change.ref for change in given if change.kind is ChangeKind.ORDER]
        known = await casework.open_orders.among(ids, sight)
        shown = [one for one in given if one.kind is not ChangeKind.ORDER or one.ref in known]
    return answer(
        {
            "changes": [await _told(request, change) for change in shown],
            "cursor": str(given[-1].at if given else since),
            "more": len(found) > query.limit,
        }
    )


def _kinds(request: web.Request, wanted: str) -> tuple[ChangeKind, ...]:
    token = request.get(TOKEN)
    allowed = [kind for kind in ChangeKind if token is None or _NEEDED[kind] in token.scopes]
    if not wanted:
        kinds = allowed
    else:
        try:
            kinds = [ChangeKind(name) for name in wanted.split(",")]
        except ValueError:
            raise ApiError(400, "invalid", "kinds 只能是 call、transcript、order", field="kinds") from None
    if not kinds or not set(kinds) <= set(allowed):
        raise ApiError(403, "scope_missing", "令牌没有此项权限")
    return tuple(kinds)


async def _told(request: web.Request, change: Change) -> dict[str, object]:
    return {"kind": change.kind.value, "id": change.ref, "object": await _object(request, change)}


async def _object(request: web.Request, change: Change) -> object:
    deps = request.app[DEPS]
    if change.kind is ChangeKind.CALL:
        call = await deps.calls.call(change.ref)
        return None if call is None else call_body(call, await covered_numbers(request, [call]))
    if change.kind is ChangeKind.TRANSCRIPT:
        if await secret_calls(request, [change.ref]):
            return {"call_id": change.ref, "lines": []}
        return {
            "call_id": change.ref,
            "lines": [line_body(line) for line in await deps.transcripts.lines(change.ref)],
        }
    try:
        return order_body(await deps.orders.get(change.ref))
    except UnknownOrder:
        return None
