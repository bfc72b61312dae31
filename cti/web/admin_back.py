"""The way back (恢复到修改之前): what a line of the trail changed is put back as it was, as a new change.

A line can be taken back when it holds the whole of what was before (`before`, null for nothing). Editions and
accounts have ways of their own (`/api/admin/documents/{kind}/back`, `PATCH /api/accounts/{login}`). A webhook
that was removed is not put back: its address may hold a secret and is not in the trail.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from cti.alerts import AlertRule, RuleRefused
from cti.audit import AuditRow
from cti.blocked import BlockKind, NumberRefused
from cti.web.answers import ApiError
from cti.web.desk import change_template
from cti.web.ports import WebDeps
from orders.errors import OrderError
from orders.templates import Template

__all__ = ["put_back", "returnable"]

Before = Mapping[str, Any] | None
PutBack = Callable[[WebDeps, AuditRow, Before, str, str], Awaitable[bool]]
"""Takes what was before, a login and a reason; False: what was changed is not there any more."""


async def _alert_rule(deps: WebDeps, row: AuditRow, before: Before, by: str, reason: str) -> bool:
    store = deps.boards.alerts
    if before is None:
        done = await store.remove(row.target, by=by, reason=reason)
    else:
        await store.put(msgspec.convert(before, AlertRule), by=by, reason=reason)
        done = True
    await deps.boards.renewed()
    return done


async def _number(deps: WebDeps, row: AuditRow, before: Before, by: str, reason: str) -> bool:
    if before is None:
        return await deps.blocked.remove(row.target, by=by, reason=reason)
    kind, was = BlockKind(before["kind"]), str(before["reason"])
    await deps.blocked.put(row.target, kind, reason=was, until=before["until"], by=by, why=reason)
    return True


async def _unit_rule(deps: WebDeps, row: AuditRow, before: Before, by: str, reason: str) -> bool:
    if deps.casework is None:
        return False
    book = deps.casework.dispatch.book
    if before is None:
        await book.remove_rule(row.target, by=by, reason=reason)
    else:
        stands = row.target if row.detail.get("after") is not None else ""
        await book.put_rule(
            {name: str(one) for name, one in before.items()}, by=by, reason=reason, replaces=stands
        )
    return True


async def _template(deps: WebDeps, row: AuditRow, before: Before, by: str, reason: str) -> bool:
    standing = {one.template_id: one for one in await deps.desk.templates.all()}.get(row.target)
    if standing is None:
        return False
    if before is None:  # it was new: nobody is offered it any more
        wanted = replace(standing, active=False)
    else:
        told = {**before, "template_id": row.target, "version": standing.version}
        wanted = msgspec.convert(told, Template)
    await change_template(deps, wanted, by=by, reason=reason)
    return True


async def _webhook(deps: WebDeps, row: AuditRow, before: Before, by: str, reason: str) -> bool:
    if deps.systems is None or before is None or await deps.systems.webhooks.find(row.target) is None:
        return False
    await deps.systems.webhooks.switch(row.target, active=bool(before["active"]), by=by, reason=reason)
    return True


_WAYS: Mapping[str, PutBack] = MappingProxyType(
    {
        "alert_rule_changed": _alert_rule,
        "alert_rule_removed": _alert_rule,
        "number_blocked": _number,
        "number_unblocked": _number,
        "unit_rule_put": _unit_rule,
        "unit_rule_removed": _unit_rule,
        "template_changed": _template,
        "webhook_paused": _webhook,
        "webhook_resumed": _webhook,
    }
)


def returnable(row: AuditRow) -> bool:
    """Tell whether what a line changed can be put back; lines from before `before` was kept cannot."""
    if row.what not in _WAYS or "before" not in row.detail:
        return False
    return row.detail["before"] is not None or row.detail.get("after") is not None


async def put_back(deps: WebDeps, row: AuditRow, *, by: str, reason: str) -> None:
    """Put back what was before this line. Raises ApiError 404, 409 in words for people."""
    before = row.detail["before"]
    if before is not None and not isinstance(before, Mapping):
        raise ApiError(409, "refused", "这项变更不能在这里恢复")
    try:
        done = await _WAYS[row.what](deps, row, before, by, reason)
    except (OrderError, RuleRefused, NumberRefused) as error:
        raise ApiError(409, "refused", f"不能恢复：{error.shown}") from None
    except (msgspec.ValidationError, KeyError, ValueError):
        raise ApiError(409, "refused", "不能恢复：当时的内容已不符合现在的格式") from None
    if not done:
        raise ApiError(404, "not_found", "对象已不存在，无法恢复")
