"""The parts of return visits, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from acd.phone_numbers import read_number
from cti.call import Call
from cti.calls import CallStore
from cti.control.callback_dialling import Dialler
from cti.control.calls import Calls
from cti.control.captions import Captions
from cti.control.dispatch import Dispatch
from cti.control.telephony import Telephony
from cti.control.visit_book import VisitBook
from cti.control.visit_desk import Orders, VisitDesk
from cti.control.visit_policies import VisitPolicies
from cti.control.visit_rounds import VisitRounds
from cti.control.visits import Visits
from cti.errors import SettingError
from cti.ports import Pages
from cti.settings import Settings
from cti.visit_store import VisitStore
from orders.visit_policy import SHIPPED, VisitPolicyError

__all__ = ["VisitParts", "compose", "redis_claims"]

log = logging.getLogger(__name__)

CLAIM_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitParts:
    """What others hold of return visits."""

    visits: Visits  # told by switchboard, lines and calls
    rounds: VisitRounds  # started and stopped with the server
    desk: VisitDesk  # asked by people
    store: VisitStore  # lists and histories
    enabled: bool  # whether the robot calls anybody

    def attach(self, calls: Calls) -> None:
        """Hear what becomes of calls, after whoever hears it already."""
        was_answered, was_ended = calls.on_answered, calls.on_ended

        def answered(call: Call) -> None:
            was_answered(call)
            self.visits.answered(call)

        def ended(call: Call) -> None:
            was_ended(call)
            self.visits.ended(call)

        calls.on_answered, calls.on_ended = answered, ended

    def start(self) -> None:
        """Begin to call citizens, if that is switched on."""
        if self.enabled:
            self.rounds.start()

    async def stop(self) -> None:
        """Begin no more calls."""
        await self.rounds.stop()


def redis_claims(redis: Redis, prefix: str, server: str) -> Callable[[str, float], Awaitable[bool]]:
    """The right to dial, as a key that expires: one server has it, none while Redis is away."""

    async def claim(visit_id: str, seconds: float) -> bool:
        try:
            async with asyncio.timeout(CLAIM_S):
                return bool(
                    await redis.set(f"{prefix}visit:{visit_id}", server, nx=True, px=int(1000 * seconds))
                )
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("visit not claimed", extra={"reason": type(error).__name__})
            return False

    return claim


async def _alone(_visit_id: str, _seconds: float) -> bool:
    return True


def compose(
    *,
    settings: Settings,
    calls: Calls,
    dispatch: Dispatch,
    telephony: Telephony,
    dialler: Dialler,
    pages: Pages,
    captions: Callable[[], Captions],
    store: VisitStore,
    call_store: CallStore,
    orders: Orders,
    blocked: Callable[[str], Awaitable[bool]],
    asks: Callable[[], bool],
    leads: Callable[[], bool],
    redis: Redis,
) -> VisitParts:
    """Put them together; `asks` tells whether the flow is there, `leads` whether this server dials.

    Raises SettingError.
    """
    given = settings.visits
    file = Path(given.policy) if given.policy else SHIPPED
    try:
        policies = VisitPolicies(file, most_at_once=given.most_at_once, metrics=calls.metrics)
    except VisitPolicyError as error:
        raise SettingError("visits.policy", given.policy, str(error)) from error
    area = settings.callbacks.area_code
    visits = Visits(
        book=VisitBook(calls=calls, server=settings.name),
        calls=calls,
        pages=pages,
        stored=store.get,
        order=orders.get,
        captions=lambda call_id: captions().of_call(call_id),
        policy=lambda: policies.policy,
        beside=telephony.beside,
    )
    alone = len(settings.servers) < 2
    rounds = VisitRounds(
        visits=visits,
        policies=policies,
        calls=calls,
        dispatch=dispatch,
        dialler=dialler,
        store=store,
        order=orders.get,
        call_record=call_store.call,
        blocked=blocked,
        read_number=lambda number: read_number(number, area_code=area).number,
        claim=_alone if alone else redis_claims(redis, settings.prefix, settings.name),
        leads=lambda: alone or leads(),
        able=asks,
        beside=telephony.beside,
    )
    desk = VisitDesk(
        visits=visits,
        calls=calls,
        store=store,
        orders=orders,
        read_number=lambda number: read_number(number, area_code=area),
        policy=lambda: policies.policy,
        enabled=given.enabled,
    )
    return VisitParts(visits=visits, rounds=rounds, desk=desk, store=store, enabled=given.enabled)
