"""What other systems use, put together with how calls and orders are told over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.calls import CallStore
from cti.secrets import Secrets
from cti.settings import Settings
from cti.systems import Systems
from cti.systems import compose as put_together
from cti.web.calls import call_body
from cti.web.orders import order_body
from cti.web.veils import SYSTEM, looking, veil_of
from orders.confidential import Confidential
from orders.errors import UnknownOrder
from orders.privacy import NOTHING, Datum, PrivacyPolicy, Secrecy, masked_number
from orders.privacy_file import shipped_privacy
from orders.store import OrderStore

__all__ = ["compose"]


def compose(
    settings: Settings,
    engine: AsyncEngine,
    secrets: Secrets,
    *,
    calls: CallStore,
    orders: OrderStore,
    leads: Callable[[], bool],
    privacy: Callable[[], PrivacyPolicy] | None = None,
) -> Systems:
    """Put them together; webhooks tell a call and an order as the HTTP API does, without personal data."""
    confidential = Confidential(engine)

    async def call(call_id: str) -> object:
        found = await calls.call(call_id)
        if found is None:
            return None
        policy = shipped_privacy() if privacy is None else privacy()
        secret = bool(await confidential.calls([call_id]))
        rule = policy.rules.get((SYSTEM.role, Secrecy.CONFIDENTIAL if secret else Secrecy.PUBLIC), NOTHING)
        covered = Datum.CALLER in rule.covered and found.caller
        return call_body(found, {call_id: masked_number(found.caller)} if covered else None)

    async def order(order_id: str) -> object:
        try:
            found = await orders.get(order_id)
        except UnknownOrder:
            return None
        with looking(None if privacy is None else privacy(), SYSTEM):
            course = veil_of(found).tree(msgspec.to_builtins(found.draft.course))
            return {**order_body(found), "course": course}

    return put_together(settings, engine, secrets, call=call, order=order, leads=leads)
