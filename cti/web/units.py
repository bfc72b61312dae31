"""Units and the rules that give matters to them, over HTTP: seen, edited, imported, taken out as files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from cti.casework.unit_book import OrdersHeld, Plan, rules_csv, units_csv
from cti.errors import HotlineError
from cti.textfiles import decode_text
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import casework_of
from cti.web.guard import person_of
from cti.web.orders import refusals, sight_of
from cti.web.veils import veil_of
from orders.errors import UnknownOrder
from orders.sight import sees
from orders.unit_held import Held, HeldOrder
from orders.unit_store import UnitsChanged
from orders.unit_table import LEVELS, UnitsWrong, shipped_units

__all__ = ["file", "import_file", "put_rule", "remove_rule", "whole_book"]

UPLOAD_MAX = 8 << 20

Text = Annotated[str, msgspec.Meta(max_length=100)]
Reason = Annotated[str, msgspec.Meta(max_length=200)]
Kind = Literal["units", "rules"]


class ImportQuery(msgspec.Struct):
    kind: Kind = "units"
    dry_run: bool = True
    leave_open: bool = False  # although units that are no more have open orders
    reason: Reason = ""


class FileQuery(msgspec.Struct):
    kind: Kind = "units"


class RuleBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    category: Text
    district: Text = ""
    street: Text = ""
    unit: Text
    since: Annotated[str, msgspec.Meta(max_length=10)] = ""
    until: Annotated[str, msgspec.Meta(max_length=10)] = ""
    replaces: Annotated[str, msgspec.Meta(max_length=16)] = ""  # id of the rule that is changed
    reason: Reason


class RemoveBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason


async def whole_book(request: web.Request) -> web.StreamResponse:
    """GET /api/units/book: units with their duties, rules, units that are no more."""
    store = casework_of(request).units
    units = await store.units()
    shown = units or shipped_units()
    return answer(
        {
            "imported": bool(units),
            "levels": dict(LEVELS),
            "units": [
                {
                    "name": unit.name,
                    "level": unit.level,
                    "parent": unit.parent,
                    "areas": unit.areas,
                    "duties": unit.words,
                }
                for unit in shown
            ],
            "rules": await store.rules(),
            "gone": await store.gone(),
        }
    )


async def import_file(request: web.Request) -> web.StreamResponse:
    """POST /api/units/import: a CSV as it lies on the disk; a dry run says what it would change."""
    query, by = read_query(request, ImportQuery), person_of(request).login
    casework = casework_of(request)
    book = casework.dispatch.book
    text, encoding = await _uploaded(request)
    with _refusals(encoding):
        if query.kind == "rules":
            plan = await book.import_rules(text, by=by, reason=query.reason, dry_run=query.dry_run)
        else:
            try:
                plan = await book.import_units(
                    text, by=by, reason=query.reason, dry_run=query.dry_run, leave_open=query.leave_open
                )
            except OrdersHeld as error:
                more = {"held": await held_body(request, error.held)}
                raise ApiError(409, "orders_open", error.shown, more=more) from None
    casework.sights.forget()
    held = None if plan.held is None else await held_body(request, plan.held)
    return answer({**plan_body(plan), "held": held, "encoding": encoding, "dry_run": query.dry_run})


async def file(request: web.Request) -> web.StreamResponse:
    """GET /api/units/file: the table as the file that is imported."""
    kind, store = read_query(request, FileQuery).kind, casework_of(request).units
    if kind == "units":
        text = units_csv(await store.units() or shipped_units())
    else:
        text = rules_csv(await store.rules())
    return web.Response(
        body=text.encode(),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{kind}.csv"'},
    )


async def put_rule(request: web.Request) -> web.StreamResponse:
    """POST /api/units/rules: a new rule, or another in the place of the one it replaces."""
    body = await read_body(request, RuleBody)
    row = {
        name: getattr(body, name).strip()
        for name in ("category", "district", "street", "unit", "since", "until")
    }
    with _refusals():
        rule = await casework_of(request).dispatch.book.put_rule(
            row, by=person_of(request).login, reason=body.reason, replaces=body.replaces
        )
    return answer(rule)


async def remove_rule(request: web.Request) -> web.StreamResponse:
    """DELETE /api/units/rules/{rule_id}."""
    body = await read_body(request, RemoveBody)
    with _refusals():
        await casework_of(request).dispatch.book.remove_rule(
            request.match_info["rule_id"][:16], by=person_of(request).login, reason=body.reason
        )
    return answer({})


def plan_body(plan: Plan) -> dict[str, object]:
    """Return what an import changes, but for the orders that are in its way."""
    return {
        "count": plan.count,
        "added": plan.added,
        "changed": plan.changed,
        "removed": list(plan.removed[:200]),
        "removed_count": len(plan.removed),
        "rules_lost": plan.rules_lost,
    }


async def held_body(request: web.Request, held: Held) -> dict[str, object]:
    """Return the open orders of units that a file does not have; those that are open to whoever asks."""
    store, sight = casework_of(request).store, await sight_of(request)
    first: list[HeldOrder] = []
    for one in held.first:
        try:
            order = await store.get(one.order_id)
        except UnknownOrder:
            continue  # erased this moment
        if sight is None or sees(sight, order):
            first.append(replace(one, title=veil_of(order).text(one.title)))
    return {"total": held.total, "units": dict(list(held.units.items())[:200]), "first": first}


async def _uploaded(request: web.Request) -> tuple[str, str]:
    """Return the text of the file, and its encoding. Raises ApiError."""
    data = bytearray()
    async for chunk in request.content.iter_chunked(64 << 10):
        data += chunk
        if len(data) > UPLOAD_MAX:
            raise ApiError(413, "too_large", f"文件超过 {UPLOAD_MAX >> 20} MB，请分批导入", field="file")
    if not data:
        raise ApiError(400, "invalid", "文件是空的", field="file")
    try:
        return decode_text(bytes(data), "文件")
    except HotlineError:
        shown = "文件无法识别：请用 Excel 另存为“CSV UTF-8（逗号分隔）”，GBK 编码也可以；不支持 .xlsx"
        raise ApiError(400, "encoding", shown, field="file") from None


@contextmanager
def _refusals(encoding: str = "") -> Iterator[None]:
    """Answer what is refused: lines of a file, 409 when somebody else was faster."""
    with refusals():
        try:
            yield
        except UnitsChanged as error:
            raise ApiError(409, "conflict", error.shown) from None
        except UnitsWrong as error:
            shown = f"文件有 {len(error.problems)} 处错误，没有导入"
            more = {"problems": error.problems, "encoding": encoding}
            raise ApiError(400, "invalid", shown, field="file", more=more) from None
