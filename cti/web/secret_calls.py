"""Calls of confidential orders (举报保密): their numbers, sound and words are covered like the orders are."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from aiohttp import web

from cti.call_records import CallRecord
from cti.web.answers import ApiError
from cti.web.guard import DEPS, person_of
from cti.web.veils import veil_of, viewer
from orders.privacy import NOTHING, Datum, Secrecy, masked_number

__all__ = ["check_by_number", "check_heard", "covered_numbers", "open_calls", "secret_calls", "secret_orders"]


LONG_NUMBER = 7
"""So many digits of what is looked for may be a telephone number."""


async def secret_calls(request: web.Request, call_ids: Collection[str]) -> frozenset[str]:
    """Return those of the calls whose citizen whoever asks is not shown."""
    casework = request.app[DEPS].casework
    if casework is None or not call_ids:
        return frozenset()
    rule = casework.privacy.rules.get((viewer().role, Secrecy.CONFIDENTIAL), NOTHING)
    if Datum.CALLER not in rule.covered:
        return frozenset()
    return await casework.confidential.calls(call_ids, but_for=person_of(request).login)


async def secret_orders(request: web.Request, order_ids: Collection[str]) -> frozenset[str]:
    """Return those of the orders whose citizen's number whoever asks is not shown."""
    casework = request.app[DEPS].casework
    if casework is None or not order_ids:
        return frozenset()
    rules, role = casework.privacy.rules, viewer().role
    if Datum.PHONE in rules.get((role, Secrecy.PUBLIC), NOTHING).covered:
        return frozenset(order_ids)
    if Datum.PHONE not in rules.get((role, Secrecy.CONFIDENTIAL), NOTHING).covered:
        return frozenset()
    return await casework.confidential.orders(order_ids)


async def covered_numbers(request: web.Request, calls: Iterable[CallRecord]) -> dict[str, str]:
    """Return call id -> the number as whoever asks is shown it, of each call whose number is covered.

    Other systems are shown numbers of calls only with the scope persons:read.
    """
    given = list(calls)
    secret = await secret_calls(request, [call.call_id for call in given])
    plain = _plain(request)
    return {
        call.call_id: masked_number(call.caller) if call.caller else ""
        for call in given
        if not plain or call.call_id in secret
    }


def _plain(request: web.Request) -> bool:
    """Whether whoever asks is shown numbers of calls at all."""
    casework = request.app[DEPS].casework
    if casework is None:
        return True
    rule = casework.privacy.rules.get((viewer().role, Secrecy.PUBLIC), NOTHING)
    return Datum.CALLER not in rule.covered


def check_by_number(request: web.Request, *, caller: str, text: str) -> None:
    """Let nobody find calls by a number who is not shown numbers. Raises ApiError 403.

    `caller` is looked for among the callers, `text` in what was said: numbers are spelt out there, too.
    """
    if _plain(request):
        return
    is_number = sum(character.isdigit() for character in text) >= LONG_NUMBER
    if caller or is_number:
        raise ApiError(403, "forbidden", "您看不到号码，不能按号码查询", field="caller" if caller else "text")


async def open_calls(request: web.Request, calls: Iterable[CallRecord]) -> list[CallRecord]:
    """Return the calls without those that must not be found by their number or their words."""
    given = list(calls)
    secret = await secret_calls(request, [call.call_id for call in given])
    return [call for call in given if call.call_id not in secret]


async def check_heard(request: web.Request, call_id: str) -> None:
    """Let sound and words of a confidential order's call be told only to who gave a reason a short time ago.

    Raises ApiError 403.
    """
    deps = request.app[DEPS]
    if deps.casework is None or call_id not in await secret_calls(request, [call_id]):
        return
    login = person_of(request).login
    for order in await deps.orders.by_call(call_id):
        if veil_of(order).recording:
            continue
        given = await deps.casework.accesses.unmasked(
            login, order.draft.order_id, deps.casework.privacy.open_s
        )
        if Datum.RECORDING.value not in given:
            raise ApiError(
                403, "masked", "这通电话属于保密工单，请先在工单中填写原因查看完整信息",
                more={"order_id": order.draft.order_id},
            )  # fmt: skip
